#include "fuzzers/mutation/edit_used.h"

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/mutation/mutation.h"

namespace eptdiff {

bool UseSomeStep(Random& random, const Case& c, UsedEntries& used) {
  if (c.steps.empty()) return false;
  FindUsedEntries(c, c.steps[random.Below(c.steps.size())], used);
  return !used.list.empty();
}

bool UseSomePagedStep(Random& random, const Case& c, UsedEntries& used) {
  const Step* chosen = nullptr;
  unsigned seen = 0;
  for (const Step& step : c.steps) {
    if (IsPagedAccess(c, step) && random.Below(++seen) == 0) chosen = &step;
  }
  if (chosen == nullptr) return false;
  FindUsedEntries(c, *chosen, used);
  return !used.list.empty();
}

bool ReplaceWord(Case& c, Hpa address, std::uint64_t value) {
  if (MemoryWord* word = FindWord(c, address)) {
    word->value = value;
    return true;
  }
  if (!HasRoomForWord(c)) return false;
  c.memory.push_back({Hpa{address.value & ~7ull & bits::Low(52)}, value});
  return true;
}

bool ReplaceEntry(Case& c, const UsedEntry& entry, std::uint64_t value) {
  if (!IsGuestEntry(entry)) return ReplaceWord(c, entry.address, value);
  const unsigned bytes = ShapeOf(GuestModeOf(c.guest)).entry_bytes;
  return ReplaceWord(
      c, entry.address,
      WithEntry(LoadWord(c, entry.address), entry.address, bytes, value));
}

}  // namespace eptdiff
