// `eptdiff check` on the example walkers: what it says of each mistake.
#include <signal.h>

#include <span>
#include <string>

#include "fuzzers/command/check_testing.h"
#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAreArray;

// What is said of each mistake: these rules, and nothing is left unexplained.
void ExpectNamed(const char* target, std::span<const Mistake> mistakes,
                 const std::string& cases = "20000") {
  for (const Mistake& mistake : mistakes) {
    const Checked checked = Check(target, mistake.bug, cases);
    EXPECT_EQ(checked.ran.status, 1) << mistake.bug << checked.ran.err;
    EXPECT_THAT(checked.departures, UnorderedElementsAreArray(mistake.rules))
        << mistake.bug << "\n"
        << checked.ran.out;
    EXPECT_THAT(checked.findings, IsEmpty()) << mistake.bug;
    if (mistake.alteration.empty()) continue;
    EXPECT_THAT(checked.alterations, ElementsAre(mistake.alteration))
        << mistake.bug;
  }
}

TEST(CheckCommandTest, CorrectWalkersAgree) {
  for (const char* target : {EPTDIFF_SIMPLE_WALKER, EPTDIFF_FAULTY_WALKER}) {
    const Checked checked = Check(target, "");
    EXPECT_EQ(checked.ran.status, 0) << checked.ran.out << checked.ran.err;
    EXPECT_THAT(checked.ran.out, AllOf(HasSubstr("agrees with the SDM in all"),
                                       HasSubstr("getting one wrong\n"
                                                 "  would have been noticed"),
                                       HasSubstr("its profile: EPTP-1 to "
                                                 "EPTP-5, CTL-1 to CTL-"),
                                       Not(HasSubstr("wrong:"))));
  }
}

TEST(CheckCommandTest, EachMistakeIsNamedAndNothingElse) {
  const Mistake kMistakes[] = {
      {"1-gbyte-reserved-unchecked", {"CFG-8"}},
      {"2-mbyte-reserved-unchecked", {"CFG-9"}},
      {"2-mbyte-reserved-bits-19-12", {"CFG-9"}},
      {"1-gbyte-reserved-bits-28-12", {"CFG-8"}},
      {"table-reserved-unchecked", {"CFG-6"}},
      {"pml4e-bits-7-3-unchecked", {"CFG-5"}},
      {"beyond-maxphyaddr-unchecked", {"CFG-10"}},
      {"maxphyaddr-off-by-one", {"CFG-10"}},
      {"only-bits-51-48-checked", {"CFG-10"}},
      {"write-only-accepted", {"CFG-1"}},
      {"memory-type-unchecked", {"CFG-11"}},
      {"execute-only-capability-ignored", {"CFG-2", "CFG-3"}},
      {"pte-bit-7-reserved", {"WALK-7"}},
      {"table-bit-8-reserved", {"WALK-7"}},
      {"execute-only-refused", {"CFG-2", "CFG-3"}},
      {"only-uc-and-wb-accepted", {"CFG-11"}},
      {"1-gbyte-capability-ignored", {"CFG-7"}},
      {"present-if-bit-0", {"WALK-3", "WALK-4"}},
      {"flags-at-bits-5-and-6", {"AD-4"}},
      {"qualification-9-with-mbec-only", {"QUAL-9", "QUAL-10", "QUAL-11"}},
      {"ve-for-misconfigurations", {"VE-2"}},
      {"permissions-per-level", {"WALK-8"}},
      {"reserved-before-presence", {"WALK-8"}},
      {"write-permission-of-leaf-only", {"VIO-3"}},
      {"dirty-never-set", {"AD-2"}},
      {"dirty-on-every-access", {"AD-2"}},
      {"accessed-in-leaf-only", {"AD-1"}},
      {"flags-without-eptp-bit-6", {"AD-5"}},
      {"qualification-4-of-leaf-only", {"QUAL-4"}},
      {"qualification-3-kept-if-not-present", {"QUAL-3"}},
      {"qualification-6-for-fetches-only", {"QUAL-6"}},
      {"qualification-8-inverted", {"QUAL-8"}},
      {"qualification-10-inverted", {"QUAL-10"}},
      {"gla-not-truncated", {"INFO-1"}},
      {"gpa-of-page", {"INFO-1"}},
      {"1-gbyte-leaf-walked-through", {"WALK-5"}},
      {"large-page-offset-of-12-bits", {"WALK-6"}},
      {"page-address-of-32-bits", {"WALK-6"}},
      {"table-address-of-32-bits", {"WALK-9"}},
      {"index-one-bit-low", {"WALK-1"}},
      {"user-mode-by-cpl", {"VIO-7"}},
      {"pml-logs-gla", {"PML-2"}},
      {"pml-logs-offset", {"PML-2"}},
      {"pml-index-incremented", {"PML-2"}},
      {"pml-full-for-dirty-only", {"PML-1"}},
      {"pml-full-met-at-the-leaf", {"PML-1"}},
      {"qualification-of-misconfiguration", {"INFO-2"}},
      {"ve-judged-by-any-entry", {"VE-1"}},
      {"ve-judged-by-first-entry", {"VE-1"}},
      {"ve-busy-ignored", {"VE-3"}},
      {"ignore-pat-not-honoured", {"MT-4"}},
      {"memory-type-of-eptp", {"MT-5"}},
      // Two at once.
      {"2-mbyte-reserved-unchecked,pml-logs-gla", {"CFG-9", "PML-2"}},
      {"permissions-per-level,dirty-never-set", {"WALK-8", "AD-2"}},
      {"ve-busy-ignored,gpa-of-page", {"INFO-1", "VE-3"}},
  };
  ExpectNamed(EPTDIFF_FAULTY_WALKER, kMistakes);
}

