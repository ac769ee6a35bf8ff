/* A look-up as memory forensics and introspection have it: which host-physical
 * address is behind a guest's linear or guest-physical one, by 4-level paging
 * and 4-level EPT. It judges nothing: rights, reserved bits and
 * misconfigurations are hardware's affair, and no flag is set.
 *
 * It is right as it stands. EPTDIFF_EXAMPLE_BUG in the environment names one of
 * the mistakes of FOR_EACH_BUG, which it makes then. */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_target.h"

EPTDIFF_TARGET_DEFINE_ABI;

#define FOR_EACH_BUG(BUG)                        \
  BUG(BITS_45, "addresses-of-45-bits")           \
  BUG(BITS_40, "addresses-of-40-bits")           \
  BUG(BIT_0, "present-if-bit-0")                 \
  BUG(SMALL_ONLY, "1-gbyte-pages-are-tables")    \
  BUG(PAT, "pat-is-an-address-bit")

enum bug {
#define BUG(name, text) name,
  FOR_EACH_BUG(BUG)
#undef BUG
      BUG_COUNT
};

static enum bug chosen = BUG_COUNT;

#define LARGE 0x80u
#define EXIT_VIOLATION 48

static uint64_t low_bits(int count) { return (UINT64_C(1) << count) - 1; }

static int shift_of(int level) { return 12 + 9 * (level - 1); }

/* Bits 51:12, of EPTP and CR3 as well. */
static uint64_t root_of(uint64_t value) {
  return value & low_bits(52) & ~low_bits(12);
}

static uint64_t frame_of(uint64_t entry) {
  const int width = chosen == BITS_45 ? 45 : chosen == BITS_40 ? 40 : 52;
  return root_of(entry) & low_bits(width);
}

static int is_leaf(uint64_t entry, int level) {
  if (level == 1) return 1;
  if (level == 3 && chosen == SMALL_ONLY) return 0;
  return level < 4 && (entry & LARGE) != 0;
}

static uint64_t page_of(uint64_t entry, int level) {
  return frame_of(entry) & ~low_bits(shift_of(level));
}

/* SDM 29.3.2: any of bits 2:0. */
static int is_present(uint64_t entry) {
  return (entry & (chosen == BIT_0 ? 1 : 7)) != 0;
}

/* The host-physical address of a guest-physical one, and the size of the page.
 * Whether there is one. */
static int look_up(const eptdiff_question* question,
                   const eptdiff_memory* memory, uint64_t gpa, uint64_t* hpa,
                   int* shift) {
  uint64_t table = root_of(question->eptp);
  int level = 4;
  if (gpa >> 48 != 0) return 0;
  for (;; --level) {
    const uint64_t index = gpa >> shift_of(level) & 511;
    const uint64_t entry = memory->load(memory->context, table + 8 * index);
    if (!is_present(entry)) return 0;
    if (is_leaf(entry, level)) {
      *shift = shift_of(level);
      *hpa = page_of(entry, level) | (gpa & low_bits(*shift));
      return 1;
    }
    table = frame_of(entry);
  }
}

static int complete(uint64_t hpa, int shift, eptdiff_answer* answer) {
  answer->event = EPTDIFF_COMPLETED;
  answer->translation_count = 1;
  answer->translations[0].address = hpa;
  answer->translations[0].page_shift = (uint8_t)shift;
  return EPTDIFF_ANSWERED;
}

static int unmapped(eptdiff_answer* answer) {
  answer->event = EPTDIFF_VM_EXIT;
  answer->exit_reason = EXIT_VIOLATION;
  return EPTDIFF_ANSWERED;
}

static int look_up_linear(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  const int wide = question->cs_l || question->implicit_supervisor;
  const uint64_t gla = wide ? question->gla : (uint32_t)question->gla;
  uint64_t gpa = root_of(question->cr3);
  uint64_t hpa = 0;
  int shift = 0;
  int level = 4;
  for (;; --level) {
    const uint64_t index = gla >> shift_of(level) & 511;
    uint64_t entry;
    if (!look_up(question, memory, gpa + 8 * index, &hpa, &shift)) {
      return unmapped(answer);
    }
    entry = memory->load(memory->context, hpa);
    if ((entry & 1) == 0) {
      answer->event = EPTDIFF_PAGE_FAULT;
      return EPTDIFF_ANSWERED;
    }
    gpa = frame_of(entry);
    if (!is_leaf(entry, level)) continue;
    gpa = page_of(entry, level) | (gla & low_bits(shift_of(level)));
    /* Bit 12 of a large page is PAT (volume 3A 4.5). */
    if (chosen == PAT && level > 1) gpa |= entry & 0x1000;
    if (!look_up(question, memory, gpa, &hpa, &shift)) return unmapped(answer);
    return complete(hpa, shift, answer);
  }
}

int eptdiff_target_answer(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  uint64_t hpa = 0;
  int shift = 0;
  switch (question->step) {
    case EPTDIFF_STEP_LINEAR:
      return look_up_linear(question, memory, answer);
    case EPTDIFF_STEP_GUEST_PHYSICAL:
      if (!look_up(question, memory, question->gpa, &hpa, &shift)) {
        return unmapped(answer);
      }
      return complete(hpa, shift, answer);
    default:
      return EPTDIFF_NOT_MODELLED;
  }
}

void eptdiff_target_describe(eptdiff_profile* profile) {
  static const char* const names[] = {
#define BUG(name, text) text,
      FOR_EACH_BUG(BUG)
#undef BUG
  };
  const char* bug = getenv("EPTDIFF_EXAMPLE_BUG");
  int i;
  for (i = 0; bug != NULL && i < BUG_COUNT; ++i) {
    if (strcmp(bug, names[i]) == 0) chosen = (enum bug)i;
  }
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_LINEAR_4_LEVEL;
  profile->fills = EPTDIFF_FILLS_EVENT | EPTDIFF_FILLS_EXIT_REASON |
                   EPTDIFF_FILLS_ADDRESS | EPTDIFF_FILLS_PAGE_SIZE;
  profile->leaves = EPTDIFF_LEAVES_ALL;
  profile->accesses = 1u << EPTDIFF_READ;
}
