#include "fuzzers/command/image/machine_report.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/image/machine_finding.h"
#include "fuzzers/command/report/departure_words.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/text/view.h"
#include "oracle/diagnosis/diagnosis.h"
#include "oracle/judgement/judge.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/rule_places.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxRemarks = 8;

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

// Of the named dialects the one that explains most of the findings, and more
// than half of them: what is known comes before what is searched for. None if
// no dialect does.
struct Spoken {
  std::string name;
  Dialect dialect;
  std::size_t explained = 0;
};
std::optional<Spoken> FindSpoken(const LookedList& findings) {
  std::optional<Spoken> best;
  std::size_t all = 0;
  for (const auto& looked : findings) all += looked->problem.empty();
  for (const std::string& name : NamedDialects()) {
    Spoken spoken = {name, *FindDialect(name)};
    if (spoken.dialect.alterations().size() < 2) continue;
    const CachingReference reference(spoken.dialect);
    for (const auto& looked : findings) {
      if (!looked->problem.empty()) continue;
      spoken.explained += Permits(reference, *looked);
    }
    if (2 * spoken.explained <= all) continue;
    if (!best.has_value() || spoken.explained > best->explained) best = spoken;
  }
  return best;
}

// The departure as the report tells it: by the smallest case first, by the
// machine's own case last.
std::vector<CheckFinding> DepartureOf(const Departure& departure,
                                      const Dialect& dialect,
                                      const LookedList& findings,
                                      const Counts& counts,
                                      Clock::time_point end) {
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
  std::vector<const Looked*> showing;
  std::map<std::string, std::uint64_t> shown;
  std::set<std::string> mixed;  // signatures that others show, too
  for (const auto& looked : findings) {
    if (!looked->problem.empty() || place == all.size()) continue;
    const std::string& signature = looked->told->signature;
    if (Needs(dialect, place, *looked)) {
      showing.push_back(looked.get());
      ++shown[signature];
    } else {
      mixed.insert(signature);
    }
  }
  for (const auto& [signature, times] : shown) {
    told.cases += mixed.contains(signature) ? times : counts.at(signature);
  }
  std::vector<CheckFinding> list;
  const Looked* own = showing.empty() ? nullptr : showing.front();
  for (const Looked* looked : showing) {
    list = TellSmaller(alteration, *looked, end, told);
    if (list.empty()) continue;
    own = looked;
    break;
  }
  list.push_back(told);
  if (own != nullptr) TellAsItIs(*own, list.back());
  for (CheckFinding& way : list) {
    way.text_case.signature = way.signature;
    way.text_case.sdm_section = way.sdm_section;
    way.text_case.rules = {way.identifier};
    way.text_case.explanation = way.sentence;
  }
  return list;
}

std::string NameOf(std::size_t finding, std::size_t way) {
  return absl::StrCat("again/", finding, "/", way);
}

void AddDeparture(std::vector<CheckFinding> ways, MachineReport& result) {
  result.report.departures.push_back(ways.front());
  result.ways.push_back(std::move(ways));
}

// What explains these, with what agrees as evidence, too.
std::unique_ptr<Diagnosis> Diagnose(const LookedList& findings,
                                    const LookedList& agreed, FieldSet fields) {
  auto diagnosis = std::make_unique<Diagnosis>(fields);
  const auto observe = [&](const Looked& looked) {
    diagnosis->Observe(looked.c, looked.told->step, looked.before,
                       looked.step(), looked.told->answer);
  };
  for (const auto& looked : agreed) {
    if (looked->agrees) observe(*looked);
  }
  for (const auto& looked : findings) {
    if (!looked->problem.empty()) continue;
    // What differs only where others say nothing no diagnosis of all explains.
    looked->beyond =
        Judge(looked->verdict, looked->before, looked->told->answer, fields)
            .conforms;
    observe(*looked);
  }
  return diagnosis;
}

std::size_t MistakesOf(Diagnosis& diagnosis) {
  const Explanation& explanation = diagnosis.explanation();
  return explanation.departures.size() + explanation.unexplained.size();
}

// Of the dialect's departures, those that the machine's answers need.
std::vector<std::size_t> Needed(const Spoken& spoken,
                                const LookedList& findings) {
  std::vector<std::size_t> needed;
  for (std::size_t i = 0; i < spoken.dialect.alterations().size(); ++i) {
    const CachingReference without(spoken.dialect.Without(i));
    if (std::any_of(findings.begin(), findings.end(), [&](const auto& looked) {
          return !Permits(without, *looked);
        })) {
      needed.push_back(i);
    }
  }
  return needed;
}

void TellSpoken(const Spoken& spoken, const LookedList& findings,
                const Counts& counts, Clock::time_point end,
                MachineReport& result) {
  const auto& all = spoken.dialect.alterations();
  const std::vector<std::size_t> needed = Needed(spoken, findings);
  for (const std::size_t i : needed) {
    Departure departure;
    departure.alteration = all[i];
    AddDeparture(DepartureOf(departure, spoken.dialect, findings, counts, end),
                 result);
  }
  result.report.remarks.push_back(
      absl::StrCat(findings.size(),
                   " of the findings that were told whole are what the "
                   "dialect ",
                   spoken.name, " does, ", needed.size(), " of whose ",
                   all.size(), " departures they need"));
}

