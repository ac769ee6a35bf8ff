// Cases of QUAL and INFO. A qualification of 581H: bit 0, a read; bits 7 and 8,
// to the translation of a linear address; bit 10, of a read/write page.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit57 = std::uint64_t{1} << 57;
constexpr std::uint64_t kBit58 = std::uint64_t{1} << 58;
constexpr std::uint64_t kBit60 = std::uint64_t{1} << 60;
constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;

void PagingOff(Case& c) { c.guest.cr0 = 1; }
void NmiUnblocking(Case& c) { c.guest.nmi_unblocking = true; }
void VirtualNmis(Case& c) { c.controls.pin_based = 0x28; }  // and NMI exiting
void NxeOff(Case& c) { c.guest.efer = 0x500; }
void CompatibilityMode(Case& c) { c.guest.cs_l = false; }
void PaePaging(Case& c) {
  c.guest.cs_l = false;
  c.guest.efer = 0x800;  // NXE
}
void ExecuteDisable(Step& step) { step.page.execute_disable = true; }
void ReadOnly(Step& step) { step.page.writable = false; }
void Asynchronous(Step& step) { step.access.asynchronous = true; }
void TraceAddress(Step& step) {
  step.access.asynchronous = true;
  step.page.gla_valid = false;
}

// What the access is.
std::vector<NamedCase> AccessBitCases() {
  return {
      {"qual-0-structure-read",
       "QUAL-0",
       {"QUAL-0/structure-access-writes-only",
        "QUAL-1/structure-access-reads-only", "QUAL-7/translation-only",
        "QUAL-8/with-bit-7", "QUAL-8/inverted"},
       Walk4().AccessedDirty().Pte(0).StructureRead(0x1008).Build(),
       Violation(0x83, 0x1008).At(kGlaPage)},
      {"qual-0-structure-update",
       "QUAL-0",
       {"QUAL-0/structure-access-writes-only",
        "QUAL-1/structure-access-reads-only"},
       Walk4().AccessedDirty().Pte(0).StructureUpdate(0x1008).Build(),
       Violation(0x83, 0x1008).At(kGlaPage)},
      {"qual-0-structure-read-flags-off",
       "QUAL-0",
       {},
       Walk4().Pte(0).StructureRead(0x1008).Build(),
       Violation(0x81, 0x1008).At(kGlaPage)},
      {"qual-0-read-modify-write",
       "QUAL-0",
       {},
       Walk4().Pte(0).ReadModifyWrite(0x1234).Build(),
       Violation(0x583, 0x1234)},
      {"qual-1-write",
       "QUAL-1",
       {"QUAL-1/writable-page", "QUAL-0/exchanged", "QUAL-0/write-too"},
       Walk4().Pte(0x9035).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"qual-2-fetch",
       "QUAL-2",
       {"QUAL-2/never", "QUAL-0/fetch-too"},
       Walk4().Pte(0).Fetch(0x1234).Build(),
       Violation(0x584, 0x1234)},
      {"qual-7-pdpte-load",
       "QUAL-7",
       {"QUAL-7/always", "QUAL-8/negated"},
       Walk4().Pte(0).PdpteLoad(0x1000).Build(),
       Violation(1, 0x1000)},
      {"qual-7-trace-address",
       "QUAL-7",
       {"QUAL-7/always", "QUAL-16/never"},
       Walk4().TraceOutput().Pte(0).Write(0x1234).But(TraceAddress).Build(),
       Violation(0x10002, 0x1234)},
      {"qual-7-pebs",
       "QUAL-7",
       {"QUAL-7/always", "QUAL-7/pebs-too", "QUAL-16/not-of-pebs"},
       Walk4().Pebs().Pte(0x9035).PebsWrite(0x1238).Build(),
       Violation(0x1002a, 0x1238)},
      {"qual-8-translation",
       "QUAL-8",
       {"QUAL-8/inverted", "QUAL-1/exchanged", "QUAL-7/never", "QUAL-8/never",
        "QUAL-10/never", "INFO-1/gpa-is-gla", "INFO-1/gpa-missing",
        "INFO-1/gla-missing"},
       Walk4().Pte(0).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"qual-13-shadow-stack",
       "QUAL-13",
       {"QUAL-13/with-control-only", "QUAL-13/never"},
       Walk4().Pte(0).ShadowStackRead(0x1230).Build(),
       Violation(0x2581, 0x1230)},
      {"qual-16-asynchronous",
       "QUAL-16",
       {"QUAL-16/never"},
       Walk4().Pte(0).Read(0x1234).But(Asynchronous).Build(),
       Violation(0x10581, 0x1234)},
  };
}

