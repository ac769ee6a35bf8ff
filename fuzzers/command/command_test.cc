// The command as its users meet it: exit statuses, what is printed, and what is
// left on the disk.
#include <limits.h>
#include <pty.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/command_testing.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/encoding/encoding.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/bochs/bochs_oracle.h"
#include "oracle/case.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// 4-level EPT that maps guest-physical page 0 to the 2-MByte page 0x200000,
// read-only; a read and a write.
constexpr char kReadOnlyPage[] =
    "processor { ept_vpid_cap: 0x6334141 }\n"
    "controls { primary: 0x80000000 secondary: 0x82 eptp: 0x101e }\n"
    "guest { cr0: 0x21 cr4: 0x2000 rflags: 0x2 }\n"
    "memory { address: 0x1000 value: 0x2007 }\n"
    "memory { address: 0x2000 value: 0x3007 }\n"
    "memory { address: 0x3000 value: 0x2000b1 }\n"
    "step { guest_physical_access { kind: READ gpa: 0x1234 } }\n"
    "step { guest_physical_access { kind: WRITE gpa: 0x1234 } }\n";

// 5-level EPT, which Bochs does not have.
constexpr char kFiveLevels[] =
    "processor { ept_vpid_cap: 0x63341c1 }\n"
    "controls { primary: 0x80000000 secondary: 0x82 eptp: 0x1026 }\n"
    "guest { cr0: 0x21 cr4: 0x2000 rflags: 0x2 }\n"
    "step { guest_physical_access { gpa: 0x1234 } }\n";

TEST(CommandTest, HelpIsThereForEverySubcommand) {
  EXPECT_EQ(RunEptdiff({"--help"}).status, 0);
  for (const Subcommand& subcommand : kSubcommands) {
    EXPECT_THAT(RunEptdiff({"--help"}).out, HasSubstr(subcommand.name));
    for (const char* help : {"--help", "-h"}) {
      const Ran ran = RunEptdiff({subcommand.name, "--no-such-thing", help});
      EXPECT_EQ(ran.status, 0) << subcommand.name;
      EXPECT_THAT(ran.out,
                  StartsWith(std::string("Usage: eptdiff ") + subcommand.name));
      EXPECT_EQ(ran.err, "");
    }
    EXPECT_EQ(RunEptdiff({"help", subcommand.name}).out,
              RunEptdiff({subcommand.name, "--help"}).out);
  }
}

// Each example is of its subcommand, with options that it has.
TEST(CommandTest, HelpFitsATerminalAndHasExamples) {
  for (const Subcommand& subcommand : kSubcommands) {
    const std::string name = subcommand.name;
    const std::string help = RunEptdiff({name, "--help"}).out;
    std::istringstream lines(help);
    int examples = 0;
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 80u) << line;
      if (!line.starts_with("  eptdiff ")) continue;
      ++examples;
      std::istringstream words(line);
      std::string word;
      words >> word >> word;
      EXPECT_EQ(word, name);
      while (words >> word && word != "--") {
        if (!word.starts_with("-")) continue;
        EXPECT_THAT(help, HasSubstr("\n  " + word + " ")) << line;
      }
    }
    EXPECT_EQ(examples > 0, name != "version") << name;
  }
}

struct Misuse {
  std::vector<std::string> arguments;
  std::string says;
};

