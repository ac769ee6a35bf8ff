// The end of a check: what cannot be told apart is asked for, findings become
// small, and each departure gets a case that shows it plainly.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/check/target_check.h"
#include "fuzzers/mutation/mutator.h"
#include "fuzzers/reduction/minimizer.h"
#include "oracle/judgement/judge.h"
#include "oracle/target/profile/profile.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;

// How long one finding is minimised at most: many times what it takes, so that
// the smallest case is the same on a machine that has much else to do.
constexpr std::chrono::seconds kFindingTime{30};
constexpr std::chrono::seconds kHangTime{3};
// Cases that nothing explains, when no more are tried.
constexpr std::uint64_t kMostDiagnosedLast = 24;

// How plainly a case shows that an answer is wrong: at best the access happens
// where the SDM has it fail.
enum class Plainness { kConforms, kOtherDetail, kOtherEvent, kReaches };

Plainness PlainnessOf(const Standings& sdm) {
  if (!sdm.disagrees) return Plainness::kConforms;
  const Field field = sdm.finding.disagreements[0].field;
  if (field == Field::kEvent &&
      sdm.outcome.event.kind == EventKind::kCompleted) {
    return Plainness::kReaches;
  }
  return field == Field::kEvent || field == Field::kExitReason
             ? Plainness::kOtherEvent
             : Plainness::kOtherDetail;
}

}  // namespace

void TargetCheck::Conclude(Clock::time_point end) {
  RecallScouts();
  SeparationLimits limits;
  if (began_.has_value()) {
    limits.is_late = [until = Clock::now() + (end - Clock::now()) / 4] {
      return Clock::now() >= until;
    };
  }
  diagnosis_->Separate(
      oracle_,
      [&](std::uint64_t seed, const Case& original, Case& varied) {
        varied = original;
        Mutate(seed, varied, cases_.focuses()[seed % cases_.focuses().size()]);
        if (!FitTo(oracle_.profile(), varied)) varied = original;
      },
      limits);
  SetDialect(diagnosis_->explanation().dialect());
  // Of a signature the first case is kept; what nothing explains may be
  // another.
  for (const UnexplainedStep& step : diagnosis_->explanation().unexplained) {
    const std::string signature = table_->SignatureOfCase(*step.c);
    if (!signature.empty() && !findings_.contains(signature)) {
      Record(signature, *step.c);
    }
  }
  // What there was no time for so far.
  const Clock::time_point study_end = Clock::now() + (end - Clock::now()) / 2;
  set_end(study_end);
  causes_->set_pause(Clock::time_point::max());
  Reconsider(/*pause=*/Clock::time_point::max(), /*last=*/true);
  StudyUnexplained();
  while (causes_->HasMore() && Clock::now() < study_end) causes_->StudyNext();
  DropExplained();
  DiagnoseTheRest(study_end);
  causes_->Minimise(end);
  MinimizeFindings(end);
  FindDepartures(end);
}

// What there was no time for when it was met may be a known mistake.
void TargetCheck::DiagnoseTheRest(Clock::time_point end) {
  if (!began_.has_value()) return;
  std::vector<Case> cases;
  for (const auto& [signature, finding] : findings_) {
    if (finding.incident.kind == IncidentKind::kNone && !finding.diagnosed) {
      cases.push_back(finding.c);
    }
  }
  for (const Case& c : cases) {
    if (Clock::now() >= end || diagnosed_ >= kMostDiagnosedLast) return;
    const std::string signature = table_->SignatureOfCase(c);
    if (signature.empty()) continue;
    Explain(c);
    diagnosed_ += !table_->SignatureOfCase(c).empty();
  }
}

void TargetCheck::MinimizeFindings(Clock::time_point end) {
  auto left = static_cast<int>(findings_.size());
  for (auto& [signature, finding] : findings_) {
    const bool varies = finding.incident.kind == IncidentKind::kVaries;
    // Each attempt that hangs takes its time.
    const bool hangs = finding.incident.kind == IncidentKind::kTimeLimit;
    // What one leaves of its share is for those after it.
    const Clock::time_point now = Clock::now();
    const Clock::time_point until =
        now + std::min<Clock::duration>((end - now) / left--,
                                        hangs ? kHangTime : kFindingTime);
    const auto shows = [&](const Case& smaller) {
      if (Clock::now() >= until) return false;
      oracle_.set_repeats(varies ? kConfirmations : 0);
      const bool same = table_->SignatureOfCase(smaller) == signature;
      oracle_.set_repeats(0);
      return same;
    };
    Case smallest = Minimize(finding.c, shows);
    finding.c = std::move(smallest);
  }
}

void TargetCheck::FindDepartures(Clock::time_point end) {
  departures_.clear();
  const Explanation& explanation = diagnosis_->explanation();
  for (std::size_t i = 0; i < explanation.departures.size(); ++i) {
    TargetDeparture& told = departures_.emplace_back();
    told.departure = explanation.departures[i];
    // The diagnosis has asked more, and begun to count earlier.
    told.cases = std::max<std::uint64_t>(
        told.departure.cases, cases_showing_[told.departure.alteration]);
    // A case is one of this departure if it needs it: the dialect explains the
    // answer, and would not without it.
    std::size_t place = 0;
    for (const Alteration* alteration : dialect_.alterations()) {
      if (alteration == told.departure.alteration) break;
      ++place;
    }
    if (place == dialect_.alterations().size()) continue;
    TargetTable without(oracle_, dialect_.Without(place));
    TargetTable alone(oracle_, Dialect().With(*told.departure.alteration));
    // Rather a case that shows this departure and no other, then a plain one.
    using Worth = std::pair<bool, Plainness>;
    const auto worth = [&](const Case& c) -> Worth {
      const Plainness plainness = PlainnessOf(sdm_table_->Run(c));
      if (plainness == Plainness::kConforms || !without.Run(c).disagrees) {
        return {};
      }
      // Explained, and not just beyond judgement (ALIAS-1).
      const Standings& explained = table_->Run(c);
      if (explained.undefined || !table_->SignatureOf(explained).empty()) {
        return {};
      }
      return {!alone.Run(c).disagrees, plainness};
    };
    Worth best;
    for (const Case& c : disagreed_) {
      const Worth now = worth(c);
      if (now <= best) continue;
      best = now;
      told.c = c;
    }
    if (!told.c.has_value()) continue;
    told.c = Minimize(*told.c, [&](const Case& smaller) {
      return Clock::now() < end && worth(smaller) >= best;
    });
  }
}

}  // namespace eptdiff
