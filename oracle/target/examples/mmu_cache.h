/* What the MMU of caching_mmu.c keeps of translations, and what ends it: the
 * mappings that SDM 29.4 calls combined, whole translations and
 * paging-structure entries, by VPID, PCID and EPTRTA, and by logical processor.
 * mmu_cache.c is how. */
#ifndef MMU_CACHE_H_
#define MMU_CACHE_H_

#include "oracle/target/eptdiff_target.h"

/* The mistakes that EPTDIFF_EXAMPLE_BUG in the environment chooses from. */
#define FOR_EACH_BUG(BUG)                                       \
  BUG(VPID_IGNORED, "vpid-ignored")                             \
  BUG(PCID_IGNORED, "pcid-ignored")                             \
  BUG(EPTRTA_IGNORED, "eptrta-ignored")                         \
  BUG(ABSENT_KEPT, "guest-not-present-remembered")              \
  BUG(ACCESSED_LATE, "kept-without-accessed-flag")              \
  BUG(DIRTY_LATE, "dirty-flag-not-set-on-a-hit")                \
  BUG(VIOLATION, "violation-ends-nothing")                      \
  BUG(INVEPT, "invept-leaves-combined-mappings")                \
  BUG(ADDRESS, "invvpid-address-ends-nothing")                  \
  BUG(ADDRESS_PART, "invvpid-ends-one-part-of-a-large-page")    \
  BUG(ADDRESS_UPPER, "invvpid-address-leaves-upper-levels")     \
  BUG(SINGLE, "invvpid-single-ends-nothing")                    \
  BUG(SINGLE_GLOBAL, "invvpid-single-leaves-globals")           \
  BUG(ALL_CURRENT, "invvpid-all-ends-the-current-vpid-alone")   \
  BUG(RETAINING, "invvpid-retaining-ends-nothing")              \
  BUG(RETAINING_UPPER, "invvpid-retaining-leaves-upper-levels") \
  BUG(VPID_0, "invvpid-accepts-vpid-0")                         \
  BUG(INVLPG_NOTHING, "invlpg-ends-nothing")                    \
  BUG(INVLPG_PART, "invlpg-ends-one-part-of-a-large-page")      \
  BUG(INVLPG_UPPER, "invlpg-leaves-upper-levels")               \
  BUG(INVLPG_PATH, "invlpg-ends-upper-levels-of-its-address")   \
  BUG(INVLPG_GLOBAL, "invlpg-leaves-globals")                   \
  BUG(INVLPG_DIRTY, "invlpg-leaves-dirty-pages")                \
  BUG(INVLPG_PCID_0, "invlpg-ends-pcid-0")                      \
  BUG(INVPCID_NOTHING, "invpcid-ends-nothing")                  \
  BUG(INVPCID_CURRENT, "invpcid-ends-the-current-pcid")         \
  BUG(INVPCID_GLOBAL, "invpcid-all-leaves-globals")             \
  BUG(INVPCID_PART, "invpcid-ends-one-part-of-a-large-page")    \
  BUG(CR3_NOTHING, "mov-cr3-ends-nothing")                      \
  BUG(CR3_OLD, "mov-cr3-ends-the-old-pcid")                     \
  BUG(CR3_UPPER, "mov-cr3-leaves-upper-levels")                 \
  BUG(CR3_63, "mov-cr3-never-ends-with-pcids")                  \
  BUG(CR4_NOTHING, "mov-cr4-ends-nothing")                      \
  BUG(CR4_GLOBAL, "mov-cr4-leaves-globals")                     \
  BUG(TRANSITION, "vm-entry-without-vpid-ends-nothing")         \
  BUG(FAULT, "page-fault-ends-nothing")                         \
  BUG(FAULT_UPPER, "page-fault-leaves-upper-levels")            \
  BUG(FAULT_GLOBAL, "page-fault-leaves-globals")                \
  BUG(GUEST_PHYSICAL, "guest-physical-mappings-undeclared")

