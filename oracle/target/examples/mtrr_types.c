/* Memory types as hypervisors take them from the MTRRs: for an identity map,
 * and by a policy (POLICY) for the pages of a guest that has MTRRs of its own;
 * right, unless EPTDIFF_EXAMPLE_BUG names a mistake. All of these are
 * hypervisors'. */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_mtrr.h"

EPTDIFF_MTRR_DEFINE_ABI;

#ifndef POLICY
#define POLICY EPTDIFF_RAM_WRITE_BACK
#endif
EPTDIFF_PAGE_POLICY(POLICY);

enum { UC = 0, WT = 4, WB = 6, NONE = 0xff };
enum { IGNORE_PAT = 1 << 6 };

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

/* Accesses from outside of SMM are UC there, and reach nothing. */
static int is_smram(uint64_t hpa) {
  const uint64_t base = rdmsr(0x1f2), mask = rdmsr(0x1f3);
  return (rdmsr(0xfe) & 1 << 11) && (mask & 1 << 11) && hpa >> 32 == 0 &&
         ((hpa ^ base) & mask & UINT64_C(0xfffff000)) == 0;
}

static unsigned type_of(uint64_t hpa) {
  const uint64_t def_type = rdmsr(0x2ff);
  const uint64_t width = (UINT64_C(1) << machine->maxphyaddr) - 1;
  unsigned type = NONE;
  uint32_t i;
  int fixed;
  if (is_smram(hpa)) return has_bug("smram-as-in-smm") ? rdmsr(0x1f2) & 7 : UC;
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

/* A type, or EPTDIFF_MTRR_SMALLER_PAGES. */
static uint32_t type_of_all(const eptdiff_mtrrs* mtrrs, uint64_t address,
                            uint64_t bytes) {
  unsigned type;
  uint64_t page;
  machine = mtrrs;
  type = type_of(address);
  if (has_bug("large-page-by-first-byte")) return type;
  for (page = address; page < address + bytes; page += 0x1000) {
    if (type_of(page) != type) return EPTDIFF_MTRR_SMALLER_PAGES;
  }
  return type;
}

uint32_t eptdiff_memory_type(const eptdiff_mtrrs* mtrrs, uint64_t hpa,
                             uint64_t bytes) {
  if (hpa >= UINT64_C(0x100000000)) {
    if (has_bug("aborts")) abort();
    while (has_bug("hangs")) continue;
  }
  if (bytes > 0x200000) return EPTDIFF_MTRR_NO_SUCH_PAGE;
  return type_of_all(mtrrs, hpa, bytes);
}

/* Of memory that is of one type for the guest and of another for the machine.
 */
static unsigned of_both(unsigned guests, unsigned machines) {
  if (guests == machines || machines == WB) return guests;
  if (guests == WB || has_bug("machine-wins")) return machines;
  return UC;
}

/* While the guest's paging is off, the PAT has WB for it. */
static int pat_counts(const eptdiff_page* page) {
  return page->guest_cr0 >> 31 & 1 || has_bug("paging-unread");
}

uint32_t eptdiff_page_type(const eptdiff_page* page) {
  const uint32_t ram = POLICY & 0xff;
  const int as_guest =
      ram == EPTDIFF_RAM_AS_GUEST || (page->flags & EPTDIFF_PAGE_IS_UNSNOOPED);
  uint32_t type, other;
  if (page->bytes > 0x200000) return EPTDIFF_PAGE_NO_SUCH_PAGE;
  if (page->flags & EPTDIFF_PAGE_IS_DEVICE && !has_bug("device-as-ram")) {
    return UC << 3;
  }
  if (ram == EPTDIFF_RAM_WRITE_BACK &&
      (!as_guest || has_bug("unsnooped-unread"))) {
    return WB << 3 | (has_bug("pat-of-host-ram") ? 0 : IGNORE_PAT);
  }
  if (!(POLICY & EPTDIFF_CD_IS_THE_GUESTS) && page->guest_cr0 & 1u << 30 &&
      !(POLICY & EPTDIFF_CD_IN_PAT && pat_counts(page)) &&
      !has_bug("cache-disable-unread")) {
    return UC << 3 | (has_bug("pat-while-cache-disabled") ? 0 : IGNORE_PAT);
  }
  if (ram == EPTDIFF_RAM_AS_MACHINE) {
    type = type_of_all(page->host, page->hpa, page->bytes);
  } else {
    type = type_of_all(page->guest, page->gpa, page->bytes);
  }
  if (POLICY & EPTDIFF_AND_MACHINE && type < EPTDIFF_MTRR_SMALLER_PAGES) {
    other = type_of_all(page->host, page->hpa, page->bytes);
    type = other < EPTDIFF_MTRR_SMALLER_PAGES ? of_both(type, other) : other;
  }
  if (type == EPTDIFF_MTRR_SMALLER_PAGES) return EPTDIFF_PAGE_SMALLER_PAGES;
  return type << 3 | (has_bug("pat-ignored") ? IGNORE_PAT : 0);
}
