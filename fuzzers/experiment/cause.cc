#include "fuzzers/experiment/cause.h"

#include <algorithm>

namespace eptdiff {
namespace {

bool HoldsOf(const Atom& atom, std::uint64_t x) {
  if (KindOf(atom.word) == WordKind::kBits) {
    return (x & atom.mask) == atom.value;
  }
  return x < 64 && (atom.mask >> x & 1) != 0;
}

}  // namespace

EventClass ClassOf(const Event& event) {
  const bool exits = event.kind == EventKind::kVmExit;
  return {event.kind, exits ? event.exit_reason : std::uint16_t{0}};
}

Consequence ConsequenceOf(const Observed& observed) {
  if (observed.DepartsInEvent()) {
    if (observed.outcome.event.kind == EventKind::kCompleted) {
      return Consequence::kReaches;
    }
    return observed.expected.kind == EventKind::kCompleted
               ? Consequence::kRefuses
               : Consequence::kOtherEvent;
  }
  switch (observed.disagreements[0].field) {
    case Field::kAddress:
      return Consequence::kElsewhere;
    case Field::kMemoryType:
    case Field::kStructureMemoryType:
      return Consequence::kMemoryType;
    case Field::kPdpte:
    case Field::kEptp:
    case Field::kEptpIndex:
    case Field::kPmlIndex:
    case Field::kMemory:
      return Consequence::kEffects;
    default:
      return Consequence::kTellsWrong;
  }
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
