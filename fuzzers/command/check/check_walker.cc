#include "fuzzers/command/check/check_walker.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/check/proven_rules.h"
#include "fuzzers/check/target_check.h"
#include "fuzzers/command/check/check_progress.h"
#include "fuzzers/command/fuzz/interrupt.h"
#include "fuzzers/command/fuzz/seconds_since.h"
#include "fuzzers/command/report/check_rules.h"
#include "fuzzers/command/report/departure_words.h"
#include "fuzzers/command/report/told_answer.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/cause_words.h"
#include "fuzzers/command/words/consequence_words.h"
#include "fuzzers/command/words/stale_words.h"
#include "fuzzers/text/view.h"
#include "oracle/judgement/consequence.h"
#include "oracle/target/profile/profile.h"
#include "oracle/target/session/open_target.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

// Of a run that is bounded in time, what of it may have gone by when no more is
// asked: the rest is for causes, small cases and proofs, of which a target that
// agrees has few, and one whose causes are known has less than others. In any
// case they have so long, in seconds.
constexpr double kAskedIfAgrees = 0.9;
constexpr double kAskedIfSettled = 0.85;
constexpr double kAskedIfNot = 0.7;
constexpr double kConcluded = 0.95;
constexpr double kLeastConclusion = 1;
constexpr double kLeastProof = 0.5;
// Without such a bound, as long at most: many times what it takes, since what
// is bounded in cases is to end the same on a machine that has much else to do.
constexpr double kMostConclusion = 120;
constexpr double kMostProof = 5;

void Show(TargetCheck& check, double seconds, CheckProgress& progress) {
  progress.Show(seconds, [&] {
    const auto cases = check.statistics().cases();
    return absl::StrFormat(
        "%d cases  %.0f/s  situations %d  departures %d  findings %d", cases,
        seconds > 0 ? static_cast<double>(cases) / seconds : 0.0,
        check.situations(), check.dialect().alterations().size(),
        check.findings().size());
  });
}

// An answer of another kind is a mistake of its own for each rule; wrong
// details of a right one may be the same mistake under many.
std::string LikenessOf(const Finding& finding) {
  std::string likeness;
  for (const Disagreement& d : finding.disagreements) {
    if (d.field == Field::kEvent || d.field == Field::kExitReason) return "";
    absl::StrAppend(&likeness, View(NameOf(d.field)), d.index, " ");
  }
  return likeness;
}

// The protection that falls where `c` reaches what the SDM has it not; kNone if
// its step number `step` shows nothing such.
Protection ThatFalls(TargetCheck& check, const Case& c, std::size_t step) {
  Standings standings;
  if (check.SignatureOfCase(c, &standings).empty() || !standings.disagrees ||
      standings.step != step) {
    return Protection::kNone;
  }
  const Alternative& held =
      standings.verdict->alternatives[standings.finding.alternative];
  const Consequence consequence =
      ConsequenceOf(held.event.kind, standings.outcome.event.kind,
                    standings.finding.disagreements);
  if (consequence != Consequence::kReaches) return Protection::kNone;
  return ProtectionThatFalls(held.event, c.steps[step - 1].access.kind);
}

// Against which accesses protection falls: the case with another access each,
// and where that is refused for its rights, with all rights in its words.
void AddProtections(TargetCheck& check, const TargetOracle& oracle,
                    const Case& c, std::size_t step, CheckFinding& finding) {
  constexpr std::uint64_t kRights = 7;  // of EPT; P, R/W, U/S of the guest
  if (step == 0 || finding.consequence != Consequence::kReaches) return;
  const StepKind kind = c.steps[step - 1].kind;
  if (kind != StepKind::kGuestPhysicalAccess &&
      kind != StepKind::kLinearAccess) {
    return;
  }
  const auto add = [&](Case varied) {
    if (!FitTo(oracle.profile(), varied) || varied.steps.size() < step) {
      return false;
    }
    const Protection protection = ThatFalls(check, varied, step);
    if (protection == Protection::kNone) return false;
    finding.protections.insert(protection);
    return true;
  };
  add(c);
  for (const AccessKind access :
       {AccessKind::kRead, AccessKind::kWrite, AccessKind::kFetch}) {
    Case varied = c;
    varied.steps[step - 1].access.kind = access;
    if (add(varied)) continue;
    for (MemoryWord& word : varied.memory) {
      if (word.value != 0) word.value |= kRights;
    }
    add(varied);
  }
}

