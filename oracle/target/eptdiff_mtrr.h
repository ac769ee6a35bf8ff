/* Bring the code that says what memory type a page of EPT gets.
 *
 * A hypervisor that hands the machine's memory to its guest as it is takes the
 * types from the MTRRs: with EPT in use they have no effect on a guest's
 * accesses (29.3.7), so what they say has to be in the entries. Another gives
 * each page what its policy has, by the guest's own MTRRs, its CR0.CD, the
 * devices that it was given. C99, also C++. Your code defines
 * eptdiff_memory_type(), or eptdiff_page_type() with EPTDIFF_PAGE_POLICY(), or
 * both; and, once, in a source file:
 *
 *   EPTDIFF_MTRR_DEFINE_ABI;
 *
 * Build it as a shared object, and `eptdiff check ./libmine.so` asks for pages
 * under MTRRs of all kinds, and compares with the SDM (volume 3A, 12.11;
 * 29.3.7.2).
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
  /* IA32_SMRR_PHYSBASE and IA32_SMRR_PHYSMASK (1F2H, 1F3H), if bit 11 of
   * IA32_MTRRCAP is 1. */
  struct {
    uint64_t base, mask;
  } smrr;
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

/* A page that a guest gets. */
typedef struct eptdiff_page {
  uint32_t size;              /* of this structure, set by the harness */
  uint32_t flags;             /* EPTDIFF_PAGE_... */
  const eptdiff_mtrrs* host;  /* the machine's: of host-physical addresses */
  const eptdiff_mtrrs* guest; /* the guest's own: of guest-physical ones */
  /* Bits 5 and 0 are 1, bit 31 (PG) mostly, bit 30 (CD) may be. */
  uint64_t guest_cr0;
  uint64_t gpa, hpa, bytes; /* each a multiple of `bytes` */
} eptdiff_page;
/* It is memory of a device (MMIO), not RAM. */
#define EPTDIFF_PAGE_IS_DEVICE 1u
/* The guest has a device whose accesses to memory do not snoop caches. */
#define EPTDIFF_PAGE_IS_UNSNOOPED 2u

/* What decides about RAM, as your hypervisor means it: */
/* the machine's MTRRs and the guest's PAT, for who has its memory as it is; */
#define EPTDIFF_RAM_AS_MACHINE 0u
/* nothing: the host has it mapped, too, and write-back, so it is WB, and the
 * guest's PAT does not count (3A 12.12.4), unless the guest has a device as
 * above: then as next; */
#define EPTDIFF_RAM_WRITE_BACK 1u
/* the guest's MTRRs, CR0.CD and PAT. */
#define EPTDIFF_RAM_AS_GUEST 2u
/* And, or-ed to it: while the guest runs, CR0.CD is the guest's. Then the
 * processor makes all UC by itself; otherwise the entries have to. */
#define EPTDIFF_CD_IS_THE_GUESTS 0x100u
/* Or, instead: while the guest's CR0.CD is 1, the processor's PAT is UC
 * throughout. That makes UC what an entry lets the PAT have a say in, if the
 * guest's paging is on (29.3.7.2). */
#define EPTDIFF_CD_IN_PAT 0x400u
/* Or, or-ed to the second or third: the guest's MTRRs and CR0.CD have no
 * effect, as if its MTRRs made all memory WB; where they counted its PAT alone
 * does. */
#define EPTDIFF_PAT_ALONE 0x200u
/* Or, instead of the former: where the guest's MTRRs decide, the
 * machine's do, too. Memory is UC if one of them says so, otherwise what 3A
 * table 12-7 has of the two: WB leaves it to the other, WT and WB are WT. Of WC
 * with WT or WP, and of WT with WP, it depends on which is taken for the PAT's:
 * either is right, and UC. */
#define EPTDIFF_AND_MACHINE 0x800u

/* EPTDIFF_PAGE_POLICY(EPTDIFF_RAM_WRITE_BACK); once, in a source file. */
#define EPTDIFF_PAGE_POLICY(policy) \
  const uint32_t eptdiff_page_policy = (policy)
extern EPTDIFF_TARGET_EXPORT const uint32_t eptdiff_page_policy;

/* Bits 6:3 of the page's entry, where they stand there (30H: WB; 70H: WB, and
 * the PAT ignored), or one of the answers below, which no entry is. */
#define EPTDIFF_PAGE_SMALLER_PAGES 0x100u
#define EPTDIFF_PAGE_NO_SUCH_PAGE 0x101u
EPTDIFF_TARGET_EXPORT uint32_t eptdiff_page_type(const eptdiff_page* page);

/* What RDMSR gives, for a stub of it: of an MSR that is none of these, 0. */
static inline uint64_t eptdiff_mtrrs_read(const eptdiff_mtrrs* mtrrs,
                                          uint32_t msr) {
  if (msr == 0xfe) return mtrrs->cap;
  if (msr == 0x2ff) return mtrrs->def_type;
  if (msr == 0x250) return mtrrs->fixed[0];
  if (msr == 0x258 || msr == 0x259) return mtrrs->fixed[1 + (msr - 0x258)];
  if (msr >= 0x268 && msr <= 0x26f) return mtrrs->fixed[3 + (msr - 0x268)];
  if (msr == 0x1f2) return mtrrs->smrr.base;
  if (msr == 0x1f3) return mtrrs->smrr.mask;
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