TEST(CommandTest, MisuseIsExitStatusTwoAndSaysWhatToDo) {
  const Misuse kMisuses[] = {
      {{}, "Usage: eptdiff"},
      {{"explian", "x"}, "did you mean explain?"},
      {{"ruin"}, "did you mean run?"},
      {{"-v"}, "there is no subcommand -v\n"},
      {{"help", "explian"}, "did you mean explain?"},
      {{"run"}, "missing: FILE..."},
      {{"run", "--orcales", "engine", "x"}, "did you mean --oracles?"},
      {{"run", "--oracles"}, "--oracles needs a value"},
      {{"run", "--oracles", "engin", "x"}, "did you mean engine?"},
      {{"run", "--quiet=yes", "x"}, "--quiet takes no value"},
      {{"run", "--help=yes", "x"}, "--help takes no value"},
      {{"run", "--color=allways", "x"}, "did you mean always?"},
      {{"run", "--dialect", "boch-3.0", "x"}, "did you mean bochs-3.0?"},
      {{"minimize", "a", "b"}, "unexpected operand \"b\""},
      {{"convert", "--to", "txt", "x"}, "did you mean text?"},
      {{"fuzz", "--seconds", "soon"}, "a number from 1"},
      {{"fuzz", "--jobs=0"}, "a number from 1"},
      {{"fuzz", "--target", "/nowhere/at/all"}, "cmake --build --preset fuzz"},
      {{"dialect", "CFG-8/of"}, "did you mean CFG-8/off?"},
      {{"dialect", "CFG-8/off,CFG-9/oft"}, "did you mean CFG-9/off?"},
      {{"dialect", "cfg-8/off"}, "did you mean CFG-8/off?"},
      {{"fuzz", "-runs=1"}, "there is no option -runs"},
      {{"fuzz", "x"}, "what is for another program follows --"},
      {{"rules", "--corpus", "/nowhere/at/all"}, "/nowhere/at/all"},
      {{"rules", "VIO-88"}, "did you mean VIO-8?"},
      {{"rules", "CFG-8", "--corpus", "/nowhere/at/all"}, "/nowhere/at/all"},
      {{"triage", "/nowhere/at/all"}, "/nowhere/at/all"},
      {{"version", "please"}, "unexpected operand"},
  };
  for (const Misuse& misuse : kMisuses) {
    const Ran ran = RunEptdiff(misuse.arguments);
    EXPECT_EQ(ran.status, 2) << misuse.says;
    EXPECT_THAT(ran.err, HasSubstr(misuse.says));
    EXPECT_EQ(ran.out, "") << misuse.says;
  }
}

TEST(CommandTest, BadInputIsExitStatusTwoAndSaysWhere) {
  const TestDirectory directory;
  struct BadInput {
    std::string path;
    std::string says;
  };
  const BadInput kInputs[] = {
      {directory.Path("missing.textproto"), "No such file or directory"},
      {directory.path(), "eptdiff triage"},
      {directory.File("a.textproto", "processor {\n  maxphyaddr: 99\n}"),
       "a.textproto:2:3: processor.maxphyaddr: 99 is out of range: 32 to 52"},
      {directory.File("b.textproto", "procesor {}"), "b.textproto:1:"},
      {directory.File("empty.textproto", "\n"), "it is empty"},
      {directory.File("c.textproto", std::string("\x01\x00\x02", 3)),
       "c.textproto:1:1"},
      {directory.File("d.textproto", std::string(2 << 20, ' ')),
       "the limit of such a file"},
      {directory.File("e", std::string(kMaxEncodedBytes + 1, '\x01')),
       "the limit of the byte encoding"},
      {directory.File("f", "no case, but text\n"), "f:1:"},
  };
  for (const BadInput& input : kInputs) {
    for (const char* subcommand : {"run", "explain", "minimize", "convert"}) {
      const Ran ran = RunEptdiff({subcommand, input.path});
      EXPECT_EQ(ran.status, 2) << subcommand << " " << input.says;
      EXPECT_THAT(ran.err, HasSubstr(input.says)) << subcommand;
      EXPECT_EQ(ran.out, "") << subcommand << " " << input.says;
    }
  }
}

TEST(CommandTest, RunAgrees) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  const Ran ran = RunEptdiff({"run", file});
  EXPECT_EQ(ran.status, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr(file), HasSubstr("engine    agrees"),
                             HasSubstr("3 answers compared")));
  EXPECT_EQ(RunEptdiff({"run", "--quiet", file}).out, "");
}

TEST(CommandTest, RunGoesOnAfterABadFile) {
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"run", directory.Path("missing"),
                              directory.File("a.textproto", kReadOnlyPage)});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.out, HasSubstr("2 cases: 1 agree, 0 disagree"));
}

