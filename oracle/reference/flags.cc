#include "oracle/reference/flags.h"

#include <span>

#include "oracle/reference/report.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kAccessed = 1 << 8;
constexpr std::uint64_t kDirty = 1 << 9;

// The flags of one entry used that the access has to set, and those that it may
// set: what was kept has them, memory has not.
struct Missing {
  PathEntry entry;
  std::uint64_t current = 0;
  std::uint64_t flags = 0;
  std::uint64_t open = 0;
  Rule rule = Rule::kAd1;
};

// x.s looks at `used` while the slots are asked.
Missing MissingOf(Examiner& x, const Effects& effects, const PathEntry& used) {
  Situation& s = x.s;
  s.level = used.level;
  s.leaf = used.leaf;
  const std::uint64_t in_memory = CurrentWord(x, effects, used.address);
  s.entry = in_memory;
  // "The processor might not set the corresponding bit in memory" (29.3.5).
  if (used.kept && x.Ask(Slot::kCache10)) {
    const std::uint64_t of_memory = used.flags_of_memory;
    s.entry = (used.value & ~of_memory) | (in_memory & of_memory);
  }
  std::uint64_t wanted = x.Ask(Slot::kAd1) ? kAccessed : 0;
  Rule rule = Rule::kAd1;
  if (used.leaf) {
    if (x.Ask(Slot::kAd2)) {
      wanted |= kDirty;
      rule = Rule::kAd2;
    }
    if (x.Ask(Slot::kAd3)) {
      wanted |= kDirty;
      rule = Rule::kAd3;
    }
  }
  const std::uint64_t flags = wanted & ~s.entry;
  const std::uint64_t open = wanted & ~flags & ~in_memory;
  return {used, s.entry, flags, open, (flags & kDirty) ? rule : Rule::kAd1};
}

// Puts x.s back to the leaf after its entries were looked at.
void ReturnToLeaf(Situation& s) {
  s.level = s.path.back().level;
  s.leaf = s.path.back().leaf;
  s.entry = s.path.back().value;
}

// What a log-full event leaves of the flags that are missing.
void SetFlagsDespiteFullLog(Examiner& x, std::span<const Missing> missing,
                            Effects& effects) {
  for (const Missing& entry : missing) {
    if (entry.flags == 0) continue;
    x.s.level = entry.entry.level;
    x.s.leaf = entry.entry.leaf;
    const std::uint64_t flags = x.Ask(Slot::kPml1Flags, entry.flags);
    if (flags == 0) continue;
    x.Touch(Role::kEptEntry, entry.entry.level, entry.entry.address);
    effects.required.push_back(
        {entry.entry.address, flags, flags, {Rule::kPml1, entry.entry.level}});
  }
  ReturnToLeaf(x.s);
}

// 29.3.6: one log entry.
void Log(Examiner& x, Effects& effects) {
  const Hpa word{x.Ask(Slot::kPml2Address)};
  const std::uint64_t value = x.Ask(Slot::kPml2Value, x.Ask(Slot::kPml4));
  x.Touch(Role::kLog, 0, word);
  AddWrite(x.state(), word, ~std::uint64_t{0}, value, {Rule::kPml2, 0},
           effects.required);
  x.s.pml_index = static_cast<std::uint16_t>(x.Ask(Slot::kPml2Index));
  effects.registers.pml_index = x.s.pml_index;
}

}  // namespace

std::uint64_t CurrentWord(const Examiner& x, const Effects& effects, Hpa word) {
  std::uint64_t value = x.state().memory.Load(word);
  for (const BitWrite& write : effects.required) {
    if (write.word == word) value = (value & ~write.mask) | write.value;
  }
  return value;
}

