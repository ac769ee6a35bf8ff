#include "oracle/processor/moving_testing.h"

#include <algorithm>
#include <cstddef>

#include "oracle/engine/engine_oracle.h"
#include "oracle/judgement/permitted.h"
#include "oracle/judgement/spine.h"
#include "oracle/judgement/trial.h"
#include "oracle/outcome.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {
namespace {

// Whether the step has read an entry of the guest where one of EPT may be.
bool TakesTablesForItsOwn(const Trace& trace, const Mover& mover) {
  if (!mover.guest_reaches_tables()) return false;
  return std::any_of(trace.entries.begin(), trace.entries.end(),
                     [&](const EntryRead& entry) {
                       return (entry.structure == Structure::kGuest ||
                               entry.structure == Structure::kPdpte) &&
                              mover.HoldsAddress(entry.address);
                     });
}

// What the SDM permits at a step of the moved case, against what it permits at
// that of `here`.
std::string CompareStep(const Spine& here, const Spine& there,
                        const Mover& mover) {
  const Verdict& a = here.verdict();
  const Verdict& b = there.verdict();
  if (a.standing != b.standing || a.unmodelled != b.unmodelled) {
    return "another standing";
  }
  if (a.standing != Standing::kJudged) return "";
  const std::vector<Outcome> permitted = PermittedOutcomes(a, here.before());
  std::vector<Outcome> back = PermittedOutcomes(b, there.before());
  if (permitted.size() != back.size()) return "more or less permitted";
  for (std::size_t i = 0; i < back.size(); ++i) {
    if (!mover.MoveBack(back[i])) return "leads out of its memory";
    // Words of different regions, or alternatives, may be in another order.
    if (std::find(permitted.begin(), permitted.end(), back[i]) ==
        permitted.end()) {
      return "outcome " + std::to_string(i) + " is not permitted here";
    }
  }
  return "";
}

// Steps of both cases, side by side.
std::string Compare(const Case& c, const Case& moved, const Mover& mover,
                    bool keeps) {
  Spine here(c, keeps);
  Spine there(moved, keeps);
  for (; !here.over() && !there.over(); here.Advance(), there.Advance()) {
    if (TakesTablesForItsOwn(there.trace(), mover)) return "";
    const std::string what = CompareStep(here, there, mover);
    if (what.empty()) continue;
    // The trace has what memory says; by what was kept the guest may have read
    // other entries.
    if (keeps && mover.guest_reaches_tables() &&
        there.verdict().alternatives.size() > 1) {
      return kMayReadTables;
    }
    return "step " + std::to_string(here.step()) + ": " + what;
  }
  return here.over() == there.over() ? "" : "one of the two ends before";
}

}  // namespace

std::vector<FreeRange> FreeMemory(unsigned width) {
  std::uint64_t above = std::uint64_t{1} << (std::min(width, 39u) - 1);
  return {{Hpa{0x100000}, 0x0fe00000},
          {Hpa{0x20003000}, 0x100000},
          {Hpa{above}, 0x40000000},
          {Hpa{above + 0x40000000}, 0x3fe00000}};
}

std::string WhatMovingChanges(const Case& c, Mover& mover, Unmovable& why) {
  Case moved;
  why = mover.Move(c, c.processor, moved);
  if (why != Unmovable::kNone) return "";
  std::string what = Compare(c, moved, mover, false);
  if (what.empty()) what = Compare(c, moved, mover, true);
  return what;
}

std::string WhatIsWrongThere(const Case& moved, const Mover& mover,
                             std::span<const FreeRange> free) {
  for (const MovedRegion& region : mover.regions()) {
    const std::uint64_t bytes = std::uint64_t{1} << region.shift;
    const bool is_free =
        std::any_of(free.begin(), free.end(), [&](const FreeRange& range) {
          return region.to >= range.first.value &&
                 region.to - range.first.value <= range.bytes - bytes &&
                 bytes <= range.bytes;
        });
    if (!is_free) return "a region lies where nothing is free";
    if (region.to % bytes != 0) return "a region is not aligned";
  }
  for (const MemoryWord& word : moved.memory) {
    Hpa back;
    if (!mover.Back(word.address, back)) return "a word lies elsewhere";
  }
  EngineOracle engine;
  Trial trial;
  const Dialect sdm;
  trial.Add(engine, sdm);
  std::string what;
  trial.set_observer([&](const StepReport& step) {
    if (step.verdict.standing != Standing::kJudged) return;
    for (const EntryRead& entry : step.trace.entries) {
      Hpa back;
      if (!mover.Back(entry.address, back)) {
        what = "step " + std::to_string(step.step) + " reads elsewhere";
      }
    }
    Outcome outcome = step.outcome;
    if (step.finding.conforms && !mover.MoveBack(outcome)) {
      what = "step " + std::to_string(step.step) + " goes elsewhere";
    }
  });
  const Standings& standings = trial.Run(moved).front();
  if (standings.disagrees) {
    what = SignatureOf("engine", standings.finding);
  }
  return what;
}

}  // namespace eptdiff
