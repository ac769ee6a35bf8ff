/* Bring the code that says what memory type a page of EPT gets.
 *
 * A hypervisor that hands the machine's memory to its guest as it is takes the
 * types from the MTRRs: with EPT in use they have no effect on a guest's
 * accesses (29.3.7), so what they say has to be in the entries. C99, also C++.
 * Your code defines one function, and stands, once, in a source file:
 *
 *   EPTDIFF_MTRR_DEFINE_ABI;
 *
 * Build it as a shared object, and `eptdiff check ./libmine.so` asks for pages
 * under MTRRs of all kinds, and compares with the SDM (volume 3A, 12.11).
 */
#ifndef EPTDIFF_MTRR_H_
#define EPTDIFF_MTRR_H_

#include "eptdiff_target.h"

#define EPTDIFF_MTRR_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

/* Which version of this header the code was compiled with. */
extern EPTDIFF_TARGET_EXPORT const uint32_t eptdiff_mtrr_abi;
#define EPTDIFF_MTRR_DEFINE_ABI \
  const uint32_t eptdiff_mtrr_abi = EPTDIFF_MTRR_ABI

#define EPTDIFF_MTRR_FIXED 11
#define EPTDIFF_MTRR_VARIABLE 10

/* The machine's MTRRs, as RDMSR reads them. */
typedef struct eptdiff_mtrrs {
  uint32_t size; /* of this structure, set by the harness */
  uint32_t maxphyaddr;
  uint64_t cap;      /* IA32_MTRRCAP, FEH */
  uint64_t def_type; /* IA32_MTRR_DEF_TYPE, 2FFH */
  /* IA32_MTRR_FIX64K_00000 (250H), FIX16K_80000 and FIX16K_A0000 (258H, 259H),
   * FIX4K_C0000 to FIX4K_F8000 (268H to 26FH). */
  uint64_t fixed[EPTDIFF_MTRR_FIXED];
  /* IA32_MTRR_PHYSBASEn and IA32_MTRR_PHYSMASKn, 200H + 2n and 201H + 2n; as
   * many as bits 7:0 of IA32_MTRRCAP say. */
  struct {
    uint64_t base, mask;
  } variable[EPTDIFF_MTRR_VARIABLE];
} eptdiff_mtrrs;

/* Answers beside the memory types (0 UC, 1 WC, 4 WT, 5 WP, 6 WB): no page of
 * this size, but smaller ones, since their types differ; ... */
#define EPTDIFF_MTRR_SMALLER_PAGES 8u
/* ... none of this size ever, or not there. It is not judged. */
#define EPTDIFF_MTRR_NO_SUCH_PAGE 9u

/* The memory type of a page of `bytes` (4 KBytes, 2 MBytes, 1 GByte), that maps
 * host memory from `hpa` on, a multiple of its size: bits 5:3 of its entry. */
EPTDIFF_TARGET_EXPORT uint32_t eptdiff_memory_type(const eptdiff_mtrrs* mtrrs,
                                                   uint64_t hpa,
                                                   uint64_t bytes);

/* What RDMSR gives, for a stub of it: of an MSR that is none of these, 0. */
static inline uint64_t eptdiff_mtrrs_read(const eptdiff_mtrrs* mtrrs,
                                          uint32_t msr) {
  if (msr == 0xfe) return mtrrs->cap;
  if (msr == 0x2ff) return mtrrs->def_type;
  if (msr == 0x250) return mtrrs->fixed[0];
  if (msr == 0x258 || msr == 0x259) return mtrrs->fixed[1 + (msr - 0x258)];
  if (msr >= 0x268 && msr <= 0x26f) return mtrrs->fixed[3 + (msr - 0x268)];
  if (msr >= 0x200 && msr < 0x200 + 2 * EPTDIFF_MTRR_VARIABLE) {
    const uint32_t n = (msr - 0x200) / 2;
    return (msr & 1) != 0 ? mtrrs->variable[n].mask : mtrrs->variable[n].base;
  }
  return 0;
}

#ifdef __cplusplus
}
#endif

#endif /* EPTDIFF_MTRR_H_ */
