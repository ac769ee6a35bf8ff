#include "fuzzers/power/kept_knock_outs.h"

#include <algorithm>

#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {

std::vector<Alteration> AlterationsOfCaches() {
  std::vector<Alteration> of_caches;
  for (const Alteration& alteration : AllAlterations()) {
    if (NeedsCaching(alteration) ||
        InfoOf(alteration.slot).rule == Rule::kCache13) {
      of_caches.push_back(alteration);
    }
  }
  return of_caches;
}

namespace {

// Its place in AllAlterations().
std::size_t PlaceOf(const Alteration& alteration) {
  const auto all = AllAlterations();
  return static_cast<std::size_t>(std::find_if(all.begin(), all.end(),
                                               [&](const Alteration& other) {
                                                 return other.name ==
                                                        alteration.name;
                                               }) -
                                  all.begin());
}

}  // namespace

struct KeptKnockOuts::Keeper {
  Keeper(std::size_t number, const Alteration& alteration, Oracle& engine,
         Oracle& keeps_all)
      : number(number),
        place(PlaceOf(alteration)),
        oracle(Dialect().With(alteration), Manner::kKept) {
    more.Add(oracle, Dialect());
    less.Add(engine, Dialect().With(alteration));
    less_than_all.Add(keeps_all, Dialect().With(alteration));
    for (Trial* trial : {&more, &less, &less_than_all}) {
      trial->set_keeps_hits(false);
      trial->set_memory_first(true);
    }
  }

  bool Shows(const Case& c) {
    for (Trial* trial : {&less, &less_than_all, &more}) {
      if (trial->Run(c)[0].disagrees) return true;
    }
    return false;
  }

  const std::size_t number;
  const std::size_t place;
  DialectOracle oracle;
  Trial more;           // than the SDM lets be kept
  Trial less;           // than the engine keeps
  Trial less_than_all;  // than somebody who keeps what the SDM lets him
};

KeptKnockOuts::KeptKnockOuts(std::span<const Alteration> alterations)
    : keeps_all_(Dialect(), Manner::kKept),
      verdict_(std::make_unique<Verdict>()),
      trace_(std::make_unique<Trace>()) {
  for (std::size_t i = 0; i < alterations.size(); ++i) {
    keepers_.push_back(
        std::make_unique<Keeper>(i, alterations[i], engine_, keeps_all_));
  }
  trace_->keeps_hits = false;
  by_sdm_.Add(engine_, Dialect());
  by_sdm_.set_keeps_hits(false);
  by_sdm_.set_observer([this](const StepReport& report) {
    consequences_.Add(report.trace.consequences);
    LookAt(report);
  });
  keeps_by_sdm_.Add(keeps_all_, Dialect());
  keeps_by_sdm_.set_keeps_hits(false);
  keeps_by_sdm_.set_memory_first(true);
  keeps_by_sdm_.set_observer(
      [this](const StepReport& report) { LookAt(report); });
}

KeptKnockOuts::~KeptKnockOuts() = default;

void KeptKnockOuts::LookAt(const StepReport& report) {
  const Step* step =
      report.step == 0 ? nullptr : &case_->steps[report.step - 1];
  matter_ |= touched_by_->Judge(report.before, step, *verdict_, *trace_);
}

std::span<const std::size_t> KeptKnockOuts::Run(const Case& c) {
  consequences_.Clear();
  shown_now_.clear();
  case_ = &c;
  matter_.reset();
  if (touched_by_ == nullptr) {
    AlterationSet left;
    for (const auto& keeper : keepers_) left.set(keeper->place);
    touched_by_ = std::make_unique<TouchedBy>(Combination(), left);
  }
  // Who departs by himself is seen no further by the SDM.
  const bool departs =
      by_sdm_.Run(c)[0].disagrees || keeps_by_sdm_.Run(c)[0].disagrees;
  std::erase_if(keepers_, [&](const std::unique_ptr<Keeper>& keeper) {
    const bool shows = (departs || matter_[keeper->place]) && keeper->Shows(c);
    if (shows) shown_now_.push_back(keeper->number);
    return shows;
  });
  if (!shown_now_.empty()) touched_by_ = nullptr;
  return shown_now_;
}

}  // namespace eptdiff