TEST(CommandTest, RunSaysThatNobodyCouldAnswer) {
  if (MakeBochsOracle() == nullptr) GTEST_SKIP() << "built without Bochs";
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"run", "--oracles", "bochs",
                              directory.File("a.textproto", kFiveLevels)});
  EXPECT_EQ(ran.status, 3) << ran.out;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("5-level EPT is not modelled"),
                             HasSubstr("nobody could answer")));
}

// What a case says must be answered is asked of those who answer: not of Bochs
// where it abstains, nor where it departs as it is known to.
TEST(CommandTest, RunHoldsToExpectationsOnlyThoseWhoAnswer) {
  if (MakeBochsOracle() == nullptr) GTEST_SKIP() << "built without Bochs";
  constexpr char kFolder[] =
      EPTDIFF_SOURCE_DIR "/corpus/conformance/kvm-unit-tests/";
  const std::string departs = absl::StrCat(
      kFolder, "ept_access_test_paddr_read_execute_ad_enabled/pt-ad.textproto");
  const std::string abstains = absl::StrCat(
      kFolder, "test_mode_based_execute_control/ept-alone.textproto");
  const Ran ran = RunEptdiff({"run", "--oracles", "bochs", departs, abstains});
  EXPECT_EQ(ran.status, 3) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("1 agree, 0 disagree, 1 unanswered"));
}

TEST(CommandTest, RunSaysThatThereIsNothingButVmEntry) {
  if (MakeBochsOracle() == nullptr) GTEST_SKIP() << "built without Bochs";
  const TestDirectory directory;
  const Ran ran = RunEptdiff(
      {"run", "--oracles", "bochs",
       directory.File("a.textproto",
                      "processor { ept_vpid_cap: 0x34041 } controls { primary: "
                      "0x80000000 secondary: 0x2 eptp: 0x101e }")});
  EXPECT_EQ(ran.status, 3) << ran.out;
  EXPECT_THAT(ran.out, HasSubstr("no answer: VM-entry checks"));
}

TEST(CommandTest, ExplainTellsTheWalk) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  const Ran ran = RunEptdiff({"explain", file});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("MAXPHYADDR 46"), HasSubstr("WB, 4 levels"),
            HasSubstr("PML4E at 0x1000 = 0x2007: read, write, execute, table "
                      "at 0x2000"),
            HasSubstr("PDE at 0x3000 = 0x2000b1: read, 2-MByte page at "
                      "0x200000, WB"),
            HasSubstr("completes at 0x201234 (2-MByte page, WB"),
            HasSubstr("VIO-3 at the PDE forbids it: data write, bit 1 clear"),
            HasSubstr("=> VM exit 48 (EPT violation)"),
            HasSubstr("undefined bits: 6, 9,"),
            HasSubstr("engine agrees: VM exit 48"), Not(HasSubstr("\x1b["))));
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80u) << line;
  }
}

// 32-bit paging with a page directory at guest-physical 0x5000 and a page table
// at 0x6000: a page that EPT does not map, and a read-only one.
TEST(CommandTest, ExplainTellsTheGuestsEntriesAndTheWayToThem) {
  constexpr char kGuest[] =
      "processor { ept_vpid_cap: 0x6334141 }\n"
      "controls { primary: 0x80000000 secondary: 0x2 eptp: 0x101e }\n"
      "guest { cr0: 0x80010021 cr3: 0x5000 cr4: 0x2000 rflags: 2 cpl: 3 }\n"
      "memory { address: 0x1000 value: 0x2007 }\n"
      "memory { address: 0x2000 value: 0x3007 }\n"
      "memory { address: 0x3000 value: 0x4007 }\n"
      "memory { address: 0x4028 value: 0x9037 }\n"
      "memory { address: 0x4030 value: 0xa037 }\n"
      "memory { address: 0x9000 value: 0x600500006007 }\n"
      "memory { address: 0xa000 value: 0x200700000000 }\n"
      "step { linear_access { kind: WRITE gla: 0x1234 } }\n"
      "step { linear_access { kind: WRITE gla: 0x401234 } }\n";
  const TestDirectory directory;
  const Ran ran = RunEptdiff({"explain", "--oracles", "engine",
                              directory.File("a.textproto", kGuest)});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(
      ran.out,
      AllOf(HasSubstr("guest: CPL 3, 32-bit paging, CR3 0x5000, WP"),
            HasSubstr("\n        PTE at 0x4028 = 0x9037: read, write"),
            HasSubstr("\n    guest PDE at 0x9000 = 0x6007: writable, user, "
                      "table at 0x6000"),
            HasSubstr("\n    guest PTE at 0xa004 = 0x2007: writable, user, "
                      "4-KByte page at 0x2000"),
            HasSubstr("VIO-1 at the PTE forbids it"),
            HasSubstr("GW-7 at the guest PTE forbids it"),
            HasSubstr("its flags are set the same way"),
            HasSubstr("#PF, error code 0x7 (P, W/R, U/S), CR2 0x401234")));
  // Each way once, though the flags of an entry take it again.
  const std::string first = ran.out.substr(0, ran.out.find("step 2"));
  const std::string way = "\n        PTE at 0x4028";
  EXPECT_EQ(first.find(way), first.rfind(way));
}

