// What mutations have in common: picking an entry that some step uses, and
// giving it another value. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_MUTATION_EDIT_USED_H_
#define EPTDIFF_FUZZERS_MUTATION_EDIT_USED_H_

#include <cstdint>

#include "fuzzers/entries/random.h"
#include "fuzzers/entries/used_entries.h"
#include "oracle/case.h"

namespace eptdiff {

// The entries of a random step. False if there are none.
bool UseSomeStep(Random& random, const Case& c, UsedEntries& used);
// The entries of a random step that goes through the guest's paging.
bool UseSomePagedStep(Random& random, const Case& c, UsedEntries& used);

inline const UsedEntry& SomeEntry(Random& random, const UsedEntries& used) {
  return used.list[random.Below(used.list.size())];
}

// A random one of those that `f` takes; null if there is none.
template <typename F>
const UsedEntry* SomeEntryThat(Random& random, const UsedEntries& used, F f) {
  const UsedEntry* chosen = nullptr;
  unsigned seen = 0;
  for (const UsedEntry& entry : used.list) {
    if (f(entry) && random.Below(++seen) == 0) chosen = &entry;
  }
  return chosen;
}

inline bool IsGuestEntry(const UsedEntry& entry) {
  return entry.kind == UsedKind::kGuest;
}
// An EPT entry on the way to an entry of the guest.
inline bool IsOfStructure(const UsedEntry& entry) {
  return entry.kind == UsedKind::kEpt && entry.guest_level != 0;
}

// Writes a word that may not be listed yet, or an entry, which may be half of
// a word. False, and nothing happens, if there is no room.
bool ReplaceWord(Case& c, Hpa address, std::uint64_t value);
bool ReplaceEntry(Case& c, const UsedEntry& entry, std::uint64_t value);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_MUTATION_EDIT_USED_H_
