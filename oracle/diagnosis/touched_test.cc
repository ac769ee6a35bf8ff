#include "oracle/diagnosis/touched.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>

#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/witnesses/last_step.h"
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

class TouchedByTest : public testing::Test {
 protected:
  AlterationSet Touched(const Combination& combination, const Case& c) {
    const Step* step = c.steps.empty() ? nullptr : &c.steps.back();
    return TouchedBy(combination).Judge(sdm_.before, step, *verdict_, *trace_);
  }
  JudgedStep sdm_;
  std::unique_ptr<Verdict> verdict_ = std::make_unique<Verdict>();
  std::unique_ptr<Trace> trace_ = std::make_unique<Trace>();
};

TEST_F(TouchedByTest, ProbesChangeNoVerdict) {
  for (const NamedCase& named : Witnesses()) {
    JudgeLastStep(named.c, Dialect(), sdm_, named.keeps());
    Touched({}, named.c);
    EXPECT_TRUE(SameVerdict(*verdict_, sdm_.verdict)) << named.name;
  }
}

// Who asks about a few learns of them what who asks about all learns.
TEST_F(TouchedByTest, WhatIsNotAskedAboutChangesNothing) {
  AlterationSet few;
  for (std::size_t i = 0; i < AllAlterations().size(); i += 37) few.set(i);
  const TouchedBy all_of({});
  const TouchedBy few_of({}, few);
  bool any = false;
  for (const NamedCase& named : Witnesses()) {
    MachineState state;
    state.records_history = named.keeps();
    state.Load(named.c);
    if (!named.c.steps.empty()) state.Begin(named.c.steps[0]);
    const Step* step = named.c.steps.empty() ? nullptr : &named.c.steps[0];
    const AlterationSet whole = all_of.Judge(state, step, *verdict_, *trace_);
    const AlterationSet part = few_of.Judge(state, step, *verdict_, *trace_);
    EXPECT_EQ(part & few, whole & few) << named.name;
    any = any || (part & few).any();
  }
  EXPECT_TRUE(any);
}

// Those that change the verdict are among those that are touched, on top of the
// SDM and, every third of them, on top of another alteration; and those are
// few.
TEST_F(TouchedByTest, WhateverChangesTheVerdictIsTouched) {
  const auto all = AllAlterations();
  std::size_t touched_in_all = 0;
  std::size_t base = 0;
  for (const NamedCase& named : Witnesses()) {
    SCOPED_TRACE(named.name);
    base = (base + 7) % all.size();
    const Combination below = {static_cast<std::uint16_t>(base)};
    JudgeLastStep(named.c, Dialect(), sdm_, named.keeps());
    const AlterationSet touched = Touched({}, named.c);
    const AlterationSet touched_above = Touched(below, named.c);
    touched_in_all += touched.count();
    JudgedStep lower;
    JudgeLastStep(named.c, DialectOf(below), lower, named.keeps());
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (InfoOf(all[i].slot).kind == SlotKind::kPermits) continue;
      const auto number = static_cast<std::uint16_t>(i);
      JudgedStep altered;
      JudgeLastStep(named.c, DialectOf({number}), altered, named.keeps());
      EXPECT_TRUE(touched[i] || SameVerdict(sdm_.verdict, altered.verdict))
          << all[i].name;
      if (number == base || (i + base) % 3 != 0) continue;
      JudgeLastStep(named.c, DialectOf(With(below, number)), altered,
                    named.keeps());
      EXPECT_TRUE(touched_above[i] ||
                  SameVerdict(lower.verdict, altered.verdict))
          << all[i].name << " above " << all[base].name;
    }
  }
  EXPECT_LT(touched_in_all, Witnesses().size() * all.size() / 5);
}

}  // namespace
}  // namespace eptdiff
