#include "fuzzers/command/package/man_page.h"

#include <sstream>
#include <string>

#include "fuzzers/command/command_testing.h"
#include "fuzzers/command/subcommands.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::HasSubstr;

TEST(ManPageTest, EachPartOfTheHelpHasItsSection) {
  EXPECT_EQ(ManPage({.name = "eptdiff-run",
                     .summary = "put cases",
                     .version = "1.2",
                     .see_also = {"eptdiff", "eptdiff-fuzz"}},
                    R"(Usage: eptdiff run [OPTION...] FILE...

Puts cases to
.all oracles.

Exit: 0 they agree.

  -q                    say nothing
                        at all
  --oracles LIST-OF-MANY-NAMES
                        who
  --help                this text

Example:
  eptdiff run a\b
)"),
            R"(.TH EPTDIFF-RUN 1 "" "eptdiff 1.2" "User Commands"
.SH NAME
eptdiff-run \- put cases
.SH SYNOPSIS
eptdiff run [OPTION...] FILE...
.SH DESCRIPTION
Puts cases to
\&.all oracles.
.SH EXIT STATUS
0 they agree.
.SH OPTIONS
.TP
.B \-q
say nothing
at all
.TP
.B \-\-oracles LIST\-OF\-MANY\-NAMES
who
.TP
.B \-\-help
this text
.SH EXAMPLES
.nf
  eptdiff run a\eb
.fi
.SH SEE ALSO
.BR eptdiff (1),
.BR eptdiff\-fuzz (1)
)");
}

TEST(ManPageTest, WhatAnOperandMayBeIsOfTheDescription) {
  const std::string help = R"(Usage: eptdiff decode [WHAT] NUMBER

Takes apart.

WHAT is one of:
  pin                   controls

  --help                this text
)";
  ManPageHead head;
  head.name = "eptdiff-decode";
  EXPECT_THAT(ManPage(head, help), HasSubstr(R"(.SH DESCRIPTION
Takes apart.
.PP
WHAT is one of:
.TP
.B pin
controls
.SH OPTIONS
)"));
  head.name = "eptdiff";
  EXPECT_THAT(ManPage(head, help), HasSubstr(".SH SUBCOMMANDS\n.TP\n.B pin\n"));
}

// What roff prints of a page, without headings.
std::string PlainText(const std::string& page) {
  std::istringstream lines(page);
  std::string plain;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(".B ")) line.erase(0, 3);
    if (line.starts_with(".")) continue;
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (line[i] != '\\') {
        plain += line[i];
      } else if (line[++i] != '&') {
        plain += line[i] == 'e' ? '\\' : line[i];
      }
    }
    plain += '\n';
  }
  return plain;
}

// Nothing that --help says is lost, and the words keep their order.
TEST(ManPageTest, SaysWhatTheHelpOfEverySubcommandSays) {
  for (const Subcommand& subcommand : kSubcommands) {
    const std::string help = RunEptdiff({subcommand.name, "--help"}).out;
    const std::string page =
        PlainText(ManPage({"eptdiff-x", "summary", "1", {}}, help));
    std::istringstream helps(help), pages(page);
    std::string of_page, of_help;
    while (helps >> of_help) {
      if (of_help == "Usage:" || of_help == "Exit:" || of_help == "Example:" ||
          of_help == "Examples:") {
        continue;
      }
      while (pages >> of_page && of_page != of_help) continue;
      ASSERT_EQ(of_page, of_help) << subcommand.name << "\n" << page;
    }
  }
}

TEST(ManPageTest, TheHelpNamesTheSubcommands) {
  const auto rows = RowsOf(RunEptdiff({"--help"}).out);
  ASSERT_EQ(rows.size(), std::size(kSubcommands));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].lead, kSubcommands[i].name);
    EXPECT_THAT(kSubcommands[i].summary, HasSubstr(rows[i].text));
  }
}

}  // namespace
}  // namespace eptdiff
