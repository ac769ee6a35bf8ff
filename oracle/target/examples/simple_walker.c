/* A walker as a hypervisor might have it: 4-level EPT with accessed and dirty
 * flags, for accesses by guest-physical address. As far as it goes, it is
 * right: `eptdiff check` has nothing to say against it. */
#include "oracle/target/eptdiff_target.h"

EPTDIFF_TARGET_DEFINE_ABI;

/* EPT entries, SDM tables 29-1 to 29-7. */
#define READ 0x1u
#define WRITE 0x2u
#define EXECUTE 0x4u
#define LARGE 0x80u
#define ACCESSED 0x100u
#define DIRTY 0x200u
#define ADDRESS 0x000ffffffffff000ull

/* IA32_VMX_EPT_VPID_CAP, A.10. */
#define CAP_EXECUTE_ONLY 0x1u
#define CAP_2_MBYTE 0x10000u
#define CAP_1_GBYTE 0x20000u
#define CAP_ADVANCED_INFORMATION 0x400000u

#define EXIT_VIOLATION 48
#define EXIT_MISCONFIGURATION 49

struct walk {
  const eptdiff_question* question;
  uint64_t address[5]; /* of the entry of each level, 4 to 1 */
  uint64_t entry[5];
  int level;       /* of the last entry read */
  uint64_t rights; /* the AND of all entries */
};

static uint64_t low_bits(int count) { return (UINT64_C(1) << count) - 1; }

static int is_leaf(uint64_t entry, int level) {
  return level == 1 || (level <= 3 && (entry & LARGE) != 0);
}

/* SDM 29.3.3.1. */
static int is_misconfigured(const struct walk* walk, uint64_t entry) {
  const uint64_t capabilities = walk->question->ept_vpid_cap;
  const int level = walk->level;
  const int shift = 12 + 9 * (level - 1);
  uint64_t reserved = ADDRESS & ~low_bits(walk->question->maxphyaddr);
  const uint64_t type = entry >> 3 & 7;

  if ((entry & READ) == 0 && (entry & WRITE) != 0) return 1;
  if ((entry & READ) == 0 && (capabilities & CAP_EXECUTE_ONLY) == 0) return 1;
  if (is_leaf(entry, level)) {
    if (type == 2 || type == 3 || type == 7) return 1;
    if (level == 3 && (capabilities & CAP_1_GBYTE) == 0) return 1;
    if (level == 2 && (capabilities & CAP_2_MBYTE) == 0) return 1;
    reserved |= low_bits(shift) & ~low_bits(12);
  } else {
    reserved |= level == 4 ? 0xf8 : 0x78;
  }
  return (entry & reserved) != 0;
}

/* SDM table 28-7. */
static uint64_t qualification(const struct walk* walk) {
  static const uint64_t access_bit[] = {READ, WRITE, 0, EXECUTE};
  const eptdiff_question* question = walk->question;
  const int paging = (question->cr0 & 0x80000000u) != 0;
  const int nx = (question->cr4 & 0x20) != 0 && (question->efer & 0x800) != 0;
  uint64_t value = access_bit[question->access] | (walk->rights & 7) << 3 |
                   1u << 7 | 1u << 8;

  if ((question->ept_vpid_cap & CAP_ADVANCED_INFORMATION) == 0) return value;
  if (!paging || question->page_user) value |= 1u << 9;
  if (!paging || question->page_writable) value |= 1u << 10;
  if (paging && nx && question->page_execute_disable) value |= 1u << 11;
  return value;
}

static void exit_guest(const struct walk* walk, int reason,
                       eptdiff_answer* answer) {
  const eptdiff_question* question = walk->question;
  const int is_64_bit = (question->efer & 0x400) != 0 && question->cs_l &&
                        (question->cr0 & 0x80000000u) != 0;
  answer->event = EPTDIFF_VM_EXIT;
  answer->exit_reason = (uint16_t)reason;
  answer->gpa = question->gpa;
  if (reason != EXIT_VIOLATION) return;
  answer->qualification = qualification(walk);
  answer->gla = is_64_bit ? question->gla : (uint32_t)question->gla;
}

/* Descends to the leaf; 0, or the reason of the VM exit. */
static int descend(struct walk* walk, const eptdiff_memory* memory) {
  const uint64_t gpa = walk->question->gpa;
  uint64_t table = walk->question->eptp & ADDRESS;

  walk->rights = 0;
  if (gpa >> 48 != 0) return EXIT_VIOLATION;
  walk->rights = READ | WRITE | EXECUTE;
  for (walk->level = 4;; --walk->level) {
    const int level = walk->level;
    const uint64_t index = gpa >> (12 + 9 * (level - 1)) & 511;
    const uint64_t address = table + 8 * index;
    const uint64_t entry = memory->load(memory->context, address);
    walk->address[level] = address;
    walk->entry[level] = entry;
    walk->rights &= entry;
    if ((entry & (READ | WRITE | EXECUTE)) == 0) return EXIT_VIOLATION;
    if (is_misconfigured(walk, entry)) return EXIT_MISCONFIGURATION;
    if (is_leaf(entry, level)) return 0;
    table = entry & ADDRESS;
  }
}

/* SDM 29.3.5. */
static void set_flags(const struct walk* walk, const eptdiff_memory* memory) {
  int level;
  for (level = 4; level >= walk->level; --level) {
    uint64_t flags = ACCESSED;
    if (level == walk->level && walk->question->access == EPTDIFF_WRITE) {
      flags |= DIRTY;
    }
    memory->store(memory->context, walk->address[level],
                  walk->entry[level] | flags);
  }
}

int eptdiff_target_answer(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  static const uint64_t needed[] = {READ, WRITE, 0, EXECUTE};
  struct walk walk = {0};
  int reason;

  walk.question = question;
  reason = descend(&walk, memory);
  if (reason == 0 && (walk.rights & needed[question->access]) == 0) {
    reason = EXIT_VIOLATION;
  }
  if (reason != 0) {
    exit_guest(&walk, reason, answer);
    return EPTDIFF_ANSWERED;
  }
  if ((question->eptp & 0x40) != 0) set_flags(&walk, memory);
  answer->event = EPTDIFF_COMPLETED;
  answer->translation_count = 1;
  answer->translations[0].page_shift = (uint8_t)(12 + 9 * (walk.level - 1));
  answer->translations[0].address =
      (walk.entry[walk.level] & ADDRESS) |
      (question->gpa & low_bits(answer->translations[0].page_shift));
  return EPTDIFF_ANSWERED;
}

void eptdiff_target_describe(eptdiff_profile* profile) {
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_ACCESSED_DIRTY;
  profile->fills &=
      ~(EPTDIFF_FILLS_MEMORY_TYPE | EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE);
}
