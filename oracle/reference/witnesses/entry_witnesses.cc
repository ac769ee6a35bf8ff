// Cases of EPTP and CTL.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit46 = std::uint64_t{1} << 46;

// "Enable EPT" is 0, and these controls are 1 instead.
CaseBuilder WithoutEpt(std::uint32_t secondary, std::uint64_t tertiary = 0) {
  return Walk4().With([=](Case& c) {
    c.controls.primary = 0x80020000;
    c.controls.secondary = secondary;
    c.controls.tertiary = tertiary;
  });
}

CaseBuilder Hlat(std::uint64_t hlatp, std::uint16_t prefix_size) {
  return Walk4().With([=](Case& c) {
    c.controls.primary = 0x80020000;
    c.controls.tertiary = 2;
    c.controls.hlatp = hlatp;
    c.controls.hlat_prefix_size = prefix_size;
  });
}

// The EPTP list has `eptp` at index 1.
CaseBuilder Switch(std::uint64_t eptp) {
  return Walk4().EptpSwitching().Word(0x7008, eptp).Switch(1);
}

std::vector<NamedCase> EptpCases() {
  return {
      {"eptp-1-type-wc",
       "EPTP-1",
       {"EPTP-1/off", "EPTP-1/any-memory-type"},
       Walk4().Eptp(0x1019).Build(),
       EntryFails(EntryCheck::kEptp1)},
      {"eptp-1-type-7",
       "EPTP-1",
       {"EPTP-1/off"},
       Walk4().Eptp(0x101f).Build(),
       EntryFails(EntryCheck::kEptp1)},
      {"eptp-1-uc",
       "EPTP-1",
       {"EPTP-1/write-back-only"},
       Walk4().Eptp(0x1018).Build(),
       Happens()},
      {"eptp-1-uc-unsupported",
       "EPTP-1",
       {"EPTP-1/off", "EPTP-1/capabilities-ignored"},
       Walk4().Without(8).Eptp(0x1018).Build(),
       EntryFails(EntryCheck::kEptp1)},
      {"eptp-1-wb-unsupported",
       "EPTP-1",
       {"EPTP-1/off"},
       Walk4().Without(14).Build(),
       EntryFails(EntryCheck::kEptp1)},
      {"eptp-2-length-3",
       "EPTP-2",
       {"EPTP-2/off"},
       Walk4().Eptp(0x1016).Build(),
       EntryFails(EntryCheck::kEptp2)},
      {"eptp-2-length-4-unsupported",
       "EPTP-2",
       {"EPTP-2/off"},
       Walk4().Without(6).Build(),
       EntryFails(EntryCheck::kEptp2)},
      {"eptp-2-length-5",
       "EPTP-2",
       {"EPTP-2/four-levels-only"},
       Walk5().Build(),
       Happens()},
      {"eptp-2-length-5-unsupported",
       "EPTP-2",
       {"EPTP-2/off", "EPTP-2/capabilities-ignored"},
       Walk5().Without(7).Build(),
       EntryFails(EntryCheck::kEptp2)},
      {"eptp-3-flags",
       "EPTP-3",
       {"EPTP-3/never-allowed"},
       Walk4().AccessedDirty().Build(),
       Happens()},
      {"eptp-3-flags-unsupported",
       "EPTP-3",
       {"EPTP-3/off"},
       Walk4().Without(21).AccessedDirty().Build(),
       EntryFails(EntryCheck::kEptp3)},
      {"eptp-4-shadow-stack",
       "EPTP-4",
       {"EPTP-4/always-reserved"},
       Walk4().SupervisorShadowStack().Build(),
       Happens()},
      {"eptp-4-shadow-stack-unsupported",
       "EPTP-4",
       {"EPTP-4/off"},
       Walk4().Without(23).SupervisorShadowStack().Build(),
       EntryFails(EntryCheck::kEptp4)},
      {"eptp-5-bit-8",
       "EPTP-5",
       {"EPTP-5/off", "EPTP-5/high-bits-only"},
       Walk4().Eptp(0x111e).Build(),
       EntryFails(EntryCheck::kEptp5)},
      {"eptp-5-bit-n",
       "EPTP-5",
       {"EPTP-5/off", "EPTP-5/bits-63-52"},
       Walk4().Eptp(kBit46 | 0x101e).Build(),
       EntryFails(EntryCheck::kEptp5)},
  };
}

