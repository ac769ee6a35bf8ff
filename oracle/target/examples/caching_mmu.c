/* An MMU with a translation cache, as an emulator has one: linear addresses
 * through the guest's 4-level paging and 4-level EPT. What it keeps of them,
 * and what ends that, is mmu_cache.c. EPT by itself is walked anew each time,
 * and the profile says so; for what is kept of that see caching_walker.c.
 *
 * It is right as it stands. EPTDIFF_EXAMPLE_BUG in the environment names one of
 * the mistakes of FOR_EACH_BUG, which it makes then. */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/examples/mmu_cache.h"

EPTDIFF_TARGET_DEFINE_ABI;

/* EPT entries, SDM tables 29-1 to 29-7; what accesses need. */
#define READ 0x1u
#define WRITE 0x2u
#define EXECUTE 0x4u

/* IA32_VMX_EPT_VPID_CAP, A.10. */
#define CAP_EXECUTE_ONLY 0x1u
#define CAP_2_MBYTE 0x10000u
#define CAP_1_GBYTE 0x20000u
#define CAP_ADVANCED_INFORMATION 0x400000u

#define RFLAGS_AC (UINT64_C(1) << 18)

#define EXIT_VIOLATION 48
#define EXIT_MISCONFIGURATION 49

static int shift_of(int level) { return 12 + 9 * (level - 1); }

/* ---------------------------------------------------------------- the walks */

/* A mistake: the EPT leaf that was found last is kept, as a guest-physical
 * mapping may be, by EPTRTA and processor, until INVEPT or a violation. That is
 * right by itself, and not declared. */
static struct {
  int valid;
  uint8_t processor;
  uint64_t eptrta;
  struct place page;
} last_leaf;

static int is_last_leaf(const eptdiff_question* question,
                        const struct place* place) {
  const int shift = last_leaf.page.ept_shift;
  return last_leaf.valid && last_leaf.processor == question->processor &&
         last_leaf.eptrta == (question->eptp & ADDRESS_BITS) &&
         (last_leaf.page.gpa ^ place->gpa) >> shift == 0;
}

static void keep_last_leaf(const eptdiff_question* question,
                           const struct place* place) {
  last_leaf.valid = chosen == GUEST_PHYSICAL;
  last_leaf.processor = question->processor;
  last_leaf.eptrta = question->eptp & ADDRESS_BITS;
  last_leaf.page = *place;
}

static int is_paging(const eptdiff_question* question) {
  return (question->cr0 & CR0_PG) != 0;
}

static int is_64_bit(const eptdiff_question* question) {
  return is_paging(question) && (question->efer & EFER_LMA) != 0 &&
         question->cs_l;
}

static uint64_t needed(const eptdiff_question* question) {
  switch (question->access) {
    case EPTDIFF_WRITE:
      return WRITE;
    case EPTDIFF_FETCH:
      return EXECUTE;
    default:
      return READ;
  }
}

static void complete(const struct place* place, eptdiff_answer* answer) {
  answer->event = EPTDIFF_COMPLETED;
  answer->translation_count = 1;
  answer->translations[0].address = place->hpa;
  answer->translations[0].page_shift = (uint8_t)place->ept_shift;
}

/* SDM table 28-7, of an access of the kind `access`, to a guest entry or to
 * what was translated. */
static void violate(const eptdiff_question* question, uint64_t gla,
                    const struct place* place, uint64_t access, int translated,
                    eptdiff_answer* answer) {
  uint64_t value = access | (place->ept_rights & 7) << 3 | 1u << 7;
  if (translated) value |= 1u << 8;
  if (translated && (question->ept_vpid_cap & CAP_ADVANCED_INFORMATION) != 0) {
    if ((place->guest & USER) != 0) value |= 1u << 9;
    if ((place->guest & WRITABLE) != 0) value |= 1u << 10;
    if ((place->guest & NO_EXECUTE) != 0) value |= 1u << 11;
  }
  last_leaf.valid = 0;
  answer->gpa = place->gpa;
  answer->gla = is_64_bit(question) ? gla : (uint32_t)gla;
  if (translated) mmu_end_by_violation(question, answer->gla);
  mmu_exit(question, EXIT_VIOLATION, value, answer);
}

static void misconfigure(const eptdiff_question* question, uint64_t gpa,
                         eptdiff_answer* answer) {
  answer->gpa = gpa;
  mmu_exit(question, EXIT_MISCONFIGURATION, 0, answer);
}