// An erratum is named with the processors that have it.
TEST(CheckCommandTest, WhatAProcessorDoesIsSaidToBeAsItDoes) {
  const Checked checked = Check(EPTDIFF_FAULTY_WALKER, "iret-not-told");
  EXPECT_EQ(checked.ran.status, 1) << checked.ran.err;
  EXPECT_THAT(checked.departures, ElementsAre("QUAL-12")) << checked.ran.out;
  EXPECT_THAT(
      Unwrapped(checked.ran.out),
      AllOf(HasSubstr(", as Xeon 5500 and others of its time do"),
            HasSubstr("it departs as the dialect silicon-xeon-5500 does")));
  const Checked other = Check(EPTDIFF_FAULTY_WALKER, "pml-logs-gla");
  EXPECT_THAT(Unwrapped(other.ran.out),
              AllOf(Not(HasSubstr(", as ")), Not(HasSubstr("silicon-"))));
}

// A right translation cache is no departure, and of a wrong one it is said what
// it should not have kept.
TEST(CheckCommandTest, ARightCacheAgreesAndEachMistakeOfOneIsNamed) {
  const Checked right = Check(EPTDIFF_CACHING_WALKER, "");
  EXPECT_EQ(right.ran.status, 0) << right.ran.out << right.ran.err;
  EXPECT_THAT(right.ran.out, HasSubstr("agrees with the SDM in all"));
  const Mistake kMistakes[] = {
      {"invept-single-ends-nothing",
       {"CACHE-6"},
       "CACHE-6/single-ends-nothing"},
      {"invept-all-ends-nothing", {"CACHE-6"}, "CACHE-6/all-ends-nothing"},
      {"invept-compares-the-whole-eptp",
       {"CACHE-6"},
       "CACHE-6/whole-eptp-compared"},
      {"invept-leaves-upper-levels", {"CACHE-6", "CACHE-6"}},
      {"eptp-not-compared", {"CACHE-1"}, "CACHE-1/eptrta-ignored"},
      {"refusal-remembered", {"CACHE-5", "CACHE-10"}},
      {"absent-entry-remembered", {"CACHE-2", "CACHE-5"}},
      {"dirty-flag-outlives-invept", {"CACHE-6", "CACHE-6"}},
      {"dirty-flag-not-set-on-a-hit", {"CACHE-10"}},
      {"invept-accepts-any-type", {"CACHE-13"}, "CACHE-13/type-off"},
  };
  ExpectNamed(EPTDIFF_CACHING_WALKER, kMistakes);
}