std::vector<NamedCase> ControlCases() {
  return {
      {"ctl-1-pml",
       "CTL-1",
       {"CTL-1/off"},
       WithoutEpt(1 << 17).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-unrestricted-guest",
       "CTL-1",
       {"CTL-1/off"},
       WithoutEpt(1 << 7).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-mbec",
       "CTL-1",
       {"CTL-1/off"},
       WithoutEpt(1 << 22).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-sub-page",
       "CTL-1",
       {"CTL-1/off"},
       WithoutEpt(1 << 23).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-intel-pt",
       "CTL-1",
       {"CTL-1/off"},
       WithoutEpt(1 << 24).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-hlat",
       "CTL-1",
       {"CTL-1/off", "CTL-1/secondary-only"},
       WithoutEpt(0, 1 << 1).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-paging-write",
       "CTL-1",
       {"CTL-1/off"},
       WithoutEpt(0, 1 << 2).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-verification",
       "CTL-1",
       {"CTL-1/off"},
       WithoutEpt(0, 1 << 3).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-pebs",
       "CTL-1",
       {"CTL-1/off", "CTL-1/secondary-only", "CTL-1/without-pebs"},
       WithoutEpt(0, 1 << 12).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-seam",
       "CTL-1",
       {"CTL-1/off", "CTL-1/secondary-only", "CTL-1/without-seam"},
       WithoutEpt(0, 1 << 5).Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-1-eptp-switching",
       "CTL-1",
       {"CTL-1/off"},
       WithoutEpt(1 << 13)
           .With([](Case& c) { c.controls.vm_functions = 1; })
           .Build(),
       EntryFails(EntryCheck::kCtl1)},
      {"ctl-2-log-misaligned",
       "CTL-2",
       {"CTL-2/off", "CTL-2/log-unchecked"},
       Walk4()
           .Pml(511)
           .With([](Case& c) { c.controls.pml_address = 0x8008; })
           .Build(),
       EntryFails(EntryCheck::kCtl2)},
      {"ctl-2-log-beyond-width",
       "CTL-2",
       {"CTL-2/off", "CTL-2/alignment-only"},
       Walk4()
           .Pml(511)
           .With([](Case& c) { c.controls.pml_address = kBit46; })
           .Build(),
       EntryFails(EntryCheck::kCtl2)},
      {"ctl-2-log-key-identifier",
       "CTL-2",
       {"CTL-2/off", "CTL-2/key-identifiers-too"},
       Walk4()
           .Keyids(1)
           .Pml(511)
           .With([](Case& c) { c.controls.pml_address = kBit46 >> 1; })
           .Build(),
       EntryFails(EntryCheck::kCtl2)},
      {"ctl-2-apic-page",
       "CTL-2",
       {"CTL-2/off", "CTL-2/apic-page-unchecked"},
       Walk4().ApicPage(0x9008).Build(),
       EntryFails(EntryCheck::kCtl2)},
      {"ctl-2-apic-page-beyond-width",
       "CTL-2",
       {"CTL-2/off", "CTL-2/apic-page-unchecked", "CTL-2/alignment-only"},
       Walk4().ApicPage(kBit46 | 0x9000).Build(),
       EntryFails(EntryCheck::kCtl2)},
      {"ctl-3-hlatp-above-physical-addresses",
       "CTL-3",
       {"CTL-3/narrowed-by-key-identifiers"},
       Guest4()
           .Keyids(6)
           .Hlat()
           .With([](Case& c) { c.controls.hlatp = kBit46 >> 1; })
           .Build(),
       Happens()},
      {"eptp-5-key-identifier",
       "EPTP-5",
       {"EPTP-5/off", "EPTP-5/key-identifiers-too", "EPTP-5/bits-63-52"},
       Walk4().Keyids(1).Eptp(kBit46 >> 1 | 0x1e).Build(),
       EntryFails(EntryCheck::kEptp5)},
      {"ctl-2-spptp",
       "CTL-2",
       {"CTL-2/off", "CTL-2/spptp-unchecked"},
       Walk4()
           .SubPage()
           .With([](Case& c) { c.controls.spptp = 0xa001; })
           .Build(),
       EntryFails(EntryCheck::kCtl2)},
      {"ctl-2-ve-area",
       "CTL-2",
       {"CTL-2/off", "CTL-2/ve-area-unchecked"},
       Walk4()
           .Ve()
           .With([](Case& c) { c.controls.ve_information_address = 0x6800; })
           .Build(),
       EntryFails(EntryCheck::kCtl2)},
      {"ctl-2-eptp-list",
       "CTL-2",
       {"CTL-2/off", "CTL-2/list-unchecked"},
       Walk4()
           .EptpSwitching()
           .With([](Case& c) { c.controls.eptp_list_address = 0x7001; })
           .Build(),
       EntryFails(EntryCheck::kCtl2)},
      {"ctl-2-controls-off",
       "CTL-2",
       {"CTL-2/whatever-the-controls"},
       Walk4()
           .With([](Case& c) {
             c.controls.pml_address = 0x8008;
             c.controls.spptp = kBit46;
           })
           .Build(),
       Happens()},
      {"ctl-3-bit-5",
       "CTL-3",
       {"CTL-3/off"},
       Hlat(0x20, 0).Build(),
       EntryFails(EntryCheck::kCtl3)},
      {"ctl-3-bit-n",
       "CTL-3",
       {"CTL-3/off"},
       Hlat(kBit46, 0).Build(),
       EntryFails(EntryCheck::kCtl3)},
      {"ctl-3-prefix-size",
       "CTL-3",
       {"CTL-3/prefix-size-checked"},
       Hlat(0x1000, 1).Build(),
       Happens()},
      {"ctl-3-pcd-pwt",
       "CTL-3",
       {"CTL-3/bits-4-3-reserved"},
       Hlat(0x1018, 0).Build(),
       Happens()},
      {"ctl-5-verification-alone",
       "CTL-5",
       {},
       Walk4().Verification().Build(),
       Happens()},
      {"ctl-5-log-without-flags",
       "CTL-5",
       {"CTL-5/pml-without-dirty-flags"},
       Walk4().Pml(0x200).Write(0x1234).Build(),
       Completes(0x9234)},
  };
}

