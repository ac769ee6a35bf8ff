#include "fuzzers/check/builder_causes.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "fuzzers/command/files/embedded_corpus.h"
#include "fuzzers/command/fuzz/causes_by_oracle.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/generation/table_generation.h"
#include "oracle/builder/diagnosis/builder_diagnosis.h"
#include "oracle/builder/diagnosis/cause_words.h"
#include "oracle/builder/diagnosis/symptom_counts.h"
#include "oracle/builder/diagnosis/symptom_log.h"
#include "oracle/builder/judge/builder_trial.h"

namespace eptdiff {
namespace {

// Cases that are like those that are wrong, or right.
constexpr std::size_t kMutated = 3000;

// The rule that is broken, whose symptoms are in the log then.
std::optional<BuilderRule> BrokenIn(BuilderTrial& trial, SymptomLog& log,
                                    const Case& c) {
  const BuilderStandings& standings = trial.Run(c);
  if (!standings.finding.has_value()) return std::nullopt;
  const BuilderFinding& finding = *standings.finding;
  if (log.symptoms().empty()) log.OnFinding(finding.rule, finding.level);
  return finding.rule;
}

std::vector<BuilderAnswer> Ask(BuilderTrial& trial, std::span<const Case> cases,
                               Mistake mistake) {
  const auto right = std::make_unique<SymptomCounts>();
  SymptomLog log(*right);
  log.Watch(mistake);
  trial.set_symptom_log(&log);
  std::vector<BuilderAnswer> answers;
  for (const Case& c : cases) {
    if (!HasTableOperations(c)) continue;
    BuilderAnswer& answer = answers.emplace_back();
    if (BrokenIn(trial, log, c).has_value()) {
      answer.wrong.assign(log.symptoms().begin(), log.symptoms().end());
      answer.at = log.circumstances();
    }
    answer.right.assign(log.passed().begin(), log.passed().end());
  }
  trial.set_symptom_log(nullptr);
  return answers;
}

// A case that is wrong, and what was seen of it.
struct Wrong {
  Case c;
  BuilderRule rule;
  FailingCases failing;
};

class Evidence {
 public:
  explicit Evidence(BuilderTrial& trial)
      : trial_(trial),
        right_(std::make_unique<SymptomCounts>()),
        log_(*right_) {}

  // What goes right tells what sets the rest apart.
  std::optional<Wrong> Run(const Case& c) {
    trial_.set_symptom_log(&log_);
    const std::optional<BuilderRule> rule = BrokenIn(trial_, log_, c);
    trial_.set_symptom_log(nullptr);
    if (!rule.has_value()) return std::nullopt;
    Wrong wrong = {c, *rule, {{}, 1, {}, log_.difference()}};
    wrong.failing.symptoms.assign(log_.symptoms().begin(),
                                  log_.symptoms().end());
    std::sort(wrong.failing.symptoms.begin(), wrong.failing.symptoms.end());
    wrong.failing.seen.Add(log_.circumstances());
    return wrong;
  }
  std::vector<CountedSymptom> Right() const { return right_->List(); }

 private:
  BuilderTrial& trial_;
  const std::unique_ptr<SymptomCounts> right_;
  SymptomLog log_;
};

}  // namespace

std::vector<CommonCause> CausesOfBuilder(Panel& panel,
                                         const CasesBySignature& cases) {
  BuilderTrial& trial = panel.builder_trial();
  Evidence evidence(trial);
  struct Shown {
    std::string signature;
    Wrong wrong;
  };
  std::vector<Shown> shown;
  for (const auto& [signature, c] : cases) {
    if (auto wrong = evidence.Run(c)) {
      shown.push_back({signature, *std::move(wrong)});
    }
  }
  // What is wrong first is told first.
  std::sort(shown.begin(), shown.end(), [](const Shown& a, const Shown& b) {
    return std::tie(a.wrong.rule, a.signature) <
           std::tie(b.wrong.rule, b.signature);
  });
  std::vector<FailingCases> failing;
  std::vector<Case> failed;  // one of each
  std::vector<Case> asked;
  for (const Shown& one : shown) {
    failing.push_back(one.wrong.failing);
    failed.push_back(one.wrong.c);
    asked.push_back(one.wrong.c);
  }
  for (const Case& c : EmbeddedCorpus()) {
    if (HasTableOperations(c)) asked.push_back(c);
  }
  // What is like them goes wrong or right, and says what the mistake is.
  Random random(/*seed=*/1);
  const std::size_t given = asked.size();
  for (std::size_t i = 0; i < kMutated && !shown.empty(); ++i) {
    Case c = i % 2 == 0 ? shown[i / 2 % shown.size()].wrong.c
                        : asked[random.Below(given)];
    MutateTableCase(random.Next(), c);
    asked.push_back(std::move(c));
  }
  for (std::size_t i = shown.size(); i < asked.size(); ++i) {
    const std::optional<Wrong> another = evidence.Run(asked[i]);
    if (!another.has_value()) continue;
    const auto alike = std::find_if(
        failing.begin(), failing.end(), [&](const FailingCases& f) {
          return f.symptoms == another->failing.symptoms;
        });
    if (alike == failing.end()) {
      failing.push_back(another->failing);
      failed.push_back(another->c);
      continue;
    }
    ++alike->cases;
    alike->seen.Add(another->failing.seen);
    alike->difference.Add(another->failing.difference);
  }
  const std::vector<CountedSymptom> right = evidence.Right();
  const std::vector<BuilderCause> found = FindBuilderCauses(
      {failing, right, asked},
      [&](const BuilderCause& cause) {
        const std::size_t smallest = *std::min_element(
            cause.explains.begin(), cause.explains.end(),
            [&](std::size_t a, std::size_t b) {
              return failed[a].steps.size() < failed[b].steps.size();
            });
        return failed[smallest];
      },
      [&](std::span<const Case> questions, Mistake mistake) {
        return Ask(trial, questions, mistake);
      },
      random, std::chrono::steady_clock::time_point::max());
  std::vector<CommonCause> causes;
  std::vector<bool> told(shown.size());
  for (const BuilderCause& cause : found) {
    CommonCause& common = causes.emplace_back();
    common.words = WordsOf(cause);
    for (const std::size_t i : cause.explains) {
      if (i >= shown.size() || told[i]) continue;
      told[i] = true;
      common.signatures.push_back(shown[i].signature);
    }
  }
  return causes;
}

}  // namespace eptdiff
