// Cases of APIC: accesses that end on the APIC-access page.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;

// The page that everything leads to.
CaseBuilder Apic() { return Walk4().ApicPage(0x9000); }
// The guest's PT, at 11000H, and its page, at 10000H.
CaseBuilder OfGuest(std::uint64_t page) { return Guest4().ApicPage(page); }

CaseBuilder DeliversEvent(CaseBuilder builder) {
  return builder.With([](Case& c) { c.guest.event_delivery = true; });
}

void Asynchronous(Step& step) { step.access.asynchronous = true; }
void Trace(Step& step) {
  step.page.gla_valid = false;
  step.page.gla = {};
}

std::vector<NamedCase> LinearCases() {
  return {
      {"apic-1-read",
       "APIC-1",
       {"APIC-1/off", "APIC-1/guest-physical-address", "APIC-4/zero"},
       Apic().Read(0x1234, 4).Build(),
       ApicAccess(0x0234)},
      {"apic-1-write",
       "APIC-1",
       {"APIC-1/off", "APIC-5/writes-as-reads"},
       Apic().Write(0x1234, 4).Build(),
       ApicAccess(0x1234)},
      {"apic-1-another-page",
       "APIC-1",
       {"APIC-1/guest-physical-address"},
       Walk4().ApicPage(0x5000).Word(0x4028, 0x9037).Read(0x5234).Build(),
       Completes(0x9234)},
      {"apic-1-control-off",
       "APIC-1",
       {},
       Walk4()
           .With([](Case& c) { c.controls.apic_access_address = 0x9000; })
           .Read(0x1234)
           .Build(),
       Completes(0x9234)},
      // The second page; nothing of the first is accessed.
      {"apic-1-second-page",
       "APIC-1",
       {"APIC-1/off"},
       Apic().Word(0x4008, 0xa037).Word(0x4010, 0x9037).Read(0x1ffc, 8).Build(),
       ApicAccess(0x0000)},
      {"apic-1-linear",
       "APIC-1",
       {"APIC-1/off", "APIC-4/zero"},
       OfGuest(0x20000).Read(kGla).Build(),
       ApicAccess(0x0234)},
      {"apic-4-paging-off",
       "APIC-4",
       {"APIC-1/off", "APIC-4/zero"},
       Apic()
           .With([](Case& c) {
             c.guest.cr0 &= ~0x80000000ull;
             c.guest.efer = 0;
           })
           .Linear(AccessKind::kRead, 0x1234)
           .Build(),
       ApicAccess(0x0234)},
      {"apic-5-read-modify-write",
       "APIC-5",
       {"APIC-5/read-modify-write-as-read", "APIC-5/writes-as-reads"},
       Apic().ReadModifyWrite(0x1234, 4).Build(),
       ApicAccess(0x1234)},
      {"apic-5-fetch",
       "APIC-5",
       {"APIC-5/fetches-as-reads"},
       Apic().Fetch(0x1234).Build(),
       ApicAccess(0x2234)},
      {"apic-5-event-delivery",
       "APIC-5",
       {"APIC-5/event-delivery-unseen"},
       DeliversEvent(Apic()).Write(0x1234, 8).Build(),
       ApicAccess(0x3234)},
      {"apic-6-asynchronous",
       "APIC-6",
       {"APIC-6/bit-16-clear"},
       Apic().Read(0x1234).But(Asynchronous).Build(),
       ApicAccess(0x10234)},
  };
}

