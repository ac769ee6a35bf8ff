/* VirtualBox's walk of a guest hypervisor's EPT, where an access of the nested
 * guest has caused an EPT violation since the shadow tables map nothing yet.
 *
 * Judged: PGMAll.cpp, with PGMAllGstSlatEpt.cpp.h, the walk, and PGMAllBth.h,
 * whose NestedTrap0eHandler() asks for it and looks at the page's rights; the
 * masks of reserved bits, as VMMR3/PGM.cpp makes them of the capabilities.
 *
 * Stubbed: the walk ends where the shadow tables would be filled (pgmPoolAlloc());
 * tables of the guest hypervisor are copies. What makes an exit of it stands here
 * as vmxHCExitEptViolationNested() of VMXAllTemplate.cpp.h has it: the error code
 * that it makes of the exit qualification, and that it hands this qualification
 * on; it is the processor's, by tables that map nothing. In an EPT
 * misconfiguration it is 0 (IEMExecVmxVmexitEptMisconfig()).
 *
 * Not judged: accessed and dirty flags, memory types, mode-based execute control,
 * 5-level EPT, none of which VirtualBox offers; shadow tables; the walk of guest
 * tables where an instruction is emulated, which is recorded
 * (corpus/deviations/virtualbox-7.1.12) and has no seat yet.
 *
 * It is compiled as VirtualBox's ring-0 half; for NetBSD, whose headers it does
 * not want, where Linux's would be needed. */
#include "nested_ept.h"

#include <setjmp.h>
#include <stdio.h>

#include "oracle/target/eptdiff_target.h"

EPTDIFF_TARGET_DEFINE_ABI;

#define CAP_ALWAYS 0x4040u /* 4 levels, WB */
#define CAP_EXECUTE_ONLY 1u
#define CAP_UC 0x100u
#define CAP_2_MBYTE 0x10000u
#define CAP_1_GBYTE 0x20000u

static const eptdiff_memory *memory;
static jmp_buf way_out;

void nested_ept_granted(void) { longjmp(way_out, 1); }

/* All that one walk maps. */
void *nested_ept_table(unsigned long address) {
  static uint64_t tables[4][512];
  static unsigned next;
  uint64_t *const words = tables[next++ % 4];
  int i;
  for (i = 0; i < 512; ++i) {
    words[i] = memory->load(memory->context, address + 8 * (uint64_t)i);
  }
  return words;
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
  unsigned long value = kind_of(question);
  if (question->step != EPTDIFF_STEP_GUEST_PHYSICAL) return value | 1u << 7;
  return question->gla_valid ? value | 3u << 7 : value;
}

int eptdiff_target_answer(const eptdiff_question *question,
                          const eptdiff_memory *words,
                          eptdiff_answer *answer) {
  const unsigned kind = kind_of(question);
  const struct nested_access access = {
      .eptp = question->eptp,
      .ept_vpid_cap = question->ept_vpid_cap,
      .gpa = question->gpa,
      .gla = question->gla,
      .maxphyaddr = question->maxphyaddr,
      .write = (kind & 2) != 0,
      .fetch = (kind & 4) != 0,
  };
  static struct nested_result result;
  memory = words;
  if (setjmp(way_out) == 0) nested_ept_access(&access, &result);
  if (result.violation) {
    answer->event = EPTDIFF_VM_EXIT;
    answer->exit_reason = 48;
    answer->qualification = reported(question);
    return EPTDIFF_ANSWERED;
  }
  if (result.misconfiguration) {
    answer->event = EPTDIFF_VM_EXIT;
    answer->exit_reason = 49;
    return EPTDIFF_ANSWERED;
  }
  answer->event = EPTDIFF_COMPLETED;
  answer->translation_count = 1;
  answer->translations[0].page_shift = (uint8_t)result.shift;
  answer->translations[0].address = result.page;
  return EPTDIFF_ANSWERED;
}

void eptdiff_target_describe(eptdiff_profile *profile) {
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_READ_MODIFY_WRITE |
                    EPTDIFF_MODELS_STRUCTURE_ACCESS;
  profile->fills = EPTDIFF_FILLS_EVENT | EPTDIFF_FILLS_EXIT_REASON |
                   EPTDIFF_FILLS_QUALIFICATION | EPTDIFF_FILLS_ADDRESS |
                   EPTDIFF_FILLS_PAGE_SIZE;
  /* As wrong as bits 3 and 5, but never without bit 3. */
  profile->qualification_left_out = 1u << 4;
  profile->capabilities_set =
      CAP_ALWAYS | CAP_UC | CAP_EXECUTE_ONLY | CAP_2_MBYTE | CAP_1_GBYTE;
  profile->capabilities_clear = ~(uint64_t)CAP_ALWAYS;
  snprintf(profile->name, sizeof(profile->name), "vbox_nested_ept");
}
