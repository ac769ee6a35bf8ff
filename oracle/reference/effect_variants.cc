// Variants of AD, PML, ALIAS and MT.
#include "oracle/reference/situation.h"
#include "oracle/reference/variants.h"

namespace eptdiff {
namespace {

constexpr Alteration kVariants[] = {
    {"PML-1/without-need", Slot::kPml1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.pml_index > 511;
     },
     "an index above 511 is a log-full event although no flag has to be set"},
};

}  // namespace

std::span<const Alteration> EffectVariants() { return kVariants; }

}  // namespace eptdiff
