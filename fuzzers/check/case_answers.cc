#include "fuzzers/check/case_answers.h"

namespace eptdiff {

void CaseAnswers::Clear() {
  count_ = 0;
  shown_.clear();
}

void CaseAnswers::Add(const TargetOracle& oracle, const Dialect& dialect,
                      KnownDepartures& known, const Case& c,
                      const StepReport& report, const Preceding& preceding) {
  const bool unseen = report.step == 0 && !oracle.models_entry();
  if (unseen || report.verdict.standing != Standing::kJudged) return;
  const Step* step = report.step == 0 ? nullptr : &c.steps[report.step - 1];
  const GuestPagingMode mode = GuestModeOf(report.before.guest);
  if (!report.finding.conforms) {
    if (!keeps_wrong_) return;
    wrong_ = {mode, step, report.trace.consequences, std::nullopt};
    if (!oracle.keeps_translations()) {
      wrong_.observed = ObservedOf(report, step, preceding);
    }
    return;
  }
  if (count_ == answers_.size()) answers_.emplace_back();
  Answer& answer = answers_[count_++];
  answer.mode = mode;
  answer.step = step;
  answer.at_fault.clear();
  const KnownDepartures::Shown* shown = known.Find(report, step);
  if (shown == nullptr) {
    answer.consequences = report.trace.consequences;
    return;
  }
  answer.consequences = shown->consequences;
  for (const std::size_t i : shown->alterations) {
    const Alteration* alteration = dialect.alterations()[i];
    shown_.insert(alteration);
    answer.at_fault.push_back(InfoOf(alteration->slot).rule);
  }
  if (answer.at_fault.empty()) answer.at_fault.push_back(shown->rule);
}

void CaseAnswers::CountIn(RuleAnswers& answers) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const Answer& answer = answers_[i];
    if (answer.at_fault.empty()) {
      answers.Agree(answer.mode, answer.step, answer.consequences);
    } else {
      answers.Disagree(answer.at_fault, answer.mode, answer.step,
                       answer.consequences);
    }
  }
}

}  // namespace eptdiff
