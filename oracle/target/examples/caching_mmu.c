/* An MMU with a translation cache, as an emulator has one: linear addresses
 * through the guest's 4-level paging and 4-level EPT, and what SDM 29.4 calls
 * combined mappings kept of them, whole translations and paging-structure
 * entries, by VPID, PCID and EPTRTA, and by logical processor. EPT by itself is
 * walked anew each time; for that see caching_walker.c.
 *
 * It is right as it stands. EPTDIFF_EXAMPLE_BUG in the environment names one of
 * the mistakes of FOR_EACH_BUG, which it makes then. */
#include <stdlib.h>
#include <string.h>

#include "oracle/target/eptdiff_target.h"

EPTDIFF_TARGET_DEFINE_ABI;

#define FOR_EACH_BUG(BUG)                                         \
  BUG(VPID_IGNORED, "vpid-ignored")                               \
  BUG(PCID_IGNORED, "pcid-ignored")                               \
  BUG(EPTRTA_IGNORED, "eptrta-ignored")                           \
  BUG(ABSENT_KEPT, "guest-not-present-remembered")                \
  BUG(ACCESSED_LATE, "kept-without-accessed-flag")                \
  BUG(DIRTY_LATE, "dirty-flag-not-set-on-a-hit")                  \
  BUG(VIOLATION, "violation-ends-nothing")                        \
  BUG(INVEPT, "invept-leaves-combined-mappings")                  \
  BUG(ADDRESS, "invvpid-address-ends-nothing")                    \
  BUG(ADDRESS_PART, "invvpid-ends-one-part-of-a-large-page")      \
  BUG(ADDRESS_UPPER, "invvpid-address-leaves-upper-levels")       \
  BUG(SINGLE, "invvpid-single-ends-nothing")                      \
  BUG(SINGLE_GLOBAL, "invvpid-single-leaves-globals")             \
  BUG(ALL_CURRENT, "invvpid-all-ends-the-current-vpid-alone")     \
  BUG(RETAINING, "invvpid-retaining-ends-nothing")                \
  BUG(RETAINING_UPPER, "invvpid-retaining-leaves-upper-levels")   \
  BUG(VPID_0, "invvpid-accepts-vpid-0")                           \
  BUG(INVLPG_NOTHING, "invlpg-ends-nothing")                      \
  BUG(INVLPG_PART, "invlpg-ends-one-part-of-a-large-page")        \
  BUG(INVLPG_UPPER, "invlpg-leaves-upper-levels")                 \
  BUG(INVLPG_PATH, "invlpg-ends-upper-levels-of-its-address")     \
  BUG(INVLPG_GLOBAL, "invlpg-leaves-globals")                     \
  BUG(INVLPG_DIRTY, "invlpg-leaves-dirty-pages")                  \
  BUG(INVLPG_PCID_0, "invlpg-ends-pcid-0")                        \
  BUG(INVPCID_NOTHING, "invpcid-ends-nothing")                    \
  BUG(INVPCID_CURRENT, "invpcid-ends-the-current-pcid")           \
  BUG(INVPCID_GLOBAL, "invpcid-all-leaves-globals")               \
  BUG(INVPCID_PART, "invpcid-ends-one-part-of-a-large-page")      \
  BUG(CR3_NOTHING, "mov-cr3-ends-nothing")                        \
  BUG(CR3_OLD, "mov-cr3-ends-the-old-pcid")                       \
  BUG(CR3_UPPER, "mov-cr3-leaves-upper-levels")                   \
  BUG(CR3_63, "mov-cr3-never-ends-with-pcids")                    \
  BUG(CR4_NOTHING, "mov-cr4-ends-nothing")                        \
  BUG(CR4_GLOBAL, "mov-cr4-leaves-globals")                       \
  BUG(TRANSITION, "vm-entry-without-vpid-ends-nothing")           \
  BUG(FAULT, "page-fault-ends-nothing")                           \
  BUG(FAULT_UPPER, "page-fault-leaves-upper-levels")              \
  BUG(FAULT_GLOBAL, "page-fault-leaves-globals")

enum bug {
#define BUG(name, text) name,
  FOR_EACH_BUG(BUG)
#undef BUG
      BUG_COUNT
};

static enum bug chosen = BUG_COUNT;

