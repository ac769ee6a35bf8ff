// GST: what VM entry checks of the guest's state (27.3.1).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {

// 24.8: "the following bits [must] be 1 in VMX operation: CR0.PE, CR0.NE,
// CR0.PG, and CR4.VMXE".
std::uint64_t Gst1(const Situation& s) {
  const std::uint64_t cr0 = s.state->guest.cr0;
  if (!Bit(cr0, 5) || Bits(cr0, 63, 32) != 0) return true;
  return !s.UnrestrictedGuest() && !(Bit(cr0, 0) && Bit(cr0, 31));
}

std::uint64_t Gst2(const Situation& s) {
  return s.PagingEnabled() && !Bit(s.state->guest.cr0, 0);
}

// "The CR4 field must not set any bit to a value not supported in VMX
// operation": no processor supports 1 in those that are reserved.
std::uint64_t Gst3(const Situation& s) {
  return HasReservedBitOfCr4(s.state->guest.cr4) || !s.Cr4(13);
}

std::uint64_t Gst4(const Situation& s) {
  return s.Cr4(23) && !s.WriteProtect();
}

std::uint64_t Gst5(const Situation& s) {
  return s.Ia32eModeGuest() && !(s.PagingEnabled() && s.Cr4(5));
}

std::uint64_t Gst6(const Situation& s) {
  return s.Cr4(17) && !s.Ia32eModeGuest();
}

// Bits 62:61 are LAM's, and where they are 1 the processor has it.
std::uint64_t Gst7(const Situation& s) {
  constexpr std::uint64_t kLam = std::uint64_t{3} << 61;
  return Bits(s.state->guest.cr3 & ~kLam, 63, s.N()) != 0;
}

std::uint64_t Gst8(const Situation& s) {
  constexpr int kLoadEfer = 15;
  if (!s.EntryControl(kLoadEfer)) return false;
  const std::uint64_t efer = s.state->guest.efer;
  if (Bits(efer, 7, 1) != 0 || Bit(efer, 9) || Bits(efer, 63, 12) != 0) {
    return true;
  }
  return s.PagingEnabled() && Bit(efer, 8) != Bit(efer, 10);
}

std::uint64_t Gst9(const Situation& s) {
  constexpr int kLoadPat = 14;
  if (!s.EntryControl(kLoadPat)) return false;
  for (int i = 0; i < 8; ++i) {
    const std::uint64_t type = Bits(s.state->guest.pat, 8 * i + 7, 8 * i);
    if (type == 2 || type == 3 || type > 7) return true;
  }
  return false;
}

// "The same checks that are used when CR3 is loaded with MOV to CR3".
std::uint64_t Gst10(const Situation& s) { return Gw17Reserved(s); }

// 27.8: "Failure was due to a problem loading the PDPTEs".
std::uint64_t Gst10Reason(const Situation&) { return 2; }

std::uint64_t Gst11(const Situation& s) {
  const std::uint64_t rflags = s.state->guest.rflags;
  if (Bits(rflags, 63, 22) != 0 || Bit(rflags, 15) || Bit(rflags, 5) ||
      Bit(rflags, 3) || !Bit(rflags, 1)) {
    return true;
  }
  return Bit(rflags, 17) && (s.Ia32eModeGuest() || !Bit(s.state->guest.cr0, 0));
}

// Virtual-8086: "the field must be 000000F3H", for SS and for CS; in bits 6:5
// of SS's is the CPL (25.4.1), and bit 13 of CS's is L. Else SS's DPL must be 0
// "if bit 0 in the CR0 field [...] is 0".
std::uint64_t Gst12(const Situation& s) {
  const GuestState& guest = s.state->guest;
  if (Bit(guest.rflags, 17)) return guest.cpl != 3 || guest.cs_l;
  return !Bit(guest.cr0, 0) && guest.cpl != 0;
}

// Whether the processor is in SMM, as bit 2 needs, and supports SGX, as bit 4
// does, no case says.
std::uint64_t Gst13(const Situation& s) {
  const std::uint64_t field = s.state->guest.interruptibility;
  const bool by_sti = Bit(field, 0), by_mov_ss = Bit(field, 1);
  if (by_sti && (by_mov_ss || !Bit(s.state->guest.rflags, 9))) return true;
  return Bit(field, 4) && by_mov_ss;
}

// With RFLAGS.TF bit 14 depends on IA32_DEBUGCTL.BTF, which no case
// has.
std::uint64_t Gst14(const Situation& s) {
  const GuestState& guest = s.state->guest;
  const std::uint64_t field = guest.pending_debug;
  const bool stepping = Bit(field, 14);
  if (Bits(field, 10, 4) != 0 || Bit(field, 13) || Bit(field, 15) ||
      Bits(field, 63, 17) != 0) {
    return true;
  }
  const bool blocks = Bits(guest.interruptibility, 1, 0) != 0;
  if (blocks && stepping && !Bit(guest.rflags, 8)) return true;
  return Bit(field, 16) && (Bits(field, 11, 0) != 0 || stepping ||
                            !Bit(field, 12) || Bit(guest.interruptibility, 1));
}

// In table 25-4 it is that of a bus lock; 27.3.1.5 still has "bits 11:4" among
// those that must be 0.
std::uint64_t Gst14BusLock(const Situation&) {
  return static_cast<std::uint64_t>(PendingBusLock::kEither);
}

}  // namespace eptdiff::sdm
