// `eptdiff check` on objects as developers really build them: by either
// compiler, with sanitizers, with coverage.
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/command/command_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// The faulty walker, as `build` has it ("gcc_address"), and the unruly builder.
std::string Walker(const std::string& build) {
  return EPTDIFF_EXAMPLES "/libwalker_" + build + ".so";
}
std::string Builder(const std::string& build) {
  return EPTDIFF_EXAMPLES "/libbuilder_" + build + ".so";
}

Ran Check(const std::string& target, const std::string& bug,
          const std::string& cases, const std::string& seed = "1") {
  return RunEptdiff(
      {"check", target, "--cases", cases, "--seed", seed, "--limit", "1000"},
      {"EPTDIFF_EXAMPLE_BUG=" + bug});
}

std::vector<std::string> Compilers() {
  return {
#ifdef EPTDIFF_HAS_GCC
      "gcc",
#endif
#ifdef EPTDIFF_HAS_CLANG
      "clang",
#endif
  };
}

TEST(CheckObjectsTest, ASanitizersRuntimeRaisesNoFalseAlarm) {
  for (const std::string& compiler : Compilers()) {
    for (const char* sanitizer : {"_address", "_undefined", "_both"}) {
      const Ran ran = Check(Walker(compiler + sanitizer), "", "5000");
      EXPECT_EQ(ran.status, 0) << compiler << sanitizer << ran.out << ran.err;
      EXPECT_THAT(ran.out, HasSubstr("agrees with the SDM in all"));
    }
  }
}

// gcc has a function of its own for structures; clang calls memcpy.
TEST(CheckObjectsTest, StoresOfStructuresAreSeenOfEachCompiler) {
  for (const std::string& compiler : Compilers()) {
    const std::string target =
        EPTDIFF_EXAMPLES "/libpointers_" + compiler + ".so";
    const Ran right = Check(target, "copy-tables", "1000");
    EXPECT_EQ(right.status, 0) << compiler << right.out << right.err;
    const Ran wrong = Check(target, "copy-tables,link-before-clear", "200");
    EXPECT_EQ(wrong.status, 1) << compiler << wrong.out << wrong.err;
    EXPECT_THAT(wrong.out, AllOf(HasSubstr("step: 1, map the page"),
                                 Not(HasSubstr("unreported"))));
  }
}

// Each compiler loads before it calls for the store.
TEST(CheckObjectsTest, TheGapBetweenLoadAndStoreIsFoundOfEachCompiler) {
  for (const std::string& compiler : Compilers()) {
    const std::string target = EPTDIFF_EXAMPLES "/libflags_" + compiler + ".so";
    const Ran right = Check(target, "", "1000");
    EXPECT_EQ(right.status, 0) << compiler << right.out << right.err;
    const Ran wrong = Check(target, "races-in-protect", "1000");
    EXPECT_EQ(wrong.status, 1) << compiler << wrong.out << wrong.err;
    EXPECT_THAT(
        wrong.out,
        AllOf(HasSubstr("  1. flags-raced (SDM 29.3.5; 2026: 31.3.5): "),
              Not(HasSubstr("  2. "))));
  }
}

TEST(CheckObjectsTest, WhatASanitizerFindsIsAFindingWithItsReport) {
  struct Found {
    std::string bug;
    std::string by;
    std::string signature;
    std::string says;
  };
  const Found kFound[] = {
      {"writes-beyond-its-block", "_address", "crash-heap-buffer-overflow",
       "WRITE of size 1"},
      {"writes-beyond-its-block", "_both", "crash-heap-buffer-overflow",
       "WRITE of size 1"},
      {"shifts-too-far", "_undefined", "crash-invalid-shift-exponent",
       "shift exponent 6"},
      {"shifts-too-far", "_both", "crash-invalid-shift-exponent",
       "shift exponent 6"},
  };
  for (const std::string& compiler : Compilers()) {
    for (const Found& found : kFound) {
      const Ran ran = Check(Walker(compiler + found.by), found.bug, "1500");
      EXPECT_EQ(ran.status, 1) << ran.err;
      EXPECT_THAT(
          ran.out,
          AllOf(HasSubstr(". " + found.signature + ": the sanitizer"),
                HasSubstr(found.says), HasSubstr("in misbehave"),
                HasSubstr("step: 1, "),
                // A smallest case: one step, and no table.
                HasSubstr("step { guest_physical_access {"),
                Not(HasSubstr("memory {")), Not(HasSubstr("eptdiff::"))))
          << compiler << found.by;
    }
  }
}