// Tells what the case of `finding` shows when it is judged by the SDM alone.
void Tell(TargetCheck& check, const TargetOracle& oracle, const Case& c,
          CheckFinding& finding) {
  Standings standings;
  finding.signature = check.SignatureOfCase(c, &standings);
  if (finding.signature.empty()) return;
  finding.has_case = true;
  finding.text_case.c = c;
  finding.text_case.signature = finding.signature;
  finding.text_case.sdm_section = finding.sdm_section;
  if (!finding.sdm_section.empty()) {
    finding.text_case.rules = {finding.breaks.empty() ? finding.identifier
                                                      : finding.breaks};
  }
  finding.text_case.explanation = finding.sentence;
  finding.step = StepText(c, standings.step);
  if (standings.verdict != nullptr) {
    const Alternative& held =
        standings.verdict->alternatives[standings.finding.alternative];
    finding.expected = ExpectedEventWords(held);
    finding.text_case.expected = finding.expected;
  }
  if (oracle.incident().kind != IncidentKind::kNone) {
    finding.consequence = Consequence::kNoAnswer;
    finding.given = "no answer: " + WordsOf(oracle.incident());
    return;
  }
  if (!standings.disagrees) {
    finding.consequence = Consequence::kNoAnswer;
    finding.given = "what is right, but " + WordsOf(oracle.aside());
    return;
  }
  TellAnswer(*standings.verdict, standings.finding, standings.outcome,
             oracle.fields(), finding);
  const std::string stale = StaleWords(c, oracle, standings);
  if (!stale.empty()) finding.consequence = Consequence::kStale;
  if (!stale.empty()) absl::StrAppend(&finding.given, "; it ", stale);
  finding.likeness = LikenessOf(standings.finding);
  AddProtections(check, oracle, c, standings.step, finding);
}

CheckFinding DepartureOf(const TargetDeparture& told, TargetCheck& check,
                         const TargetOracle& oracle) {
  const Alteration& alteration = *told.departure.alteration;
  const RuleInfo& rule = InfoOf(InfoOf(alteration.slot).rule);
  CheckFinding finding;
  finding.identifier = std::string(rule.identifier);
  finding.alteration = std::string(alteration.name);
  finding.sdm_section = std::string(rule.section);
  finding.sentence = absl::StrCat(View(alteration.words), Likewise(alteration));
  finding.cases = told.cases;
  for (const Alteration* other : told.departure.inseparable) {
    finding.inseparable.push_back(AlterationWords(*other));
  }
  if (told.c.has_value()) Tell(check, oracle, *told.c, finding);
  finding.likeness.clear();
  return finding;
}

// What is wrong by a cause that is no rule's: "reaches-ept-write",
// "refuses-exit-48", "tells-wrong-gpa".
std::string EffectName(const TargetCause& found, const CheckFinding& finding) {
  std::string name(NameOf(finding.consequence));
  const Disagreement& first = found.example.disagreements[0];
  switch (finding.consequence) {
    case Consequence::kReaches:
      return finding.protections.empty()
                 ? name
                 : absl::StrCat(name, "-", NameOf(finding.protections));
    case Consequence::kRefuses:
    case Consequence::kOtherEvent: {
      const Event& given = found.example.outcome.event;
      return given.kind == EventKind::kVmExit
                 ? absl::StrCat(name, "-exit-", given.exit_reason)
                 : name;
    }
    case Consequence::kTellsWrong:
    case Consequence::kEffects:
      return absl::StrCat(name, "-", View(NameOf(first.field)),
                          first.field == Field::kQualification ||
                                  first.field == Field::kErrorCode
                              ? absl::StrCat(first.index)
                              : "");
    default:
      return name;
  }
}

// What experiments found out, by the rule that it alters; what alters none, by
// its effect.
CheckFinding FindingOf(const TargetCause& found, TargetCheck& check,
                       const TargetOracle& oracle) {
  CheckFinding finding;
  const Alteration* const alteration = found.cause.effect.alteration;
  const RuleInfo& rule =
      InfoOf(alteration != nullptr ? InfoOf(alteration->slot).rule
                                   : found.example.disagreements[0].why.rule);
  (alteration != nullptr ? finding.identifier : finding.breaks) =
      std::string(rule.identifier);
  finding.sdm_section = std::string(rule.section);
  finding.sentence = CauseWords(found.cause, found.likewise);
  // That it is headed by.
  if (const std::string lead = finding.identifier + ": ";
      alteration != nullptr && finding.sentence.starts_with(lead)) {
    finding.sentence.erase(0, lead.size());
  }
  finding.experiment = ExperimentWords(found.cause);
  for (const Cause& other : found.likewise) {
    const std::vector<std::string> lines = ExperimentWords(other);
    finding.experiment.insert(finding.experiment.end(), lines.begin(),
                              lines.end());
  }
  finding.cases = found.cases;
  Tell(check, oracle, found.c, finding);
  if (oracle.exchange_failed()) {
    absl::StrAppend(&finding.sentence,
                    ", after a compare-exchange of its that failed");
  }
  finding.likeness.clear();
  // Some other answer may be worse than that of the smallest case.
  finding.consequence = std::min(finding.consequence, found.cause.consequence);
  if (alteration == nullptr) finding.identifier = EffectName(found, finding);
  return finding;
}

