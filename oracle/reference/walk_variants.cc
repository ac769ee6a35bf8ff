// Variants of EPTP, CTL, WALK and CFG.
#include "oracle/reference/situation.h"
#include "oracle/reference/variants.h"

namespace eptdiff {
namespace {

using sdm::Bits;

constexpr Alteration kVariants[] = {
    {"CFG-8/bit-12-unchecked", Slot::kCfg8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 29, 13) != 0;
     },
     "bit 12 of a 1-GByte leaf is not checked"},
    {"CFG-9/bit-12-unchecked", Slot::kCfg9,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.entry, 20, 13) != 0;
     },
     "bit 12 of a 2-MByte leaf is not checked"},
};

}  // namespace

std::span<const Alteration> WalkVariants() { return kVariants; }

}  // namespace eptdiff
