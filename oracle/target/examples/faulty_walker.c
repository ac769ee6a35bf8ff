/* A fuller walker than simple_walker.c, with mistakes to choose from.
 *
 * It is right as it stands. EPTDIFF_EXAMPLE_BUG in the environment names the
 * mistakes that it makes, separated by commas: those that hypervisors have
 * made, and misbehaviour that is no answer at all. FOR_EACH_BUG lists them. */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_target.h"

EPTDIFF_TARGET_DEFINE_ABI;

#define FOR_EACH_BUG(BUG)                                         \
  BUG(RESERVED_1_GBYTE, "1-gbyte-reserved-unchecked")             \
  BUG(RESERVED_2_MBYTE, "2-mbyte-reserved-unchecked")             \
  BUG(RESERVED_2_MBYTE_MASK, "2-mbyte-reserved-bits-19-12")       \
  BUG(RESERVED_1_GBYTE_MASK, "1-gbyte-reserved-bits-28-12")       \
  BUG(RESERVED_TABLE, "table-reserved-unchecked")                 \
  BUG(RESERVED_ROOT, "pml4e-bits-7-3-unchecked")                  \
  BUG(BEYOND_WIDTH, "beyond-maxphyaddr-unchecked")                \
  BUG(BEYOND_WIDTH_MASK, "maxphyaddr-off-by-one")                 \
  BUG(BEYOND_48, "only-bits-51-48-checked")                       \
  BUG(WRITE_ONLY, "write-only-accepted")                          \
  BUG(WRITE_ONLY_ROOT, "write-only-pml4e-accepted")               \
  BUG(MEMORY_TYPE, "memory-type-unchecked")                       \
  BUG(EXECUTE_ONLY_CAPABILITY, "execute-only-capability-ignored") \
  BUG(GBYTE_CAPABILITY, "1-gbyte-capability-ignored")             \
  BUG(PTE_BIT_7, "pte-bit-7-reserved")                            \
  BUG(TABLE_BIT_8, "table-bit-8-reserved")                        \
  BUG(EXECUTE_ONLY, "execute-only-refused")                       \
  BUG(UC_AND_WB, "only-uc-and-wb-accepted")                       \
  BUG(PRESENT_BIT_0, "present-if-bit-0")                          \
  BUG(PRESENT_NOT_ZERO, "present-if-not-zero")                    \
  BUG(PRESENT_11, "present-if-bit-0-or-11-without-10")            \
  BUG(PER_LEVEL, "permissions-per-level")                         \
  BUG(RESERVED_FIRST, "reserved-before-presence")                 \
  BUG(LEAF_WRITE, "write-permission-of-leaf-only")                \
  BUG(EXECUTE_52, "fetches-by-bit-52-too")                        \
  BUG(LEGACY_FLAGS, "flags-at-bits-5-and-6")                      \
  BUG(NO_DIRTY, "dirty-never-set")                                \
  BUG(DIRTY_ON_READ, "dirty-on-every-access")                     \
  BUG(ACCESSED_LEAF, "accessed-in-leaf-only")                     \
  BUG(FLAGS_ALWAYS, "flags-without-eptp-bit-6")                   \
  BUG(QUALIFICATION_LEAF, "qualification-4-of-leaf-only")         \
  BUG(QUALIFICATION_KEPT, "qualification-3-kept-if-not-present")  \
  BUG(QUALIFICATION_6, "qualification-6-for-fetches-only")        \
  BUG(QUALIFICATION_8, "qualification-8-inverted")                \
  BUG(QUALIFICATION_9, "qualification-9-with-mbec-only")          \
  BUG(QUALIFICATION_10, "qualification-10-inverted")              \
  BUG(GLA_64, "gla-not-truncated")                                \
  BUG(GPA_PAGE, "gpa-of-page")                                    \
  BUG(GPA_PAGE_WRITE, "gpa-of-page-for-writes")                   \
  BUG(NO_GBYTE_LEAF, "1-gbyte-leaf-walked-through")               \
  BUG(OFFSET_12, "large-page-offset-of-12-bits")                  \
  BUG(ADDRESS_32, "page-address-of-32-bits")                      \
  BUG(TABLE_32, "table-address-of-32-bits")                       \
  BUG(INDEX_LOW, "index-one-bit-low")                             \
  BUG(USER_BY_CPL, "user-mode-by-cpl")                            \
  BUG(PML_GLA, "pml-logs-gla")                                    \
  BUG(PML_UNALIGNED, "pml-logs-offset")                           \
  BUG(PML_INCREMENT, "pml-index-incremented")                     \
  BUG(PML_DIRTY_ONLY, "pml-full-for-dirty-only")                  \
  BUG(PML_ON_THE_WAY, "pml-full-met-at-the-leaf")                 \
  BUG(QUALIFICATION_STALE, "qualification-of-misconfiguration")   \
  BUG(QUALIFICATION_20, "qualification-20-of-misconfiguration")   \
  BUG(IRET_UNTOLD, "iret-not-told")                               \
  BUG(VE_ANY, "ve-judged-by-any-entry")                           \
  BUG(VE_FIRST, "ve-judged-by-first-entry")                       \
  BUG(VE_BUSY, "ve-busy-ignored")                                 \
  BUG(VE_MISCONFIGURATION, "ve-for-misconfigurations")            \
  BUG(IGNORE_PAT, "ignore-pat-not-honoured")                      \
  BUG(EPTP_TYPE, "memory-type-of-eptp")                           \
  BUG(WP_AS_WT, "wp-told-as-wt")                                  \
  BUG(HIDDEN, "hidden-behind-conditions")                         \
  BUG(EXCHANGE_ONCE, "failed-exchange-ignored")                   \
  BUG(CRASH, "crash-once-in-a-while")                             \
  BUG(CRASH_RARELY, "crash-once-in-a-million")                    \
  BUG(OVERFLOW, "writes-beyond-its-block")                        \
  BUG(SHIFT, "shifts-too-far")                                    \
  BUG(HANG, "hang")                                               \
  BUG(ENDLESS, "endless-loads")                                   \
  BUG(STRAY_STORE, "stray-store")                                 \
  BUG(WILD_LOAD, "load-beyond-maxphyaddr")                        \
  BUG(VARIES, "answers-vary")                                     \
  BUG(NONSENSE, "event-99")                                       \
  BUG(LEAVES_OUT_10, "leaves-out-qualification-10")               \
  BUG(LEAVES_OUT_OFFSET, "leaves-out-gpa-offset")

