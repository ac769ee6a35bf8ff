#include "fuzzers/command/vectors/vectors.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "oracle/judgement/permitted.h"
#include "oracle/judgement/spine.h"
#include "oracle/machine_state.h"
#include "oracle/reference/reference.h"
#include "oracle/verdict.h"

namespace eptdiff {
namespace {

// As far as choices are followed: so many optional writes of an alternative,
// so many states after a step.
constexpr std::size_t kMostOptional = 4;
constexpr std::size_t kMostStates = 64;

bool SameState(const MachineState& a, const MachineState& b) {
  const auto same_words = [](const MachineState& x, const MachineState& y) {
    const auto addresses = x.memory.addresses();
    return std::all_of(addresses.begin(), addresses.end(), [&](Hpa address) {
      return x.memory.Load(address) == y.memory.Load(address);
    });
  };
  return RegistersOf(a) == RegistersOf(b) && a.guest == b.guest &&
         same_words(a, b) && same_words(b, a);
}

// What an alternative may leave, one state for each choice of optional writes;
// none if what it leaves is not defined, or too much.
std::vector<MachineState> StatesAfter(const Alternative& alternative,
                                      const Step& step,
                                      const MachineState& before) {
  if (alternative.ve_written) return {};  // undefined bits in the area
  if (alternative.optional.size() > kMostOptional) return {};
  std::vector<MachineState> states;
  for (unsigned set = 0; set < 1u << alternative.optional.size(); ++set) {
    MachineState after = before;
    after.Apply(&step, PlainOutcome(alternative, before));
    for (std::size_t i = 0; i < alternative.optional.size(); ++i) {
      if (!(set >> i & 1)) continue;
      const BitWrite& write = alternative.optional[i];
      after.memory.Store(write.word,
                         (after.memory.Load(write.word) & ~write.mask) |
                             (write.value & write.mask));
    }
    states.push_back(std::move(after));
  }
  return states;
}

// All states that a step may leave; none if that is not to be said.
std::vector<MachineState> StatesAfter(const std::vector<MachineState>& before,
                                      const Step& step) {
  std::vector<MachineState> states;
  Verdict verdict;
  Trace trace;
  for (const MachineState& state : before) {
    Reference().Judge(state, step, verdict, trace);
    for (const Alternative& alternative : verdict.alternatives) {
      std::vector<MachineState> more = StatesAfter(alternative, step, state);
      if (more.empty()) return {};
      for (MachineState& after : more) {
        const bool known = std::any_of(
            states.begin(), states.end(),
            [&](const MachineState& other) { return SameState(after, other); });
        if (!known) states.push_back(std::move(after));
        if (states.size() > kMostStates) return {};
      }
    }
  }
  return states;
}

bool SameVerdictInAll(const std::vector<MachineState>& states,
                      const Step& step) {
  Verdict verdict;
  Verdict other;
  Trace trace;
  Reference().Judge(states[0], step, verdict, trace);
  return std::all_of(states.begin() + 1, states.end(),
                     [&](const MachineState& state) {
                       Reference().Judge(state, step, other, trace);
                       return SameVerdict(verdict, other);
                     });
}

// A case that begins in `state`, with `step` alone.
Case CaseOf(const MachineState& state, const Step& step) {
  Case c = {state.processor, state.controls, state.guest, {}, {step}};
  for (Hpa address : state.memory.addresses()) {
    const std::uint64_t value = state.memory.Load(address);
    if (value != 0) c.memory.push_back({address, value});
  }
  std::sort(c.memory.begin(), c.memory.end(),
            [](const MemoryWord& a, const MemoryWord& b) {
              return a.address.value < b.address.value;
            });
  return c;
}

Case FirstStepsOf(const Case& c, std::size_t steps) {
  MachineState state;
  state.Load(c);
  Case first = CaseOf(state, {});
  first.steps.assign(c.steps.begin(),
                     c.steps.begin() + static_cast<std::ptrdiff_t>(steps));
  return first;
}

}  // namespace

std::size_t DefinedSteps(const Case& c) {
  std::size_t steps = 0;
  for (Spine spine(c); !spine.over(); spine.Advance()) {
    if (spine.verdict().standing != Standing::kJudged) break;
    steps = spine.step();
  }
  return steps;
}

bool IsTheSameToEverybody(const Case& c) {
  std::vector<MachineState> states(1);
  states[0].Load(c);
  for (std::size_t i = 0; i < c.steps.size(); ++i) {
    for (MachineState& state : states) state.Begin(c.steps[i]);
    if (!SameVerdictInAll(states, c.steps[i])) return false;
    if (i + 1 == c.steps.size()) break;
    states = StatesAfter(states, c.steps[i]);
    if (states.empty()) return false;
  }
  return true;
}

std::vector<Case> VectorCasesOf(const Case& c) {
  if (HasTableOperations(c)) return {};
  const Spine entry(c);
  if (entry.verdict().standing != Standing::kJudged) return {};
  const Case whole = FirstStepsOf(c, DefinedSteps(c));
  const bool fails = IsFailedEntry(entry.verdict().alternatives[0].event.kind);
  if (fails || c.steps.empty()) return {whole};
  if (whole.steps.empty()) return {};
  if (IsTheSameToEverybody(whole)) return {whole};
  std::vector<Case> single;
  for (Spine spine(whole); !spine.over(); spine.Advance()) {
    if (spine.step() == 0) continue;
    const Step& step = whole.steps[spine.step() - 1];
    if (step.kind == StepKind::kStore) continue;
    Case alone = CaseOf(spine.before(), step);
    if (DefinedSteps(alone) == 1) single.push_back(std::move(alone));
  }
  return single;
}

}  // namespace eptdiff
