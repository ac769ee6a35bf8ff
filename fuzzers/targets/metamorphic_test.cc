#include "fuzzers/targets/metamorphic.h"

#include <functional>
#include <memory>
#include <utility>

#include "fuzzers/generation/generator.h"
#include "fuzzers/mutation/mutator.h"
#include "gtest/gtest.h"
#include "oracle/engine/engine_cache_oracle.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {
namespace {

using Result = Metamorphic::Result;

// The engine, with its answers to steps changed.
class FaultyEngine : public Oracle {
 public:
  using Fault = std::function<void(const MachineState&, const Step&, Outcome&)>;
  explicit FaultyEngine(Fault fault) : fault_(std::move(fault)) {}

  std::string_view name() const override { return "engine"; }
  Skip Enter(const MachineState& state, Outcome& outcome) override {
    return engine_.Enter(state, outcome);
  }
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    const Skip skip = engine_.Perform(state, step, outcome);
    if (skip == Skip::kNone) fault_(state, step, outcome);
    return skip;
  }

 private:
  EngineOracle engine_;
  Fault fault_;
};

void GenerateAny(std::uint64_t seed, Case& c) {
  if (seed % 3 == 2) {
    Mutate(seed, c, Focus::kLinear);  // of the one before
  } else {
    GenerateCase(seed, c, seed % 3 == 0 ? Focus::kEpt : Focus::kLinear);
  }
}

// Each relation that is checked of `oracle` holds for step `step_of(c)` of
// generated cases, and often applies.
void ExpectToHold(Oracle& oracle, void (*generate)(std::uint64_t, Case&),
                  std::size_t (*step_of)(const Case&)) {
  Metamorphic metamorphic(oracle);
  constexpr int kCases = 3000;
  for (const Relation relation : metamorphic.relations()) {
    int holds = 0;
    Case c;
    for (int seed = 0; seed < kCases; ++seed) {
      generate(static_cast<std::uint64_t>(seed), c);
      const std::uint64_t variant = static_cast<std::uint64_t>(seed / 3 % 4);
      const Result result = metamorphic.Check(relation, c, step_of(c), variant);
      EXPECT_NE(result, Result::kBroken)
          << NameOf(relation) << " of the case of seed " << seed;
      holds += result == Result::kHolds;
    }
    EXPECT_GT(holds, kCases / 12) << NameOf(relation);
  }
}

TEST(MetamorphicTest, WhatIsKeptHasRelationsOfItsOwn) {
  EngineCacheOracle cache;
  ExpectToHold(
      cache,
      [](std::uint64_t seed, Case& c) {
        GenerateCase(seed, c, Focus::kCaches);
      },
      [](const Case& c) { return c.steps.size() - 1; });
}

TEST(MetamorphicTest, WhatInveptDoesNotEndIsNoticed) {
  const Case c =
      Walk4().Read(0x1234).Store(0x4008, 0xa037).Read(0x1234).Build();
  EngineCacheOracle cache;
  EXPECT_EQ(Metamorphic(cache).CheckAll(c), std::nullopt);
  cache.PlantForTesting(engine::CacheFlaw::kInveptAll);
  EXPECT_EQ(Metamorphic(cache).CheckAll(c), Relation::kFlush);
}

// One cache for all logical processors.
class SharedCache : public Oracle {
 public:
  std::string_view name() const override { return "cache"; }
  bool keeps_translations() const override { return true; }
  Skip Enter(const MachineState& state, Outcome& outcome) override {
    return cache_.Enter(state, outcome);
  }
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    MachineState first = state;
    first.current = 0;
    return cache_.Perform(first, step, outcome);
  }

 private:
  EngineCacheOracle cache_;
};

TEST(MetamorphicTest, WhatEndsElsewhereIsNoticed) {
  SharedCache cache;
  const Case c =
      Walk4().Read(0x1234).Store(0x4008, 0xa037).Read(0x1234).Build();
  EXPECT_EQ(Metamorphic(cache).CheckAll(c), Relation::kElsewhere);
}

TEST(MetamorphicTest, EveryRelationHoldsForTheEngineAndOftenApplies) {
  EngineOracle engine;
  ExpectToHold(engine, GenerateAny, [](const Case&) { return std::size_t{0}; });
}

