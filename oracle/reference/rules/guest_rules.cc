// GW-1 to GW-6, GW-12 to GW-23: how the guest's paging translates a linear
// address (3A 4.1 to 4.5, 4.8, 4.9).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {
namespace {

constexpr std::uint64_t kAccessed = 1 << 5;
constexpr std::uint64_t kDirty = 1 << 6;

// The lowest bit of the linear address that selects an entry at this level.
int LowestIndexBit(const Situation& s) {
  return s.linear.mode == GuestMode::k32Bit ? 12 + 10 * (s.level - 1)
                                            : 12 + 9 * (s.level - 1);
}

bool PageSize(const Situation& s) { return Bit(s.entry, 7); }

// PCD and PWT, with a value of 0 for the PAT bit.
std::uint64_t PcdPwt(std::uint64_t value) { return Bits(value, 4, 3); }

}  // namespace

// 3A 4.1.1. IA32_EFER.LMA says nothing without CR0.PG and CR4.PAE.
std::uint64_t Gw1Mode(const Situation& s) {
  return static_cast<std::uint64_t>(PagingModeOf(s.state->guest));
}

// 4.3: 10 bits select an entry of 4 bytes; 4.4.2, 4.5: 9 bits one of 8.
std::uint64_t Gw1Index(const Situation& s) {
  const int low = LowestIndexBit(s);
  return s.linear.mode == GuestMode::k32Bit
             ? 4 * Bits(s.linear.gla.value, low + 9, low)
             : 8 * Bits(s.linear.gla.value, low + 8, low);
}

// A PTE always; a PDE of 8 bytes with PS.
std::uint64_t Gw1Leaf(const Situation& s) {
  if (s.level == 1) return true;
  return s.level == 2 && s.linear.mode != GuestMode::k32Bit && PageSize(s);
}

std::uint64_t Gw1Table(const Situation& s) { return Field(s.entry, 51, 12); }

std::uint64_t Gw1Frame(const Situation& s) {
  const int low = LowestIndexBit(s);
  return Field(s.entry, 51, low) | Field(s.linear.gla.value, low - 1, 0);
}

std::uint64_t Gw2Root(const Situation& s) {
  return Field(s.linear.root->cr3, 31, 12);
}

// "If CR4.PSE = 1 and the PDE's PS flag is 1".
std::uint64_t Gw2Leaf(const Situation& s) {
  return s.linear.mode == GuestMode::k32Bit && s.level == 2 && s.Cr4(4) &&
         PageSize(s);
}

std::uint64_t Gw2Reserved(const Situation& s) {
  if (!Gw2Leaf(s)) return false;
  if (!s.state->processor.pse36) return Bits(s.entry, 21, 13) != 0;
  const int m = s.N() < 40 ? s.N() : 40;
  return Bits(s.entry, 21, m - 19) != 0;
}

// 4.3: bits 39:32 are bits 20:13 of the PDE; those that are not address bits
// are reserved.
std::uint64_t Gw2Frame(const Situation& s) {
  return Bits(s.entry, 20, 13) << 32 | Field(s.entry, 31, 22) |
         Field(s.linear.gla.value, 21, 0);
}

std::uint64_t Gw3Register(const Situation& s) {
  return Bits(s.linear.gla.value, 31, 30);
}

std::uint64_t Gw3Absent(const Situation& s) { return !Bit(s.entry, 0); }

// 4.6.1: "with PAE paging, the PDPTEs do not determine access rights".
std::uint64_t Gw3Rights(const Situation&) { return false; }

std::uint64_t Gw3Directory(const Situation& s) {
  return Field(s.entry, 51, 12);
}

std::uint64_t Gw4Root(const Situation& s) {
  return Field(s.linear.root->cr3, s.N() - 1, 12);
}

std::uint64_t Gw4Leaf(const Situation& s) {
  return s.FourOrFiveLevel() && s.level == 3 && PageSize(s) &&
         s.state->processor.page_1gb;
}

std::uint64_t Gw4Reserved(const Situation& s) {
  return s.FourOrFiveLevel() && s.level == 3 && PageSize(s) &&
         !s.state->processor.page_1gb;
}

// Bits 51:N; with PAE paging bits 62:N; none with 32-bit paging.
std::uint64_t Gw5Address(const Situation& s) {
  switch (s.linear.mode) {
    case GuestMode::kPae:
      return Bits(s.entry, 62, s.N()) != 0;
    case GuestMode::k4Level:
    case GuestMode::k5Level:
      return Bits(s.entry, 51, s.N()) != 0;
    default:
      return false;
  }
}