// The flags of two entries may be refused first, in any order with the accessed
// flags above them.
TEST(CommandTest, ExplainTellsEachAlternativeOnce) {
  const Ran ran = RunEptdiff({"explain", "--oracles", "engine",
                              EPTDIFF_SOURCE_DIR
                              "/corpus/deviations/bochs-3.0/vio-8.textproto"});
  const std::string last = ran.out.substr(ran.out.find("step 1"));
  const std::string first = "undefined bits: 0, 6, 9, 10, 11, 14, GPA 0x3000";
  EXPECT_EQ(last.find(first), last.rfind(first)) << last;
  EXPECT_THAT(last, HasSubstr("14, GPA 0x4000"));
}

TEST(CommandTest, ColourIsForTerminalsOrOnDemand) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  EXPECT_THAT(RunEptdiff({"explain", "--color=always", file}).out,
              HasSubstr("\x1b["));
  EXPECT_THAT(RunEptdiff({"explain", "--color", "never", file}).out,
              Not(HasSubstr("\x1b[")));
}

TEST(CommandTest, ConvertThereAndBackIsTheSame) {
  const TestDirectory directory;
  const std::string text = directory.File("a.textproto", kReadOnlyPage);
  const std::string bytes = directory.Path("a");
  const std::string canonical = directory.Path("b.textproto");
  const std::string again = directory.Path("c.textproto");
  ASSERT_EQ(
      RunEptdiff({"convert", text, "--to", "text", "-o", canonical}).status, 0);
  ASSERT_EQ(RunEptdiff({"convert", text, "-o", bytes}).status, 0);
  ASSERT_EQ(RunEptdiff({"convert", bytes, "-o", again}).status, 0);
  EXPECT_EQ(ContentOf(bytes)[0], kEncodingVersion);
  EXPECT_EQ(ContentOf(again), ContentOf(canonical));
  EXPECT_EQ(RunEptdiff({"convert", bytes}).out, ContentOf(canonical));
  EXPECT_EQ(RunEptdiff({"run", bytes}).status, 0);
}

TEST(CommandTest, FailedWriteIsReportedAndLeavesNothing) {
  const TestDirectory directory;
  const std::string text = directory.File("a.textproto", kReadOnlyPage);
  const Ran full = RunEptdiff({"convert", text, "-o", "/dev/full"});
  EXPECT_EQ(full.status, 4);
  EXPECT_THAT(full.err, HasSubstr("No space left on device"));
  const Ran nowhere =
      RunEptdiff({"convert", text, "-o", directory.Path("no/such/file")});
  EXPECT_EQ(nowhere.status, 4);
  // A directory takes no file's place, and no temporary file stays behind.
  std::filesystem::create_directory(directory.Path("d"));
  EXPECT_EQ(RunEptdiff({"convert", text, "-o", directory.Path("d")}).status, 4);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(directory.path())) {
    ++files;
  }
  EXPECT_EQ(files, 2u);  // a.textproto and d
}

