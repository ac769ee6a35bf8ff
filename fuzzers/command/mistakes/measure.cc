#include "fuzzers/command/mistakes/measure.h"

#include <algorithm>
#include <chrono>
#include <regex>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fuzzers/check/builder_target_check.h"
#include "fuzzers/check/target_check.h"
#include "fuzzers/command/files/embedded_corpus.h"
#include "fuzzers/command/mistakes/planted_mistake.h"
#include "fuzzers/command/mistakes/planting.h"
#include "fuzzers/command/words/cause_words.h"
#include "fuzzers/text/view.h"
#include "oracle/builder/diagnosis/cause_words.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

// The bits that a sentence names: "bit 12", "bits 20:12, 9 and 2".
std::uint64_t BitsIn(const std::string& sentence) {
  static const std::regex& kList =
      *new std::regex("bits? ([0-9:]+(, [0-9:]+)*( and [0-9:]+)?)");
  static const std::regex& kRun = *new std::regex("([0-9]+)(:([0-9]+))?");
  std::uint64_t bits = 0;
  for (std::sregex_iterator list(sentence.begin(), sentence.end(), kList), end;
       list != end; ++list) {
    const std::string runs = (*list)[1];
    for (std::sregex_iterator run(runs.begin(), runs.end(), kRun); run != end;
         ++run) {
      const int high = std::stoi((*run)[1]);
      const int low = (*run)[3].matched ? std::stoi((*run)[3]) : high;
      for (int b = low; b <= high && b < 64; ++b) bits |= 1ull << b;
    }
  }
  return bits;
}

// Whether a sentence says what PlantedMistake::names asks for.
bool Says(const std::string& sentence, const std::string& pattern) {
  if (!pattern.starts_with('@')) {
    return std::regex_search(sentence, std::regex(pattern));
  }
  const std::vector<std::string> parts = absl::StrSplit(pattern, '@');
  if (!parts[2].empty() && !std::regex_search(sentence, std::regex(parts[2]))) {
    return false;
  }
  std::uint64_t wanted = 0;
  for (absl::string_view bit : absl::StrSplit(parts[1], ',')) {
    unsigned number = 0;
    if (absl::SimpleAtoi(bit, &number)) wanted |= 1ull << number;
  }
  return (BitsIn(sentence) & wanted) != 0;
}

bool SaysAny(const std::string& sentence,
             const std::vector<std::string>& patterns) {
  return std::any_of(
      patterns.begin(), patterns.end(),
      [&](const std::string& pattern) { return Says(sentence, pattern); });
}

const std::vector<Case>& Corpus() {
  static const auto& corpus = *new std::vector<Case>(EmbeddedCorpus());
  return corpus;
}

// Reads the report as whoever planted the mistake, which goes by these names
// and has these of its conditions: `sentences` are what is explained of its
// findings.
void ReadReport(const std::vector<std::string>& names,
                const std::vector<std::vector<std::string>>& condition_names,
                const std::vector<std::string>& sentences,
                MistakeResult& result) {
  result.explained = sentences.size();
  if (result.findings == 0) return;
  result.headline = sentences.empty() ? "unexplained" : sentences[0];
  result.named = SaysAny(result.headline, names);
  result.whole = result.named &&
                 std::all_of(condition_names.begin(), condition_names.end(),
                             [&](const std::vector<std::string>& condition) {
                               return SaysAny(result.headline, condition);
                             });
  for (std::size_t i = 1; i < sentences.size(); ++i) {
    absl::StrAppend(&result.headline, "\n      | ", sentences[i]);
  }
}

}  // namespace

MistakeResult Measure(std::uint64_t number, std::uint64_t cases,
                      std::chrono::seconds conclude) {
  MistakeResult result = MeasurePlanted(DrawMistake(number), cases, conclude);
  result.number = number;
  return result;
}

MistakeResult MeasurePlanted(const PlantedMistake& mistake, std::uint64_t cases,
                             std::chrono::seconds conclude) {
  MistakeResult result;
  result.words = mistake.words;
  const Clock::time_point start = Clock::now();
  TargetOracle oracle(PlantedWalker(&mistake), "planted");
  TargetCheck check(oracle, 1);
  check.TryGiven(Corpus());
  const std::uint64_t until = check.statistics().cases() + cases;
  while (check.statistics().cases() < until) {
    check.TryNew(until - check.statistics().cases());
  }
  check.Conclude(Clock::now() + conclude);
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<std::string> sentences;
  for (const TargetDeparture& told : check.departures()) {
    sentences.emplace_back(absl::StrCat(
        View(IdentifierOf(InfoOf(told.departure.alteration->slot).rule)), ": ",
        View(told.departure.alteration->words)));
  }
  const std::vector<TargetCause> causes = check.causes();
  for (const TargetCause& cause : causes) {
    sentences.push_back(CauseWords(cause.cause, cause.likewise));
  }
  result.findings = sentences.size();
  for (const TargetFinding& finding : check.findings()) {
    result.findings += !check.CauseOf(finding, causes).has_value();
  }
  std::vector<std::vector<std::string>> condition_names;
  if (!mistake.condition_names.empty()) {
    condition_names.push_back(mistake.condition_names);
  }
  ReadReport(mistake.names, condition_names, sentences, result);
  result.cases = check.disagreeing();
  result.questions = check.cause_search().asked();
  return result;
}

MistakeResult MeasureBuilder(const BuilderMistake& mistake, std::uint64_t cases,
                             std::chrono::seconds conclude) {
  MistakeResult result;
  result.words = mistake.words;
  const Clock::time_point start = Clock::now();
  const auto session = PlantedBuilderSession(&mistake);
  BuilderTargetCheck check(*session, 1);
  check.TryGiven(Corpus());
  const std::uint64_t until = check.cases() + cases;
  while (check.cases() < until && check.TryNew()) {
  }
  check.Conclude(Clock::now() + conclude);
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  std::vector<std::string> sentences;
  for (const BuilderTargetFinding& finding : check.findings()) {
    sentences.push_back(finding.cause.has_value() ? WordsOf(*finding.cause)
                                                  : finding.reply.Words());
  }
  result.findings = sentences.size();
  ReadReport(mistake.names, mistake.condition_names, sentences, result);
  result.cases = check.disagreeing();
  return result;
}

MistakeTotals TotalsOf(const std::vector<MistakeResult>& results) {
  MistakeTotals totals;
  std::vector<std::size_t> questions;
  for (const MistakeResult& result : results) {
    ++totals.planted;
    if (result.findings == 0) continue;
    ++totals.noticed;
    totals.one += result.findings == 1;
    totals.three += result.findings <= 3;
    totals.named += result.named;
    totals.whole += result.whole;
    questions.push_back(result.questions);
  }
  if (!questions.empty()) {
    std::sort(questions.begin(), questions.end());
    totals.questions = questions[questions.size() / 2];
  }
  return totals;
}

}  // namespace eptdiff
