// Where else an effect shows: at other levels, in other modes, of other bits.
#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "fuzzers/entries/bits.h"
#include "fuzzers/experiment/experiments.h"
#include "fuzzers/experiment/variations.h"

namespace eptdiff {
namespace {

// Questions that are made for an effect: in all, and of one kind.
constexpr std::size_t kMostSpread = 240;
constexpr std::size_t kMostOfKind = 10;

}  // namespace

void Experiments::Spread(const Observed& seed, const Attempt& attempt) {
  std::vector<Case> questions;
  std::map<std::uint64_t, std::size_t> kinds;
  std::vector<Atom> elsewhere;  // without where it was seen
  for (const Atom& atom : attempt.when) {
    if (!IsOfEntry(atom.word) || atom.word == Word::kEntry) {
      elsewhere.push_back(atom);
    }
  }
  std::vector<EntryRead> entries;
  const auto consider = [&](const Case& question, std::uint64_t kind) {
    if (questions.size() >= kMostSpread || kinds[kind] >= kMostOfKind) return;
    if (!predictor_.Matters(attempt.effect, elsewhere, question, entries)) {
      return;
    }
    ++kinds[kind];
    questions.push_back(question);
  };
  const auto of_kind = [](const Case& question, const EntryRead* entry) {
    std::uint64_t kind = ValueOf(question, Word::kGuestMode) * 2 +
                         ValueOf(question, Word::kEptLevels) % 2;
    kind = kind * 8 + ValueOf(question, Word::kAccessKind);
    if (entry == nullptr) return kind;
    kind = kind * 8 + entry->level;
    kind = kind * 4 + ValueOf(question, *entry, Word::kEntryRole);
    return kind * 2 + (entry->guest_level != 0);
  };
  for (const Observed& o : pool_) {
    if (questions.size() >= kMostSpread) break;
    if (!IsOfEntries(attempt.effect)) {
      Case question = o.question;
      MakeHold(elsewhere, seed.question, o.entries, LastOf(o), question);
      if (attempt.effect.kind == Effect::Kind::kTakes) {
        MakeMatter(attempt.effect, question);
      }
      consider(question, of_kind(o.question, LastOf(o)));
      continue;
    }
    for (const EntryRead& entry : o.entries) {
      if (entry.structure != attempt.effect.structure) continue;
      const std::uint64_t kind = of_kind(o.question, &entry);
      if (kinds[kind] >= kMostOfKind) continue;
      Case question = o.question;
      MakeHold(elsewhere, seed.question, o.entries, &entry, question);
      MakeMatter(attempt.effect, elsewhere, o.entries, entry, question);
      consider(question, kind);
    }
  }
  far_.clear();
  Ask(questions, &far_);
  std::erase_if(far_, [&](const Observed& o) {
    return o.departs && CauseOf(o).has_value();
  });
}

void Experiments::Widen(const Observed& seed, Attempt& attempt) {
  Weigh(attempt);
  for (const Word word : {Word::kEntryFor, Word::kEntryLevel}) {
    const auto at =
        std::find_if(attempt.when.begin(), attempt.when.end(),
                     [&](const Atom& atom) { return atom.word == word; });
    if (at == attempt.when.end()) continue;
    const std::size_t place =
        static_cast<std::size_t>(at - attempt.when.begin());
    Attempt wide = attempt;
    wide.when.erase(wide.when.begin() + static_cast<std::ptrdiff_t>(place));
    Weigh(wide);
    if (wide.contradicted <= attempt.contradicted &&
        wide.explained >= attempt.explained) {
      attempt = std::move(wide);
      continue;
    }
    for (std::uint64_t number = 0; number <= 5; ++number) {
      if ((attempt.when[place].mask & NumberSet(number)) != 0) continue;
      wide = attempt;
      wide.when[place].mask |= NumberSet(number);
      Weigh(wide);
      if (wide.contradicted <= attempt.contradicted &&
          wide.explained > attempt.explained) {
        attempt = wide;
      }
    }
  }
  (void)seed;
}

namespace {

// Whether an atom is about a bit of what the effect takes otherwise.
bool IsOfTheSame(const Atom& atom, const Effect& effect) {
  if (IsOfEntries(effect)) {
    return atom.of == Atom::Of::kItself && atom.word == Word::kEntry;
  }
  return atom.of == Atom::Of::kQuestion && atom.word == effect.word &&
         std::has_single_bit(atom.mask);
}

}  // namespace

// A bit that is taken for 1 if another is 1, or for 0 if that is 0, may be
// taken for that other one; and what an entry is taken for by one bit, if it
// has another, may be by that other one.
void Experiments::TryOtherBit(Attempt& attempt) {
  const Effect& effect = attempt.effect;
  if (effect.kind != Effect::Kind::kTakes || effect.part == Part::kIndex ||
      KindOf(effect.word) == WordKind::kNumber) {
    return;
  }
  const bool one_use = IsOneUse(effect.part);
  if (!one_use && !std::has_single_bit(effect.mask)) return;
  for (std::size_t i = 0; i < attempt.when.size(); ++i) {
    const Atom& atom = attempt.when[i];
    const bool same = (atom.value != 0) == (effect.value != 0);
    if (!same || (one_use && atom.value == 0) || !IsOfTheSame(atom, effect)) {
      continue;
    }
    Attempt other = attempt;
    if (one_use) {
      other.effect.mask = other.effect.value = atom.mask;
    } else {
      other.effect.from = atom.mask;
    }
    other.when.erase(other.when.begin() + static_cast<std::ptrdiff_t>(i));
    Weigh(attempt);
    Weigh(other);
    if (other.contradicted > attempt.contradicted ||
        other.explained < attempt.explained) {
      continue;
    }
    attempt = std::move(other);
    return;
  }
}

}  // namespace eptdiff
