#include "fuzzers/command/decided.h"

#include <algorithm>
#include <bitset>

#include "fuzzers/command/spine.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {
namespace {

bool SameWrites(const FixedVector<BitWrite, kMaxStepWrites>& a,
                const FixedVector<BitWrite, kMaxStepWrites>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const BitWrite& x, const BitWrite& y) {
                      return x.word == y.word && x.mask == y.mask &&
                             x.value == y.value;
                    });
}

// An event with what is undefined in it blanked.
Event Defined(Event event, const Alternative& a) {
  event.qualification &= a.qualification_defined;
  event.interruption_information &= a.interruption_information_defined;
  if (!a.gpa_defined) event.gpa = {};
  if (!a.gla_defined) event.gla = {};
  if (!a.memory_type_defined) {
    for (Translation& t : event.translations) t.memory_type = {};
  }
  return event;
}

bool SameAlternative(const Alternative& a, const Alternative& b) {
  return a.qualification_defined == b.qualification_defined &&
         a.interruption_information_defined ==
             b.interruption_information_defined &&
         a.gpa_defined == b.gpa_defined && a.gla_defined == b.gla_defined &&
         a.span == b.span && a.failed_checks == b.failed_checks &&
         a.memory_type_defined == b.memory_type_defined &&
         Defined(a.event, a) == Defined(b.event, b) &&
         a.registers == b.registers && a.ve_written == b.ve_written &&
         a.ve_area == b.ve_area &&
         Defined(a.ve_information, a) == Defined(b.ve_information, b) &&
         SameWrites(a.required, b.required) &&
         SameWrites(a.optional, b.optional);
}

std::bitset<kRuleCount> AskedOf(const Trace& trace) {
  std::bitset<kRuleCount> asked;
  constexpr std::size_t kOfOneRule = 6 * 2;  // trace.h
  for (std::size_t i = 0; i < Trace::kFeatures; ++i) {
    if (trace.features[i / 64] >> (i % 64) & 1) asked.set(i / kOfOneRule);
  }
  return asked;
}

std::size_t RuleOf(const Alteration& alteration) {
  return static_cast<std::size_t>(InfoOf(alteration.slot).rule);
}

}  // namespace

bool SameVerdict(const Verdict& a, const Verdict& b) {
  return a.standing == b.standing &&
         std::equal(a.alternatives.begin(), a.alternatives.end(),
                    b.alternatives.begin(), b.alternatives.end(),
                    SameAlternative);
}

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