// As bash does on a tabulator after these words.
TEST(CommandTest, BashCompletesCommandsOptionsAndRules) {
  struct Completion {
    std::string words;
    std::string replies;
  };
  const Completion kCompletions[] = {
      {"exp", "explain"},
      {"run --q", "--quiet"},
      {"fuzz --max", "--max-length"},
      {"minimize -o", "-o"},
      {"rules VIO-1", "VIO-1 VIO-10 VIO-11 VIO-12 VIO-13 VIO-14 VIO-15"},
      {"dialect boc", "bochs-3.0 bochs-2026-08"},
      {"run --dialect CFG-9/o", "CFG-9/off"},
      {"run corpus/se", ""},  // bash's own: a file
  };
  const TestDirectory directory;
  const std::string script =
      directory.File("completion", RunEptdiff({"completion"}).out);
  for (const auto& [words, replies] : kCompletions) {
    const std::string command = absl::StrCat(
        "bash -c '. \"", script, "\"; COMP_WORDS=(\"", EPTDIFF_BINARY, "\" ",
        words, "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _eptdiff; ",
        "echo \"${COMPREPLY[*]}\"' >'", directory.Path("replies"), "'");
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    EXPECT_EQ(ContentOf(directory.Path("replies")), replies + "\n") << words;
  }
}

TEST(CommandTest, RulesAreListedWithTheirSections) {
  const Ran ran = RunEptdiff({"rules"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("CFG-8     SDM table 29-3\n"),
                             HasSubstr("1-GByte leaf: any of bits 29:12")));
}

TEST(CommandTest, SeveralCasesAreExplained) {
  const TestDirectory directory;
  const std::string a = directory.File("a.textproto", kReadOnlyPage);
  const std::string b = directory.File("b.textproto", kFiveLevels);
  const Ran ran = RunEptdiff({"explain", a, b});
  EXPECT_EQ(ran.status, 0) << ran.err;
  EXPECT_THAT(ran.out, AllOf(StartsWith(a + "\n"), HasSubstr("\n\n" + b)));
}

// By whatever name it was met: in a report, in a signature, as a family.
TEST(CommandTest, OneRuleIsToldWithItsMistakes) {
  for (const char* name : {"VIO-8", "vio-8", "VIO-8/walk-updates-unchecked",
                           "eptdiff-bochs-event-VIO-8-PTE"}) {
    const Ran ran = RunEptdiff({"rules", name});
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_THAT(
        ran.out,
        AllOf(StartsWith("VIO-8     SDM 29.3.3.2\n"),
              HasSubstr("          VIO-8/walk-updates-unchecked: the walk"),
              HasSubstr("in bochs-3.0,"), Not(HasSubstr("VIO-9"))));
  }
  EXPECT_THAT(RunEptdiff({"rules", "SPP"}).out,
              AllOf(StartsWith("SPP-1 "), HasSubstr("\nSPP-8 ")));
}

TEST(CommandTest, CasesThatDecideARuleAreNamed) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  for (const auto& [rule, says] :
       {std::pair("VIO-3", "decided by 1 case, the smallest first:\n  " + file),
        std::pair("SPP-3", std::string("decided by 0 cases\n"))}) {
    const Ran ran = RunEptdiff({"rules", rule, "--corpus", directory.path()});
    EXPECT_EQ(ran.status, 0);
    EXPECT_THAT(ran.out, HasSubstr(says));
  }
}

TEST(CommandTest, RulesSayWhatACorpusDecides) {
  const TestDirectory directory;
  directory.File("a.textproto", kReadOnlyPage);
  const Ran ran = RunEptdiff({"rules", "--corpus", directory.path()});
  EXPECT_EQ(ran.status, 0);
  // The write is refused by VIO-3; nothing here has to do with CFG-8.
  EXPECT_THAT(ran.out, ::testing::ContainsRegex("VIO-3 +1  "));
  EXPECT_THAT(ran.out, ::testing::ContainsRegex("CFG-8 +0  "));
  EXPECT_THAT(ran.out, AllOf(HasSubstr("1 cases decide"),
                             ::testing::ContainsRegex("undecided:.* CFG-8")));
  // ... in the only situation there is: no paging, a 2-MByte leaf.
  EXPECT_THAT(ran.out,
              HasSubstr("VIO-3     none     - - - - - -     . . . 1 ."));
  EXPECT_THAT(ran.out, HasSubstr("guest paging, undecided: GW-1 in none"));
}

