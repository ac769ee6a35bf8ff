// Variants of GST.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;

constexpr std::uint64_t kNe = 1 << 5;
constexpr std::uint64_t kPeAndPg = 0x80000001;
constexpr std::uint64_t kLam = std::uint64_t{3} << 61;  // of CR3

// GST-1 of some of its bits.
bool Refuses(const Situation& s, bool ne, bool high, std::uint64_t fixed) {
  const std::uint64_t cr0 = s.state->guest.cr0;
  return (ne && (cr0 & kNe) == 0) || (high && Bits(cr0, 63, 32) != 0) ||
         (!s.UnrestrictedGuest() && (cr0 & fixed) != fixed);
}

bool HasReservedEfer(const Situation& s) {
  const std::uint64_t efer = s.state->guest.efer;
  return Bits(efer, 7, 1) != 0 || Bit(efer, 9) || Bits(efer, 63, 12) != 0;
}

bool HasType(const Situation& s, std::uint64_t mask, auto refused) {
  for (int i = 0; i < 8; ++i) {
    if (refused(Bits(s.state->guest.pat, 8 * i + 7, 8 * i) & mask)) return true;
  }
  return false;
}
bool IsNoType(std::uint64_t byte) { return byte == 2 || byte == 3 || byte > 7; }

bool HasReservedRflags(const Situation& s) {
  const std::uint64_t rflags = s.state->guest.rflags;
  return Bits(rflags, 63, 22) != 0 || Bit(rflags, 15) || Bit(rflags, 5) ||
         Bit(rflags, 3);
}

bool IsVirtual8086(const Situation& s) {
  return Bit(s.state->guest.rflags, 17);
}

bool IsLoadedPdpte(const Situation& s, bool low, int high_from) {
  return Bit(s.entry, 0) &&
         ((low && (Bits(s.entry, 2, 1) != 0 || Bits(s.entry, 8, 5) != 0)) ||
          Bits(s.entry, 63, high_from) != 0);
}

