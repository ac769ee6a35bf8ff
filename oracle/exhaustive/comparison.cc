#include "oracle/exhaustive/comparison.h"

#include <cstdlib>
#include <utility>

namespace eptdiff {

void AddOutcome(const Outcome& outcome, Digest& digest, Hpa word,
                std::uint64_t old, std::uint64_t address) {
  const Event& event = outcome.event;
  digest.Add(static_cast<std::uint64_t>(event.kind) |
             static_cast<std::uint64_t>(event.exit_reason) << 8 |
             static_cast<std::uint64_t>(event.translation_count) << 24 |
             static_cast<std::uint64_t>(event.interruption_information) << 32);
  if (event.kind == EventKind::kVmEntryFailure) {
    digest.Add(static_cast<std::uint64_t>(event.failed_check));
  }
  digest.Add(event.qualification);
  digest.Add(event.gpa.value);
  digest.Add(event.gla.value);
  for (int i = 0; i < event.translation_count; ++i) {
    const Translation& t = event.translations[static_cast<std::size_t>(i)];
    digest.Add(t.address.value ^ address);
    digest.Add(static_cast<std::uint64_t>(t.page_shift) |
               static_cast<std::uint64_t>(t.memory_type) << 8 |
               static_cast<std::uint64_t>(t.structure_memory_type) << 16);
  }
  digest.Add(outcome.registers.pml_index);
  for (const MemoryWord& write : outcome.writes) {
    digest.Add(write.address.value);
    digest.Add(write.address == word ? write.value ^ old : write.value);
  }
}

Comparison::Comparison(Oracle& oracle, const Dialect& dialect, Report report)
    : oracle_(oracle), reference_(dialect), report_(std::move(report)) {
  trace_.keeps_hits = false;
}

bool Comparison::Enter(const MachineState& state) {
  asks_ = !IsOver() && EnterAlone(state);
  const bool other_asks = also_ != nullptr && also_->Enter(state);
  return asks_ || other_asks;
}

bool Comparison::EnterAlone(const MachineState& state) {
  const Skip skip = oracle_.Enter(state, outcome_);
  reference_.JudgeEntry(state, verdict_, trace_);
  if (oracle_.models_entry() || skip != Skip::kNone) {
    Account(state, nullptr, skip, verdict_);
  }
  return skip == Skip::kNone && !IsOver() && !verdict_.alternatives.empty() &&
         verdict_.alternatives[0].event.kind == EventKind::kCompleted;
}

void Comparison::Ask(const MachineState& state, const Step& step) {
  has_sdm_ = false;
  if (asks_ && !IsOver()) AskAlone(state, step, nullptr);
  if (also_ == nullptr || !also_->asks_ || also_->IsOver()) return;
  also_->AskAlone(state, step, has_sdm_ ? &verdict_ : nullptr);
}

void Comparison::AskAlone(const MachineState& state, const Step& step,
                          const Verdict* known) {
  const Skip skip = oracle_.Perform(state, step, outcome_);
  if (skip == Skip::kNone && known == nullptr) {
    reference_.Judge(state, step, verdict_, trace_);
    has_sdm_ = !trace_.altered;
  }
  Account(state, &step, skip, known == nullptr ? verdict_ : *known);
}

void Comparison::Account(const MachineState& state, const Step* step, Skip skip,
                         const Verdict& verdict) {
  // Of one step, or of a whole setting.
  if (skip != Skip::kNone) {
    ++tally_.skipped;
    tally_.digest.Add(static_cast<std::uint64_t>(skip));
    return;
  }
  ++tally_.situations;
  AddOutcome(outcome_, tally_.digest);
  // The worlds hold nothing that the SDM leaves open altogether.
  if (verdict.standing != Standing::kJudged) std::abort();
  Judge(verdict, state, outcome_, oracle_.fields(), finding_);
  if (finding_.conforms) return;
  ++tally_.differing;
  if (report_) report_(state, step, finding_);
}

}  // namespace eptdiff