/* EPT entries, SDM tables 29-1 to 29-7; what accesses need. */
#define READ 0x1u
#define WRITE 0x2u
#define EXECUTE 0x4u
/* The guest's entries, volume 3A tables 4-15 to 4-20. */
#define PRESENT 0x1u
#define WRITABLE 0x2u
#define USER 0x4u
#define ACCESSED 0x20u
#define DIRTY 0x40u
#define GLOBAL 0x100u
#define NO_EXECUTE (UINT64_C(1) << 63)
/* Both. */
#define LARGE 0x80u
#define ADDRESS_BITS UINT64_C(0x000ffffffffff000)

/* IA32_VMX_EPT_VPID_CAP, A.10. */
#define CAP_EXECUTE_ONLY 0x1u
#define CAP_4_LEVELS 0x40u
#define CAP_5_LEVELS 0x80u
#define CAP_UNCACHEABLE 0x100u
#define CAP_WRITE_BACK 0x4000u
#define CAP_2_MBYTE 0x10000u
#define CAP_1_GBYTE 0x20000u
#define CAP_INVEPT 0x100000u
#define CAP_FLAGS 0x200000u
#define CAP_ADVANCED_INFORMATION 0x400000u
#define CAP_SHADOW_STACK 0x800000u
#define CAP_INVEPT_SINGLE 0x2000000u
#define CAP_INVVPID (UINT64_C(1) << 32)
#define CAP_INVVPID_ADDRESS (UINT64_C(1) << 40)

/* VM-execution controls, tables 25-6 and 25-7. */
#define PRIMARY_INVLPG_EXITING (1u << 9)
#define PRIMARY_CR3_LOAD_EXITING (1u << 15)
#define PRIMARY_SECONDARY (1u << 31)
#define SECONDARY_VPID (1u << 5)
#define SECONDARY_INVPCID (1u << 12)

#define CR0_WP (UINT64_C(1) << 16)
#define CR0_NW (UINT64_C(1) << 29)
#define CR0_CD (UINT64_C(1) << 30)
#define CR0_PG (UINT64_C(1) << 31)
#define CR4_PAE (UINT64_C(1) << 5)
#define CR4_PGE (UINT64_C(1) << 7)
#define CR4_LA57 (UINT64_C(1) << 12)
#define CR4_PCIDE (UINT64_C(1) << 17)
#define CR4_SMEP (UINT64_C(1) << 20)
#define CR4_SMAP (UINT64_C(1) << 21)
#define EFER_LMA (UINT64_C(1) << 10)
#define EFER_NXE (UINT64_C(1) << 11)
#define RFLAGS_AC (UINT64_C(1) << 18)

#define EXIT_INVLPG 14
#define EXIT_VIOLATION 48
#define EXIT_MISCONFIGURATION 49
#define EXIT_INVPCID 58

static uint64_t low_bits(int count) { return (UINT64_C(1) << count) - 1; }

static int shift_of(int level) { return 12 + 9 * (level - 1); }

/* ------------------------------------------------------------- what is kept */

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
#define KEPT 64
static struct kept cache[KEPT];
static unsigned next_kept;

static int has_vpid(const eptdiff_question* question) {
  return (question->primary & PRIMARY_SECONDARY) != 0 &&
         (question->secondary & SECONDARY_VPID) != 0;
}

static struct tag current(const eptdiff_question* question) {
  struct tag tag;
  tag.processor = question->processor;
  tag.vpid = has_vpid(question) ? question->vpid : 0;
  tag.pcid =
      (question->cr4 & CR4_PCIDE) != 0 ? (uint16_t)(question->cr3 & 0xfff) : 0;
  tag.eptrta = question->eptp & ADDRESS_BITS;
  tag.mode = (question->efer & EFER_NXE) | (question->cr4 & CR4_PGE);
  return tag;
}

/* Global translations alone: the entries of paging-structure caches are none. */
static int is_global(const struct kept* kept) {
  return kept->level == 0 && kept->place.global;
}

static int covers(const struct kept* kept, uint64_t gla) {
  return (kept->gla ^ gla) >> kept->shift == 0;
}

/* SDM 29.4.2. */
static int is_usable(const struct kept* kept, const struct tag* now) {
  const struct tag* then = &kept->tag;
  return then->processor == now->processor && then->mode == now->mode &&
         (then->vpid == now->vpid || chosen == VPID_IGNORED) &&
         (then->eptrta == now->eptrta || chosen == EPTRTA_IGNORED) &&
         (then->pcid == now->pcid || is_global(kept) || chosen == PCID_IGNORED);
}