constexpr Alteration kVariants[] = {
    {"GST-1/ne-unchecked", Slot::kGst1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Refuses(s, false, true, kPeAndPg);
     },
     "CR0.NE is not checked: it may be 0"},
    {"GST-1/low-half-only", Slot::kGst1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Refuses(s, true, false, kPeAndPg);
     },
     "bits 63:32 of CR0 are not checked"},
    {"GST-1/pg-unchecked", Slot::kGst1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Refuses(s, true, true, 1);
     },
     "CR0.PG may be 0 without \"unrestricted guest\""},
    {"GST-1/unrestricted-guest-ignored", Slot::kGst1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.state->guest.cr0 & kPeAndPg) != kPeAndPg;
     },
     "CR0.PE and CR0.PG have to be 1 even with \"unrestricted guest\""},
    {"GST-1/cd-nw-refused", Slot::kGst1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bits(s.state->guest.cr0, 30, 29) != 0;
     },
     "CR0.CD and CR0.NW have to be 0"},
    {"GST-3/vmxe-alone", Slot::kGst3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !s.Cr4(13);
     },
     "reserved bits of CR4 are not checked at VM entry"},
    {"GST-4/cet-refused", Slot::kGst4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.Cr4(23);
     },
     "CR4.CET is refused even with CR0.WP"},
    {"GST-5/pg-unchecked", Slot::kGst5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.Ia32eModeGuest() && !s.Cr4(5);
     },
     "an IA-32e mode guest is accepted without paging"},
    {"GST-5/pae-unchecked", Slot::kGst5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.Ia32eModeGuest() && !s.PagingEnabled();
     },
     "an IA-32e mode guest is accepted without CR4.PAE"},
    {"GST-6/refused", Slot::kGst6,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.Cr4(17);
     },
     "CR4.PCIDE is refused even for an IA-32e mode guest"},
    {"GST-7/bits-63-52", Slot::kGst7,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.state->guest.cr3 & ~kLam, 63, 52) != 0;
     },
     "CR3 is checked against 52 bits, not against the physical-address width"},
    {"GST-7/narrowed-by-key-identifiers", Slot::kGst7,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.state->guest.cr3 & ~kLam, 63, s.M()) != 0;
     },
     "CR3, a guest-physical address, is checked against the width of physical "
     "addresses"},
    {"GST-7/bit-63-with-pcid", Slot::kGst7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.Cr4(17) ? Bits(s.state->guest.cr3 & ~kLam, 62, s.N()) != 0
                        : value;
     },
     "bit 63 of CR3 is accepted with CR4.PCIDE, as MOV to CR3 does"},
    {"GST-7/lam-bits-too", Slot::kGst7,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.state->guest.cr3, 63, s.N()) != 0;
     },
     "CR3 is refused with LAM_U48 or LAM_U57 set"},
    {"GST-8/reserved-bits-only", Slot::kGst8,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.EntryControl(15) && HasReservedEfer(s);
     },
     "IA32_EFER.LMA may differ from LME"},
    {"GST-8/modes-only", Slot::kGst8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t efer = s.state->guest.efer;
       return value && s.PagingEnabled() && Bit(efer, 8) != Bit(efer, 10);
     },
     "reserved bits of IA32_EFER are not checked"},
    {"GST-8/without-paging-too", Slot::kGst8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t efer = s.state->guest.efer;
       return value || (s.EntryControl(15) && Bit(efer, 8) != Bit(efer, 10));
     },
     "IA32_EFER.LMA has to be LME without paging, too"},
    {"GST-8/whatever-the-control", Slot::kGst8,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t efer = s.state->guest.efer;
       return value || HasReservedEfer(s) ||
              (s.PagingEnabled() && Bit(efer, 8) != Bit(efer, 10));
     },
     "IA32_EFER is checked although \"load IA32_EFER\" is 0"},
    {"GST-9/low-bits-only", Slot::kGst9,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.EntryControl(14) && HasType(s, 7, IsNoType);
     },
     "bits 7:3 of the bytes of IA32_PAT are not checked"},
    {"GST-9/uc-minus-refused", Slot::kGst9,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.EntryControl(14) &&
               HasType(s, 0xff, [](std::uint64_t byte) { return byte == 7; }));
     },
     "the memory type UC- is refused in IA32_PAT"},
    {"GST-9/whatever-the-control", Slot::kGst9,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return HasType(s, 0xff, IsNoType);
     },
     "IA32_PAT is checked although \"load IA32_PAT\" is 0"},
    {"GST-10/width-only", Slot::kGst10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return IsLoadedPdpte(s, false, s.N());
     },
     "bits 8:5 and 2:1 of the PDPTE fields are not checked"},
    {"GST-10/bits-63-52", Slot::kGst10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return IsLoadedPdpte(s, true, 52);
     },
     "PDPTE fields are checked against 52 bits, not against the "
     "physical-address width"},
    {"GST-10/narrowed-by-key-identifiers", Slot::kGst10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || IsLoadedPdpte(s, false, s.M());
     },
     "PDPTE fields, guest-physical addresses, are checked against the width of "
     "physical addresses"},
    {"GST-10/absent-ones-too", Slot::kGst10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.entry, 2, 1) != 0 || Bits(s.entry, 8, 5) != 0 ||
              Bits(s.entry, 63, s.N()) != 0;
     },
     "reserved bits are refused in PDPTE fields that are not present, too"},
    {"GST-10/bits-11-9-reserved", Slot::kGst10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (Bit(s.entry, 0) && Bits(s.entry, 11, 9) != 0);
     },
     "bits 11:9 of a PDPTE field, which are ignored, are refused"},
    {"GST-10/qualification-0", Slot::kGst10Reason,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "a failure of the PDPTE fields is reported with the exit qualification 0"},
    {"GST-11/bit-1-unchecked", Slot::kGst11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bit(s.state->guest.rflags, 1);
     },
     "bit 1 of RFLAGS may be 0"},
    {"GST-11/vm-unchecked", Slot::kGst11,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return HasReservedRflags(s) || !Bit(s.state->guest.rflags, 1);
     },
     "RFLAGS.VM is accepted in IA-32e mode and with CR0.PE = 0"},
    {"GST-11/ac-refused", Slot::kGst11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bit(s.state->guest.rflags, 18);
     },
     "RFLAGS.AC, which is defined, is refused"},
    {"GST-12/virtual-8086-unchecked", Slot::kGst12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !IsVirtual8086(s);
     },
     "a virtual-8086 guest is accepted with whatever CPL and CS.L"},
    {"GST-12/cs-l-unchecked", Slot::kGst12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !(IsVirtual8086(s) && s.state->guest.cpl == 3);
     },
     "a virtual-8086 guest is accepted with CS.L"},
    {"GST-12/real-address-mode-unchecked", Slot::kGst12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && IsVirtual8086(s);
     },
     "real-address mode is accepted with a CPL other than 0"},
    {"GST-12/user-mode-refused", Slot::kGst12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || s.state->guest.cpl == 3;
     },
     "a CPL of 3 is refused"},
    {"GST-13/if-unchecked", Slot::kGst13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bit(s.state->guest.interruptibility, 1);
     },
     "blocking by STI is accepted with RFLAGS.IF = 0"},
    {"GST-13/both-accepted", Slot::kGst13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t field = s.state->guest.interruptibility;
       return value &&
              !(Bits(field, 1, 0) == 3 && Bit(s.state->guest.rflags, 9));
     },
     "blocking by STI and by MOV SS is accepted at once"},
    {"GST-13/enclave-unchecked", Slot::kGst13,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bit(s.state->guest.interruptibility, 0);
     },
     "an interruption of an enclave is accepted beside blocking by MOV SS"},
    {"GST-13/refused", Slot::kGst13,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.state->guest.interruptibility, 1, 0) != 0;
     },
     "blocking by STI and by MOV SS are refused"},
    {"GST-14/bus-lock-refused", Slot::kGst14BusLock,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return static_cast<std::uint64_t>(PendingBusLock::kReserved);
     },
     "a pending debug exception of a bus lock is refused"},
    {"GST-14/single-step-whatever-tf", Slot::kGst14,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bit(s.state->guest.pending_debug, 16);
     },
     "a pending single step is accepted with RFLAGS.TF = 0, though STI or MOV "
     "SS blocks it"},
    {"GST-14/single-step-without-blocking", Slot::kGst14,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (Bit(s.state->guest.pending_debug, 14) &&
                        !Bit(s.state->guest.rflags, 8));
     },
     "a pending single step is refused with RFLAGS.TF = 0, whatever blocks it"},
    {"GST-14/transactional-region-unchecked", Slot::kGst14,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !Bit(s.state->guest.pending_debug, 16);
     },
     "pending debug exceptions of a transactional region are accepted with "
     "whatever else"},
};

}  // namespace

std::span<const Alteration> GuestStateVariants() { return kVariants; }

}  // namespace eptdiff