std::uint64_t Gw5PageSize(const Situation& s) {
  return s.level >= 4 && PageSize(s);
}

// 20:13 of a 2-MByte leaf, 29:13 of a 1-GByte one; bit 12 is PAT.
std::uint64_t Gw5Leaf(const Situation& s) {
  if (s.level == 2 && Gw1Leaf(s)) return Bits(s.entry, 20, 13) != 0;
  return Gw4Leaf(s) && Bits(s.entry, 29, 13) != 0;
}

std::uint64_t Gw5ExecuteDisable(const Situation& s) {
  return s.linear.mode != GuestMode::k32Bit && !s.ExecuteDisableEnabled() &&
         Bit(s.entry, 63);
}

std::uint64_t Gw5Ignored(const Situation&) { return false; }

std::uint64_t Gw6Present(const Situation& s) { return Bit(s.entry, 0); }

// 4.7: P is bit 0, RSVD bit 3.
std::uint64_t Gw6Error(const Situation& s) {
  switch (static_cast<Fault>(s.operand)) {
    case Fault::kNotPresent:
      return 0;
    case Fault::kReserved:
      return 9;
    default:
      return 1;
  }
}

std::uint64_t Gw12Accessed(const Situation&) { return kAccessed; }

// An entry that is not present is not "used as part of linear-address
// translation".
std::uint64_t Gw12NotPresent(const Situation&) { return 0; }

std::uint64_t Gw12Dirty(const Situation& s) {
  return s.linear.write && !s.linear.shadow_stack ? kDirty : 0;
}

// 4.8: "whenever there is a write", but "a processor that supports CET will
// never set the dirty flag in a paging-structure entry in which the R/W flag is
// clear".
std::uint64_t Gw12ReadOnly(const Situation& s) {
  const bool open = s.state->processor.cet_ss && !Bit(s.entry, 1);
  return static_cast<std::uint64_t>(open ? ReadOnlyDirty::kEither
                                         : ReadOnlyDirty::kYes);
}

// 29.3.3.3.
std::uint64_t Gw13(const Situation&) {
  return static_cast<std::uint64_t>(GuestEntryOrder::kSdm);
}
std::uint64_t Pri2(const Situation&) {
  return static_cast<std::uint64_t>(LinearOrder::kSdm);
}

// 4.9.2: PAT is bit 7 of a PTE, bit 12 of other entries that map a page.
std::uint64_t Gw14Leaf(const Situation& s) {
  return 4 * std::uint64_t{Bit(s.entry, s.level == 1 ? 7 : 12)} +
         PcdPwt(s.entry);
}

std::uint64_t Gw14Table(const Situation& s) { return PcdPwt(s.entry); }

// "The PAT entry 0 [...] if CR4.PCIDE = 1"; bits 4:3 of HLATP always count.
std::uint64_t Gw14Root(const Situation& s) {
  if (!s.linear.hlat && s.FourOrFiveLevel() && s.Cr4(17)) return 0;
  return PcdPwt(s.operand);
}

// 4.5.1 gives a size of 1 its meaning where the maximum is 1; what other sizes
// and maxima mean is "not currently defined", and VM entry checks neither.
std::uint64_t Gw15Defined(const Situation& s) {
  const std::uint64_t maximum = Bits(s.state->processor.ept_vpid_cap, 53, 48);
  const std::uint64_t size = s.state->controls.hlat_prefix_size;
  return !s.EnableHlat() || size == 0 || (size == 1 && maximum == 1);
}

// 4.5.1. Asked with 4-level and 5-level paging.
std::uint64_t Gw15Applies(const Situation& s) {
  return UsesHlatp(*s.linear.hlat_root, s.linear.gla);
}

std::uint64_t Gw15Root(const Situation& s) {
  return Field(s.linear.hlat_root->hlatp, s.N() - 1, 12);
}

std::uint64_t Gw15Restart(const Situation& s) {
  return s.linear.hlat && Bit(s.entry, 11);
}

// "0: the fault occurred during ordinary paging or due to access rights".
std::uint64_t Gw15Error(const Situation& s) {
  return s.linear.hlat && static_cast<Fault>(s.operand) != Fault::kRights;
}

// Linear addresses have 64 bits in IA-32e mode alone.
std::uint64_t Gw16(const Situation& s) {
  const std::uint64_t gla = s.linear.gla.value;
  return s.FourOrFiveLevel() ? gla : Bits(gla, 31, 0);
}