enum bug {
#define BUG(name, text) name,
  FOR_EACH_BUG(BUG)
#undef BUG
      BUG_COUNT
};

static int chosen[BUG_COUNT];

static int has(enum bug bug) { return chosen[bug]; }

static void choose(const char* list) {
  static const char* const names[] = {
#define BUG(name, text) text,
      FOR_EACH_BUG(BUG)
#undef BUG
  };
  int i;
  for (i = 0; list != NULL && i < BUG_COUNT; ++i) {
    const char* rest = list;
    const size_t length = strlen(names[i]);
    while (rest != NULL) {
      if (strncmp(rest, names[i], length) == 0 &&
          (rest[length] == 0 || rest[length] == ',')) {
        chosen[i] = 1;
      }
      rest = strchr(rest, ',');
      if (rest != NULL) ++rest;
    }
  }
}

/* What names bits. A build that plants mistakes gives NAMED another meaning. */
#ifndef NAMED
#define NAMED(name, bits) (bits)
#endif

/* EPT entries, SDM tables 29-1 to 29-7. */
#define READ NAMED(READ, UINT64_C(0x1))
#define WRITE NAMED(WRITE, UINT64_C(0x2))
#define EXECUTE NAMED(EXECUTE, UINT64_C(0x4))
#define IGNORE_PAT_BIT NAMED(IGNORE_PAT_BIT, UINT64_C(0x40))
#define LARGE NAMED(LARGE, UINT64_C(0x80))
#define ACCESSED NAMED(ACCESSED, UINT64_C(0x100))
#define DIRTY NAMED(DIRTY, UINT64_C(0x200))
#define USER_EXECUTE NAMED(USER_EXECUTE, UINT64_C(0x400))
#define ADDRESS NAMED(ADDRESS, UINT64_C(0x000ffffffffff000))
#define SUPPRESS_VE NAMED(SUPPRESS_VE, UINT64_C(1) << 63)

#define CAP_EXECUTE_ONLY NAMED(CAP_EXECUTE_ONLY, 0x1u)
#define CAP_2_MBYTE NAMED(CAP_2_MBYTE, 0x10000u)
#define CAP_1_GBYTE NAMED(CAP_1_GBYTE, 0x20000u)
#define CAP_ADVANCED_INFORMATION NAMED(CAP_ADVANCED_INFORMATION, 0x400000u)