/* SDM 29.3.3.1. */
static int is_misconfigured(const eptdiff_question* question, int level,
                            uint64_t entry) {
  const uint64_t capabilities = question->ept_vpid_cap;
  const uint64_t type = entry >> 3 & 7;
  uint64_t reserved = ADDRESS_BITS & ~low_bits(question->maxphyaddr);
  if ((entry & READ) == 0 &&
      ((entry & WRITE) != 0 || (capabilities & CAP_EXECUTE_ONLY) == 0)) {
    return 1;
  }
  if (level == 4) {
    reserved |= 0xf8;
  } else if (level > 1 && (entry & LARGE) == 0) {
    reserved |= 0x78;
  } else {
    if (type == 2 || type == 3 || type == 7) return 1;
    if (level == 3 && (capabilities & CAP_1_GBYTE) == 0) return 1;
    if (level == 2 && (capabilities & CAP_2_MBYTE) == 0) return 1;
    reserved |= low_bits(shift_of(level)) & ~low_bits(12);
  }
  return (entry & reserved) != 0;
}

/* From place->gpa to all else of EPT; 0, or the reason of the VM exit. */
static int walk_ept(const eptdiff_question* question,
                    const eptdiff_memory* memory, struct place* place) {
  uint64_t table = question->eptp & ADDRESS_BITS;
  int level = 4;
  place->ept_rights = 0;
  if (place->gpa >> 48 != 0) return EXIT_VIOLATION;
  place->ept_rights = READ | WRITE | EXECUTE;
  if (is_last_leaf(question, place)) {
    const uint64_t within = low_bits(last_leaf.page.ept_shift);
    place->ept_rights = last_leaf.page.ept_rights;
    place->ept_shift = last_leaf.page.ept_shift;
    place->hpa = (last_leaf.page.hpa & ~within) | (place->gpa & within);
    return 0;
  }
  for (;; --level) {
    const int shift = shift_of(level);
    const uint64_t entry =
        memory->load(memory->context, table + 8 * (place->gpa >> shift & 511));
    place->ept_rights &= entry;
    if ((entry & (READ | WRITE | EXECUTE)) == 0) return EXIT_VIOLATION;
    if (is_misconfigured(question, level, entry)) return EXIT_MISCONFIGURATION;
    if (level == 1 || (level < 4 && (entry & LARGE) != 0)) {
      place->hpa = (entry & ADDRESS_BITS) | (place->gpa & low_bits(shift));
      place->ept_shift = shift;
      keep_last_leaf(question, place);
      return 0;
    }
    table = entry & ADDRESS_BITS;
  }
}

/* Whether the page may be accessed; if not, `answer` says so. */
static int is_accessible(const eptdiff_question* question, uint64_t gla,
                         const struct place* place, int reason, uint64_t access,
                         int translated, eptdiff_answer* answer) {
  if (reason == EXIT_MISCONFIGURATION) {
    misconfigure(question, place->gpa, answer);
  } else if (reason != 0 || (place->ept_rights & access) == 0) {
    violate(question, gla, place, access, translated, answer);
  } else {
    return 1;
  }
  return 0;
}

/* ------------------------------------------------------ the guest's paging */

static int is_user_access(const eptdiff_question* question) {
  return question->cpl == 3 && !question->implicit_supervisor;
}

enum fault { FAULT_ABSENT = 0, FAULT_RIGHTS = 1, FAULT_RESERVED = 9 };

/* Volume 3A 4.7, 4.10.4.1. */
static void fault(const eptdiff_question* question, uint64_t gla,
                  enum fault why, eptdiff_answer* answer) {
  const int fetch = question->access == EPTDIFF_FETCH;
  answer->event = EPTDIFF_PAGE_FAULT;
  answer->cr2 = gla;
  answer->error_code = why;
  if (question->access == EPTDIFF_WRITE) answer->error_code |= 2;
  if (is_user_access(question)) answer->error_code |= 4;
  if (fetch &&
      ((question->efer & EFER_NXE) != 0 || (question->cr4 & CR4_SMEP) != 0)) {
    answer->error_code |= 16;
  }
  mmu_end_by_fault(question, gla);
}

/* Volume 3A 4.6.1. */
static int is_refused(const eptdiff_question* question, uint64_t rights) {
  const int user_page = (rights & USER) != 0;
  const int user = is_user_access(question);
  if (user && !user_page) return 1;
  if (question->access == EPTDIFF_FETCH) {
    if ((rights & NO_EXECUTE) != 0) return 1;
    return !user && user_page && (question->cr4 & CR4_SMEP) != 0;
  }
  if (!user && user_page && (question->cr4 & CR4_SMAP) != 0 &&
      (question->implicit_supervisor || (question->rflags & RFLAGS_AC) == 0)) {
    return 1;
  }
  return question->access == EPTDIFF_WRITE && (rights & WRITABLE) == 0 &&
         (user || (question->cr0 & CR0_WP) != 0);
}

