#include "fuzzers/command/image/machine_finding.h"

#include <algorithm>
#include <optional>

#include "fuzzers/command/report/told_answer.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/reduction/minimizer.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/spine.h"
#include "oracle/judgement/trial.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kFindingTime{5};

// What a case shows of `oracle`, by the SDM.
Standings Judged(Oracle& oracle, const Case& c) {
  const Dialect sdm;
  Trial trial;
  trial.Add(oracle, sdm);
  return trial.Run(c).front();
}

// Tells what `oracle` shows in `c`.
void TellCase(Oracle& oracle, const Case& c, CheckFinding& told) {
  const Standings shown = Judged(oracle, c);
  told.has_case = true;
  told.text_case.c = c;
  told.signature = SignatureOf("machine", shown.finding);
  told.step = StepText(c, shown.step);
  TellAnswer(*shown.verdict, shown.finding, shown.outcome, kAllFields, told);
}

}  // namespace

std::unique_ptr<Looked> LookAt(const ReportedFinding& told) {
  auto looked = std::make_unique<Looked>();
  looked->told = &told;
  if (told.moved.empty()) {
    looked->problem = "its case is not whole";
    return looked;
  }
  looked->c = std::make_shared<const Case>(DecodeCase(told.moved));
  // What VMFUNC has loaded may matter later on, in a dialect (VE-4).
  const bool switches = std::any_of(
      looked->c->steps.begin(), looked->c->steps.end(),
      [](const Step& step) { return step.kind == StepKind::kEptpSwitch; });
  Spine spine(*looked->c, told.keeps || switches);
  while (!spine.over() && spine.step() < told.step) spine.Advance();
  if (spine.over() || spine.verdict().standing != Standing::kJudged) {
    looked->problem = "the SDM has no say on that step";
    return looked;
  }
  looked->before = spine.before();
  looked->verdict = spine.verdict();
  looked->finding =
      Judge(looked->verdict, looked->before, told.answer, told.fields);
  looked->agrees = looked->finding.conforms;
  if (looked->agrees) {
    looked->problem = "this program finds nothing wrong with the answer";
  }
  return looked;
}

bool Permits(const CachingReference& reference, const Looked& looked) {
  Verdict verdict;
  Trace trace;
  reference.Judge(looked.before, looked.step(), verdict, trace);
  return verdict.standing == Standing::kJudged &&
         Judge(verdict, looked.before, looked.told->answer, looked.told->fields)
             .conforms;
}

bool Needs(const Dialect& dialect, std::size_t place, const Looked& looked) {
  return Permits(CachingReference(dialect), looked) &&
         !Permits(CachingReference(dialect.Without(place)), looked);
}

void TellAsItIs(const Looked& looked, CheckFinding& told) {
  told.has_case = true;
  told.text_case.c = *looked.c;
  told.signature = SignatureOf("machine", looked.finding);
  told.step = StepText(*looked.c, looked.told->step);
  TellAnswer(looked.verdict, looked.finding, looked.told->answer,
             looked.told->fields, told);
}

std::vector<CheckFinding> TellSmaller(const Alteration& alteration,
                                      const Looked& looked,
                                      std::chrono::steady_clock::time_point end,
                                      const CheckFinding& told) {
  DialectOracle stand_in(Dialect().With(alteration));
  const Standings first = Judged(stand_in, *looked.c);
  if (!first.disagrees) return {};
  const Field field = first.finding.disagreements[0].field;
  const Clock::time_point until = std::min(end, Clock::now() + kFindingTime);
  const auto shows = [&](const Case& c) {
    if (Clock::now() >= until) return false;
    const Standings shown = Judged(stand_in, c);
    return shown.disagrees && shown.finding.disagreements[0].field == field;
  };
  const Case careful = Minimize(*looked.c, [&](const Case& c) {
    return c.processor == looked.c->processor &&
           c.controls == looked.c->controls && c.guest == looked.c->guest &&
           shows(c);
  });
  std::vector<CheckFinding> smaller(2, told);
  TellCase(stand_in, Minimize(careful, shows), smaller[0]);
  TellCase(stand_in, careful, smaller[1]);
  return smaller;
}

}  // namespace eptdiff
