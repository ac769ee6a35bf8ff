/* The seat of the walk that KVM does in software where it emulates an
 * instruction of a nested guest: the guest's own tables, each entry of which is
 * itself reached through the guest hypervisor's EPT.
 *
 * What is judged: the walkers for 32-bit, PAE, 4-level and 5-level paging
 * (arch/x86/kvm/mmu/paging_tmpl.h, paging64_gva_to_gpa() and paging32_), with
 * the roles, reserved bits, permissions and protection keys that mmu/mmu.c
 * makes of the guest's registers; translate_nested_gpa(), and the walk through
 * EPT (nested_ept.c) at each entry and at the end; what the guest or the guest
 * hypervisor is told (nested_ept_inject_page_fault()).
 *
 * What is stubbed: kvm.h says it. The emulator itself (emulate.c, x86.c) is not
 * there: the access comes with the error code that emulator_read_std() and its
 * neighbours make. The exit qualification and the linear address are not
 * compared: up to Linux 6.12 they are those of the exit before.
 *
 * What nested_ept.c judges already is left out here: guest-physical addresses
 * above 48 bits, and the log of PML.
 *
 * What cannot be judged: accesses in two pages (the emulator does the first one
 * before it looks at the second), read-modify-writes (it asks for the write
 * alone), checks of segments and canonical addresses, which come before;
 * IA32_PKRS, which KVM gives to no guest.
 *
 * EPTDIFF_SEAT_STRING_IO in the environment: the emulated instruction is a
 * string instruction that KVM intercepts for its ports. With the log of PML
 * full, nested_ept_inject_page_fault() of 6.12 and later then meets its own
 * WARN_ON_ONCE (it takes nothing but EPT violations to lead there), and the
 * seat, whose warnings end the process, crashes. */
#include "kvm.h"

EPTDIFF_TARGET_DEFINE_ABI;

#define CR4_PKS (1ull << 24)

static int seat_page_fault(struct kvm_vcpu* vcpu, gpa_t gpa, u64 error_code,
                           void* instruction, int length) {
  (void)vcpu;
  (void)gpa;
  (void)error_code;
  (void)instruction;
  (void)length;
  BUG();
}

/* In 32-bit paging. Every processor that KVM runs on has PSE-36, whatever the
 * guest is told. */
static bool lacks_pse36(const eptdiff_question* question) {
  return (question->cr0 & X86_CR0_PG) != 0 &&
         (question->cr4 & X86_CR4_PAE) == 0 &&
         (question->cpu & EPTDIFF_CPU_PSE36) == 0;
}

/* The error code by which the emulator asks: x86.c, emulator_read_std() and its
 * neighbours. */
static u64 access_of(const eptdiff_question* question) {
  u64 access = 0;
  if (question->implicit_supervisor) {
    access = PFERR_IMPLICIT_ACCESS;
  } else if (question->cpl == 3) {
    access = PFERR_USER_MASK;
  }
  if (question->access == EPTDIFF_WRITE) access |= PFERR_WRITE_MASK;
  if (question->access == EPTDIFF_FETCH) access |= PFERR_FETCH_MASK;
  return access;
}

#ifdef SEAT_HAS_MMU_PDPTRS
#define SEAT_PDPTRS(vcpu) ((vcpu)->arch.walk_mmu->pdptrs)
#else
#define SEAT_PDPTRS(vcpu) ((vcpu)->arch.pdptrs)
#endif

/* As kvm_init_mmu() does it. */
static void init_nested(struct kvm_vcpu* vcpu) {
  struct kvm_mmu_role_regs registers = vcpu_to_role_regs(vcpu);
  init_kvm_nested_mmu(vcpu, kvm_calc_cpu_role(vcpu, &registers));
}

/* kvm_inject_emulated_page_fault(), without the shadow tables' part. */
static void answer_fault(struct kvm_vcpu* vcpu, struct x86_exception* fault,
                         eptdiff_answer* answer) {
  if (fault->nested_page_fault) {
    inject_nested(vcpu, fault, false);
    seat_answer_exit(answer);
    return;
  }
  answer->event = EPTDIFF_PAGE_FAULT;
  answer->error_code = fault->error_code;
  answer->cr2 = fault->address;
}

int eptdiff_target_answer(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  struct kvm_vcpu* vcpu;
  struct kvm_mmu* mmu;
  struct x86_exception fault = {0};
  gpa_t address;
  unsigned i;

  if (question->step != EPTDIFF_STEP_LINEAR) return EPTDIFF_NOT_MODELLED;
  if (lacks_pse36(question)) return EPTDIFF_NOT_MODELLED;
  /* KVM gives its guests no protection keys for supervisor pages. */
  if ((question->cr4 & CR4_PKS) != 0 || !seat_models(question)) {
    return EPTDIFF_NOT_MODELLED;
  }

  vcpu = seat_vcpu(question, memory);
  mmu = vcpu->arch.walk_mmu;
  for (i = 0; i < 4; ++i) SEAT_PDPTRS(vcpu)[i] = question->pdpte[i];
  seat_exit_reason(getenv("EPTDIFF_SEAT_STRING_IO") != 0
                       ? EXIT_REASON_IO_INSTRUCTION
                       : EXIT_REASON_EPT_VIOLATION);
  init_nested(vcpu);
  address = mmu->gva_to_gpa(vcpu, mmu, question->gla, access_of(question),
                            &fault);
  if (address == INVALID_GPA) {
    answer_fault(vcpu, &fault, answer);
    return EPTDIFF_ANSWERED;
  }
  answer->event = EPTDIFF_COMPLETED;
  answer->translation_count = 1;
  answer->translations[0].address = address;
  return EPTDIFF_ANSWERED;
}

void eptdiff_target_describe(eptdiff_profile* profile) {
  memcpy(profile->name, "kvm_emulation", 14);
  profile->models =
      EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_5_LEVELS |
      EPTDIFF_MODELS_ACCESSED_DIRTY |
      EPTDIFF_MODELS_LINEAR_PAGING_OFF | EPTDIFF_MODELS_LINEAR_32_BIT |
      EPTDIFF_MODELS_LINEAR_PAE | EPTDIFF_MODELS_LINEAR_4_LEVEL |
      EPTDIFF_MODELS_LINEAR_5_LEVEL | EPTDIFF_MODELS_SMEP_SMAP |
      EPTDIFF_MODELS_PROTECTION_KEYS;
  profile->max_maxphyaddr = 48; /* WALK-2 is nested_ept.c's */
  if (getenv("EPTDIFF_SEAT_STRING_IO") != 0) {
    profile->models |= EPTDIFF_MODELS_PML;
  }
#ifdef SEAT_HAS_MBEC
  profile->models |= EPTDIFF_MODELS_MBEC;
#endif
  profile->fills = EPTDIFF_FILLS_EVENT | EPTDIFF_FILLS_EXIT_REASON |
                   EPTDIFF_FILLS_ERROR_CODE | EPTDIFF_FILLS_GPA |
                   EPTDIFF_FILLS_CR2 | EPTDIFF_FILLS_ADDRESS |
                   EPTDIFF_FILLS_MEMORY;
}

const void* const seat_entry[] = {eptdiff_target_answer,
                                  eptdiff_target_describe, &eptdiff_target_abi};