constexpr std::uint64_t kBit52 = std::uint64_t{1} << 52;

// Whether some word of memory is as `is` says.
bool Any(const MachineState& state, bool (*is)(std::uint64_t)) {
  for (const Hpa address : state.memory.addresses()) {
    if (is(state.memory.Load(address))) return true;
  }
  return false;
}

void Refuse(Outcome& outcome) {
  outcome.event = {.kind = EventKind::kVmExit, .exit_reason = 48};
}

struct PlantedFault {
  Relation relation;
  FaultyEngine::Fault fault;
};
const PlantedFault kFaults[] = {
    {Relation::kCanonical,  // a field is used that the step does not have
     [](const MachineState&, const Step& step, Outcome& outcome) {
       outcome.event.translations[0].address.value += step.index & 1;
     }},
    {Relation::kRepeat,  // an accessed flag goes when it is there
     [](const MachineState& state, const Step&, Outcome& outcome) {
       const Hpa pml4e{0x1000};
       const std::uint64_t value = state.memory.Load(pml4e);
       outcome.writes.clear();
       outcome.writes.push_back({pml4e, value ^ 0x100});
     }},
    {Relation::kIgnored,  // bit 52 of an entry is taken as reserved
     [](const MachineState& state, const Step&, Outcome& outcome) {
       if (Any(state,
               [](std::uint64_t word) { return (word & kBit52) != 0; })) {
         Refuse(outcome);
       }
     }},
    {Relation::kPermission,  // a page that may be written may not be executed
     [](const MachineState& state, const Step&, Outcome& outcome) {
       if (Any(state, [](std::uint64_t word) {
             return (word & 0x36) == 0x36;  // of a WB page
           })) {
         Refuse(outcome);
       }
     }},
    {Relation::kSplit,  // of a large page the low bits of the frame get lost
     [](const MachineState&, const Step&, Outcome& outcome) {
       Translation& translation = outcome.event.translations[0];
       if (translation.page_shift == 21) translation.address.value &= ~0x1000u;
     }},
    {Relation::kMove,  // a table above 4 GBytes is not found
     [](const MachineState& state, const Step&, Outcome& outcome) {
       for (const Hpa address : state.memory.addresses()) {
         if (address.value >> 32 != 0) Refuse(outcome);
       }
     }},
};

// A case on which each fault shows: a read of a page, or of a large one.
Case CaseFor(Relation relation) {
  if (relation == Relation::kSplit) {
    return Walk4().AccessedDirty().Pde(0x2000b7).Read(0x1234).Build();
  }
  return Walk4().AccessedDirty().Pte(0x9031).Read(0x1234).Build();
}

TEST(MetamorphicTest, EachNoticesItsFaultAndNoOther) {
  for (const PlantedFault& planted : kFaults) {
    FaultyEngine faulty(planted.fault);
    Metamorphic metamorphic(faulty);
    const Case c = CaseFor(planted.relation);
    EXPECT_EQ(metamorphic.CheckAll(c), planted.relation)
        << NameOf(planted.relation);
    EXPECT_EQ(metamorphic.SignatureOf(planted.relation),
              "eptdiff-engine-metamorphic-" +
                  std::string(NameOf(planted.relation)) + "-none");
    EngineOracle engine;
    EXPECT_EQ(Metamorphic(engine).CheckAll(c), std::nullopt);
  }
}

// What a fuzz target asks of a few of its cases is enough to find them.
TEST(MetamorphicTest, EachFaultIsFoundAmongGeneratedCases) {
  for (const PlantedFault& planted : kFaults) {
    if (planted.relation == Relation::kRepeat) continue;  // of one table
    FaultyEngine faulty(planted.fault);
    Metamorphic metamorphic(faulty);
    Case c;
    bool found = false;
    for (std::uint64_t seed = 0; seed < 20'000 && !found; ++seed) {
      GenerateAny(seed, c);
      found = metamorphic.CheckOne(c) == planted.relation;
    }
    EXPECT_TRUE(found) << NameOf(planted.relation);
  }
}

}  // namespace
}  // namespace eptdiff
