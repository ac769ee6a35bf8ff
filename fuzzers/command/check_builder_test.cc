// `eptdiff check` on the example builders: what it says of each mistake.
#include <signal.h>

#include <span>
#include <string>
#include <vector>

#include "fuzzers/command/check_testing.h"
#include "fuzzers/command/command_testing.h"
#include "fuzzers/text/case_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/builder/builder_finding.h"
#include "oracle/builder/judge/example_witnesses.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(CheckCommandTest, CorrectBuildersAgree) {
  for (const char* target : {EPTDIFF_ENGINE_BUILDER, EPTDIFF_SIMPLE_BUILDER}) {
    const Checked checked = Check(target, "", "3000");
    EXPECT_EQ(checked.ran.status, 0) << checked.ran.out << checked.ran.err;
    EXPECT_THAT(checked.ran.out, HasSubstr("builds what it was asked for"));
  }
}

// Who declares no refusal of what is out of range is not judged by it.
TEST(CheckCommandTest, WhatIsNotAskedForWantOfADeclarationIsSaid) {
  const Ran simple = Check(EPTDIFF_SIMPLE_BUILDER, "", "1000").ran;
  const std::string text = Joined(simple.out);
  EXPECT_THAT(text, HasSubstr("not asked, for its profile declares no such "
                              "refusal: misaligned address or size (in "));
  EXPECT_THAT(text, HasSubstr("cases), address out of range (in "));
  EXPECT_THAT(text, Not(HasSubstr("already mapped (in ")));
  const Ran engine = Check(EPTDIFF_ENGINE_BUILDER, "", "1000").ran;
  EXPECT_THAT(engine.out, Not(HasSubstr("not asked")));
}

struct BuilderMistake {
  std::string bug;
  std::vector<std::string> rules;
  std::vector<std::string> words;
  std::string cases = "1500";
};

