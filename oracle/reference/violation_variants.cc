// Variants of VIO, PRI and SPP.
#include "oracle/reference/situation.h"
#include "oracle/reference/variants.h"

namespace eptdiff {
namespace {

constexpr Alteration kVariants[] = {
    {"SPP-6/first-byte-only", Slot::kSpp6,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return sdm::Bits(s.access.gpa.value, 11, 7);
     },
     "only the sub-page of the first byte is judged"},
};

}  // namespace

std::span<const Alteration> ViolationVariants() { return kVariants; }

}  // namespace eptdiff
