#include "ept/walk.h"

#define EPT_READ 1u
#define EPT_WRITE 2u
#define EPT_EXECUTE 4u
#define EPT_RIGHTS 7u
#define EPT_TYPE(entry) ((entry) >> 3 & 7)
#define EPT_LARGE 0x80u
#define EPT_ADDRESS 0x000ffffffffff000ull

static uint64_t below(unsigned bits) { return (1ull << bits) - 1; }

static bool is_leaf(uint64_t entry, int level) {
  return level == 1 || (level < 4 && (entry & EPT_LARGE));
}

static uint64_t reserved_bits(uint64_t entry, int level, unsigned shift) {
  uint64_t reserved = EPT_ADDRESS & ~below(ept_physical_bits);

  if (!is_leaf(entry, level))
    return reserved | (level == 4 ? 0xf8 : 0x78);
  return reserved | (below(shift) & ~below(12));
}

static bool is_misconfigured(uint64_t entry, int level, unsigned shift) {
  const unsigned type = EPT_TYPE(entry);

  if (!(entry & EPT_READ) && (entry & EPT_WRITE))
    return true;
  if (!(entry & EPT_READ) && !ept_has_execute_only)
    return true;
  if (entry & reserved_bits(entry, level, shift))
    return true;
  if (!is_leaf(entry, level))
    return false;
  if (level == 3 && !ept_has_1gb_pages)
    return true;
  if (level == 2 && !ept_has_2mb_pages)
    return true;
  return type == 2 || type == 3 || type == 7;
}

enum ept_fault ept_walk(uint64_t eptp, uint64_t gpa, unsigned needed,
                        struct ept_walk *walk) {
  uint64_t table = eptp & EPT_ADDRESS;
  int level;

  walk->rights = 0;
  if (gpa >> 48)
    return EPT_VIOLATION;
  walk->rights = EPT_RIGHTS;
  for (level = 4;; level--) {
    const unsigned shift = 12 + 9 * (level - 1);
    const uint64_t entry = map_table(table)[gpa >> shift & 511];

    walk->rights &= entry;
    if (!(entry & EPT_RIGHTS))
      return EPT_VIOLATION;
    if (is_misconfigured(entry, level, shift))
      return EPT_MISCONFIGURED;
    table = entry & EPT_ADDRESS;
    if (is_leaf(entry, level)) {
      walk->shift = shift;
      walk->hpa = table | (gpa & below(shift));
      return (walk->rights & needed) == needed ? EPT_OK : EPT_VIOLATION;
    }
  }
}
