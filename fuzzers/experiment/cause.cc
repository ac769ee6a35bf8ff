#include "fuzzers/experiment/cause.h"

#include <algorithm>

#include "fuzzers/entries/bits.h"

namespace eptdiff {
namespace {

bool HoldsOf(const Atom& atom, std::uint64_t x) {
  if (KindOf(atom.word) == WordKind::kBits) {
    return (x & atom.mask) == atom.value;
  }
  return x < 64 && (atom.mask >> x & 1) != 0;
}

// The bit that an effect is about.
std::uint64_t BitOf(const Effect& effect) {
  return IsOneUse(effect.part) && effect.from != 0 ? effect.from : effect.mask;
}

}  // namespace

EventClass ClassOf(const Event& event) {
  const bool exits = event.kind == EventKind::kVmExit;
  return {event.kind, exits ? event.exit_reason : std::uint16_t{0}};
}

Consequence ConsequenceOf(const Observed& observed) {
  return ConsequenceOf(observed.expected.kind, observed.outcome.event.kind,
                       observed.disagreements);
}

bool AreAlikeInBothDimensions(const Cause& a, const Cause& b) {
  const Effect& x = a.effect;
  const Effect& y = b.effect;
  if (!IsOfEntries(x) || !IsOfEntries(y) || x.structure == y.structure ||
      x.mask != y.mask || x.value != y.value || x.from != y.from ||
      (x.part != y.part && (IsOneUse(x.part) || IsOneUse(y.part)))) {
    return false;
  }
  const auto without_place = [](std::vector<Atom> when) {
    std::erase_if(when, [](const Atom& atom) {
      return atom.word == Word::kEntryFor || atom.word == Word::kEntryStructure;
    });
    std::sort(when.begin(), when.end());
    return when;
  };
  return without_place(a.when) == without_place(b.when);
}

bool AreOneMistake(const Cause& a, const Cause& b) {
  const Effect& x = a.effect;
  const Effect& y = b.effect;
  if (x.kind != y.kind) return false;
  if (AreAlikeInBothDimensions(a, b)) return true;
  switch (x.kind) {
    case Effect::Kind::kTakes:
      if (x.word != y.word || x.structure != y.structure) return false;
      // By what it is none, or by what it is one as well.
      if (x.part == Part::kPresence && y.part == Part::kPresence) {
        return (x.value == 0) == (y.value == 0);
      }
      // In one use of the bit, and wherever it is looked at.
      if (IsOneUse(x.part) != IsOneUse(y.part)) return BitOf(x) == BitOf(y);
      return x.mask == y.mask && x.value == y.value && x.from == y.from;
    case Effect::Kind::kAltered:
      return x.alteration == y.alteration;
    case Effect::Kind::kAnswers:
      break;
  }
  if (x.field != y.field) return false;
  return x.field <= Field::kExitReason ? x.expected_event == y.expected_event &&
                                             x.given_event == y.given_event
                                       : x.index == y.index;
}

std::uint64_t NumberSet(std::uint64_t number) {
  return std::uint64_t{1} << std::min<std::uint64_t>(number, 63);
}

Atom AtItself(Word word, std::uint64_t number) {
  Atom atom;
  atom.of = Atom::Of::kItself;
  atom.word = word;
  atom.mask = NumberSet(number);
  return atom;
}

bool IsOfEntries(const Effect& effect) {
  return effect.kind == Effect::Kind::kTakes && effect.word == Word::kEntry;
}

bool RedirectsOnly(const Effect& effect) {
  if (effect.kind != Effect::Kind::kTakes) return false;
  if (effect.part == Part::kIndex) return true;
  if (effect.part != Part::kWhole) return false;
  switch (effect.word) {
    case Word::kEptp:
    case Word::kEntry:
      return (effect.mask & bits::kAddress) != 0;
    case Word::kGpa:
      return true;
    default:
      return false;
  }
}

const EntryRead* LastOf(const std::vector<EntryRead>& entries) {
  return entries.empty() ? nullptr : &entries.back();
}

void AddConsequence(const Observed& observed, Cause& cause) {
  cause.consequence = std::min(cause.consequence, ConsequenceOf(observed));
  if (!observed.DepartsInEvent()) return;
  const std::pair event(observed.expected, ClassOf(observed.outcome.event));
  if (std::find(cause.events.begin(), cause.events.end(), event) ==
      cause.events.end()) {
    cause.events.push_back(event);
  }
}

std::uint64_t TakenFor(const Effect& effect, std::uint64_t value) {
  if (KindOf(effect.word) == WordKind::kNumber) return effect.value;
  if (effect.from == 0) return (value & ~effect.mask) | effect.value;
  return (value & effect.from) != 0 ? value | effect.mask
                                    : value & ~effect.mask;
}

std::uint64_t PresenceBits(bool mbec) {
  return bits::kPermissions | (mbec ? bits::kUserExecute : 0);
}

std::uint64_t PresenceBits(const Effect& effect, bool mbec) {
  return (PresenceBits(mbec) & ~effect.mask) | effect.value;
}

std::uint64_t UseBits(const Effect& effect) {
  return (effect.from & ~effect.mask) | effect.value;
}

Effect WithinPart(const Effect& effect, const Case& question,
                  const EntryRead& entry) {
  std::uint64_t part = ~std::uint64_t{0};
  const std::uint64_t width = bits::Low(question.processor.maxphyaddr);
  const auto role =
      static_cast<EntryRole>(ValueOf(question, entry, Word::kEntryRole));
  switch (effect.part) {
    case Part::kWhole:
      return effect;
    case Part::kAddress: {
      const unsigned shift = role == EntryRole::kPage && entry.level > 1
                                 ? 12 + 9 * (entry.level - 1u)
                                 : 12;
      part = bits::kAddress & width & ~bits::Low(shift);
      break;
    }
    case Part::kBeyond:
      part = bits::kAddress & ~width;
      break;
    case Part::kPresence:
    case Part::kUse:
    case Part::kRight:
    case Part::kConfiguration:
    case Part::kReserved:
    case Part::kIndex:
      part = 0;
      break;
  }
  Effect within = effect;
  within.mask &= part;
  within.value &= part;
  if (IsOneUse(effect.part)) within.from = 0;
  return within;
}

std::uint64_t TakenFor(const Effect& effect, const Case& question,
                       const EntryRead& entry) {
  return TakenFor(WithinPart(effect, question, entry), entry.value);
}

const EntryRead* OnTheWay(const std::vector<EntryRead>& entries,
                          const Atom& atom) {
  const EntryRead* found = nullptr;
  for (const EntryRead& entry : entries) {
    if (entry.structure == atom.structure && entry.level == atom.level &&
        entry.guest_level == atom.guest_level) {
      found = &entry;
    }
  }
  return found;
}

bool Holds(const Atom& atom, const Case& question,
           const std::vector<EntryRead>& entries, const EntryRead* itself) {
  if (atom.of == Atom::Of::kQuestion) {
    return HoldsOf(atom, ValueOf(question, atom.word));
  }
  if (atom.of == Atom::Of::kOnTheWay) itself = OnTheWay(entries, atom);
  return itself != nullptr &&
         HoldsOf(atom, ValueOf(question, *itself, atom.word));
}

bool HoldAll(const std::vector<Atom>& atoms, const Case& question,
             const std::vector<EntryRead>& entries, const EntryRead* itself) {
  return std::all_of(atoms.begin(), atoms.end(), [&](const Atom& atom) {
    return Holds(atom, question, entries, itself);
  });
}

}  // namespace eptdiff
