#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/panel/dialects.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/dialects/silicon_dialects.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Lists what an implementation that speaks the dialect does otherwise than "
    "the SDM.\nNAME is sdm, a Bochs (bochs-3.0), a processor's erratum "
    "(silicon-skylake-sp), or\nalterations separated by commas; without it, "
    "the "
    "names are listed.";

// The names of all alterations, those of a rule together.
std::string NamesByRule() {
  std::string text;
  for (const RuleInfo& info : kRules) {
    std::vector<std::string> names;
    for (const Alteration& alteration : AllAlterations()) {
      if (InfoOf(alteration.slot).rule != info.rule) continue;
      names.emplace_back(alteration.name);
    }
    if (!names.empty()) text += Wrapped(absl::StrJoin(names, " "), 2);
  }
  return text;
}

void Print(const Alteration& alteration) {
  const RuleInfo& rule = InfoOf(InfoOf(alteration.slot).rule);
  absl::PrintF("%s (SDM %s)\n%s", alteration.name, CitedInBoth(rule.section),
               Wrapped(std::string(alteration.words), 4));
  // "off" repeats the rule that it switches off.
  if (alteration.words.find(rule.words) != std::string_view::npos) return;
  std::fputs(
      Wrapped(absl::StrFormat("instead of %s: %s", rule.identifier, rule.words),
              4)
          .c_str(),
      stdout);
}

}  // namespace

int DialectCommand(const Arguments& arguments) {
  CommandLine line("dialect", "[NAME]", kAbout);
  line.Example("bochs-3.0");
  line.Example("silicon-skylake-sp");
  line.Example("CFG-9/off,GW-9/smep-off");
  if (const auto exit = line.Parse(arguments, 0, 1)) return *exit;
  if (line.operands().empty()) {
    absl::PrintF(
        "dialects: %s\n\nalterations (`eptdiff rules RULE` says what they "
        "are):\n%s",
        absl::StrJoin(NamedDialects(), ", "), NamesByRule());
    return kExitAgree;
  }
  const auto dialect = DialectNamed(line.operands()[0]);
  if (!dialect.ok()) return line.Mistake(dialect.status().message());
  const std::size_t departures = dialect->alterations().size();
  absl::PrintF("%s: %d departure%s from the SDM\n", dialect->name(), departures,
               departures == 1 ? "" : "s");
  for (const Alteration* alteration : dialect->alterations()) {
    Print(*alteration);
  }
  for (const SiliconErratum& erratum : kSiliconErrata) {
    if (erratum.dialect != dialect->name()) continue;
    std::fputs(Wrapped(absl::StrCat(View(erratum.processors), ": ",
                                    View(erratum.source)),
                       0)
                   .c_str(),
               stdout);
  }
  return kExitAgree;
}

}  // namespace eptdiff
