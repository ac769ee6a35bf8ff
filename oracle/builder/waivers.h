// What a builder may be allowed: matters of design that break no promise to a
// processor. Whatever CACHE-9 rests on is none of them.
// Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_ORACLE_BUILDER_WAIVERS_H_
#define EPTDIFF_ORACLE_BUILDER_WAIVERS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "oracle/builder/builder_finding.h"

namespace eptdiff {

enum class Waiver : std::uint8_t {
  kNeedlessInvept,   // INVEPT where no change needs it
  kRepeatedInvept,   // INVEPT more than once in an operation
  kEmptyTables,      // tables that map nothing stay linked
  kBreakBeforeMake,  // a page is absent while it changes
  kPartialSuccess,   // where frames run out, what is done stays
  kLossOnFailure,    // ... what was mapped goes
  kLossyTables,      // pages go at any time
};
inline constexpr int kWaiverCount = 7;

// Bit n is the Waiver of value n.
using WaiverSet = std::uint32_t;
inline constexpr WaiverSet kAllWaivers = (1u << kWaiverCount) - 1;
constexpr WaiverSet SetOf(Waiver waiver) {
  return WaiverSet{1} << static_cast<int>(waiver);
}

struct WaiverInfo {
  std::string_view name;   // "needless-invept"
  std::string_view words;  // what is allowed
};
const WaiverInfo& InfoOf(Waiver waiver);

// None if there is no such name.
std::optional<Waiver> FindWaiver(std::string_view name);

// By which a breach of this rule is allowed, wherever it happens.
std::optional<Waiver> WaiverOf(BuilderRule rule);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_WAIVERS_H_
