#include "fuzzers/command/image/machine_report.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/report/departure_words.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/reduction/minimizer.h"
#include "fuzzers/text/view.h"
#include "oracle/diagnosis/diagnosis.h"
#include "oracle/judgement/dialect_oracle.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/spine.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/rule_places.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kFindingTime{5};
constexpr std::size_t kMaxRemarks = 8;
constexpr char kAgain[] = "again/";

// A finding of the machine, looked at here.
struct Looked {
  const ReportedFinding* told = nullptr;
  std::shared_ptr<const Case> c;  // as it was moved
  // Judged by the SDM, in `before`.
  MachineState before;
  Verdict verdict;
  Finding finding;
  std::string problem;  // why it is none; "" if it is one
  bool agrees = false;  // with the SDM, after all
  bool beyond = false;  // what is wrong is beyond the diagnosis

  const Step* step() const {
    return told->step == 0 ? nullptr : &c->steps[told->step - 1];
  }
};

std::unique_ptr<Looked> LookAt(const ReportedFinding& told) {
  auto looked = std::make_unique<Looked>();
  looked->told = &told;
  if (told.moved.empty()) {
    looked->problem = "its case is not whole";
    return looked;
  }
  looked->c = std::make_shared<const Case>(DecodeCase(told.moved));
  Spine spine(*looked->c, true);
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

std::string StepText(const Case& c, std::size_t step) {
  return step == 0 ? "VM entry"
                   : absl::StrCat(step, ", ", StepWords(c.steps[step - 1]));
}

// What a case shows of `oracle`, by the SDM.
Standings Judged(Oracle& oracle, const Case& c) {
  const Dialect sdm;
  Trial trial;
  trial.Add(oracle, sdm);
  return trial.Run(c).front();
}

void TellAnswer(const Verdict& verdict, const Finding& finding,
                const Outcome& answer, FieldSet fields, CheckFinding& told) {
  told.expected = ExpectedEventWords(verdict.alternatives[finding.alternative]);
  told.text_case.expected = told.expected;
  told.given = EventWords(answer.event, fields);
  for (const Disagreement& d : finding.disagreements) {
    absl::StrAppend(&told.given, "; ", DisagreementWords(d));
  }
}

// The machine's case and answer, as they are.
void TellAsItIs(const Looked& looked, CheckFinding& told) {
  told.has_case = true;
  told.text_case.c = *looked.c;
  told.signature = SignatureOf("machine", looked.finding);
  told.step = StepText(*looked.c, looked.told->step);
  TellAnswer(looked.verdict, looked.finding, looked.told->answer,
             looked.told->fields, told);
}

// The smallest case in which an oracle that departs so and only so would show
// the same; none if it shows nothing.
bool TellSmallest(const Alteration& alteration, const Looked& looked,
                  Clock::time_point end, CheckFinding& told) {
  DialectOracle stand_in(Dialect().With(alteration));
  const Standings first = Judged(stand_in, *looked.c);
  if (!first.disagrees) return false;
  const Field field = first.finding.disagreements[0].field;
  const Clock::time_point until = std::min(end, Clock::now() + kFindingTime);
  told.text_case.c = Minimize(*looked.c, [&](const Case& smaller) {
    if (Clock::now() >= until) return false;
    const Standings shown = Judged(stand_in, smaller);
    return shown.disagrees && shown.finding.disagreements[0].field == field;
  });
  const Standings last = Judged(stand_in, told.text_case.c);
  told.has_case = true;
  told.signature = SignatureOf("machine", last.finding);
  told.step = StepText(told.text_case.c, last.step);
  TellAnswer(*last.verdict, last.finding, last.outcome, kAllFields, told);
  return true;
}

// Whether the departure is what makes the machine's answer one that fits.
bool Needs(const Dialect& dialect, std::size_t place, const Looked& looked) {
  const CachingReference without(dialect.Without(place));
  Verdict verdict;
  Trace trace;
  without.Judge(looked.before, looked.step(), verdict, trace);
  return verdict.standing == Standing::kJudged &&
         !Judge(verdict, looked.before, looked.told->answer,
                looked.told->fields)
              .conforms;
}

// In how many cases the machine has shown each signature: it tells the first
// few whole, and counts the others.
using Counts = std::map<std::string, std::uint64_t>;

Counts CountsOf(const ImageReport& answers) {
  Counts told;
  for (const ReportedFinding& finding : answers.findings) {
    ++told[finding.signature];
  }
  Counts counts = told;
  for (const ImageReport::Seen& seen : answers.seen) {
    const auto at = counts.find(seen.what);
    if (at != counts.end()) at->second = std::max(at->second, seen.times);
  }
  return counts;
}

CheckFinding DepartureOf(const Departure& departure, const Dialect& dialect,
                         const std::vector<std::unique_ptr<Looked>>& findings,
                         const Counts& counts, Clock::time_point end,
                         Case& asked) {
  const Alteration& alteration = *departure.alteration;
  const RuleInfo& rule = InfoOf(InfoOf(alteration.slot).rule);
  CheckFinding told;
  told.identifier = std::string(rule.identifier);
  told.sdm_section = std::string(rule.section);
  told.sentence = absl::StrCat(View(alteration.words), Likewise(alteration));
  for (const Alteration* other : departure.inseparable) {
    told.inseparable.push_back(AlterationWords(*other));
  }
  const auto& all = dialect.alterations();
  const auto place = static_cast<std::size_t>(
      std::find(all.begin(), all.end(), &alteration) - all.begin());
  const Looked* plain = nullptr;
  std::set<std::string> signatures;
  for (const auto& looked : findings) {
    if (!looked->problem.empty() || place == all.size() ||
        !Needs(dialect, place, *looked)) {
      continue;
    }
    if (plain == nullptr) plain = looked.get();
    signatures.insert(looked->told->signature);
    if (!told.has_case && TellSmallest(alteration, *looked, end, told)) {
      plain = looked.get();
    }
  }
  if (plain != nullptr) asked = *plain->c;
  for (const std::string& signature : signatures) {
    told.cases += counts.at(signature);
  }
  if (!told.has_case && plain != nullptr) TellAsItIs(*plain, told);
  told.text_case.signature = told.signature;
  told.text_case.sdm_section = told.sdm_section;
  told.text_case.rules = {told.identifier};
  told.text_case.explanation = told.sentence;
  return told;
}

// Those that no combination of alterations explains, one for each signature.
void AddUnexplained(const Explanation& explanation,
                    const std::vector<std::unique_ptr<Looked>>& findings,
                    const Counts& counts, MachineReport& report) {
  std::map<std::string, CheckFinding> by_signature;
  for (const auto& looked : findings) {
    const bool unexplained = std::any_of(
        explanation.unexplained.begin(), explanation.unexplained.end(),
        [&](const UnexplainedStep& step) {
          return step.c == looked->c && step.step == looked->told->step;
        });
    if (!looked->problem.empty() || (!unexplained && !looked->beyond)) continue;
    CheckFinding& told = by_signature[SignatureOf("machine", looked->finding)];
    if (told.has_case) continue;
    told.cases = counts.at(looked->told->signature);
    told.identifier = "unexplained";
    told.sentence = "an answer that no known mistake explains";
    TellAsItIs(*looked, told);
    told.text_case.signature = told.signature;
  }
  for (auto& [signature, told] : by_signature) {
    report.asked.push_back(told.text_case.c);
    report.report.findings.push_back(std::move(told));
  }
}

// Of a machine only this is known: whether a rule had a consequence in a step
// that was compared.
void AddRules(const ImageReport& answers, CheckReport& report) {
  std::set<Rule> met;
  if (answers.rules == kRuleCount) {
    for (std::size_t i = 0; i < RulePlace::kCount; ++i) {
      if (i / 8 < answers.met.size() &&
          (answers.met[i / 8] >> (i % 8) & 1) != 0) {
        met.insert(RulePlace::Number(i).rule);
        ++report.places;
      }
    }
  }
  for (const RuleInfo& info : kRules) {
    if (info.rule == Rule::kAlias1) continue;
    RuleReport& rule = report.rules.emplace_back();
    rule.rule = info.rule;
    rule.declared = true;
    rule.decided = met.contains(info.rule);
    rule.answers.agreeing = rule.decided ? 1 : 0;
  }
}

void AddRemarks(const ImageReport& answers,
                const std::vector<std::unique_ptr<Looked>>& findings,
                CheckReport& report) {
  std::map<std::string, std::size_t> problems;
  for (const auto& looked : findings) {
    if (!looked->problem.empty()) ++problems[looked->problem];
  }
  for (const auto& [problem, count] : problems) {
    report.remarks.push_back(
        absl::StrCat(count, count == 1 ? " finding" : " findings",
                     " of the machine left out: ", problem));
  }
  std::set<std::string> signatures;
  for (const ReportedFinding& finding : answers.findings) {
    signatures.insert(finding.signature);
  }
  for (const ImageReport::Seen& seen : answers.seen) {
    if (signatures.contains(seen.what)) continue;
    report.remarks.push_back(absl::StrCat("seen ", seen.times, " times of ",
                                          seen.of, ": ", seen.what));
  }
  std::size_t told = 0;
  for (const ReportedHarnessError& error : answers.harness_errors) {
    if (++told > kMaxRemarks) break;
    report.remarks.push_back(absl::StrCat(
        "the image stopped believing itself (no finding): ", error.words,
        ", in case ",
        error.name.empty() ? absl::StrCat(error.index) : error.name, ", step ",
        error.step));
  }
  if (answers.counts.harness > told) {
    report.remarks.push_back(
        absl::StrCat("cases in which the image stopped believing itself: ",
                     answers.counts.harness));
  }
}

}  // namespace

