#include "oracle/reference/witnesses/witnesses.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "oracle/judgement/judge.h"
#include "oracle/judgement/permitted.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/witnesses/last_step.h"

namespace eptdiff {
namespace {

TEST(WitnessesTest, PassVmEntryUnlessThatIsTheCase) {
  for (const NamedCase& named : Witnesses()) {
    if (named.c.steps.empty()) continue;
    MachineState state;
    state.Load(named.c);
    Verdict verdict;
    Trace trace;
    Reference().JudgeEntry(state, verdict, trace);
    EXPECT_EQ(verdict.alternatives[0].event.kind, EventKind::kCompleted)
        << named.name << ": " << verdict.alternatives[0].failed_checks << " "
        << IdentifierOf(verdict.alternatives[0].decided.rule);
  }
}

TEST(WitnessesTest, AreAnsweredAsTheSdmDemands) {
  for (const NamedCase& named : Witnesses()) {
    SCOPED_TRACE(named.name);
    JudgedStep judged;
    JudgeLastStep(named.c, Dialect(), judged, named.keeps());
    if (judged.verdict.standing == Standing::kUndefined) {
      EXPECT_TRUE(named.rule == "ALIAS-1" || named.rule == "APIC-2" ||
                  named.rule == "GW-15" || named.rule == "GW-23");
      continue;
    }
    ASSERT_EQ(judged.verdict.standing, Standing::kJudged)
        << judged.verdict.unmodelled;
    const Outcome outcome = named.answer.In(judged.before);
    const Finding finding =
        Judge(judged.verdict, judged.before, outcome, kAllFields);
    EXPECT_TRUE(finding.conforms) << SignatureOf("answer", finding);
    if (!named.forbidden) continue;
    EXPECT_FALSE(judged.Accepts(named.forbidden->In(judged.before)));
  }
}

// The same answers with something added that the SDM does not have.
TEST(WitnessesTest, AreRejectedIfAnythingElseHappens) {
  for (const NamedCase& named : Witnesses()) {
    SCOPED_TRACE(named.name);
    JudgedStep judged;
    JudgeLastStep(named.c, Dialect(), judged, named.keeps());
    if (judged.verdict.standing == Standing::kUndefined) continue;
    const Outcome right = named.answer.In(judged.before);
    Outcome page_fault = right;
    page_fault.event.kind = EventKind::kPageFault;
    page_fault.event.error_code ^= 1 << 15;  // SGX
    EXPECT_FALSE(judged.Accepts(page_fault));
    Outcome other_exit = right;
    other_exit.event.kind = EventKind::kVmExit;
    other_exit.event.exit_reason = 1;
    EXPECT_FALSE(judged.Accepts(other_exit));
    Outcome stray_write = right;
    stray_write.writes.push_back({Hpa{0xdead0000}, 1});
    EXPECT_FALSE(judged.Accepts(stray_write));
    Outcome other_register = right;
    other_register.registers.eptp ^= 0x1000;
    EXPECT_FALSE(judged.Accepts(other_register));
    if (right.event.translation_count == 0) continue;
    Outcome other_address = right;
    other_address.event.translations[0].address.value ^= 8;
    EXPECT_FALSE(judged.Accepts(other_address));
  }
}

TEST(WitnessesTest, TellTheirAlterations) {
  for (const NamedCase& named : Witnesses()) {
    JudgedStep sdm;
    JudgeLastStep(named.c, Dialect(), sdm, named.keeps());
    for (std::string_view name : named.tells) {
      SCOPED_TRACE(std::string(named.name) + " tells " + std::string(name));
      const Alteration* alteration = FindAlteration(name);
      ASSERT_NE(alteration, nullptr);
      JudgedStep altered;
      JudgeLastStep(named.c, Dialect().With(*alteration), altered,
                    named.keeps());
      EXPECT_TRUE(altered.trace.altered);
      EXPECT_FALSE(SameVerdict(sdm.verdict, altered.verdict));
      EXPECT_TRUE(TellApart(sdm.verdict, altered.verdict, sdm.before));
    }
  }
}

// The answers were written down from the SDM: a reference that is wrong in any
// one of these ways does not get past all of them.
TEST(WitnessesTest, NoAlteredReferenceGivesAllAnswers) {
  for (const Alteration& alteration : AllAlterations()) {
    bool noticed = false;
    for (const NamedCase& named : Witnesses()) {
      JudgedStep altered;
      JudgeLastStep(named.c, Dialect().With(alteration), altered,
                    named.keeps());
      noticed |= !altered.Accepts(named.answer.In(altered.before)) ||
                 (named.forbidden &&
                  altered.Accepts(named.forbidden->In(altered.before)));
      if (noticed) break;
    }
    EXPECT_TRUE(noticed) << alteration.name;
  }
}

// A case may tell alterations that it does not name. Wherever a verdict
// changes, an outcome shows it, and nothing changes behind the trace's back.
TEST(WitnessesTest, VerdictsDifferIfAndOnlyIfOutcomesDo) {
  for (const NamedCase& named : Witnesses()) {
    JudgedStep sdm;
    JudgeLastStep(named.c, Dialect(), sdm, named.keeps());
    for (const Alteration& alteration : AllAlterations()) {
      SCOPED_TRACE(std::string(named.name) + " and " +
                   std::string(alteration.name));
      JudgedStep altered;
      JudgeLastStep(named.c, Dialect().With(alteration), altered,
                    named.keeps());
      EXPECT_EQ(SameVerdict(sdm.verdict, altered.verdict),
                !TellApart(sdm.verdict, altered.verdict, sdm.before));
      if (!altered.trace.altered) {
        EXPECT_TRUE(SameVerdict(sdm.verdict, altered.verdict));
      }
    }
  }
}

TEST(WitnessesTest, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const NamedCase& named : Witnesses()) {
    EXPECT_TRUE(names.insert(named.name).second) << named.name;
    EXPECT_TRUE(FindRule(named.rule)) << named.name << ": " << named.rule;
  }
}

TEST(WitnessesTest, StandForEveryRule) {
  std::set<std::string_view> have;
  for (const NamedCase& named : Witnesses()) have.insert(named.rule);
  for (const RuleInfo& info : kRules) {
    EXPECT_TRUE(have.contains(info.identifier)) << info.identifier;
  }
}

TEST(WitnessesTest, TellEveryAlteration) {
  std::set<std::string_view> told;
  for (const NamedCase& named : Witnesses()) {
    told.insert(named.tells.begin(), named.tells.end());
  }
  for (const Alteration& alteration : AllAlterations()) {
    EXPECT_TRUE(told.contains(alteration.name)) << alteration.name;
  }
}

}  // namespace
}  // namespace eptdiff
