#include "fuzzers/check/target_table.h"

#include "fuzzers/entries/used_entries.h"
#include "oracle/judgement/judge.h"

namespace eptdiff {

TargetTable::TargetTable(TargetOracle& oracle, const Dialect& dialect)
    : oracle_(oracle) {
  trial_.Add(oracle, dialect);
  trial_.set_keeps_hits(false);
}

const Standings& TargetTable::Run(const Case& c, const Observer& observer) {
  reads_beyond_width_ = false;
  preceding_ = {};
  trial_.set_observer([&](const StepReport& report) {
    for (const EntryRead& entry : report.trace.entries) {
      reads_beyond_width_ |=
          entry.address.value >> report.before.processor.maxphyaddr != 0;
    }
    if (observer) observer(report);
    if (report.step == 0) return;
    const Step& step = c.steps[report.step - 1];
    if (step.kind == StepKind::kInvalidation) {
      if (report.outcome.event.kind != EventKind::kCompleted) return;
      preceding_.invalidation = step;
      preceding_.is_direct = true;
      return;
    }
    if (IsAccess(step)) preceding_.is_direct = false;
    if (step.kind == StepKind::kGuestPhysicalAccess ||
        step.kind == StepKind::kLinearAccess) {
      preceding_.answer = {step, report.outcome.event, report.outcome.saved};
    }
  });
  // Of those that begin alike, with other stores, it is this one.
  oracle_.Expect(&c);
  const Standings& standings = trial_.Run(c)[0];
  oracle_.Expect(nullptr);
  trial_.set_observer({});
  return standings;
}

std::string TargetTable::SignatureOf(const Standings& standings) const {
  const Incident& incident = oracle_.incident();
  if (incident.kind != IncidentKind::kNone) {
    // Where the SDM has no say, neither has anybody of the target.
    return standings.disagrees || standings.step == 0
               ? eptdiff::SignatureOf(oracle_.name(), incident)
               : "";
  }
  if (standings.disagrees) {
    return eptdiff::SignatureOf(oracle_.name(), standings.finding);
  }
  const Incident& aside = oracle_.aside();
  const bool whole = standings.skip == Skip::kNone && !standings.undefined;
  return aside.kind != IncidentKind::kNone && whole && !reads_beyond_width_
             ? eptdiff::SignatureOf(oracle_.name(), aside)
             : "";
}

std::string SignatureOf(std::string_view name, const Incident& incident) {
  return "eptdiff-" + std::string(name) + "-" + SignaturePart(incident);
}

}  // namespace eptdiff