#define SECONDARY_PML NAMED(SECONDARY_PML, 1u << 17)
#define SECONDARY_VE NAMED(SECONDARY_VE, 1u << 18)
#define SECONDARY_MBEC NAMED(SECONDARY_MBEC, 1u << 22)

#define EXIT_EXCEPTION 0
#define EXIT_VIOLATION 48
#define EXIT_MISCONFIGURATION 49
#define EXIT_LOG_FULL 62

#define MAX_LEVEL 5

struct walk {
  const eptdiff_question* question;
  const eptdiff_memory* memory;
  uint64_t address[MAX_LEVEL + 1]; /* of the entry of each level */
  uint64_t entry[MAX_LEVEL + 1];
  int top;         /* the first level */
  int level;       /* of the last entry read; 0: of none */
  int absent;      /* the last entry is not present, or there is none */
  uint64_t rights; /* the AND of all entries, if none is absent */
  int suppressed;  /* some entry has bit 63 */
};

static uint64_t low_bits(int count) { return (UINT64_C(1) << count) - 1; }

static uint64_t load(const struct walk* walk, uint64_t address) {
  return walk->memory->load(walk->memory->context, address);
}

static void store(const struct walk* walk, uint64_t address, uint64_t value) {
  walk->memory->store(walk->memory->context, address, value);
}

/* Sets flags of an entry, whatever other processors do to it meanwhile. */
static void add_flags(const struct walk* walk, uint64_t address,
                      uint64_t flags) {
  uint64_t now = load(walk, address);
  while ((now & flags) != flags &&
         !walk->memory->compare_exchange(walk->memory->context, address, now,
                                         now | flags)) {
    if (has(EXCHANGE_ONCE)) return;
    now = load(walk, address);
  }
}

static int control(const struct walk* walk, uint32_t bit) {
  return (walk->question->primary & 0x80000000u) != 0 &&
         (walk->question->secondary & bit) != 0;
}

static int paging(const eptdiff_question* question) {
  return (question->cr0 & 0x80000000u) != 0;
}

/* SDM 29.3.3.2: with CR0.PG = 0 every linear address is user-mode. */
static int is_user(const eptdiff_question* question) {
  if (has(USER_BY_CPL)) return question->cpl == 3;
  return !paging(question) || question->page_user;
}

static int is_leaf(uint64_t entry, int level) {
  if (level == 3 && has(NO_GBYTE_LEAF)) return 0;
  return level == 1 || (level <= 3 && (entry & LARGE) != 0);
}

static int is_present(const struct walk* walk, uint64_t entry) {
  uint64_t bits = READ | WRITE | EXECUTE;
  if (has(PRESENT_BIT_0)) bits = READ;
  if (has(PRESENT_NOT_ZERO)) bits = ~UINT64_C(0);
  if (control(walk, SECONDARY_MBEC) && !has(PRESENT_BIT_0)) {
    bits |= USER_EXECUTE;
  }
  if (has(PRESENT_11)) return (entry & 1) != 0 || (entry & 0xc00) == 0x800;
  return (entry & bits) != 0;
}

/* The bits of an entry that must be 0, but for its permissions. */
static uint64_t reserved_bits(const struct walk* walk, uint64_t entry) {
  const int level = walk->level;
  const int width = walk->question->maxphyaddr + has(BEYOND_WIDTH_MASK);
  uint64_t reserved = ADDRESS & ~low_bits(width);

  if (has(BEYOND_WIDTH)) reserved = 0;
  if (has(BEYOND_48)) reserved &= ~low_bits(48);
  if (has(PTE_BIT_7) && level == 1) reserved |= 0x80;
  if (!is_leaf(entry, level)) {
    if (has(TABLE_BIT_8)) reserved |= 0x100;
    if (level >= 4) return reserved | (has(RESERVED_ROOT) ? 0 : 0xf8);
    return reserved | (has(RESERVED_TABLE) ? 0 : 0x78);
  }
  if (level == 3 && !has(RESERVED_1_GBYTE)) {
    reserved |= low_bits(has(RESERVED_1_GBYTE_MASK) ? 29 : 30) & ~low_bits(12);
  }
  if (level == 2 && !has(RESERVED_2_MBYTE)) {
    reserved |= low_bits(has(RESERVED_2_MBYTE_MASK) ? 20 : 21) & ~low_bits(12);
  }
  return reserved;
}