TEST(CheckCommandTest, AFindingSaysWhatWasUsedTooLong) {
  const Checked checked =
      Check(EPTDIFF_CACHING_WALKER, "invept-single-ends-nothing");
  EXPECT_THAT(Unwrapped(checked.ran.out),
              AllOf(HasSubstr("it uses the "), HasSubstr("as it was before"),
                    HasSubstr("(CACHE-6) ended that")));
}

// A cache of linear addresses. The corpus shows each of its mistakes; few cases
// besides see to it that nothing else is said.
constexpr const char* kMmuCases = "4000";

TEST(CheckCommandTest, ARightMmuAgrees) {
  const Checked right = Check(EPTDIFF_CACHING_MMU, "");
  EXPECT_EQ(right.ran.status, 0) << right.ran.out << right.ran.err;
  EXPECT_THAT(right.ran.out, HasSubstr("agrees with the SDM in all"));
}

TEST(CheckCommandTest, WhatAnMmuKeepsWronglyIsNamed) {
  const Mistake kMistakes[] = {
      {"vpid-ignored", {"CACHE-1"}, "CACHE-1/vpid-ignored"},
      {"pcid-ignored", {"CACHE-1"}, "CACHE-1/pcid-ignored"},
      {"eptrta-ignored", {"CACHE-1"}, "CACHE-1/eptrta-ignored"},
      // What a walk remembers that went by what was kept itself, the page fault
      // at its end has ended: that is no part of CACHE-2, and told apart.
      {"guest-not-present-remembered", {"CACHE-2", "CACHE-3"}},
      {"kept-without-accessed-flag", {"CACHE-2", "GW-12"}},
      {"dirty-flag-not-set-on-a-hit", {"CACHE-10"}},
      {"violation-ends-nothing", {"CACHE-5"}, "CACHE-5/gla-not-ended"},
      {"vm-entry-without-vpid-ends-nothing",
       {"CACHE-11"},
       "CACHE-11/transition-ends-nothing"},
      {"page-fault-ends-nothing", {"CACHE-12"}, "CACHE-12/ends-nothing"},
      {"page-fault-leaves-upper-levels",
       {"CACHE-12"},
       "CACHE-12/leaves-upper-levels"},
      {"page-fault-leaves-globals", {"CACHE-12"}, "CACHE-12/leaves-globals"},
  };
  ExpectNamed(EPTDIFF_CACHING_MMU, kMistakes, kMmuCases);
}

TEST(CheckCommandTest, WhatSoftwareCannotEndInAnMmuIsNamed) {
  const Mistake kMistakes[] = {
      {"invept-leaves-combined-mappings", {"CACHE-6", "CACHE-6"}},
      {"invvpid-address-ends-nothing",
       {"CACHE-7"},
       "CACHE-7/address-ends-nothing"},
      {"invvpid-ends-one-part-of-a-large-page",
       {"CACHE-7"},
       "CACHE-7/one-part-of-a-large-page"},
      {"invvpid-address-leaves-upper-levels",
       {"CACHE-7"},
       "CACHE-7/address-leaves-upper-levels"},
      {"invvpid-single-ends-nothing",
       {"CACHE-7"},
       "CACHE-7/single-ends-nothing"},
      {"invvpid-single-leaves-globals",
       {"CACHE-7"},
       "CACHE-7/single-leaves-globals"},
      {"invvpid-all-ends-the-current-vpid-alone",
       {"CACHE-7"},
       "CACHE-7/all-ends-the-current-vpid"},
      {"invvpid-retaining-ends-nothing",
       {"CACHE-7"},
       "CACHE-7/retaining-ends-nothing"},
      {"invvpid-retaining-leaves-upper-levels",
       {"CACHE-7"},
       "CACHE-7/retaining-leaves-upper-levels"},
      {"invvpid-accepts-vpid-0", {"CACHE-13"}, "CACHE-13/vpid-off"},
  };
  ExpectNamed(EPTDIFF_CACHING_MMU, kMistakes, kMmuCases);
}

