#include "oracle/target/session/question.h"

#include <cstring>

namespace eptdiff {
namespace {

// The header's numbers are those of the types, so that nothing is translated.
static_assert(EPTDIFF_STEP_GUEST_PHYSICAL ==
              static_cast<int>(StepKind::kGuestPhysicalAccess));
static_assert(EPTDIFF_STEP_LINEAR == static_cast<int>(StepKind::kLinearAccess));
static_assert(EPTDIFF_STEP_STRUCTURE_READ ==
              static_cast<int>(StepKind::kPagingStructureRead));
static_assert(EPTDIFF_STEP_STRUCTURE_UPDATE ==
              static_cast<int>(StepKind::kPagingStructureUpdate));
static_assert(EPTDIFF_STEP_PDPTE_LOAD ==
              static_cast<int>(StepKind::kPdpteLoad));
static_assert(EPTDIFF_STEP_EPTP_SWITCH ==
              static_cast<int>(StepKind::kEptpSwitch));
static_assert(EPTDIFF_STEP_REGISTER_WRITE ==
              static_cast<int>(StepKind::kRegisterWrite));
static_assert(EPTDIFF_STEP_VM_ENTRY == static_cast<int>(StepKind::kVmEntry));
static_assert(EPTDIFF_STEP_INVALIDATION ==
              static_cast<int>(StepKind::kInvalidation));
static_assert(EPTDIFF_CR0 == static_cast<int>(GuestRegister::kCr0));
static_assert(EPTDIFF_CPL == static_cast<int>(GuestRegister::kCpl));
static_assert(EPTDIFF_INVEPT == static_cast<int>(InvalidationKind::kInvept));
static_assert(EPTDIFF_INVPCID == static_cast<int>(InvalidationKind::kInvpcid));
static_assert(EPTDIFF_INVALID_OPCODE ==
              static_cast<int>(EventKind::kInvalidOpcode));
static_assert(EPTDIFF_INVALID_OPERAND ==
              static_cast<int>(EventKind::kInvalidOperand));
static_assert(EPTDIFF_SHADOW_STACK_READ_MODIFY_WRITE ==
              static_cast<int>(AccessKind::kShadowStackReadModifyWrite));
static_assert(EPTDIFF_READ == static_cast<int>(AccessKind::kRead));
static_assert(EPTDIFF_FETCH == static_cast<int>(AccessKind::kFetch));
static_assert(EPTDIFF_SHADOW_STACK_WRITE ==
              static_cast<int>(AccessKind::kShadowStackWrite));
static_assert(EPTDIFF_COMPLETED == static_cast<int>(EventKind::kCompleted));
static_assert(EPTDIFF_VE ==
              static_cast<int>(EventKind::kVirtualizationException));
static_assert(EPTDIFF_VM_ENTRY_FAILURE ==
              static_cast<int>(EventKind::kVmEntryFailure));
static_assert(EPTDIFF_GUEST_STATE_FAILURE ==
              static_cast<int>(EventKind::kGuestStateFailure));
static_assert(EPTDIFF_CHECK_HLAT == static_cast<int>(EntryCheck::kCtl3));
static_assert(EPTDIFF_CHECK_INTEL_PT == static_cast<int>(EntryCheck::kCtl10));
static_assert(EPTDIFF_CHECK_POSTED_INTERRUPTS ==
              static_cast<int>(EntryCheck::kCtl14));
static_assert((EPTDIFF_FILLS_ALL | EPTDIFF_FILLS_SAVED_STATE) == kAllFields);
static_assert(EPTDIFF_FILLS_SAVED_STATE == kSavedFields);
static_assert(EPTDIFF_FILLS_PENDING_DEBUG == SetOf(Field::kPendingDebug));
static_assert(EPTDIFF_FILLS_QUALIFICATION == SetOf(Field::kQualification));
static_assert(EPTDIFF_FILLS_MEMORY == SetOf(Field::kMemory));

Incident Means(ProtocolError error) {
  return {IncidentKind::kProtocol, static_cast<std::uint64_t>(error)};
}

// Of three bits, any: a PAT entry that WRMSR refuses leaves the type undefined.
bool IsMemoryType(std::uint8_t type) { return type <= 7; }

bool CanFollow(std::uint32_t event, const Step* step) {
  if (IsEntry(step)) {
    return event == EPTDIFF_COMPLETED || event == EPTDIFF_VM_ENTRY_FAILURE ||
           event == EPTDIFF_GUEST_STATE_FAILURE;
  }
  return event <= EPTDIFF_GENERAL_PROTECTION ||
         event == EPTDIFF_INVALID_OPCODE || event == EPTDIFF_INVALID_OPERAND;
}

// How many translations an access has that completes.
std::uint32_t TranslationsOf(const Step& step) {
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      return step.gpa.value % 4096 + step.access.size > 4096 ? 2 : 1;
    case StepKind::kLinearAccess:
      return step.gla.value % 4096 + step.access.size > 4096 ? 2 : 1;
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      return 1;
    default:
      return 0;
  }
}

Incident ReadTranslations(const eptdiff_answer& answer, const Step& step,
                          FieldSet fields, Event& event) {
  if (answer.translation_count != TranslationsOf(step)) {
    return Means(ProtocolError::kTranslationCount);
  }
  event.translation_count = static_cast<std::uint8_t>(answer.translation_count);
  for (std::uint32_t i = 0; i < answer.translation_count; ++i) {
    const eptdiff_translation& from = answer.translations[i];
    Translation& to = event.translations[i];
    const bool size = (fields & SetOf(Field::kPageSize)) != 0;
    if (size && from.page_shift != 12 && from.page_shift != 21 &&
        from.page_shift != 30) {
      return Means(ProtocolError::kPageShift);
    }
    const bool type = (fields & SetOf(Field::kMemoryType)) != 0;
    const bool structures = (fields & SetOf(Field::kStructureMemoryType)) != 0;
    if ((type && !IsMemoryType(from.memory_type)) ||
        (structures && !IsMemoryType(from.structure_memory_type))) {
      return Means(ProtocolError::kMemoryType);
    }
    to.address = Hpa{from.address};
    to.page_shift = from.page_shift;
    if (type) to.memory_type = static_cast<MemoryType>(from.memory_type);
    if (structures) {
      to.structure_memory_type =
          static_cast<MemoryType>(from.structure_memory_type);
    }
    to.guest_structure_types = from.guest_structure_types;
  }
  return Incident();
}

}  // namespace

