#include "oracle/c/question_values.h"

#include <cstring>

#include "oracle/target/engine_values.h"

namespace eptdiff {
namespace {

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

}  // namespace

bool ReadMachine(const eptdiff_question& question, MachineState& state) {
  constexpr int kNarrowest = 32, kWidest = 52, kMostKeyidBits = 15;
  if (question.maxphyaddr < kNarrowest || question.maxphyaddr > kWidest ||
      question.keyid_bits > kMostKeyidBits ||
      question.maxphyaddr - question.keyid_bits < kNarrowest ||
      question.cpl > 3 || question.processor >= kLogicalProcessors) {
    return false;
  }
  state.processor = ProcessorOf(question);
  state.controls = ControlsOf(question);
  state.guest = GuestOf(question);
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
  step.access = AccessOf(question);
  if (question.bytes != 0) step.access.size = question.bytes;
  step.gpa = Gpa{question.gpa};
  step.page = PageOf(question);
  if (step.kind == StepKind::kLinearAccess) {
    step.gla = step.page.gla;
    step.page.gla = {};
  }
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
  SetEvent(outcome.event, answer);
  SetSaved(outcome.saved, answer);
  const Registers& registers = outcome.registers;
  answer.eptp = registers.eptp;
  answer.pml_index = registers.pml_index;
  answer.eptp_index = registers.eptp_index;
  for (int i = 0; i < 4; ++i) answer.pdpte[i] = registers.pdpte[i];
}

}  // namespace eptdiff
