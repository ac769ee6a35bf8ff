/* Xen's nested EPT: the walk of a guest hypervisor's tables, when the processor
 * has reported an EPT violation of that guest's guest.
 *
 * Judged: ept_handle_violation() of hvm/vmx/vmx.c; nvmx_hap_walk_L1_p2m() of
 * hvm/vmx/vvmx.c; nestedhvm_hap_nested_page_fault() of mm/hap/nested_hap.c with
 * all that it does; all of mm/hap/nested_ept.c. What the guest hypervisor gets
 * is the answer: its VM exit, or the page that Xen enters into its own tables
 * for the guest's guest, by which the access then completes.
 *
 * Stubbed: the processor (VMREAD, and what it reports of an access that Xen's
 * tables, which are empty, do not map); map_domain_gfn() and the host's p2m: the
 * guest hypervisor has the machine's memory at its address there; the tables for
 * the guest's guest, of which the new entry is looked at; and the way from
 * ept_handle_violation() into nested_hap.c, which goes through a function of
 * hvm/hvm.c that does too much else.
 *
 * Not judged: accessed and dirty flags, 5-level EPT, mode-based execute control
 * and all else that Xen does not offer its guests; memory types; what is done
 * with EPT of the guest's guest later (INVEPT, changes of the guest's tables);
 * the linear and the guest-physical address that an exit reports, which Xen
 * hands on as the processor has them. */
#include "nested_ept.h"

#include <stdio.h>
#include <stdlib.h>

#include "oracle/target/eptdiff_target.h"

EPTDIFF_TARGET_DEFINE_ABI;

/* IA32_VMX_EPT_VPID_CAP, A.10. */
#define CAP_EXECUTE_ONLY 0x1u
#define CAP_4_LEVELS 0x40u
#define CAP_UC 0x100u
#define CAP_WB 0x4000u
#define CAP_2_MBYTE 0x10000u
#define CAP_1_GBYTE 0x20000u
#define CAP_ALWAYS (CAP_4_LEVELS | CAP_WB | CAP_2_MBYTE | CAP_1_GBYTE)

static const eptdiff_memory *memory;

const void *nested_ept_table(unsigned long address) {
  static uint64_t words[512];
  int i;
  for (i = 0; i < 512; ++i) {
    words[i] = memory->load(memory->context, address + 8 * (uint64_t)i);
  }
  return words;
}

void seat_fails(const char *what) {
  printf("%s\n", what);
  fflush(stdout);
  abort();
}

/* Bits 2:0 of the exit qualification, SDM table 28-7. */
static unsigned kind_of(const eptdiff_question *question) {
  if (question->step == EPTDIFF_STEP_STRUCTURE_READ) return 1;
  if (question->step == EPTDIFF_STEP_STRUCTURE_UPDATE) return 2;
  switch (question->access) {
    case EPTDIFF_READ:
      return 1;
    case EPTDIFF_WRITE:
      return 2;
    case EPTDIFF_READ_MODIFY_WRITE:
      return 3;
    default:
      return 4;
  }
}

/* What the processor reports, by tables that map nothing. */
static unsigned long reported(const eptdiff_question *question) {
  unsigned long value = kind_of(question) | 1u << 7;
  if (question->step == EPTDIFF_STEP_GUEST_PHYSICAL) value |= 1u << 8;
  return value;
}

int eptdiff_target_answer(const eptdiff_question *question,
                          const eptdiff_memory *words,
                          eptdiff_answer *answer) {
  const struct nested_access access = {
      .eptp = question->eptp,
      .gpa = question->gpa,
      .gla = question->gla,
      .qualification = reported(question),
      .maxphyaddr = question->maxphyaddr,
      .execute_only = (question->ept_vpid_cap & CAP_EXECUTE_ONLY) != 0,
  };
  struct nested_result result = {0};
  memory = words;
  nested_ept_access(&access, &result);
  if (result.exits) {
    answer->event = EPTDIFF_VM_EXIT;
    answer->exit_reason = (uint16_t)result.reason;
    answer->qualification = result.qualification;
    return EPTDIFF_ANSWERED;
  }
  if ((kind_of(question) & ~result.rights) != 0) {
    seat_fails(
        "Xen enters a page without the right that the access needs: it would "
        "fault again, for ever");
  }
  answer->event = EPTDIFF_COMPLETED;
  answer->translation_count = 1;
  answer->translations[0].page_shift = (uint8_t)result.shift;
  answer->translations[0].address =
      result.page | (question->gpa & ((UINT64_C(1) << result.shift) - 1));
  return EPTDIFF_ANSWERED;
}

void eptdiff_target_describe(eptdiff_profile *profile) {
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_READ_MODIFY_WRITE |
                    EPTDIFF_MODELS_STRUCTURE_ACCESS;
  profile->fills = EPTDIFF_FILLS_EVENT | EPTDIFF_FILLS_EXIT_REASON |
                   EPTDIFF_FILLS_QUALIFICATION | EPTDIFF_FILLS_ADDRESS |
                   EPTDIFF_FILLS_PAGE_SIZE;
  profile->capabilities_set = CAP_ALWAYS | CAP_UC | CAP_EXECUTE_ONLY;
  profile->capabilities_clear = ~(uint64_t)CAP_ALWAYS;
  snprintf(profile->name, sizeof(profile->name), "xen_nested_ept");
}
