#include "fuzzers/power/knock_outs.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "oracle/judgement/judge.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

// For each slot, the alterations that are asked beside it, and which of all
// have given another answer than the SDM in this step.
struct Asked {
  std::span<const Alteration> alterations;
  std::array<std::vector<std::size_t>, kSlotCount> of_slot;
  std::vector<bool> concerned;
  std::vector<std::size_t> list;  // the same, as numbers
};
thread_local Asked* asked = nullptr;

// Alterations are plain functions, so that each slot has one of its own.
template <std::size_t kSlot>
std::uint64_t Listen(const Situation& situation, std::uint64_t value) {
  for (const std::size_t i : asked->of_slot[kSlot]) {
    if (asked->concerned[i]) continue;
    if (asked->alterations[i].function(situation, value) == value) continue;
    asked->concerned[i] = true;
    asked->list.push_back(i);
  }
  return value;
}

template <std::size_t... kSlots>
std::array<Alteration, kSlotCount> Listeners(std::index_sequence<kSlots...>) {
  return {Alteration{"", static_cast<Slot>(kSlots), Listen<kSlots>, ""}...};
}

Dialect ListeningDialect() {
  static const std::array<Alteration, kSlotCount> kListeners =
      Listeners(std::make_index_sequence<kSlotCount>());
  std::vector<const Alteration*> all;
  for (const Alteration& listener : kListeners) all.push_back(&listener);
  return Dialect("listening", std::move(all));
}

constexpr Equivalent kEquivalents[] = {
    {"AD-6/never",
     "Whether an access that exits sets accessed flags is open. The alteration "
     "permits only what the engine does: it sets none."},
    {"APIC-2/structures-accessed",
     "What follows an access to an EPT paging structure, or to what a control "
     "references, in the APIC-access page is undefined. The alteration permits "
     "only what the engine does: it accesses the page."},
    {"APIC-7/exits",
     "Whether an access to the APIC-access page exits, through a page larger "
     "than 4 KBytes or where sub-page write permissions apply, is open. The "
     "alteration permits only what the engine does: it exits."},
    {"GW-12/read-only-pages-dirty",
     "Whether a write that CR0.WP = 0 allows sets D in a read-only entry is "
     "open on a processor with CET. The alteration permits only what the "
     "engine does: it sets D."},
    {"GW-15/other-sizes-as-1",
     "What HLAT prefix sizes other than 0 select is undefined where the "
     "maximum "
     "is not 1, or the size. The alteration permits only what the engine does: "
     "they select the addresses with bit 63 set."},
    {"GW-22/wrap-faults",
     "Whether CR4.LASS keeps an access from the lower half that goes on at "
     "address 0 is open. The alteration permits only what the engine does: it "
     "does."},
    {"GW-22/wrap-by-page",
     "... and whether it does once another page is translated. The alteration "
     "permits what the engine does, too: before that."},
    {"GW-23/implicit-too",
     "Whether implicit accesses are masked is undefined. The alteration "
     "permits "
     "only what the engine does: they are."},
    {"SPP-6/two-sub-pages-at-most",
     "A write over three sub-pages has more than 64 bytes, so that whether "
     "sub-page permissions count is open. The alteration permits a write that "
     "the third refuses; that it is refused, as the engine does, stays "
     "permitted."},
};

}  // namespace

std::span<const Equivalent> EquivalentAlterations() { return kEquivalents; }

std::vector<Alteration> NoticeableAlterations() {
  std::vector<Alteration> noticeable;
  for (const Alteration& alteration : AllAlterations()) {
    const bool equivalent = std::any_of(
        std::begin(kEquivalents), std::end(kEquivalents),
        [&](const Equivalent& e) { return e.alteration == alteration.name; });
    const bool of_caches = InfoOf(alteration.slot).rule == Rule::kCache13 ||
                           NeedsCaching(alteration);
    if (!equivalent && !of_caches) noticeable.push_back(alteration);
  }
  return noticeable;
}

struct KnockOuts::Probe {
  Asked asked;
  Reference reference{ListeningDialect()};
};

KnockOuts::KnockOuts(std::span<const Alteration> alterations)
    : alterations_(alterations),
      shown_(alterations.size()),
      over_(alterations.size()),
      remaining_(alterations.size()),
      probe_(std::make_unique<Probe>()) {
  Asked& listened = probe_->asked;
  listened.alterations = alterations;
  listened.concerned.resize(alterations.size());
  for (std::size_t i = 0; i < alterations.size(); ++i) {
    altered_.emplace_back(Dialect().With(alterations[i]));
    listened.of_slot[static_cast<std::size_t>(alterations[i].slot)].push_back(
        i);
  }
  trace_.keeps_hits = false;
  trial_.Add(engine_, Dialect());
  trial_.set_keeps_hits(false);
  trial_.set_observer([this](const StepReport& report) { Observe(report); });
}

KnockOuts::~KnockOuts() = default;

std::span<const std::size_t> KnockOuts::Run(const Case& c) {
  case_ = &c;
  consequences_.Clear();
  shown_now_.clear();
  over_ = shown_;
  trial_.Run(c);
  remaining_ -= shown_now_.size();
  for (const std::size_t i : shown_now_) {
    auto& of_slot =
        probe_->asked.of_slot[static_cast<std::size_t>(alterations_[i].slot)];
    std::erase(of_slot, i);
  }
  return shown_now_;
}

void KnockOuts::FindConcerned(const MachineState& before, const Step* step) {
  Asked& listened = probe_->asked;
  for (const std::size_t i : listened.list) listened.concerned[i] = false;
  listened.list.clear();
  asked = &listened;
  probe_->reference.Judge(before, step, verdict_, trace_);
}

void KnockOuts::Observe(const StepReport& report) {
  consequences_.Add(report.trace.consequences);
  if (remaining_ == shown_now_.size()) return;
  // What the SDM leaves undefined (ALIAS-1), an alteration may define.
  if (report.verdict.standing != Standing::kJudged &&
      report.verdict.standing != Standing::kUndefined) {
    return;
  }
  const Step* step =
      report.step == 0 ? nullptr : &case_->steps[report.step - 1];
  FindConcerned(report.before, step);
  for (const std::size_t i : probe_->asked.list) {
    if (!over_[i]) Try(i, report, step);
  }
}

void KnockOuts::Try(std::size_t alteration, const StepReport& report,
                    const Step* step) {
  altered_[alteration].Judge(report.before, step, verdict_, trace_);
  if (verdict_.standing != Standing::kJudged) {
    over_[alteration] = true;  // a run with it would end the case here
    return;
  }
  Judge(verdict_, report.before, report.outcome, engine_.fields(), finding_);
  if (finding_.conforms) return;
  over_[alteration] = true;
  shown_[alteration] = true;
  shown_now_.push_back(alteration);
}

}  // namespace eptdiff