/* SDM 29.3.3.1. */
static int is_misconfigured(const struct walk* walk, uint64_t entry) {
  const uint64_t capabilities = walk->question->ept_vpid_cap;
  const uint64_t type = entry >> 3 & 7;
  const int readable = (entry & READ) != 0;
  const int execute_only =
      has(EXECUTE_ONLY_CAPABILITY) ||
      ((capabilities & CAP_EXECUTE_ONLY) != 0 && !has(EXECUTE_ONLY));
  uint64_t execute = EXECUTE;

  if (control(walk, SECONDARY_MBEC)) execute |= USER_EXECUTE;
  if (!readable && (entry & WRITE) != 0 && !has(WRITE_ONLY) &&
      !(has(WRITE_ONLY_ROOT) && walk->level == 4)) {
    return 1;
  }
  if (!readable && (entry & execute) != 0 && !execute_only) return 1;
  if (is_leaf(entry, walk->level)) {
    if (!has(MEMORY_TYPE) && (type == 2 || type == 3 || type == 7)) return 1;
    if (has(UC_AND_WB) && type != 0 && type != 6) return 1;
    if (walk->level == 2 && (capabilities & CAP_2_MBYTE) == 0) return 1;
  }
  if (walk->level == 3 && (entry & LARGE) != 0 &&
      (capabilities & CAP_1_GBYTE) == 0 && !has(GBYTE_CAPABILITY)) {
    return 1;
  }
  return (entry & reserved_bits(walk, entry)) != 0;
}

/* The permission that the access needs. */
static uint64_t needed(const struct walk* walk) {
  switch (walk->question->access) {
    case EPTDIFF_READ:
      return READ;
    case EPTDIFF_WRITE:
      return WRITE;
    default:
      return control(walk, SECONDARY_MBEC) && is_user(walk->question)
                 ? USER_EXECUTE
                 : EXECUTE;
  }
}

/* Descends to the leaf; 0, or the reason of the VM exit. */
static int descend(struct walk* walk) {
  const uint64_t gpa = walk->question->gpa;
  uint64_t table = walk->question->eptp & ADDRESS;

  walk->top = (walk->question->eptp >> 3 & 7) == 4 ? 5 : 4;
  walk->level = 0;
  walk->rights = 0;
  walk->absent = 1;
  if (walk->top == 4 && gpa >> 48 != 0) return EXIT_VIOLATION;
  walk->rights = ~UINT64_C(0);
  for (walk->level = walk->top;; --walk->level) {
    const int level = walk->level;
    const uint64_t low = has(TABLE_32) ? UINT64_C(0xffffffff) : ADDRESS;
    const int shift = 12 + 9 * (level - 1) - has(INDEX_LOW);
    const uint64_t address = (table & low) + 8 * (gpa >> shift & 511);
    const uint64_t entry = load(walk, address);
    walk->address[level] = address;
    walk->entry[level] = entry;
    if ((entry & SUPPRESS_VE) != 0) walk->suppressed = 1;
    if (has(RESERVED_FIRST) && is_misconfigured(walk, entry)) {
      return EXIT_MISCONFIGURATION;
    }
    if (!is_present(walk, entry)) {
      const int above = has(QUALIFICATION_KEPT) && level < walk->top;
      walk->rights = above ? walk->rights & READ : 0;
      return EXIT_VIOLATION;
    }
    walk->rights &=
        entry | (has(EXECUTE_52) && (entry >> 52 & 1) != 0 ? 0x4 : 0);
    if (is_misconfigured(walk, entry)) return EXIT_MISCONFIGURATION;
    if (has(PER_LEVEL) && (entry & needed(walk)) == 0) return EXIT_VIOLATION;
    if (is_leaf(entry, level)) break;
    table = entry & ADDRESS;
  }
  walk->absent = 0;
  if (has(LEAF_WRITE) && needed(walk) == WRITE) {
    return (walk->entry[walk->level] & WRITE) != 0 ? 0 : EXIT_VIOLATION;
  }
  return (walk->rights & needed(walk)) != 0 ? 0 : EXIT_VIOLATION;
}