std::string MachineWords(const AskedMachine& machine) {
  std::string words =
      absl::StrFormat("%s, family %d, model 0x%x, stepping %d",
                      machine.brand.empty() ? machine.vendor : machine.brand,
                      machine.family, machine.model, machine.stepping);
  if (machine.microcode != 0) {
    absl::StrAppendFormat(&words, ", microcode 0x%x", machine.microcode);
  }
  if (!machine.hypervisor.empty()) {
    absl::StrAppend(&words, ", a guest of ", machine.hypervisor);
  }
  return words;
}

MachineReport ReportOfMachine(const ImageReport& answers,
                              const std::string& log,
                              std::chrono::steady_clock::time_point end) {
  MachineReport result;
  CheckReport& report = result.report;
  report.kind = CheckedKind::kMachine;
  report.target = log;
  report.name = "machine";
  report.machine = MachineWords(answers.machine);
  report.seconds = static_cast<double>(answers.counts.milliseconds) / 1000;
  report.cases = answers.counts.cases;
  report.given = std::min(answers.module_cases, answers.counts.cases);
  report.steps = answers.counts.steps;
  report.disagreeing = answers.counts.departs;
  for (const auto& [words, steps] : answers.skips) {
    report.skipped.emplace_back(words, steps);
  }
  AddRules(answers, report);

  std::vector<std::unique_ptr<Looked>> findings;
  Diagnosis diagnosis(answers.fields);
  for (const ReportedFinding& told : answers.findings) {
    const Looked& looked = *findings.emplace_back(LookAt(told));
    if (!looked.problem.empty()) continue;
    diagnosis.Observe(looked.c, told.step, looked.before, looked.step(),
                      told.answer);
  }
  const Counts counts = CountsOf(answers);
  const Explanation& explanation = diagnosis.explanation();
  const Dialect dialect = explanation.dialect();
  for (const Departure& departure : explanation.departures) {
    report.departures.push_back(DepartureOf(departure, dialect, findings,
                                            counts, end,
                                            result.asked.emplace_back()));
  }
  AddDialects(explanation.departures, report);
  AddUnexplained(explanation, findings, counts, result);
  AddRemarks(answers, findings, report);
  return result;
}

