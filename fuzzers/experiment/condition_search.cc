// Under which condition an effect shows: the fewest things that rule out all
// answers that contradict it.
#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "fuzzers/entries/bits.h"
#include "fuzzers/experiment/experiments.h"
#include "fuzzers/experiment/next_atom.h"

namespace eptdiff {
namespace {

constexpr std::size_t kMostAtoms = 8;

// What an atom is worth beside another that rules out as much: which of them
// somebody would rather read.
double Readability(const Atom& atom) {
  const bool set = atom.value != 0;
  switch (atom.word) {
    case Word::kEntryRole:
      return 1.02;
    case Word::kEntryLevel:
    case Word::kEntryStructure:
    case Word::kEntryFor:
    case Word::kEntryTop:
      return 1;
    case Word::kAccessKind:
    case Word::kBefore:
      return 1;
    case Word::kBeforeType:
      return 0.98;
    case Word::kGuestMode:
    case Word::kEptLevels:
    case Word::kStepKind:
      return 0.97;
    case Word::kEntry:
      if (atom.of == Atom::Of::kItself) return set ? 1 : 0.96;
      return set ? 0.95 : 0.9;
    case Word::kMaxphyaddr:
      return 0.9;
    case Word::kPmlAddress:
    case Word::kSpptp:
    case Word::kVeAddress:
    case Word::kEptpList:
    case Word::kHlatp:
    case Word::kApicAddress:
    case Word::kBeforeDescriptor0:
    case Word::kBeforeDescriptor1:
      return 0.6;
    case Word::kGpa:
    case Word::kGla:
    case Word::kPageGla:
    case Word::kValue:
      return 0.85;
    default:
      return set ? 0.96 : 0.92;
  }
}

}  // namespace

std::vector<Atom> Experiments::AtomsOf(const Observed& seed,
                                       const Attempt& attempt) {
  std::vector<Atom> atoms;
  const std::vector<EntryRead> taken =
      predictor_.Taken(attempt.effect, attempt.when, seed);
  // Of what the effect is about in other questions, if it is a register here.
  const bool elsewhere = attempt.effect.root && taken.empty();
  const EntryRead* itself = !taken.empty() ? &taken[0]
                            : elsewhere    ? nullptr
                                           : LastOf(seed);
  const auto bits_of = [&](Atom atom, std::uint64_t value, unsigned count) {
    for (unsigned b = 0; b < count; ++b) {
      atom.mask = bits::Bit(b);
      atom.value = value & atom.mask;
      atoms.push_back(atom);
    }
  };
  for (const WordInfo& info : kQuestionWords) {
    if (!Has(seed.question, info.word)) continue;
    Atom atom;
    atom.word = info.word;
    const std::uint64_t value = ValueOf(seed.question, info.word);
    if (info.kind == WordKind::kBits) {
      bits_of(atom, value, info.bits);
    } else {
      atom.mask = NumberSet(value);
      atoms.push_back(atom);
    }
  }
  if (elsewhere) {
    for (const Word word : {Word::kEntryLevel, Word::kEntryRole}) {
      Atom atom = AtItself(word, 0);
      atom.mask = 0;
      atoms.push_back(atom);
    }
  } else if (itself != nullptr) {
    for (const Word word : {Word::kEntryLevel, Word::kEntryRole,
                            Word::kEntryStructure, Word::kEntryFor}) {
      atoms.push_back(AtItself(word, ValueOf(seed.question, *itself, word)));
    }
  }
  for (const EntryRead& entry : seed.entries) {
    Atom atom;
    atom.structure = entry.structure;
    atom.level = entry.level;
    atom.guest_level = entry.guest_level;
    const bool same = itself != nullptr && AreOfOnePlace(entry, *itself);
    atom.of = same ? Atom::Of::kItself : Atom::Of::kOnTheWay;
    if (same) atom = Atom{.of = Atom::Of::kItself};
    atom.word = Word::kEntry;
    bits_of(atom, entry.value, BitsOf(seed.question, entry));
  }
  return atoms;
}

void Experiments::FindCondition(const Observed& seed, Attempt& attempt) {
  const std::vector<Atom> all = AtomsOf(seed, attempt);
  struct Item {
    const Observed* observed;
    double weight;
    bool near;
    const EntryRead* itself;
    std::vector<EntryRead> taken;
  };
  const bool of_entries = IsOfEntries(attempt.effect);
  // What has nothing to do with the effect has nothing to do with it under a
  // condition.
  struct Known {
    const Observed* observed;
    double weight;
    bool near;
  };
  std::vector<Known> known;
  ForEach([&](const Observed& o, double weight, bool near) {
    if (o.departs ||
        predictor_.Of(attempt.effect, attempt.when, o) == Says::kContradicts) {
      known.push_back({&o, weight, near});
    }
  });
  while (attempt.when.size() < kMostAtoms) {
    // What is explained and what is contradicted so far.
    std::vector<Item> yes;
    std::vector<Item> no;
    for (const auto& [observed, weight, near] : known) {
      const Observed& o = *observed;
      const Says says = predictor_.Of(attempt.effect, attempt.when, o);
      if (says != Says::kExplains && says != Says::kContradicts) continue;
      Item item{&o, weight, near, LastOf(o), {}};
      if (of_entries) item.taken = predictor_.taken();
      if (says == Says::kExplains) {
        yes.push_back(std::move(item));
      } else {
        if (near) item.weight = kNearContradiction;
        no.push_back(std::move(item));
      }
    }
    if (no.empty() || yes.empty()) return;
    const auto holds = [&](const Atom& atom, const Item& item) {
      if (atom.of != Atom::Of::kItself || !of_entries) {
        return Holds(atom, item.observed->question, item.observed->entries,
                     item.itself);
      }
      // Of a register that references the first table nothing is asked.
      if (attempt.effect.root && item.taken.empty()) return true;
      return std::any_of(item.taken.begin(), item.taken.end(),
                         [&](const EntryRead& entry) {
                           return Holds(atom, item.observed->question,
                                        item.observed->entries, &entry);
                         });
    };
    // A set of numbers is that of all that are explained.
    const auto widened = [&](Atom atom) {
      if (KindOf(atom.word) == WordKind::kBits) return atom;
      for (const Item& item : yes) {
        if (atom.of == Atom::Of::kQuestion) {
          atom.mask |= NumberSet(ValueOf(item.observed->question, atom.word));
        } else if (of_entries && !item.taken.empty()) {
          atom.mask |= NumberSet(
              ValueOf(item.observed->question, item.taken[0], atom.word));
        } else if (attempt.effect.root && item.taken.empty()) {
          continue;
        } else if (item.itself != nullptr) {
          atom.mask |= NumberSet(
              ValueOf(item.observed->question, *item.itself, atom.word));
        }
      }
      return atom;
    };
    std::vector<Atom> atoms;
    for (const Atom& candidate : all) {
      const Atom atom = widened(candidate);
      if (std::find(attempt.when.begin(), attempt.when.end(), atom) ==
          attempt.when.end()) {
        atoms.push_back(atom);
      }
    }
    const std::optional<Atom> best =
        NextAtom(atoms, yes, no, Readability, holds);
    if (!best.has_value()) return;
    attempt.when.push_back(*best);
    if (predictor_.Of(attempt.effect, attempt.when, seed) != Says::kExplains) {
      attempt.when.pop_back();
      return;
    }
  }
}

// How much there is to be read of a condition.
double Experiments::WeightOf(const Effect& effect,
                             const std::vector<Atom>& when) {
  double weight = 0;
  for (const Atom& atom : when) {
    // Where it is belongs to an effect on entries, and its level to a known
    // mistake; what another entry has to do with it is rather said of the entry
    // itself.
    const bool level = atom.word == Word::kEntryLevel;
    const bool place = level || atom.word == Word::kEntryFor;
    const bool known = effect.kind == Effect::Kind::kAltered;
    if ((place && IsOfEntries(effect)) || (level && known)) continue;
    weight += atom.of == Atom::Of::kOnTheWay ? 1.4 : 1;
  }
  return weight;
}

void Experiments::Weigh(Attempt& attempt) {
  attempt.explained = 0;
  attempt.contradicted = 0;
  ForEach([&](const Observed& o, double weight, bool near) {
    const Says says = predictor_.Of(attempt.effect, attempt.when, o);
    if (says == Says::kExplains) attempt.explained += weight;
    if (says == Says::kContradicts) {
      attempt.contradicted += near ? kNearContradiction : weight;
    }
  });
  double worth = attempt.explained;
  if (attempt.effect.event_only) worth *= 0.95;
  if (IsOneUse(attempt.effect.part)) worth *= 0.97;
  if (attempt.effect.kind == Effect::Kind::kAnswers) worth *= 0.88;
  if (RedirectsOnly(attempt.effect)) worth *= 0.7;
  worth *= 1 - 0.09 * WeightOf(attempt.effect, attempt.when);
  attempt.score = worth - 3 * attempt.contradicted;
}

void Experiments::Prune(Attempt& attempt) {
  Weigh(attempt);
  for (std::size_t i = 0; i < attempt.when.size();) {
    Attempt less = attempt;
    less.when.erase(less.when.begin() + static_cast<std::ptrdiff_t>(i));
    Weigh(less);
    const bool better = less.contradicted <= attempt.contradicted &&
                        less.explained >= attempt.explained;
    if (better) {
      attempt = std::move(less);
    } else {
      ++i;
    }
  }
}

}  // namespace eptdiff