/* The deepest that is kept for the address. */
static struct kept* look_up(const eptdiff_question* question, uint64_t gla) {
  const struct tag now = current(question);
  struct kept* best = NULL;
  int i;
  for (i = 0; i < KEPT; ++i) {
    struct kept* kept = &cache[i];
    if (!kept->valid || !is_usable(kept, &now) || !covers(kept, gla)) continue;
    if (best == NULL || kept->level < best->level) best = kept;
  }
  return best;
}

static struct kept* keep(const eptdiff_question* question, uint64_t gla,
                         int level, int shift, const struct place* place) {
  struct kept* kept = &cache[next_kept++ % KEPT];
  const uint64_t within = gla & low_bits(shift);
  kept->valid = 1;
  kept->level = level;
  kept->shift = shift;
  kept->absent = 0;
  kept->tag = current(question);
  kept->gla = gla - within;
  kept->place = *place;
  if (level == 0) {
    kept->place.gpa -= within;
    kept->place.hpa -= within;
  }
  return kept;
}

/* What an operation ends: what fits all of this. */
struct scope {
  int any_vpid, any_pcid, any_address;
  uint16_t vpid, pcid;
  uint64_t gla;
  int globals;       /* whether also those of any PCID, or none at all */
  int every_upper;   /* paging-structure entries whatever their address */
  int one_part;      /* mistakes: no other part of a large page, ... */
  int upper_stay;    /* ... no paging-structure entries, ... */
  int globals_stay;  /* ... no global translations, ... */
  int dirty_stay;    /* ... no pages that were written */
};

static int ends(const struct scope* scope, const struct kept* kept) {
  const uint64_t differing = kept->gla ^ scope->gla;
  const int whole = kept->level == 0;
  if (!scope->any_vpid && kept->tag.vpid != scope->vpid &&
      chosen != VPID_IGNORED) {
    return 0;
  }
  if (scope->upper_stay && !whole) return 0;
  if (scope->globals_stay && is_global(kept)) return 0;
  if (scope->dirty_stay && whole && kept->place.dirty) return 0;
  if (is_global(kept) && !scope->globals) return 0;
  if (!is_global(kept) && !scope->any_pcid && kept->tag.pcid != scope->pcid &&
      chosen != PCID_IGNORED) {
    return 0;
  }
  if (scope->any_address || (scope->every_upper && !whole)) return 1;
  /* All of a large page, of which this may be a part (volume 3A 4.10.4.1). */
  if (whole && !scope->one_part) {
    return differing >> kept->place.guest_shift == 0;
  }
  return differing >> (whole ? 12 : kept->shift) == 0;
}

static void end(const eptdiff_question* question, const struct scope* scope) {
  int i;
  for (i = 0; i < KEPT; ++i) {
    if (cache[i].tag.processor != question->processor) continue;
    if (ends(scope, &cache[i])) cache[i].valid = 0;
  }
}

/* What would be used for an address now, and more of it: of all EPTRTAs. */
static struct scope used_for(const eptdiff_question* question, uint64_t gla) {
  const struct tag now = current(question);
  struct scope scope = {0};
  scope.vpid = now.vpid;
  scope.pcid = now.pcid;
  scope.gla = gla;
  scope.globals = 1;
  return scope;
}

/* VM exits and VM entries, SDM 29.4.3.1. */
static void end_by_transition(const eptdiff_question* question) {
  struct scope scope = {0};
  if (has_vpid(question) || chosen == TRANSITION) return;
  scope.any_pcid = scope.any_address = scope.globals = 1;
  end(question, &scope);
}

/* ---------------------------------------------------------------- the walks */

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

static void exit_guest(const eptdiff_question* question, int reason,
                       uint64_t qualification, eptdiff_answer* answer) {
  answer->event = EPTDIFF_VM_EXIT;
  answer->exit_reason = (uint16_t)reason;
  answer->qualification = qualification;
  end_by_transition(question);
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
  answer->gpa = place->gpa;
  answer->gla = is_64_bit(question) ? gla : (uint32_t)gla;
  if (translated && chosen != VIOLATION) {
    const struct scope scope = used_for(question, answer->gla);
    end(question, &scope);
  }
  exit_guest(question, EXIT_VIOLATION, value, answer);
}

