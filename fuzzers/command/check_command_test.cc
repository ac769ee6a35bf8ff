// `eptdiff check` on the examples: what it says of each mistake.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAreArray;

// The values of "rule" in the list of this name of a report.
std::vector<std::string> RulesIn(const std::string& json,
                                 const std::string& list) {
  std::vector<std::string> rules;
  std::istringstream lines(json);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  \"")) inside = line.starts_with("  \"" + list);
    const std::string key = "      \"rule\": \"";
    if (!inside || !line.starts_with(key)) continue;
    rules.push_back(line.substr(key.size(), line.rfind('"') - key.size()));
  }
  return rules;
}

struct Checked {
  Ran ran;
  std::vector<std::string> departures;
  std::vector<std::string> findings;
};

Checked Check(const std::string& target, const std::string& bug,
              const std::string& cases = "20000") {
  const TestDirectory directory;
  Checked checked;
  checked.ran = RunEptdiff({"check", target, "--cases", cases, "--limit", "300",
                            "--json", directory.Path("report.json")},
                           {"EPTDIFF_EXAMPLE_BUG=" + bug});
  const std::string json = ContentOf(directory.Path("report.json"));
  checked.departures = RulesIn(json, "departures");
  checked.findings = RulesIn(json, "findings");
  // What the diagnosis could not explain is told.
  if (checked.ran.out.find("of what is unexplained") != std::string::npos) {
    EXPECT_THAT(checked.findings, Contains("unexplained")) << bug;
  }
  return checked;
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

// Wrapped lines as one, with single blanks.
std::string Joined(const std::string& text) {
  std::string joined;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank) joined += c;
    if (blank && !joined.empty() && joined.back() != ' ') joined += ' ';
  }
  return joined;
}

// Neither "agrees" nor "differs" may be taken from a check that did not end.
TEST(CheckCommandTest, CheckThatASignalEndedIsExitStatusFour) {
  const TestDirectory directory;
  const std::string target =
      directory.File("target", "#!/bin/sh\nkill -INT $PPID\nexec \"$1\"\n");
  chmod(target.c_str(), 0755);
  const Ran ran =
      RunEptdiff({"check", "--seconds", "600", target, EPTDIFF_PIPE_WALKER});
  EXPECT_EQ(ran.status, 4) << ran.out << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("ended early, by SIGINT, after 0 seconds"));
}

