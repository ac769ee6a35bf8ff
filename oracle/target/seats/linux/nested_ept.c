/* The seat of KVM's walk through a guest hypervisor's EPT: an access of the
 * nested guest has left the guest by an EPT violation, since KVM's own tables
 * map nothing there yet; KVM walks the guest hypervisor's, and maps, or gives
 * it the exit.
 *
 * What is judged: handle_ept_violation() (vmx/vmx.c, vmx/common.h), the walker
 * (arch/x86/kvm/mmu/paging_tmpl.h with PTTYPE_EPT: ept_walk_addr()), reserved
 * bits and permissions as mmu/mmu.c prepares them for it
 * (kvm_init_shadow_ept_mmu()), accessed and dirty flags, the log of PML
 * (nested_vmx_write_pml_buffer()), and the exit that is made of it
 * (nested_ept_inject_page_fault(), vmx/nested.c).
 *
 * What is stubbed: kvm.h says it. The processor's exit qualification comes from
 * here, as SDM table 28-7 has it.
 *
 * What cannot be judged: memory types (KVM takes none from the guest
 * hypervisor), shadow tables themselves, and therefore accesses that find
 * something in them; the guest-linear address, which the processor stores.
 * Read-modify-writes are asked since 6.4 or so: before, KVM hands the
 * processor's qualification on in misconfigurations, and no known mistake has
 * words for that of a read-modify-write. */
#include "kvm.h"

EPTDIFF_TARGET_DEFINE_ABI;

static struct guest_walkerEPT seat_walker;
static bool seat_walked;

static int seat_page_fault(struct kvm_vcpu* vcpu, gpa_t gpa, u64 error_code,
                           void* instruction, int length) {
  (void)instruction;
  (void)length;
  seat_walked = ept_walk_addr(&seat_walker, vcpu, gpa,
                              error_code & ~PFERR_RSVD_MASK) != 0;
  if (!seat_walked) inject_nested(vcpu, &seat_walker.fault, true);
  return 1;
}

/* Bits 11:9 of the exit qualification: of a processor with mode-based execute
 * control KVM needs them, whether or not it passes them on. */
#ifdef VMX_EPT_ADVANCED_VMEXIT_INFO_BIT
#define HARDWARE_HAS_ADVANCED_INFORMATION 1
#else
#define HARDWARE_HAS_ADVANCED_INFORMATION 0
#endif

/* The exit qualification that the processor has for the access where KVM's own
 * tables map nothing yet: SDM table 28-7, with bits 6:3 clear. */
static u64 hardware_qualification(const eptdiff_question* question) {
  const bool paging = (question->cr0 & X86_CR0_PG) != 0;
  const bool no_execute = (question->cr4 & X86_CR4_PAE) != 0 &&
                          (question->efer & 0x800) != 0;
  const bool is_translation = question->step == EPTDIFF_STEP_GUEST_PHYSICAL;
  u64 value = 0;

  if (question->step == EPTDIFF_STEP_STRUCTURE_READ) {
    value = (question->eptp & VMX_EPTP_AD_ENABLE_BIT) != 0 ? 3 : 1;
  } else if (question->step == EPTDIFF_STEP_STRUCTURE_UPDATE) {
    value = (question->eptp & VMX_EPTP_AD_ENABLE_BIT) != 0 ? 3 : 2;
  } else {
    value = question->access == EPTDIFF_READ    ? 1
            : question->access == EPTDIFF_WRITE ? 2
            : question->access == EPTDIFF_FETCH ? 4
                                                : 3;
  }
  if (question->step != EPTDIFF_STEP_GUEST_PHYSICAL || question->gla_valid) {
    value |= EPT_VIOLATION_GVA_IS_VALID;
  }
  if (is_translation && question->gla_valid) {
    value |= EPT_VIOLATION_GVA_TRANSLATED;
    if (HARDWARE_HAS_ADVANCED_INFORMATION) {
      if (!paging || question->page_user) value |= 1ull << 9;
      if (!paging || question->page_writable) value |= 1ull << 10;
      if (paging && no_execute && question->page_execute_disable) {
        value |= 1ull << 11;
      }
    }
  }
  return value;
}

int eptdiff_target_answer(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  struct kvm_vcpu* vcpu;

  if (!seat_models(question)) return EPTDIFF_NOT_MODELLED;
  vcpu = seat_vcpu(question, memory);
  seat_exit.hardware_qualification = hardware_qualification(question);
  seat_exit.hardware_gpa = question->gpa;
  seat_exit_reason(EXIT_REASON_EPT_VIOLATION);
  memset(&seat_walker, 0, sizeof(seat_walker));
  seat_walked = false;
  handle_ept_violation(vcpu);
  if (seat_exit.happened) {
    seat_answer_exit(answer);
    answer->gla = question->gla;
    return EPTDIFF_ANSWERED;
  }
  if (!seat_walked) BUG();
  answer->event = EPTDIFF_COMPLETED;
  answer->translation_count = 1;
  answer->translations[0].address =
      (seat_walker.gfn << PAGE_SHIFT) | offset_in_page(question->gpa);
  answer->translations[0].page_shift = (u8)(12 + 9 * (seat_walker.level - 1));
  answer->pml_index = seat_vmcs12.guest_pml_index;
  return EPTDIFF_ANSWERED;
}

void eptdiff_target_describe(eptdiff_profile* profile) {
  memcpy(profile->name, "kvm_nested_ept", 15);
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_5_LEVELS |
                    EPTDIFF_MODELS_ACCESSED_DIRTY | EPTDIFF_MODELS_PML |
                    EPTDIFF_MODELS_STRUCTURE_ACCESS;
#ifdef SEAT_HAS_CLEAR_MISCONFIGURATIONS
  profile->models |= EPTDIFF_MODELS_READ_MODIFY_WRITE;
#endif
#ifdef SEAT_HAS_MBEC
  profile->models |= EPTDIFF_MODELS_MBEC;
#endif
  profile->fills &=
      ~(EPTDIFF_FILLS_MEMORY_TYPE | EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE);
#ifndef VMX_EPT_ADVANCED_VMEXIT_INFO_BIT
  profile->capabilities_set &= ~CAP_ADVANCED_INFORMATION; /* never offered */
#endif
  /* The processor reports it, and KVM passes it on as it is. */
  profile->fills &= ~EPTDIFF_FILLS_GLA;
}

const void* const seat_entry[] = {eptdiff_target_answer,
                                  eptdiff_target_describe, &eptdiff_target_abi};
