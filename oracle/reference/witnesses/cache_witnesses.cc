// Cases of CACHE. Every last step is judged for who may keep translations; the
// answer is one that the SDM permits and, where something was kept or has
// ended, the one that says so.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kEptp = 0x101e;
// Where the guest's entries for kGla are: what EPT adds, and the index.
constexpr std::uint64_t kGuestPte = 0x21aa8;
constexpr std::uint64_t kGuestPde = 0x22550;
// The encodings of VMCS fields.
constexpr std::uint32_t kFieldVpid = 0x0000;
constexpr std::uint32_t kFieldEptp = 0x201a;
constexpr std::uint32_t kFieldCr3 = 0x6802;

// A read of 1234H, at 9234H.
CaseBuilder Reads() { return Walk4().Read(0x1234); }

// ... of a page that is then another.
CaseBuilder Moved() { return Reads().Store(0x4008, 0xa037); }

// ... whose page table is then no longer linked; it maps 2234H at D234H.
CaseBuilder Unlinked() { return Reads().Word(0x4010, 0xd037).Store(0x3000, 0); }

// A linear read, of 20234H, and the guest's page is then another, at 26000H.
CaseBuilder GuestReads(CaseBuilder guest) { return guest.Read(kGla); }
CaseBuilder GuestMoved() {
  return GuestReads(Guest4().Vpid(5)).Store(kGuestPte, 0x16067);
}

// The same under PCID 1, with these bits in the PTE before and after.
CaseBuilder Pcids(std::uint64_t before, std::uint64_t after) {
  return Guest4()
      .Vpid(5)
      .Cr4(0x20080)
      .With([](Case& c) { c.guest.cr3 |= 1; })
      .GuestPte(0x10000 | before)
      .Read(kGla)
      .Store(kGuestPte, 0x16000 | after);
}

// The guest's PDE leads to no page table any more, which mapped the next page,
// too: at 26234H.
CaseBuilder GuestUnlinked() {
  return Guest4()
      .Vpid(5)
      .Read(kGla)
      .Store(kGuestPde, 0)
      .Store(kGuestPte + 8, 0x16067);
}
constexpr std::uint64_t kNextGla = kGla + 0x1000;

// A global page is then another one.
CaseBuilder GlobalMoved() {
  return Guest4().Vpid(5).Cr4(0x80).GuestPte(0x10167).Read(kGla).Store(
      kGuestPte, 0x16167);
}

// 2 MBytes at GPA 0, which EPT maps in pieces, are no longer mapped.
constexpr std::uint64_t kLargeGla = 0x5555'5540'0000;
constexpr std::uint64_t kPartGla = 0x5555'5541'0234;
CaseBuilder LargeUnmapped() {
  return Guest4().Vpid(5).GuestPde(0xe7).Read(kPartGla).Store(kGuestPde, 0);
}

CaseBuilder Invpcid(CaseBuilder guest, std::uint8_t type, std::uint64_t pcid,
                    std::uint64_t gla) {
  return guest.With([&](Case& c) {
    c.controls.secondary |= 1u << 12;
    Step step;
    step.kind = StepKind::kInvalidation;
    step.invalidation = {InvalidationKind::kInvpcid, type, pcid, gla};
    c.steps.push_back(step);
  });
}