TEST(CommandTest, DialectsAreListedInWords) {
  const Ran bochs = RunEptdiff({"dialect", "bochs-3.0"});
  EXPECT_EQ(bochs.status, 0);
  EXPECT_THAT(bochs.out, AllOf(HasSubstr("WALK-2/off (SDM 29.3.2"),
                               HasSubstr("instead of QUAL-6: ")));
  EXPECT_THAT(RunEptdiff({"dialect"}).out, HasSubstr("CFG-8/off"));
  EXPECT_THAT(RunEptdiff({"dialect", "sdm"}).out, HasSubstr("0 departures"));
}

// Bit 12 of a 2-MByte leaf is reserved (CFG-9). The engine with this fault
// takes it for no more than an address bit.
const std::vector<std::string> kPlanted = {"EPTDIFF_PLANT=large-leaf-bit-12"};
constexpr char kPlantedSignature[] = "eptdiff-engine-event-CFG-9-PDE";

// kReadOnlyPage with bit 12 set in its leaf, and much besides.
std::string ReservedBitCase(int words) {
  std::string text(kReadOnlyPage);
  text.replace(text.find("0x2000b1"), 8, "0x2010b1");
  for (int i = 0; i < words; ++i) {
    text +=
        "memory { address: " + std::to_string(0x9000 + 8 * i) + " value: 7 }\n";
  }
  return text;
}

TEST(CommandTest, RunReportsADisagreementFieldByField) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", ReservedBitCase(0));
  EXPECT_EQ(RunEptdiff({"run", file}).status, 0);
  const Ran ran = RunEptdiff({"run", "--quiet", file}, kPlanted);
  EXPECT_EQ(ran.status, 1) << ran.out;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr(file), HasSubstr(kPlantedSignature),
                    HasSubstr("event: expected VM exit, given completes"),
                    HasSubstr("expected: VM exit 49 (EPT misconfiguration)"),
                    HasSubstr("CFG-9 (SDM table 29-5): 2-MByte leaf")));
  EXPECT_THAT(RunEptdiff({"run", file}, {"EPTDIFF_PLANT=large-leaf"}).err,
              HasSubstr("did you mean large-leaf-bit-12?"));
}

TEST(CommandTest, MinimizeKeepsTheFinding) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", ReservedBitCase(50));
  const std::string out = directory.Path("small.textproto");
  ASSERT_EQ(RunEptdiff({"minimize", file, "-o", out}, kPlanted).status, 0);
  const std::string text = ContentOf(out);
  EXPECT_THAT(text,
              AllOf(HasSubstr(kPlantedSignature), HasSubstr("rule: \"CFG-9\""),
                    HasSubstr("sdm_section: \"table 29-5\""),
                    HasSubstr("explanation:"), HasSubstr("expected:")));
  // PML4E, PDPTE, PDE.
  std::size_t words = 0;
  for (std::size_t at = 0; (at = text.find("memory {", at)) != text.npos;
       ++at) {
    ++words;
  }
  EXPECT_EQ(words, 3u) << text;
  EXPECT_EQ(RunEptdiff({"run", out}, kPlanted).status, 1);
  EXPECT_EQ(RunEptdiff({"run", out}).status, 0);
  EXPECT_EQ(RunEptdiff({"minimize", out}, kPlanted).out, text);
}

// A page is mapped, written, made read-only, and written again.
constexpr char kTableCase[] =
    "processor { ept_vpid_cap: 0x6334141 }\n"
    "controls { primary: 0x80000000 secondary: 0x2 eptp: 0x10001e }\n"
    "step { table_operation { kind: MAP_REGION gpa: 0x3000 hpa: 0x9000\n"
    "         bytes: 0x4000 flags: 0x37 } }\n"
    "step { guest_physical_access { kind: READ gpa: 0x4000 } }\n"
    "step { guest_physical_access { kind: WRITE gpa: 0x3008 } }\n"
    "step { table_operation { kind: PROTECT gpa: 0x3000 flags: 0x35 } }\n"
    "step { guest_physical_access { kind: WRITE gpa: 0x3008 } }\n";
