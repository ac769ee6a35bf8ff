// Cases in which rules meet that other witnesses show one by one: flags and log
// over two pages, verification beside other reasons, what the SDM leaves open
// or undefined. Of several permitted answers the engine's is given.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit48 = std::uint64_t{1} << 48;
constexpr std::uint64_t kBit57 = std::uint64_t{1} << 57;
constexpr std::uint64_t kBit60 = std::uint64_t{1} << 60;
constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;
constexpr std::uint64_t kPks = 1 << 24;

void NmiUnblocking(Case& c) { c.guest.nmi_unblocking = true; }
void BlockingByNmi(SavedState& saved) { saved.interruptibility = 8; }
// NMI exiting without virtual NMIs: bit 12 of a qualification is undefined.
void NmiExiting(Case& c) { c.controls.pin_based = 8; }
void PreTranslation(Step& step) { step.page.gla_valid = false; }
void Asynchronous(Step& step) { step.access.asynchronous = true; }

// The accessed flags of the EPT table entries get set.
Answer Accessed(Answer answer) {
  return answer.Writes(0x1000, 0x2107)
      .Writes(0x2000, 0x3107)
      .Writes(0x3000, 0x4107);
}

// 8 bytes from 1FFCH on; the second page is at A000H.
CaseBuilder TwoPages() { return Walk4().AccessedDirty().Word(0x4010, 0xa037); }

std::vector<NamedCase> TwoPageCases() {
  const Answer completes = Accessed(Completes(0x9ffc).And(0xa000));
  const Answer dirtied =
      Answer(completes).Writes(0x4008, 0x9337).Writes(0x4010, 0xa337);
  return {
      {"ad-1-two-pages-read",
       "AD-1",
       {"AD-1/never", "AD-2/reads-too"},
       TwoPages().Read(0x1ffc, 8).Build(),
       Answer(completes).Writes(0x4008, 0x9137).Writes(0x4010, 0xa137)},
      {"ad-2-two-pages-write",
       "AD-2",
       {"AD-2/never"},
       TwoPages().Write(0x1ffc, 8).Build(),
       dirtied},
      // Two entries, in the order in which the pages are looked at.
      {"pml-2-two-pages",
       "PML-2",
       {"PML-2/index-kept"},
       TwoPages().Pml(5).Write(0x1ffc, 8).Build(),
       Answer(dirtied)
           .Writes(0x8028, 0x1000)
           .Writes(0x8020, 0x2000)
           .PmlIndex(3)},
      {"pml-2-linear-two-pages",
       "PML-2",
       {"AD-3/never"},
       Guest4()
           .AccessedDirty()
           .Pml(7)
           .Word(0x21ab0, 0x16067)
           .Write(kGlaPage | 0xffc, 8)
           .Build(),
       Accessed(Reaches(0x20ffc, 4).And(0x26000))
           .Writes(0x40a0, 0x24337)
           .Writes(0x4098, 0x23337)
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20337)
           .Writes(0x40b0, 0x26337)
           .Writes(0x8038, 0x14000)
           .Writes(0x8030, 0x13000)
           .Writes(0x8028, 0x12000)
           .Writes(0x8020, 0x11000)
           .Writes(0x8018, 0x10000)
           .Writes(0x8010, 0x16000)
           .PmlIndex(1)},
      {"pml-1-two-pages",
       "PML-1",
       {"PML-1/off"},
       TwoPages().Pml(512).Write(0x1ffc, 8).Build(),
       LogFull()},
      // Whichever page comes first fills the log.
      {"pml-1-two-pages-fill-the-log",
       "PML-1",
       {"PML-1/off"},
       TwoPages().Pml(0).Write(0x1ffc, 8).Build(),
       Accessed(LogFull())
           .Writes(0x4008, 0x9337)
           .Writes(0x8000, 0x1000)
           .PmlIndex(0xffff)},
      {"vio-14-both-pages-read-only",
       "VIO-14",
       {},
       Walk4().Pte(0x9035).Word(0x4010, 0xa035).Write(0x1ffc, 8).Build(),
       Violation(0x5aa, 0x1ffc)},
      {"vio-14-linear-first-page-absent",
       "VIO-14",
       {},
       Guest4()
           .GuestPte(0x10066)
           .Word(0x21ab0, 0x16067)
           .Read(kGlaPage | 0xffc, 8)
           .Build(),
       PageFault(0, kGlaPage | 0xffc)},
  };
}