std::vector<NamedCase> GuestPhysicalCases() {
  return {
      {"apic-2-guest-entry",
       "APIC-2",
       {"APIC-2/off", "APIC-5/guest-physical-as-linear"},
       OfGuest(0x21000).Read(kGla).Build(),
       ApicAccess(0xf000)},
      {"apic-2-structure",
       "APIC-2",
       {"APIC-2/structures-accessed"},
       Walk4().ApicPage(0x3000).Read(0x1234).Build(),
       Happens()},
      {"apic-2-guest-entry-in-event-delivery",
       "APIC-2",
       {"APIC-2/off", "APIC-5/guest-physical-as-linear",
        "APIC-5/event-delivery-unseen"},
       DeliversEvent(OfGuest(0x21000)).Read(kGla).Build(),
       ApicAccess(0xa000)},
      {"apic-2-structure-update",
       "APIC-2",
       {"APIC-2/off"},
       Apic().StructureUpdate(0x1008).Build(),
       ApicAccess(0xf000)},
      {"apic-2-pdpte-load",
       "APIC-2",
       {"APIC-2/off", "APIC-2/paging-structures-only"},
       Apic().PdpteLoad(0x1020).Build(),
       ApicAccess(0xf000)},
      {"apic-2-trace-output",
       "APIC-2",
       {"APIC-2/off", "APIC-2/paging-structures-only", "APIC-5/trace-unseen",
        "APIC-6/bit-16-clear"},
       Apic().TraceOutput().Write(0x1234).But(Trace).Build(),
       ApicAccess(0x1b000)},
      {"apic-5-pebs",
       "APIC-5",
       {"APIC-2/off", "APIC-2/paging-structures-only", "APIC-5/trace-unseen",
        "APIC-5/pebs-unseen", "APIC-6/bit-16-clear"},
       Apic().Pebs().PebsWrite(0x1238).Build(),
       ApicAccess(0x1b000)},
  };
}

std::vector<NamedCase> PriorityCases() {
  return {
      {"apic-3-flags",
       "APIC-3",
       {"APIC-1/off", "APIC-3/before-flags"},
       Apic().AccessedDirty().Write(0x1234).Build(),
       ApicAccess(0x1234)
           .Writes(0x1000, 0x2107)
           .Writes(0x2000, 0x3107)
           .Writes(0x3000, 0x4107)
           .Writes(0x4008, 0x9337)},
      {"apic-3-violation",
       "APIC-3",
       {},
       Apic().Pte(0x9035).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"apic-3-log-full",
       "APIC-3",
       {"APIC-3/before-flags"},
       Apic().AccessedDirty().Pml(0xffff).Write(0x1234).Build(),
       LogFull()},
      {"apic-3-page-fault",
       "APIC-3",
       {},
       OfGuest(0x20000).GuestPte(0x10065).Write(kGla).Build(),
       PageFault(3)},
      // The page of the next access is not present.
      {"apic-3-violation-of-the-second-page",
       "APIC-3",
       {},
       Apic().Word(0x4010, 0).Read(0x1ffc, 8).Build(),
       Violation(0x581, 0x2000).At(kGlaPage + 0x1000)},
      {"apic-7-2-mbyte-page",
       "APIC-7",
       {"APIC-7/as-if-off"},
       Walk4().ApicPage(0xa5000).Pde(0xb7).Read(0xa5234).Build(),
       ApicAccess(0x0234)},
      {"apic-7-2-mbyte-page-as-if-off",
       "APIC-7",
       {"APIC-7/exits"},
       Walk4().ApicPage(0xa5000).Pde(0xb7).Read(0xa5234).Build(),
       Completes(0xa5234).Size(21)},
      {"apic-7-sub-page",
       "APIC-7",
       {"APIC-7/as-if-off"},
       Apic()
           .SubPage()
           .Pte(kBit61 | 0x9035)
           .Vector(0x100)
           .Write(0x1234)
           .Build(),
       ApicAccess(0x1234)},
      {"apic-7-sub-page-as-if-off",
       "APIC-7",
       {"APIC-7/exits"},
       Apic()
           .SubPage()
           .Pte(kBit61 | 0x9035)
           .Vector(0x100)
           .Write(0x1234)
           .Build(),
       Completes(0x9234)},
      // Writes to it need no such permission.
      {"apic-7-writable-page",
       "APIC-7",
       {"APIC-1/off"},
       Apic().SubPage().Pte(kBit61 | 0x9037).Write(0x1234).Build(),
       ApicAccess(0x1234)},
  };
}

}  // namespace

std::vector<NamedCase> ApicWitnesses() {
  std::vector<NamedCase> cases = LinearCases();
  for (auto more : {GuestPhysicalCases(), PriorityCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
