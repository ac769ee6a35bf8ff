#include "oracle/target/examples/mmu_cache.h"

#include <stddef.h>
#include <string.h>

enum bug chosen = BUG_COUNT;

/* IA32_VMX_EPT_VPID_CAP, A.10. */
#define CAP_4_LEVELS 0x40u
#define CAP_5_LEVELS 0x80u
#define CAP_UNCACHEABLE 0x100u
#define CAP_WRITE_BACK 0x4000u
#define CAP_INVEPT 0x100000u
#define CAP_FLAGS 0x200000u
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

#define CR0_NW (UINT64_C(1) << 29)
#define CR0_CD (UINT64_C(1) << 30)
#define CR4_LA57 (UINT64_C(1) << 12)

#define EXIT_INVLPG 14
#define EXIT_INVPCID 58

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

/* Global translations alone: the entries of paging-structure caches are none.
 */
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

struct kept* mmu_look_up(const eptdiff_question* question, uint64_t gla) {
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

struct kept* mmu_keep(const eptdiff_question* question, uint64_t gla, int level,
                      int shift, const struct place* place) {
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

/* What an operation ends. */
struct scope {
  int any_vpid, any_pcid, any_address;
  uint16_t vpid, pcid;
  uint64_t gla;
  int globals;     /* global translations, of whatever PCID */
  int every_upper; /* paging-structure entries whatever their address */
  /* Mistakes: no other part of a large page, no paging-structure entries, no
   * global translations, no pages that were written. */
  int one_part, upper_stay, globals_stay, dirty_stay;
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
  return differing >> kept->shift == 0;
}

static void end(const eptdiff_question* question, const struct scope* scope) {
  int i;
  for (i = 0; i < KEPT; ++i) {
    if (cache[i].tag.processor != question->processor) continue;
    if (ends(scope, &cache[i])) cache[i].valid = 0;
  }
}

/* What would be used for an address now; that of other EPTRTAs, too. */
static struct scope used_for(const eptdiff_question* question, uint64_t gla) {
  const struct tag now = current(question);
  struct scope scope = {0};
  scope.vpid = now.vpid;
  scope.pcid = now.pcid;
  scope.gla = gla;
  scope.globals = 1;
  return scope;
}

/* SDM 29.4.3.1. */
void mmu_end_by_transition(const eptdiff_question* question) {
  struct scope scope = {0};
  if (has_vpid(question) || chosen == TRANSITION) return;
  scope.any_pcid = scope.any_address = scope.globals = 1;
  end(question, &scope);
}

void mmu_exit(const eptdiff_question* question, int reason,
              uint64_t qualification, eptdiff_answer* answer) {
  answer->event = EPTDIFF_VM_EXIT;
  answer->exit_reason = (uint16_t)reason;
  answer->qualification = qualification;
  mmu_end_by_transition(question);
}

void mmu_forget_all(void) { memset(cache, 0, sizeof(cache)); }

void mmu_forget(const eptdiff_question* question, uint64_t gla) {
  const struct scope scope = used_for(question, gla);
  end(question, &scope);
}

void mmu_end_by_violation(const eptdiff_question* question, uint64_t gla) {
  if (chosen != VIOLATION) mmu_forget(question, gla);
}

void mmu_end_by_fault(const eptdiff_question* question, uint64_t gla) {
  struct scope scope = used_for(question, gla);
  scope.upper_stay = chosen == FAULT_UPPER;
  scope.globals_stay = chosen == FAULT_GLOBAL;
  if (chosen != FAULT) end(question, &scope);
}

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
  if (type > 3 || (question->ept_vpid_cap & CAP_INVVPID_ADDRESS << type) == 0 ||
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
    mmu_exit(question, EXIT_INVLPG, question->descriptor[1], answer);
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
    mmu_exit(question, EXIT_INVPCID, 0, answer);
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
int mmu_write_register(const eptdiff_question* question,
                       eptdiff_answer* answer) {
  const uint64_t value = question->value;
  const int pcids = (question->cr4 & CR4_PCIDE) != 0;
  struct scope scope = used_for(question, 0);
  uint64_t changed;
  scope.any_address = 1;
  answer->event = EPTDIFF_COMPLETED;
  if ((question->cr0 & CR0_PG) == 0 || (question->efer & EFER_LMA) == 0) {
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
      if ((changed & CR4_PGE) != 0 || (changed & ~value & CR4_PCIDE) != 0 ||
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

int mmu_invalidate(const eptdiff_question* question, eptdiff_answer* answer) {
  const uint64_t capabilities = question->ept_vpid_cap;
  switch (question->invalidation) {
    case EPTDIFF_INVLPG:
      invlpg(question, answer);
      break;
    case EPTDIFF_INVPCID:
      invpcid(question, answer);
      break;
    case EPTDIFF_INVEPT:
      mmu_end_by_transition(question);
      answer->event = EPTDIFF_INVALID_OPCODE;
      if ((capabilities & CAP_INVEPT) != 0) invept(question, answer);
      break;
    case EPTDIFF_INVVPID:
      mmu_end_by_transition(question);
      answer->event = EPTDIFF_INVALID_OPCODE;
      if ((capabilities & CAP_INVVPID) != 0) invvpid(question, answer);
      break;
    default:
      return EPTDIFF_NOT_MODELLED;
  }
  return EPTDIFF_ANSWERED;
}
