#include "oracle/reference/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <vector>

#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/report.h"
#include "oracle/reference/witnesses/case_builder.h"
#include "oracle/reference/witnesses/last_step.h"

namespace eptdiff {
namespace {

JudgedStep Judged(const CaseBuilder& builder,
                  const Dialect& dialect = Dialect()) {
  JudgedStep judged;
  JudgeLastStep(builder.Build(), dialect, judged);
  return judged;
}

Standing StandingOf(const CaseBuilder& builder) {
  const JudgedStep judged = Judged(builder);
  if (judged.verdict.standing != Standing::kJudged) {
    EXPECT_TRUE(judged.verdict.alternatives.empty());
  }
  return judged.verdict.standing;
}

TEST(ReferenceTest, RefusesWhatNoProcessorCanBeAsked) {
  const auto ept_off = [](Case& c) { c.controls.secondary = 0; };
  const std::uint64_t beyond = std::uint64_t{1} << 52;
  EXPECT_EQ(StandingOf(Walk4().With(ept_off).Read(0x1234)),
            Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk4().Read(0x1234, 0)), Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk4().Read(0x1234, 4097)), Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk4().Read(beyond)), Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk5().N(52).Read(beyond - 4, 8)),
            Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk4().StructureRead(beyond)), Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk4().StructureRead(0x1002)), Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk4().Read(0x1fc0, 64)), Standing::kJudged);
  EXPECT_EQ(StandingOf(Walk5().N(52).Read(beyond - 8, 8)), Standing::kJudged);
  // CPUID's width, whatever key identifiers take from it, is that of
  // guest-physical addresses, read by translation or not.
  const std::uint64_t end = std::uint64_t{1} << 46;
  EXPECT_EQ(StandingOf(Walk4().Keyids(6).Read(end - 8, 8)), Standing::kJudged);
  EXPECT_EQ(StandingOf(Walk4().Keyids(6).Read(end - 4, 8)),
            Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk4().Read(end)), Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk4().StructureRead(end)), Standing::kCallerError);
  EXPECT_EQ(StandingOf(Walk4().StructureRead(end - 8)), Standing::kJudged);
}

TEST(ReferenceTest, RefusesWritesThatNoInstructionMakes) {
  using enum GuestRegister;
  constexpr auto kNo = Standing::kCallerError, kYes = Standing::kJudged;
  const std::uint64_t wide = std::uint64_t{1} << 32;
  const auto narrow = [](Case& c) { c.guest.cs_l = false; };
  EXPECT_EQ(StandingOf(Walk4().Cpl3().Give(kCr0, 0x80000021)), kNo);
  EXPECT_EQ(StandingOf(Walk4().Cpl3().Give(kPat, 6)), kNo);
  EXPECT_EQ(StandingOf(Walk4().Cpl3().Give(kPkru, 6)), kYes);
  EXPECT_EQ(StandingOf(Walk4().Cpl3().Give(kRflags, 0x40002)), kYes);
  EXPECT_EQ(StandingOf(Walk4().Cpl3().Give(kCpl, 0)), kYes);
  EXPECT_EQ(StandingOf(Walk4().Give(kCpl, 4)), kNo);
  EXPECT_EQ(StandingOf(Walk4().Give(kPkru, wide)), kNo);
  EXPECT_EQ(StandingOf(Walk4().Give(kRflags, 0x40000)), kNo);
  EXPECT_EQ(StandingOf(Walk4().Give(kRflags, 0x20002)), kNo);  // VM
  EXPECT_EQ(StandingOf(Walk4().Give(kCr3, wide)), kYes);
  EXPECT_EQ(StandingOf(Walk4().With(narrow).Give(kCr3, wide)), kNo);
  EXPECT_EQ(StandingOf(Walk4().With(narrow).Give(kPat, wide)), kYes);
}

TEST(ReferenceTest, RefusesVmEntryWithAFieldThatNoCaseHas) {
  EXPECT_EQ(StandingOf(Walk4().EnterWith(0x0812, 0)), Standing::kJudged);
  EXPECT_EQ(StandingOf(Walk4().EnterWith(0x4816, 0)), Standing::kJudged);
  EXPECT_EQ(StandingOf(Walk4().EnterWith(0x2800, 0)), Standing::kCallerError);
  // It is judged although EPT is off before it, or after.
  EXPECT_EQ(StandingOf(Walk4().EnterWith(0x401e, 0)), Standing::kJudged);
}

