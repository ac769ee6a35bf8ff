// Which bits say what an entry is taken for, in one use: learned bit by bit, by
// asking.
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

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
  const bool says = effect.part == Part::kIndex ? effect.value != 0
                                                : (BitsBySdm(effect) & bit) == 0;
  if (says) other.value |= bit;
  return other;
}

}  // namespace

// Asks of each other bit whether it says so, too, and of that which does by the
// SDM whether it does: there is no other in the entry then.
void Experiments::WidenUse(const Observed& seed, Attempt& attempt) {
  const Effect& effect = attempt.effect;
  const std::vector<EntryRead> taken =
      predictor_.Taken(effect, attempt.when, seed);
  if (taken.empty()) return;
  const bool index = effect.part == Part::kIndex;
  // The address of a guest's entry is made of what leads there.
  const Word address = effect.structure == Structure::kGuest ? Word::kGla
                                                             : Word::kGpa;
  if (index && address == Word::kGpa && taken[0].guest_level != 0) return;
  std::vector<Case> questions;
  std::vector<Effect> effects;
  std::vector<EntryRead> entries;
  const unsigned low = index ? 12 + 9 * (taken[0].level - 1u) : 0;
  const unsigned high = index ? low + 9 : BitsOf(seed.question, taken[0]);
  for (unsigned b = low; b < high; ++b) {
    const std::uint64_t bit = bits::Bit(b);
    if ((effect.mask & bit) != 0) continue;
    const Effect other = With(effect, bit);
    Case question = seed.question;
    if (index) {
      const std::uint64_t now = ValueOf(question, address);
      SetValue(question, address, ((now & ~effect.mask) | effect.value) ^ bit);
    } else {
      GiveOneBit(effect, bit, seed.entries, taken[0], question);
    }
    if (!predictor_.Matters(other, attempt.when, question, entries)) continue;
    questions.push_back(std::move(question));
    effects.push_back(other);
  }
  std::vector<std::optional<Observed>> answers;
  asked_ += questions.size();
  ask_(questions, answers);
  Attempt wide = attempt;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].has_value()) continue;
    if (answers[i]->departs &&
        predictor_.Of(effects[i], attempt.when, *answers[i]) ==
            Says::kExplains) {
      wide.effect.mask |= effects[i].mask;
      wide.effect.value |= effects[i].value;
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