const std::vector<std::string> kNoInvept = {
    "EPTDIFF_PLANT=builder-invept-missing-for-write"};

TEST(CommandTest, CasesAboutBuildersAreRunAndExplained) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kTableCase);
  const Ran good = RunEptdiff({"run", file});
  EXPECT_EQ(good.status, 0) << good.out;
  EXPECT_THAT(good.out, HasSubstr("builder   agrees (7 answers compared)"));
  const Ran bad = RunEptdiff({"run", file}, kNoInvept);
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.out,
              AllOf(HasSubstr("DISAGREES at step 5"),
                    HasSubstr("eptdiff-builder-stale-right-CACHE-9-PTE"),
                    HasSubstr("CACHE-9 (SDM 29.4.3.4)")));
  EXPECT_THAT(
      RunEptdiff({"explain", file}).out,
      AllOf(HasSubstr("step 4: protect the page at guest-physical 0x3000"),
            HasSubstr("stores PTE at 0x"), HasSubstr("INVEPT with EPTP"),
            HasSubstr("VIO-3 at the PTE")));
  EXPECT_THAT(RunEptdiff({"explain", file}, kNoInvept).out,
              HasSubstr("may go by 1 cached path instead"));
}

TEST(CommandTest, CasesAboutBuildersAreMinimized) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kTableCase);
  const std::string out = directory.Path("small.textproto");
  ASSERT_EQ(RunEptdiff({"minimize", file, "-o", out}, kNoInvept).status, 0);
  const std::string text = ContentOf(out);
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("signature: \"eptdiff-builder-stale-right-CACHE-9-PTE\""),
            HasSubstr("sdm_section: \"29.4.3.4\""),
            HasSubstr("kind: MAP flags: 0x"), HasSubstr("kind: PROTECT flags"),
            HasSubstr("guest_physical_access { kind: WRITE }")));
  EXPECT_EQ(RunEptdiff({"run", out}, kNoInvept).status, 1);
  EXPECT_EQ(RunEptdiff({"run", out}).status, 0);
  EXPECT_EQ(RunEptdiff({"minimize", out}, kNoInvept).out, text);
}

TEST(CommandTest, AnAlterationCanBePlanted) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  const Ran ran = RunEptdiff({"run", file}, {"EPTDIFF_PLANT=VIO-3/off"});
  EXPECT_EQ(ran.status, 1) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("eptdiff-engine-event-VIO-3-PDE"));
  EXPECT_THAT(RunEptdiff({"run", file}, {"EPTDIFF_PLANT=VIO-3/of"}).err,
              HasSubstr("did you mean VIO-3/off?"));
}

// A terminal of 40 columns.
TEST(CommandTest, TerminalsGetNeitherBytesNorLinesThatWrap) {
  winsize size = {24, 40, 0, 0};
  int master = -1, slave = -1;
  char name[PATH_MAX];
  ASSERT_EQ(openpty(&master, &slave, name, nullptr, &size), 0);
  std::FILE* terminal = fdopen(slave, "w");
  setenv("TERM", "xterm", 1);
  EXPECT_EQ(CutToTerminal(std::string(80, 'x'), terminal).size(), 39u);
  EXPECT_EQ(CutToTerminal("short", terminal), "short");
  setenv("TERM", "dumb", 1);
  EXPECT_EQ(CutToTerminal(std::string(80, 'x'), terminal).size(), 80u);
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", kReadOnlyPage);
  const Ran ran = RunEptdiffTo(name, {"convert", file});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("name a file with -o"));
  std::fclose(terminal);
  close(master);
}

