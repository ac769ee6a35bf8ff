// The command as its users meet it: help, misuse, bad input, completion,
// conversion, terminals, and writes that fail.
#include <limits.h>
#include <pty.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/cases_testing.h"
#include "fuzzers/command/command_testing.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/version/build_version.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/encoding/encoding.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/bochs/bochs_oracle.h"

namespace eptdiff {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

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
  std::istringstream all(RunEptdiff({"--help"}).out);
  for (std::string line; std::getline(all, line);) {
    EXPECT_LE(line.size(), 80u) << line;
  }
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
      {{"completion", "fisch"}, "did you mean fish?"},
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
  EXPECT_THAT(RunEptdiff({"explain", "-"}).err,
              HasSubstr("the standard input: it is empty, and no case"));
  EXPECT_THAT(RunEptdiff({"import", "-"}).err,
              HasSubstr("the standard input: it is empty"));
  EXPECT_THAT(RunEptdiff({"check", directory.path()}).err,
              HasSubstr("is a directory: name the shared object"));
  for (const BadInput& input : kInputs) {
    for (const char* subcommand : {"run", "explain", "minimize", "convert"}) {
      const Ran ran = RunEptdiff({subcommand, input.path});
      EXPECT_EQ(ran.status, 2) << subcommand << " " << input.says;
      EXPECT_THAT(ran.err, HasSubstr(input.says)) << subcommand;
      EXPECT_EQ(ran.out, "") << subcommand << " " << input.says;
    }
  }
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

// Whether a program of this name is on the PATH.
bool Has(const std::string& program) {
  return std::system(
             absl::StrCat("command -v ", program, " >/dev/null").c_str()) == 0;
}

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
    {"dialect boc",
     "bochs-3.0 bochs-2026-08 bochs-3.0-machine bochs-2.7-machine"},
    {"run --dialect CFG-9/o", "CFG-9/off"},
    {"decode e", "eptp entry error-code"},
    {"decode --level P", "PTE PDE PDPTE PML4E PML5E"},
    {"explain --access f", "fetch"},
    {"completion z", "zsh"},
    {"help dec", "decode"},
    {"--v", "--version"},
};

// What a command of the shell prints, whose $SCRIPT is the completion's file.
std::string PrintedBy(const TestDirectory& directory, const std::string& shell,
                      const std::string& command) {
  const std::string script =
      directory.File(shell, RunEptdiff({"completion", shell}).out);
  const std::string file = directory.File("command", command);
  const std::string run =
      absl::StrCat("SCRIPT='", script, "' ", shell, " '", file, "' >'",
                   directory.Path("out"), "'");
  EXPECT_EQ(std::system(run.c_str()), 0) << command;
  return ContentOf(directory.Path("out"));
}

// As bash does on a tabulator after these words.
TEST(CommandTest, BashCompletesCommandsOptionsAndRules) {
  const TestDirectory directory;
  const auto replies = [&directory](const std::string& words) {
    return PrintedBy(
        directory, "bash",
        absl::StrCat(". \"$SCRIPT\"; COMP_WORDS=(\"", EPTDIFF_BINARY, "\" ",
                     words, "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); ",
                     "_eptdiff; echo \"${COMPREPLY[*]}\""));
  };
  for (const Completion& completion : kCompletions) {
    EXPECT_EQ(replies(completion.words), completion.replies + "\n")
        << completion.words;
  }
  EXPECT_EQ(replies("run corpus/se"), "\n");  // bash's own: a file
  EXPECT_EQ(replies("run --color = al"), "always\n");
  EXPECT_EQ(replies("run --color ="), "auto always never\n");
  // Without a shell's name it is the script for bash.
  EXPECT_EQ(RunEptdiff({"completion"}).out,
            RunEptdiff({"completion", "bash"}).out);
}

TEST(CommandTest, ZshCompletesCommandsOptionsAndRules) {
  if (!Has("zsh")) GTEST_SKIP() << "zsh is not installed";
  const TestDirectory directory;
  const auto replies = [&directory](const std::string& words) {
    // What zsh's own compadd would keep of what it is offered.
    return PrintedBy(
        directory, "zsh",
        absl::StrCat("compadd() { print -r -- ${(M)replies:#$word*}; }\n",
                     "_files() { print files; }; compdef() { : }\n",
                     "compset() { : }\n", "words=('", EPTDIFF_BINARY, "' ",
                     words, "); CURRENT=$#words\n", ". \"$SCRIPT\"; _eptdiff"));
  };
  for (const Completion& completion : kCompletions) {
    EXPECT_EQ(replies(completion.words), completion.replies + "\n")
        << completion.words;
  }
  EXPECT_EQ(replies("run corpus/se"), "files\n");
  EXPECT_EQ(replies("run --color=al"), "always\n");
}

TEST(CommandTest, FishCompletesCommandsOptionsAndRules) {
  if (!Has("fish")) GTEST_SKIP() << "fish is not installed";
  const TestDirectory directory;
  const auto replies = [&directory](const std::string& words) {
    std::string printed = PrintedBy(
        directory, "fish",
        absl::StrCat(
            "set -x HOME '", directory.path(), "'; set PATH '",
            std::filesystem::path(EPTDIFF_BINARY).parent_path().string(),
            "' $PATH; source $SCRIPT; complete -C 'eptdiff ", words, "'"));
    std::replace(printed.begin(), printed.end(), '\n', ' ');
    return printed;
  };
  for (const Completion& completion : kCompletions) {
    // In the order of fish.
    std::istringstream expected(completion.replies);
    const std::string given = " " + replies(completion.words);
    std::size_t size = 1;
    for (std::string word; expected >> word; size += word.size() + 1) {
      EXPECT_THAT(given, HasSubstr(" " + word + " ")) << completion.words;
    }
    EXPECT_EQ(given.size(), size) << completion.words << ":" << given;
  }
  EXPECT_EQ(replies("run --color=al"), "--color=always ");
  directory.File("corpus", "");
  EXPECT_THAT(replies(absl::StrCat("run ", directory.Path("corp"))),
              HasSubstr("corpus"));
}

// From any folder, and whatever is known of a checkout.
TEST(CommandTest, VersionSaysCommitBochsAndEdition) {
  const Ran ran = RunEptdiff({"--version"});
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.out, RunEptdiff({"version"}).out);
  EXPECT_THAT(
      ran.out,
      MatchesRegex("eptdiff [0-9.]+(, commit [0-9a-f]{12})?\n"
                   "(Bochs [0-9.]+|built without Bochs)\n"
                   "SDM of December 2023, with the numbers of June 2026\n"
                   "byte encoding [0-9]+, [0-9]+ rules\n"));
  EXPECT_EQ(std::string(kBuildBochsVersion).empty(),
            MakeBochsOracle() == nullptr);
  const auto git = [](const std::string& arguments) {
    return std::system(absl::StrCat("git -c safe.directory='*' -C '",
                                    EPTDIFF_SOURCE_DIR, "' ", arguments,
                                    " >/dev/null 2>&1")
                           .c_str()) == 0;
  };
  // Newer ones may have been made since it was built.
  if (std::filesystem::exists(absl::StrCat(EPTDIFF_SOURCE_DIR, "/.git")) &&
      git("rev-parse HEAD")) {
    EXPECT_TRUE(git(absl::StrCat("cat-file -e ", kBuildCommit, "^{commit}")));
  } else {
    EXPECT_STREQ(kBuildCommit, "");
  }
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

}  // namespace
}  // namespace eptdiff
