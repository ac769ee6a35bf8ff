#include "oracle/reference/caches/caching_reference.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "oracle/reference/caches/kept.h"
#include "oracle/step_kinds.h"

namespace eptdiff {
namespace {

void GiveUp(std::string_view why, Verdict& verdict) {
  verdict.standing = Standing::kNotModelled;
  verdict.unmodelled = why;
  verdict.alternatives.clear();
}

}  // namespace

CachingReference::CachingReference(Dialect dialect)
    : reference_(std::move(dialect)) {}

void CachingReference::Judge(const MachineState& state, const Step* step,
                             Verdict& verdict, Trace& trace) const {
  JudgeUpTo(Kept::kMaxRuns, state, step, verdict, trace);
}

void CachingReference::JudgeUpTo(std::size_t ways, const MachineState& state,
                                 const Step* step, Verdict& verdict,
                                 Trace& trace) const {
  const bool keeps =
      state.records_history && step != nullptr && AccessesMemory(step->kind);
  if (!keeps) return reference_.Judge(state, step, verdict, trace);
  if (state.history.full()) {
    trace.Clear();
    return GiveUp("more steps than are remembered", verdict);
  }
  AddWhatWasKept(ways, state, *step, verdict, trace);
}

void CachingReference::AddWhatWasKept(std::size_t ways,
                                      const MachineState& state,
                                      const Step& step, Verdict& verdict,
                                      Trace& trace) const {
  Kept kept(state, /*spared=*/0, ways);
  reference_.Judge(state, step, verdict, trace, &kept);
  if (verdict.standing != Standing::kJudged) return;
  if (!kept.possible()) verdict.alternatives.clear();
  std::unique_ptr<Verdict> other;
  std::unique_ptr<Trace> other_trace;
  while (kept.Next()) {
    if (other == nullptr) {
      // Large, and made anew for most steps: no room of theirs is cleared.
      other = std::make_unique_for_overwrite<Verdict>();
      other_trace = std::make_unique_for_overwrite<Trace>();
      other_trace->keeps_hits = trace.keeps_hits;
    }
    reference_.Judge(state, step, *other, *other_trace, &kept);
    trace.consequences.Add(other_trace->consequences);
    trace.silences.Add(other_trace->silences);
    trace.altered = trace.altered || other_trace->altered;
    trace.left = trace.left || other_trace->left;
    if (!kept.possible()) continue;
    if (other->standing == Standing::kUndefined) {  // ALIAS-1, of a kept entry
      verdict.standing = Standing::kUndefined;
      verdict.alternatives.clear();
      return;
    }
    if (other->standing != Standing::kJudged) continue;
    for (const Alternative& alternative : other->alternatives) {
      const bool known = std::any_of(
          verdict.alternatives.begin(), verdict.alternatives.end(),
          [&](const Alternative& a) { return Permits(a, alternative); });
      if (known) continue;
      if (verdict.alternatives.full()) {
        return GiveUp("more permitted answers than are kept", verdict);
      }
      verdict.alternatives.push_back(alternative);
    }
  }
  if (kept.exhausted()) {
    GiveUp("more ways to have kept translations than are looked at", verdict);
  }
}

}  // namespace eptdiff
