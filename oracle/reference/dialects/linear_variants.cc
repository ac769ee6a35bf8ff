// Variants of the rules of EPT where a linear access comes through the guest's
// own tables: VIO-7, VIO-13, CTL-5, PRI-2, and what QUAL, INFO and AD make of
// the accesses on the way.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;

// Bit `position` of the guest entry that maps the page of a final access;
// `value` where there is none.
std::uint64_t OfGuestLeaf(const Situation& s, int position,
                          std::uint64_t value) {
  if (value == kUndefinedBit || s.linear.path.empty()) return value;
  return Bit(s.linear.path.back().value, position);
}

constexpr Alteration kVariants[] = {
    {"CTL-5/verification-without-paging-write", Slot::kCtl5Verification,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.GuestPagingVerification();
     },
     "guest-paging verification operates although \"EPT paging-write control\" "
     "is 0"},
    {"VIO-7/leaf-only", Slot::kVio7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.IsStructureAccess() ? value : OfGuestLeaf(s, 2, value);
     },
     "a linear address is user-mode by U/S of the guest entry that maps the "
     "page alone"},
    {"VIO-13/write-access-suffices", Slot::kVio13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (!value) return 0;
       for (const GuestEntry& used : s.linear.path) {
         if (!Bit(used.ept_leaf, 58) && !Bit(used.ept_leaf, 1)) return 1;
       }
       return 0;
     },
     "guest-paging verification takes write access (bit 1) in the place of "
     "paging-write access (bit 58)"},
    {"VIO-13/last-entry-only", Slot::kVio13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !Bit(s.linear.path.back().ept_leaf, 58);
     },
     "guest-paging verification looks at the guest entry that maps the page "
     "alone"},
    {"VIO-13/root-only", Slot::kVio13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !Bit(s.linear.path[0].ept_leaf, 58);
     },
     "guest-paging verification looks at the first guest entry alone"},
    {"VIO-13/every-page", Slot::kVio13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (value) return 1;
       for (const GuestEntry& used : s.linear.path) {
         if (!Bit(used.ept_leaf, 58)) return 1;
       }
       return 0;
     },
     "guest-paging verification applies whatever bit 57 of the leaf is"},
    {"VIO-13/page-of-the-last-entry", Slot::kVio13,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       if (!Bit(s.linear.path.back().ept_leaf, 57)) return 0;
       for (const GuestEntry& used : s.linear.path) {
         if (!Bit(used.ept_leaf, 58)) return 1;
       }
       return 0;
     },
     "guest-paging verification is asked for by bit 57 of the EPT entry that "
     "maps the last guest entry, not the final page"},
    {"VIO-13/writes-only", Slot::kVio13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.writes;
     },
     "guest-paging verification applies to data writes alone"},
    {"VIO-13/before-restart-too", Slot::kVio13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (Bit(s.path.back().value, 57) &&
                        !Bit(s.linear.ept_leaves_before_restart, 58));
     },
     "guest-paging verification counts the entries used before an HLAT "
     "restart"},
    {"PRI-2/final-first", Slot::kPri2,
     [](const Situation&, std::uint64_t) {
       return static_cast<std::uint64_t>(LinearOrder::kFinalFirst);
     },
     "an EPT violation of the final access hides a page fault for the guest's "
     "rights"},
    {"QUAL-1/of-the-linear-access", Slot::kQual1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.IsStructureAccess() && s.linear.write);
     },
     "for an access to a guest paging structure, qualification bit 1 says that "
     "the linear access is a write"},
    {"QUAL-2/of-the-linear-access", Slot::kQual2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.IsStructureAccess() && s.linear.fetch);
     },
     "for an access to a guest paging structure, qualification bit 2 says that "
     "the linear access is an instruction fetch"},
    {"QUAL-9/leaf-only", Slot::kQual9,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return OfGuestLeaf(s, 2, value);
     },
     "qualification bit 9 is U/S of the guest entry that maps the page alone"},
    {"QUAL-10/leaf-only", Slot::kQual10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return OfGuestLeaf(s, 1, value);
     },
     "qualification bit 10 is R/W of the guest entry that maps the page alone"},
    {"QUAL-11/leaf-only", Slot::kQual11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == 1 ? OfGuestLeaf(s, 63, value) : value;
     },
     "qualification bit 11 is XD of the guest entry that maps the page alone"},
    {"QUAL-13/page-walk-too", Slot::kQual13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.IsStructureAccess() && s.linear.shadow_stack);
     },
     "qualification bit 13 is set for the page walk of a shadow-stack access, "
     "too"},
    {"QUAL-15/never", Slot::kQual15,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : 0;
     },
     "qualification bit 15 is never set"},
    {"INFO-1/gla-of-translation-only", Slot::kInfo1Gla,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.IsStructureAccess() ? 0 : value;
     },
     "no guest-linear address is reported for an access to a guest paging "
     "structure"},
    {"AD-1/final-access-only", Slot::kAd1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.IsStructureAccess();
     },
     "accesses to guest paging structures set no accessed flags of EPT"},
};

}  // namespace

std::span<const Alteration> LinearVariants() { return kVariants; }

}  // namespace eptdiff