TEST(CheckCommandTest, WhatAGuestCannotEndInAnMmuIsNamed) {
  const Mistake kMistakes[] = {
      {"invlpg-ends-nothing", {"CACHE-8"}, "CACHE-8/invlpg-ends-nothing"},
      {"invlpg-ends-one-part-of-a-large-page",
       {"CACHE-8"},
       "CACHE-8/invlpg-one-part-of-a-large-page"},
      {"invlpg-leaves-upper-levels",
       {"CACHE-8"},
       "CACHE-8/invlpg-leaves-upper-levels"},
      {"invlpg-ends-upper-levels-of-its-address",
       {"CACHE-8"},
       "CACHE-8/invlpg-upper-levels-of-the-address"},
      {"invlpg-leaves-globals", {"CACHE-8"}, "CACHE-8/invlpg-leaves-globals"},
      {"invlpg-leaves-dirty-pages",
       {"CACHE-8"},
       "CACHE-8/invlpg-leaves-dirty-pages"},
      {"invlpg-ends-pcid-0", {"CACHE-8"}, "CACHE-8/invlpg-ends-pcid-0"},
      {"invpcid-ends-nothing", {"CACHE-8"}, "CACHE-8/invpcid-ends-nothing"},
      {"invpcid-ends-the-current-pcid",
       {"CACHE-8"},
       "CACHE-8/invpcid-ends-the-current-pcid"},
      {"invpcid-all-leaves-globals",
       {"CACHE-8"},
       "CACHE-8/invpcid-leaves-globals"},
      {"invpcid-ends-one-part-of-a-large-page",
       {"CACHE-8"},
       "CACHE-8/invpcid-one-part-of-a-large-page"},
      {"mov-cr3-ends-nothing", {"CACHE-8"}, "CACHE-8/mov-cr3-ends-nothing"},
      {"mov-cr3-ends-the-old-pcid",
       {"CACHE-8"},
       "CACHE-8/mov-cr3-ends-the-old-pcid"},
      {"mov-cr3-leaves-upper-levels",
       {"CACHE-8"},
       "CACHE-8/mov-cr3-leaves-upper-levels"},
      {"mov-cr3-never-ends-with-pcids",
       {"CACHE-8"},
       "CACHE-8/mov-cr3-ends-nothing-with-pcids"},
      {"mov-cr4-ends-nothing", {"CACHE-8"}, "CACHE-8/mov-cr-ends-nothing"},
      {"mov-cr4-leaves-globals", {"CACHE-8"}, "CACHE-8/mov-cr-leaves-globals"},
  };
  ExpectNamed(EPTDIFF_CACHING_MMU, kMistakes, kMmuCases);
}

// It would be right if its profile said that it keeps them, too.
TEST(CheckCommandTest, WhatAnMmuKeepsBesideWhatItDeclaresIsNamed) {
  const Checked checked =
      Check(EPTDIFF_CACHING_MMU, "guest-physical-mappings-undeclared", "20000");
  EXPECT_EQ(checked.ran.status, 1) << checked.ran.err;
  EXPECT_THAT(checked.departures, ElementsAre("CACHE-3")) << checked.ran.out;
  EXPECT_THAT(checked.findings, IsEmpty());
  EXPECT_THAT(Unwrapped(checked.ran.out),
              AllOf(HasSubstr("guest-physical mappings are kept if, and only "
                              "if, its profile does not declare that"),
                    HasSubstr("its profile does not declare that it keeps "
                              "such (CACHE-3)")));
}

// It judges nothing, and is not judged by what it leaves to hardware.
TEST(CheckCommandTest, ALookUpThatTranslatesOnlyAgrees) {
  const Checked right = Check(EPTDIFF_LOOK_UP, "", "100000");
  EXPECT_EQ(right.ran.status, 0) << right.ran.out << right.ran.err;
  EXPECT_THAT(Unwrapped(right.ran.out),
              AllOf(HasSubstr("agrees with the SDM in all"),
                    HasSubstr("declared: it leaves to hardware rights of EPT "
                              "entries, reserved bits of EPT entries, other "
                              "misconfigurations"),
                    Not(HasSubstr("would have refused 0 steps"))));
}

TEST(CheckCommandTest, WhatALookUpTranslatesWronglyIsNamed) {
  const Mistake kMistakes[] = {
      {"present-if-bit-0", {"WALK-3"}},
      {"1-gbyte-pages-are-tables", {"WALK-5", "GW-4"}},
      {"pat-is-an-address-bit", {"GW-1"}},
  };
  ExpectNamed(EPTDIFF_LOOK_UP, kMistakes);
}