std::vector<NamedCase> SwitchCases() {
  return {
      {"ctl-4-disabled",
       "CTL-4",
       {"CTL-4/disabled-off"},
       Switch(0x1c01e)
           .With([](Case& c) { c.controls.vm_functions = 0; })
           .Build(),
       VmfuncExit()},
      {"ctl-4-index-512",
       "CTL-4",
       {"CTL-4/index-off", "CTL-4/index-512-accepted"},
       Walk4().EptpSwitching().Word(0x8000, 0x1c01e).Switch(512).Build(),
       VmfuncExit()},
      {"ctl-4-index-1000",
       "CTL-4",
       {"CTL-4/index-off"},
       Walk4().EptpSwitching().Word(0x8f40, 0x1c01e).Switch(1000).Build(),
       VmfuncExit()},
      {"ctl-4-walk-length",
       "CTL-4",
       {"CTL-4/refused-off"},
       Switch(0x1c026).Build(),
       VmfuncExit()},
      {"ctl-4-memory-type",
       "CTL-4",
       {"EPTP-1/off"},
       Switch(0x1c019).Build(),
       VmfuncExit()},
      {"ctl-4-reserved-bit",
       "CTL-4",
       {"EPTP-5/off"},
       Switch(0x1c11e).Build(),
       VmfuncExit()},
      {"ctl-4-switch",
       "CTL-4",
       {"CTL-4/index-kept", "CTL-4/index-with-control-only"},
       Switch(0x1c01e).Build(),
       Happens().Eptp(0x1c01e, 1)},
      {"ctl-4-switch-without-ve",
       "CTL-4",
       {},
       Switch(0x1c01e)
           .With([](Case& c) { c.processor.ept_violation_ve = false; })
           .Build(),
       Happens().Eptp(0x1c01e, 0)},
      // The new tables are in use from the next step on: PTE 1H at 1F008H.
      {"ctl-4-access-after-switch",
       "CTL-4",
       {},
       Switch(0x1c01e)
           .Word(0x1c000, 0x1d007)
           .Word(0x1d000, 0x1e007)
           .Word(0x1e000, 0x1f007)
           .Word(0x1f008, 0x8037)
           .Read(0x1234)
           .Build(),
       Completes(0x8234).Eptp(0x1c01e, 1)},
  };
}

// EPTP bit 7 where the processor has it: both readings, at VM entry and in an
// EPTP switch.
std::vector<NamedCase> Bit7Cases() {
  return {
      {"eptp-4-as-27-2-1-1-has-it",
       "EPTP-4",
       {},
       Walk4().SupervisorShadowStack().Build(),
       EntryFails(EntryCheck::kEptp4)},
      {"eptp-4-switch",
       "EPTP-4",
       {"EPTP-4/always-reserved"},
       Switch(0x1c09e).Build(),
       Happens().Eptp(0x1c09e, 1)},
      {"eptp-4-switch-as-27-2-1-1-has-it",
       "EPTP-4",
       {},
       Switch(0x1c09e).Build(),
       VmfuncExit()},
      // Which of both is reported is open.
      {"eptp-4-beside-another",
       "EPTP-4",
       {},
       Walk4().Eptp(0x119e).Build(),
       EntryFails(EntryCheck::kEptp4)},
  };
}