// 3A 4.4.1: bits 31:5 of CR3.
std::uint64_t Gw17Address(const Situation& s) {
  return Field(s.operand, 31, 5);
}

// 3A table 4-8: `entry` is a PDPTE.
std::uint64_t Gw17Reserved(const Situation& s) {
  return Bit(s.entry, 0) &&
         (Bits(s.entry, 2, 1) != 0 || Bits(s.entry, 8, 5) != 0 ||
          Bits(s.entry, 63, s.N()) != 0);
}

// 4.6.1: the rights of the entries used before the restart do not apply.
std::uint64_t Gw19Rights(const Situation&) { return false; }

// 4.8: "it will not set the dirty flag".
std::uint64_t Gw19Accessed(const Situation&) { return kAccessed; }

std::uint64_t Gw20(const Situation&) {
  return static_cast<std::uint64_t>(GuestUpdates::kEither);
}

// "This submode uses only 32-bit linear addresses." The bases of descriptor
// tables have 64 bits in all of IA-32e mode.
std::uint64_t Gw21(const Situation& s) {
  return s.CompatibilityMode() && !s.linear.implicit ? Bits(s.operand, 31, 0)
                                                     : s.operand;
}

// "A user-mode data access [...] of which bit 63 is 1"; an instruction fetch
// likewise.
std::uint64_t Gw22User(const Situation& s) {
  return s.SeparatesLinearAddresses() && s.linear.user_access &&
         Bit(s.linear.gla.value, 63);
}

// "A supervisor-mode data access [...] of which bit 63 is 0, supervisor-mode
// access protection is enabled, and either RFLAGS.AC is 0 or the access is an
// implicit supervisor-mode access".
std::uint64_t Gw22Data(const Situation& s) {
  const bool protects =
      s.Cr4(21) && (!Bit(s.state->guest.rflags, 18) || s.linear.implicit);
  return s.SeparatesLinearAddresses() && !s.linear.user_access &&
         !s.linear.fetch && protects && !Bit(s.linear.gla.value, 63);
}

// "Regardless of the setting of CR4.SMEP."
std::uint64_t Gw22Fetch(const Situation& s) {
  return s.SeparatesLinearAddresses() && !s.linear.user_access &&
         s.linear.fetch && !Bit(s.linear.gla.value, 63);
}

// Of an access with bytes at both ends of the address space nothing is said,
// nor whether one page is translated before the other is looked at.
std::uint64_t Gw22Wrap(const Situation&) {
  return static_cast<std::uint64_t>(SeparationOfWrap::kEither);
}

namespace {

// Which bits of `gla` are metadata: "the identification of an address as user
// or supervisor is based solely on the value of bit 63 and does not depend on
// the CPL".
std::uint64_t Metadata(const Situation& s, std::uint64_t gla) {
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  const std::uint64_t lam48 = Field(kOnes, 62, 48);
  const std::uint64_t lam57 = Field(kOnes, 62, 57);
  const std::uint64_t cr3 = s.state->guest.cr3;
  if (Bit(gla, 63)) {
    if (!s.Cr4(28)) return 0;
    return s.linear.mode == GuestMode::k4Level ? lam48 : lam57;
  }
  if (Bit(cr3, 61)) return lam57;
  return Bit(cr3, 62) ? lam48 : 0;
}

// "Replace each of bits 62:48 with the value of bit 47": of LAM57 62:57 and 56.
std::uint64_t Masked(const Situation& s, std::uint64_t gla) {
  const std::uint64_t metadata = Metadata(s, gla);
  const bool sign = metadata != 0 && Bit(gla, Bit(metadata, 48) ? 47 : 56);
  return sign ? gla | metadata : gla & ~metadata;
}

}  // namespace

std::uint64_t Gw23(const Situation& s) {
  return s.MayMaskLinearAddress() ? Masked(s, s.operand) : s.operand;
}

// Nothing says whether implicit accesses are masked, nor whether the address of
// an access is, or that of each byte.
std::uint64_t Gw23Defined(const Situation& s) {
  if (!s.MayMaskLinearAddress()) return true;
  const std::uint64_t first = s.linear.named.value - s.operand;
  const std::uint64_t masked = Masked(s, first);
  if (s.linear.implicit && masked != first) return false;
  return Masked(s, s.linear.named.value) == masked + s.operand;
}

}  // namespace eptdiff::sdm
