#include "oracle/target/session/target_oracle.h"

#include <cstdint>
#include <utility>

#include "oracle/target/profile/left_rules.h"
#include "oracle/target/profile/profile.h"
#include "oracle/target/session/question.h"

namespace eptdiff {
namespace {

KeptKinds KeptBy(const eptdiff_profile& profile) {
  const auto keeps = [&](std::uint32_t kind) {
    return (profile.keeps & kind) != 0;
  };
  return {.guest_physical = keeps(EPTDIFF_KEEPS_GUEST_PHYSICAL),
          .combined = keeps(EPTDIFF_KEEPS_COMBINED),
          .paging_structures = keeps(EPTDIFF_KEEPS_PAGING_STRUCTURES)};
}

}  // namespace

TargetOracle::TargetOracle(std::unique_ptr<TargetSession> session,
                           std::string_view name)
    : session_(std::move(session)),
      name_(profile().name[0] != 0 ? profile().name : name),
      fields_(FieldsOf(profile())),
      models_entry_((profile().models & EPTDIFF_MODELS_VM_ENTRY) != 0),
      left_(LeftBy(profile())),
      declared_{.kept = KeptBy(profile()),
                .left = profile().leaves != 0 ? &left_ : nullptr} {}

Skip TargetOracle::Enter(const MachineState& state, Outcome& outcome) {
  reply_.incident = Incident();
  aside_ = Incident();
  const Skip skip =
      NotModelled(profile(), state.processor, state.controls, state.guest);
  if (skip != Skip::kNone) return skip;
  session_->Enter(state, reply_);
  // An incident at entry is met again at the first step, which is judged.
  if (!models_entry_) reply_.declined = false;
  if (reply_.incident.kind == IncidentKind::kNone && !models_entry_) {
    outcome.event = Event();
    outcome.registers = RegistersOf(state);
    outcome.writes.clear();
    return Skip::kNone;
  }
  return Take(outcome);
}

Skip TargetOracle::EnterAgain(const MachineState& state, const Step& step,
                              Outcome& outcome) {
  const Skip skip =
      NotModelled(profile(), state.processor, state.controls, state.guest);
  if (skip != Skip::kNone) return skip;
  session_->Perform(state, step, reply_);
  return Take(outcome);
}

Skip TargetOracle::Perform(const MachineState& state, const Step& step,
                           Outcome& outcome) {
  if (step.kind == StepKind::kStore) {
    outcome.event = Event();
    outcome.registers = RegistersOf(state);
    outcome.writes.clear();
    if (state.memory.Load(step.hpa) != step.value) {
      outcome.writes.push_back({step.hpa, step.value});
    }
    return Skip::kNone;
  }
  Skip skip = NotModelled(profile(), state.controls, state.guest, step);
  // An EPTP switch may have brought flags that are not modelled.
  if (skip == Skip::kNone) {
    skip = NotModelled(profile(), state.processor, state.controls, state.guest);
  }
  if (skip != Skip::kNone) return skip;
  session_->Perform(state, step, reply_);
  return Take(outcome);
}

Skip TargetOracle::Take(Outcome& outcome) {
  if (reply_.incident.kind != IncidentKind::kNone) return Skip::kPanic;
  if (aside_.kind == IncidentKind::kNone) aside_ = reply_.aside;
  if (reply_.declined) return Skip::kDeclined;
  outcome = reply_.outcome;
  return Skip::kNone;
}

}  // namespace eptdiff