// Which bits it takes for the address is learned, in each dimension, and what
// is learned alike in both is one mistake.
TEST(CheckCommandTest, AddressesOfALookUpThatAreCutAreFound) {
  const struct {
    const char* bug;
    std::string bits;
  } kBugs[] = {{"addresses-of-45-bits", "takes bits 51:45 of "},
               {"addresses-of-40-bits", "takes bits 51:40 of "}};
  for (const auto& [bug, bits] : kBugs) {
    const Checked checked = Check(EPTDIFF_LOOK_UP, bug);
    EXPECT_EQ(checked.ran.status, 1) << checked.ran.err;
    EXPECT_THAT(
        Unwrapped(checked.ran.out),
        HasSubstr(bits + "a paging-structure entry for 0, in EPT and in the "
                         "guest's paging alike"));
    EXPECT_EQ(checked.findings.size(), 1u) << checked.ran.out;
  }
}

// No list has it: what is known of it by experiment stays known, whatever is
// found besides.
TEST(CheckCommandTest, APresenceThatIsTwoMistakesIsToldAsTwo) {
  for (const char* seed : {"1", "2", "4"}) {
    const Ran ran = RunEptdiff(
        {"check", EPTDIFF_FAULTY_WALKER, "--cases", "60000", "--seed", seed},
        {"EPTDIFF_EXAMPLE_BUG=present-if-bit-0-or-11-without-10"});
    EXPECT_EQ(ran.status, 1) << ran.err;
    EXPECT_THAT(
        Unwrapped(ran.out),
        AllOf(HasSubstr("for present not by bits 10 and 2:1: "),
              HasSubstr("for present by bit 11 and not by bits 2:1, if and "
                        "only if its bit 10 (user execute) is 0: "),
              HasSubstr(" 2. "), Not(HasSubstr(" 3. "))))
        << "seed " << seed;
  }
}

TEST(CheckCommandTest, WhatIsAllowedOfAWalkerIsToldAndHidesNothingElse) {
  const auto check = [](const char* bug, const char* allow) {
    return RunEptdiff(
        {"check", EPTDIFF_FAULTY_WALKER, "--cases", "20000", "--allow", allow},
        {std::string("EPTDIFF_EXAMPLE_BUG=") + bug});
  };
  for (const char* allow : {"CFG-9", "CFG-9/off"}) {
    const Ran allowed = check("2-mbyte-reserved-unchecked", allow);
    EXPECT_EQ(allowed.status, 0) << allowed.out << allowed.err;
    EXPECT_THAT(Unwrapped(allowed.out),
                AllOf(HasSubstr("agrees with the SDM but for what is allowed"),
                      HasSubstr("allowed (CFG-9 (SDM table 29-5"),
                      HasSubstr("and no finding: CFG-9 is not checked"),
                      Not(HasSubstr("seen in 0 cases"))));
  }
  // Another way to get the same rule wrong, and another rule.
  const Ran other_way = check("2-mbyte-reserved-bits-19-12", "CFG-9/off");
  EXPECT_EQ(other_way.status, 1) << other_way.out;
  const Ran both = check("2-mbyte-reserved-unchecked,pml-logs-gla", "CFG-9");
  EXPECT_EQ(both.status, 1);
  EXPECT_THAT(both.out, AllOf(HasSubstr("1. PML-2"), Not(HasSubstr("2. "))));
  // What no rule is: its case breaks WALK-6 first, and that is not allowed by.
  const Ran unlisted =
      check("present-if-bit-0-or-11-without-10", "WALK-6,VIO-1");
  EXPECT_EQ(unlisted.status, 1) << unlisted.out;
  EXPECT_THAT(Unwrapped(unlisted.out), HasSubstr("for present not by bits"));
  const Ran varies = check("answers-vary", "varies");
  EXPECT_EQ(varies.status, 0) << varies.out;
  EXPECT_THAT(varies.out, HasSubstr("allowed (varies)"));
}

TEST(CheckCommandTest, WhatDoesNotAnswerCannotBeAllowed) {
  for (const char* name : {"crash-SIGABRT", "protocol-event", "CFG-99"}) {
    const Ran ran =
        RunEptdiff({"check", EPTDIFF_FAULTY_WALKER, "--allow", name});
    EXPECT_EQ(ran.status, 2) << name;
    EXPECT_THAT(ran.err, HasSubstr("--allow takes rules, such as CFG-9"));
  }
}

