#include "fuzzers/command/distill/decided.h"

#include <algorithm>
#include <optional>

#include "oracle/judgement/spine.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

std::size_t RuleOf(const Alteration& alteration) {
  return static_cast<std::size_t>(InfoOf(alteration.slot).rule);
}

// An alteration that is applied in one situation alone. Alterations are plain
// functions: what confines this one is beside it.
struct Probe {
  const Alteration* alteration = nullptr;
  std::optional<std::size_t> only;   // a position; none: everywhere
  std::bitset<kPositions> differed;  // where it gave another answer
};
thread_local Probe probe;

std::size_t PositionOf(const Situation& s) {
  const bool guest_entry = s.linear.level != 0 || s.IsStructureAccess();
  return PositionOf(guest_entry ? Dimension::kGuestEntry : Dimension::kFinal,
                    s.level);
}

std::uint64_t Probed(const Situation& s, std::uint64_t value) {
  const std::uint64_t altered = probe.alteration->function(s, value);
  if (altered == value) return value;
  const std::size_t position = PositionOf(s);
  if (probe.only.has_value() && probe.only != position) return value;
  probe.differed.set(position);
  return altered;
}

const Alteration& ProbeOf(Slot slot) {
  static const std::vector<Alteration>& kProbes = *[] {
    auto* probes = new std::vector<Alteration>;
    for (std::size_t i = 0; i < kSlotCount; ++i) {
      probes->push_back({"probe", static_cast<Slot>(i), Probed, ""});
    }
    return probes;
  }();
  return kProbes[static_cast<std::size_t>(slot)];
}

// The step that was judged last; null for VM entry.
const Step* StepOf(const Spine& spine, const Case& c) {
  return spine.step() == 0 ? nullptr : &c.steps[spine.step() - 1];
}

// What the reference asked in this step, by situation.
void NoteAsked(const Spine& spine, const Step* step, RuleMatrix& matrix) {
  const GuestPagingMode mode = GuestModeOf(spine.before().guest);
  const bool structure =
      step != nullptr && (step->kind == StepKind::kPagingStructureRead ||
                          step->kind == StepKind::kPagingStructureUpdate);
  const auto note = [&](std::size_t number) {
    const RulePlace place = RulePlace::Number(number);
    const bool guest_entry = structure || place.guest_entry;
    matrix.Ask(
        place.rule, mode,
        PositionOf(guest_entry ? Dimension::kGuestEntry : Dimension::kFinal,
                   place.level));
  };
  spine.trace().consequences.ForEach(note);
  spine.trace().silences.ForEach(note);
}

}  // namespace

DecidedRules::DecidedRules(bool counting)
    : counting_(counting), alterations_(AllAlterations().size()) {
  for (const Alteration& alteration : AllAlterations()) {
    references_.emplace_back(Dialect().With(alteration));
  }
  for (std::size_t i = 0; counting && i < kSlotCount; ++i) {
    probes_.emplace_back(Dialect().With(ProbeOf(static_cast<Slot>(i))));
  }
}

bool DecidedRules::Tells(std::size_t i, const Spine& spine,
                         const Step* step) const {
  static thread_local Verdict verdict;
  static thread_local Trace trace;
  references_[i].Judge(spine.before(), step, verdict, trace);
  return trace.altered && !SameVerdict(verdict, spine.verdict());
}

std::vector<std::size_t> DecidedRules::ToldBy(const Case& c,
                                              std::vector<bool> wanted) const {
  const auto all = AllAlterations();
  std::vector<std::size_t> told;
  for (const bool keeps : {false, true}) {
    for (Spine spine(c, keeps); !spine.over(); spine.Advance()) {
      const std::bitset<kRuleCount> asked = spine.trace().AskedRules();
      const Step* step = StepOf(spine, c);
      for (std::size_t i = 0; i < all.size(); ++i) {
        if (!wanted[i] || NeedsCaching(all[i]) != keeps) continue;
        if (!asked[RuleOf(all[i])] || !Tells(i, spine, step)) continue;
        wanted[i] = false;
        told.push_back(i);
      }
    }
  }
  return told;
}

std::vector<std::size_t> DecidedRules::ToldBy(const Case& c) const {
  return ToldBy(c, std::vector<bool>(AllAlterations().size(), true));
}

void DecidedRules::AddSituations(const Alteration& alteration,
                                 const Spine& spine, const Step* step) {
  const CachingReference& reference =
      probes_[static_cast<std::size_t>(alteration.slot)];
  Verdict verdict;
  Trace trace;
  probe = {&alteration, std::nullopt, {}};
  reference.Judge(spine.before(), step, verdict, trace);
  const std::bitset<kPositions> positions = probe.differed;
  for (std::size_t position = 0; position < kPositions; ++position) {
    if (!positions[position]) continue;
    probe = {&alteration, position, {}};
    reference.Judge(spine.before(), step, verdict, trace);
    if (SameVerdict(verdict, spine.verdict())) continue;
    situations_.set(RuleOf(alteration) * kPositions + position);
  }
}

void DecidedRules::Add(const Case& c) {
  std::vector<bool> told(AllAlterations().size());
  std::bitset<kRuleCount> decided;
  situations_.reset();
  AddSpine(Spine(c), /*keeps=*/false, c, told, decided);
  if (c.steps.size() > 1) {
    AddSpine(Spine(c, /*keeps=*/true), /*keeps=*/true, c, told, decided);
  }
  const GuestPagingMode mode = GuestModeOf(c.guest);
  for (std::size_t i = 0; i < situations_.size(); ++i) {
    if (!situations_[i]) continue;
    matrix_.Decide(static_cast<Rule>(i / kPositions), mode, i % kPositions);
  }
  for (std::size_t rule = 0; rule < kRuleCount; ++rule) {
    if (decided[rule] && (counting_ || rules_[rule] == 0)) ++rules_[rule];
  }
}

void DecidedRules::AddSpine(Spine spine, bool keeps, const Case& c,
                            std::vector<bool>& told,
                            std::bitset<kRuleCount>& decided) {
  const auto all = AllAlterations();
  for (; !spine.over(); spine.Advance()) {
    const std::bitset<kRuleCount> asked = spine.trace().AskedRules();
    const Step* step = StepOf(spine, c);
    if (counting_) NoteAsked(spine, step, matrix_);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (told[i] || NeedsCaching(all[i]) != keeps || !asked[RuleOf(all[i])]) {
        continue;
      }
      if (!counting_ && alterations_[i] > 0) continue;
      if (!Tells(i, spine, step)) continue;
      if (counting_) AddSituations(all[i], spine, step);
      told[i] = true;
      ++alterations_[i];
      decided.set(RuleOf(all[i]));
    }
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
