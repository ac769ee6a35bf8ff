#include "fuzzers/power/kept_knock_outs.h"

#include <algorithm>

#include "oracle/judgement/dialect_oracle.h"
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

struct KeptKnockOuts::Keeper {
  Keeper(std::size_t number, const Alteration& alteration, Oracle& engine)
      : number(number), oracle(Dialect().With(alteration), Manner::kKept) {
    more.Add(oracle, Dialect());
    less.Add(engine, Dialect().With(alteration));
    for (Trial* trial : {&more, &less}) {
      trial->set_keeps_hits(false);
      trial->set_memory_first(true);
    }
  }

  bool Shows(const Case& c) {
    return less.Run(c)[0].disagrees || more.Run(c)[0].disagrees;
  }

  const std::size_t number;
  DialectOracle oracle;
  Trial more;  // than the SDM lets be kept
  Trial less;
};

KeptKnockOuts::KeptKnockOuts(std::span<const Alteration> alterations) {
  for (std::size_t i = 0; i < alterations.size(); ++i) {
    keepers_.push_back(std::make_unique<Keeper>(i, alterations[i], engine_));
  }
  by_sdm_.Add(engine_, Dialect());
  by_sdm_.set_keeps_hits(false);
  by_sdm_.set_observer([this](const StepReport& report) {
    consequences_.Add(report.trace.consequences);
  });
}

KeptKnockOuts::~KeptKnockOuts() = default;

std::span<const std::size_t> KeptKnockOuts::Run(const Case& c) {
  consequences_.Clear();
  shown_now_.clear();
  by_sdm_.Run(c);
  std::erase_if(keepers_, [&](const std::unique_ptr<Keeper>& keeper) {
    const bool shows = keeper->Shows(c);
    if (shows) shown_now_.push_back(keeper->number);
    return shows;
  });
  return shown_now_;
}

}  // namespace eptdiff