// Another processor has set the accessed flag: the dirty flag is still due.
TEST(CheckCommandTest, AFailedExchangeThatIsIgnoredIsFound) {
  const Checked checked =
      Check(EPTDIFF_FAULTY_WALKER, "failed-exchange-ignored");
  EXPECT_EQ(checked.ran.status, 1) << checked.ran.err;
  EXPECT_THAT(Unwrapped(checked.ran.out),
              HasSubstr("after a compare-exchange of its that failed"));
}

// Two explanations that hardly any case tells apart; either will do.
TEST(CheckCommandTest, AMistakeMayBeExplainedByOneRuleOrByTwo) {
  const Checked checked = Check(EPTDIFF_FAULTY_WALKER, "present-if-not-zero");
  EXPECT_THAT(checked.departures,
              AnyOf(ElementsAre("VIO-1"), ElementsAre("WALK-3", "WALK-4")));
  EXPECT_THAT(checked.findings, IsEmpty());
}

// No alteration explains it, and it shows under every rule that makes a
// misconfiguration, at every level: experiments make one finding of it.
TEST(CheckCommandTest, WhatNoListHasIsOneFindingThatNamesTheBit) {
  const Checked checked =
      Check(EPTDIFF_FAULTY_WALKER, "qualification-20-of-misconfiguration");
  EXPECT_EQ(checked.ran.status, 1) << checked.ran.err;
  EXPECT_EQ(checked.findings.size(), 1u);
  EXPECT_THAT(checked.departures, IsEmpty());
  const std::string text = Joined(checked.ran.out);
  EXPECT_THAT(text, HasSubstr("gives bit 20 of the exit qualification as 1"));
  EXPECT_THAT(text, HasSubstr("tried: it departs so in"));
  EXPECT_THAT(text, HasSubstr("experiments asked"));
  EXPECT_THAT(checked.ran.out, Not(HasSubstr("  2. ")));
}

// None is an alteration, and each is headed by what was changed.
TEST(CheckCommandTest, ThreeMistakesThatNoListHasAreToldAsThree) {
  const Checked checked = Check(EPTDIFF_FAULTY_WALKER,
                                "fetches-by-bit-52-too,wp-told-as-wt,"
                                "qualification-20-of-misconfiguration");
  EXPECT_EQ(checked.ran.status, 1) << checked.ran.err;
  EXPECT_THAT(checked.departures, IsEmpty());
  EXPECT_EQ(checked.findings.size(), 3u) << checked.ran.out;
  EXPECT_THAT(
      Joined(checked.ran.out),
      AllOf(HasSubstr("1. reaches-ept-fetch: takes an EPT paging-structure "
                      "entry for one that allows fetches, and tells so, by "
                      "bit 52: "),
            HasSubstr("2. memory-type: gives the memory type as WT where the "
                      "SDM has WP: "),
            HasSubstr("3. tells-wrong-qualification20: gives bit 20 of the "
                      "exit qualification as 1")));
}

// What a rule is altered to is known, and that it is so somewhere alone is
// found out.
TEST(CheckCommandTest, AKnownMistakeThatIsMadeSomewhereAloneIsNamedSo) {
  const struct {
    const char* bug;
    const char* told;
  } kBugs[] = {
      {"gpa-of-page-for-writes",
       "the reported guest-physical address is that of the page: bits 11:0 "
       "are clear, if and only if the access is a write: "},
      {"write-only-pml4e-accepted",
       "write without read is a misconfiguration in leaves alone, if and only "
       "if the last entry is a PML4E: "},
  };
  for (const auto& [bug, told] : kBugs) {
    const Checked checked = Check(EPTDIFF_FAULTY_WALKER, bug);
    EXPECT_EQ(checked.ran.status, 1) << checked.ran.err;
    EXPECT_EQ(checked.departures.size() + checked.findings.size(), 1u)
        << checked.ran.out;
    EXPECT_THAT(Joined(checked.ran.out), HasSubstr(told));
  }
}