// What a VM exit saves of PDPTE registers that mean nothing is not looked at.
TEST(ReferenceTest, PdptesMeanSomethingWithPaePagingAlone) {
  using enum GuestRegister;
  const auto defined = [](const CaseBuilder& builder) {
    JudgedStep judged;
    JudgeLastStep(builder.Build(), Dialect(), judged);
    return judged.verdict.alternatives[0].pdptes_defined;
  };
  const auto pae = [](Case& c) {
    c.guest.efer = 0x800;
    c.guest.cs_l = false;
  };
  const auto bits32 = [](Case& c) {
    c.guest.efer = 0x800;
    c.guest.cs_l = false;
    c.guest.cr4 = 0;
  };
  EXPECT_FALSE(defined(Walk4().Give(kCr3, 0x1000)));
  EXPECT_TRUE(defined(Walk4().With(pae).Give(kCr3, 0x20)));
  EXPECT_FALSE(defined(Walk4().With(pae).Give(kCr4, 0x2000)));
  EXPECT_TRUE(defined(Walk4().With(bits32).Give(kCr4, 0x2020)));
  // It exits before PAE paging begins.
  EXPECT_FALSE(defined(Walk4().Pte(0).With(bits32).Give(kCr4, 0x2020)));
}

TEST(ReferenceTest, LinearAddressesAreCanonicalInIa32eMode) {
  const auto standing = [](std::uint64_t gla, std::uint64_t cr4,
                           std::uint64_t efer, std::uint8_t size) {
    const auto change = [&](Case& c) {
      c.guest.cr4 = cr4;
      c.guest.efer = efer;
    };
    return StandingOf(
        Walk4().With(change).Linear(AccessKind::kRead, gla).But([&](Step& s) {
          s.access.size = size;
        }));
  };
  constexpr std::uint64_t kPae = 0x20, kLa57 = 0x1020, kLma = 0x500;
  constexpr auto kNo = Standing::kCallerError, kYes = Standing::kJudged;
  EXPECT_EQ(standing(0x7fff'ffff'fffc, kPae, kLma, 4), kYes);
  EXPECT_EQ(standing(0x7fff'ffff'fffc, kPae, kLma, 8), kNo);
  EXPECT_EQ(standing(0x8000'0000'0000, kPae, kLma, 1), kNo);
  EXPECT_EQ(standing(0xffff'8000'0000'0000, kPae, kLma, 1), kYes);
  EXPECT_EQ(standing(0x8000'0000'0000, kLa57, kLma, 1), kYes);
  EXPECT_EQ(standing(0x0100'0000'0000'0000, kLa57, kLma, 1), kNo);
  EXPECT_EQ(standing(0xff00'0000'0000'0000, kLa57, kLma, 1), kYes);
  // Elsewhere there are no more than 32 bits.
  EXPECT_EQ(standing(0xffff'ffff, kPae, 0, 2), kYes);
  EXPECT_EQ(standing(0x1'0000'0000, kPae, 0, 1), kNo);
  EXPECT_EQ(standing(0x8000'0000'0000, 0, kLma, 1), kNo);
}

// GW-16, GW-21: what software makes has 32 bits, the base of a descriptor table
// has 64.
TEST(ReferenceTest, LinearAddressesOfCompatibilityModeHave32Bits) {
  const auto standing = [](std::uint64_t gla, bool implicit) {
    return StandingOf(Guest4()
                          .With([](Case& c) { c.guest.cs_l = false; })
                          .Linear(AccessKind::kRead, gla)
                          .But([&](Step& step) {
                            step.access.implicit_supervisor = implicit;
                          }));
  };
  EXPECT_EQ(standing(0xffff'ffff, false), Standing::kJudged);
  EXPECT_EQ(standing(0x1'0000'0000, false), Standing::kCallerError);
  EXPECT_EQ(standing(0xffff'8000'0000'0000, false), Standing::kCallerError);
  EXPECT_EQ(standing(0xffff'8000'0000'0000, true), Standing::kJudged);
  EXPECT_EQ(standing(0x8000'0000'0000, true), Standing::kCallerError);
}

TEST(ReferenceTest, TracesTheEntriesThatItReads) {
  const JudgedStep judged = Judged(Walk4().Pde(0).Read(0x1234));
  struct Expected {
    std::uint8_t level;
    std::uint64_t address;
    std::uint64_t value;
  };
  const std::vector<Expected> expected = {
      {4, 0x1000, 0x2007}, {3, 0x2000, 0x3007}, {2, 0x3000, 0}};
  ASSERT_EQ(judged.trace.entries.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const EntryRead& read = judged.trace.entries[i];
    EXPECT_EQ(read.structure, Structure::kEpt);
    EXPECT_EQ(read.level, expected[i].level);
    EXPECT_EQ(read.address, Hpa{expected[i].address});
    EXPECT_EQ(read.value, expected[i].value);
  }
  EXPECT_FALSE(judged.trace.reached_leaf);
  EXPECT_TRUE(Judged(Walk4().Read(0x1234)).trace.reached_leaf);
}

TEST(ReferenceTest, NamesTheRuleAndTheLevelThatDecided) {
  const struct {
    CaseBuilder builder;
    RuleAt decided;
  } kCases[] = {
      {Walk4().Eptp(0x111e), {Rule::kEptp5, 0}},
      {Walk4().Read(0x1234), {Rule::kWalk6, 1}},
      {Walk4().Pdpte(0x4000'00b7).Read(0x1234), {Rule::kWalk6, 3}},
      {Walk4().Pde(0).Read(0x1234), {Rule::kVio1, 2}},
      {Walk4().Pdpte(0x4000'10b7).Read(0x1234), {Rule::kCfg8, 3}},
      {Walk4().Pml4e(0x2005).Write(0x1234), {Rule::kVio3, 4}},
      {Walk5().Pml5e(0x1003).Fetch(0x1234), {Rule::kVio4, 5}},
      {Walk4().N(52).Read(0x0001'0000'0000'0000), {Rule::kWalk2, 0}},
      {Walk4().AccessedDirty().Pml(600).Write(0x1234), {Rule::kPml1, 0}},
  };
  for (const auto& [builder, decided] : kCases) {
    const RuleAt given = Judged(builder).verdict.alternatives[0].decided;
    EXPECT_EQ(IdentifierOf(given.rule), IdentifierOf(decided.rule));
    EXPECT_EQ(given.level, decided.level) << IdentifierOf(decided.rule);
  }
}

// A full log that is met ahead of what refuses the access decides for itself
// (29.3.6); the refusal is decided by what refuses.
TEST(ReferenceTest, AFullLogAheadOfAnotherExitIsDecidedByTheLog) {
  const CaseBuilder log_full = Walk4().AccessedDirty().Pml(0xffff);
  const struct {
    CaseBuilder builder;
    std::uint16_t reason;
    RuleAt decided;
  } kCases[] = {
      {CaseBuilder(log_full).Pte(0x9032).Write(0x1234),
       kExitEptMisconfiguration,
       {Rule::kCfg1, 1}},
      {CaseBuilder(log_full).Pte(0x9035).Write(0x1234),
       kExitEptViolation,
       {Rule::kVio3, 1}},
  };
  for (const auto& [builder, reason, decided] : kCases) {
    std::map<std::uint16_t, RuleAt> decided_by;  // by exit reason
    for (const Alternative& alternative :
         Judged(builder).verdict.alternatives) {
      decided_by[alternative.event.exit_reason] = alternative.decided;
    }
    ASSERT_EQ(decided_by.size(), 2u) << IdentifierOf(decided.rule);
    EXPECT_EQ(decided_by[kExitPmlFull].rule, Rule::kPml1);
    EXPECT_EQ(decided_by[reason].rule, decided.rule);
    EXPECT_EQ(decided_by[reason].level, decided.level);
  }
}

// VM entry names every check that fails; any of them may be reported.
TEST(ReferenceTest, EntryListsEveryFailedCheck) {
  const JudgedStep judged = Judged(Walk4().Without(21).Eptp(0x11d9));
  EXPECT_EQ(judged.verdict.alternatives[0].failed_checks,
            1 << static_cast<int>(EntryCheck::kEptp1) |
                1 << static_cast<int>(EntryCheck::kEptp3) |
                1 << static_cast<int>(EntryCheck::kEptp4) |  // one reading
                1 << static_cast<int>(EntryCheck::kEptp5));
}

TEST(ReferenceTest, SaysWhetherAnAlterationChangedAnAnswer) {
  const Dialect dialect = *FindDialect("CFG-8/off");
  EXPECT_FALSE(Judged(Walk4().Read(0x1234), dialect).trace.altered);
  EXPECT_FALSE(
      Judged(Walk4().Pdpte(0x4000'00b7).Read(0x1234), dialect).trace.altered);
  EXPECT_TRUE(
      Judged(Walk4().Pdpte(0x4000'10b7).Read(0x1234), dialect).trace.altered);
}

// A step's own write lands on what it reads.
TEST(ReferenceTest, AliasedStepsAreUndefined) {
  const auto log_at = [](std::uint64_t address) {
    return [=](Case& c) { c.controls.pml_address = address; };
  };
  const CaseBuilder write = Walk4().AccessedDirty().Pml(1).Write(0x1234);
  EXPECT_EQ(StandingOf(CaseBuilder(write).With(log_at(0x4000))),
            Standing::kUndefined);
  EXPECT_EQ(StandingOf(CaseBuilder(write).With(log_at(0x3000))),
            Standing::kJudged)
      << "3008H is not read";
  // One word is both PML4E and PDPTE, and its accessed flag gets set.
  EXPECT_EQ(StandingOf(Walk4().AccessedDirty().Pml4e(0x1007).Read(0x1234)),
            Standing::kUndefined);
  EXPECT_EQ(StandingOf(Walk4().Pml4e(0x1007).Read(0x1234)), Standing::kJudged);
  // The #VE area is the table whose entry is not present.
  EXPECT_EQ(StandingOf(Walk4()
                           .Ve()
                           .With([](Case& c) {
                             c.controls.ve_information_address = 0x4000;
                           })
                           .Pte(0)
                           .Read(0x1234)),
            Standing::kUndefined);
}

// 30.4.6.2: EPT entries, the log, the #VE area and the EPTP list are accessed
// physically; a guest's entry is not, and its page causes the exit.
TEST(ReferenceTest, StructuresInTheApicAccessPageAreUndefined) {
  const CaseBuilder apic_at[] = {
      Walk4().ApicPage(0x1000).Read(0x1234),
      Walk4().ApicPage(0x4000).Pte(0).Read(0x1234),
      Walk4().AccessedDirty().Pml(1).ApicPage(0x8000).Write(0x1234),
      Walk4()
          .SubPage()
          .Pte(std::uint64_t{1} << 61 | 0x9035)
          .ApicPage(0xd000)
          .Write(0x1234),
      Walk4().Ve().Pte(0).ApicPage(0x6000).Read(0x1234),
      Walk4().EptpSwitching().ApicPage(0x7000).Switch(0),
  };
  for (const CaseBuilder& builder : apic_at) {
    EXPECT_EQ(StandingOf(builder), Standing::kUndefined) << &builder - apic_at;
  }
  EXPECT_EQ(StandingOf(Walk4().ApicPage(0x9000).Read(0x1234)),
            Standing::kJudged);
  EXPECT_EQ(StandingOf(Walk4().ApicPage(0x8000).Read(0x1234)),
            Standing::kJudged)
      << "nothing is logged";
  EXPECT_EQ(StandingOf(Guest4().ApicPage(0x21000).Read(kGla)),
            Standing::kJudged);
  EXPECT_EQ(StandingOf(Walk4()
                           .With([](Case& c) {
                             c.controls.apic_access_address = 0x1000;
                           })
                           .Read(0x1234)),
            Standing::kJudged)
      << "the control is 0";
}

}  // namespace
}  // namespace eptdiff