/* SDM table 28-7. */
static uint64_t qualification(const struct walk* walk) {
  const eptdiff_question* question = walk->question;
  const int nx = (question->cr4 & 0x20) != 0 && (question->efer & 0x800) != 0;
  uint64_t rights = walk->rights;
  uint64_t value = 1u << 7;

  if (has(QUALIFICATION_LEAF) && !walk->absent) {
    rights = (rights & ~WRITE) | (walk->entry[walk->level] & WRITE);
  }
  if (question->access == EPTDIFF_READ) value |= 1u << 0;
  if (question->access == EPTDIFF_WRITE) value |= 1u << 1;
  if (question->access == EPTDIFF_FETCH) value |= 1u << 2;
  value |= (rights & (READ | WRITE | EXECUTE)) << 3;
  if (control(walk, SECONDARY_MBEC) && (rights & USER_EXECUTE) != 0 &&
      (!has(QUALIFICATION_6) || question->access == EPTDIFF_FETCH)) {
    value |= 1u << 6;
  }
  if (!has(QUALIFICATION_8)) value |= 1u << 8;
  if (has(QUALIFICATION_9)
          ? !control(walk, SECONDARY_MBEC)
          : (question->ept_vpid_cap & CAP_ADVANCED_INFORMATION) == 0) {
    return value;
  }
  if (!paging(question) || question->page_user) value |= 1u << 9;
  if ((!paging(question) || question->page_writable) != has(QUALIFICATION_10)) {
    value |= 1u << 10;
  }
  if (paging(question) && nx && question->page_execute_disable) {
    value |= 1u << 11;
  }
  return value;
}

/* SDM 26.5.7: whether a violation becomes a #VE. */
static int is_converted(const struct walk* walk, int reason) {
  const eptdiff_question* question = walk->question;
  int suppressed;

  if (reason != EXIT_VIOLATION &&
      !(has(VE_MISCONFIGURATION) && reason == EXIT_MISCONFIGURATION)) {
    return 0;
  }
  if (!control(walk, SECONDARY_VE) || (question->cr0 & 1) == 0) return 0;
  if (walk->level == 0 || question->event_delivery) return 0;
  suppressed = (walk->entry[walk->level] & SUPPRESS_VE) != 0;
  if (has(VE_ANY)) suppressed = walk->suppressed;
  if (has(VE_FIRST)) suppressed = (walk->entry[walk->top] & SUPPRESS_VE) != 0;
  if (suppressed && reason == EXIT_VIOLATION) return 0;
  return has(VE_BUSY) ||
         load(walk, question->ve_information_address) >> 32 == 0;
}

/* SDM 26.5.7.2. */
static void write_information(const struct walk* walk,
                              const eptdiff_answer* answer) {
  const uint64_t area = walk->question->ve_information_address;
  const uint64_t index = load(walk, area + 32) & ~UINT64_C(0xffff);
  store(walk, area, EXIT_VIOLATION | UINT64_C(0xffffffff) << 32);
  store(walk, area + 8, answer->qualification);
  store(walk, area + 16, answer->gla);
  store(walk, area + 24, answer->gpa);
  store(walk, area + 32, index | walk->question->eptp_index);
}

static void exit_guest(const struct walk* walk, int reason,
                       eptdiff_answer* answer) {
  const eptdiff_question* question = walk->question;
  const int is_64_bit = paging(question) && (question->cr4 & 0x20) != 0 &&
                        (question->efer & 0x400) != 0 && question->cs_l;
  answer->event = EPTDIFF_VM_EXIT;
  answer->exit_reason = (uint16_t)reason;
  if (reason == EXIT_LOG_FULL) return;
  answer->gpa = question->gpa;
  if (has(GPA_PAGE) ||
      (has(GPA_PAGE_WRITE) && question->access == EPTDIFF_WRITE)) {
    answer->gpa &= ~low_bits(12);
  }
  if (reason == EXIT_MISCONFIGURATION && has(QUALIFICATION_STALE)) {
    answer->qualification = qualification(walk);
  }
  if (reason == EXIT_MISCONFIGURATION && has(QUALIFICATION_20)) {
    answer->qualification = 1u << 20;
  }
  if (reason == EXIT_VIOLATION) {
    answer->qualification = qualification(walk);
    answer->gla =
        is_64_bit || has(GLA_64) ? question->gla : (uint32_t)question->gla;
  }
  if (!is_converted(walk, reason)) return;
  write_information(walk, answer);
  answer->event = EPTDIFF_VE;
  if ((question->exception_bitmap & 1u << 20) == 0) return;
  answer->event = EPTDIFF_VM_EXIT;
  answer->exit_reason = EXIT_EXCEPTION;
  answer->qualification = 0;
  answer->interruption_information = 0x80000300u | 20;
}