// As `timeout`, systemd and cancelled CI jobs send it: what the target would do
// about it is no finding.
TEST(CheckCommandTest, SignalToTheWholeGroupIsNoCrash) {
  const TestDirectory directory;
  for (const char* target : {EPTDIFF_SIMPLE_WALKER, EPTDIFF_PIPE_WALKER}) {
    const pid_t check =
        StartEptdiff({"check", target, "--seconds", "600"}, directory.path());
    const std::string number = std::to_string(check);
    const std::string children_file =
        "/proc/" + number + "/task/" + number + "/children";
    pid_t child = 0;
    for (int i = 0; i < 1000 && child == 0; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      child = std::atoi(ContentOf(children_file).c_str());
    }
    ASSERT_GT(child, 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    kill(child, SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    kill(check, SIGTERM);
    EXPECT_EQ(Wait(check), 4) << target;
  }
}

// The first case that `check` writes for this mistake, as a path in
// `directory`.
std::string FirstCaseOf(const std::string& target, const std::string& bug,
                        const TestDirectory& directory) {
  const Ran ran = RunEptdiff({"check", target, "--cases", "2000", "--limit",
                              "300", "--out", directory.path()},
                             {"EPTDIFF_EXAMPLE_BUG=" + bug});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out, HasSubstr("explain --target " + target + " " +
                                 directory.path() + "/CASE\n"));
  for (const auto& entry :
       std::filesystem::directory_iterator(directory.path())) {
    return entry.path();
  }
  return "no case";
}

struct Replayed {
  std::string target;
  std::string bug;
  std::string says;
};

// With the mistake it is seen again; once that is mended, all is well.
TEST(CheckCommandTest, CaseIsPutToTheTargetOnceMore) {
  const Replayed kReplayed[] = {
      {EPTDIFF_FAULTY_WALKER, "2-mbyte-reserved-unchecked", "CFG-9 at the PDE"},
      {EPTDIFF_FAULTY_WALKER, "stray-store", "no answer: it stores"},
      {EPTDIFF_ENGINE_BUILDER, "invept-missing-for-write", "no INVEPT follows"},
  };
  for (const auto& [target, bug, says] : kReplayed) {
    const TestDirectory directory;
    const std::string file = FirstCaseOf(target, bug, directory);
    for (const auto& [subcommand, status] :
         {std::pair("run", 1), std::pair("explain", 0)}) {
      const Ran wrong = RunEptdiff({subcommand, "--target", target, file},
                                   {"EPTDIFF_EXAMPLE_BUG=" + bug});
      EXPECT_EQ(wrong.status, status) << bug << wrong.err;
      EXPECT_THAT(wrong.out, AllOf(HasSubstr("DISAGREES"), HasSubstr(says)));
    }
    const Ran right = RunEptdiff({"run", "--target", target, file});
    EXPECT_EQ(right.status, 0) << right.out << right.err;
  }
}

// Before the time is spent.
TEST(CheckCommandTest, WhereNothingCanBeWrittenNothingIsAsked) {
  const TestDirectory directory;
  for (const char* option : {"--json", "--junit", "--sarif", "--out"}) {
    const std::string place = directory.File("file", "") + "/below/a/file";
    const Ran ran = RunEptdiff(
        {"check", EPTDIFF_SIMPLE_WALKER, "--seconds", "600", option, place});
    EXPECT_EQ(ran.status, 4) << option;
    EXPECT_THAT(ran.err, AllOf(HasSubstr("cannot write " + place),
                               Not(HasSubstr("cases"))));
  }
}

TEST(CheckCommandTest, WhatIsNoTargetCannotBeAskedAgain) {
  const TestDirectory directory;
  const std::string file = directory.File("case.textproto", "step {}");
  for (const auto& [target, says] :
       {std::pair(directory.Path("none.so"), "none.so"),
        std::pair(file, "neither a shared object"),
        std::pair(std::string(EPTDIFF_UNFIT_NO_ANSWER),
                  "does not define eptdiff_target_answer")}) {
    const Ran ran = RunEptdiff({"run", "--target", target, file});
    EXPECT_EQ(ran.status, 2);
    EXPECT_THAT(ran.err, HasSubstr(says));
  }
}

struct Mistake {
  std::string bug;
  std::vector<std::string> rules;
};

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
  for (const Mistake& mistake : kMistakes) {
    const Checked checked = Check(EPTDIFF_FAULTY_WALKER, mistake.bug);
    EXPECT_EQ(checked.ran.status, 1) << mistake.bug << checked.ran.err;
    EXPECT_THAT(checked.departures, UnorderedElementsAreArray(mistake.rules))
        << mistake.bug << "\n"
        << checked.ran.out;
    EXPECT_THAT(checked.findings, IsEmpty()) << mistake.bug;
  }
}

// Two explanations that hardly any case tells apart; either will do.
TEST(CheckCommandTest, AMistakeMayBeExplainedByOneRuleOrByTwo) {
  const Checked checked = Check(EPTDIFF_FAULTY_WALKER, "present-if-not-zero");
  EXPECT_THAT(checked.departures,
              AnyOf(ElementsAre("VIO-1"), ElementsAre("WALK-3", "WALK-4")));
  EXPECT_THAT(checked.findings, IsEmpty());
}