static void misconfigure(const eptdiff_question* question, uint64_t gpa,
                         eptdiff_answer* answer) {
  answer->gpa = gpa;
  exit_guest(question, EXIT_MISCONFIGURATION, 0, answer);
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
  for (;; --level) {
    const int shift = shift_of(level);
    const uint64_t entry = memory->load(
        memory->context, table + 8 * (place->gpa >> shift & 511));
    place->ept_rights &= entry;
    if ((entry & (READ | WRITE | EXECUTE)) == 0) return EXIT_VIOLATION;
    if (is_misconfigured(question, level, entry)) return EXIT_MISCONFIGURATION;
    if (level == 1 || (level < 4 && (entry & LARGE) != 0)) {
      place->hpa =
          (entry & ADDRESS_BITS) | (place->gpa & low_bits(shift));
      place->ept_shift = shift;
      return 0;
    }
    table = entry & ADDRESS_BITS;
  }
}

/* Whether the page may be accessed; if not, `answer` says so. */
static int is_accessible(const eptdiff_question* question, uint64_t gla,
                         const struct place* place, int reason,
                         uint64_t access, int translated,
                         eptdiff_answer* answer) {
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
  struct scope scope = used_for(question, gla);
  const int fetch = question->access == EPTDIFF_FETCH;
  answer->event = EPTDIFF_PAGE_FAULT;
  answer->cr2 = gla;
  answer->error_code = why;
  if (question->access == EPTDIFF_WRITE) answer->error_code |= 2;
  if (is_user_access(question)) answer->error_code |= 4;
  if (fetch && ((question->efer & EFER_NXE) != 0 ||
                (question->cr4 & CR4_SMEP) != 0)) {
    answer->error_code |= 16;
  }
  scope.upper_stay = chosen == FAULT_UPPER;
  scope.globals_stay = chosen == FAULT_GLOBAL;
  if (chosen != FAULT) end(question, &scope);
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
  return (rights & entry & (WRITABLE | USER)) |
         ((rights | entry) & NO_EXECUTE);
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
 * be set below what was kept: that is done where memory leads, from the root. */
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
      if (level < 4) keep(question, gla, level + 1, shift_of(level + 1), &table);
    }
    at = table;
    at.gpa += 8 * index;
    at.hpa += 8 * index;
    entry = memory->load(memory->context, at.hpa);
    if ((entry & PRESENT) == 0) {
      fault(question, gla, FAULT_ABSENT, answer);
      if (chosen == ABSENT_KEPT) {
        keep(question, gla, 0, 12, &table)->absent = 1;
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
  page->gpa = (entry & ADDRESS_BITS & ~low_bits(shift)) | (gla & low_bits(shift));
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
  const struct kept* kept = look_up(question, gla);
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
    const struct scope scope = used_for(question, gla);
    end(question, &scope);
    found = walk_guest(question, memory, gla, NULL, &page, answer);
  }
  if (found == 0) return;
  shift = page.ept_shift < page.guest_shift ? page.ept_shift : page.guest_shift;
  keep(question, gla, 0, shift, &page);
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

/* ------------------------------------------------------ what ends something */

/* Whether VM entry would refuse the EPTP: table 25-9. */
static int is_refused_eptp(const eptdiff_question* question, uint64_t eptp) {
  const uint64_t capabilities = question->ept_vpid_cap;
  const uint64_t allowed[8] = {CAP_UNCACHEABLE, 0, 0, 0, 0, 0, CAP_WRITE_BACK};
  const uint64_t lengths[8] = {0, 0, 0, CAP_4_LEVELS, CAP_5_LEVELS};
  const uint64_t reserved = ~low_bits(question->maxphyaddr) | 0xf00;
  return (capabilities & allowed[eptp & 7]) == 0 ||
         (capabilities & lengths[eptp >> 3 & 7]) == 0 ||
         ((eptp & 0x40) != 0 && (capabilities & CAP_FLAGS) == 0) ||
         ((eptp & 0x80) != 0 && (capabilities & CAP_SHADOW_STACK) == 0) ||
         (eptp & reserved) != 0;
}

/* SDM 31.3. Both are software's, after a VM exit. */
static void invept(const eptdiff_question* question, eptdiff_answer* answer) {
  const int type = question->invalidation_type;
  const uint64_t eptp = question->descriptor[0];
  int i;
  answer->event = EPTDIFF_INVALID_OPERAND;
  if (type < 1 || type > 2 ||
      (question->ept_vpid_cap & (uint64_t)CAP_INVEPT_SINGLE << (type - 1)) ==
          0 ||
      (type == 1 && is_refused_eptp(question, eptp))) {
    return;
  }
  answer->event = EPTDIFF_COMPLETED;
  if (chosen == INVEPT) return;
  for (i = 0; i < KEPT; ++i) {
    struct kept* kept = &cache[i];
    if (kept->tag.processor != question->processor) continue;
    if (type == 2 || kept->tag.eptrta == (eptp & ADDRESS_BITS)) kept->valid = 0;
  }
}

static int is_canonical(const eptdiff_question* question, uint64_t address) {
  const int sign = (question->cr4 & CR4_LA57) != 0 ? 56 : 47;
  return address >> sign == 0 || ~address >> sign == 0;
}

static void invvpid(const eptdiff_question* question, eptdiff_answer* answer) {
  const int type = question->invalidation_type;
  const uint64_t vpid = question->descriptor[0];
  struct scope scope = {0};
  answer->event = EPTDIFF_INVALID_OPERAND;
  if (type > 3 ||
      (question->ept_vpid_cap & CAP_INVVPID_ADDRESS << type) == 0 ||
      vpid >> 16 != 0 || (type != 2 && vpid == 0 && chosen != VPID_0) ||
      (type == 0 && !is_canonical(question, question->descriptor[1]))) {
    return;
  }
  answer->event = EPTDIFF_COMPLETED;
  scope.vpid = (uint16_t)vpid;
  scope.any_pcid = 1;
  scope.gla = question->descriptor[1];
  scope.any_address = type != 0;
  scope.globals = type != 3;
  scope.any_vpid = type == 2;
  scope.one_part = chosen == ADDRESS_PART;
  scope.upper_stay = (type == 0 && chosen == ADDRESS_UPPER) ||
                     (type == 3 && chosen == RETAINING_UPPER);
  scope.globals_stay = type == 1 && chosen == SINGLE_GLOBAL;
  if (type == 2 && chosen == ALL_CURRENT) {
    scope.any_vpid = 0;
    scope.vpid = current(question).vpid;
  }
  if ((type == 0 && chosen == ADDRESS) || (type == 1 && chosen == SINGLE) ||
      (type == 3 && chosen == RETAINING)) {
    return;
  }
  end(question, &scope);
}

/* Volume 3A 4.10.4.1, of the current VPID alone (SDM 29.4.3.1). */
static void invlpg(const eptdiff_question* question, eptdiff_answer* answer) {
  struct scope scope = used_for(question, question->descriptor[1]);
  if ((question->primary & PRIMARY_INVLPG_EXITING) != 0) {
    exit_guest(question, EXIT_INVLPG, question->descriptor[1], answer);
    return;
  }
  answer->event = EPTDIFF_COMPLETED;
  scope.every_upper = chosen != INVLPG_PATH;
  scope.one_part = chosen == INVLPG_PART;
  scope.upper_stay = chosen == INVLPG_UPPER;
  scope.globals_stay = chosen == INVLPG_GLOBAL;
  scope.dirty_stay = chosen == INVLPG_DIRTY;
  if (chosen == INVLPG_PCID_0) scope.pcid = 0;
  if (chosen != INVLPG_NOTHING) end(question, &scope);
}

static void invpcid(const eptdiff_question* question, eptdiff_answer* answer) {
  const int type = question->invalidation_type;
  const uint64_t pcid = question->descriptor[0];
  struct scope scope = used_for(question, question->descriptor[1]);
  if ((question->primary & PRIMARY_SECONDARY) == 0 ||
      (question->secondary & SECONDARY_INVPCID) == 0) {
    answer->event = EPTDIFF_INVALID_OPCODE;
    return;
  }
  if ((question->primary & PRIMARY_INVLPG_EXITING) != 0) {
    exit_guest(question, EXIT_INVPCID, 0, answer);
    return;
  }
  answer->event = EPTDIFF_GENERAL_PROTECTION;
  if (type > 3 || pcid >> 12 != 0 ||
      (type < 2 && pcid != 0 && (question->cr4 & CR4_PCIDE) == 0) ||
      (type == 0 && !is_canonical(question, question->descriptor[1]))) {
    return;
  }
  answer->event = EPTDIFF_COMPLETED;
  if (chosen != INVPCID_CURRENT) scope.pcid = (uint16_t)pcid;
  scope.any_pcid = type > 1;
  scope.any_address = type > 0;
  scope.globals = type == 2 && chosen != INVPCID_GLOBAL;
  scope.one_part = chosen == INVPCID_PART;
  if (chosen != INVPCID_NOTHING) end(question, &scope);
}

/* Volume 3A 4.10.4.1. What would be a #GP or a VM exit is not its business, nor
 * is another mode of paging. */
static int write_register(const eptdiff_question* question,
                          eptdiff_answer* answer) {
  const uint64_t value = question->value;
  const int pcids = (question->cr4 & CR4_PCIDE) != 0;
  struct scope scope = used_for(question, 0);
  uint64_t changed;
  scope.any_address = 1;
  answer->event = EPTDIFF_COMPLETED;
  if (!is_paging(question) || (question->efer & EFER_LMA) == 0) {
    return EPTDIFF_NOT_MODELLED;
  }
  switch (question->guest_register) {
    case EPTDIFF_CR0:
      changed = value ^ question->cr0;
      return changed == 0 || (changed == CR0_WP &&
                              ((value & CR0_NW) == 0 || (value & CR0_CD) != 0))
                 ? EPTDIFF_ANSWERED
                 : EPTDIFF_NOT_MODELLED;
    case EPTDIFF_CR3:
      if ((question->primary & PRIMARY_CR3_LOAD_EXITING) != 0 ||
          (value & ~NO_EXECUTE) >> question->maxphyaddr != 0 ||
          (value >> 63 != 0 && !pcids)) {
        return EPTDIFF_NOT_MODELLED;
      }
      if (pcids && (value >> 63 != 0 || chosen == CR3_63)) {
        return EPTDIFF_ANSWERED;
      }
      if (chosen != CR3_OLD) scope.pcid = pcids ? (uint16_t)(value & 0xfff) : 0;
      scope.globals = 0;
      scope.upper_stay = chosen == CR3_UPPER;
      if (chosen != CR3_NOTHING) end(question, &scope);
      return EPTDIFF_ANSWERED;
    case EPTDIFF_CR4:
      changed = value ^ question->cr4;
      if ((changed & ~(CR4_PGE | CR4_PCIDE | CR4_SMEP | CR4_SMAP)) != 0 ||
          ((changed & value & CR4_SMEP) != 0 &&
           (question->cpu & EPTDIFF_CPU_SMEP) == 0) ||
          ((changed & value & CR4_SMAP) != 0 &&
           (question->cpu & EPTDIFF_CPU_SMAP) == 0) ||
          ((changed & value & CR4_PCIDE) != 0 &&
           ((question->cpu & EPTDIFF_CPU_PCID) == 0 ||
            (question->cr3 & 0xfff) != 0))) {
        return EPTDIFF_NOT_MODELLED;
      }
      scope.any_pcid = (changed & (CR4_PGE | CR4_PCIDE)) != 0;
      scope.globals_stay = chosen == CR4_GLOBAL;
      if ((changed & CR4_PGE) != 0 ||
          (changed & ~value & CR4_PCIDE) != 0 ||
          (changed & value & CR4_SMEP) != 0) {
        if (chosen != CR4_NOTHING) end(question, &scope);
      }
      return EPTDIFF_ANSWERED;
    case EPTDIFF_PKRU:
    case EPTDIFF_RFLAGS:
    case EPTDIFF_CPL:
      return EPTDIFF_ANSWERED;
    default:
      return EPTDIFF_NOT_MODELLED;
  }
}

static void invalidate(const eptdiff_question* question,
                       eptdiff_answer* answer) {
  const uint64_t capabilities = question->ept_vpid_cap;
  switch (question->invalidation) {
    case EPTDIFF_INVLPG:
      invlpg(question, answer);
      return;
    case EPTDIFF_INVPCID:
      invpcid(question, answer);
      return;
    case EPTDIFF_INVEPT:
      end_by_transition(question);
      answer->event = EPTDIFF_INVALID_OPCODE;
      if ((capabilities & CAP_INVEPT) != 0) invept(question, answer);
      return;
    default:
      end_by_transition(question);
      answer->event = EPTDIFF_INVALID_OPCODE;
      if ((capabilities & CAP_INVVPID) != 0) invvpid(question, answer);
  }
}

/* --------------------------------------------------------------- the target */

int eptdiff_target_enter(const eptdiff_question* question,
                         const eptdiff_memory* memory, eptdiff_answer* answer) {
  (void)memory;
  answer->event = EPTDIFF_COMPLETED;
  if (question->step == EPTDIFF_STEP_VM_ENTRY) {
    end_by_transition(question);
  } else {
    memset(cache, 0, sizeof(cache));
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
      invalidate(question, answer);
      return EPTDIFF_ANSWERED;
    case EPTDIFF_STEP_REGISTER_WRITE:
      return write_register(question, answer);
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
  profile->fills &=
      ~(EPTDIFF_FILLS_MEMORY_TYPE | EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE);
}