TEST(CommandTest, MinimizeNeedsADisagreement) {
  const TestDirectory directory;
  const std::string file = directory.File("a.textproto", ReservedBitCase(0));
  const Ran ran = RunEptdiff({"minimize", file});
  EXPECT_EQ(ran.status, 2);
  EXPECT_THAT(ran.err, HasSubstr("nobody disagrees"));
  EXPECT_THAT(RunEptdiff({"minimize", file, "--signature", "x"}, kPlanted).err,
              HasSubstr(std::string("it shows ") + kPlantedSignature));
}

TEST(CommandTest, TriageLeavesOneCaseForEachSignature) {
  const TestDirectory directory;
  const std::string artifacts = directory.Path("artifacts");
  const std::string out = directory.Path("regressions");
  std::filesystem::create_directory(artifacts);
  // As libFuzzer, ClusterFuzzLite and ClusterFuzz name them.
  int bits = 10;
  for (const char* name : {"/crash-0", "/walk_fuzzer-address-crash-1",
                           "/clusterfuzz-testcase-minimized-walk_fuzzer-2"}) {
    const std::string text =
        directory.File("a.textproto", ReservedBitCase(bits++));
    ASSERT_EQ(RunEptdiff({"convert", text, "-o", artifacts + name}).status, 0);
  }
  directory.File("artifacts/timeout-1", "\x01");
  directory.File("artifacts/notes", "no artifact");

  const std::string file = out + "/" + kPlantedSignature + ".textproto";
  const Ran first = RunEptdiff({"triage", artifacts, "--out", out}, kPlanted);
  EXPECT_EQ(first.status, 1) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr(std::string(kPlantedSignature) +
                                         "\n  3 artifacts, 15 records -> 4"),
                               HasSubstr("timeout-1\n  does not reproduce"),
                               HasSubstr("4 artifacts: 1 signatures")));
  const std::string text = ContentOf(file);
  EXPECT_THAT(text, HasSubstr(kPlantedSignature));

  const Ran second = RunEptdiff({"triage", artifacts, "--out", out}, kPlanted);
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.out, HasSubstr("already in "));
  EXPECT_EQ(ContentOf(file), text);

  // Once the fault is mended nothing reproduces.
  const Ran mended = RunEptdiff({"triage", artifacts, "--out", out});
  EXPECT_EQ(mended.status, 0);
  EXPECT_THAT(mended.out, HasSubstr("0 signatures, 0 crashes, 4 do not"));
}

// An abort, a loop, three gigabytes: each is one finding with the smallest case
// that brings it about, and tells what it is.
TEST(CommandTest, TriageMakesSmallCasesOfCrashes) {
  const struct {
    std::string plant, signature, words;
  } kMisbehaviours[] = {
      {"crash", "eptdiff-engine-crash-SIGABRT", "it crashes (SIGABRT)"},
      {"hang", "eptdiff-engine-hang-time", "it hangs: no answer after 3000"},
      {"memory", "eptdiff-engine-memory-limit", "it takes more than 2048 MByt"},
  };
  const TestDirectory directory;
  const std::string artifacts = directory.Path("artifacts");
  std::filesystem::create_directory(artifacts);
  const std::string text =
      directory.File("a.textproto", ReservedBitCase(/*words=*/3));
  for (const char* name : {"/crash-1", "/timeout-1"}) {
    ASSERT_EQ(RunEptdiff({"convert", text, "-o", artifacts + name}).status, 0);
  }
  for (const auto& [plant, signature, words] : kMisbehaviours) {
    const std::string out = directory.Path(plant);
    const Ran ran = RunEptdiff({"triage", artifacts, "--out", out},
                               {"EPTDIFF_PLANT=" + plant});
    EXPECT_EQ(ran.status, 1) << ran.err;
    EXPECT_THAT(ran.out, AllOf(HasSubstr(signature + "\n  2 artifacts, "),
                               HasSubstr(" -> 4, "), HasSubstr(words),
                               HasSubstr("2 artifacts: 1 signatures, 0 cr")));
    EXPECT_THAT(ContentOf(out + "/" + signature + ".textproto"),
                HasSubstr(signature));
  }
}

}  // namespace
}  // namespace eptdiff
