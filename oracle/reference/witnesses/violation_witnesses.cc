// Cases of VIO and PRI. The qualifications, if not said otherwise: bit 0, 1 or
// 2 for what the access is; bits 3, 4 and 5 for what EPT allows; bits 7 and 8
// for the translation of a linear address; bit 10 for a read/write page.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit58 = std::uint64_t{1} << 58;
constexpr std::uint64_t kBit60 = std::uint64_t{1} << 60;
constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;

void PagingOff(Case& c) { c.guest.cr0 = 1; }
void Cpl3(Case& c) { c.guest.cpl = 3; }

std::vector<NamedCase> DataCases() {
  return {
      {"vio-1-pde",
       "VIO-1",
       {"VIO-1/off"},
       Walk4().Pde(0x4000).Pte(0x9002).Write(0x1234).Build(),
       Violation(0x582, 0x1234)},
      {"vio-1-pml4e",
       "VIO-1",
       {"VIO-1/off"},
       Walk4().Pml4e(0x2000).Pte(0x9002).Fetch(0x1234).Build(),
       Violation(0x584, 0x1234)},
      {"vio-2-execute-only-leaf",
       "VIO-2",
       {"VIO-2/off", "VIO-2/pte-ignored", "VIO-2/execute-suffices",
        "QUAL-3/pte-ignored", "QUAL-4/executable", "QUAL-5/never",
        "QUAL-5/writable"},
       Walk4().Pte(0x9034).Read(0x1234).Build(),
       Violation(0x5a1, 0x1234)},
      {"vio-2-execute-only-table",
       "VIO-2",
       {"VIO-2/leaf-only"},
       Walk4().Pde(0x4004).Read(0x1234).Build(),
       Violation(0x5a1, 0x1234)},
      {"vio-3-read-only-leaf",
       "VIO-3",
       {"VIO-3/off", "VIO-3/pte-ignored", "QUAL-3/never", "QUAL-3/writable",
        "QUAL-4/pte-ignored"},
       Walk4().Pte(0x9035).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"vio-3-read-only-table",
       "VIO-3",
       {"VIO-3/leaf-only"},
       Walk4().Pdpte(0x3005).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"vio-3-clean-page",
       "VIO-3",
       {"VIO-3/needs-dirty-flag"},
       Walk4().AccessedDirty().Write(0x1234).Build(),
       Completes(0x9234)
           .Writes(0x1000, 0x2107)
           .Writes(0x2000, 0x3107)
           .Writes(0x3000, 0x4107)
           .Writes(0x4008, 0x9337)},
      {"vio-14-second-page-read-only",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Walk4().Word(0x4010, 0xa035).Write(0x1ffc, 8).Build(),
       Violation(0x5aa, 0x2000).At(kGlaPage + 0x1000)},
      {"vio-14-both-pages-allow",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Walk4().Word(0x4010, 0xa037).Write(0x1ffc, 8).Build(),
       Completes(0x9ffc).And(0xa000)},
      // One byte in the first page, and the largest access.
      {"vio-14-second-page-of-4096-bytes-read-only",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Walk4().Word(0x4010, 0xa035).Write(0x1fff, 4096).Build(),
       Violation(0x5aa, 0x2000).At(kGlaPage + 0x1000)},
      {"vio-14-4096-bytes-in-two-pages",
       "VIO-14",
       {"VIO-14/first-page-only"},
       Walk4().Word(0x4010, 0xa037).Write(0x1001, 4096).Build(),
       Completes(0x9001).And(0xa000)},
      {"vio-14-4096-bytes-in-one-page",
       "VIO-14",
       {},
       Walk4().Word(0x4010, 0).Write(0x1000, 4096).Build(),
       Completes(0x9000)},
      {"vio-15-read-only",
       "VIO-15",
       {"VIO-15/read-only"},
       Walk4().Pte(0x9035).ReadModifyWrite(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      // The token of a shadow stack is loaded, and then stored.
      {"vio-15-token-read-only",
       "VIO-15",
       {"VIO-15/read-only"},
       Walk4().Pte(0x9035).ShadowStackToken(0x1230).Build(),
       Violation(0x25aa, 0x1230)},
      {"vio-15-token-execute-only-sub-page",
       "VIO-15",
       {"VIO-15/write-only"},
       Walk4()
           .SubPage()
           .Pte(kBit61 | 0x9034)
           .Vector(0x100)
           .ShadowStackToken(0x1230)
           .Build(),
       Violation(0x25a2, 0x1230)},
      {"vio-12-token-in-a-supervisor-shadow-stack-page",
       "VIO-12",
       {},
       Walk4()
           .SupervisorShadowStack()
           .Pte(kBit60 | 0x9035)
           .ShadowStackToken(0x1230)
           .Build(),
       Completes(0x9230)},
      {"ad-2-token",
       "AD-2",
       {"AD-2/never"},
       Walk4().AccessedDirty().ShadowStackToken(0x1230).Build(),
       Completes(0x9230)
           .Writes(0x1000, 0x2107)
           .Writes(0x2000, 0x3107)
           .Writes(0x3000, 0x4107)
           .Writes(0x4008, 0x9337)},
      {"qual-1-token-not-present",
       "QUAL-1",
       {},
       Walk4().Pte(0).ShadowStackToken(0x1230).Build(),
       Violation(0x2582, 0x1230)},
      // Writable by sub-page permissions, but not readable.
      {"vio-15-execute-only-sub-page",
       "VIO-15",
       {"VIO-15/write-only"},
       Walk4()
           .SubPage()
           .Pte(kBit61 | 0x9034)
           .Vector(0x5555'5555'5555'5555)
           .ReadModifyWrite(0x1234)
           .Build(),
       Violation(0x5a2, 0x1234)},
  };
}

std::vector<NamedCase> FetchCases() {
  return {
      {"vio-4-no-execute-leaf",
       "VIO-4",
       {"VIO-4/off", "VIO-4/pte-ignored", "QUAL-4/never", "QUAL-5/pte-ignored"},
       Walk4().Pte(0x9033).Fetch(0x1234).Build(),
       Violation(0x59c, 0x1234)},
      {"vio-4-no-execute-table",
       "VIO-4",
       {"VIO-4/leaf-only"},
       Walk4().Pde(0x4003).Fetch(0x1234).Build(),
       Violation(0x59c, 0x1234)},
      {"vio-4-execute-only",
       "VIO-4",
       {"VIO-4/needs-read"},
       Walk4().Pte(0x9034).Fetch(0x1234).Build(),
       Completes(0x9234)},
      // Bit 6 of the qualification: user-mode fetches are allowed.
      {"vio-5-user-execute-leaf",
       "VIO-5",
       {"VIO-5/off", "VIO-5/either-bit"},
       Walk4().Mbec().Pte(0x9433).Fetch(0x1234).Build(),
       Violation(0x5dc, 0x1234)},
      {"vio-5-user-execute-table",
       "VIO-5",
       {"VIO-5/leaf-only"},
       Walk4().Mbec().Pde(0x4403).Fetch(0x1234).Build(),
       Violation(0x5dc, 0x1234)},
      // Bit 9 of the qualification: a user-mode linear address.
      {"vio-6-supervisor-execute-leaf",
       "VIO-6",
       {"VIO-6/off", "VIO-6/bit-2"},
       Walk4().Mbec().Pte(0x9037).Fetch(0x1234).User().Build(),
       Violation(0x7bc, 0x1234)},
      {"vio-6-supervisor-execute-table",
       "VIO-6",
       {"VIO-6/leaf-only"},
       Walk4().Mbec().Pde(0x4007).Fetch(0x1234).User().Build(),
       Violation(0x7bc, 0x1234)},
      {"vio-6-user-execute",
       "VIO-6",
       {"VIO-6/both-bits", "VIO-6/bit-2"},
       Walk4().Mbec().Pte(0x9433).With(Cpl3).Fetch(0x1234).User().Build(),
       Completes(0x9234)},
      {"vio-7-user-page-at-cpl-0",
       "VIO-7",
       {"VIO-7/by-cpl"},
       Walk4().Mbec().Pte(0x9433).Fetch(0x1234).User().Build(),
       Completes(0x9234)},
      {"vio-7-supervisor-page-at-cpl-3",
       "VIO-7",
       {"VIO-7/by-cpl"},
       Walk4().Mbec().Pte(0x9037).With(Cpl3).Fetch(0x1234).Build(),
       Completes(0x9234)},
      {"vio-7-paging-off",
       "VIO-7",
       {"VIO-7/supervisor-without-paging", "VIO-7/by-cpl"},
       Walk4()
           .Mbec()
           .Pte(0x9433)
           .With(PagingOff)
           .Linear(AccessKind::kFetch, 0x1234)
           .Build(),
       Completes(0x9234)},
  };
}

// Of an access to a guest paging structure bits 8 to 11 are clear or undefined.
std::vector<NamedCase> StructureCases() {
  return {
      {"vio-8-update-of-read-only",
       "VIO-8",
       {"VIO-8/update-is-no-write"},
       Walk4().Pte(0x9035).StructureUpdate(0x1008).Build(),
       Violation(0xaa, 0x1008).At(kGlaPage)},
      {"vio-8-read-of-execute-only",
       "VIO-8",
       {"VIO-2/off"},
       Walk4().Pte(0x9034).StructureRead(0x1008).Build(),
       Violation(0xa1, 0x1008).At(kGlaPage)},
      {"vio-9-read-is-a-write",
       "VIO-9",
       {"VIO-9/read-is-no-write"},
       Walk4().AccessedDirty().Pte(0x9035).StructureRead(0x1008).Build(),
       Violation(0xab, 0x1008).At(kGlaPage)},
      {"vio-9-flags-off",
       "VIO-9",
       {"VIO-9/always-a-write"},
       Walk4().Pte(0x9035).StructureRead(0x1008).Build(),
       Completes(0x9008)},
      {"vio-10-load-is-a-read",
       "VIO-10",
       {"VIO-10/load-is-a-write"},
       Walk4()
           .AccessedDirty()
           .Pte(0x9035)
           .Word(0x9000, 0x7001)
           .PdpteLoad(0x1000)
           .Build(),
       Happens()
           .Pdptes({0x7001, 0, 0, 0})
           .Writes(0x1000, 0x2107)
           .Writes(0x2000, 0x3107)
           .Writes(0x3000, 0x4107)
           .Writes(0x4008, 0x9135)},
      {"vio-11-paging-write",
       "VIO-11",
       {"VIO-11/never-allowed"},
       Walk4()
           .PagingWrite()
           .Pte(kBit58 | 0x9035)
           .StructureUpdate(0x1008)
           .Build(),
       Completes(0x9008)},
      {"vio-11-read-under-flags",
       "VIO-11",
       {"VIO-11/never-allowed"},
       Walk4()
           .PagingWrite()
           .AccessedDirty()
           .Pte(kBit58 | 0x9035)
           .StructureRead(0x1008)
           .Build(),
       Completes(0x9008)
           .Writes(0x1000, 0x2107)
           .Writes(0x2000, 0x3107)
           .Writes(0x3000, 0x4107)
           .Writes(0x4008, kBit58 | 0x9335)},
      {"vio-11-read-only-table",
       "VIO-11",
       {"VIO-11/leaf-suffices"},
       Walk4()
           .PagingWrite()
           .Pde(0x4005)
           .Pte(kBit58 | 0x9037)
           .StructureUpdate(0x1008)
           .Build(),
       Violation(0xaa, 0x1008).At(kGlaPage)},
      {"vio-11-other-write",
       "VIO-11",
       {"VIO-11/any-write"},
       Walk4().PagingWrite().Pte(kBit58 | 0x9035).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"vio-11-control-off",
       "VIO-11",
       {"VIO-11/without-control"},
       Walk4().Pte(kBit58 | 0x9035).StructureUpdate(0x1008).Build(),
       Violation(0xaa, 0x1008).At(kGlaPage)},
  };
}

// Bit 13 of the qualification: a shadow-stack access; bit 14: bit 60.
std::vector<NamedCase> ShadowStackCases() {
  return {
      {"vio-12-bit-60-clear",
       "VIO-12",
       {"VIO-12/off", "VIO-12/bit-60-unchecked", "VIO-12/judged-as-data"},
       Walk4().SupervisorShadowStack().ShadowStackRead(0x1230).Build(),
       Violation(0x25b9, 0x1230)},
      {"vio-12-read-only-leaf",
       "VIO-12",
       {"VIO-12/leaf-write-needed", "VIO-12/judged-as-data"},
       Walk4()
           .SupervisorShadowStack()
           .Pte(kBit60 | 0x9035)
           .ShadowStackWrite(0x1230)
           .Build(),
       Completes(0x9230)},
      {"vio-12-read-only-table",
       "VIO-12",
       {"VIO-12/off", "VIO-12/table-entries-unchecked"},
       Walk4()
           .SupervisorShadowStack()
           .Pde(0x4005)
           .Pte(kBit60 | 0x9037)
           .ShadowStackRead(0x1230)
           .Build(),
       Violation(0x65a9, 0x1230)},
      {"vio-12-execute-only",
       "VIO-12",
       {"VIO-12/off"},
       Walk4()
           .SupervisorShadowStack()
           .Pte(kBit60 | 0x9034)
           .ShadowStackRead(0x1230)
           .Build(),
       Violation(0x65a1, 0x1230)},
      {"vio-12-user-access",
       "VIO-12",
       {},
       Walk4()
           .SupervisorShadowStack()
           .With(Cpl3)
           .ShadowStackWrite(0x1230)
           .Build(),
       Completes(0x9230)},
      {"vio-12-wruss",
       "VIO-12",
       {},
       Walk4()
           .SupervisorShadowStack()
           .ShadowStackWrite(0x1230)
           .But([](Step& step) { step.access.wruss = true; })
           .Build(),
       Completes(0x9230)},
      {"vio-12-control-off",
       "VIO-12",
       {},
       Walk4().ShadowStackWrite(0x1230).Build(),
       Completes(0x9230)},
  };
}

// All accessed flags are set, so that only the write needs a flag.
CaseBuilder FullLog() {
  return Walk4().AccessedDirty().Pml(0x200).Pml4e(0x2107).Pdpte(0x3107).Pde(
      0x4107);
}

std::vector<NamedCase> PriorityCases() {
  return {
      {"pri-1-violation-before-log-full",
       "PRI-1",
       {"PRI-1/log-first"},
       FullLog().Pte(0x9135).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"pri-1-sub-page-before-log-full",
       "PRI-1",
       {"PRI-1/log-before-spp"},
       FullLog().SubPage().Pte(kBit61 | 0x9135).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"pri-1-log-full-before-access",
       "PRI-1",
       {"PML-1/off"},
       FullLog().Pte(0x9137).Write(0x1234).Build(),
       LogFull()},
  };
}

}  // namespace

std::vector<NamedCase> ViolationWitnesses() {
  std::vector<NamedCase> cases = DataCases();
  for (auto more :
       {FetchCases(), StructureCases(), ShadowStackCases(), PriorityCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
