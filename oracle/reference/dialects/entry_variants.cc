// Variants of EPTP and CTL.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;

constexpr Alteration kVariants[] = {
    {"EPTP-1/write-back-only", Slot::kEptp1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bits(s.operand, 2, 0) != 6;
     },
     "the memory type UC is refused in EPTP bits 2:0"},
    {"EPTP-1/any-memory-type", Slot::kEptp1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t type = Bits(s.operand, 2, 0);
       const bool known = type == 1 || type == 4 || type == 5;
       return value && !known;
     },
     "WC, WT and WP are accepted in EPTP bits 2:0"},
    {"EPTP-2/four-levels-only", Slot::kEptp2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bits(s.operand, 5, 3) == 4;
     },
     "a page-walk length of 5 is refused even where the processor has it"},
    {"EPTP-3/never-allowed", Slot::kEptp3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.operand, 6);
     },
     "EPTP bit 6 is refused even where the processor has accessed and dirty "
     "flags"},
    {"EPTP-4/always-reserved", Slot::kEptp4Reserved,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return static_cast<std::uint64_t>(EptpBit7::kReserved);
     },
     "EPTP bit 7 is refused even where the processor has supervisor "
     "shadow-stack control"},
    {"EPTP-5/high-bits-only", Slot::kEptp5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.operand, 63, s.M()) != 0;
     },
     "EPTP bits 11:8 are not checked"},
    {"EPTP-5/bits-63-52", Slot::kEptp5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.operand, 11, 8) != 0 || Bits(s.operand, 63, 52) != 0;
     },
     "EPTP is checked against 52 bits, not against the physical-address width"},
    {"EPTP-5/key-identifiers-too", Slot::kEptp5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.operand, 11, 8) != 0 || Bits(s.operand, 63, s.N()) != 0;
     },
     "EPTP may hold a key identifier"},
    {"CTL-2/key-identifiers-too", Slot::kCtl2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       const Controls& c = s.state->controls;
       const auto bad = [&s](std::uint64_t address) {
         return Bits(address, 11, 0) != 0 || Bits(address, 63, s.N()) != 0;
       };
       return (s.EnablePml() && bad(c.pml_address)) ||
              (s.SubPageWritePermissions() && bad(c.spptp)) ||
              (s.EptpSwitching() && bad(c.eptp_list_address)) ||
              (s.VirtualizeApicAccesses() && bad(c.apic_access_address)) ||
              (s.EptViolationVe() && bad(c.ve_information_address));
     },
     "the addresses of the log, the SPP table, the EPTP list and the #VE area "
     "may hold a key identifier"},
    {"CTL-3/narrowed-by-key-identifiers", Slot::kCtl3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.EnableHlat() && Bits(s.state->controls.hlatp, 63, s.M()) != 0);
     },
     "HLATP, a guest-physical address, is checked against the width of "
     "physical addresses"},
    {"CTL-2/alignment-only", Slot::kCtl2,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       const Controls& c = s.state->controls;
       return (s.EnablePml() && Bits(c.pml_address, 11, 0) != 0) ||
              (s.SubPageWritePermissions() && Bits(c.spptp, 11, 0) != 0) ||
              (s.EptpSwitching() && Bits(c.eptp_list_address, 11, 0) != 0) ||
              (s.VirtualizeApicAccesses() &&
               Bits(c.apic_access_address, 11, 0) != 0) ||
              (s.EptViolationVe() &&
               Bits(c.ve_information_address, 11, 0) != 0);
     },
     "the addresses of the log, the SPP table, the EPTP list and the #VE area "
     "are not checked against the physical-address width"},
    {"CTL-2/whatever-the-controls", Slot::kCtl2,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const Controls& c = s.state->controls;
       const std::uint64_t any = c.pml_address | c.spptp | c.eptp_list_address |
                                 c.ve_information_address |
                                 c.apic_access_address;
       return value || Bits(any, 11, 0) != 0 || Bits(any, 63, s.M()) != 0;
     },
     "an address is checked although the control that uses it is 0"},
    {"CTL-3/prefix-size-checked", Slot::kCtl3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t maximum =
           Bits(s.state->processor.ept_vpid_cap, 53, 48);
       return value ||
              (s.EnableHlat() && s.state->controls.hlat_prefix_size > maximum);
     },
     "an HLAT prefix size above the maximum that the processor enumerates is "
     "refused"},
    {"CTL-3/bits-4-3-reserved", Slot::kCtl3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.EnableHlat() && Bits(s.state->controls.hlatp, 4, 3) != 0);
     },
     "HLATP bits 4:3, which are PCD and PWT, are refused"},
    {"CTL-4/index-512-accepted", Slot::kCtl4Index,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.operand > 512;
     },
     "VMFUNC accepts ECX = 512"},
    {"CTL-4/index-kept", Slot::kCtl4EptpIndex,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.state->controls.eptp_index;
     },
     "EPTP switching leaves the EPTP index as it was"},
    {"CTL-4/index-with-control-only", Slot::kCtl4EptpIndex,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.EptViolationVe() ? value : s.state->controls.eptp_index;
     },
     "EPTP switching changes the EPTP index only if \"EPT-violation #VE\" is "
     "1, not wherever the processor supports it"},
    {"CTL-5/pml-without-dirty-flags", Slot::kCtl5Pml,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.EnablePml();
     },
     "page-modification logging operates although EPTP bit 6 is 0"},
    {"CTL-1/without-pebs", Slot::kCtl1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (s.EnableEpt() || !s.PebsGuestPhysical()) return value;
       return s.EnablePml() || s.UnrestrictedGuest() || s.Mbec() ||
              s.SubPageWritePermissions() || s.IntelPtGuestPhysical() ||
              s.EnableHlat() || s.EptPagingWrite() ||
              s.GuestPagingVerification() || s.SeamGuestPhysicalWidth() ||
              s.EptpSwitching();
     },
     "\"PEBS uses guest-physical addresses\" is accepted without EPT"},
    {"CTL-7/low-half-only", Slot::kCtl7,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.EnableVmFunctions() &&
              Bits(s.state->controls.vm_functions, 31, 1) != 0;
     },
     "bits 63:32 of the VM-function controls are not checked"},
    {"CTL-7/whatever-the-control", Slot::kCtl7,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.state->controls.vm_functions, 63, 1) != 0;
     },
     "reserved VM-function controls are refused although \"enable VM "
     "functions\" is 0"},
    {"CTL-9/nmi-exiting-suffices", Slot::kCtl9,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.NmiWindowExiting() && !s.NmiExiting();
     },
     "\"NMI-window exiting\" is accepted with \"NMI exiting\" alone"},
    {"CTL-1/without-seam", Slot::kCtl1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (s.EnableEpt() || !s.SeamGuestPhysicalWidth()) return value;
       return s.EnablePml() || s.UnrestrictedGuest() || s.Mbec() ||
              s.SubPageWritePermissions() || s.IntelPtGuestPhysical() ||
              s.EnableHlat() || s.EptPagingWrite() ||
              s.GuestPagingVerification() || s.PebsGuestPhysical() ||
              s.EptpSwitching();
     },
     "\"SEAM guest-physical address width\" is accepted without EPT"},
    {"CTL-10/exit-control-unchecked", Slot::kCtl10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.IntelPtGuestPhysical() && !s.EntryControl(18);
     },
     "\"Intel PT uses guest physical addresses\" is accepted without \"clear "
     "IA32_RTIT_CTL\""},
    {"CTL-10/entry-control-unchecked", Slot::kCtl10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.IntelPtGuestPhysical() && !s.ClearRtitOnExit();
     },
     "\"Intel PT uses guest physical addresses\" is accepted without \"load "
     "IA32_RTIT_CTL\""},
    {"CTL-11/x2apic-mode-alone", Slot::kCtl11,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !s.UseTprShadow() && s.VirtualizeX2apicMode();
     },
     "of the controls that need \"use TPR shadow\" only \"virtualize x2APIC "
     "mode\" is checked"},
    {"CTL-11/whatever-is-activated", Slot::kCtl11,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       constexpr std::uint64_t kSecondary = 1u << 4 | 1u << 8 | 1u << 9;
       return value || (!s.UseTprShadow() &&
                        (s.state->controls.secondary & kSecondary) != 0);
     },
     "secondary controls that need \"use TPR shadow\" are checked although "
     "\"activate secondary controls\" is 0"},
    {"CTL-11/without-ipi-virtualization", Slot::kCtl11,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !s.UseTprShadow() &&
              (s.VirtualizeX2apicMode() || s.ApicRegisterVirtualization() ||
               s.VirtualInterruptDelivery());
     },
     "\"IPI virtualization\" is accepted without \"use TPR shadow\""},
    {"CTL-14/delivery-suffices", Slot::kCtl14,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.ProcessPostedInterrupts() && !s.VirtualInterruptDelivery();
     },
     "\"process posted interrupts\" is accepted without \"acknowledge "
     "interrupt on exit\""},
    {"CTL-14/acknowledgement-suffices", Slot::kCtl14,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.ProcessPostedInterrupts() && !s.AcknowledgeInterruptOnExit();
     },
     "\"process posted interrupts\" is accepted without \"virtual-interrupt "
     "delivery\""},
};

}  // namespace

std::span<const Alteration> EntryVariants() { return kVariants; }

}  // namespace eptdiff
