// Which bits say what an entry is taken for, in one use: learned bit by bit, by
// asking.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/experiment/experiments.h"
#include "fuzzers/experiment/uses.h"
#include "fuzzers/experiment/variations.h"

namespace eptdiff {
namespace {

// The effect with one bit more.
Effect With(const Effect& effect, std::uint64_t bit) {
  Effect other = effect;
  other.mask |= bit;
  const bool says = effect.part == Part::kIndex
                        ? effect.value != 0
                        : (BitsBySdm(effect) & bit) == 0;
  if (says) other.value |= bit;
  return other;
}

// What the SDM finds by an index is where the target looks as well, if there is
// nothing.
void CopyEntry(const Observed& seed, const EntryRead& taken, Case& question) {
  if (taken.value != 0) return;
  for (const EntryRead& entry : seed.entries) {
    if (entry.structure == taken.structure && entry.level == taken.level &&
        entry.guest_level == taken.guest_level) {
      SetEntry(question, taken, entry.value);
      return;
    }
  }
}

}  // namespace

// Questions that are decided by one further bit each, and the effect with it:
// made from an answer that the effect explains.
std::vector<Experiments::OneMore> Experiments::WithOneMore(
    const Observed& base, const Attempt& attempt) {
  const Effect& effect = attempt.effect;
  const std::vector<EntryRead> taken =
      predictor_.Taken(effect, attempt.when, base);
  if (taken.empty()) return {};
  const bool index = effect.part == Part::kIndex;
  // The address of a guest's entry is made of what leads there.
  const Word address =
      effect.structure == Structure::kGuest ? Word::kGla : Word::kGpa;
  if (index && address == Word::kGpa && taken[0].guest_level != 0) return {};
  std::vector<OneMore> list;
  std::vector<EntryRead> entries;
  const unsigned low = index ? 12 + 9 * (taken[0].level - 1u) : 0;
  const unsigned high = index ? low + 9 : BitsOf(base.question, taken[0]);
  for (unsigned b = low; b < high; ++b) {
    const std::uint64_t bit = bits::Bit(b);
    if ((effect.mask & bit) != 0) continue;
    OneMore more{With(effect, bit), base.question};
    if (index) {
      CopyEntry(base, taken[0], more.question);
      const std::uint64_t now = ValueOf(base.question, address);
      SetValue(more.question, address,
               ((now & ~effect.mask) | effect.value) ^ bit);
    } else {
      GiveOneBit(effect, bit, base.entries, taken[0], more.question);
    }
    Canonicalise(more.question);
    if (predictor_.Matters(more.effect, attempt.when, more.question, entries)) {
      list.push_back(std::move(more));
    }
  }
  return list;
}

// Asks of each other bit whether it says so, too, and of that which does by the
// SDM whether it does: there is no other in the entry then.
void Experiments::WidenUse(const Observed& seed, Attempt& attempt) {
  constexpr std::size_t kMostBases = 8;
  std::vector<OneMore> list;
  std::size_t bases = 0;
  // A bit that does not show in one answer may in another.
  const auto add = [&](const Observed& base) {
    if (bases >= kMostBases) return;
    if (predictor_.Of(attempt.effect, attempt.when, base) != Says::kExplains) {
      return;
    }
    ++bases;
    for (OneMore& more : WithOneMore(base, attempt)) {
      const bool known = std::any_of(
          list.begin(), list.end(),
          [&](const OneMore& other) { return other.effect == more.effect; });
      if (!known) list.push_back(std::move(more));
    }
  };
  add(seed);
  for (const Observed* o : departing_) add(*o);
  std::vector<Case> questions;
  for (OneMore& more : list) questions.push_back(std::move(more.question));
  std::vector<std::optional<Observed>> answers;
  asked_ += questions.size();
  ask_(questions, answers);
  Attempt wide = attempt;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].has_value()) continue;
    const Effect& effect = list[i].effect;
    if (answers[i]->departs &&
        predictor_.Of(effect, attempt.when, *answers[i]) == Says::kExplains) {
      wide.effect.mask |= effect.mask;
      wide.effect.value |= effect.value;
    }
    far_.push_back(*std::move(answers[i]));
  }
  if (wide.effect == attempt.effect) return;
  Weigh(attempt);
  FindCondition(seed, wide);
  Weigh(wide);
  if (wide.contradicted <= attempt.contradicted &&
      wide.explained >= attempt.explained) {
    attempt = std::move(wide);
  }
}

}  // namespace eptdiff