TEST(CheckObjectsTest, WhatABuilderDoesToItsProcessIsAFinding) {
  struct Done {
    std::string by;
    std::string bug;
    std::string says;
  };
  const Done kDone[] = {
      {"", "", "builds what it was asked for"},
      {"_address", "", "builds what it was asked for"},
      {"_address", "writes-beyond-its-block", "1. crash-heap-buffer-overflow:"},
      {"", "descends", "1. crash-stack-overflow: it runs out of stack;"},
      {"_address", "descends", "1. crash-stack-overflow: it runs out of stack"},
      {"", "forks", "1. forks: it forks, and does not wait"},
      {"", "closes-all-and-hangs", "1. hang-time: it hangs"},
  };
  for (const std::string& compiler : Compilers()) {
    for (const Done& done : kDone) {
      const Ran ran = Check(Builder(compiler + done.by), done.bug, "40");
      EXPECT_EQ(ran.status, done.bug.empty() ? 0 : 1) << ran.err;
      EXPECT_THAT(ran.out, AllOf(HasSubstr(done.says), Not(HasSubstr("2. "))))
          << compiler << done.by;
    }
  }
}

// Assertions speak first, then come backtraces by the page.
TEST(CheckObjectsTest, ACrashComesWithHowItsOutputBeginsAndEnds) {
  for (const std::string& compiler : Compilers()) {
    const Ran ran = Check(Builder(compiler), "talks-and-aborts", "40");
    EXPECT_EQ(ran.status, 1) << ran.err;
    const std::size_t first = ran.out.find("first words");
    const std::size_t last = ran.out.find("last words");
    ASSERT_NE(last, std::string::npos) << ran.out;
    EXPECT_LT(first, last);
    // Of one crash, of the many that it took to find the smallest case.
    EXPECT_EQ(ran.out.find("first words", first + 1), std::string::npos);
    EXPECT_THAT(ran.out, HasSubstr("[...]"));
  }
}

TEST(CheckObjectsTest, WhatCannotSayAMemoryTypeIsAFinding) {
  const std::string target = EPTDIFF_EXAMPLES "/libmtrr_types.so";
  struct Done {
    std::string bug;
    std::string limit;
    std::string says;
  };
  const Done kDone[] = {{"aborts", "2000", "  1. crash-SIGABRT: "},
                        {"hangs", "50", "  1. hang-time: "}};
  for (const auto& [bug, limit, says] : kDone) {
    const Ran ran =
        RunEptdiff({"check", target, "--cases", "20", "--limit", limit},
                   {"EPTDIFF_EXAMPLE_BUG=" + bug});
    EXPECT_EQ(ran.status, 1) << ran.err;
    EXPECT_THAT(ran.out,
                AllOf(HasSubstr(says), Not(HasSubstr("  2. ")),
                      HasSubstr("host-physical\n          0x1000000")));
  }
}

TEST(CheckObjectsTest, MistakesInMemoryTypesAreNamedByTheirRule) {
  const std::string target = EPTDIFF_EXAMPLES "/libmtrr_types.so";
  struct Found {
    std::string bug;
    std::vector<std::string> rules;
  };
  const Found kFound[] = {
      {"", {}},
      {"last-range-wins", {"mtrr-uc-wins", "mtrr-wt-wins"}},
      {"write-through-loses", {"mtrr-wt-wins"}},
      {"enable-unread", {"mtrr-disabled"}},
      {"fixed-unread", {"mtrr-fixed"}},
      {"fixed-enable-unread", {"mtrr-fixed-not-enabled"}},
      {"default-unread", {"mtrr-default"}},
      {"large-page-by-first-byte", {"mtrr-several-types"}},
  };
  for (const Found& found : kFound) {
    const Ran ran = Check(target, found.bug, "2000");
    EXPECT_EQ(ran.status, found.rules.empty() ? 0 : 1) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("says memory types by the MTRRs: 2048 "));
    std::size_t number = 0;
    for (const std::string& rule : found.rules) {
      EXPECT_THAT(ran.out, HasSubstr("  " + std::to_string(++number) + ". " +
                                     rule + " (SDM 3A 12.11."));
    }
    EXPECT_THAT(ran.out, Not(HasSubstr("  " + std::to_string(++number) + ". ")))
        << found.bug;
    EXPECT_THAT(ran.out, Not(HasSubstr("never came up")));
    // It has no pages of 1 GByte.
    EXPECT_THAT(ran.out, HasSubstr("not judged: of "));
  }
}