static int is_reserved(const eptdiff_question* question, int level,
                       uint64_t entry) {
  uint64_t reserved = ADDRESS_BITS & ~low_bits(question->maxphyaddr);
  const int large = (entry & LARGE) != 0;
  if ((question->efer & EFER_NXE) == 0) reserved |= NO_EXECUTE;
  if (level == 4) reserved |= LARGE;
  if (level == 3 && (question->cpu & EPTDIFF_CPU_1_GBYTE_PAGES) == 0) {
    reserved |= LARGE;
  }
  if ((level == 3 || level == 2) && large) {
    reserved |= low_bits(shift_of(level)) & ~low_bits(13);
  }
  return (entry & reserved) != 0;
}

/* Accumulates the rights of an entry. */
static uint64_t with_rights(uint64_t rights, uint64_t entry) {
  return (rights & entry & (WRITABLE | USER)) | ((rights | entry) & NO_EXECUTE);
}

/* Sets flags of a guest entry at `at`; whether EPT lets it. */
static int set_flags(const eptdiff_question* question,
                     const eptdiff_memory* memory, uint64_t gla,
                     const struct place* at, uint64_t entry,
                     eptdiff_answer* answer) {
  if (!is_accessible(question, gla, at, 0, WRITE, 0, answer)) return 0;
  memory->store(memory->context, at->hpa, entry);
  return 1;
}

/* Translates by the guest's tables, from what is kept of the upper levels.
 * Returns 1 with the page; 0 if `answer` has another end; -1 if flags have to
 * be set below what was kept: that is done where memory leads, from the root.
 */
static int walk_guest(const eptdiff_question* question,
                      const eptdiff_memory* memory, uint64_t gla,
                      const struct kept* from, struct place* page,
                      eptdiff_answer* answer) {
  const uint64_t access = needed(question);
  struct place table; /* of the next entry */
  struct place at;    /* the entry */
  uint64_t entry;
  uint64_t wanted; /* flags */
  int level = 4;
  int shift;
  int leaf;
  memset(&table, 0, sizeof(table));
  table.gpa = question->cr3 & ADDRESS_BITS & low_bits(question->maxphyaddr);
  table.guest = WRITABLE | USER;
  if (from != NULL) {
    table = from->place;
    level = from->level - 1;
  }
  for (;; --level) {
    const uint64_t index = gla >> shift_of(level) & 511;
    if (from == NULL || level != from->level - 1) {
      const int reason = walk_ept(question, memory, &table);
      at = table;
      at.gpa += 8 * index;
      if (!is_accessible(question, gla, &at, reason, READ, 0, answer)) return 0;
      if (level < 4)
        mmu_keep(question, gla, level + 1, shift_of(level + 1), &table);
    }
    at = table;
    at.gpa += 8 * index;
    at.hpa += 8 * index;
    entry = memory->load(memory->context, at.hpa);
    if ((entry & PRESENT) == 0) {
      fault(question, gla, FAULT_ABSENT, answer);
      if (chosen == ABSENT_KEPT) {
        struct kept* kept = mmu_keep(question, gla, 0, 12, &table);
        kept->absent = 1;
        kept->place.guest_shift = 12;
      }
      return 0;
    }
    if (is_reserved(question, level, entry)) {
      fault(question, gla, FAULT_RESERVED, answer);
      return 0;
    }
    shift = shift_of(level);
    table.guest = with_rights(table.guest, entry);
    leaf = level == 1 || (level < 4 && (entry & LARGE) != 0);
    wanted = leaf || chosen != ACCESSED_LATE ? ACCESSED : 0;
    /* What is set later, if the guest's rights allow the access. */
    if (leaf && access == WRITE) wanted |= DIRTY;
    if (from != NULL && (entry & wanted) != wanted) return -1;
    wanted &= ~(uint64_t)DIRTY;
    if ((entry & wanted) != wanted) {
      entry |= wanted;
      if (!set_flags(question, memory, gla, &at, entry, answer)) return 0;
    }
    if (leaf) break;
    table.gpa = entry & ADDRESS_BITS;
  }
  if (is_refused(question, table.guest)) {
    fault(question, gla, FAULT_RIGHTS, answer);
    return 0;
  }
  if (access == WRITE && (entry & DIRTY) == 0) {
    entry |= DIRTY;
    if (!set_flags(question, memory, gla, &at, entry, answer)) return 0;
  }
  *page = table;
  page->gpa =
      (entry & ADDRESS_BITS & ~low_bits(shift)) | (gla & low_bits(shift));
  page->guest_shift = shift;
  page->global = (question->cr4 & CR4_PGE) != 0 && (entry & GLOBAL) != 0;
  page->dirty = (entry & DIRTY) != 0;
  return is_accessible(question, gla, page, walk_ept(question, memory, page),
                       access, 1, answer);
}

