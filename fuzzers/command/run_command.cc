#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/memory_types/memory_type_panel.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/panel/oracles.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/builder_words.h"
#include "fuzzers/command/words/entry_words.h"
#include "fuzzers/command/words/expected.h"
#include "fuzzers/command/words/finding_words.h"
#include "fuzzers/command/words/style.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Puts each case to the oracles and judges their answers by the reference.\n"
    "FILE is a textproto or holds bytes of the fuzzer; - is the standard "
    "input. A\n.mtrr file is put to the code that --target names.\nExit: 0 all "
    "agree, 1 a disagreement, 2 bad input, 3 a case that "
    "nobody answered.";

struct Tally {
  int agree = 0;
  int disagree = 0;
  int unanswered = 0;
  int bad = 0;

  int ExitStatus() const {
    if (bad > 0) return kExitBadInput;
    if (disagree > 0) return kExitDisagree;
    return unanswered > 0 ? kExitNobodyAnswered : kExitAgree;
  }
};

void RunFile(const std::string& file, Panel& panel, const Style& style,
             bool quiet, Tally& tally) {
  const auto content = ReadCaseFile(file);
  if (!content.ok()) {
    ReportInputError(content.status());
    ++tally.bad;
    return;
  }
  const Case& c = content->text_case.c;
  std::string text;
  bool disagree = false;
  bool answered = false;
  if (HasTableOperations(c)) {
    const BuilderStandings& standings = panel.builder_trial().Run(c);
    disagree = standings.finding.has_value();
    answered = standings.compared > 0;
    text =
        BuilderStandingsText(panel.builder_trial().builder(), standings, style);
  }
  const auto& standings = panel.trial().Run(c);
  for (std::size_t i = 0; i < standings.size(); ++i) {
    if (standings[i].skip == Skip::kTableOperation) continue;
    disagree |= standings[i].disagrees;
    answered |= standings[i].compared > 0;
    text += StandingsText(content->text_case.c, panel.oracle(i), standings[i],
                          style);
  }
  if (const std::string lacks = WhatVmEntryLacks(c); !lacks.empty()) {
    text +=
        Item(2, "VM ENTRY FAILS", style.Bad("VM ENTRY FAILS"),
             absl::StrCat("before the first step; it would accept ", lacks));
  }
  for (const std::string& unmet :
       UnmetExpectations(content->text_case, panel)) {
    disagree = true;
    text += Item(2, "NOT AS EXPECTED", style.Bad("NOT AS EXPECTED"), unmet);
  }
  if (!disagree) {
    for (const std::string& signature : panel.Findings(content->text_case.c)) {
      disagree = true;
      text += Item(2, "INCONSISTENT", style.Bad("INCONSISTENT"), signature);
    }
  }
  ++(disagree ? tally.disagree : answered ? tally.agree : tally.unanswered);
  if (quiet && !disagree && answered) return;
  absl::PrintF("%s\n%s%s", style.Bold(file), text,
               answered ? "" : "  nobody could answer\n");
}

void RunMemoryTypeFile(const std::string& file, MemoryTypePanel& panel,
                       const Style& style, bool quiet, Tally& tally) {
  const auto c = ReadMemoryTypeCase(file);
  if (!c.ok()) {
    ReportInputError(c.status());
    ++tally.bad;
    return;
  }
  const auto standing = panel.Run(c->question, style);
  ++(standing.disagrees     ? tally.disagree
     : standing.is_answered ? tally.agree
                            : tally.unanswered);
  if (quiet && !standing.disagrees && standing.is_answered) return;
  absl::PrintF("%s\n%s%s", style.Bold(file), standing.text,
               standing.is_answered ? "" : "  nobody could answer\n");
}

}  // namespace

int RunCommand(const Arguments& arguments) {
  CommandLine line("run", "FILE...", kAbout);
  OracleOptions options;
  options.AddTo(line);
  options.AddTargetTo(line);
  std::string colour = "auto";
  bool quiet = false;
  line.Colour(&colour);
  line.Flag("quiet", &quiet, "print only what does not agree");
  line.Example("corpus/seeds/vio/read-only-2-mbyte-page.textproto");
  line.Example("--quiet corpus/conformance/kvm-unit-tests/*/*.textproto");
  if (const auto exit = line.Parse(arguments, 1, SIZE_MAX)) return *exit;
  const auto& files = line.operands();
  std::unique_ptr<Panel> panel;
  if (!std::all_of(files.begin(), files.end(), IsMemoryTypeFile)) {
    auto made = options.MakePanel();
    if (!made.ok()) return line.Mistake(made.status().message());
    panel = *std::move(made);
  }
  std::unique_ptr<MemoryTypePanel> memory_types;
  if (std::any_of(files.begin(), files.end(), IsMemoryTypeFile)) {
    auto made = MemoryTypePanel::Make(options.target);
    if (!made.ok()) return line.Mistake(made.status().message());
    memory_types = *std::move(made);
  }

  const Style style(WantsColour(colour, stdout));
  Tally tally;
  for (const std::string& file : files) {
    if (IsMemoryTypeFile(file)) {
      RunMemoryTypeFile(file, *memory_types, style, quiet, tally);
    } else {
      RunFile(file, *panel, style, quiet, tally);
    }
  }
  if (line.operands().size() > 1) {
    absl::PrintF("%d cases: %d agree, %d disagree, %d unanswered, %d bad\n",
                 line.operands().size(), tally.agree, tally.disagree,
                 tally.unanswered, tally.bad);
  }
  return tally.ExitStatus();
}

}  // namespace eptdiff
