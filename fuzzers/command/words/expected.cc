#include "fuzzers/command/words/expected.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/text/view.h"
#include "oracle/judgement/trial.h"

namespace eptdiff {
namespace {

std::string ExpectedEvent(const Expectation& e) {
  switch (e.event) {
    case EventKind::kCompleted:
      return e.hpa.value == 0
                 ? EventKindWords(e.event)
                 : absl::StrFormat("%s at %#x", EventKindWords(e.event),
                                   e.hpa.value);
    case EventKind::kPageFault:
      return absl::StrFormat("%s, error code %#x", EventKindWords(e.event),
                             e.error_code);
    case EventKind::kVmExit:
      break;
    default:
      return EventKindWords(e.event);
  }
  std::string text = absl::StrCat(EventKindWords(e.event), " ", e.exit_reason);
  if (e.qualification_mask != 0) {
    absl::StrAppendFormat(&text, ", qualification %#x (bits %#x)",
                          e.qualification, e.qualification_mask);
  }
  if (e.gpa.value != 0) absl::StrAppendFormat(&text, ", GPA %#x", e.gpa.value);
  return text;
}

class Checker {
 public:
  Checker(const TextCase& text_case, const Panel& panel)
      : expectations_(text_case.expectations), panel_(panel) {}

  void Observe(const StepReport& report) {
    const auto expected = expectations_.find(report.step);
    if (expected == expectations_.end()) return;
    if (report.verdict.standing != Standing::kJudged) return;
    met_.insert(report.step);
    if (report.trace.altered) return;
    const Expectation& expectation = expected->second;
    const Oracle& oracle = panel_.oracle(report.oracle);
    if (!Permits(report.verdict, expectation, report.before) &&
        refused_.insert(report.step).second) {
      Complain("reference", report,
               ExpectedEventWords(report.verdict.alternatives[0]));
    }
    if (report.step == 0 && !oracle.models_entry()) return;
    if (report.finding.conforms &&
        !Fits(report.outcome, expectation, report.before, oracle.fields())) {
      Complain(oracle.name(), report,
               EventWords(report.outcome.event, oracle.fields()));
    }
  }

  void ComplainOfUnmet() {
    for (const auto& [step, expectation] : expectations_) {
      if (met_.contains(step)) continue;
      unmet_.push_back(absl::StrCat("step ", step, ": nobody answers; ",
                                    ExpectationWords(expectation),
                                    " is expected"));
    }
  }

  const std::vector<std::string>& unmet() const { return unmet_; }

 private:
  void Complain(std::string_view who, const StepReport& report,
                const std::string& answer) {
    unmet_.push_back(absl::StrCat(
        "step ", report.step, ": ", View(who), ": ", answer, "; ",
        ExpectationWords(expectations_.at(report.step)), " is expected"));
  }

  const std::map<std::size_t, Expectation>& expectations_;
  const Panel& panel_;
  std::set<std::size_t> met_;
  std::set<std::size_t> refused_;
  std::vector<std::string> unmet_;
};

}  // namespace

std::string ExpectationWords(const Expectation& expectation) {
  std::string text = ExpectedEvent(expectation);
  for (const ExpectedBits& bits : expectation.memory) {
    absl::StrAppendFormat(&text, ", bits %#x of %#x = %#x", bits.mask,
                          bits.address.value, bits.value & bits.mask);
  }
  return text;
}

std::vector<std::string> UnmetExpectations(const TextCase& text_case,
                                           Panel& panel) {
  if (text_case.expectations.empty()) return {};
  Checker checker(text_case, panel);
  panel.trial().set_memory_first(false);
  panel.trial().set_observer(
      [&](const StepReport& report) { checker.Observe(report); });
  const auto& standings = panel.trial().Run(text_case.c);
  panel.trial().set_observer({});
  panel.trial().set_memory_first(true);
  // Where all abstain, nobody is held to anything.
  const bool abstained =
      std::all_of(standings.begin(), standings.end(),
                  [](const Standings& one) { return one.skip != Skip::kNone; });
  if (!abstained) checker.ComplainOfUnmet();
  return checker.unmet();
}

}  // namespace eptdiff
