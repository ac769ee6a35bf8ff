#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "fuzzers/command/distill/decided.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/page/rules_page.h"
#include "fuzzers/command/report/decided_report.h"
#include "fuzzers/command/report/rule_description.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/silences.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Lists the rules of EPT: identifier, SDM section (of December 2023, and of "
    "June\n2026), words. RULE is an identifier, a family (CFG), an alteration "
    "or a\nsignature; it is told with the mistakes that are known. With a "
    "corpus, says how\nmany of its cases decide each rule: altering the rule "
    "in the reference changes the\nverdict, so that a wrong implementation "
    "would be noticed. A matrix says the same by\nsituation; of each RULE, the "
    "cases are named.";

void PrintCatalogue() {
  for (const RuleInfo& info : kRules) {
    std::fputs(CatalogueText(info).c_str(), stdout);
  }
}

const char* StanceWords(Stance stance) {
  switch (stance) {
    case Stance::kBoth:
      return "both are permitted";
    case Stance::kUndefined:
      return "what they differ in is not compared";
    case Stance::kFirst:
      return "the reference follows the first";
    case Stance::kNotJudged:
      return "no answer is judged";
  }
  return "";
}

int PrintSilences() {
  constexpr std::size_t kIndent = 4;
  const char* separator = "";
  for (const Silence& silence : kSilences) {
    absl::PrintF("%s%s\n", separator, silence.identifier);
    separator = "\n";
    const auto item = [](const char* lead, absl::string_view text) {
      std::fputs(Item(kIndent, lead, "", text).c_str(), stdout);
    };
    item("SDM:", CitedInBoth(silence.passages));
    item("either:", View(silence.first));
    item("or:", View(silence.second));
    item("here:", StanceWords(silence.stance));
    item("who:", View(silence.who));
    item("rules:", absl::StrReplaceAll(View(silence.rules), {{" ", ", "}}));
  }
  return kExitAgree;
}

struct CorpusCase {
  std::string file;
  Case c;
};

absl::StatusOr<std::vector<CorpusCase>> CasesOf(const std::string& corpus) {
  std::vector<CorpusCase> cases;
  const auto files = CasesUnder(corpus);
  if (!files.ok()) return files.status();
  for (const std::string& file : *files) {
    const auto content = ReadCaseFile(file);
    if (!content.ok()) return content.status();
    cases.push_back({file, content->text_case.c});
  }
  return cases;
}

// The files that decide the rule, those with the smallest cases first.
std::vector<std::string> FilesDeciding(Rule rule,
                                       std::vector<CorpusCase> cases) {
  std::vector<bool> wanted;
  for (const Alteration& alteration : AllAlterations()) {
    wanted.push_back(InfoOf(alteration.slot).rule == rule);
  }
  const DecidedRules decided(/*counting=*/false);
  const auto key = [](const CorpusCase& c) {
    return std::pair(c.c.steps.size() + c.c.memory.size(), c.file);
  };
  std::sort(cases.begin(), cases.end(),
            [&](const CorpusCase& a, const CorpusCase& b) {
              return key(a) < key(b);
            });
  std::vector<std::string> files;
  for (const CorpusCase& c : cases) {
    if (!decided.ToldBy(c.c, wanted).empty()) files.push_back(c.file);
  }
  return files;
}

int Tell(const std::vector<Rule>& rules, const std::string& corpus) {
  std::vector<CorpusCase> cases;
  if (!corpus.empty()) {
    auto read = CasesOf(corpus);
    if (!read.ok()) return ReportInputError(read.status());
    cases = *std::move(read);
  }
  for (const Rule rule : rules) {
    absl::PrintF("%s%s", CatalogueText(InfoOf(rule)), MistakesText(rule));
    if (corpus.empty()) continue;
    const std::vector<std::string> files = FilesDeciding(rule, cases);
    absl::PrintF("          decided by %d case%s%s\n", files.size(),
                 files.size() == 1 ? "" : "s",
                 files.empty() ? "" : ", the smallest first:");
    for (const std::string& file : files) absl::PrintF("  %s\n", file);
  }
  return kExitAgree;
}

}  // namespace

int RulesCommand(const Arguments& arguments) {
  CommandLine line("rules", "[RULE...]", kAbout);
  std::string corpus;
  std::string html;
  bool silences = false;
  line.Text("corpus", "DIR", &corpus, "cases in either notation");
  line.Text("html", "FILE", &html,
            "of --corpus alone: the same as a page to look at");
  line.Flag("silences", &silences,
            "where the SDM is silent or contradicts itself, and both readings");
  line.Example("VIO-8");
  line.Example("VIO-8 --corpus corpus/seeds");
  line.Example("--corpus corpus");
  line.Example("--corpus corpus --html rules.html");
  line.Example("--silences");
  if (const auto exit = line.Parse(arguments, 0, SIZE_MAX)) return *exit;
  if (!html.empty() && (corpus.empty() || !line.operands().empty())) {
    return line.Mistake("--html is of --corpus, without a rule");
  }
  if (absl::Status s = CheckFileCanBeWritten(html); !s.ok()) {
    return ReportOutputError(s);
  }
  if (silences) {
    if (corpus.empty() && line.operands().empty()) return PrintSilences();
    return line.Mistake("--silences stands alone");
  }
  std::vector<Rule> rules;
  for (const std::string& word : line.operands()) {
    const auto meant = RulesMeantBy(word);
    if (!meant.ok()) return line.Mistake(meant.status().message());
    rules.insert(rules.end(), meant->begin(), meant->end());
  }
  if (!rules.empty()) return Tell(rules, corpus);
  if (corpus.empty()) {
    PrintCatalogue();
    return kExitAgree;
  }
  const auto cases = CasesOf(corpus);
  if (!cases.ok()) return ReportInputError(cases.status());
  DecidedRules decided(/*counting=*/true);
  for (const CorpusCase& c : *cases) decided.Add(c.c);
  std::fputs(DecidedText(cases->size(), decided).c_str(), stdout);
  if (html.empty()) return kExitAgree;
  const absl::Status written =
      WriteFile(html, RulesPage(corpus, cases->size(), decided));
  return written.ok() ? kExitAgree : ReportOutputError(written);
}

}  // namespace eptdiff