enum bug {
#define BUG(name, text) name,
  FOR_EACH_BUG(BUG)
#undef BUG
      BUG_COUNT
};

extern enum bug chosen;

/* The guest's entries, volume 3A tables 4-15 to 4-20. */
#define PRESENT 0x1u
#define WRITABLE 0x2u
#define USER 0x4u
#define ACCESSED 0x20u
#define DIRTY 0x40u
#define GLOBAL 0x100u
#define NO_EXECUTE (UINT64_C(1) << 63)
/* EPT's, too. */
#define LARGE 0x80u
#define ADDRESS_BITS UINT64_C(0x000ffffffffff000)

#define CR0_WP (UINT64_C(1) << 16)
#define CR0_PG (UINT64_C(1) << 31)
#define CR4_PAE (UINT64_C(1) << 5)
#define CR4_PGE (UINT64_C(1) << 7)
#define CR4_PCIDE (UINT64_C(1) << 17)
#define CR4_SMEP (UINT64_C(1) << 20)
#define CR4_SMAP (UINT64_C(1) << 21)
#define EFER_LMA (UINT64_C(1) << 10)
#define EFER_NXE (UINT64_C(1) << 11)

static inline uint64_t low_bits(int count) {
  return (UINT64_C(1) << count) - 1;
}

/* In what it was made, and may be used again. */
struct tag {
  uint8_t processor;
  uint16_t vpid;
  uint16_t pcid;
  uint64_t eptrta;
  uint64_t mode; /* what decides how the bits of entries are read */
};

/* Where a linear address leads, so far: to a table, or in the end to a page. */
struct place {
  uint64_t gpa;
  uint64_t hpa;
  uint64_t guest;      /* the AND of WRITABLE and USER, the OR of NO_EXECUTE */
  uint64_t ept_rights; /* the AND of the EPT entries for `gpa` */
  int ept_shift;       /* of the EPT leaf */
  int guest_shift;     /* of the guest's page */
  int global;
  int dirty; /* the dirty flag of the guest's leaf is set */
};

struct kept {
  int valid;
  int level;  /* of the last entry used, 4 to 2; 0 for a whole translation */
  int shift;  /* the address bits from there up select it */
  int absent; /* a mistake: there was no entry */
  struct tag tag;
  uint64_t gla;
  struct place place; /* of the first byte */
};

/* The deepest that is kept for the address. */
struct kept* mmu_look_up(const eptdiff_question* question, uint64_t gla);

/* Keeps where an address leads: a table by the entry of `level`, or with 0 a
 * page, for all addresses that have the bits from `shift` up in common. */
struct kept* mmu_keep(const eptdiff_question* question, uint64_t gla, int level,
                      int shift, const struct place* place);

/* No case is under way. */
void mmu_forget_all(void);

/* What would be used for the address goes: as it may at any time, ... */
void mmu_forget(const eptdiff_question* question, uint64_t gla);
/* ... and as it has to after an EPT violation (SDM 29.4.3.1) and after a page
 * fault (volume 3A 4.10.4.1). */
void mmu_end_by_violation(const eptdiff_question* question, uint64_t gla);
void mmu_end_by_fault(const eptdiff_question* question, uint64_t gla);

/* A VM entry, and a VM exit, which `answer` becomes. */
void mmu_end_by_transition(const eptdiff_question* question);
void mmu_exit(const eptdiff_question* question, int reason,
              uint64_t qualification, eptdiff_answer* answer);

/* INVEPT, INVVPID, INVLPG, INVPCID, and the guest's MOV to CR and the like. As
 * eptdiff_target_answer. */
int mmu_invalidate(const eptdiff_question* question, eptdiff_answer* answer);
int mmu_write_register(const eptdiff_question* question,
                       eptdiff_answer* answer);

#endif /* MMU_CACHE_H_ */