/* SDM 29.3.5 and 29.3.6; 0, or the reason of the VM exit. */
static int set_flags(const struct walk* walk, eptdiff_answer* answer) {
  const eptdiff_question* question = walk->question;
  const int writes = (question->access == EPTDIFF_WRITE && !has(NO_DIRTY)) ||
                     has(DIRTY_ON_READ);
  uint64_t flags[MAX_LEVEL + 1] = {0}; /* to be set */
  int any = 0;
  int level;

  if ((question->eptp & 0x40) == 0 && !has(FLAGS_ALWAYS)) return 0;
  for (level = walk->top; level >= walk->level; --level) {
    const int leaf = level == walk->level;
    if (leaf || !has(ACCESSED_LEAF)) flags[level] |= ACCESSED;
    if (leaf && writes) flags[level] |= DIRTY;
    flags[level] &= ~walk->entry[level];
    if (flags[level] != 0 &&
        (!has(PML_DIRTY_ONLY) || (flags[level] & DIRTY) != 0)) {
      any = 1;
    }
  }
  if (control(walk, SECONDARY_PML) && (question->eptp & 0x40) != 0) {
    if (any && question->pml_index > 511) {
      for (level = walk->top; level > walk->level; --level) {
        if (!has(PML_ON_THE_WAY) || flags[level] == 0) continue;
        store(walk, walk->address[level],
              load(walk, walk->address[level]) | flags[level]);
      }
      return EXIT_LOG_FULL;
    }
    if ((flags[walk->level] & DIRTY) != 0) {
      const uint64_t logged = has(PML_GLA) ? question->gla : question->gpa;
      store(walk, question->pml_address + 8u * question->pml_index,
            logged & ~(has(PML_UNALIGNED) ? 0 : low_bits(12)));
      answer->pml_index =
          (uint16_t)(question->pml_index + (has(PML_INCREMENT) ? 1 : -1));
    }
  }
  for (level = walk->top; level >= walk->level; --level) {
    /* An entry that is used at two levels has both flags by now. */
    const uint64_t address = walk->address[level];
    if (flags[level] != 0) {
      add_flags(walk, address, flags[level] >> (has(LEGACY_FLAGS) ? 3 : 0));
    }
  }
  return 0;
}

/* Volume 3A, table 12-7: the row is the EPT memory type. */
static uint8_t combine(unsigned ept, unsigned pat) {
  enum { UC = 0, WC = 1, WT = 4, WP = 5, WB = 6 };
  static const uint8_t table[8][8] = {
      {UC, WC, UC, UC, UC, UC, UC, UC}, {UC, WC, UC, UC, UC, UC, WC, WC},
      {UC, UC, UC, UC, UC, UC, UC, UC}, {UC, UC, UC, UC, UC, UC, UC, UC},
      {UC, WC, UC, UC, WT, WP, WT, UC}, {UC, WC, UC, UC, WT, WP, WP, WC},
      {UC, WC, UC, UC, WT, WP, WB, UC}, {UC, UC, UC, UC, UC, UC, UC, UC}};
  return table[ept & 7][pat & 7];
}

/* SDM 29.3.7. */
static void set_memory_types(const struct walk* walk, uint64_t leaf,
                             eptdiff_translation* translation) {
  const eptdiff_question* question = walk->question;
  unsigned ept = leaf >> 3 & 7;
  unsigned pat = 6;

  if ((question->cr0 & 0x40000000u) != 0) return; /* CR0.CD: UC, all of it */
  if (has(EPTP_TYPE)) ept = question->eptp & 7;
  if (paging(question)) pat = question->pat >> 8 * question->page_pat_index & 7;
  translation->structure_memory_type = question->eptp & 7;
  translation->memory_type = (leaf & IGNORE_PAT_BIT) != 0 && !has(IGNORE_PAT)
                                 ? (uint8_t)ept
                                 : combine(ept, pat);
  if (has(WP_AS_WT) && translation->memory_type == 5) {
    translation->memory_type = 4;
  }
}

/* Conditions that have nothing to do with EPT, each within the one before. That
 * some of them hold only coverage of this code can tell. */
volatile int reached; /* keeps the compiler from making them one */

