// Variants of QUAL, INFO and VE.
#include "oracle/reference/situation.h"
#include "oracle/reference/variants.h"

namespace eptdiff {
namespace {

constexpr Alteration kVariants[] = {
    {"QUAL-0/structure-access-writes-only", Slot::kQual0,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.IsStructureAccess() && s.AccessedDirtyEnabled() ? 0 : value;
     },
     "under EPTP bit 6, an access to a guest paging structure sets "
     "qualification bit 1 without bit 0"},
    {"QUAL-6/fetch-only", Slot::kQual6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.Mbec() && !s.fetches ? 0 : value;
     },
     "with MBEC, qualification bit 6 is given for fetches alone"},
    {"QUAL-13/user-execute-permission", Slot::kQual13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const bool user_execute =
           !s.not_present && !s.beyond_width && s.InAllEntries(10);
       return value | (s.Mbec() && !s.fetches && user_execute);
     },
     "with MBEC, the AND of bit 10 over the entries used is reported in "
     "qualification bit 13 when the access is no fetch"},
    {"VE-4/index-of-eight-bytes", Slot::kVe4Bytes,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return static_cast<VeField>(s.operand) == VeField::kEptpIndex ? 8
                                                                     : value;
     },
     "the EPTP index is written as 8 bytes: bytes 34 to 39 of the "
     "virtualization-exception information area are cleared"},
};

}  // namespace

std::span<const Alteration> ReportVariants() { return kVariants; }

}  // namespace eptdiff