// No alteration explains it, and it shows under every rule that makes a
// misconfiguration, at every level.
TEST(CheckCommandTest, WhatIsAlikeIsToldOnce) {
  const Checked checked =
      Check(EPTDIFF_FAULTY_WALKER, "qualification-20-of-misconfiguration");
  EXPECT_EQ(checked.ran.status, 1) << checked.ran.err;
  EXPECT_GT(checked.findings.size(), 10u);
  EXPECT_THAT(checked.findings, Each("unexplained"));
  EXPECT_THAT(checked.ran.out, HasSubstr("alike:"));
  EXPECT_THAT(checked.ran.out, Not(HasSubstr("  2. ")));
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

TEST(CheckCommandTest, AnObjectThatWalksAndBuildsIsCheckedAsBoth) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"check", EPTDIFF_WALKER_AND_BUILDER, "--cases",
                              "2000", "--json", directory.Path("report.json"),
                              "--junit", directory.Path("report.xml"),
                              "--sarif", directory.Path("report.sarif")});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("agrees with the SDM in all"),
                             HasSubstr("builds tables: ")));
  EXPECT_THAT(ContentOf(directory.Path("report.json")),
              HasSubstr("\n  \"builder\": {\n"));
  const std::string xml = ContentOf(directory.Path("report.xml"));
  EXPECT_NE(xml.find("<testsuite "), xml.rfind("<testsuite "));
  const std::string sarif = ContentOf(directory.Path("report.sarif"));
  EXPECT_NE(sarif.find("\"driver\""), sarif.rfind("\"driver\""));
  EXPECT_THAT(sarif, AllOf(ContainsRegex("\"id\": \"eptdiff/.*/walker/\""),
                           ContainsRegex("\"id\": \"eptdiff/.*/builder/\"")));
}

TEST(CheckCommandTest, AProgramAnswersOverAPipe) {
  struct Piped {
    std::string bug;
    std::vector<std::string> departures;
    std::vector<std::string> findings;
  };
  const Piped kPiped[] = {
      {"", {}, {}},
      {"write-only-accepted", {"CFG-1"}, {}},
      {"die", {}, {"crash-exit5"}},
      {"sleep", {}, {"hang-time"}},
      {"babble", {}, {"protocol-syntax"}},
  };
  for (const Piped& piped : kPiped) {
    const Checked checked = Check(EPTDIFF_PIPE_WALKER, piped.bug, "2000");
    EXPECT_EQ(checked.ran.status, piped.bug.empty() ? 0 : 1)
        << piped.bug << checked.ran.out << checked.ran.err;
    EXPECT_EQ(checked.departures, piped.departures) << piped.bug;
    EXPECT_EQ(checked.findings, piped.findings) << piped.bug;
  }
}

TEST(CheckCommandTest, CorrectBuildersAgree) {
  for (const char* target : {EPTDIFF_ENGINE_BUILDER, EPTDIFF_SIMPLE_BUILDER}) {
    const Checked checked = Check(target, "", "3000");
    EXPECT_EQ(checked.ran.status, 0) << checked.ran.out << checked.ran.err;
    EXPECT_THAT(checked.ran.out, HasSubstr("builds what it was asked for"));
  }
}

struct BuilderMistake {
  std::string bug;
  std::vector<std::string> rules;
  std::vector<std::string> words;
};

