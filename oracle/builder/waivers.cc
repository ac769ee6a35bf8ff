#include "oracle/builder/waivers.h"

#include <cstddef>
#include <iterator>

namespace eptdiff {
namespace {

// In the order of Waiver.
constexpr WaiverInfo kWaivers[] = {
    {"needless-invept", "INVEPT where no change needs it"},
    {"repeated-invept", "INVEPT more than once in an operation"},
    {"empty-tables", "tables that map nothing stay linked"},
    {"break-before-make", "pages are absent while they change"},
    {"partial-success",
     "where frames run out, what an operation has done until then stays"},
    {"loss-on-failure",
     "where frames run out, pages that were mapped are gone"},
    {"lossy-tables", "pages go that an operation was not about"},
};
static_assert(std::size(kWaivers) == kWaiverCount);

}  // namespace

const WaiverInfo& InfoOf(Waiver waiver) {
  return kWaivers[static_cast<std::size_t>(waiver)];
}

std::optional<Waiver> FindWaiver(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kWaivers); ++i) {
    if (kWaivers[i].name == name) return static_cast<Waiver>(i);
  }
  return {};
}

std::optional<Waiver> WaiverOf(BuilderRule rule) {
  switch (rule) {
    case BuilderRule::kInveptNeeded:
      return Waiver::kNeedlessInvept;
    case BuilderRule::kInveptOnce:
      return Waiver::kRepeatedInvept;
    case BuilderRule::kEmptyTable:
      return Waiver::kEmptyTables;
    default:
      return {};
  }
}

}  // namespace eptdiff
