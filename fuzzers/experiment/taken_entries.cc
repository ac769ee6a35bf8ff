#include "fuzzers/experiment/taken_entries.h"

#include "oracle/reference/examiner.h"

namespace eptdiff {

std::uint64_t TakenEntries::Take(const EntryRead& entry) {
  std::uint64_t value = entry.value;
  for (const auto& [effect, when] : taken_as_) {
    if (effect->structure != entry.structure) continue;
    const std::uint64_t taken = TakenFor(*effect, value);
    if (taken == value) continue;
    if (HoldAll(*when, question_, entries_, &entry)) value = taken;
  }
  if (value != entry.value) taken_.push_back(entry);
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