// What the entries used say.
std::vector<NamedCase> PermissionBitCases() {
  return {
      {"qual-3-table-not-readable",
       "QUAL-3",
       {"QUAL-3/leaf-only"},
       Walk4().Pde(0x4004).Read(0x1234).Build(),
       Violation(0x5a1, 0x1234)},
      {"qual-3-not-present",
       "QUAL-3",
       {"QUAL-3/above-not-present", "QUAL-4/above-not-present",
        "QUAL-5/above-not-present"},
       Walk4().Pte(0).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"qual-3-execute-only",
       "QUAL-3",
       {"QUAL-3/executable", "QUAL-5/readable"},
       Walk4().Pte(0x9034).Read(0x1234).Build(),
       Violation(0x5a1, 0x1234)},
      {"qual-4-table-read-only",
       "QUAL-4",
       {"QUAL-4/leaf-only", "QUAL-4/readable"},
       Walk4().Pdpte(0x3005).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"qual-4-paging-write",
       "QUAL-4",
       {"QUAL-4/paging-write-counts"},
       Walk4().PagingWrite().Pte(kBit58 | 0x9035).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"qual-5-table-not-executable",
       "QUAL-5",
       {"QUAL-5/leaf-only"},
       Walk4().Pde(0x4003).Fetch(0x1234).Build(),
       Violation(0x59c, 0x1234)},
      {"qual-5-supervisor-execute",
       "QUAL-5",
       {"QUAL-5/bit-10-for-user", "QUAL-6/bit-2"},
       Walk4().Mbec().Pte(0x9037).Fetch(0x1234).User().Build(),
       Violation(0x7bc, 0x1234)},
      {"qual-6-write",
       "QUAL-6",
       {"QUAL-6/fetch-only", "QUAL-6/never", "QUAL-13/user-execute-permission"},
       Walk4().Mbec().Pte(0x9435).Write(0x1234).Build(),
       Violation(0x5ea, 0x1234)},
      {"qual-6-table-not-user-executable",
       "QUAL-6",
       {"QUAL-6/leaf-only"},
       Walk4().Mbec().Pde(0x4007).Pte(0x9435).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"qual-14-write-to-shadow-stack-page",
       "QUAL-14",
       {"QUAL-14/never", "QUAL-14/shadow-stack-only"},
       Walk4()
           .SupervisorShadowStack()
           .Pte(kBit60 | 0x9035)
           .Write(0x1234)
           .Build(),
       Violation(0x45aa, 0x1234)},
      {"qual-15-no-verification",
       "QUAL-15",
       {"QUAL-15/bit-57"},
       Walk4()
           .PagingWrite()
           .Verification()
           .Pte(kBit57 | 0x9035)
           .Write(0x1234)
           .Build(),
       Violation(0x5aa, 0x1234)},
  };
}

// What the guest's paging says, and what the processor was doing.
std::vector<NamedCase> GuestBitCases() {
  return {
      {"qual-9-user-page-at-cpl-0",
       "QUAL-9",
       {"QUAL-9/by-cpl", "QUAL-9/with-mbec-only", "QUAL-9/inverted",
        "QUAL-9/never"},
       Walk4().Pte(0).Read(0x1234).User().Build(),
       Violation(0x781, 0x1234)},
      {"qual-9-paging-off",
       "QUAL-9",
       {"QUAL-9/paging-off-ignored", "QUAL-10/paging-off-ignored"},
       Walk4().Pte(0).With(PagingOff).Linear(AccessKind::kRead, 0x1234).Build(),
       Violation(0x781, 0x1234).At(0x1234)},
      {"qual-10-read-write-page",
       "QUAL-10",
       {"QUAL-10/inverted", "QUAL-10/with-mbec-only", "QUAL-10/ept-permission"},
       Walk4().Pte(0).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"qual-10-read-only-page",
       "QUAL-10",
       {"QUAL-10/inverted"},
       Walk4().Pte(0).Read(0x1234).But(ReadOnly).Build(),
       Violation(0x181, 0x1234)},
      {"qual-11-execute-disable-page",
       "QUAL-11",
       {"QUAL-11/inverted", "QUAL-11/never", "QUAL-11/with-mbec-only"},
       Walk4().Pte(0).Read(0x1234).But(ExecuteDisable).Build(),
       Violation(0xd81, 0x1234)},
      {"qual-11-nxe-off",
       "QUAL-11",
       {"QUAL-11/nxe-ignored"},
       Walk4().Pte(0).With(NxeOff).Read(0x1234).But(ExecuteDisable).Build(),
       Violation(0x581, 0x1234)},
      {"qual-9-no-advanced-information",
       "QUAL-9",
       {},
       Walk4().Without(22).Pte(0).Read(0x1234).Build(),
       Violation(0x181, 0x1234)},
      {"qual-12-nmi-unblocking",
       "QUAL-12",
       {"QUAL-12/never", "QUAL-12/virtual-nmis-only"},
       Walk4().Pte(0).With(NmiUnblocking).Read(0x1234).Build(),
       Violation(0x1581, 0x1234)},
      {"qual-12-virtual-nmis",
       "QUAL-12",
       {"QUAL-12/never"},
       Walk4()
           .Pte(0)
           .With(NmiUnblocking)
           .With(VirtualNmis)
           .Read(0x1234)
           .Build(),
       Violation(0x1581, 0x1234)},
  };
}