TEST(CheckObjectsTest, WhatAPolicyHasAndAGuestsPageHasNotIsNamed) {
  struct Found {
    std::string policy;  // "": write-back
    std::string bug;
    std::string rule;
  };
  const Found kFound[] = {
      {"_machine", "", ""},
      {"_guest", "", ""},
      {"", "smram-as-in-smm", "mtrr-smrr"},
      {"", "device-as-ram", "page-device"},
      {"", "pat-of-host-ram", "page-write-back"},
      {"", "unsnooped-unread", "page-unsnooped"},
      {"_guest", "pat-ignored", "page-pat"},
      {"_machine", "pat-ignored", "page-pat"},
      {"_guest", "cache-disable-unread", "page-cache-disabled"},
      {"_guest", "pat-while-cache-disabled", "page-cache-disabled"},
      {"_guest", "default-unread", "mtrr-default"},
      {"_both", "", ""},
      {"_both", "machine-wins", "page-both"},
      {"_both", "write-through-loses", "mtrr-wt-wins"},
      {"_both", "paging-unread", "page-cache-disabled"},
  };
  for (const Found& found : kFound) {
    const std::string target =
        EPTDIFF_EXAMPLES "/libmtrr_types" + found.policy + ".so";
    const Ran ran = Check(target, found.bug, "2000");
    EXPECT_EQ(ran.status, found.rule.empty() ? 0 : 1) << ran.err;
    if (!found.rule.empty()) {
      EXPECT_THAT(ran.out, HasSubstr("  1. " + found.rule + " (SDM "))
          << target << found.bug;
    }
    EXPECT_THAT(ran.out,
                AllOf(Not(HasSubstr("  2. ")), Not(HasSubstr("never came up"))))
        << target << found.bug;
  }
}

TEST(CheckObjectsTest, WhatMemoryTypesCameOutWrongIsKeptAndAskedAgain) {
  const std::string target = EPTDIFF_EXAMPLES "/libmtrr_types_guest.so";
  const TestDirectory directory;
  const std::string kept = directory.Path("kept");
  const auto check = [&](const std::string& bug, const std::string& where) {
    return RunEptdiff({"check", target, "--cases", "4000", where, kept},
                      {"EPTDIFF_EXAMPLE_BUG=" + bug});
  };
  const Ran found = check("pat-ignored", "--out");
  EXPECT_EQ(found.status, 1) << found.err;
  const std::string file = kept + "/eptdiff-mtrr_types_guest-page-pat.mtrr";
  EXPECT_THAT(ContentOf(file),
              AllOf(HasSubstr("proto-message: MemoryTypeCase"),
                    HasSubstr("page {"), HasSubstr("expected: ")));
  const Ran mended = check("", "--corpus");
  EXPECT_EQ(mended.status, 0) << mended.out << mended.err;
  EXPECT_THAT(mended.out, HasSubstr("(1 from the corpus)"));
  directory.File("kept/bad.mtrr", "hpa: 0x1001\n");
  const Ran bad = check("", "--corpus");
  EXPECT_EQ(bad.status, 2);
  EXPECT_THAT(bad.err, HasSubstr(".mtrr:1:1: hpa: 0x1001 is not a multiple"));
}

#ifdef EPTDIFF_HAS_CLANG
TEST(CheckObjectsTest, WhatCannotBeLoadedIsToldWithWhatToCompileInstead) {
  const Ran ran = Check(Walker("clang_memory"), "", "10");
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("compiled with -fsanitize=memory"),
                             HasSubstr("-fsanitize=address,undefined")));
}
#endif

// A seed with which the search comes to the hidden place of `target`; "" if
// none of a few does.
std::string SeedThatFinds(const std::string& target, std::string& out) {
  for (const char* seed : {"1", "2", "3", "4", "5", "6"}) {
    const Ran ran = Check(target, "hidden-behind-conditions", "200000", seed);
    if (ran.status != 1) continue;
    out = ran.out;
    return seed;
  }
  return "";
}

// By counters of clang's, and by what gcc's code says of where it is.
TEST(CheckObjectsTest, TheTargetsOwnCodeLeadsToWhatNothingElseFinds) {
  std::vector<std::string> targets;
#ifdef EPTDIFF_COUNTED_WALKER
  targets.emplace_back(EPTDIFF_COUNTED_WALKER);
#endif
  for (const std::string& compiler : Compilers()) {
    targets.push_back(Walker(compiler + "_traced"));
  }
  for (const std::string& target : targets) {
    std::string out;
    const std::string seed = SeedThatFinds(target, out);
    ASSERT_NE(seed, "") << target;
    // What leads there stands in the sentence, some of it at least.
    EXPECT_THAT(
        Unwrapped(out),
        AllOf(HasSubstr("of the target's code"),
              HasSubstr(" 1. elsewhere: gives the host-physical address "),
              HasSubstr("its case breaks: WALK-6 (SDM 29.3.2; 2026: 31.3.2)"),
              HasSubstr("accesses reach another address"),
              HasSubstr("MAXPHYADDR is 39")));
    const Ran blind = Check(EPTDIFF_FAULTY_WALKER, "hidden-behind-conditions",
                            "200000", seed);
    EXPECT_EQ(blind.status, 0) << seed << blind.out;
    EXPECT_THAT(blind.out, Not(HasSubstr("of the target's code")));
  }
}

}  // namespace
}  // namespace eptdiff