// A violation of an access that could have set accessed flags.
std::vector<NamedCase> RefusedWithLogCases() {
  return {
      {"ad-6-log-has-room",
       "AD-6",
       {"AD-6/always"},
       Walk4().AccessedDirty().Pml(5).Pte(0x9035).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      // The flags come first, and the log is full.
      {"pml-1-instead-of-a-violation",
       "PML-1",
       {"AD-6/never"},
       Walk4().AccessedDirty().Pml(512).Pte(0x9035).Write(0x1234).Build(),
       LogFull()},
  };
}

// The final page asks for verification, and the guest's tables have none.
CaseBuilder Unverified(std::uint64_t pte) {
  return Guest4().PagingWrite().Verification().Pte(kBit57 | pte);
}

std::vector<NamedCase> VerificationCases() {
  return {
      {"vio-13-with-flags",
       "VIO-13",
       {"VIO-13/off"},
       Unverified(0x20037).AccessedDirty().Read(kGla).Build(),
       Accessed(Violation(0x87b9, 0x10234))
           .Writes(0x40a0, 0x24337)
           .Writes(0x4098, 0x23337)
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)},
      // Either may be given as the reason: bit 15 is undefined.
      {"vio-13-read-only-page",
       "VIO-13",
       {},
       Unverified(0x20035).Write(kGla).Build(),
       Violation(0x7aa, 0x10234)},
      {"vio-13-sub-page-allows",
       "VIO-13",
       {"VIO-13/off"},
       Unverified(kBit61 | 0x20035).SubPage().Vector(0x100).Write(kGla).Build(),
       Violation(0x87aa, 0x10234)},
      {"vio-13-sub-page-refuses",
       "VIO-13",
       {},
       Unverified(kBit61 | 0x20035).SubPage().Vector(0).Write(kGla).Build(),
       Violation(0x7aa, 0x10234)},
      {"vio-13-sub-page-miss",
       "VIO-13",
       {},
       Unverified(kBit61 | 0x20035).SubPage().SppL2(0).Write(kGla).Build(),
       Violation(0x87aa, 0x10234)},
  };
}

// Guest paging structures where 4-level EPT does not reach. Bits 0 and 7.
std::vector<NamedCase> WideGuestCases() {
  const auto wide_root = [](Case& c) { c.guest.cr3 |= kBit48; };
  return {
      {"walk-2-guest-root",
       "WALK-2",
       {"WALK-2/off"},
       Guest4().N(52).With(wide_root).Read(kGla).Build(),
       Violation(0x81, kBit48 | 0x14550).At(kGla)},
      {"walk-2-guest-root-with-verification",
       "WALK-2",
       {"WALK-2/off"},
       Unverified(0x20037).N(52).With(wide_root).Read(kGla).Build(),
       Violation(0x81, kBit48 | 0x14550).At(kGla)},
      {"walk-2-pdpte-register",
       "WALK-2",
       {"WALK-2/off"},
       GuestPae()
           .N(52)
           .With([](Case& c) { c.guest.pdpte[1] |= kBit48; })
           .Read(kGla32)
           .Build(),
       Violation(0x81, kBit48 | 0x12550).At(kGla32)},
  };
}

// One guest entry is PML4E and PDPTE: its accessed flag is set once.
Case EntryOfTwoLevels() {
  constexpr std::uint64_t kSelfGla = std::uint64_t{0xaa} << 39 |
                                     std::uint64_t{0xaa} << 30 | 0x155 << 21 |
                                     0x155 << 12 | 0x234;
  return Guest4()
      .GuestPml4e(0x14007)
      .Word(0x24aa8, 0x11027)
      .Read(kSelfGla)
      .Build();
}

std::vector<NamedCase> GuestFlagCases() {
  return {
      {"gw-12-entry-of-two-levels",
       "GW-12",
       {"GW-12/never-accessed"},
       EntryOfTwoLevels(),
       Reaches(0x20234, 4).Writes(0x24550, 0x14027)},
      // Three updates that EPT refuses; the first is the exit.
      {"gw-20-three-refused-updates",
       "GW-20",
       {},
       Guest4()
           .EptPte(0x14000, 0x24035)
           .EptPte(0x13000, 0x23035)
           .EptPte(0x12000, 0x22035)
           .GuestPml4e(0x13007)
           .GuestPdpte(0x12007)
           .GuestPde(0x11007)
           .Read(kGla)
           .Build(),
       Violation(0xab, 0x14550).At(kGla)},
  };
}

// Two read-only pages, CR0.WP = 0, on a processor with CET: whether it sets D
// where R/W is 0 is open, for either page.
CaseBuilder ReadOnlyPages() {
  return Guest4().With([](Case& c) {
    c.guest.cr0 = 0x80000001;
    c.processor.cet_ss = true;
  });
}