// The second shows only beside the first, which shows in most cases.
TEST(CheckCommandTest, WhatIsFoundOutHidesNothingElse) {
  const Checked checked =
      Check(EPTDIFF_FAULTY_WALKER,
            "qualification-20-of-misconfiguration,pml-logs-gla");
  EXPECT_EQ(checked.findings.size(), 2u) << checked.ran.out;
  EXPECT_THAT(Joined(checked.ran.out),
              HasSubstr("31.3.6): the guest-linear address is logged"));
}

// Two of them are known, and none has to do with another.
TEST(CheckCommandTest, ThreeMistakesAtOnceAreToldAsThree) {
  const Checked checked =
      Check(EPTDIFF_FAULTY_WALKER,
            "qualification-20-of-misconfiguration,pml-logs-gla,"
            "2-mbyte-reserved-unchecked");
  EXPECT_EQ(checked.departures.size() + checked.findings.size(), 3u)
      << checked.ran.out;
  EXPECT_THAT(Joined(checked.ran.out),
              AllOf(HasSubstr("1. CFG-9 "),
                    HasSubstr("2. tells-wrong-qualification20: gives bit 20"),
                    HasSubstr("3. PML-2 ")));
}

TEST(CheckCommandTest, MisbehaviourIsReportedAsWhatItIs) {
  const Mistake kMisbehaviours[] = {
      {"crash-once-in-a-while", {"crash-SIGABRT"}},
      {"endless-loads", {"hang-loads"}},
      {"hang", {"hang-time"}},
      {"stray-store", {"stray-store"}},
      {"load-beyond-maxphyaddr", {"memory-beyond-MAXPHYADDR"}},
      {"answers-vary", {"varies"}},
      {"event-99", {"protocol-event"}},
      // It does not hide what is wrong besides.
      {"crash-once-in-a-while,pml-logs-gla", {"crash-SIGABRT"}},
  };
  for (const Mistake& misbehaviour : kMisbehaviours) {
    // One case in ten thousand and more crashes: which ones come first depends
    // on the corpus.
    const bool rare = misbehaviour.bug.starts_with("crash");
    const Checked checked = Check(EPTDIFF_FAULTY_WALKER, misbehaviour.bug,
                                  rare ? "120000" : "20000");
    EXPECT_EQ(checked.ran.status, 1) << misbehaviour.bug << checked.ran.err;
    EXPECT_THAT(checked.findings, ElementsAreArray(misbehaviour.rules))
        << misbehaviour.bug << "\n"
        << checked.ran.out;
    const bool both = misbehaviour.bug.find(',') != std::string::npos;
    EXPECT_EQ(checked.departures.size(), both ? 1u : 0u) << misbehaviour.bug;
  }
}

// Where in a million cases it comes is chance, the same each time.
TEST(CheckCommandTest, ACrashOnOneInputInAMillionIsFound) {
  for (const char* seed : {"2", "1", "3", "4", "5", "6", "7", "8"}) {
    const Ran ran = RunEptdiff(
        {"check", EPTDIFF_FAULTY_WALKER, "--cases", "1000000", "--seed", seed},
        {"EPTDIFF_EXAMPLE_BUG=crash-once-in-a-million"});
    if (ran.status == 0) continue;
    EXPECT_EQ(ran.status, 1) << ran.err;
    EXPECT_THAT(ran.out, AllOf(HasSubstr("1. crash-SIGABRT: it crashes"),
                               HasSubstr("step: 1, "), Not(HasSubstr(" 2. "))));
    return;
  }
  FAIL() << "not found in eight million cases";
}

TEST(CheckCommandTest, WhatATargetLeavesOutIsNotHeldAgainstIt) {
  const Mistake kKnown[] = {
      {"qualification-10-inverted,leaves-out-qualification-10", {}},
      {"gpa-of-page,leaves-out-gpa-offset", {}},
      {"qualification-8-inverted,leaves-out-qualification-10", {"QUAL-8"}},
      {"pml-logs-gla,leaves-out-gpa-offset", {"PML-2"}},
  };
  for (const Mistake& known : kKnown) {
    const Checked checked = Check(EPTDIFF_FAULTY_WALKER, known.bug);
    EXPECT_EQ(checked.departures, known.rules) << checked.ran.out;
    EXPECT_THAT(checked.findings, IsEmpty()) << known.bug;
  }
}

}  // namespace
}  // namespace eptdiff
