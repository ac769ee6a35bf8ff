#include "fuzzers/check/proven_rules.h"

#include <algorithm>
#include <bitset>
#include <span>

#include "oracle/judgement/permitted.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

// Whether both are one event, as far as it tells where an access went.
bool SameEnd(const Event& a, const Event& b) {
  const auto addresses = [](const Event& event) {
    return std::span(event.translations.data(), event.translation_count);
  };
  return a.kind == b.kind && a.exit_reason == b.exit_reason &&
         std::ranges::equal(addresses(a), addresses(b), {},
                            &Translation::address, &Translation::address);
}

}  // namespace

ProvenRules::ProvenRules(Oracle& oracle)
    : oracle_(oracle), refuted_(AllAlterations().size()), sdm_(Combination()) {
  trial_.Add(oracle, Dialect());
  for (const Alteration& alteration : AllAlterations()) {
    references_.emplace_back(Dialect().With(alteration));
  }
  trace_.keeps_hits = false;
}

void ProvenRules::Add(const Case& c) {
  earlier_.clear();
  trial_.set_observer([&](const StepReport& report) {
    Observe(report, report.step == 0 ? nullptr : &c.steps[report.step - 1]);
    earlier_.push_back(report.outcome.event);
  });
  trial_.Run(c);
  trial_.set_observer({});
}

void ProvenRules::Observe(const StepReport& report, const Step* step) {
  if (report.verdict.standing != Standing::kJudged ||
      !report.finding.conforms || (IsEntry(step) && !oracle_.models_entry())) {
    return;
  }
  const std::bitset<kRuleCount> asked = report.trace.AskedRules();
  const AlterationSet mattering = Mattering(report, step);
  for (std::size_t i = 0; i < references_.size(); ++i) {
    const Rule rule = InfoOf(AllAlterations()[i].slot).rule;
    if (refuted_[i] || !asked[static_cast<std::size_t>(rule)] ||
        !mattering[i]) {
      continue;
    }
    if (!Refutes(i, report, step)) continue;
    refuted_[i] = true;
    proven_[static_cast<std::size_t>(rule)] = true;
  }
}

// Those that may judge the step otherwise than the SDM. With all that may have
// been kept a judgement takes long: then it is worth asking first.
AlterationSet ProvenRules::Mattering(const StepReport& report,
                                     const Step* step) {
  AlterationSet mattering;
  if (!oracle_.keeps_translations() || step == nullptr) return ~mattering;
  mattering = sdm_.Judge(report.before, step, verdict_, trace_);
  for (std::size_t i = 0; i < references_.size(); ++i) {
    // Of a choice touched.h says nothing.
    if (InfoOf(AllAlterations()[i].slot).kind == SlotKind::kPermits) {
      mattering.set(i);
    }
  }
  return mattering;
}

bool ProvenRules::Refutes(std::size_t alteration, const StepReport& report,
                          const Step* step) {
  references_[alteration].Judge(report.before, step, verdict_, trace_);
  if (!trace_.altered || verdict_.standing != Standing::kJudged) return false;
  Judge(verdict_, report.before, report.outcome, oracle_.fields(), finding_);
  if (!finding_.conforms) return true;
  return oracle_.keeps_translations() &&
         NeedsCaching(AllAlterations()[alteration]) && PermitsAgain(report);
}

bool ProvenRules::PermitsAgain(const StepReport& report) {
  return std::any_of(
      verdict_.alternatives.begin(), verdict_.alternatives.end(),
      [&](const Alternative& altered) {
        const bool again = std::any_of(
            earlier_.begin(), earlier_.end(),
            [&](const Event& event) { return SameEnd(event, altered.event); });
        if (!again) return false;
        Judge(report.verdict, report.before,
              PlainOutcome(altered, report.before), oracle_.fields(), finding_);
        return !finding_.conforms;
      });
}

}  // namespace eptdiff
