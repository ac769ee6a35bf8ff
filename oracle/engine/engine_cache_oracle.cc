#include "oracle/engine/engine_cache_oracle.h"

#include <algorithm>

#include "oracle/engine/ask.h"

namespace eptdiff {
namespace {

// In the order of CacheFlaw.
constexpr std::string_view kFlawNames[engine::kCacheFlawCount] = {
    "cache-invept-single",
    "cache-invept-all",
    "cache-invvpid-page",
    "cache-invvpid-single",
    "cache-invvpid-all",
    "cache-invvpid-retaining",
    "cache-invlpg",
    "cache-invpcid-page",
    "cache-pcid",
    "cache-violation-guest-physical",
    "cache-violation-combined",
    "cache-page-fault",
    "cache-transition",
    "cache-large-page-in-part",
    "cache-upper-stays",
    "cache-vpid-tag",
    "cache-pcid-tag",
    "cache-eptrta-tag",
    "cache-regime",
    "cache-any-use",
};

}  // namespace

std::optional<engine::CacheFlaw> CacheFlawNamed(std::string_view name) {
  const auto* found =
      std::find(std::begin(kFlawNames), std::end(kFlawNames), name);
  if (found == std::end(kFlawNames)) return std::nullopt;
  return static_cast<engine::CacheFlaw>(found - std::begin(kFlawNames));
}

std::span<const std::string_view> CacheFlawNames() { return kFlawNames; }

EngineCacheOracle::EngineCacheOracle(std::size_t pages) {
  for (auto& processor : processors_) {
    processor = std::make_unique<LogicalProcessor>(pages);
  }
}

void EngineCacheOracle::PlantForTesting(engine::CacheFlaw flaw) {
  for (auto& processor : processors_) processor->cache.PlantForTesting(flaw);
}

Skip EngineCacheOracle::Enter(const MachineState& state, Outcome& outcome) {
  for (auto& processor : processors_) {
    processor->cache.Clear();
    processor->engine.Load(state.processor, state.controls, state.guest);
  }
  AnswerEntry(state, outcome);
  return Skip::kNone;
}

Skip EngineCacheOracle::EnterAgain(const MachineState& state, const Step&,
                                   Outcome& outcome) {
  processors_[state.current]->engine.Enter(state.controls, state.guest);
  AnswerEntry(state, outcome);
  return Skip::kNone;
}

Event EngineCacheOracle::Invalidate(CachingEngine& engine,
                                    const Invalidation& asked) {
  const Gla gla{asked.second};
  switch (asked.kind) {
    case InvalidationKind::kInvept:
      return engine.Invept(asked.type, asked.first);
    case InvalidationKind::kInvvpid:
      return engine.Invvpid(asked.type, asked.first, gla);
    case InvalidationKind::kInvlpg:
      return engine.Invlpg(gla);
    case InvalidationKind::kInvpcid:
      return engine.Invpcid(asked.type, asked.first, gla);
  }
  return Event{};
}

Skip EngineCacheOracle::Perform(const MachineState& state, const Step& step,
                                Outcome& outcome) {
  CachingEngine& engine = processors_[state.current]->engine;
  engine.Load(state.processor, state.controls, state.guest);
  memory_.Begin(state.memory);
  StepHostMemory memory(memory_);
  if (step.kind == StepKind::kInvalidation) {
    outcome.event = Invalidate(engine, step.invalidation);
  } else {
    const Skip skip =
        SkipFor(Ask(engine, memory, step, outcome.event), state, step);
    if (skip != Skip::kNone) return skip;
  }
  ReportAfter(engine.engine(), state, step, outcome);
  memory_.ListChanges(outcome.writes);
  return Skip::kNone;
}

}  // namespace eptdiff