FieldSet FieldsOf(const eptdiff_profile& profile) {
  FieldSet fields = profile.fills & kAllFields;
  for (int bit = 0; bit <= 16; ++bit) {
    if ((profile.qualification_left_out >> bit & 1) == 0) continue;
    fields |= WithoutQualification(bit);
  }
  for (int bit = 0; bit < 8; ++bit) {
    if ((profile.error_code_left_out >> bit & 1) == 0) continue;
    fields |= WithoutErrorCode(bit);
  }
  const auto without = [&](std::uint32_t offset, FieldSet field) {
    if ((profile.offsets_left_out & offset) != 0) fields |= field;
  };
  without(EPTDIFF_OFFSET_OF_GPA, kWithoutGpaOffset);
  without(EPTDIFF_OFFSET_OF_GLA, kWithoutGlaOffset);
  without(EPTDIFF_OFFSET_OF_CR2, kWithoutCr2Offset);
  return fields;
}

void SetMachine(const MachineState& state, eptdiff_question& question) {
  std::memset(&question, 0, sizeof(question));
  question.size = sizeof(question);

  const Processor& processor = state.processor;
  question.ept_vpid_cap = processor.ept_vpid_cap;
  question.maxphyaddr = processor.maxphyaddr;
  const auto enumerate = [&question](bool has, std::uint32_t feature) {
    if (has) question.cpu |= feature;
  };
  enumerate(processor.page_1gb, EPTDIFF_CPU_1_GBYTE_PAGES);
  enumerate(processor.pse36, EPTDIFF_CPU_PSE36);
  enumerate(processor.ept_violation_ve, EPTDIFF_CPU_EPT_VIOLATION_VE);
  enumerate(processor.nx, EPTDIFF_CPU_NX);
  enumerate(processor.smep, EPTDIFF_CPU_SMEP);
  enumerate(processor.smap, EPTDIFF_CPU_SMAP);
  enumerate(processor.pku, EPTDIFF_CPU_PKU);
  enumerate(processor.pks, EPTDIFF_CPU_PKS);
  enumerate(processor.cet_ss, EPTDIFF_CPU_CET_SS);
  enumerate(processor.la57, EPTDIFF_CPU_LA57);
  enumerate(processor.pcid, EPTDIFF_CPU_PCID);

  const Controls& controls = state.controls;
  question.pin_based = controls.pin_based;
  question.primary = controls.primary;
  question.secondary = controls.secondary;
  question.tertiary = controls.tertiary;
  question.vm_functions = controls.vm_functions;
  question.exception_bitmap = controls.exception_bitmap;
  question.eptp = controls.eptp;
  question.pml_address = controls.pml_address;
  question.pml_index = controls.pml_index;
  question.spptp = controls.spptp;
  question.ve_information_address = controls.ve_information_address;
  question.eptp_list_address = controls.eptp_list_address;
  question.eptp_index = controls.eptp_index;
  question.hlatp = controls.hlatp;
  question.hlat_prefix_size = controls.hlat_prefix_size;
  question.vpid = controls.vpid;
  question.entry_controls = controls.entry_controls;
  question.exit_controls = controls.exit_controls;
  question.apic_access_address = controls.apic_access_address;
  question.secondary_exit_controls = controls.secondary_exit_controls;
  question.keyid_bits = processor.keyid_bits;
  question.processor = state.current;

  const GuestState& guest = state.guest;
  question.cr0 = guest.cr0;
  question.cr3 = guest.cr3;
  question.cr4 = guest.cr4;
  question.efer = guest.efer;
  question.pat = guest.pat;
  question.rflags = guest.rflags;
  question.pkru = guest.pkru;
  question.pkrs = guest.pkrs;
  for (int i = 0; i < 4; ++i) question.pdpte[i] = guest.pdpte[i];
  question.cpl = guest.cpl;
  question.cs_l = guest.cs_l;
  question.event_delivery = guest.event_delivery;
  question.nmi_unblocking = guest.nmi_unblocking;
  question.transactional = guest.transactional;
  question.busy_shadow_stack = guest.busy_shadow_stack;
  question.delivered_event = guest.delivered_event;
  question.delivered_error_code = guest.delivered_error_code;
  question.instruction_length = guest.instruction_length;
  question.interruptibility = guest.interruptibility;
  question.pending_debug = guest.pending_debug;
}

