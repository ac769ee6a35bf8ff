#include "fuzzers/experiment/taken_entries.h"

#include <algorithm>
#include <optional>

#include "fuzzers/entries/bits.h"
#include "oracle/reference/examiner.h"
#include "oracle/reference/rules/sdm.h"

namespace eptdiff {
namespace {

// Of this thread: those that are being judged by.
thread_local TakenEntries* deciding = nullptr;

// One entry with and without a bit.
std::uint64_t WithBit(std::uint64_t value, std::uint64_t bit, bool is) {
  return is ? value | bit : value & ~bit;
}

// Whether the entries of a path have what a use asks of them.
template <typename Path>
bool Have(Over over, const Path& path, std::uint64_t bits) {
  std::uint64_t common = ~std::uint64_t{0};
  std::uint64_t any = 0;
  bool each = true;
  for (const auto& used : path) {
    common &= used.value;
    any |= used.value;
    each &= (used.value & bits) != 0;
  }
  if (over == Over::kEach) return each;
  return ((over == Over::kAll ? common : any) & bits) != 0;
}

// Gives all entries of a path a bit, or takes it from them.
template <typename Path>
void SeePath(const EntryUse& use, const Effect& effect, Path& path) {
  const bool is = Have(use.over, path, UseBits(effect));
  for (auto& used : path) used.value = WithBit(used.value, use.bit, is);
}

// Makes of `s` what a use sees in it by the effect.
void See(const EntryUse& use, const Effect& effect, Situation& s) {
  const bool ept = use.structure == Structure::kEpt;
  switch (use.part) {
    case Part::kIndex: {
      std::uint64_t& address = ept ? s.access.gpa.value : s.linear.gla.value;
      address = (address & ~effect.mask) | effect.value;
      return;
    }
    case Part::kPresence: {
      const bool is = (s.entry & PresenceBits(effect, s.Mbec())) != 0;
      s.entry = WithBit(s.entry & ~PresenceBits(true), bits::kRead, is);
      return;
    }
    default:
      break;
  }
  if (use.over == Over::kEntry) {
    s.entry = WithBit(s.entry, use.bit, (s.entry & UseBits(effect)) != 0);
  } else if (ept) {
    SeePath(use, effect, s.path);
  } else {
    SeePath(use, effect, s.linear.path);
  }
}

// Whether an entry that is read may be taken for another by an effect on one
// use: it has a bit that says so by the effect alone, or by the SDM alone.
bool MaySee(const Effect& effect, std::uint64_t value) {
  std::uint64_t by_sdm = effect.from;
  if (effect.part == Part::kPresence) by_sdm = PresenceBits(true);
  const std::uint64_t not_by_effect = by_sdm & effect.mask & ~effect.value;
  return (value & (effect.value | not_by_effect)) != 0;
}

}  // namespace

bool MayTake(const Effect& effect, const std::vector<Atom>& when,
             const Case& question, const std::vector<EntryRead>& entries) {
  // What is read beyond is not known.
  if (entries.size() >= decltype(Trace::entries)::capacity()) return true;
  for (const Atom& atom : when) {
    if (atom.of == Atom::Of::kItself) continue;
    if (!Holds(atom, question, entries, nullptr)) return false;
  }
  // The guest's PDPTEs are on the way, and among no entries that are read.
  const bool guest = effect.structure == Structure::kGuest;
  const bool one_use = IsOneUse(effect.part);
  if (effect.root || effect.part == Part::kIndex || (guest && one_use)) {
    return true;
  }
  return std::any_of(
      entries.begin(), entries.end(), [&](const EntryRead& entry) {
        if (entry.structure != effect.structure) return false;
        if (one_use) return MaySee(effect, entry.value);
        return TakenFor(effect, question, entry) != entry.value &&
               HoldAll(when, question, entries, &entry);
      });
}

std::span<const Alteration> ThatSeeAsTaken() {
  static const auto& alterations = *[] {
    auto* list = new std::vector<Alteration>;
    SlotSet there;
    const auto add = [&](Slot slot, Alteration::Function function) {
      if (there.Contains(slot)) return;
      there.Add(slot);
      list->push_back({"as-taken", slot, function, ""});
    };
#define EPTDIFF_USE(part, structure, bit, over, slot)                  \
  add(Slot::k##slot, [](const Situation& s, std::uint64_t value) {     \
    return deciding == nullptr                                         \
               ? value                                                 \
               : deciding->Answer(Slot::k##slot, sdm::slot, s, value); \
  });
#include "fuzzers/experiment/uses.def"
#undef EPTDIFF_USE
    return list;
  }();
  return alterations;
}

TakenEntries::TakenEntries(const Case& question,
                           const std::vector<EntryRead>& entries)
    : question_(question), entries_(entries) {
  deciding = this;
}

TakenEntries::~TakenEntries() { deciding = nullptr; }

bool TakenEntries::AreOfUses() const {
  return std::any_of(
      taken_as_.begin(), taken_as_.end(),
      [](const TakenAs& taken) { return IsOneUse(taken.effect->part); });
}

EntryRead TakenEntries::LookedAt(const EntryUse& use,
                                 const Situation& s) const {
  EntryRead entry;
  entry.structure = use.structure;
  entry.level = s.level;
  entry.guest_level = s.linear.level;
  if (use.over != Over::kEntry && use.structure == Structure::kEpt) {
    const PathEntry& last = s.path.back();
    entry.level = last.level;
    entry.address = last.address;
    entry.value = last.value;
    return entry;
  }
  if (use.structure == Structure::kGuest) {
    if (use.over != Over::kEntry) entry.level = s.linear.path.back().level;
    entry.guest_level = entry.level;
  }
  if (use.part == Part::kIndex) return entry;
  for (auto it = read_.rbegin(); it != read_.rend(); ++it) {
    if (it->structure == entry.structure && it->level == entry.level &&
        it->guest_level == entry.guest_level) {
      return *it;
    }
  }
  return entry;
}

std::uint64_t TakenEntries::Answer(Slot slot,
                                   std::uint64_t (*sdm)(const Situation&),
                                   const Situation& situation,
                                   std::uint64_t value) {
  std::optional<Situation> seen;
  for (const EntryUse& use : kEntryUses) {
    if (use.slot != slot) continue;
    for (const auto& [effect, when] : taken_as_) {
      if (!IsAbout(*effect, use)) continue;
      const EntryRead entry = LookedAt(use, situation);
      if (!HoldAll(*when, question_, entries_, &entry)) continue;
      std::uint64_t answer = value;
      if (use.part == Part::kReserved) {
        answer |= (situation.entry & effect->value) != 0;
      } else {
        if (!seen.has_value()) seen = situation;
        See(use, *effect, *seen);
        answer = sdm(*seen);
      }
      if (answer == value) continue;
      value = answer;
      if (use.part == Part::kIndex) {
        took_index_ = use.structure;
      } else {
        taken_.push_back(entry);
      }
    }
  }
  return value;
}

std::uint64_t TakenEntries::Take(const EntryRead& entry) {
  std::uint64_t value = entry.value;
  for (const auto& [effect, when] : taken_as_) {
    if (effect->structure != entry.structure) continue;
    const std::uint64_t taken =
        TakenFor(*effect, question_,
                 {entry.structure, entry.level, entry.guest_level,
                  entry.address, value});
    if (taken == value) continue;
    if (HoldAll(*when, question_, entries_, &entry)) value = taken;
  }
  const bool elsewhere = took_index_ == entry.structure;
  if (elsewhere) took_index_.reset();
  if (value != entry.value || elsewhere) taken_.push_back(entry);
  read_.push_back(entry);
  return value;
}

// Conditions on the entry itself are none of a register's.
std::uint64_t TakenEntries::TakeRoot(Structure structure, std::uint64_t value) {
  const std::uint64_t before = value;
  for (const auto& [effect, when] : taken_as_) {
    if (!effect->root || effect->structure != structure) continue;
    const bool holds =
        std::all_of(when->begin(), when->end(), [&](const Atom& atom) {
          return atom.of == Atom::Of::kItself ||
                 Holds(atom, question_, entries_, nullptr);
        });
    if (!holds) continue;
    value = TakenFor(*effect, question_, {structure, 0, 0, {}, value});
  }
  took_root_ |= value != before;
  return value;
}

void TakenEntries::BeginLinear(Examiner& x) {
  if (x.s.linear.mode == GuestMode::kNone) return;
  guest_ = x.state().guest;
  guest_.cr3 = TakeRoot(Structure::kGuest, guest_.cr3);
  x.s.linear.root = &guest_;
}

std::uint64_t TakenEntries::ReadEntry(Examiner& x, Hpa address,
                                      std::uint64_t now) {
  return Take({Structure::kEpt, x.s.level, x.s.linear.level, address, now});
}

std::uint64_t TakenEntries::ReadSpp(Examiner& x, Hpa address,
                                    std::uint64_t now) {
  return Take({Structure::kSpp, x.s.level, x.s.linear.level, address, now});
}

std::uint64_t TakenEntries::ReadGuest(Examiner& x, Hpa address, int,
                                      std::uint64_t now) {
  return Take(
      {Structure::kGuest, x.s.linear.level, x.s.linear.level, address, now});
}

std::uint64_t TakenEntries::Pat(Examiner& x) { return x.state().guest.pat; }

}  // namespace eptdiff