std::vector<NamedCase> InformationCases() {
  return {
      {"info-1-addresses",
       "INFO-1",
       {"INFO-1/gpa-of-page", "INFO-1/gla-of-page", "INFO-1/gla-32-bits"},
       Walk4().Pte(0).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"info-1-compatibility-mode",
       "INFO-1",
       {"INFO-1/gla-64-bits"},
       Walk4().Pte(0).With(CompatibilityMode).Read(0x1234).Build(),
       Violation(0x581, 0x1234).At(0x5555'5234)},
      {"info-1-pae-paging",
       "INFO-1",
       {"INFO-1/gla-64-bits"},
       Walk4().Pte(0).With(PaePaging).Read(0x1234).Build(),
       Violation(0x581, 0x1234).At(0x5555'5234)},
      {"info-1-misconfiguration",
       "INFO-1",
       {"INFO-1/gpa-of-page"},
       Walk4().Pte(0x9032).Read(0x1234).Build(),
       Misconfiguration(0x1234)},
      {"info-2-misconfiguration-is-no-violation",
       "INFO-2",
       {"INFO-2/misconfiguration-as-violation",
        "INFO-2/misconfiguration-with-access"},
       Walk4().Pte(0x903f).Read(0x1234).Build(),
       Misconfiguration(0x1234)},
      {"info-2-miss",
       "INFO-2",
       {"INFO-2/inverted", "INFO-2/never"},
       Walk4().SubPage().Pte(kBit61 | 0x9035).SppL4(0).Write(0x1234).Build(),
       SppEvent(0x800, 0x1234)},
      {"info-2-misconfiguration",
       "INFO-2",
       {"INFO-2/inverted"},
       Walk4()
           .SubPage()
           .Pte(kBit61 | 0x9035)
           .SppL4(0xb003)
           .Write(0x1234)
           .Build(),
       SppEvent(0, 0x1234)},
      {"info-2-log-full-asynchronous",
       "INFO-2",
       {"INFO-2/asynchronous-never"},
       Walk4()
           .AccessedDirty()
           .Pml(0xffff)
           .Write(0x1234)
           .But(Asynchronous)
           .Build(),
       LogFull(0x10000)},
      {"info-2-log-full-pebs",
       "INFO-2",
       {"INFO-2/asynchronous-never", "INFO-2/not-of-pebs"},
       Walk4().Pebs().AccessedDirty().Pml(0xffff).PebsWrite(0x1238).Build(),
       LogFull(0x10000)},
      {"info-2-log-full-in-asynchronous-page-walk",
       "INFO-2",
       {"INFO-2/asynchronous-never", "INFO-2/asynchronous-not-in-page-walk"},
       Guest4()
           .AccessedDirty()
           .Pml(0xffff)
           .Read(kGla)
           .But(Asynchronous)
           .Build(),
       LogFull(0x10000)},
      {"info-2-log-full-nmi-unblocking",
       "INFO-2",
       {"QUAL-12/never"},
       Walk4()
           .AccessedDirty()
           .Pml(0xffff)
           .With(NmiUnblocking)
           .Write(0x1234)
           .Build(),
       LogFull(0x1000)},
  };
}

}  // namespace

std::vector<NamedCase> QualificationWitnesses() {
  std::vector<NamedCase> cases = AccessBitCases();
  for (auto more :
       {PermissionBitCases(), GuestBitCases(), InformationCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