CaseBuilder TraceGuestPhysical(std::uint32_t entry, std::uint32_t exit) {
  return Walk4().With([=](Case& c) {
    c.controls.secondary |= 1 << 24;
    c.controls.entry_controls = entry;
    c.controls.exit_controls = exit;
  });
}

CaseBuilder PinBased(std::uint32_t pin_based, std::uint32_t primary = 0) {
  return Walk4().With([=](Case& c) {
    c.controls.pin_based = pin_based;
    c.controls.primary |= primary;
  });
}

CaseBuilder Vpid(std::uint32_t secondary, std::uint16_t vpid) {
  return Walk4().With([=](Case& c) {
    c.controls.secondary |= secondary;
    c.controls.vpid = vpid;
  });
}

// Controls that need one another, EPT apart.
std::vector<NamedCase> CombinationCases() {
  constexpr std::uint32_t kLoadRtit = 1 << 18;
  constexpr std::uint32_t kClearRtit = 1 << 25;
  constexpr std::uint32_t kNmiWindow = 1 << 22;
  return {
      {"ctl-6-vpid-0",
       "CTL-6",
       {"CTL-6/off"},
       Vpid(0x20, 0).Build(),
       EntryFails(EntryCheck::kCtl6)},
      {"ctl-6-control-off", "CTL-6", {}, Vpid(0, 0).Build(), Happens()},
      {"ctl-6-vpid-1", "CTL-6", {}, Vpid(0x20, 1).Build(), Happens()},
      {"ctl-7-bit-1",
       "CTL-7",
       {"CTL-7/off"},
       Walk4()
           .EptpSwitching()
           .With([](Case& c) { c.controls.vm_functions = 2; })
           .Build(),
       EntryFails(EntryCheck::kCtl7)},
      {"ctl-7-bit-63",
       "CTL-7",
       {"CTL-7/off", "CTL-7/low-half-only"},
       Walk4()
           .EptpSwitching()
           .With([](Case& c) { c.controls.vm_functions |= 1ull << 63; })
           .Build(),
       EntryFails(EntryCheck::kCtl7)},
      {"ctl-7-control-off",
       "CTL-7",
       {"CTL-7/whatever-the-control"},
       Walk4().With([](Case& c) { c.controls.vm_functions = 6; }).Build(),
       Happens()},
      {"ctl-8-virtual-nmis-alone",
       "CTL-8",
       {"CTL-8/off"},
       PinBased(0x20).Build(),
       EntryFails(EntryCheck::kCtl8)},
      {"ctl-8-both", "CTL-8", {}, PinBased(0x28).Build(), Happens()},
      {"ctl-9-window-alone",
       "CTL-9",
       {"CTL-9/off", "CTL-9/nmi-exiting-suffices"},
       PinBased(8, kNmiWindow).Build(),
       EntryFails(EntryCheck::kCtl9)},
      {"ctl-9-both",
       "CTL-9",
       {},
       PinBased(0x28, kNmiWindow).Build(),
       Happens()},
      {"ctl-10-neither",
       "CTL-10",
       {"CTL-10/off"},
       TraceGuestPhysical(0, 0).Build(),
       EntryFails(EntryCheck::kCtl10)},
      {"ctl-10-entry-alone",
       "CTL-10",
       {"CTL-10/off", "CTL-10/exit-control-unchecked"},
       TraceGuestPhysical(kLoadRtit, 0).Build(),
       EntryFails(EntryCheck::kCtl10)},
      {"ctl-10-exit-alone",
       "CTL-10",
       {"CTL-10/off", "CTL-10/entry-control-unchecked"},
       TraceGuestPhysical(0, kClearRtit).Build(),
       EntryFails(EntryCheck::kCtl10)},
      {"ctl-10-both",
       "CTL-10",
       {},
       TraceGuestPhysical(kLoadRtit, kClearRtit).Build(),
       Happens()},
  };
}

}  // namespace

std::vector<NamedCase> EntryWitnesses() {
  std::vector<NamedCase> cases = EptpCases();
  for (auto more :
       {ControlCases(), SwitchCases(), Bit7Cases(), CombinationCases(),
        VirtualApicWitnesses(), GuestStateWitnesses()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
