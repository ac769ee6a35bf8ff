// Who declares what it keeps of translations, or leaves to hardware, is judged
// by that; who sits beside it is not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "oracle/declared.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/stale_use.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/witnesses/cache_scenes.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {
namespace {

// Answers as a dialect has it, and declares something.
class Declaring final : public Oracle {
 public:
  Declaring(const Declared& declared, std::string_view dialect, Manner manner)
      : declared_(declared), answers_(*FindDialect(dialect), manner) {}

  std::string_view name() const override { return "declaring"; }
  bool keeps_translations() const override {
    return answers_.keeps_translations();
  }
  Declared declared() const override { return declared_; }
  Skip Enter(const MachineState& state, Outcome& outcome) override {
    return answers_.Enter(state, outcome);
  }
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override {
    return answers_.Perform(state, step, outcome);
  }

 private:
  const Declared declared_;
  DialectOracle answers_;
};

std::uint64_t AddressOf(const StepReport& report) {
  return report.outcome.event.translations[0].address.value;
}

// No linear address is translated: there is no combined mapping.
Case ByGuestPhysical() {
  return Guest4()
      .StructureRead(0x16008)
      .Store(0x40b0, 0x27037)
      .StructureRead(0x16008)
      .Build();
}

// Only a combined mapping goes with the guest's entry.
Case ByCombined() { return GuestMoved().Read(kGla).Build(); }

// A new address by what is kept of the PDE alone.
Case ByUpperLevels() {
  return Walk4()
      .Word(0x5010, 0xc037)
      .Read(0x1234)
      .Store(0x3000, 0x5007)
      .Store(0x4010, 0xd037)
      .Read(0x2234)
      .Build();
}

struct Kind {
  const char* what;
  Case (*c)();
  KeptKinds without;
  const char* undeclared;  // keeps it all the same
  Rule rule;
};
const Kind kKinds[] = {
    {"guest-physical",
     ByGuestPhysical,
     {.guest_physical = false},
     "CACHE-3/guest-physical-not-as-declared",
     Rule::kCache3},
    {"combined",
     ByCombined,
     {.combined = false},
     "CACHE-3/combined-not-as-declared",
     Rule::kCache3},
    {"upper levels",
     ByUpperLevels,
     {.paging_structures = false},
     "CACHE-4/not-as-declared",
     Rule::kCache4},
};

TEST(DeclaredTrialTest, OfWhatIsNotDeclaredNothingStaleIsPermitted) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.what);
    const Case c = kind.c();
    Declaring all{{}, "sdm", Manner::kKept};
    Declaring less{{.kept = kind.without}, "sdm", Manner::kKept};
    Declaring secretly{{.kept = kind.without}, kind.undeclared, Manner::kKept};
    Trial trial;
    for (Oracle* oracle : {&all, &less, &secretly}) {
      trial.Add(*oracle, Dialect());
    }
    std::uint64_t addresses[3] = {};
    trial.set_observer([&](const StepReport& report) {
      addresses[report.oracle] = AddressOf(report);
    });
    const auto& standings = trial.Run(c);
    EXPECT_FALSE(standings[0].disagrees);
    EXPECT_FALSE(standings[1].disagrees);
    ASSERT_TRUE(standings[2].disagrees);
    EXPECT_EQ(standings[2].step, c.steps.size());
    EXPECT_EQ(addresses[2], addresses[0]) << "by what both keep";
    EXPECT_NE(addresses[1], addresses[0]) << "memory's";
    const auto use = FindStaleUse(*standings[2].before, c.steps.back(),
                                  standings[2].outcome, kAllFields);
    ASSERT_TRUE(use.has_value());
    EXPECT_NE(std::find(use->never.begin(), use->never.end(), kind.rule),
              use->never.end());
    EXPECT_TRUE(use->undeclared);
  }
}

// A combined mapping, which INVLPG has ended, or a guest-physical one.
TEST(DeclaredTrialTest, WhatIsStaleMayBeUndeclaredInstead) {
  const Case c = Moved().Invlpg(kGlaPage).Read(0x1234).Build();
  for (const bool declared : {false, true}) {
    Declaring oracle{{.kept = {.guest_physical = declared}},
                     "CACHE-8/invlpg-ends-nothing",
                     Manner::kKept};
    Trial trial;
    trial.Add(oracle, Dialect());
    const Standings& standings = trial.Run(c)[0];
    EXPECT_EQ(standings.disagrees, !declared);
    if (declared) continue;
    const auto use = FindStaleUse(*standings.before, c.steps.back(),
                                  standings.outcome, kAllFields);
    ASSERT_TRUE(use.has_value());
    ASSERT_EQ(use->ends.size(), 1u);
    EXPECT_EQ(use->ends[0].rule, Rule::kCache8);
    EXPECT_TRUE(use->undeclared);
  }
}

TEST(DeclaredTrialTest, WhatIsLeftToHardwareForbidsNothing) {
  SlotSet left;
  left.Add(Slot::kVio3);
  left.Add(Slot::kCfg11);
  const Case no_write = Walk4().Word(0x4008, 0x9035).Write(0x1234).Build();
  const Case bad_type = Walk4().Word(0x4008, 0x903f).Read(0x1234).Build();
  const Case no_fetch = Walk4().Word(0x4008, 0x9033).Fetch(0x1234).Build();
  const auto run = [&](const Case& c, bool& mattered) {
    Declaring lax{{.kept = {}, .left = &left}, "sdm", Manner::kPlain};
    Declaring strict{{}, "sdm", Manner::kPlain};
    Trial trial;
    trial.Add(lax, Dialect());
    trial.Add(strict, Dialect());
    EventKind kinds[2] = {};
    trial.set_observer([&](const StepReport& report) {
      kinds[report.oracle] = report.outcome.event.kind;
      if (report.oracle == 0) mattered = report.trace.left;
    });
    for (const Standings& standings : trial.Run(c)) {
      EXPECT_FALSE(standings.disagrees);
    }
    EXPECT_EQ(kinds[1], EventKind::kVmExit);
    return kinds[0];
  };
  bool mattered = false;
  EXPECT_EQ(run(no_write, mattered), EventKind::kCompleted);
  EXPECT_TRUE(mattered);
  EXPECT_EQ(run(bad_type, mattered), EventKind::kCompleted);
  EXPECT_TRUE(mattered);
  EXPECT_EQ(run(no_fetch, mattered), EventKind::kVmExit);
  EXPECT_FALSE(mattered);
}

// Who declares nothing is not judged by what its neighbour has declared.
TEST(DeclaredTrialTest, WhoeverLeavesNothingHasToRefuse) {
  SlotSet left;
  left.Add(Slot::kVio3);
  const Case c = Walk4().Word(0x4008, 0x9035).Write(0x1234).Build();
  Declaring lax{{.kept = {}, .left = &left}, "sdm", Manner::kPlain};
  Declaring wrong{{}, "VIO-3/off", Manner::kPlain};
  Trial trial;
  trial.Add(lax, Dialect());
  trial.Add(wrong, Dialect());
  const auto& standings = trial.Run(c);
  EXPECT_FALSE(standings[0].disagrees);
  EXPECT_TRUE(standings[1].disagrees);
}

}  // namespace
}  // namespace eptdiff
