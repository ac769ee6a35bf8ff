#include "fuzzers/experiment/taken_entries.h"

#include <algorithm>

#include "oracle/reference/examiner.h"

namespace eptdiff {
namespace {

// Of this thread: those that are being judged by.
thread_local TakenEntries* deciding = nullptr;

}  // namespace

std::uint64_t PresentAsTaken(const Situation& situation, std::uint64_t value) {
  return deciding == nullptr
             ? value
             : deciding->IsPresent(situation.Mbec(), value != 0);
}

std::span<const Alteration> ThatDecidePresence() {
  static constexpr Alteration kAlterations[] = {
      {"WALK-3/as-taken", Slot::kWalk3, PresentAsTaken, ""},
      {"WALK-4/as-taken", Slot::kWalk4, PresentAsTaken, ""},
  };
  return kAlterations;
}

TakenEntries::TakenEntries(const Case& question,
                           const std::vector<EntryRead>& entries)
    : question_(question), entries_(entries) {
  deciding = this;
}

TakenEntries::~TakenEntries() { deciding = nullptr; }

bool TakenEntries::DecidePresence() const {
  return std::any_of(taken_as_.begin(), taken_as_.end(),
                     [](const TakenAs& taken) {
                       return taken.effect->part == Part::kPresence;
                     });
}

bool TakenEntries::IsPresent(bool mbec, bool present) {
  bool is = present;
  for (const auto& [effect, when] : taken_as_) {
    if (effect->part != Part::kPresence) continue;
    if (!HoldAll(*when, question_, entries_, &last_)) continue;
    is = (last_.value & PresenceBits(*effect, mbec)) != 0;
  }
  if (is != present) taken_.push_back(last_);
  return is;
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
  if (value != entry.value) taken_.push_back(entry);
  last_ = entry;
  last_.value = value;
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