std::vector<GivenCase> CasesToAskAgain(const MachineReport& report) {
  std::vector<GivenCase> cases;
  std::size_t number = 0;
  for (const auto* list :
       {&report.report.departures, &report.report.findings}) {
    for (const CheckFinding& finding : *list) {
      const std::string name = absl::StrCat(kAgain, number++);
      if (finding.has_case) cases.push_back({name, finding.text_case.c});
    }
  }
  return cases;
}

void TakeAgain(const ImageReport& again, MachineReport& report) {
  std::set<std::string> departing;
  for (const ReportedFinding& finding : again.findings) {
    departing.insert(finding.name);
  }
  std::size_t number = 0;
  std::size_t small = 0;
  for (auto* list : {&report.report.departures, &report.report.findings}) {
    for (CheckFinding& finding : *list) {
      const Case& asked = report.asked[number];
      if (departing.contains(absl::StrCat(kAgain, number++))) {
        ++small;
      } else if (finding.has_case) {
        finding.text_case.c = asked;
      }
    }
  }
  report.report.remarks.push_back(absl::StrCat(
      "asked once more, the machine departs in ", small, " of the ", number,
      number == 1 ? " smallest case" : " smallest cases",
      small == number ? ""
                      : "; of the others, the case is as it was first asked"));
}

}  // namespace eptdiff
