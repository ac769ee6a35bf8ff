/* simple_walker.c with a translation cache, as an emulator or a hypervisor's
 * software walker might have one: whole translations and paging-structure
 * entries are kept as SDM 29.4 lets a processor keep them, and end when it
 * says.
 *
 * It is right as it stands. EPTDIFF_EXAMPLE_BUG in the environment names one of
 * the mistakes of FOR_EACH_BUG, which it makes then. */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_target.h"

EPTDIFF_TARGET_DEFINE_ABI;

#define FOR_EACH_BUG(BUG)                           \
  BUG(SINGLE_IGNORED, "invept-single-ends-nothing") \
  BUG(ALL_IGNORED, "invept-all-ends-nothing")       \
  BUG(WHOLE_EPTP, "invept-compares-the-whole-eptp") \
  BUG(UPPER_KEPT, "invept-leaves-upper-levels")     \
  BUG(NO_TAG, "eptp-not-compared")                  \
  BUG(REFUSAL_KEPT, "refusal-remembered")           \
  BUG(ABSENT_KEPT, "absent-entry-remembered")       \
  BUG(DIRTY_KEPT, "dirty-flag-outlives-invept")     \
  BUG(CLEAN_KEPT, "dirty-flag-not-set-on-a-hit")    \
  BUG(TYPES_ACCEPTED, "invept-accepts-any-type")

enum bug {
#define BUG(name, text) name,
  FOR_EACH_BUG(BUG)
#undef BUG
      BUG_COUNT
};

static enum bug chosen = BUG_COUNT;

/* EPT entries, SDM tables 29-1 to 29-7. */
#define READ 0x1u
#define WRITE 0x2u
#define EXECUTE 0x4u
#define LARGE 0x80u
#define ACCESSED 0x100u
#define DIRTY 0x200u
#define ADDRESS 0x000ffffffffff000ull

#define EPTP_FLAGS 0x40u

/* IA32_VMX_EPT_VPID_CAP, A.10. */
#define CAP_EXECUTE_ONLY 0x1u
#define CAP_4_LEVELS 0x40u
#define CAP_UNCACHEABLE 0x100u
#define CAP_WRITE_BACK 0x4000u
#define CAP_2_MBYTE 0x10000u
#define CAP_1_GBYTE 0x20000u
#define CAP_INVEPT 0x100000u
#define CAP_FLAGS 0x200000u
#define CAP_ADVANCED_INFORMATION 0x400000u
#define CAP_INVEPT_SINGLE 0x2000000u

#define EXIT_VIOLATION 48
#define EXIT_MISCONFIGURATION 49

/* What is kept: the entry that some bits of a guest-physical address select, as
 * it was, with the AND of its rights and those above. A leaf of level n stands
 * for one 4-KByte page of it. */
struct kept {
  int valid;
  int level; /* 4 to 1, of the entry */
  int leaf;
  int absent; /* a mistake: there was no entry */
  uint64_t eptp;
  uint64_t key; /* the address bits */
  uint64_t entry;
  uint64_t rights;
};
#define KEPT 64
static struct kept cache[KEPT];
static unsigned next_kept;

struct walk {
  const eptdiff_question* question;
  int read[5];         /* whether the entry of the level was read, ... */
  uint64_t address[5]; /* ... and where */
  uint64_t entry[5];
  uint64_t rights[5]; /* the AND of the entries down to each level */
  int level;          /* of the last entry */
};

static uint64_t low_bits(int count) { return (UINT64_C(1) << count) - 1; }

static int is_leaf(uint64_t entry, int level) {
  return level == 1 || (level <= 3 && (entry & LARGE) != 0);
}

static int shift_of(int level) { return 12 + 9 * (level - 1); }

static uint64_t key_of(uint64_t gpa, int level, int leaf) {
  return gpa >> (leaf ? 12 : shift_of(level));
}

static int same_root(uint64_t a, uint64_t b) {
  return (a & ADDRESS) == (b & ADDRESS);
}

static int same_tag(const struct kept* kept, uint64_t eptp) {
  return chosen == NO_TAG || kept->eptp == eptp;
}

/* The deepest entry that is kept for the address. */
static struct kept* look_up(const eptdiff_question* question) {
  struct kept* best = NULL;
  int i;
  for (i = 0; i < KEPT; ++i) {
    struct kept* kept = &cache[i];
    if (!kept->valid || !same_tag(kept, question->eptp)) continue;
    if (kept->key != key_of(question->gpa, kept->level, kept->leaf)) continue;
    if (best == NULL || kept->leaf || kept->level < best->level) best = kept;
    if (best->leaf) break;
  }
  return best;
}