static void access_linear(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  const int wide = question->cs_l || question->implicit_supervisor;
  const uint64_t gla = wide ? question->gla : (uint32_t)question->gla;
  const uint64_t access = needed(question);
  const struct kept* kept = mmu_look_up(question, gla);
  struct place page;
  int shift;
  int found;
  if (kept != NULL && kept->level == 0) {
    const uint64_t within = gla & low_bits(kept->shift);
    page = kept->place;
    page.gpa += within;
    page.hpa += within;
    if (kept->absent) {
      fault(question, gla, FAULT_ABSENT, answer);
      return;
    }
    if (is_refused(question, page.guest)) {
      fault(question, gla, FAULT_RIGHTS, answer);
      return;
    }
    if (access != WRITE || page.dirty || chosen == DIRTY_LATE) {
      if (is_accessible(question, gla, &page, 0, access, 1, answer)) {
        complete(&page, answer);
      }
      return;
    }
    found = -1;
  } else {
    found = walk_guest(question, memory, gla, kept, &page, answer);
  }
  if (found < 0) {
    mmu_forget(question, gla);
    found = walk_guest(question, memory, gla, NULL, &page, answer);
  }
  if (found == 0) return;
  shift = page.ept_shift < page.guest_shift ? page.ept_shift : page.guest_shift;
  mmu_keep(question, gla, 0, shift, &page);
  complete(&page, answer);
}

/* Of the translation of the linear address the question says what it gave. */
static void access_guest_physical(const eptdiff_question* question,
                                  const eptdiff_memory* memory,
                                  eptdiff_answer* answer) {
  const int nx =
      (question->cr4 & CR4_PAE) != 0 && (question->efer & EFER_NXE) != 0;
  struct place page;
  int reason;
  memset(&page, 0, sizeof(page));
  page.gpa = question->gpa;
  if (!is_paging(question) || question->page_user) page.guest |= USER;
  if (!is_paging(question) || question->page_writable) page.guest |= WRITABLE;
  if (is_paging(question) && nx && question->page_execute_disable) {
    page.guest |= NO_EXECUTE;
  }
  reason = walk_ept(question, memory, &page);
  if (is_accessible(question, question->gla, &page, reason, needed(question), 1,
                    answer)) {
    complete(&page, answer);
  }
}

/* --------------------------------------------------------------- the target */

int eptdiff_target_enter(const eptdiff_question* question,
                         const eptdiff_memory* memory, eptdiff_answer* answer) {
  (void)memory;
  answer->event = EPTDIFF_COMPLETED;
  if (question->step == EPTDIFF_STEP_VM_ENTRY) {
    mmu_end_by_transition(question);
  } else {
    last_leaf.valid = 0;
    mmu_forget_all();
  }
  return EPTDIFF_ANSWERED;
}

int eptdiff_target_answer(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  switch (question->step) {
    case EPTDIFF_STEP_LINEAR:
      access_linear(question, memory, answer);
      return EPTDIFF_ANSWERED;
    case EPTDIFF_STEP_GUEST_PHYSICAL:
      access_guest_physical(question, memory, answer);
      return EPTDIFF_ANSWERED;
    case EPTDIFF_STEP_INVALIDATION:
      if (question->invalidation == EPTDIFF_INVEPT) last_leaf.valid = 0;
      return mmu_invalidate(question, answer);
    case EPTDIFF_STEP_REGISTER_WRITE:
      return mmu_write_register(question, answer);
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
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_LINEAR_4_LEVEL |
                    EPTDIFF_MODELS_SMEP_SMAP | EPTDIFF_MODELS_CACHES |
                    EPTDIFF_MODELS_INVALIDATION |
                    EPTDIFF_MODELS_REGISTER_WRITES | EPTDIFF_MODELS_PROCESSORS;
  profile->keeps_state = 1;
  profile->keeps = EPTDIFF_KEEPS_COMBINED | EPTDIFF_KEEPS_PAGING_STRUCTURES |
                   EPTDIFF_KEEPS_VPIDS | EPTDIFF_KEEPS_PCIDS |
                   EPTDIFF_KEEPS_EPTRTAS;
  profile->fills &=
      ~(EPTDIFF_FILLS_MEMORY_TYPE | EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE);
}