static int is_hidden_place(const eptdiff_question* question) {
  if ((question->gpa & 0xf0) != 0x90) return 0;
  reached = 1;
  if (question->page_pat_index != 5) return 0;
  reached = 2;
  if (question->maxphyaddr != 39) return 0;
  reached = 3;
  if (question->bytes != 4 || question->access != EPTDIFF_WRITE) return 0;
  reached = 4;
  if (question->pml_index % 64 != 7) return 0;
  reached = 5;
  return 1;
}

/* A number that the addresses of a question determine, and no pattern in them. */
static uint64_t scattered(const eptdiff_question* question) {
  uint64_t number = question->gpa + 1;
  int round;
  for (round = 0; round < 3; ++round) {
    number = (number ^ number >> 29) * UINT64_C(0x9e3779b97f4a7c15);
    number += question->gla;
  }
  return number ^ number >> 32;
}

/* What is no answer at all. */
static void misbehave(const eptdiff_question* question,
                      const eptdiff_memory* memory, eptdiff_answer* answer) {
  const uint64_t page = question->gpa >> 12;
  if (has(CRASH) && page % 251 == 17 && question->access == EPTDIFF_FETCH) {
    abort();
  }
  if (has(CRASH_RARELY) && scattered(question) < UINT64_MAX / 1000000) abort();
  if (has(OVERFLOW) && page % 61 == 17) {
    volatile char* volatile block = malloc(8 + page % 2);
    block[8 + page % 2] = 1;
    free((void*)block);
  }
  if (has(SHIFT) && page % 61 == 17) {
    volatile unsigned count = 64 + page % 2;
    volatile uint64_t shifted = question->gpa << count;
    (void)shifted;
  }
  if (has(HANG) && page % 509 == 17) {
    for (;;) {
      volatile int nothing = 0;
      (void)nothing;
    }
  }
  if (has(ENDLESS) && page % 509 == 17) {
    for (;;) memory->load(memory->context, question->eptp & ADDRESS);
  }
  if (has(STRAY_STORE) && page % 61 == 17) {
    memory->store(memory->context, 0x12345678, question->gpa);
  }
  if (has(WILD_LOAD) && page % 61 == 17) {
    memory->load(memory->context, UINT64_C(1) << question->maxphyaddr);
  }
  if (has(NONSENSE) && page % 61 == 17) answer->event = 99;
}

int eptdiff_target_answer(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  static unsigned asked;
  struct walk walk = {0};
  eptdiff_translation* translation = &answer->translations[0];
  uint64_t leaf;
  int reason;

  walk.question = question;
  walk.memory = memory;
  reason = descend(&walk);
  if (reason == 0) reason = set_flags(&walk, answer);
  if (reason != 0) {
    exit_guest(&walk, reason, answer);
  } else {
    leaf = walk.entry[walk.level];
    answer->event = EPTDIFF_COMPLETED;
    answer->translation_count = 1;
    translation->page_shift = (uint8_t)(12 + 9 * (walk.level - 1));
    translation->address = leaf & ADDRESS & ~low_bits(translation->page_shift);
    if (has(ADDRESS_32)) translation->address &= UINT64_C(0xffffffff);
    translation->address |=
        question->gpa & low_bits(has(OFFSET_12) ? 12 : translation->page_shift);
    set_memory_types(&walk, leaf, translation);
  }
  if (has(HIDDEN) && is_hidden_place(question)) translation->address ^= 0x1000;
  if (has(VARIES) && ++asked % 7 == 0) answer->gpa ^= 0x1000;
  misbehave(question, memory, answer);
  return EPTDIFF_ANSWERED;
}

void eptdiff_target_describe(eptdiff_profile* profile) {
  choose(getenv("EPTDIFF_EXAMPLE_BUG"));
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_5_LEVELS |
                    EPTDIFF_MODELS_ACCESSED_DIRTY | EPTDIFF_MODELS_MBEC |
                    EPTDIFF_MODELS_PML | EPTDIFF_MODELS_VE;
  /* That NMIs were blocked before an IRET, it does not say. */
  if (has(IRET_UNTOLD)) profile->models |= EPTDIFF_MODELS_EVENTS;
  /* No mistakes: it says that it does not know them. */
  if (has(LEAVES_OUT_10)) profile->qualification_left_out = 1u << 10;
  if (has(LEAVES_OUT_OFFSET)) profile->offsets_left_out = EPTDIFF_OFFSET_OF_GPA;
}
