// Variants of GW-23: how linear addresses are masked, and what is reported.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;

// What is metadata with LAM48 and with LAM57.
constexpr std::uint64_t kLam48 = std::uint64_t{0x7fff} << 48;
constexpr std::uint64_t kLam57 = std::uint64_t{0x3f} << 57;

std::uint64_t OfPaging(const Situation& s) {
  return s.linear.mode == GuestMode::k4Level ? kLam48 : kLam57;
}
std::uint64_t OfUserPointers(const Situation& s) {
  if (Bit(s.state->guest.cr3, 61)) return kLam57;
  return Bit(s.state->guest.cr3, 62) ? kLam48 : 0;
}
std::uint64_t OfSupervisorPointers(const Situation& s) {
  return s.Cr4(28) ? OfPaging(s) : 0;
}
std::uint64_t MetadataOf(const Situation& s) {
  return Bit(s.operand, 63) ? OfSupervisorPointers(s) : OfUserPointers(s);
}

// The operand with the bit below `metadata` in its place.
std::uint64_t Extended(const Situation& s, std::uint64_t metadata) {
  const std::uint64_t gla = s.operand;
  if (metadata == 0) return gla;
  return Bit(gla, metadata == kLam48 ? 47 : 56) ? gla | metadata
                                                : gla & ~metadata;
}

constexpr Alteration kVariants[] = {
    {"GW-23/off", Slot::kGw23,
     [](const Situation& s, std::uint64_t) { return s.operand; },
     "linear addresses are not masked"},
    {"GW-23/fetches-too", Slot::kGw23,
     [](const Situation& s, std::uint64_t value) {
       return s.SixtyFourBitMode() && s.linear.fetch
                  ? Extended(s, MetadataOf(s))
                  : value;
     },
     "the linear addresses of instruction fetches are masked, too"},
    {"GW-23/pointers-by-mode", Slot::kGw23,
     [](const Situation& s, std::uint64_t value) {
       if (!s.MayMaskLinearAddress()) return value;
       return Extended(s, s.linear.user_access ? OfUserPointers(s)
                                               : OfSupervisorPointers(s));
     },
     "CR3 is about the linear addresses of user mode, CR4.LAM_SUP about those "
     "of supervisor mode, not about the halves that bit 63 tells"},
    {"GW-23/lam48-wins", Slot::kGw23,
     [](const Situation& s, std::uint64_t value) {
       const bool user = s.MayMaskLinearAddress() && !Bit(s.operand, 63);
       return user && Bit(s.state->guest.cr3, 62) ? Extended(s, kLam48) : value;
     },
     "where CR3.LAM_U48 and CR3.LAM_U57 are both 1, LAM48 is enabled"},
    {"GW-23/user-width-of-the-paging", Slot::kGw23,
     [](const Situation& s, std::uint64_t value) {
       const bool user = s.MayMaskLinearAddress() && !Bit(s.operand, 63);
       return user && OfUserPointers(s) != 0 ? Extended(s, OfPaging(s)) : value;
     },
     "the width of the mask of user pointers, too, is that of the paging mode"},
    {"GW-23/supervisor-lam48-always", Slot::kGw23,
     [](const Situation& s, std::uint64_t value) {
       const bool supervisor = s.MayMaskLinearAddress() && Bit(s.operand, 63);
       return supervisor && s.Cr4(28) ? Extended(s, kLam48) : value;
     },
     "CR4.LAM_SUP enables LAM48 with 5-level paging, too"},
    {"GW-23/supervisor-by-cr3", Slot::kGw23,
     [](const Situation& s, std::uint64_t value) {
       const bool supervisor = s.MayMaskLinearAddress() && Bit(s.operand, 63);
       return supervisor ? Extended(s, OfUserPointers(s)) : value;
     },
     "CR3.LAM_U48 and CR3.LAM_U57, not CR4.LAM_SUP, are about supervisor "
     "pointers, too"},
    {"GW-23/cleared", Slot::kGw23,
     [](const Situation& s, std::uint64_t value) {
       return s.MayMaskLinearAddress() ? s.operand & ~MetadataOf(s) : value;
     },
     "metadata is cleared, also where the bit below is 1"},
    {"GW-23/implicit-too", Slot::kGw23Defined,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || s.linear.implicit;
     },
     "implicit accesses to descriptor tables are masked as others are, in "
     "compatibility mode, too"},
    {"GW-16/with-metadata", Slot::kGw16,
     [](const Situation& s, std::uint64_t value) {
       return s.MayMaskLinearAddress() ? s.linear.named.value : value;
     },
     "CR2 gets the address as the access names it, not masked"},
    {"INFO-1/gla-with-metadata", Slot::kInfo1Gla,
     [](const Situation& s, std::uint64_t value) {
       return s.MayMaskLinearAddress() ? s.linear.named.value : value;
     },
     "the guest-linear address is the one that the access names, not masked"},
};

}  // namespace

std::span<const Alteration> MaskingVariants() { return kVariants; }

}  // namespace eptdiff
