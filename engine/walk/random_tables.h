// Random tables of all shapes, for tests that ask the same twice.
// Thread-safety: plain functions.
#ifndef EPTDIFF_ENGINE_WALK_RANDOM_TABLES_H_
#define EPTDIFF_ENGINE_WALK_RANDOM_TABLES_H_

#include <cstdint>
#include <random>

#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/test_machine.h"

namespace eptdiff {

// Memory of which nothing can be prefetched, with a hole in the middle.
class OnlyWords {
 public:
  explicit OnlyWords(const FlatMemory& memory) : memory_(memory) {}
  bool Load(Hpa address, std::uint64_t& word) const {
    return address.value >> 12 != 6 && memory_.Load(address, word);
  }
  bool Store(Hpa, std::uint64_t) { return false; }
  bool CompareExchange(Hpa, std::uint64_t, std::uint64_t) { return false; }

 private:
  FlatMemory memory_;
};
// An entry of a table in which most map pages of `size` one after the other, of
// which the last one is `last`, or, if it is 0, most refer to other tables.
inline std::uint64_t RandomEntry(std::mt19937_64& random, std::uint64_t size,
                                 std::uint64_t last) {
  const std::uint64_t table = (1 + random() % 7) << 12 | 0x307;
  const std::uint64_t page = random() & ((std::uint64_t{1} << 46) - size);
  const std::uint64_t large = size > 0x1000 ? 0x80 : 0;
  if (random() % 8 != 0) return size == 0 ? table : last + size;
  switch (random() % 8) {
    case 0:
      return 0;
    case 1:
      return last ^ std::uint64_t{1} << random() % 64;
    case 2:
      return table & ~(random() % 8);
    case 3:
      return table;
    case 4:  // up to the end of what there can be
      return ((std::uint64_t{1} << 46) - size * (1 + random() % 4)) | large |
             0x337;
    case 5:
      return page | large | 0x307 | (random() % 16) << 3;
    default:
      return page | large | 0x337;
  }
}

// Tables at 1000H to 7000H, which refer to one another and to pages, of a
// machine with this or that switched on.
inline TestMachine RandomTables(std::mt19937_64& random) {
  TestMachine m;
  if (random() % 2 == 0) m.EnableFiveLevels();
  if (random() % 2 == 0) m.EnableAccessDirty();
  if (random() % 4 == 0) m.EnableMbec();
  if (random() % 4 == 0) m.EnableShadowStackControl();
  if (random() % 4 == 0) m.guest.cr0 |= std::uint64_t{1} << 30;  // CD
  m.guest.pat = 0x0007050100070406;
  if (random() % 8 == 0) m.processor.ept_vpid_cap &= ~(3ull << 16);
  for (std::uint64_t table = 0x1000; table < 0x8000; table += 0x1000) {
    constexpr std::uint64_t kSizes[] = {0, 0x1000, 0x200000, 0x40000000};
    const std::uint64_t size = table == 0x1000 ? 0 : kSizes[random() % 4];
    std::uint64_t last = 0;
    for (std::uint64_t address = table; address < table + 0x1000;
         address += 8) {
      last = RandomEntry(random, size, last);
      m.At(address) = last;
    }
  }
  return m;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_WALK_RANDOM_TABLES_H_