CheckFinding FindingOf(const TargetFinding& found, TargetCheck& check,
                       const TargetOracle& oracle) {
  CheckFinding finding;
  finding.cases = found.cases;
  finding.output = found.output;
  if (found.incident.kind != IncidentKind::kNone) {
    finding.consequence = Consequence::kNoAnswer;
    finding.identifier = SignaturePart(found.incident);
    finding.sentence = WordsOf(found.incident);
  } else {
    finding.identifier = "unexplained";
    finding.sentence =
        found.exchange_failed
            ? "after a compare-exchange of its that failed, an answer that no "
              "known mistake explains"
            : "an answer that no known mistake explains";
  }
  Tell(check, oracle, found.c, finding);
  finding.signature = found.signature;
  if (!finding.has_case) {
    // It does not show any more: what varies need not.
    finding.has_case = true;
    finding.text_case.c = found.c;
    finding.step = "some step of the case; not every time";
    finding.given = finding.sentence;
  }
  finding.text_case.signature = found.signature;
  return finding;
}

void Prove(const std::vector<Case>& cases, double seconds, TargetOracle& oracle,
           ProvenRules& proven) {
  const Clock::time_point start = Clock::now();
  constexpr std::size_t kPiece = 64;
  for (std::size_t i = 0; i < cases.size() && SecondsSince(start) < seconds;
       i += kPiece) {
    const auto piece =
        std::span(cases).subspan(i, std::min(kPiece, cases.size() - i));
    oracle.Prepare(piece);
    for (const Case& c : piece) proven.Add(c);
  }
}

// What the profile leaves to hardware, and in how many steps that mattered.
void AddLeft(const eptdiff_profile& profile, std::uint64_t steps,
             CheckReport& report) {
  static constexpr struct {
    std::uint32_t leaves;
    const char* words;
  } kLeft[] = {
      {EPTDIFF_LEAVES_EPT_RIGHTS, "rights of EPT entries"},
      {EPTDIFF_LEAVES_EPT_RESERVED_BITS, "reserved bits of EPT entries"},
      {EPTDIFF_LEAVES_EPT_MISCONFIGURATIONS,
       "other misconfigurations of EPT entries"},
      {EPTDIFF_LEAVES_GUEST_RIGHTS, "rights of guest entries"},
      {EPTDIFF_LEAVES_GUEST_RESERVED_BITS, "reserved bits of guest entries"},
  };
  std::vector<std::string> words;
  for (const auto& left : kLeft) {
    if ((profile.leaves & left.leaves) != 0) words.emplace_back(left.words);
  }
  if (words.empty()) return;
  report.remarks.push_back(absl::StrCat(
      "declared: it leaves to hardware ", absl::StrJoin(words, ", "),
      "; of what it was asked, these would have refused ", steps,
      steps == 1 ? " step" : " steps"));
}