// Those that no combination of alterations explains, one for each signature.
void AddUnexplained(const Explanation& explanation, const LookedList& findings,
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
    report.ways.push_back({told});
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

// What was seen of answers that may vary, in the cases that were given.
void AddVariants(const ImageReport& answers, CheckReport& report) {
  for (const ImageReport::Variant& variant : answers.variants) {
    if (variant.of < 2) continue;
    report.remarks.push_back(absl::StrCat(
        "seen ", variant.times, " times of ", variant.of, " in ", variant.name,
        ", step ", variant.step, ": ", VariantWords(variant)));
  }
}

void AddRemarks(const ImageReport& answers, const LookedList& findings,
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
  if (answers.dialect != "sdm") {
    report.remarks.push_back(absl::StrCat("the image judged by the dialect ",
                                          answers.dialect,
                                          ", and told what departs from that"));
  }
  AddVariants(answers, report);
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

// Of where it went, and why it exited, this is all that is told.
std::string VariantWords(const ImageReport::Variant& variant) {
  const Event& event = variant.event;
  std::string words;
  if (event.kind == EventKind::kCompleted) {
    words = absl::StrFormat("completes at 0x%x",
                            event.translations[0].address.value);
  } else if (event.kind == EventKind::kVmExit) {
    words = absl::StrCat("VM exit ", event.exit_reason, " (",
                         ExitReasonWords(event.exit_reason), ")");
  } else if (event.kind == EventKind::kPageFault) {
    words = "#PF";
  } else {
    words = EventWords(event, kAllFields);
  }
  return absl::StrCat(words, variant.kept ? ", by what was kept" : "");
}

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

  FieldSet fields = answers.fields;
  const auto look = [&](const std::vector<ReportedFinding>& list) {
    LookedList all;
    for (const ReportedFinding& told : list) {
      all.push_back(LookAt(told));
      fields &= told.fields;
    }
    return all;
  };
  LookedList findings = look(answers.findings);
  const LookedList agreed = look(answers.agreed);
  const Counts counts = CountsOf(answers);
  auto diagnosis = Diagnose(findings, agreed, fields);
  std::optional<Spoken> spoken = FindSpoken(findings);
  LookedList of_dialect;
  if (spoken.has_value()) {
    const CachingReference reference(spoken->dialect);
    LookedList rest;
    for (auto& looked : findings) {
      const bool explained =
          looked->problem.empty() && Permits(reference, *looked);
      (explained ? of_dialect : rest).push_back(std::move(looked));
    }
    // As few mistakes as explain it.
    auto of_rest = Diagnose(rest, agreed, fields);
    const std::size_t with =
        Needed(*spoken, of_dialect).size() + MistakesOf(*of_rest);
    if (MistakesOf(*of_rest) == 0 || with <= MistakesOf(*diagnosis)) {
      diagnosis = std::move(of_rest);
      findings = std::move(rest);
      TellSpoken(*spoken, of_dialect, counts, end, result);
    } else {
      findings = std::move(rest);
      std::move(of_dialect.begin(), of_dialect.end(),
                std::back_inserter(findings));
      spoken.reset();
    }
  }
  const Explanation& explanation = diagnosis->explanation();
  const Dialect dialect = explanation.dialect();
  for (const Departure& departure : explanation.departures) {
    AddDeparture(DepartureOf(departure, dialect, findings, counts, end),
                 result);
  }
  if (!spoken.has_value()) AddDialects(explanation.departures, report);
  AddUnexplained(explanation, findings, counts, result);
  AddRemarks(answers, findings, report);
  return result;
}

std::vector<GivenCase> CasesToAskAgain(const MachineReport& report) {
  std::vector<GivenCase> cases;
  for (std::size_t i = 0; i < report.ways.size(); ++i) {
    for (std::size_t j = 0; j < report.ways[i].size(); ++j) {
      const CheckFinding& way = report.ways[i][j];
      if (way.has_case) cases.push_back({NameOf(i, j), way.text_case.c});
    }
  }
  return cases;
}

void TakeAgain(const ImageReport& again, MachineReport& report) {
  std::set<std::string> departing;
  for (const ReportedFinding& finding : again.findings) {
    departing.insert(finding.name);
  }
  std::size_t small = 0;
  for (std::size_t i = 0; i < report.ways.size(); ++i) {
    const auto& ways = report.ways[i];
    std::size_t j = 0;
    while (j + 1 < ways.size() && !departing.contains(NameOf(i, j))) ++j;
    small += departing.contains(NameOf(i, j));
    const std::size_t departures = report.report.departures.size();
    (i < departures ? report.report.departures[i]
                    : report.report.findings[i - departures]) = ways[j];
  }
  report.report.remarks.push_back(absl::StrCat(
      "the machine was asked the cases of this report once more, and departs "
      "in ",
      small, " of ", report.ways.size()));
}

}  // namespace eptdiff