TEST(CheckCommandTest, EachMistakeOfABuilderIsNamedAndNothingElse) {
  const BuilderMistake kMistakes[] = {
      {"split-drops-permission",
       {"page-write-lost"},
       {"pages lose write permission, where a large page is split"}},
      {"address-of-32-bits",
       {"page-high-address"},
       {"pages lose bits 51:32 of their address"}},
      {"protect-address-of-48-bits",
       {"page-high-address"},
       {"pages lose bits 51:48 of their address, in protect"},
       "4000"},
      {"dirty-lost", {"page-dirty-lost"}, {"pages lose the dirty flag"}},
      {"protect-dirties-large-pages",
       {"page-dirty-gained"},
       {"pages get the dirty flag (bit 9) that was not asked for, in protect, "
        "if the page is large"}},
      // What is gained under a condition could have been gained elsewhere.
      {"protect-ignores-pat-of-large-pages",
       {"page-ignore-pat-gained"},
       {"pages get the ignore-PAT bit (bit 6) that was not asked for, in "
        "protect, if the page is large"}},
      {"protect-combines-large-pages",
       {"page-memory-type"},
       {"pages get another memory type (bit 3 is 1), in protect, if the page "
        "is large"}},
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
       {"page-high-address", "page-write-lost"},
       {"pages lose write permission, where a large page is split",
        "pages lose bits 51:32 of their address"}},
      {"invept-missing-for-write,unmap-forgets-last-page",
       {"not-done", "invept-missing"},
       {"at the end of the region", "removal of write permission alone"}},
      {"frames-leak,dirty-lost",
       {"page-dirty-lost", "leak"},
       {"pages lose the dirty flag (bit 9)", "is linked no more is not freed"}},
      {"overlap-accepted,root-freed-twice",
       {"done-not-refused", "freed-twice"},
       {"(already mapped)", "freed that is not in use"}},
  };
  for (const BuilderMistake& mistake : kMistakes) {
    const Checked checked =
        Check(EPTDIFF_ENGINE_BUILDER, mistake.bug, mistake.cases);
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

// What a processor sets between the load of an entry and the store to it.
TEST(CheckCommandTest, FlagsThatGetLostBetweenLoadAndStoreAreNamed) {
  const Checked right = Check(EPTDIFF_FLAG_BUILDER, "", "3000");
  EXPECT_EQ(right.ran.status, 0) << right.ran.out << right.ran.err;
  constexpr struct {
    const char* bug;
    const char* where;
  } kRaces[] = {{"races-in-unmap", ", in unmap"},
                {"races-in-protect", ", in protect"},
                {"races-in-split", ", in split"},
                {"races-in-clear", ", in clear-flags"}};
  for (const auto& [bug, where] : kRaces) {
    const Checked wrong = Check(EPTDIFF_FLAG_BUILDER, bug, "2500");
    EXPECT_EQ(wrong.ran.status, 1) << bug << wrong.ran.err;
    EXPECT_THAT(wrong.findings, ElementsAre("flags-raced")) << bug << "\n"
                                                            << wrong.ran.out;
    EXPECT_THAT(Joined(wrong.ran.out),
                HasSubstr("between the load of an entry and the store to it: "
                          "lost; use compare_exchange" +
                          std::string(where)))
        << bug;
  }
}

TEST(CheckCommandTest, MemoryIsReleasedOnceNobodyReachesIt) {
  const Checked early = Check(EPTDIFF_FLAG_BUILDER, "reused-early", "1000");
  EXPECT_EQ(early.ran.status, 1) << early.ran.err;
  EXPECT_THAT(early.findings, ElementsAre("page-released-early"));
}

// INVEPT on one logical processor after the other, as it is.
TEST(CheckCommandTest, HowABuilderShootsDownIsJudgedByProcessor) {
  for (const char* way : {"", "all-contexts", "lazy", "invvpid-too"}) {
    const Checked right = Check(EPTDIFF_SHOOTDOWN_BUILDER, way, "2000");
    EXPECT_EQ(right.ran.status, 0) << way << right.ran.out << right.ran.err;
  }
  constexpr struct {
    const char* bug;
    const char* rule;
    const char* words;
  } kMistakes[] = {
      {"own-processor", "invept-elsewhere",
       "is not executed on each logical processor that uses the tables"},
      {"never-awaited", "invept-not-awaited",
       "asked for on other logical processors, and not waited for"},
      {"invvpid", "invvpid-for-invept",
       "INVVPID, which ends combined mappings and no guest-physical ones, is "
       "executed for INVEPT"},
      {"invvpid-address", "invvpid-for-invept", "is executed for INVEPT"},
      {"invvpid-others", "invvpid-for-invept", "is executed for INVEPT"},
      {"invvpid-0", "invvpid-fails", "and invalidates nothing"},
      {"other-quadword", "invept-fails", "and invalidates nothing"},
      {"reserved-eptp", "invept-fails", "and invalidates nothing"},
      {"one-type-alone", "invept-fails", "and invalidates nothing"},
  };
  for (const auto& [bug, rule, words] : kMistakes) {
    const Checked wrong = Check(EPTDIFF_SHOOTDOWN_BUILDER, bug, "1500");
    EXPECT_EQ(wrong.ran.status, 1) << bug << wrong.ran.err;
    EXPECT_THAT(wrong.findings, ElementsAre(rule)) << bug << "\n"
                                                   << wrong.ran.out;
    EXPECT_THAT(Joined(wrong.ran.out), HasSubstr(words)) << bug;
  }
}

// Two threads of a builder, which change over at loads and stores.
TEST(CheckCommandTest, WhatOneOfTwoThreadsUndoesIsNamed) {
  for (const char* way : {"", "locked"}) {
    const Checked right = Check(EPTDIFF_THREADS_BUILDER, way, "3000");
    EXPECT_EQ(right.ran.status, 0) << way << right.ran.out << right.ran.err;
  }
  for (const char* bug : {"stores-in-protect", "stores-in-unmap",
                          "stores-tables", "early-unlock"}) {
    const Checked wrong = Check(EPTDIFF_THREADS_BUILDER, bug, "3000");
    EXPECT_EQ(wrong.ran.status, 1) << bug << wrong.ran.err;
    EXPECT_THAT(wrong.findings, ElementsAre("operations-raced"))
        << bug << "\n"
        << wrong.ran.out;
    EXPECT_THAT(
        Joined(wrong.ran.out),
        AllOf(HasSubstr("of two operations at once one undoes what the "
                        "other did"),
              HasSubstr("by another thread, which begins before store")))
        << bug;
  }
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

// What is nobody's bug can be said; what is one is found beside it, and where
// it is not said, it is a finding.
TEST(CheckCommandTest, ADesignIsNoMistakeWhereItIsDeclared) {
  struct Design {
    const char* builder;
    const char* ways;
    const char* finding;  // null: none
    const char* words;
  };
  constexpr Design kDesigns[] = {
      {EPTDIFF_REPLACING_BUILDER, "", nullptr,
       "declared: mapping replaces whatever is there"},
      {EPTDIFF_REPLACING_BUILDER, "", nullptr, "allowed (partial-success)"},
      {EPTDIFF_REPLACING_BUILDER, "", nullptr, "declined as not modelled"},
      {EPTDIFF_REPLACING_BUILDER, "undeclared-replace", "done-not-refused",
       "that has to be refused (already mapped)"},
      {EPTDIFF_REPLACING_BUILDER, "undeclared-part", "changed-though-refused",
       "an operation that is refused changes an entry"},
      {EPTDIFF_REPLACING_BUILDER, "undeclared-traps", "bad-entry",
       "an entry is stored that is misconfigured"},
      {EPTDIFF_REPLACING_BUILDER, "refuses-types", "refused-not-done",
       "would be an EPT misconfiguration"},
      {EPTDIFF_REPLACING_BUILDER, "keeps-old-tables", "leak",
       "is linked no more is not freed"},
      {EPTDIFF_REPLACING_BUILDER, "replaces-unflushed", "invept-missing",
       "INVEPT is missing after"},
      {EPTDIFF_REPLACING_BUILDER, "loses-on-failure", "page-gone",
       "pages go that have to stay"},
      {EPTDIFF_REPLACING_BUILDER, "unmaps-on-failure", nullptr,
       "allowed (loss-on-failure)"},
      {EPTDIFF_REPLACING_BUILDER, "unmaps-on-failure,unmaps-anyway",
       "page-gone", "pages go that have to stay"},
      {EPTDIFF_REPLACING_BUILDER, "unmaps-on-failure,unmaps-unflushed",
       "invept-missing", "INVEPT is missing after"},
      {EPTDIFF_REPLACING_BUILDER, "lossy", nullptr, "allowed (lossy-tables)"},
      {EPTDIFF_REPLACING_BUILDER, "lossy-unflushed", "invept-missing",
       "INVEPT is missing after"},
      {EPTDIFF_REPLACING_BUILDER, "declines-late", "changed-though-refused",
       "an operation that is refused changes an entry"},
      {EPTDIFF_THIN_BUILDER, "", nullptr, "declared: its tables are its own"},
      {EPTDIFF_THIN_BUILDER, "full", nullptr,
       "declared: something is mapped from the beginning"},
      {EPTDIFF_THIN_BUILDER, "undeclared-full", "page-too-many",
       "pages are mapped that were not asked for"},
      {EPTDIFF_THIN_BUILDER, "undeclared-rights", "page-write-gained",
       "that was not asked for"},
      {EPTDIFF_THIN_BUILDER, "32-bit-addresses", "page-high-address",
       "pages lose bits 51:32 of their address"},
      {EPTDIFF_THIN_BUILDER, "no-invept", "invept-missing",
       "INVEPT is missing after"},
      {EPTDIFF_THIN_BUILDER, "half-a-block", "refused-not-done",
       "if meant so: `frames` of its profile says how many it has"},
      {EPTDIFF_BOUNDED_BUILDER, "", nullptr,
       "declared: it has 12 frames at most"},
      {EPTDIFF_BOUNDED_BUILDER, "undeclared-frames", "refused-not-done",
       "an operation is refused (out of frames) that has to be done"},
      {EPTDIFF_BOUNDED_BUILDER, "full-early", "refused-not-done",
       "if meant so: `frames` of its profile says how many it has"},
      {EPTDIFF_BOUNDED_BUILDER, "one-too-many", "frames-beyond-limit",
       "than `frames` of its profile says"},
      {EPTDIFF_BOUNDED_BUILDER, "undeclared-spare", "leak",
       "is linked no more is not freed"},
      {EPTDIFF_BOUNDED_BUILDER, "keeps-more", "leak",
       "is linked no more is not freed"},
      {EPTDIFF_BOUNDED_BUILDER, "undeclared-bytes", "refused-not-done",
       "if meant so: `gpa_width` and `max_bytes` of its profile"},
      {EPTDIFF_BOUNDED_BUILDER, "wraps", "page-elsewhere",
       "which lacks bits 51:40"},
      {EPTDIFF_BOUNDED_BUILDER, "identity-uncached", "page-memory-type",
       "pages get memory type UC (bits 5:3) that was not asked for"},
      {EPTDIFF_PAIRED_BUILDER, "", nullptr,
       "declared: it has 1 more with each table"},
      {EPTDIFF_PAIRED_BUILDER, "undeclared-pairs", "leak",
       "is linked no more is not freed"},
      {EPTDIFF_PAIRED_BUILDER, "keeps-companion", "leak",
       "is linked no more is not freed"},
      {EPTDIFF_PAIRED_BUILDER, "gives-companion", "leak",
       "is linked no more is not freed"},
      {EPTDIFF_PAIRED_BUILDER, "half-the-pairs", "refused-not-done",
       "if meant so: `frames` of its profile says how many it has"},
  };
  for (const Design& design : kDesigns) {
    const Checked checked = Check(design.builder, design.ways,
                                  design.finding != nullptr ? "800" : "1500");
    const std::string what = std::string(design.builder) + design.ways;
    EXPECT_EQ(checked.ran.status, design.finding != nullptr)
        << what << checked.ran.out << checked.ran.err;
    if (design.finding != nullptr) {
      EXPECT_THAT(checked.findings, Contains(design.finding)) << what;
    }
    EXPECT_THAT(Joined(checked.ran.out), HasSubstr(design.words)) << what;
  }
}

// What was asked for and what was found, and by which rule that is wrong.
TEST(CheckCommandTest, BothWordsOfWhatIsWrongAreTold) {
  struct Told {
    const char* bug;
    const char* finding;
    std::vector<std::string> words;
  };
  const Told kTold[] = {
      {"narrow-tables",
       "page-bits",
       {"expected: VIO-3: ", "asked for: PTE = 0x", "found: PTE at 0x",
        "taken away: write, by the P"}},
      {"types-dropped",
       "page-memory-type",
       {"expected: MT-5: ", "page at 0x0, WB", "page at 0x0, UC"}},
      {"ignores-pat",
       "page-ignore-pat-gained",
       {"expected: MT-4: ", "page at 0x0, WB", "page at 0x0, WB, ignore PAT"}},
      {"next-page",
       "page-address",
       {"expected: WALK-6: ", "4-KByte page at 0x0,",
        "4-KByte page at 0x1000,"}},
      {"reserved-in-tables",
       "bad-entry",
       {"expected: CFG-", "found: P", ", reserved bits set: 4, 5"}},
      {"undeclared-traps",
       "bad-entry",
       {"expected: CFG-1: ", "found: P", " = 0xabcd002: write, "}},
      {"walks-large-pages",
       "memory-of-a-large-page",
       {"the data of a large page that is mapped: it walks on from the page's "
        "entry"}},
      {"undeclared-replace",
       "done-not-refused",
       {"asked for: EPTDIFF_OVERLAP (already mapped)",
        "found: EPTDIFF_DONE; tables in use change",
        "if meant so: set `map_replaces` in its profile"}},
      {"says-done",
       "said-done",
       {"asked for: EPTDIFF_MISALIGNED (misaligned address or size)",
        "found: EPTDIFF_DONE; nothing changes in the tables",
        "if meant so: clear EPTDIFF_MISALIGNED in `refusals`"}},
      {"refuses-types",
       "refused-not-done",
       {"asked for: EPTDIFF_DONE found: EPTDIFF_MISCONFIGURED (",
        "; nothing changes in the tables if meant so: `memory_types`"}},
      {"says-refused",
       "done-though-refused",
       {"asked for: EPTDIFF_DONE found: EPTDIFF_UNSUPPORTED (",
        "; tables in use change if meant so: answer EPTDIFF_DECLINED"}},
  };
  for (const auto& [bug, finding, words] : kTold) {
    const Checked checked = Check(EPTDIFF_REPLACING_BUILDER, bug, "1500");
    EXPECT_EQ(checked.ran.status, 1) << bug << checked.ran.err;
    EXPECT_THAT(checked.findings, Contains(finding)) << bug;
    const std::string text = Joined(checked.ran.out);
    for (const std::string& each : words) {
      EXPECT_THAT(text, HasSubstr(each)) << bug;
    }
  }
}

TEST(CheckCommandTest, WhatTakesAFailingAllocationIsToldLast) {
  const Checked checked = Check(EPTDIFF_REPLACING_BUILDER,
                                "loses-on-failure,replaces-unflushed", "2500");
  ASSERT_THAT(checked.findings,
              AllOf(Contains("invept-missing"), Contains("page-gone")))
      << checked.ran.out;
  const std::size_t heading =
      checked.ran.out.find("and where an allocation fails:");
  ASSERT_NE(heading, std::string::npos) << checked.ran.out;
  EXPECT_LT(checked.ran.out.find(". invept-missing"), heading);
  EXPECT_GT(checked.ran.out.find(". page-gone"), heading);
  // What shows without one is in no such group.
  const Checked other =
      Check(EPTDIFF_REPLACING_BUILDER, "replaces-unflushed", "1500");
  EXPECT_THAT(other.ran.out, Not(HasSubstr("where an allocation fails")));
}

// A mistake, one of its findings, and what is said of that.
struct ToldMistake {
  std::string bug;
  std::string rule;
  std::string words;
};

void ExpectTold(const char* target, std::span<const ToldMistake> mistakes,
                const std::string& cases) {
  for (const auto& [bug, rule, words] : mistakes) {
    const Checked wrong = Check(target, bug, cases);
    EXPECT_EQ(wrong.ran.status, 1) << bug << wrong.ran.err;
    EXPECT_THAT(wrong.findings, Contains(rule)) << bug << "\n" << wrong.ran.out;
    EXPECT_THAT(Joined(wrong.ran.out), HasSubstr(words)) << bug;
  }
}

// Tables that are filled when a processor finds nothing in them.
TEST(CheckCommandTest, WhatABuilderDoesForAnExitIsJudged) {
  const Checked right = Check(EPTDIFF_FAULT_BUILDER, "", "3000");
  EXPECT_EQ(right.ran.status, 0) << right.ran.out << right.ran.err;
  EXPECT_THAT(Joined(right.ran.out),
              HasSubstr("declared: what is mapped may be absent"));
  const Checked traps = Check(EPTDIFF_FAULT_BUILDER, "traps", "1000");
  EXPECT_EQ(traps.ran.status, 0) << traps.ran.out << traps.ran.err;
  const ToldMistake kMistakes[] = {
      {"undeclared", "not-done", "pages stay as they were"},
      {"does-nothing", "exit-repeats", "the access comes to the same again"},
      {"present-is-ours", "exit-repeats", "the access comes to the same again"},
      {"rights-of-exit", "exit-repeats", "the access comes to the same again"},
      {"reads-only", "exit-not-handled", "are not let go on"},
      {"takes-all", "exit-not-ours", "that were not asked for exit"},
      {"maps-writable", "page-write-gained", "pages get write permission"},
      {"zaps-unflushed", "invept-missing", "INVEPT is missing after"},
      {"traps,violations-alone", "exit-not-handled", "are not let go on"},
      {"traps,takes-all", "exit-not-ours", "that were not asked for exit"},
      {"unlogged", "log-lost", "the log does not have them"},
      {"stays-writable", "log-lost", "the log does not have them"},
  };
  ExpectTold(EPTDIFF_FAULT_BUILDER, kMistakes, "2000");
}

// Which pages the guest writes to, by dirty flags and by logs.
TEST(CheckCommandTest, NoWriteIsMissedByALogAndNoneInvented) {
  for (const char* way : {"", "by-log"}) {
    const Checked right = Check(EPTDIFF_LOG_BUILDER, way, "4000");
    EXPECT_EQ(right.ran.status, 0) << way << right.ran.out << right.ran.err;
  }
  const ToldMistake kMistakes[] = {
      {"races", "log-raced", "use compare_exchange"},
      {"flags-stay", "log-too-much", "has not written to since"},
      {"never-flushed", "invept-missing", "clearing accessed or dirty flags"},
      {"forgets-unasked", "log-lost", "the log does not have them"},
      {"by-log,not-read-out", "log-lost", "the log does not have them"},
      {"by-log,off-by-one", "log-lost", "the log does not have them"},
      {"by-log,dirty-stays", "log-lost", "the log does not have them"},
      {"by-log,full-stays-full", "exit-repeats", "comes to the same again"},
      {"by-log,frees-its-logs", "log-freed", "its page-modification log to"},
  };
  ExpectTold(EPTDIFF_LOG_BUILDER, kMistakes, "4000");
}

// Of the seeds about what few builders have each tells a mistake of the example
// from the example.
void ExpectToTell(std::span<const ExampleWitness> witnesses, const char* target,
                  std::span<const char* const> ways) {
  const TestDirectory directory;
  for (const ExampleWitness& witness : witnesses) {
    TextCase text_case;
    text_case.c = witness.c;
    const std::string file =
        directory.File("case.textproto", FormatCase(text_case));
    const auto run = [&](const std::string& bug) {
      return RunEptdiff({"run", "--target", target, file},
                        {"EPTDIFF_EXAMPLE_BUG=" + bug});
    };
    for (const char* way : ways) {
      const Ran right = run(way);
      EXPECT_EQ(right.status, 0) << witness.name << right.out << right.err;
    }
    const Ran wrong =
        run(std::string(witness.way) + "," + std::string(witness.mistake));
    EXPECT_EQ(wrong.status, 1) << witness.name << wrong.out << wrong.err;
    EXPECT_THAT(wrong.out, HasSubstr(std::string(NameOf(witness.rule))))
        << witness.name;
  }
}

TEST(CheckCommandTest, ACaseOfALogTellsItsMistake) {
  constexpr const char* kWays[] = {"", "by-log"};
  ExpectToTell(LogWitnesses(), EPTDIFF_LOG_BUILDER, kWays);
}

TEST(CheckCommandTest, ACaseOfViewsTellsItsMistake) {
  constexpr const char* kWays[] = {"", "all-contexts"};
  ExpectToTell(ViewWitnesses(), EPTDIFF_VIEWS_BUILDER, kWays);
}

// Several tables, of which each processor uses one at a time.
TEST(CheckCommandTest, WhatIsWrongAmongViewsIsNamed) {
  for (const char* way : {"", "all-contexts"}) {
    const Checked right = Check(EPTDIFF_VIEWS_BUILDER, way, "2000");
    EXPECT_EQ(right.ran.status, 0) << way << right.ran.out << right.ran.err;
    EXPECT_THAT(right.ran.out, HasSubstr("declared: it has 3 tables"));
  }
  const ToldMistake kMistakes[] = {
      {"first-flushed", "invept-other-view", "for the EPTP of another view"},
      {"running-flushed", "invept-running-view",
       "for the view in which the processor runs"},
      {"never-copies", "view-shared", "copy it first"},
      {"wrong-view", "view-wrong", "that the operation is not about"},
      {"frees-shared", "freed-shared", "while another view links it"},
      {"misses-last", "view-missed", "is not done in each"},
  };
  for (const auto& [bug, rule, words] : kMistakes) {
    const Checked wrong = Check(EPTDIFF_VIEWS_BUILDER, bug, "800");
    EXPECT_EQ(wrong.ran.status, 1) << bug << wrong.ran.err;
    EXPECT_THAT(wrong.findings, ElementsAre(rule)) << bug << "\n"
                                                   << wrong.ran.out;
    EXPECT_THAT(Joined(wrong.ran.out), HasSubstr(words)) << bug;
  }
}

// Two threads of a builder with several tables, each of which may be about
// another one.
TEST(CheckCommandTest, ThreadsInSeveralViewsAreJudgedAsOne) {
  const Checked right = Check(EPTDIFF_VIEWS_BUILDER, "threads", "3000");
  EXPECT_EQ(right.ran.status, 0) << right.ran.out << right.ran.err;
  const ToldMistake kMistakes[] = {
      {"threads,early-unlock", "operations-raced",
       "of two operations at once one undoes what the other did"},
      // What is raced for are the frames, or what is to be flushed.
      {"threads,lock-a-view", "memory-foreign",
       "if another operation runs beside it"},
      {"threads,first-flushed", "invept-other-view", "of another view"},
  };
  ExpectTold(EPTDIFF_VIEWS_BUILDER, kMistakes, "3000");
}

// Where parts of an operation may stay, those of one beside which another runs
// are nobody's mistake.
TEST(CheckCommandTest, WhatLacksFramesBesideAnotherMayStayInPart) {
  const TestDirectory directory;
  const std::string file = directory.File(
      "case.textproto",
      "processor { ept_vpid_cap: 0x2104040 }\n"
      "controls { primary: 0x80000000 secondary: 0x2 eptp: 0x101e }\n"
      "step { table_operation { kind: MAP_REGION gpa: 0x1f1000 bytes: 0x10000 "
      "flags: 1 failing_allocation: 4 } }\n"
      "step { table_operation { kind: PROTECT_REGION bytes: 0x1000 flags: 1 "
      "meanwhile: 8 view: 1 } processor: 1 }\n");
  const Ran ran = RunEptdiff({"run", "--target", EPTDIFF_VIEWS_BUILDER, file},
                             {"EPTDIFF_EXAMPLE_BUG=threads"});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("agrees"));
}

// One log for all views.
TEST(CheckCommandTest, AWriteInWhicheverViewIsInTheLog) {
  for (const char* way : {"", "by-log"}) {
    const Checked right = Check(EPTDIFF_LOGGED_VIEWS_BUILDER, way, "3000");
    EXPECT_EQ(right.ran.status, 0) << way << right.ran.out << right.ran.err;
  }
  const ToldMistake kMistakes[] = {
      {"first-asked", "log-view-lost", "in another view than the first"},
      {"by-log,first-armed", "log-view-stays", "what is written there again"},
      {"first-armed", "log-too-much", "has not written to since"},
      {"races", "log-raced", "use compare_exchange"},
      {"first-flushed", "invept-other-view", "for the EPTP of another view"},
  };
  ExpectTold(EPTDIFF_LOGGED_VIEWS_BUILDER, kMistakes, "4000");
}

// A write that ends at its second page may have made the first one dirty, which
// the log then has; of one that completes it has both.
TEST(CheckCommandTest, WhatAWriteToTwoPagesLeavesInALog) {
  constexpr char kFirstPage[] =
      "processor { ept_vpid_cap: 0x2304040 }\n"
      "controls { primary: 0x80000000 secondary: 0x2 eptp: 0x105e }\n"
      "step { table_operation { kind: MAP flags: 3 } }\n";
  constexpr char kSecondPage[] =
      "step { table_operation { kind: MAP flags: 3 gpa: 0x1000 hpa: 0x1000 } "
      "}\n";
  constexpr char kWriteAndAsk[] =
      "step { table_operation { kind: LOG_ON bytes: 0x2000 } }\n"
      "step { guest_physical_access { kind: WRITE size: 8 gpa: 0xff9 } }\n"
      "step { table_operation { kind: LOG_ASK bytes: 0x2000 } }\n";
  const TestDirectory directory;
  const auto run = [&](const std::string& second_page, const std::string& bug) {
    const std::string file = directory.File(
        "case.textproto", kFirstPage + second_page + kWriteAndAsk);
    return RunEptdiff({"run", "--target", EPTDIFF_LOG_BUILDER, file},
                      {"EPTDIFF_EXAMPLE_BUG=" + bug});
  };
  for (const char* way : {"", "by-log"}) {
    for (const char* second_page : {"", kSecondPage}) {
      const Ran right = run(second_page, way);
      EXPECT_EQ(right.status, 0) << way << right.out;
    }
  }
  const Ran lost = run(kSecondPage, "by-log,not-read-out");
  EXPECT_EQ(lost.status, 1);
  EXPECT_THAT(lost.out, HasSubstr("log-lost"));
}

TEST(CheckCommandTest, WhoCastsAddressesFindsFramesThere) {
  const Checked right = Check(EPTDIFF_POINTER_BUILDER, "casts", "1000");
  EXPECT_EQ(right.ran.status, 0) << right.ran.out << right.ran.err;
  const Checked wrong =
      Check(EPTDIFF_POINTER_BUILDER, "casts,link-before-clear", "400");
  EXPECT_EQ(wrong.ran.status, 1) << wrong.ran.out << wrong.ran.err;
  EXPECT_THAT(wrong.ran.out, HasSubstr("step: 1, map the page"));
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
  EXPECT_THAT(safety.err, HasSubstr("lossy-tables, not \"invept-missing\""));
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

TEST(CheckCommandTest, ACaseFileOfABuilderHasTheNameOfItsFinding) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"check", EPTDIFF_ENGINE_BUILDER, "--cases",
                              "2500", "--out", directory.Path("cases")},
                             {"EPTDIFF_EXAMPLE_BUG=split-drops-permission"});
  EXPECT_THAT(ran.out, HasSubstr("1. page-write-lost (SDM 29.3.3.2"));
  const std::string file =
      directory.Path("cases") +
      "/eptdiff-engine_builder-page-write-lost-VIO-3-PDE.textproto";
  EXPECT_EQ(RunEptdiff({"run", file}).status, 0) << ran.out;
}

}  // namespace
}  // namespace eptdiff
