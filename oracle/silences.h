// The places where the SDM is silent or contradicts itself: silences.def.
// Thread-safety: constants.
#ifndef EPTDIFF_ORACLE_SILENCES_H_
#define EPTDIFF_ORACLE_SILENCES_H_

#include <cstdint>
#include <string_view>

namespace eptdiff {

// What the reference makes of two readings.
enum class Stance : std::uint8_t {
  kBoth,       // each is a whole alternative of the verdict
  kUndefined,  // what they differ in is not compared
  kFirst,      // it follows the first; whoever follows the second departs
  kNotJudged,  // no answer is judged
};

struct Silence {
  std::string_view identifier;  // "accessed-flags-of-an-exit"
  Stance stance = Stance::kBoth;
  std::string_view rules;     // "AD-6 PML-1"
  std::string_view slots;     // as slots.def names them
  std::string_view passages;  // "29.3.5, 29.3.6"
  std::string_view first;     // the readings, in words
  std::string_view second;
  std::string_view who;      // does which, as far as known
  std::string_view witness;  // a witness whose answer it leaves open, or ""
};

inline constexpr Silence kSilences[] = {
#define EPTDIFF_SILENCE(identifier, stance, rules, slots, passages, first, \
                        second, who, witness)                              \
  {identifier, Stance::stance, rules, slots,  passages,                    \
   first,      second,         who,   witness},
#include "oracle/silences.def"
#undef EPTDIFF_SILENCE
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_SILENCES_H_