TEST(CheckCommandTest, EachMistakeOfABuilderIsNamedAndNothingElse) {
  const BuilderMistake kMistakes[] = {
      {"split-drops-permission",
       {"page-bits"},
       {"pages lose write permission, where a large page is split"}},
      {"address-of-32-bits",
       {"page-bits"},
       {"pages lose bits 51:32 of their address"}},
      {"dirty-lost", {"page-bits"}, {"the dirty flag (bit 9)"}},
      {"overlap-accepted",
       {"done-not-refused"},
       {"has to be refused (already mapped), in operations on regions"}},
      {"unmap-forgets-last-page",
       {"not-done"},
       {"pages stay as they were", "at the end of the region"}},
      {"list-skips-last", {"listing"}, {"the list of what is mapped"}},
      {"invept-missing-for-write",
       {"invept-missing"},
       {"after the removal of write permission alone"}},
      {"invept-never", {"invept-missing"}, {"after changes that need it"}},
      {"invept-other-eptp", {"invept-eptp"}, {"names another EPTP"}},
      {"needless-invept", {"invept-needless"}, {"where no change needs it"}},
      {"freed-before-invept", {"freed-early"}, {"freed first, and INVEPT"}},
      {"removed-without-flags",
       {"removed-without-flags"},
       {"shown as removed without accessed or dirty flags"}},
      {"frames-leak", {"leak"}, {"is linked no more is not freed"}},
      {"root-freed-twice", {"freed-twice"}, {"freed that is not in use"}},
      {"wild-store", {"foreign-store"}, {"to a frame that is not allocated"}},
      // Two at once.
      {"split-drops-permission,address-of-32-bits",
       {"page-bits", "page-bits"},
       {"pages lose write permission, where a large page is split",
        "pages lose bits 51:32 of their address"}},
      {"invept-missing-for-write,unmap-forgets-last-page",
       {"not-done", "invept-missing"},
       {"at the end of the region", "removal of write permission alone"}},
      {"frames-leak,dirty-lost",
       {"page-bits", "leak"},
       {"the dirty flag (bit 9)", "is linked no more is not freed"}},
      {"overlap-accepted,root-freed-twice",
       {"done-not-refused", "freed-twice"},
       {"(already mapped)", "freed that is not in use"}},
  };
  for (const BuilderMistake& mistake : kMistakes) {
    const Checked checked = Check(EPTDIFF_ENGINE_BUILDER, mistake.bug, "2500");
    EXPECT_EQ(checked.ran.status, 1) << mistake.bug << checked.ran.err;
    EXPECT_THAT(checked.findings, ElementsAreArray(mistake.rules))
        << mistake.bug << "\n"
        << checked.ran.out;
    const std::string text = Joined(checked.ran.out);
    for (const std::string& words : mistake.words) {
      EXPECT_THAT(text, HasSubstr(words)) << mistake.bug;
    }
  }
}

// Tables are linked before they are cleared: once the operation is over there
// is nothing to be seen of it.
TEST(CheckCommandTest, EachStoreThroughAPointerIsSeen) {
  const Checked right = Check(EPTDIFF_POINTER_BUILDER, "", "3000");
  EXPECT_EQ(right.ran.status, 0) << right.ran.out << right.ran.err;
  const Checked wrong =
      Check(EPTDIFF_POINTER_BUILDER, "link-before-clear", "400");
  EXPECT_EQ(wrong.ran.status, 1) << wrong.ran.out << wrong.ran.err;
  EXPECT_THAT(wrong.ran.out, HasSubstr("step: 1, map the page"));
}

// A table that is linked before it is cleared is no mistake then; a missing
// INVEPT is.
TEST(CheckCommandTest, WhileTheGuestIsStoppedOnlyTheEndCounts) {
  const Checked right =
      Check(EPTDIFF_POINTER_BUILDER, "link-before-clear,guest-stopped", "3000");
  EXPECT_EQ(right.ran.status, 0) << right.ran.out << right.ran.err;
  EXPECT_THAT(right.ran.out, HasSubstr("declared: the guest is stopped"));
  const Checked wrong =
      Check(EPTDIFF_POINTER_BUILDER, "no-invept,guest-stopped", "400");
  EXPECT_EQ(wrong.ran.status, 1) << wrong.ran.out << wrong.ran.err;
  EXPECT_THAT(wrong.findings, ElementsAre("invept-missing"));
}

TEST(CheckCommandTest, AnyUnusedWordWillDoWhereItIsDeclared) {
  const Checked other =
      Check(EPTDIFF_POINTER_BUILDER, "other-unused-word", "400");
  EXPECT_EQ(other.ran.status, 1) << other.ran.out << other.ran.err;
  const Checked declared =
      Check(EPTDIFF_POINTER_BUILDER, "other-unused-word-declared", "1000");
  EXPECT_EQ(declared.ran.status, 0) << declared.ran.out << declared.ran.err;
}

TEST(CheckCommandTest, WhatIsAllowedIsSaidAndIsNoFinding) {
  const Ran ran = RunEptdiff({"check", EPTDIFF_ENGINE_BUILDER, "--cases", "500",
                              "--allow", "empty-tables,needless-invept"},
                             {"EPTDIFF_EXAMPLE_BUG=needless-invept"});
  EXPECT_EQ(ran.status, 0) << ran.out;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("builds what it was asked for"),
                             HasSubstr("allowed (needless-invept)"),
                             Not(HasSubstr("empty-tables"))));
  const Ran safety = RunEptdiff(
      {"check", EPTDIFF_ENGINE_BUILDER, "--allow", "invept-missing"});
  EXPECT_EQ(safety.status, 2);
  EXPECT_THAT(safety.err,
              HasSubstr("break-before-make, not \"invept-missing\""));
}

