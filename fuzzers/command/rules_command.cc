#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/case_file.h"
#include "fuzzers/command/command_line.h"
#include "fuzzers/command/corpus.h"
#include "fuzzers/command/decided.h"
#include "fuzzers/command/exit_code.h"
#include "fuzzers/command/report_error.h"
#include "fuzzers/command/rule_matrix.h"
#include "fuzzers/command/style.h"
#include "fuzzers/command/subcommands.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Lists the rules of EPT: identifier, SDM section, words. With a corpus, "
    "says how\nmany of its cases decide each rule: altering the rule in the "
    "reference changes the\nverdict, so that a wrong implementation would be "
    "noticed. A matrix says the same by situation.";

void PrintCatalogue() {
  for (const RuleInfo& info : kRules) {
    absl::PrintF("%-9s SDM %s%s\n%s", info.identifier, info.section,
                 IsAsked(info.rule) ? "" : " (not in the reference yet)",
                 Wrapped(std::string(info.words), 10));
  }
}

// "2 of 3", or the names of the alterations that no case tells from the SDM.
struct Variants {
  std::size_t all = 0;
  std::vector<std::string> untold;
};
Variants VariantsOf(Rule rule, const DecidedRules& decided) {
  Variants variants;
  const auto alterations = AllAlterations();
  for (std::size_t i = 0; i < alterations.size(); ++i) {
    if (InfoOf(alterations[i].slot).rule != rule) continue;
    ++variants.all;
    if (decided.CasesTelling(i) > 0) continue;
    variants.untold.emplace_back(alterations[i].name);
  }
  return variants;
}

void PrintDecided(const DecidedRules& decided, std::size_t cases) {
  std::vector<std::string> undecided;
  absl::PrintF("%-9s %7s  %s\n", "rule", "cases",
               "alterations told from the SDM");
  for (const RuleInfo& info : kRules) {
    if (!IsAsked(info.rule)) continue;
    const Variants variants = VariantsOf(info.rule, decided);
    absl::PrintF(
        "%-9s %7d  %d of %d%s\n", info.identifier,
        decided.CasesDeciding(info.rule), variants.all - variants.untold.size(),
        variants.all,
        variants.untold.empty()
            ? ""
            : absl::StrCat(", not ", absl::StrJoin(variants.untold, ", ")));
    if (decided.CasesDeciding(info.rule) == 0) {
      undecided.emplace_back(info.identifier);
    }
  }
  absl::PrintF("\n%d cases decide %d of %d rules\n", cases, decided.decided(),
               AskedRules());
  if (!undecided.empty()) {
    absl::PrintF("undecided: %s\n", absl::StrJoin(undecided, " "));
  }
}

void PrintMatrix(const RuleMatrix& matrix) {
  std::fputs(
      "\nCases that decide a rule in a situation, by the guest's paging mode, "
      "the access\nand the level of the entry: 9 for nine or more, ? asked and "
      "not decided, . never\nasked, - cannot apply.\n\n",
      stdout);
  std::fputs(matrix.Text().c_str(), stdout);
  const std::vector<std::string> undecided = matrix.UndecidedGuestRules();
  if (undecided.empty()) return;
  std::fputs(
      Item(0, "guest paging, undecided:", "", absl::StrJoin(undecided, ", "))
          .c_str(),
      stdout);
}

}  // namespace

int RulesCommand(const Arguments& arguments) {
  CommandLine line("rules", "", kAbout);
  std::string corpus;
  line.Text("corpus", "DIR", &corpus, "cases in either notation");
  if (const auto exit = line.Parse(arguments, 0, 0)) return *exit;
  if (corpus.empty()) {
    PrintCatalogue();
    return kExitAgree;
  }
  const auto files = CasesUnder(corpus);
  if (!files.ok()) return ReportInputError(files.status());
  DecidedRules decided(/*counting=*/true);
  for (const std::string& file : *files) {
    const auto content = ReadCaseFile(file);
    if (!content.ok()) return ReportInputError(content.status());
    decided.Add(content->text_case.c);
  }
  PrintDecided(decided, files->size());
  PrintMatrix(decided.matrix());
  return kExitAgree;
}

}  // namespace eptdiff