std::vector<NamedCase> UseCases() {
  return {
      {"cache-3-another-address",
       "CACHE-3",
       {"CACHE-3/never"},
       Moved().Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-3-memory-all-the-same",
       "CACHE-3",
       {},
       Moved().Read(0x1234).Build(),
       Completes(0xa234)},
      // It was another page's, of the same table.
      {"cache-3-nothing-that-never-was",
       "CACHE-3",
       {},
       Moved().Read(0x1234).Build(),
       Completes(0x9234),
       Completes(0xb234)},
      {"cache-3-right-removed",
       "CACHE-3",
       {"CACHE-3/never"},
       Reads().Store(0x4008, 0x9035).Write(0x1234).Build(),
       Completes(0x9234)},
      {"cache-3-unmapped",
       "CACHE-3",
       {"CACHE-3/never"},
       Reads().Store(0x3000, 0).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-3-memory-type",
       "CACHE-3",
       {"CACHE-3/never"},
       Reads().Store(0x4008, 0x9007).Read(0x1234).Build(),
       Completes(0x9234)},
      // PAT entry 1 was WT and is UC: what was kept has a memory type, not a
      // way to make one (3A 4.10.2.2).
      {"cache-3-memory-type-of-an-old-pat",
       "CACHE-3",
       {"CACHE-3/never"},
       Guest4()
           .Vpid(5)
           .GuestPte(0x1006f)
           .Read(kGla)
           .Give(GuestRegister::kPat, 0x0007'0406'0007'0006)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4).Type(MemoryType::kWriteThrough)},
      // What lies below the new table never went with the old PDE.
      {"cache-4-the-old-table",
       "CACHE-4",
       {"CACHE-4/never", "CACHE-3/never"},
       Walk4()
           .Word(0x5010, 0xc037)
           .Read(0x1234)
           .Store(0x3000, 0x5007)
           .Store(0x4010, 0xd037)
           .Read(0x2234)
           .Build(),
       Completes(0xd234)},
      {"cache-9-one-violation",
       "CACHE-9",
       {"CACHE-9/never", "CACHE-3/never"},
       Walk4()
           .Pte(0x9031)
           .Read(0x1234)
           .Store(0x4008, 0x9037)
           .Write(0x1234)
           .Build(),
       Violation(0x58a, 0x1234)},
      {"cache-10-accessed-flag-cleared",
       "CACHE-10",
       {"CACHE-10/never", "CACHE-3/never"},
       Walk4()
           .AccessedDirty()
           .Pml4e(0x2107)
           .Pdpte(0x3107)
           .Pde(0x4107)
           .Pte(0x9137)
           .Read(0x1234)
           .Store(0x4008, 0x9037)
           .Read(0x1234)
           .Build(),
       Completes(0x9234)},
      {"cache-10-dirty-flag-cleared",
       "CACHE-10",
       {"CACHE-10/never", "CACHE-3/never"},
       Walk4()
           .AccessedDirty()
           .Pml4e(0x2107)
           .Pdpte(0x3107)
           .Pde(0x4107)
           .Pte(0x9337)
           .Write(0x1234)
           .Store(0x4008, 0x9137)
           .Write(0x1234)
           .Build(),
       Completes(0x9234)},
      {"cache-10-dirty-flag-was-clear",
       "CACHE-10",
       {"CACHE-10/clear-stays-clear"},
       Walk4().AccessedDirty().Read(0x1234).Write(0x1234).Build(),
       Completes(0x9234).Writes(0x4008, 0x9337),
       Completes(0x9234)},
      {"cache-10-guest-dirty-flag-was-clear",
       "CACHE-10",
       {"CACHE-10/guest-dirty-stays-clear"},
       Guest4().GuestPte(0x10027).Read(kGla).Write(kGla).Build(),
       Reaches(0x20234, 4).Writes(kGuestPte, 0x10067),
       Reaches(0x20234, 4)},
      {"cache-10-guest-dirty-flag-was-clear-and-accessed",
       "CACHE-10",
       {"CACHE-10/guest-dirty-stays-clear"},
       Guest4().GuestPte(0x10007).Read(kGla).Write(kGla).Build(),
       Reaches(0x20234, 4).Writes(kGuestPte, 0x10067),
       Reaches(0x20234, 4)},
      {"cache-14-flags-switched-on",
       "CACHE-14",
       {"CACHE-14/never", "CACHE-3/never"},
       Reads().EnterWith(kFieldEptp, kEptp | 0x40).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-14-flags-of-upper-levels",
       "CACHE-14",
       {"CACHE-14/never", "CACHE-4/never", "CACHE-3/never"},
       Reads()
           .Word(0x4010, 0xd037)
           .EnterWith(kFieldEptp, kEptp | 0x40)
           .Read(0x2234)
           .Build(),
       Completes(0xd234).Writes(0x4010, 0xd137)},
      {"cache-15-vector",
       "CACHE-15",
       {"CACHE-15/never", "CACHE-3/never"},
       Walk4()
           .SubPage()
           .Pte(0x2000'0000'0000'9035)
           .Vector(0x5555'5555'5555'5555)
           .Write(0x1234)
           .Store(0xd008, 0)
           .Write(0x1234)
           .Build(),
       Completes(0x9234)},
  };
}

std::vector<NamedCase> NothingKeptCases() {
  return {
      {"cache-2-not-present",
       "CACHE-2",
       {"CACHE-2/not-present-kept"},
       Walk4().Pte(0).Store(0x4008, 0x9037).Read(0x1234).Build(),
       Completes(0x9234),
       Violation(0x581, 0x1234)},
      {"cache-2-misconfigured",
       "CACHE-2",
       {"CACHE-2/misconfigured-kept"},
       Walk4()
           .Pte(0x9032)
           .Read(0x1234)
           .Store(0x4008, 0x9037)
           .Read(0x1234)
           .Build(),
       Completes(0x9234),
       Misconfiguration(0x1234)},
      {"cache-2-guest-not-present",
       "CACHE-2",
       {"CACHE-2/guest-not-present-kept"},
       Guest4().GuestPte(0).Store(kGuestPte, 0x10067).Read(kGla).Build(),
       Reaches(0x20234, 4),
       PageFault(0)},
      {"cache-2-guest-reserved-bit",
       "CACHE-2",
       {"CACHE-2/guest-reserved-kept"},
       Guest4()
           .GuestPde(0x2000 | 0xe7)
           .Store(kGuestPde, 0x11027)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4),
       PageFault(9)},
      {"cache-2-guest-accessed-clear",
       "CACHE-2",
       {"CACHE-2/guest-accessed-clear-kept"},
       Guest4().GuestPte(0x10047).Store(kGuestPte, 0x16067).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
  };
}

std::vector<NamedCase> TagCases() {
  return {
      {"cache-1-another-root",
       "CACHE-1",
       {"CACHE-1/eptrta-ignored"},
       Reads().EnterWith(kFieldEptp, 0xb01e).Read(0x1234).Build(),
       Violation(0x581, 0x1234),
       Completes(0x9234)},
      {"cache-1-another-root-of-a-linear-address",
       "CACHE-1",
       {"CACHE-1/eptrta-ignored"},
       GuestReads(Guest4().Vpid(5))
           .EnterWith(kFieldEptp, 0xb01e)
           .Read(kGla)
           .Build(),
       Violation(0x81, 0x14550).At(kGla),
       Reaches(0x20234, 4)},
      {"cache-1-another-vpid",
       "CACHE-1",
       {"CACHE-1/vpid-ignored"},
       GuestMoved().EnterWith(kFieldVpid, 6).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-1-another-pcid",
       "CACHE-1",
       {"CACHE-1/pcid-ignored"},
       Pcids(0x67, 0x67).EnterWith(kFieldCr3, 0x14002).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-1-a-global-page",
       "CACHE-1",
       {"CACHE-1/globals-need-the-pcid", "CACHE-3/never"},
       Pcids(0x167, 0x167).EnterWith(kFieldCr3, 0x14002).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"cache-1-the-vpid-again",
       "CACHE-1",
       {"CACHE-3/never", "CACHE-11/transition-always-ends"},
       GuestMoved()
           .EnterWith(kFieldVpid, 6)
           .EnterWith(kFieldVpid, 5)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
  };
}

std::vector<NamedCase> ViolationCases() {
  return {
      // The fetch is refused by memory, too, and ends what would refuse the
      // write.
      {"cache-5-the-next-try",
       "CACHE-5",
       {"CACHE-5/gpa-not-ended"},
       Walk4()
           .Pte(0x9031)
           .Read(0x1234)
           .Store(0x4008, 0x9033)
           .Fetch(0x1234)
           .Write(0x1234)
           .Build(),
       Completes(0x9234),
       Violation(0x58a, 0x1234)},
      {"cache-5-the-next-try-of-a-linear-address",
       "CACHE-5",
       {"CACHE-5/gla-not-ended"},
       Guest4()
           .Vpid(5)
           .EptPte(0x10000, 0x20031)
           .Read(kGla)
           .Store(0x4080, 0x20033)
           .Fetch(kGla)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4),
       Violation(0x78a, 0x10234).At(kGla)},
      {"cache-5-a-virtualization-exception",
       "CACHE-5",
       {"CACHE-5/gla-not-ended",
        "CACHE-5/virtualization-exception-ends-nothing"},
       Guest4()
           .Vpid(5)
           .Ve()
           .EptPte(0x10000, 0x20031)
           .Read(kGla)
           .Store(0x4080, 0x20033)
           .Fetch(kGla)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4),
       Violation(0x78a, 0x10234).At(kGla)},
      // The page table's guest-physical mapping ends; what is kept of the PDE
      // leads there all the same, to what the other PTE has become since.
      {"cache-5-not-the-table-of-a-guest-entry",
       "CACHE-5",
       {"CACHE-3/never", "CACHE-4/never"},
       Guest4()
           .Vpid(5)
           .Word(kGuestPte + 8, 0x16067)
           .Read(kGla)
           .Store(0x4088, 0)
           .StructureRead(0x11aa8)
           .Store(kGuestPte + 8, 0x17067)
           .Read(kNextGla)
           .Build(),
       Reaches(0x27234, 4)},
      {"cache-5-not-another-page",
       "CACHE-5",
       {"CACHE-5/every-gpa-ended", "CACHE-3/never"},
       Walk4()
           .Word(0x4010, 0)
           .Read(0x1234)
           .Store(0x4008, 0xa037)
           .Read(0x2234)
           .Read(0x1234)
           .Build(),
       Completes(0x9234)},
  };
}

std::vector<NamedCase> InveptCases() {
  return {
      {"cache-6-single",
       "CACHE-6",
       {"CACHE-6/single-ends-nothing"},
       Moved().Invept(1, kEptp).Read(0x1234).Build(),
       Completes(0xa234),
       Completes(0x9234)},
      {"cache-6-all",
       "CACHE-6",
       {"CACHE-6/all-ends-nothing"},
       Moved().Invept(2).Read(0x1234).Build(),
       Completes(0xa234),
       Completes(0x9234)},
      {"cache-6-single-upper-levels",
       "CACHE-6",
       {"CACHE-6/single-leaves-upper-levels"},
       Unlinked().Invept(1, kEptp).Read(0x2234).Build(),
       Violation(0x581, 0x2234),
       Completes(0xd234)},
      {"cache-6-all-upper-levels",
       "CACHE-6",
       {"CACHE-6/all-leaves-upper-levels"},
       Unlinked().Invept(2).Read(0x2234).Build(),
       Violation(0x581, 0x2234),
       Completes(0xd234)},
      {"cache-6-the-same-root",
       "CACHE-6",
       {"CACHE-6/whole-eptp-compared"},
       Moved().Invept(1, kEptp | 0x40).Read(0x1234).Build(),
       Completes(0xa234),
       Completes(0x9234)},
      {"cache-6-another-root",
       "CACHE-6",
       {"CACHE-6/single-ends-all", "CACHE-3/never"},
       Moved().Invept(1, 0xb01e).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-6-on-another-processor",
       "CACHE-6",
       {"CACHE-3/never"},
       Moved().Invept(1, kEptp).On(1).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-13-invept-undefined",
       "CACHE-13",
       {"CACHE-13/undefined-off"},
       Walk4().Without(20).Invept(2).Build(),
       InvalidOpcode()},
      {"cache-13-invept-type",
       "CACHE-13",
       {"CACHE-13/type-off"},
       Walk4().Invept(3).Build(),
       InvalidOperand()},
      {"cache-13-invept-eptp",
       "CACHE-13",
       {"CACHE-13/eptp-off"},
       Walk4().Invept(1, 0x1019).Build(),
       InvalidOperand()},
      {"cache-13-invept-any-eptp",
       "CACHE-13",
       {"CACHE-13/eptp-whatever-the-type"},
       Walk4().Invept(2, 0x1019).Build(),
       Happens()},
  };
}

std::vector<NamedCase> InvvpidCases() {
  return {
      {"cache-7-address",
       "CACHE-7",
       {"CACHE-7/address-ends-nothing"},
       GuestMoved().Invvpid(0, 5, kGla).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-single",
       "CACHE-7",
       {"CACHE-7/single-ends-nothing"},
       GuestMoved().Invvpid(1, 5).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-all",
       "CACHE-7",
       {"CACHE-7/all-ends-nothing"},
       GuestMoved().Invvpid(2, 0).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-retaining-globals",
       "CACHE-7",
       {"CACHE-7/retaining-ends-nothing"},
       GuestMoved().Invvpid(3, 5).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-a-global-page",
       "CACHE-7",
       {"CACHE-7/retaining-ends-globals", "CACHE-3/never"},
       Guest4()
           .Vpid(5)
           .Cr4(0x80)
           .GuestPte(0x10167)
           .Read(kGla)
           .Store(kGuestPte, 0x16167)
           .Invvpid(3, 5)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"cache-7-address-upper-levels",
       "CACHE-7",
       {"CACHE-7/address-leaves-upper-levels"},
       GuestUnlinked().Invvpid(0, 5, kNextGla).Read(kNextGla).Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-7-single-upper-levels",
       "CACHE-7",
       {"CACHE-7/single-leaves-upper-levels"},
       GuestUnlinked().Invvpid(1, 5).Read(kNextGla).Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-7-retaining-globals-upper-levels",
       "CACHE-7",
       {"CACHE-7/retaining-leaves-upper-levels"},
       GuestUnlinked().Invvpid(3, 5).Read(kNextGla).Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-7-single-a-global-page",
       "CACHE-7",
       {"CACHE-7/single-leaves-globals"},
       GlobalMoved().Invvpid(1, 5).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-all-vpids",
       "CACHE-7",
       {"CACHE-7/all-ends-the-current-vpid"},
       GuestMoved()
           .EnterWith(kFieldVpid, 6)
           .Invvpid(2, 0)
           .EnterWith(kFieldVpid, 5)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-7-another-vpid",
       "CACHE-7",
       {"CACHE-3/never"},
       GuestMoved().Invvpid(1, 6).Read(kGla).Build(),
       Reaches(0x20234, 4)},
      {"cache-7-a-part-of-a-large-page",
       "CACHE-7",
       {"CACHE-7/one-part-of-a-large-page"},
       LargeUnmapped().Invvpid(0, 5, kLargeGla).Read(kPartGla).Build(),
       PageFault(0, kPartGla),
       Reaches(0x20234, 3)},
      {"cache-7-not-guest-physical",
       "CACHE-7",
       {"CACHE-7/guest-physical-too", "CACHE-3/never"},
       Walk4()
           .Vpid(5)
           .Read(0x1234)
           .Store(0x4008, 0xa037)
           .Invvpid(1, 5)
           .Read(0x1234)
           .Build(),
       Completes(0x9234)},
      {"cache-13-invvpid-type",
       "CACHE-13",
       {"CACHE-13/type-off"},
       Walk4().Without(40).Invvpid(0, 5).Build(),
       InvalidOperand()},
      {"cache-13-invvpid-reserved",
       "CACHE-13",
       {"CACHE-13/reserved-off"},
       Walk4().Invvpid(2, 0x10000).Build(),
       InvalidOperand()},
      {"cache-13-invvpid-0",
       "CACHE-13",
       {"CACHE-13/vpid-off"},
       Walk4().Invvpid(1, 0).Build(),
       InvalidOperand()},
      {"cache-13-invvpid-address",
       "CACHE-13",
       {"CACHE-13/address-off"},
       Walk4().Invvpid(0, 5, std::uint64_t{1} << 60).Build(),
       InvalidOperand()},
  };
}

std::vector<NamedCase> GuestCases() {
  return {
      {"cache-8-invlpg",
       "CACHE-8",
       {"CACHE-8/invlpg-ends-nothing"},
       GuestMoved().Invlpg(kGla).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invlpg-with-pcids",
       "CACHE-8",
       {"CACHE-8/invlpg-ends-nothing"},
       Pcids(0x67, 0x67).Invlpg(kGla).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      // The PDE leads to no PT any more.
      {"cache-8-invlpg-upper-levels",
       "CACHE-8",
       {"CACHE-8/invlpg-leaves-upper-levels",
        "CACHE-8/invlpg-upper-levels-of-the-address"},
       GuestReads(Guest4().Vpid(5))
           .Store(kGuestPde, 0)
           .Invlpg(0)
           .Store(kGuestPte + 8, 0x16067)
           .Read(kGla + 0x1000)
           .Build(),
       PageFault(0, kGla + 0x1000),
       Reaches(0x26234, 4)},
      {"cache-8-invlpg-a-part-of-a-large-page",
       "CACHE-8",
       {"CACHE-8/invlpg-one-part-of-a-large-page"},
       LargeUnmapped().Invlpg(kLargeGla).Read(kPartGla).Build(),
       PageFault(0, kPartGla),
       Reaches(0x20234, 3)},
      {"cache-8-invlpg-a-global-page",
       "CACHE-8",
       {"CACHE-8/invlpg-leaves-globals"},
       GlobalMoved().Invlpg(kGla).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-not-guest-physical",
       "CACHE-8",
       {"CACHE-8/invlpg-guest-physical-too", "CACHE-3/never"},
       Moved().Invlpg(kGlaPage).Read(0x1234).Build(),
       Completes(0x9234)},
      {"cache-8-mov-cr3",
       "CACHE-8",
       {"CACHE-8/mov-cr3-ends-nothing"},
       GuestMoved().Give(GuestRegister::kCr3, 0x14000).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-mov-cr3-with-bit-63",
       "CACHE-8",
       {"CACHE-8/mov-cr3-ends-globals", "CACHE-3/never"},
       Pcids(0x67, 0x67)
           .Give(GuestRegister::kCr3, std::uint64_t{1} << 63 | 0x14001)
           .Read(kGla)
           .Build(),
       Reaches(0x20234, 4)},
      {"cache-8-mov-cr4",
       "CACHE-8",
       {"CACHE-8/mov-cr-ends-nothing"},
       GuestMoved().Give(GuestRegister::kCr4, 0x20a0).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-mov-cr3-upper-levels",
       "CACHE-8",
       {"CACHE-8/mov-cr3-leaves-upper-levels"},
       GuestUnlinked()
           .Give(GuestRegister::kCr3, 0x14000)
           .Read(kNextGla)
           .Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-8-mov-cr3-the-new-pcid",
       "CACHE-8",
       {"CACHE-8/mov-cr3-ends-the-old-pcid"},
       Pcids(0x67, 0x67)
           .EnterWith(kFieldCr3, 0x14002)
           .Give(GuestRegister::kCr3, 0x14001)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-mov-cr3-with-pcids",
       "CACHE-8",
       {"CACHE-8/mov-cr3-ends-nothing-with-pcids"},
       Pcids(0x67, 0x67).Give(GuestRegister::kCr3, 0x14001).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      // CR4.PGE is 0 for a moment.
      {"cache-8-mov-cr4-a-global-page",
       "CACHE-8",
       {"CACHE-8/mov-cr-leaves-globals"},
       GlobalMoved()
           .Give(GuestRegister::kCr4, 0x2020)
           .Give(GuestRegister::kCr4, 0x20a0)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invpcid",
       "CACHE-8",
       {"CACHE-8/invpcid-ends-nothing"},
       Invpcid(GuestMoved(), 1, 0, 0).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invpcid-a-part-of-a-large-page",
       "CACHE-8",
       {"CACHE-8/invpcid-one-part-of-a-large-page"},
       Invpcid(LargeUnmapped(), 0, 0, kLargeGla).Read(kPartGla).Build(),
       PageFault(0, kPartGla),
       Reaches(0x20234, 3)},
      {"cache-8-invpcid-another-pcid",
       "CACHE-8",
       {"CACHE-8/invpcid-ends-the-current-pcid"},
       Invpcid(Pcids(0x67, 0x67).EnterWith(kFieldCr3, 0x14002), 1, 1, 0)
           .EnterWith(kFieldCr3, 0x14001)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-8-invpcid-a-global-page",
       "CACHE-8",
       {"CACHE-8/invpcid-leaves-globals"},
       Invpcid(GlobalMoved(), 2, 0, 0).Read(kGla).Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      // By the paging mode it is not, but by 57 bits.
      {"cache-8-invpcid-canonical-by-57-bits",
       "CACHE-8",
       {},
       Invpcid(Guest4(), 0, 0, 0x00ff'0000'0000'0000).Build(),
       GeneralProtection()},
      {"cache-12-the-next-try",
       "CACHE-12",
       {"CACHE-12/ends-nothing", "CACHE-12/of-fetches-ends-nothing"},
       Guest4()
           .GuestPte(0x8000'0000'0001'0065)
           .Read(kGla)
           .Store(kGuestPte, 0x8000'0000'0001'0067)
           .Fetch(kGla)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4),
       PageFault(3)},
      {"cache-12-a-part-of-a-large-page",
       "CACHE-12",
       {"CACHE-12/ends-nothing", "CACHE-12/one-part-of-a-large-page"},
       Guest4()
           .Vpid(5)
           .GuestPde(0xe7)
           .Read(0x5555'5541'0234)
           .Store(kGuestPde, 0)
           .Read(0x5555'5540'0234)
           .Read(0x5555'5541'0234)
           .Build(),
       PageFault(0, 0x5555'5541'0234),
       Reaches(0x20234, 3)},
      // The write faults by either page table.
      {"cache-12-upper-levels",
       "CACHE-12",
       {"CACHE-12/leaves-upper-levels"},
       Guest4()
           .Vpid(5)
           .Word(kGuestPte + 8, 0x16065)
           .Read(kGla)
           .Store(kGuestPde, 0x17027)
           .Write(kNextGla)
           .Read(kNextGla)
           .Build(),
       PageFault(0, kNextGla),
       Reaches(0x26234, 4)},
      {"cache-12-a-global-page",
       "CACHE-12",
       {"CACHE-12/leaves-globals"},
       Guest4()
           .Cr4(0x80)
           .GuestPte(0x8000'0000'0001'0165)
           .Read(kGla)
           .Store(kGuestPte, 0x8000'0000'0001'0167)
           .Fetch(kGla)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4),
       PageFault(3)},
      {"cache-11-without-vpid",
       "CACHE-11",
       {"CACHE-11/transition-ends-nothing"},
       GuestReads(Guest4())
           .Store(kGuestPte, 0x16067)
           .EnterWith(kFieldVpid, 0)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-11-an-eptp-switch",
       "CACHE-11",
       {"CACHE-11/switch-ends-nothing"},
       GuestReads(Guest4().EptpSwitching().Word(0x7000, kEptp))
           .Store(kGuestPte, 0x16067)
           .Switch(0)
           .Read(kGla)
           .Build(),
       Reaches(0x26234, 4),
       Reaches(0x20234, 4)},
      {"cache-11-with-vpid",
       "CACHE-11",
       {"CACHE-11/transition-always-ends", "CACHE-3/never"},
       GuestMoved().EnterWith(kFieldVpid, 5).Read(kGla).Build(),
       Reaches(0x20234, 4)},
  };
}

}  // namespace

std::vector<NamedCase> CacheWitnesses() {
  std::vector<NamedCase> cases;
  for (const auto family :
       {UseCases, NothingKeptCases, TagCases, ViolationCases, InveptCases,
        InvvpidCases, GuestCases}) {
    const std::vector<NamedCase> more = family();
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
