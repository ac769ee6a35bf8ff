// What entries are looked at for, one use after the other: uses.def as a table.
// Thread-safety: plain values.
#ifndef EPTDIFF_FUZZERS_EXPERIMENT_USES_H_
#define EPTDIFF_FUZZERS_EXPERIMENT_USES_H_

#include <cstdint>

#include "fuzzers/experiment/cause.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/trace.h"

namespace eptdiff {

enum class Over : std::uint8_t { kEntry, kAll, kEach, kAny };

struct EntryUse {
  Part part;
  Structure structure;
  std::uint64_t bit;
  Over over;
  Slot slot;
};
inline constexpr EntryUse kEntryUses[] = {
#define EPTDIFF_USE(part, structure, bit, over, slot) \
  {Part::part, Structure::structure, bit, Over::over, Slot::k##slot},
#include "fuzzers/experiment/uses.def"
#undef EPTDIFF_USE
};

// Whether an effect is about this use.
constexpr bool IsAbout(const Effect& effect, const EntryUse& use) {
  return effect.part == use.part && effect.structure == use.structure &&
         effect.from == use.bit;
}

// The bits that say it by the SDM; of an index none.
inline std::uint64_t BitsBySdm(const Effect& effect) {
  return effect.part == Part::kPresence ? PresenceBits(true) : effect.from;
}

// Over which entries an effect on one use looks.
constexpr Over OverOf(const Effect& effect) {
  for (const EntryUse& use : kEntryUses) {
    if (IsAbout(effect, use)) return use.over;
  }
  return Over::kEntry;
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_EXPERIMENT_USES_H_
