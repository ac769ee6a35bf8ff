#include "oracle/c/question_values.h"

#include <cstring>

namespace eptdiff {
namespace {

struct Feature {
  std::uint32_t bit;
  bool Processor::* has;
};
constexpr Feature kFeatures[] = {
    {EPTDIFF_CPU_1_GBYTE_PAGES, &Processor::page_1gb},
    {EPTDIFF_CPU_PSE36, &Processor::pse36},
    {EPTDIFF_CPU_EPT_VIOLATION_VE, &Processor::ept_violation_ve},
    {EPTDIFF_CPU_NX, &Processor::nx},
    {EPTDIFF_CPU_SMEP, &Processor::smep},
    {EPTDIFF_CPU_SMAP, &Processor::smap},
    {EPTDIFF_CPU_PKU, &Processor::pku},
    {EPTDIFF_CPU_PKS, &Processor::pks},
    {EPTDIFF_CPU_CET_SS, &Processor::cet_ss},
    {EPTDIFF_CPU_LA57, &Processor::la57},
    {EPTDIFF_CPU_PCID, &Processor::pcid},
};

bool IsStepOfTargets(std::uint32_t step) {
  switch (step) {
    case EPTDIFF_STEP_GUEST_PHYSICAL:
    case EPTDIFF_STEP_LINEAR:
    case EPTDIFF_STEP_STRUCTURE_READ:
    case EPTDIFF_STEP_STRUCTURE_UPDATE:
    case EPTDIFF_STEP_PDPTE_LOAD:
    case EPTDIFF_STEP_EPTP_SWITCH:
    case EPTDIFF_STEP_REGISTER_WRITE:
    case EPTDIFF_STEP_VM_ENTRY:
    case EPTDIFF_STEP_INVALIDATION:
      return true;
    default:
      return false;
  }
}

void ReadControls(const eptdiff_question& question, Controls& controls) {
  controls.pin_based = question.pin_based;
  controls.primary = question.primary;
  controls.secondary = question.secondary;
  controls.tertiary = question.tertiary;
  controls.vm_functions = question.vm_functions;
  controls.exception_bitmap = question.exception_bitmap;
  controls.eptp = question.eptp;
  controls.pml_address = question.pml_address;
  controls.pml_index = question.pml_index;
  controls.spptp = question.spptp;
  controls.ve_information_address = question.ve_information_address;
  controls.eptp_list_address = question.eptp_list_address;
  controls.eptp_index = question.eptp_index;
  controls.hlatp = question.hlatp;
  controls.hlat_prefix_size = question.hlat_prefix_size;
  controls.vpid = question.vpid;
  controls.entry_controls = question.entry_controls;
  controls.exit_controls = question.exit_controls;
  controls.apic_access_address = question.apic_access_address;
  controls.secondary_exit_controls = question.secondary_exit_controls;
}

void ReadGuest(const eptdiff_question& question, GuestState& guest) {
  guest.cr0 = question.cr0;
  guest.cr3 = question.cr3;
  guest.cr4 = question.cr4;
  guest.efer = question.efer;
  guest.pat = question.pat;
  guest.rflags = question.rflags;
  guest.pkru = question.pkru;
  guest.pkrs = question.pkrs;
  for (int i = 0; i < 4; ++i) guest.pdpte[i] = question.pdpte[i];
  guest.cpl = question.cpl;
  guest.cs_l = question.cs_l != 0;
  guest.event_delivery = question.event_delivery != 0;
  guest.nmi_unblocking = question.nmi_unblocking != 0;
  guest.transactional = question.transactional != 0;
  guest.busy_shadow_stack = question.busy_shadow_stack != 0;
  guest.delivered_event = question.delivered_event;
  guest.delivered_error_code = question.delivered_error_code;
  guest.instruction_length = question.instruction_length;
  guest.interruptibility = question.interruptibility;
  guest.pending_debug = question.pending_debug;
}

}  // namespace

bool ReadMachine(const eptdiff_question& question, MachineState& state) {
  constexpr int kNarrowest = 32, kWidest = 52, kMostKeyidBits = 15;
  if (question.maxphyaddr < kNarrowest || question.maxphyaddr > kWidest ||
      question.keyid_bits > kMostKeyidBits ||
      question.maxphyaddr - question.keyid_bits < kNarrowest ||
      question.cpl > 3 || question.processor >= kLogicalProcessors) {
    return false;
  }
  Processor& processor = state.processor;
  processor = Processor();
  processor.ept_vpid_cap = question.ept_vpid_cap;
  processor.maxphyaddr = question.maxphyaddr;
  processor.keyid_bits = question.keyid_bits;
  for (const Feature& feature : kFeatures) {
    processor.*feature.has = (question.cpu & feature.bit) != 0;
  }
  ReadControls(question, state.controls);
  ReadGuest(question, state.guest);
  state.current = question.processor;
  return true;
}

std::optional<Step> StepOf(const eptdiff_question& question) {
  if (!IsStepOfTargets(question.step) ||
      question.access > EPTDIFF_SHADOW_STACK_READ_MODIFY_WRITE ||
      question.page_pat_index > 7 || question.guest_register > EPTDIFF_CPL ||
      question.invalidation > EPTDIFF_INVPCID) {
    return std::nullopt;
  }
  Step step;
  step.kind = static_cast<StepKind>(question.step);
  step.processor = question.processor;
  step.access = {.kind = static_cast<AccessKind>(question.access),
                 .size = question.bytes != 0 ? std::uint16_t{question.bytes}
                                             : question.access_bytes,
                 .implicit_supervisor = question.implicit_supervisor != 0,
                 .wruss = question.wruss != 0,
                 .asynchronous = question.asynchronous != 0,
                 .pebs = question.pebs != 0};
  step.gpa = Gpa{question.gpa};
  if (step.kind == StepKind::kLinearAccess) {
    step.gla = Gla{question.gla};
  } else {
    step.page.gla = Gla{question.gla};
  }
  step.page.gla_valid = question.gla_valid != 0;
  step.page.user = question.page_user != 0;
  step.page.writable = question.page_writable != 0;
  step.page.execute_disable = question.page_execute_disable != 0;
  step.page.pat_index = question.page_pat_index;
  step.value =
      step.kind == StepKind::kEptpSwitch ? question.function : question.value;
  step.index =
      step.kind == StepKind::kVmEntry ? question.vmcs_field : question.index;
  step.reg = static_cast<GuestRegister>(question.guest_register);
  step.invalidation = {
      .kind = static_cast<InvalidationKind>(question.invalidation),
      .type = question.invalidation_type,
      .first = question.descriptor[0],
      .second = question.descriptor[1]};
  return step;
}

void SetAnswer(const Outcome& outcome, eptdiff_answer& answer) {
  const std::uint32_t size = answer.size;
  std::memset(&answer, 0, sizeof(answer));
  answer.size = size;
  const Event& event = outcome.event;
  answer.event = static_cast<std::uint32_t>(event.kind);
  answer.translation_count = event.translation_count;
  for (std::size_t i = 0; i < event.translation_count; ++i) {
    const Translation& from = event.translations[i];
    eptdiff_translation& to = answer.translations[i];
    to.address = from.address.value;
    to.page_shift = from.page_shift;
    to.memory_type = static_cast<std::uint8_t>(from.memory_type);
    to.structure_memory_type =
        static_cast<std::uint8_t>(from.structure_memory_type);
    to.guest_structure_types = from.guest_structure_types;
  }
  answer.exit_reason = event.exit_reason;
  answer.interruption_information = event.interruption_information;
  answer.qualification = event.qualification;
  answer.gpa = event.gpa.value;
  answer.gla = event.gla.value;
  answer.cr2 = event.cr2.value;
  answer.error_code = event.error_code;
  answer.failed_check = static_cast<std::uint32_t>(event.failed_check);

  const Registers& registers = outcome.registers;
  answer.eptp = registers.eptp;
  answer.pml_index = registers.pml_index;
  answer.eptp_index = registers.eptp_index;
  for (int i = 0; i < 4; ++i) answer.pdpte[i] = registers.pdpte[i];

  const SavedState& saved = outcome.saved;
  answer.exit_reason_flags = saved.exit_reason_flags;
  answer.vectoring_information = saved.vectoring_information;
  answer.vectoring_error_code = saved.vectoring_error_code;
  answer.instruction_length = saved.instruction_length;
  answer.interruptibility = saved.interruptibility;
  answer.rflags = saved.rflags;
  answer.pending_debug = saved.pending_debug;
}

}  // namespace eptdiff
