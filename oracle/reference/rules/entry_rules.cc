// EPTP and CTL: what VM entry checks (27.2.1.1) and what controls mean.
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {
namespace {

// A 4-KByte aligned physical address within the physical-address width.
bool IsFrame(std::uint64_t address, int m) {
  return Bits(address, 11, 0) == 0 && Bits(address, 63, m) == 0;
}

}  // namespace

// Table 25-9: the EPTP is the operand, for it need not be the current one.

std::uint64_t Eptp1(const Situation& s) {
  switch (Bits(s.operand, 2, 0)) {
    case 0:
      return !s.Capability(8);  // uncacheable
    case 6:
      return !s.Capability(14);  // write-back
    default:
      return true;  // reserved
  }
}

std::uint64_t Eptp2(const Situation& s) {
  switch (Bits(s.operand, 5, 3)) {
    case 3:
      return !s.Capability(6);  // page-walk length 4
    case 4:
      return !s.Capability(7);  // page-walk length 5
    default:
      return true;
  }
}

std::uint64_t Eptp3(const Situation& s) {
  return Bit(s.operand, 6) && !s.Capability(21);
}

std::uint64_t Eptp4(const Situation& s) {
  return Bit(s.operand, 7) && !s.Capability(23);
}

// "Reserved bits 11:7": 27.2.1.1 has not followed the table.
std::uint64_t Eptp4Reserved(const Situation&) {
  return static_cast<std::uint64_t>(EptpBit7::kEither);
}

std::uint64_t Eptp5(const Situation& s) {
  return Bits(s.operand, 11, 8) != 0 || Bits(s.operand, 63, s.M()) != 0;
}

std::uint64_t Ctl1(const Situation& s) {
  if (s.EnableEpt()) return false;
  return s.EnablePml() || s.UnrestrictedGuest() || s.Mbec() ||
         s.SubPageWritePermissions() || s.IntelPtGuestPhysical() ||
         s.EnableHlat() || s.EptPagingWrite() || s.GuestPagingVerification() ||
         s.PebsGuestPhysical() || s.SeamGuestPhysicalWidth() ||
         s.EptpSwitching();
}

std::uint64_t Ctl2(const Situation& s) {
  const Controls& c = s.state->controls;
  if (s.EnablePml() && !IsFrame(c.pml_address, s.M())) return true;
  if (s.SubPageWritePermissions() && !IsFrame(c.spptp, s.M())) return true;
  if (s.EptpSwitching() && !IsFrame(c.eptp_list_address, s.M())) return true;
  if (s.VirtualizeApicAccesses() && !IsFrame(c.apic_access_address, s.M())) {
    return true;
  }
  return s.EptViolationVe() && !IsFrame(c.ve_information_address, s.M());
}

std::uint64_t Ctl3(const Situation& s) {
  if (!s.EnableHlat()) return false;
  const std::uint64_t hlatp = s.state->controls.hlatp;  // guest-physical
  return Bits(hlatp, 2, 0) != 0 || Bits(hlatp, 11, 5) != 0 ||
         Bits(hlatp, 63, s.N()) != 0;
}

std::uint64_t Ctl4Refused(const Situation& s) {
  return Bits(s.operand, 5, 3) != Bits(s.state->controls.eptp, 5, 3);
}

std::uint64_t Ctl4Disabled(const Situation& s) {
  return !Bit(s.state->controls.vm_functions, 0);
}

std::uint64_t Ctl4Index(const Situation& s) { return s.operand >= 512; }

std::uint64_t Ctl4EptpIndex(const Situation& s) {
  const bool supported =
      s.state->processor.ept_violation_ve || s.EptViolationVe();
  return supported ? Bits(s.operand, 15, 0) : s.state->controls.eptp_index;
}

std::uint64_t Ctl5Pml(const Situation& s) {
  return s.EnablePml() && s.AccessedDirtyEnabled();
}

std::uint64_t Ctl5Verification(const Situation& s) {
  return s.GuestPagingVerification() && s.EptPagingWrite();
}

std::uint64_t Ctl6(const Situation& s) {
  return s.EnableVpid() && s.state->controls.vpid == 0;
}

// A.11: IA32_VMX_VMFUNC knows EPTP switching alone.
std::uint64_t Ctl7(const Situation& s) {
  return s.EnableVmFunctions() &&
         Bits(s.state->controls.vm_functions, 63, 1) != 0;
}

std::uint64_t Ctl8(const Situation& s) {
  return !s.NmiExiting() && s.VirtualNmis();
}

std::uint64_t Ctl9(const Situation& s) {
  return !s.VirtualNmis() && s.NmiWindowExiting();
}

std::uint64_t Ctl10(const Situation& s) {
  constexpr int kLoadRtitControl = 18;
  return s.IntelPtGuestPhysical() &&
         !(s.EntryControl(kLoadRtitControl) && s.ClearRtitOnExit());
}

std::uint64_t Ctl11(const Situation& s) {
  return !s.UseTprShadow() &&
         (s.VirtualizeX2apicMode() || s.ApicRegisterVirtualization() ||
          s.VirtualInterruptDelivery() || s.IpiVirtualization());
}

std::uint64_t Ctl12(const Situation& s) {
  return s.VirtualizeX2apicMode() && s.VirtualizeApicAccesses();
}

std::uint64_t Ctl13(const Situation& s) {
  return s.VirtualInterruptDelivery() && !s.ExternalInterruptExiting();
}

// The vector and the descriptor's address are in no case: taken to be right.
std::uint64_t Ctl14(const Situation& s) {
  return s.ProcessPostedInterrupts() &&
         !(s.VirtualInterruptDelivery() && s.AcknowledgeInterruptOnExit());
}

}  // namespace eptdiff::sdm