bool SetFlags(Examiner& x, Effects& effects) {
  Situation& s = x.s;
  s.pml_index = effects.registers.pml_index;
  const bool in_use = x.Ask(Slot::kAd5);
  const bool logs = x.Ask(Slot::kCtl5Pml);
  if (!in_use && !logs) return false;
  FixedVector<Missing, 5> missing;
  std::uint64_t flags = 0;
  for (const PathEntry& used : s.path) {
    if (used.flags_may_stay) continue;
    const Missing entry = MissingOf(x, effects, used);
    if ((entry.flags | entry.open) == 0) continue;
    missing.push_back(entry);
    flags |= entry.flags;
  }
  ReturnToLeaf(s);
  if (logs && x.Ask(Slot::kPml1, flags)) {
    SetFlagsDespiteFullLog(x, {missing.begin(), missing.end()}, effects);
    return true;
  }
  for (const Missing& entry : missing) {
    if (!in_use) break;
    // A dirty flag that is set is logged: flags_of_memory.
    const std::uint64_t open = logs ? entry.open & kAccessed : entry.open;
    if (open != 0) {
      x.Touch(Role::kEptEntry, entry.entry.level, entry.entry.address);
      effects.optional.push_back({entry.entry.address,
                                  open,
                                  open,
                                  {Rule::kCache10, entry.entry.level}});
    }
    if (entry.flags == 0) continue;
    s.level = entry.entry.level;
    s.leaf = entry.entry.leaf;
    s.entry = entry.current;
    const std::uint64_t updated = x.Ask(Slot::kAd4, entry.flags);
    if (updated == entry.current) continue;
    x.Touch(Role::kEptEntry, entry.entry.level, entry.entry.address);
    std::uint64_t differing = updated ^ entry.current;
    if (entry.entry.kept) {
      differing &= updated ^ CurrentWord(x, effects, entry.entry.address);
      if (differing == 0) continue;
    }
    effects.required.push_back({entry.entry.address,
                                differing,
                                updated & differing,
                                {entry.rule, entry.entry.level}});
  }
  ReturnToLeaf(s);
  if (!logs || flags == 0) return false;
  const bool dirtied = (flags & kDirty) != 0;
  if (dirtied || x.Ask(Slot::kPml3) ||
      (s.access.purpose == Purpose::kPdpteLoad &&
       x.Ask(Slot::kPml5, dirtied))) {
    Log(x, effects);
  }
  return false;
}

bool IsLogFull(Examiner& x, const Effects& effects) {
  Effects scratch = effects;
  return SetFlags(x, scratch);
}

void PermitAccessedFlags(Examiner& x, Effects& effects) {
  x.s.pml_index = effects.registers.pml_index;
  if (!x.Ask(Slot::kAd5)) return;
  const auto choice = static_cast<AccessedOnExit>(x.Ask(Slot::kAd6));
  if (choice == AccessedOnExit::kNever) return;
  // With the log full, no flag can be set.
  if (x.Ask(Slot::kCtl5Pml) && x.Ask(Slot::kPml1, kAccessed)) return;
  for (const PathEntry& used : x.s.path) {
    if (used.flags_may_stay) continue;
    if (CurrentWord(x, effects, used.address) & kAccessed) continue;
    x.Touch(Role::kEptEntry, used.level, used.address);
    const BitWrite write = {
        used.address, kAccessed, kAccessed, {Rule::kAd6, used.level}};
    // "The processor might not set" what was kept as set (29.3.5).
    const bool must = choice == AccessedOnExit::kAlways && !used.kept;
    (must ? effects.required : effects.optional).push_back(write);
  }
}

LogFullFirst DoesLogFullComeFirst(Examiner& x, const Effects& effects) {
  x.s.pml_index = effects.registers.pml_index;
  if (!x.Ask(Slot::kAd5) || !x.Ask(Slot::kCtl5Pml)) return LogFullFirst::kNo;
  const auto choice = static_cast<AccessedOnExit>(x.Ask(Slot::kAd6));
  if (choice == AccessedOnExit::kNever) return LogFullFirst::kNo;
  if (!x.Ask(Slot::kPml1, kAccessed)) return LogFullFirst::kNo;
  LogFullFirst first = LogFullFirst::kNo;
  for (const PathEntry& used : x.s.path) {
    if (used.flags_may_stay) continue;
    if (CurrentWord(x, effects, used.address) & kAccessed) continue;
    if (choice == AccessedOnExit::kAlways && !used.kept) {
      return LogFullFirst::kMust;
    }
    first = LogFullFirst::kMay;
  }
  return first;
}

}  // namespace eptdiff
