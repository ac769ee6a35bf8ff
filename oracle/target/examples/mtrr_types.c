/* Memory types for an identity map, as a hypervisor might take them from the
 * MTRRs; right, unless EPTDIFF_EXAMPLE_BUG names a mistake. All of these are
 * hypervisors'. */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_mtrr.h"

EPTDIFF_MTRR_DEFINE_ABI;

enum { UC = 0, WT = 4, WB = 6, NONE = 0xff };

static const eptdiff_mtrrs* machine;

static uint64_t rdmsr(uint32_t msr) { return eptdiff_mtrrs_read(machine, msr); }

static int has_bug(const char* name) {
  const char* bug = getenv("EPTDIFF_EXAMPLE_BUG");
  return bug != NULL && strcmp(bug, name) == 0;
}

static unsigned fixed_type(uint64_t hpa) {
  uint32_t msr = 0x250;
  uint64_t field = hpa / 0x10000;
  if (hpa >= 0xc0000) {
    field = (hpa - 0xc0000) / 0x1000;
    msr = 0x268 + (uint32_t)(field / 8);
  } else if (hpa >= 0x80000) {
    field = (hpa - 0x80000) / 0x4000;
    msr = 0x258 + (uint32_t)(field / 8);
  }
  return rdmsr(msr) >> 8 * (field % 8) & 0xff;
}

/* Of two ranges that overlap. */
static unsigned stronger(unsigned one, unsigned other) {
  if (one == NONE) return other;
  if (has_bug("last-range-wins")) return other;
  if (one == UC || other == UC) return UC;
  if (has_bug("write-through-loses") && one == WT) return other;
  return one == WT || other == WT ? WT : one;
}

static unsigned type_of(uint64_t hpa) {
  const uint64_t def_type = rdmsr(0x2ff);
  const uint64_t width = (UINT64_C(1) << machine->maxphyaddr) - 1;
  unsigned type = NONE;
  uint32_t i;
  int fixed;
  if (!(def_type & 1 << 11) && !has_bug("enable-unread")) return UC;
  fixed = (def_type & 1 << 10) && (rdmsr(0xfe) & 1 << 8);
  if (has_bug("fixed-unread")) fixed = 0;
  if (has_bug("fixed-enable-unread")) fixed = 1;
  if (hpa < 0x100000 && fixed) return fixed_type(hpa);
  for (i = 0; i < (rdmsr(0xfe) & 0xff); ++i) {
    const uint64_t base = rdmsr(0x200 + 2 * i);
    const uint64_t mask = rdmsr(0x201 + 2 * i);
    if (!(mask & 1 << 11) && !has_bug("valid-unread")) continue;
    if (((hpa ^ base) & mask & width & ~UINT64_C(0xfff)) != 0) continue;
    type = stronger(type, base & 7);
  }
  if (type != NONE) return type;
  return has_bug("default-unread") ? WB : def_type & 0xff;
}

uint32_t eptdiff_memory_type(const eptdiff_mtrrs* mtrrs, uint64_t hpa,
                             uint64_t bytes) {
  unsigned type;
  uint64_t page;
  machine = mtrrs;
  if (hpa >= UINT64_C(0x100000000)) {
    if (has_bug("aborts")) abort();
    while (has_bug("hangs")) continue;
  }
  if (bytes > 0x200000) return EPTDIFF_MTRR_NO_SUCH_PAGE;
  type = type_of(hpa);
  if (has_bug("large-page-by-first-byte")) return type;
  for (page = hpa; page < hpa + bytes; page += 0x1000) {
    if (type_of(page) != type) return EPTDIFF_MTRR_SMALLER_PAGES;
  }
  return type;
}