// Of what was asked in `seconds`, of which it waited so long for the target.
CheckReport ReportOf(const WalkerCheckOptions& options, TargetCheck& check,
                     TargetOracle& oracle, double seconds, double waited,
                     double proof) {
  CheckReport report;
  report.target = options.target;
  report.name = std::string(oracle.name());
  report.seconds = seconds;
  report.cases = check.statistics().cases();
  report.given = check.given();
  report.unfit = check.unfit();
  report.steps = check.statistics().oracles()[0].compared;
  report.disagreeing = check.disagreeing();
  if (report.cases != 0) {
    report.harness_microseconds =
        (seconds - waited) * 1e6 / static_cast<double>(report.cases);
  }
  report.edges = oracle.edges();
  const OracleCounts& counts = check.statistics().oracles()[0];
  for (std::size_t i = 1; i < kSkipCount; ++i) {
    if (counts.skipped[i] == 0) continue;
    report.skipped.emplace_back(std::string(WordsOf(static_cast<Skip>(i))),
                                counts.skipped[i]);
  }
  ProvenRules proven(oracle);
  Prove(check.kept(), proof, oracle, proven);
  report.rules = ReportRules(check.answers(), proven, oracle.profile());
  for (const TargetDeparture& told : check.departures()) {
    report.departures.push_back(DepartureOf(told, check, oracle));
  }
  std::vector<Departure> departures;
  for (const TargetDeparture& told : check.departures()) {
    departures.push_back(told.departure);
  }
  AddDialects(departures, report);
  const std::vector<TargetCause> causes = check.causes();
  for (const TargetCause& found : causes) {
    report.findings.push_back(FindingOf(found, check, oracle));
  }
  for (const TargetFinding& found : check.findings()) {
    const auto cause = check.CauseOf(found, causes);
    (cause.has_value() ? report.findings[*cause].follows : report.findings)
        .push_back(FindingOf(found, check, oracle));
  }
  NameByEffect(report);
  if (const CauseSearch& search = check.cause_search(); search.asked() != 0) {
    report.remarks.push_back(absl::StrCat(
        "experiments asked ", search.asked(), " questions, and the reference ",
        search.judged(), " times; --effort ", options.effort));
  }
  AddLeft(oracle.profile(), check.left(), report);
  if (const unsigned leaks = oracle.leaks() + check.scouts().leaks;
      leaks != 0) {
    report.remarks.push_back(absl::StrCat(
        "it keeps memory from case to case: its process was replaced ", leaks,
        leaks == 1 ? " time" : " times",
        ", with 768 MBytes more than it had to begin with"));
  }
  for (const auto& other : check.explanation().others) {
    std::string remark = "these explain the same answers:";
    for (const Alteration* alteration : other) {
      absl::StrAppend(&remark, " ", AlterationWords(*alteration), ";");
    }
    report.remarks.push_back(remark);
  }
  const bool unexplained =
      std::any_of(report.findings.begin(), report.findings.end(),
                  [](const CheckFinding& finding) {
                    return finding.identifier == "unexplained";
                  });
  if (const auto& nearest = check.explanation().nearest;
      unexplained && nearest.has_value()) {
    report.remarks.push_back(
        absl::StrCat("of what is unexplained, this comes nearest: ",
                     AlterationWords(*nearest->alteration),
                     " (it would explain ", nearest->explained,
                     " steps and contradict ", nearest->contradicted, ")"));
  }
  return report;
}

void Ask(const WalkerCheckOptions& options, const std::vector<Case>& given,
         Clock::time_point start, TargetCheck& check) {
  CheckProgress progress;
  // In pieces, so that the line lives and an interrupt is heard. A program,
  // which may be slow, has nothing of many at a time.
  const std::size_t piece = IsSharedObject(options.target) ? 64 : 1;
  const auto goes_on = [&] {
    if (Interrupt::Came()) return false;
    if (options.cases != 0) return true;
    const double gone =
        SecondsSince(start) / static_cast<double>(options.seconds);
    return gone < kAskedIfNot ||
           (gone < kAskedIfSettled && check.is_settled()) ||
           (gone < kAskedIfAgrees && check.agrees());
  };
  for (std::size_t i = 0; i < given.size() && goes_on(); i += piece) {
    check.TryGiven(
        std::span(given).subspan(i, std::min(piece, given.size() - i)));
    Show(check, SecondsSince(start), progress);
  }
  // Of a program, which may be slow, a round is no more than a batch.
  if (piece == 1) check.set_most_in_round(1);
  const std::uint64_t asked = check.statistics().cases();
  const auto left = [&] {
    const std::uint64_t done = check.statistics().cases() - asked;
    return options.cases == 0 ? UINT64_MAX : options.cases - done;
  };
  while (left() != 0 && goes_on()) {
    check.TryNew(left(), [&] {
      Show(check, SecondsSince(start), progress);
      return goes_on();
    });
  }
}

}  // namespace

CheckReport CheckWalker(TargetOracle& oracle, const TargetOpener& open,
                        const std::vector<Case>& given,
                        const WalkerCheckOptions& options) {
  const Clock::time_point start = Clock::now();
  TargetCheck check(oracle, options.seed);
  check.set_effort(static_cast<unsigned>(options.effort));
  check.SendScouts(open, options.jobs);
  const auto before = oracle.waited();  // until it had described itself
  const auto after = [&](double seconds) {
    return start + std::chrono::duration_cast<Clock::duration>(
                       std::chrono::duration<double>(seconds));
  };
  const bool is_bounded = options.cases == 0;
  const auto bound = static_cast<double>(options.seconds);
  if (is_bounded) check.BoundInTime(start, after(bound * kAskedIfNot));
  Ask(options, given, start, check);
  const double seconds = SecondsSince(start);
  const double waited =
      std::chrono::duration<double>(oracle.waited() - before).count();
  check.Conclude(after(
      is_bounded ? std::max(bound * kConcluded, seconds + kLeastConclusion)
                 : seconds + kMostConclusion));
  const double proof = is_bounded ? std::clamp(bound - SecondsSince(start),
                                               kLeastProof, kMostProof)
                                  : kMostProof;
  const auto elsewhere = check.scouts().worked - check.idle();
  CheckReport report = ReportOf(
      options, check, oracle, seconds,
      waited - std::chrono::duration<double>(elsewhere).count(), proof);
  AddUnasked(given.size(), report);
  return report;
}

}  // namespace eptdiff
