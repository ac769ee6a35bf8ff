#include "fuzzers/command/decided.h"

#include <algorithm>
#include <bitset>

#include "fuzzers/command/spine.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {
namespace {

std::bitset<kRuleCount> AskedOf(const Trace& trace) {
  std::bitset<kRuleCount> asked;
  constexpr std::size_t kOfOneRule = Trace::kFeatures / kRuleCount;
  for (std::size_t i = 0; i < Trace::kFeatures; ++i) {
    if (trace.features[i / 64] >> (i % 64) & 1) asked.set(i / kOfOneRule);
  }
  return asked;
}

std::size_t RuleOf(const Alteration& alteration) {
  return static_cast<std::size_t>(InfoOf(alteration.slot).rule);
}

}  // namespace

DecidedRules::DecidedRules(bool counting)
    : counting_(counting), alterations_(AllAlterations().size()) {
  for (const Alteration& alteration : AllAlterations()) {
    references_.emplace_back(Dialect().With(alteration));
  }
}

void DecidedRules::Add(const Case& c) {
  const auto all = AllAlterations();
  std::vector<bool> told(all.size());
  std::bitset<kRuleCount> decided;
  Verdict verdict;
  Trace trace;
  for (Spine spine(c); !spine.over(); spine.Advance()) {
    const std::bitset<kRuleCount> asked = AskedOf(spine.trace());
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (told[i] || !asked[RuleOf(all[i])]) continue;
      if (!counting_ && alterations_[i] > 0) continue;
      if (spine.step() == 0) {
        references_[i].JudgeEntry(spine.before(), verdict, trace);
      } else {
        references_[i].Judge(spine.before(), c.steps[spine.step() - 1], verdict,
                             trace);
      }
      if (!trace.altered || SameVerdict(verdict, spine.verdict())) continue;
      told[i] = true;
      ++alterations_[i];
      decided.set(RuleOf(all[i]));
    }
  }
  for (std::size_t rule = 0; rule < kRuleCount; ++rule) {
    if (decided[rule] && (counting_ || rules_[rule] == 0)) ++rules_[rule];
  }
}

std::size_t DecidedRules::decided() const {
  return kRuleCount -
         static_cast<std::size_t>(std::count(rules_.begin(), rules_.end(), 0u));
}

bool IsAsked(Rule rule) {
  for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
    if (InfoOf(static_cast<Slot>(slot)).rule == rule) return true;
  }
  return false;
}

std::size_t AskedRules() {
  return static_cast<std::size_t>(
      std::count_if(std::begin(kRules), std::end(kRules),
                    [](const RuleInfo& info) { return IsAsked(info.rule); }));
}

}  // namespace eptdiff