TEST(CheckCommandTest, MisbehaviourOfABuilderIsReportedAsWhatItIs) {
  const Mistake kMisbehaviours[] = {
      {"crash", {"crash-SIGABRT"}},      {"exit", {"crash-exit3"}},
      {"endless-loads", {"hang-loads"}}, {"hang", {"hang-time"}},
      {"wild-load", {"memory-foreign"}}, {"result-99", {"protocol-result"}},
  };
  for (const Mistake& misbehaviour : kMisbehaviours) {
    const Checked checked =
        Check(EPTDIFF_ENGINE_BUILDER, misbehaviour.bug, "150");
    EXPECT_EQ(checked.ran.status, 1) << misbehaviour.bug << checked.ran.err;
    EXPECT_THAT(checked.findings, ElementsAreArray(misbehaviour.rules))
        << misbehaviour.bug << "\n"
        << checked.ran.out;
    // The run went on, and the case is as small as can be.
    EXPECT_THAT(checked.ran.out, AllOf(HasSubstr("step: 1, split the page"),
                                       Not(HasSubstr("  2. "))));
  }
}

TEST(CheckCommandTest, TheCaseOfABuilderIsOneForOthers) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"check", EPTDIFF_ENGINE_BUILDER, "--cases", "500",
                              "--out", directory.Path("cases")},
                             {"EPTDIFF_EXAMPLE_BUG=frames-leak"});
  EXPECT_EQ(ran.status, 1);
  const std::string file = directory.Path("cases") +
                           "/eptdiff-engine_builder-leak-none-none.textproto";
  EXPECT_EQ(RunEptdiff({"run", file}).status, 0) << ran.out;
}

// The number after `key` in the line of `json` that follows `line`.
double NumberAfter(const std::string& json, const std::string& line,
                   const std::string& key) {
  const std::size_t from = json.find(line);
  const std::size_t at = json.find("\"" + key + "\": ", from);
  if (from == std::string::npos || at == std::string::npos) return -1;
  return std::stod(json.substr(at + key.size() + 4));
}

TEST(CheckCommandTest, AnswersAreCountedByRuleAndSituation) {
  const TestDirectory directory;
  const Ran ran =
      RunEptdiff({"check", EPTDIFF_FAULTY_WALKER, "--cases", "20000", "--json",
                  directory.Path("report.json")},
                 {"EPTDIFF_EXAMPLE_BUG=2-mbyte-reserved-unchecked"});
  EXPECT_EQ(ran.status, 1);
  const std::string json = ContentOf(directory.Path("report.json"));
  const std::string broken = "\"rule\": \"CFG-9\"";
  const double wrong = NumberAfter(json, broken, "disagreeing");
  EXPECT_GT(wrong, 50);
  EXPECT_EQ(NumberAfter(json, broken, "agreeing"), 0);
  EXPECT_EQ(NumberAfter(json, "\"rule\": \"CFG-8\"", "disagreeing"), 0);
  EXPECT_GT(NumberAfter(json, "\"rule\": \"CFG-8\"", "agreeing"), 50);
  // All cases that showed it, not those alone that it was diagnosed by.
  const double shown = NumberAfter(json, "\"departures\"", "cases");
  const double disagreeing = NumberAfter(json, "{", "disagreeing_cases");
  EXPECT_GT(shown, disagreeing / 2);
  EXPECT_LE(disagreeing, wrong);
  EXPECT_THAT(json, HasSubstr("{\"paging\": \"4-level\", \"access\": "
                              "\"other\", \"level\": \"PDE\""));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("    CFG-9: "),
                             HasSubstr(" at PDE, 4-level guest"),
                             Not(HasSubstr("CFG-8: "))));
}

