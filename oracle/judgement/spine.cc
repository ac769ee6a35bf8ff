#include "oracle/judgement/spine.h"

#include <cstdint>

namespace eptdiff {
namespace {

void StoreBits(SparseMemory& memory, Hpa word, std::uint64_t mask,
               std::uint64_t value) {
  memory.Store(word, (memory.Load(word) & ~mask) | (value & mask));
}

void Apply(const Step& step, const Alternative& alternative,
           MachineState& state) {
  if (step.kind == StepKind::kRegisterWrite &&
      alternative.event.kind == EventKind::kCompleted) {
    WriteRegister(step.reg, step.value, state.guest);
  }
  state.controls.eptp = alternative.registers.eptp;
  state.controls.pml_index = alternative.registers.pml_index;
  state.controls.eptp_index = alternative.registers.eptp_index;
  state.guest.pdpte = alternative.registers.pdpte;
  for (const BitWrite& write : alternative.required) {
    StoreBits(state.memory, write.word, write.mask, write.value);
  }
  if (!alternative.ve_written) return;
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  const std::uint64_t area = alternative.ve_area.value;
  const AccessReport& information = alternative.ve_information;
  StoreBits(state.memory, Hpa{area + 8}, kAll, information.qualification);
  StoreBits(state.memory, Hpa{area + 16}, kAll, information.gla.value);
  StoreBits(state.memory, Hpa{area + 24}, kAll, information.gpa.value);
}

}  // namespace

Spine::Spine(const Case& c) : case_(c) {
  state_.Load(c);
  reference_.JudgeEntry(state_, verdict_, trace_);
}

bool Spine::CanGoOn() const {
  return verdict_.standing == Standing::kJudged &&
         !IsFailedEntry(verdict_.alternatives[0].event.kind);
}

void Spine::Advance() {
  over_ = over_ || !CanGoOn();
  if (over_) return;
  if (step_ > 0) {
    Apply(case_.steps[step_ - 1], verdict_.alternatives[0], state_);
  }
  JudgeNext();
}

void Spine::Advance(const Outcome& observed) {
  over_ = over_ || !CanGoOn();
  if (over_) return;
  if (step_ > 0) state_.Apply(&case_.steps[step_ - 1], observed);
  JudgeNext();
}

void Spine::JudgeNext() {
  over_ = step_ == case_.steps.size();
  if (over_) return;
  const Step& step = case_.steps[step_++];
  state_.Begin(step);
  reference_.Judge(state_, &step, verdict_, trace_);
}

}  // namespace eptdiff