void SetStep(const Step& step, eptdiff_question& question) {
  question.step = static_cast<std::uint32_t>(step.kind);
  question.access = static_cast<std::uint8_t>(step.access.kind);
  constexpr std::uint16_t kMostBytes = 64;
  if (step.access.size <= kMostBytes) {
    question.bytes = static_cast<std::uint8_t>(step.access.size);
  }
  question.access_bytes = step.access.size;
  question.pebs = step.access.pebs;
  question.implicit_supervisor = step.access.implicit_supervisor;
  question.wruss = step.access.wruss;
  question.asynchronous = step.access.asynchronous;
  question.gla_valid = step.page.gla_valid;
  question.page_user = step.page.user;
  question.page_writable = step.page.writable;
  question.page_execute_disable = step.page.execute_disable;
  question.page_pat_index = step.page.pat_index;
  question.gpa = step.gpa.value;
  question.gla = step.kind == StepKind::kLinearAccess ? step.gla.value
                                                      : step.page.gla.value;
  question.index = step.index;
  question.function = static_cast<std::uint32_t>(step.value);
  question.value = step.value;
  question.vmcs_field = step.index;
  question.guest_register = static_cast<std::uint8_t>(step.reg);
  const Invalidation& invalidation = step.invalidation;
  question.invalidation = static_cast<std::uint8_t>(invalidation.kind);
  question.invalidation_type = invalidation.type;
  question.descriptor[0] = invalidation.first;
  question.descriptor[1] = invalidation.second;
}

void ClearAnswer(const MachineState& state, eptdiff_answer& answer) {
  std::memset(&answer, 0, sizeof(answer));
  answer.size = sizeof(answer);
  const Registers registers = RegistersOf(state);
  answer.eptp = registers.eptp;
  answer.pml_index = registers.pml_index;
  answer.eptp_index = registers.eptp_index;
  for (int i = 0; i < 4; ++i) answer.pdpte[i] = registers.pdpte[i];
}

Incident ReadAnswer(const eptdiff_answer& answer, const Step* step,
                    FieldSet fields, Outcome& outcome) {
  if (!CanFollow(answer.event, step)) return Means(ProtocolError::kEvent);
  outcome.event = Event();
  Event& event = outcome.event;
  event.kind = static_cast<EventKind>(answer.event);
  if (event.kind == EventKind::kCompleted && step != nullptr) {
    const Incident incident = ReadTranslations(answer, *step, fields, event);
    if (incident.kind != IncidentKind::kNone) return incident;
  }
  if (event.kind == EventKind::kVmEntryFailure) {
    if (answer.failed_check < EPTDIFF_CHECK_EPTP_MEMORY_TYPE ||
        answer.failed_check > EPTDIFF_CHECK_POSTED_INTERRUPTS) {
      return Means(ProtocolError::kFailedCheck);
    }
    event.failed_check = static_cast<EntryCheck>(answer.failed_check);
  }
  event.exit_reason = answer.exit_reason;
  event.qualification = answer.qualification;
  event.gpa = Gpa{answer.gpa};
  event.gla = Gla{answer.gla};
  event.interruption_information = answer.interruption_information;
  event.error_code = answer.error_code;
  event.cr2 = Gla{answer.cr2};

  outcome.saved = {.exit_reason_flags = answer.exit_reason_flags,
                   .vectoring_information = answer.vectoring_information,
                   .vectoring_error_code = answer.vectoring_error_code,
                   .instruction_length = answer.instruction_length,
                   .interruptibility = answer.interruptibility,
                   .rflags = answer.rflags,
                   .pending_debug = answer.pending_debug};
  outcome.registers = {.eptp = answer.eptp,
                       .pml_index = answer.pml_index,
                       .eptp_index = answer.eptp_index,
                       .pdpte = {}};
  for (int i = 0; i < 4; ++i) outcome.registers.pdpte[i] = answer.pdpte[i];
  return Incident();
}

}  // namespace eptdiff
