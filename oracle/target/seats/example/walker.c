/* The seat of a small hypervisor of our own, tree/, to begin a seat with, and to
 * try ci/seats on.
 *
 * Judged: ept_walk() of ept/walk.c, for accesses by guest-physical address,
 * with the rights of all entries in the exit qualification.
 *
 * Stubbed: map_table(), which maps 512 entries: here they are copied, as
 * eptdiff's memory has single words; and what the walker knows of the
 * processor, which each question says anew.
 *
 * Not judged: accessed and dirty flags, memory types, all else that it does not
 * have. */
#include "ept/walk.h"

#include "oracle/target/eptdiff_target.h"

EPTDIFF_TARGET_DEFINE_ABI;

unsigned ept_physical_bits;
bool ept_has_execute_only;
bool ept_has_1gb_pages;
bool ept_has_2mb_pages;

static const eptdiff_memory *memory;

const uint64_t *map_table(uint64_t hpa) {
  static uint64_t table[512];
  int i;
  for (i = 0; i < 512; ++i) {
    table[i] = memory->load(memory->context, hpa + 8 * (uint64_t)i);
  }
  return table;
}

static unsigned rights_for(uint8_t access) {
  switch (access) {
    case EPTDIFF_READ:
      return 1;
    case EPTDIFF_WRITE:
      return 2;
    default:
      return 4;
  }
}

/* SDM table 28-7. */
static uint64_t qualification(const eptdiff_question *question,
                              unsigned rights) {
  return rights_for(question->access) | rights << 3 | 1u << 7 | 1u << 8;
}

int eptdiff_target_answer(const eptdiff_question *question,
                          const eptdiff_memory *words,
                          eptdiff_answer *answer) {
  struct ept_walk walk = {0};
  memory = words;
  ept_physical_bits = question->maxphyaddr;
  ept_has_execute_only = question->ept_vpid_cap & 1;
  ept_has_2mb_pages = question->ept_vpid_cap >> 16 & 1;
  ept_has_1gb_pages = question->ept_vpid_cap >> 17 & 1;
  switch (ept_walk(question->eptp, question->gpa, rights_for(question->access),
                   &walk)) {
    case EPT_OK:
      answer->event = EPTDIFF_COMPLETED;
      answer->translation_count = 1;
      answer->translations[0].address = walk.hpa;
      answer->translations[0].page_shift = (uint8_t)walk.shift;
      break;
    case EPT_VIOLATION:
      answer->event = EPTDIFF_VM_EXIT;
      answer->exit_reason = 48;
      answer->qualification = qualification(question, walk.rights);
      answer->gpa = question->gpa;
      break;
    case EPT_MISCONFIGURED:
      answer->event = EPTDIFF_VM_EXIT;
      answer->exit_reason = 49;
      answer->gpa = question->gpa;
      break;
  }
  return EPTDIFF_ANSWERED;
}

void eptdiff_target_describe(eptdiff_profile *profile) {
  profile->models = EPTDIFF_MODELS_4_LEVELS;
  profile->fills &= ~(EPTDIFF_FILLS_GLA | EPTDIFF_FILLS_MEMORY_TYPE |
                      EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE);
  profile->qualification_left_out = 7u << 9; /* advanced information */
}
