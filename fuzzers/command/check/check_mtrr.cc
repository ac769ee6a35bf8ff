#include "fuzzers/command/check/check_mtrr.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/check/mtrr_target_check.h"
#include "fuzzers/command/check/check_progress.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/fuzz/seconds_since.h"
#include "fuzzers/command/words/memory_type_words.h"
#include "fuzzers/text/memory_type_text.h"
#include "fuzzers/text/view.h"
#include "oracle/mtrr/memory_types.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

void Ask(const MtrrCheckOptions& options, MtrrTargetCheck& check) {
  const std::uint64_t given = check.asked();
  const Clock::time_point start = Clock::now();
  CheckProgress progress;
  const auto more = [&] {
    if (Interrupt::Came()) return false;
    if (options.cases != 0) return check.asked() - given < options.cases;
    return SecondsSince(start) < static_cast<double>(options.seconds);
  };
  while (more()) {
    check.TryNew();
    progress.Show(SecondsSince(start), [&] {
      return absl::StrFormat("%d questions  signatures %d", check.asked(),
                             check.signatures());
    });
  }
}

// How many it was asked: those of the kind that it says.
std::uint64_t AskGiven(const std::vector<MtrrQuestion>& given,
                       const MtrrSession& session, MtrrTargetCheck& check) {
  for (const MtrrQuestion& question : given) {
    const bool is_of_page = question.page.has_value();
    if (is_of_page ? session.SaysPages() : session.SaysMemory()) {
      check.Try({question});
    }
  }
  return check.asked();
}

CheckFinding FindingOf(const MtrrFinding& found, const std::string& name) {
  const bool answers = found.reply.incident.kind == IncidentKind::kNone;
  const MtrrRuleInfo& info = InfoOf(found.rule);
  CheckFinding finding;
  finding.signature = found.Signature(name);
  finding.cases = found.count;
  finding.output = found.output;
  finding.step = MemoryTypeQuestionWords(found.question);
  finding.expected = PermittedTypeWords(found.permitted);
  finding.consequence = Consequence::kMemoryType;
  finding.memory_types = {
      .question = found.question,
      .signature = finding.signature,
      .sdm_section = answers ? std::string(info.section) : "",
      .expected = finding.expected};
  if (!answers) {
    finding.consequence = Consequence::kNoAnswer;
    finding.identifier = SignaturePart(found.reply.incident);
    finding.given = finding.sentence = WordsOf(found.reply.incident);
    return finding;
  }
  finding.identifier = std::string(info.name);
  finding.sdm_section = std::string(info.section);
  finding.sentence =
      absl::StrCat("it does not keep to this: ", View(info.words));
  finding.given = MtrrAnswerWords(found.reply.answer);
  return finding;
}

}  // namespace

CheckReport CheckMtrr(MtrrSession& session,
                      const std::vector<MtrrQuestion>& given,
                      const MtrrCheckOptions& options) {
  const Clock::time_point start = Clock::now();
  MtrrTargetCheck check(session, options.seed);
  const std::uint64_t from_corpus = AskGiven(given, session, check);
  Ask(options, check);
  CheckReport report;
  report.kind = CheckedKind::kMemoryTypes;
  report.seconds = SecondsSince(start);
  check.Conclude();
  report.target = options.target;
  report.name = session.name();
  report.cases = report.steps = check.asked();
  report.given = given.size();
  report.unfit = given.size() - from_corpus;
  if (report.unfit != 0) {
    report.remarks.push_back(absl::StrCat(
        report.unfit, " of the corpus ask for what it does not say"));
  }
  if (check.unjudged() != 0) {
    report.remarks.push_back(
        absl::StrCat("not judged: of ", check.unjudged(),
                     " pages it says that it has none such"));
  }
  report.disagreeing = check.disagreeing();
  for (const MtrrFinding& found : check.findings()) {
    report.findings.push_back(FindingOf(found, session.name()));
  }
  for (int i = 0; i < kMtrrRuleCount; ++i) {
    const auto rule = static_cast<MtrrRule>(i);
    if (!check.IsAsked(rule) || check.IsDecided(rule)) continue;
    report.remarks.push_back(
        absl::StrCat("never came up: ", View(InfoOf(rule).name)));
  }
  return report;
}

}  // namespace eptdiff
