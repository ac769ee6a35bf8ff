#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "fuzzers/check/cause_search.h"
#include "fuzzers/command/files/embedded_corpus.h"
#include "fuzzers/command/fuzz/causes_by_oracle.h"
#include "fuzzers/command/words/cause_words.h"
#include "fuzzers/experiment/experiments.h"
#include "oracle/declared.h"
#include "oracle/judgement/trial.h"

namespace eptdiff {
namespace {

// One oracle, asked step by step.
class Subject {
 public:
  explicit Subject(Panel& panel) : panel_(panel) {}

  // Of each judged step of `c`, the answer.
  std::vector<Observed> AnswersTo(const Case& c) {
    std::vector<Observed> answers;
    const bool models_entry = panel_.oracle(0).models_entry();
    panel_.trial().set_observer([&](const StepReport& report) {
      if (report.step == 0 && !models_entry) return;
      if (report.verdict.standing != Standing::kJudged) return;
      if (report.outcome.event.kind == EventKind::kGaveUp) return;
      answers.push_back(ObservedOf(
          report, report.step == 0 ? nullptr : &c.steps[report.step - 1]));
    });
    panel_.trial().Run(c);
    panel_.trial().set_observer({});
    return answers;
  }

  // To its last step, or to VM entry; none if that is not judged.
  std::optional<Observed> AnswerTo(const Case& question) {
    std::vector<Observed> answers = AnswersTo(question);
    if (answers.empty() ||
        answers.back().question.steps.size() != question.steps.size()) {
      return std::nullopt;
    }
    return std::move(answers.back());
  }

  std::vector<Observed> Pool() {
    constexpr std::size_t kMost = 2000;
    std::vector<Observed> pool;
    for (const Case& c : EmbeddedCorpus()) {
      if (pool.size() >= kMost) break;
      if (HasTableOperations(c)) continue;
      for (Observed& answer : AnswersTo(c)) pool.push_back(std::move(answer));
    }
    return pool;
  }

 private:
  Panel& panel_;
};

struct Shown {
  std::string signature;
  Observed observed;
};

}  // namespace

std::vector<CommonCause> CausesOfWalker(Panel& panel, const Dialect& dialect,
                                        const CasesBySignature& cases) {
  Subject subject(panel);
  std::vector<Shown> shown;
  std::vector<Observed> departing;
  for (const auto& [signature, c] : cases) {
    std::vector<Observed> answers = subject.AnswersTo(c);
    if (answers.empty() || !answers.back().departs) continue;
    shown.push_back({signature, answers.back()});
    departing.push_back(std::move(answers.back()));
  }
  // The worst is studied first.
  std::sort(shown.begin(), shown.end(), [](const Shown& a, const Shown& b) {
    const Consequence x = ConsequenceOf(a.observed);
    const Consequence y = ConsequenceOf(b.observed);
    return x != y ? x < y : a.signature < b.signature;
  });
  Experiments experiments(
      dialect, panel.oracle(0).fields(), Declared(),
      [&](std::span<const Case> questions,
          std::vector<std::optional<Observed>>& answers) {
        for (const Case& question : questions) {
          answers.push_back(subject.AnswerTo(question));
        }
      },
      [&](std::vector<Observed>& pool) {
        pool = subject.Pool();
        return false;
      });
  for (const Shown& one : shown) {
    // What came before may matter: then its question alone agrees.
    const auto again = subject.AnswerTo(one.observed.question);
    if (!again.has_value() || !again->departs) continue;
    if (!experiments.CauseOf(*again).has_value()) {
      experiments.Study(*again, departing);
    }
  }
  std::map<std::size_t, CommonCause> found;
  for (const Shown& one : shown) {
    const auto cause = experiments.CauseOf(one.observed);
    if (!cause.has_value()) continue;
    found[*cause].words = CauseWords(experiments.causes()[*cause]);
    found[*cause].signatures.push_back(one.signature);
  }
  std::vector<CommonCause> causes;
  for (auto& [number, cause] : found) causes.push_back(std::move(cause));
  return causes;
}

}  // namespace eptdiff