std::vector<NamedCase> OpenDirtyCases() {
  return {
      {"gw-12-two-pages-first-open",
       "GW-12",
       {},
       ReadOnlyPages()
           .GuestPte(0x10025)
           .Word(0x21ab0, 0x16067)
           .Write(kGlaPage | 0xffc, 8)
           .Build(),
       Reaches(0x20ffc, 4).And(0x26000).Writes(0x21aa8, 0x10065)},
      {"gw-12-two-pages-second-open",
       "GW-12",
       {},
       ReadOnlyPages()
           .Word(0x21ab0, 0x16025)
           .Write(kGlaPage | 0xffc, 8)
           .Build(),
       Reaches(0x20ffc, 4).And(0x26000)},
  };
}

// A user-mode write to a supervisor page whose key disables writes. With CR0.WP
// = 0 the PK bit is undefined.
std::vector<NamedCase> KeyCases() {
  const CaseBuilder write =
      Guest4()
          .Cpl3()
          .Cr4(kPks)
          .With([](Case& c) { c.guest.pkrs = 8; })  // WD of key 1
          .GuestPte(std::uint64_t{1} << 59 | 0x10063)
          .Write(kGla);
  return {
      {"gw-18-key-is-open",
       "GW-18",
       {},
       CaseBuilder(write)
           .With([](Case& c) { c.guest.cr0 = 0x80000001; })
           .Build(),
       PageFault(7)},
      {"gw-18-key-with-write-protect",
       "GW-18",
       {"GW-18/key-never"},
       write.Build(),
       PageFault(0x27)},
  };
}

// A page with bit 60, which EPT lets supervisor shadow-stack accesses reach
// without bit 1. Whether SPP counts for these is open.
CaseBuilder ShadowStackPage(std::uint64_t pte) {
  return Walk4().SupervisorShadowStack().SubPage().Pte(kBit60 | pte);
}

std::vector<NamedCase> SubPageCases() {
  return {
      {"spp-1-supervisor-shadow-stack-write",
       "SPP-1",
       {},
       ShadowStackPage(kBit61 | 0x9035).ShadowStackWrite(0x1230).Build(),
       Completes(0x9230)},
      {"spp-1-supervisor-shadow-stack-sub-page",
       "SPP-1",
       {},
       ShadowStackPage(kBit61 | 0x9035)
           .Vector(0x100)
           .ShadowStackWrite(0x1230)
           .Build(),
       Completes(0x9230)},
      {"spp-1-supervisor-shadow-stack-read",
       "SPP-1",
       {},
       ShadowStackPage(kBit61 | 0x9035).ShadowStackRead(0x1230).Build(),
       Completes(0x9230)},
      {"spp-1-supervisor-shadow-stack-writable",
       "SPP-1",
       {},
       ShadowStackPage(kBit61 | 0x9037).ShadowStackWrite(0x1230).Build(),
       Completes(0x9230)},
      {"spp-1-shadow-stack-write",
       "SPP-1",
       {},
       Walk4()
           .SubPage()
           .Pte(kBit61 | 0x9035)
           .Vector(0x100)
           .ShadowStackWrite(0x1230)
           .Build(),
       Completes(0x9230)},
      {"spp-1-pre-translation",
       "SPP-1",
       {},
       Walk4()
           .SubPage()
           .TraceOutput()
           .Pte(kBit61 | 0x9035)
           .Vector(0x100)
           .Write(0x1234)
           .But(PreTranslation)
           .Build(),
       Completes(0x9234)},
  };
}