static void keep(const struct walk* walk, int level, int absent) {
  struct kept* kept = &cache[next_kept++ % KEPT];
  kept->valid = 1;
  kept->level = level;
  kept->leaf = absent || is_leaf(walk->entry[level], level);
  kept->absent = absent;
  kept->eptp = walk->question->eptp;
  kept->key = key_of(walk->question->gpa, level, kept->leaf);
  kept->entry = walk->entry[level];
  kept->rights = walk->rights[level];
}

/* What would be used for the address, of this EPTP, is no longer. */
static void end(const eptdiff_question* question) {
  int i;
  for (i = 0; i < KEPT; ++i) {
    struct kept* kept = &cache[i];
    if (chosen != NO_TAG && !same_root(kept->eptp, question->eptp)) continue;
    if (kept->key == key_of(question->gpa, kept->level, kept->leaf)) {
      kept->valid = 0;
    }
  }
}

/* SDM 29.3.3.1. */
static int is_misconfigured(const struct walk* walk, uint64_t entry) {
  const uint64_t capabilities = walk->question->ept_vpid_cap;
  const int level = walk->level;
  uint64_t reserved = ADDRESS & ~low_bits(walk->question->maxphyaddr);
  const uint64_t type = entry >> 3 & 7;

  if ((entry & READ) == 0 && (entry & WRITE) != 0) return 1;
  if ((entry & READ) == 0 && (capabilities & CAP_EXECUTE_ONLY) == 0) return 1;
  if (is_leaf(entry, level)) {
    if (type == 2 || type == 3 || type == 7) return 1;
    if (level == 3 && (capabilities & CAP_1_GBYTE) == 0) return 1;
    if (level == 2 && (capabilities & CAP_2_MBYTE) == 0) return 1;
    reserved |= low_bits(shift_of(level)) & ~low_bits(12);
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
  uint64_t value = access_bit[question->access] |
                   (walk->rights[walk->level] & 7) << 3 | 1u << 7 | 1u << 8;

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
  /* 29.4.3.1. */
  if (chosen != REFUSAL_KEPT && chosen != ABSENT_KEPT) end(question);
}

/* Descends to the leaf, from what is kept; 0, or the reason of the VM exit. */
static int descend(struct walk* walk, const eptdiff_question* question,
                   const eptdiff_memory* memory) {
  const struct kept* kept = look_up(question);
  uint64_t table = question->eptp & ADDRESS;
  uint64_t rights = READ | WRITE | EXECUTE;

  memset(walk, 0, sizeof(*walk));
  walk->question = question;
  walk->level = 4;
  if (question->gpa >> 48 != 0) return EXIT_VIOLATION;
  if (kept != NULL) {
    walk->level = kept->level;
    walk->entry[kept->level] = kept->entry;
    walk->rights[kept->level] = rights = kept->rights;
    if (kept->absent) return EXIT_VIOLATION;
    if (kept->leaf) return 0;
    table = kept->entry & ADDRESS;
    --walk->level;
  }
  for (;; --walk->level) {
    const int level = walk->level;
    const uint64_t address =
        table + 8 * (question->gpa >> shift_of(level) & 511);
    const uint64_t entry = memory->load(memory->context, address);
    walk->read[level] = 1;
    walk->address[level] = address;
    walk->entry[level] = entry;
    walk->rights[level] = rights &= entry;
    if ((entry & (READ | WRITE | EXECUTE)) == 0) {
      if (chosen == ABSENT_KEPT) keep(walk, level, 1);
      return EXIT_VIOLATION;
    }
    if (is_misconfigured(walk, entry)) return EXIT_MISCONFIGURATION;
    if (is_leaf(entry, level)) return 0;
    table = entry & ADDRESS;
  }
}

/* SDM 29.3.5, of the entries that were read now; and these are kept. */
static void set_flags_and_keep(struct walk* walk,
                               const eptdiff_memory* memory) {
  const eptdiff_question* question = walk->question;
  int level;
  for (level = 4; level >= walk->level; --level) {
    if (!walk->read[level]) continue;
    if ((question->eptp & EPTP_FLAGS) != 0) {
      const int dirties =
          level == walk->level && question->access == EPTDIFF_WRITE;
      walk->entry[level] |= dirties ? ACCESSED | DIRTY : ACCESSED;
      memory->store(memory->context, walk->address[level], walk->entry[level]);
    }
    keep(walk, level, 0);
  }
}

/* 31.3. */
static void invept(const eptdiff_question* question, eptdiff_answer* answer) {
  const uint64_t capabilities = question->ept_vpid_cap;
  const uint64_t eptp = question->descriptor[0];
  const int type = question->invalidation_type;
  int i;

  answer->event = EPTDIFF_COMPLETED;
  if ((capabilities & CAP_INVEPT) == 0) {
    answer->event = EPTDIFF_INVALID_OPCODE;
    return;
  }
  if (chosen != TYPES_ACCEPTED &&
      (type < 1 || type > 2 ||
       (capabilities & (uint64_t)CAP_INVEPT_SINGLE << (type - 1)) == 0)) {
    answer->event = EPTDIFF_INVALID_OPERAND;
    return;
  }
  if (type == 1) {
    /* Where VM entry would refuse it: table 25-9. */
    const uint64_t memory_type = eptp & 7;
    const uint64_t reserved = ~low_bits(question->maxphyaddr) | 0xf00;
    const uint64_t length = eptp >> 3 & 7;
    const int type_ok =
        (memory_type == 0 && (capabilities & CAP_UNCACHEABLE) != 0) ||
        (memory_type == 6 && (capabilities & CAP_WRITE_BACK) != 0);
    const int length_ok = (length == 3 && (capabilities & CAP_4_LEVELS) != 0) ||
                          (length == 4 && (capabilities & 0x80) != 0);
    const int flags_ok =
        (eptp & EPTP_FLAGS) == 0 || (capabilities & CAP_FLAGS) != 0;
    const int bit_7_ok = (eptp & 0x80) == 0 || (capabilities & 0x800000u) != 0;
    if (!type_ok || !length_ok || !flags_ok || !bit_7_ok ||
        (eptp & reserved) != 0) {
      answer->event = EPTDIFF_INVALID_OPERAND;
      return;
    }
  }
  for (i = 0; i < KEPT; ++i) {
    struct kept* kept = &cache[i];
    if (type == 1 && chosen == SINGLE_IGNORED) break;
    if (type == 2 && chosen == ALL_IGNORED) break;
    if (type == 1 && !same_root(kept->eptp, eptp)) continue;
    if (type == 1 && chosen == WHOLE_EPTP && kept->eptp != eptp) continue;
    if (chosen == UPPER_KEPT && !kept->leaf) continue;
    if (chosen == DIRTY_KEPT && kept->leaf && (kept->entry & DIRTY) != 0) {
      continue;
    }
    kept->valid = 0;
  }
}

int eptdiff_target_enter(const eptdiff_question* question,
                         const eptdiff_memory* memory, eptdiff_answer* answer) {
  (void)memory;
  answer->event = EPTDIFF_COMPLETED;
  /* VM entry again ends no guest-physical mapping (29.4.3.2). */
  if (question->step == EPTDIFF_STEP_VM_ENTRY) return EPTDIFF_ANSWERED;
  memset(cache, 0, sizeof(cache));
  return EPTDIFF_ANSWERED;
}

int eptdiff_target_answer(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  static const uint64_t needed[] = {READ, WRITE, 0, EXECUTE};
  struct walk walk;
  int reason;

  if (question->step == EPTDIFF_STEP_INVALIDATION) {
    if (question->invalidation != EPTDIFF_INVEPT) return EPTDIFF_NOT_MODELLED;
    invept(question, answer);
    return EPTDIFF_ANSWERED;
  }
  reason = descend(&walk, question, memory);
  /* A dirty flag is set where a walk finds the leaf now. */
  if (reason == 0 && !walk.read[walk.level] &&
      (question->eptp & EPTP_FLAGS) != 0 && question->access == EPTDIFF_WRITE &&
      (walk.entry[walk.level] & DIRTY) == 0 && chosen != CLEAN_KEPT) {
    end(question);
    reason = descend(&walk, question, memory);
  }
  if (reason == 0 &&
      (walk.rights[walk.level] & needed[question->access]) == 0) {
    reason = EXIT_VIOLATION;
    if (chosen == REFUSAL_KEPT && walk.read[walk.level]) {
      keep(&walk, walk.level, 0);
    }
  }
  if (reason != 0) {
    exit_guest(&walk, reason, answer);
    return EPTDIFF_ANSWERED;
  }
  set_flags_and_keep(&walk, memory);
  answer->event = EPTDIFF_COMPLETED;
  answer->translation_count = 1;
  answer->translations[0].page_shift = (uint8_t)shift_of(walk.level);
  answer->translations[0].address =
      (walk.entry[walk.level] & ADDRESS) |
      (question->gpa & low_bits(answer->translations[0].page_shift));
  return EPTDIFF_ANSWERED;
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
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_ACCESSED_DIRTY |
                    EPTDIFF_MODELS_CACHES | EPTDIFF_MODELS_INVALIDATION;
  profile->keeps_state = 1;
  profile->keeps = EPTDIFF_KEEPS_GUEST_PHYSICAL |
                   EPTDIFF_KEEPS_PAGING_STRUCTURES | EPTDIFF_KEEPS_EPTRTAS;
  profile->fills &=
      ~(EPTDIFF_FILLS_MEMORY_TYPE | EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE);
}