TEST(CheckCommandTest, EachRuleIsShownInEachSituationIfWanted) {
  const Ran ran = RunEptdiff(
      {"check", EPTDIFF_FAULTY_WALKER, "--cases", "20000", "--verbose"},
      {"EPTDIFF_EXAMPLE_BUG=2-mbyte-reserved-unchecked"});
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("  CFG-8    none    - - - - - -     - - + - - -"),
            HasSubstr("  CFG-9    none    - - - - - -     - - - ! - -")));
}

TEST(CheckCommandTest, ReportsTellTheSame) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"check", EPTDIFF_FAULTY_WALKER, "--cases", "20000", "--junit",
       directory.Path("report.xml"), "--sarif", directory.Path("report.sarif"),
       "--out", directory.Path("cases")},
      {"EPTDIFF_EXAMPLE_BUG=2-mbyte-reserved-unchecked"});
  EXPECT_EQ(ran.status, 1);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("CFG-9 (SDM table 29-5)"),
                             HasSubstr("expected: VM exit 49"),
                             HasSubstr("memory { address: ")));
  const std::string xml = ContentOf(directory.Path("report.xml"));
  EXPECT_THAT(xml, AllOf(HasSubstr("failures=\"1\""),
                         HasSubstr("name=\"CFG-9: "), HasSubstr("<failure "),
                         HasSubstr("<skipped message=\"the profile does not"
                                   " declare what it is about\"/>")));
  const std::string sarif = ContentOf(directory.Path("report.sarif"));
  EXPECT_THAT(sarif, AllOf(HasSubstr("\"version\": \"2.1.0\""),
                           HasSubstr("\"ruleId\": \"CFG-9\""),
                           HasSubstr("\"id\": \"CFG-8\""),
                           HasSubstr("\"declared\": true")));
  // The case, given to those that are right, agrees.
  const std::string file = directory.Path("cases") +
                           "/eptdiff-faulty_walker-event-CFG-9-PDE.textproto";
  EXPECT_EQ(RunEptdiff({"run", "--oracles", "engine", file}).status, 0)
      << ran.out;
}

TEST(CheckCommandTest, ATargetThatCannotBeLoadedIsBadInput) {
  const TestDirectory directory;
  struct Misuse {
    std::vector<std::string> arguments;
    std::string says;
  };
  const Misuse kMisuses[] = {
      {{"check"}, "missing: TARGET"},
      {{"check", "/nowhere/at/all.so"}, "/nowhere/at/all.so: No such file"},
      {{"check", directory.File("empty.so", "")}, "file too short"},
      {{"check", "/dev/null"}, "neither a shared object (.so) nor a program"},
      {{"check", "/bin/true"}, "before it has described itself"},
      {{"check", EPTDIFF_SIMPLE_WALKER, "x"}, "takes no arguments"},
      {{"check", EPTDIFF_UNFIT_NO_ANSWER},
       "does not define eptdiff_target_answer"},
      {{"check", EPTDIFF_UNFIT_OLD_VERSION},
       "with version 0 of eptdiff_target.h"},
      {{"check", EPTDIFF_UNFIT_NO_VERSION},
       "does not define eptdiff_target_abi"},
      {{"check", EPTDIFF_UNFIT_BUILDER},
       "does not define eptdiff_builder_create"},
      {{"check", EPTDIFF_SIMPLE_BUILDER, "x"}, "takes no arguments"},
      {{"check", EPTDIFF_SIMPLE_WALKER, "--corpus", "/nowhere"}, "/nowhere"},
  };
  for (const Misuse& misuse : kMisuses) {
    const Ran ran = RunEptdiff(misuse.arguments);
    EXPECT_EQ(ran.status, 2) << misuse.says;
    EXPECT_THAT(ran.err, HasSubstr(misuse.says));
    EXPECT_EQ(ran.out, "") << misuse.says;
  }
}

TEST(CheckCommandTest, AReportThatCannotBeWrittenIsSaid) {
  const Ran ran = RunEptdiff({"check", EPTDIFF_SIMPLE_WALKER, "--cases", "100",
                              "--json", "/nowhere/at/all.json"});
  EXPECT_EQ(ran.status, 4);
  EXPECT_THAT(ran.err, HasSubstr("/nowhere/at/all.json"));
}

}  // namespace
}  // namespace eptdiff