// What the SDM does not define.
std::vector<NamedCase> UndefinedCases() {
  return {
      {"qual-12-nmi-exiting",
       "QUAL-12",
       {},
       Walk4().Pte(0).With(NmiUnblocking).With(NmiExiting).Read(0x1234).Build(),
       Violation(0x581, 0x1234).Saves(BlockingByNmi)},
      {"ve-5-intercepted-with-nmi-exiting",
       "VE-5",
       {},
       Walk4()
           .Ve()
           .With(NmiUnblocking)
           .With(NmiExiting)
           .With([](Case& c) { c.controls.exception_bitmap = 1 << 20; })
           .Pte(0)
           .Read(0x1234)
           .Build(),
       InterceptedVe(0x8000'0314)
           .Writes(0x6000, 0xffff'ffff'0000'0030)
           .Writes(0x6008, 0x581)
           .Writes(0x6010, kGlaPage | 0x234)
           .Writes(0x6018, 0x1234)
           .Saves(BlockingByNmi)},
      {"qual-14-not-present",
       "QUAL-14",
       {},
       Walk4().SupervisorShadowStack().Pte(0).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"qual-16-table-of-asynchronous-access",
       "QUAL-16",
       {},
       Guest4().EptPte(0x11000, 0).Read(kGla).But(Asynchronous).Build(),
       Violation(0x81, 0x11aa8).At(kGla)},
      // Asynchronous as it is, also where nobody says so.
      {"qual-16-pre-translation",
       "QUAL-16",
       {"QUAL-16/never"},
       Walk4().TraceOutput().Pte(0).Write(0x1234).But(PreTranslation).Build(),
       Violation(0x10002, 0x1234)},
  };
}

// Memory types that a PAT entry cannot have: PA1 is 2. The type is undefined,
// of the page or of the accesses to the PT that a PDE with PWT references.
CaseBuilder ReservedPat(CaseBuilder builder) {
  return builder.With([](Case& c) { c.guest.pat = 0x0007'0406'0007'0206; });
}

// 8 bytes from 1FFFFCH of a 2-MByte region on, through PDEs 0AAH and 0ABH.
CaseBuilder TwoPageTables(std::uint64_t second_pde) {
  constexpr std::uint64_t kStart = kGlaPage | 0x1ffffc;
  return ReservedPat(Guest4())
      .Word(0x22558, second_pde)
      .Word(0x21000, 0x16067)
      .Read(kStart, 8);
}

std::vector<NamedCase> ReservedPatCases() {
  const Answer reaches = Reaches(0x20ffc, 4).And(0x26000);
  return {
      {"mt-2-reserved-pat-entry",
       "MT-2",
       {},
       ReservedPat(Walk4())
           .Read(0x1234)
           .But([](Step& step) { step.page.pat_index = 1; })
           .Build(),
       Completes(0x9234)},
      {"mt-2-reserved-pat-entry-3",
       "MT-2",
       {},
       Walk4().With([](Case& c) { c.guest.pat = 3; }).Read(0x1234).Build(),
       Completes(0x9234)},
      {"mt-2-first-table-by-reserved-pat-entry",
       "MT-2",
       {},
       TwoPageTables(0x11027).GuestPde(0x1102f).Build(),
       reaches},
      {"mt-2-second-table-by-reserved-pat-entry",
       "MT-2",
       {},
       TwoPageTables(0x1102f).Build(),
       reaches},
  };
}

std::vector<NamedCase> ControlCases() {
  return {
      // None of them counts.
      {"ctl-1-secondary-controls-off",
       "CTL-1",
       {},
       Walk4()
           .Mbec()
           .SubPage()
           .With([](Case& c) {
             c.controls.primary = 0;
             c.controls.secondary &= ~2u;
           })
           .Build(),
       Happens()},
      {"ctl-3-bit-0",
       "CTL-3",
       {"CTL-3/off"},
       Walk4().Hlat().With([](Case& c) { c.controls.hlatp = 0x1001; }).Build(),
       EntryFails(EntryCheck::kCtl3)},
      // What is 1 is supported.
      {"ctl-4-switch-with-ve-control",
       "CTL-4",
       {"CTL-4/index-kept"},
       Walk4()
           .Ve()
           .EptpSwitching()
           .With([](Case& c) { c.processor.ept_violation_ve = false; })
           .Word(0x7008, 0x1c01e)
           .Switch(1)
           .Build(),
       Happens().Eptp(0x1c01e, 1)},
      // The same tables, now with accessed and dirty flags.
      {"ctl-4-linear-access-after-switch",
       "CTL-4",
       {},
       Guest4()
           .EptpSwitching()
           .Word(0x7008, 0x105e)
           .Read(kGla)
           .Switch(1)
           .Fetch(kGla)
           .Build(),
       Accessed(Reaches(0x20234, 4))
           .Writes(0x40a0, 0x24337)
           .Writes(0x4098, 0x23337)
           .Writes(0x4090, 0x22337)
           .Writes(0x4088, 0x21337)
           .Writes(0x4080, 0x20137)
           .Eptp(0x105e, 1)},
      {"cfg-4-execute-only",
       "CFG-4",
       {},
       Walk4().PagingWrite().Pte(0x9034).Fetch(0x1234).Build(),
       Completes(0x9234)},
  };
}

}  // namespace

std::vector<NamedCase> CombinedWitnesses() {
  std::vector<NamedCase> cases = TwoPageCases();
  for (auto more :
       {RefusedWithLogCases(), VerificationCases(), WideGuestCases(),
        GuestFlagCases(), OpenDirtyCases(), KeyCases(), SubPageCases(),
        UndefinedCases(), ReservedPatCases(), ControlCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
