// Cases of GW-12 and GW-20: the accessed and dirty flags of guest entries, and
// when they are set.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

// Of an EPT PTE that allows reads and fetches alone, and of the violation of a
// guest entry's update that it refuses (bits 0 and 1 of the qualification: a
// data write; that it is also a read is open).
constexpr std::uint64_t kReadOnlyPt = 0x21035;
constexpr std::uint64_t kReadOnlyPd = 0x22035;
constexpr std::uint64_t kRefusedUpdate = 0xaa;

// No flag is set in any guest entry.
CaseBuilder Clean(CaseBuilder builder) {
  return builder.GuestPml5e(0x14007)
      .GuestPml4e(0x13007)
      .GuestPdpte(0x12007)
      .GuestPde(0x11007)
      .GuestPte(0x10007);
}

// Guest paging over 5-level EPT.
CaseBuilder Over5(GuestPaging paging) { return Walk5().Guest(paging); }

// Those of the entries above the PTE are.
Answer TableFlags(Answer answer) {
  return answer.Writes(0x22550, 0x11027)
      .Writes(0x23aa8, 0x12027)
      .Writes(0x24550, 0x13027);
}

std::vector<NamedCase> FlagCases() {
  return {
      {"gw-12-read",
       "GW-12",
       {"GW-12/never-accessed", "GW-12/accessed-in-pages-only",
        "GW-12/accessed-in-tables-only", "GW-12/accessed-at-bit-8",
        "GW-12/reads-dirty"},
       Clean(Guest4()).Read(kGla).Build(),
       TableFlags(Reaches(0x20234, 4)).Writes(0x21aa8, 0x10027)},
      {"gw-12-fetch",
       "GW-12",
       {"GW-12/never-accessed", "GW-12/reads-dirty"},
       Clean(Guest4()).Fetch(kGla).Build(),
       TableFlags(Reaches(0x20234, 4)).Writes(0x21aa8, 0x10027)},
      {"gw-12-write",
       "GW-12",
       {"GW-12/never-dirty", "GW-12/dirty-at-bit-9", "GW-12/never-accessed"},
       Clean(Guest4()).Write(kGla).Build(),
       TableFlags(Reaches(0x20234, 4)).Writes(0x21aa8, 0x10067)},
      {"gw-12-read-modify-write",
       "GW-12",
       {"GW-12/never-dirty"},
       Clean(Guest4()).ReadModifyWrite(kGla).Build(),
       TableFlags(Reaches(0x20234, 4)).Writes(0x21aa8, 0x10067)},
      {"gw-12-5-level-write",
       "GW-12",
       {"GW-12/never-accessed", "GW-12/accessed-in-pages-only",
        "GW-12/never-dirty"},
       Clean(Guest5()).Write(kGla).Build(),
       TableFlags(Reaches(0x20234, 5))
           .Writes(0x21aa8, 0x10067)
           .Writes(0x25000, 0x14027)},
      {"gw-12-not-present",
       "GW-12",
       {"GW-12/in-entries-not-present"},
       Guest4().GuestPte(0x10006).Read(kGla).Build(),
       PageFault(0)},
      // The PDPTE registers have no flags.
      {"gw-12-pae-write",
       "GW-12",
       {"GW-12/never-accessed", "GW-12/never-dirty"},
       Clean(GuestPae()).Write(kGla32).Build(),
       Reaches(0x20234, 2).Writes(0x22550, 0x11027).Writes(0x21aa8, 0x10067)},
      // Each entry is the upper half of a word, which has another beside it.
      {"gw-12-32-bit-write",
       "GW-12",
       {"GW-12/never-accessed", "GW-12/accessed-at-bit-8", "GW-12/never-dirty",
        "GW-12/dirty-at-bit-9"},
       Guest32()
           .Word(0x22550, 0x0001'1007'dead'0007)
           .Word(0x21550, 0x0001'0007'beef'0007)
           .Write(kGla32)
           .Build(),
       Reaches(0x20234, 2)
           .Writes(0x22550, 0x0001'1027'dead'0007)
           .Writes(0x21550, 0x0001'0067'beef'0007)},
      {"gw-12-32-bit-ignored-page-size",
       "GW-12",
       {"GW-12/accessed-not-beside-ignored-page-size",
        "GW-12/accessed-in-pages-only"},
       Guest32()
           .With([](Case& c) { c.guest.cr4 = 0; })
           .Word(0x22550, 0x0001'1087'dead'0007)
           .Word(0x21550, 0x0001'0027'beef'0007)
           .Read(kGla32)
           .Build(),
       Reaches(0x20234, 2).Writes(0x22550, 0x0001'10a7'dead'0007)},
      {"gw-12-32-bit-read-of-lower-half",
       "GW-12",
       {"GW-12/accessed-in-pages-only", "GW-12/accessed-in-tables-only"},
       Guest32()
           .Word(0x22aa8, 0xdead'0007'0001'1007)
           .Word(0x21aa8, 0xbeef'0007'0001'0007)
           .Read(0xaaaa'a234)
           .Build(),
       Reaches(0x20234, 2)
           .Writes(0x22aa8, 0xdead'0007'0001'1027)
           .Writes(0x21aa8, 0xbeef'0007'0001'0027)},
      {"gw-12-4-mbyte-page",
       "GW-12",
       {"GW-12/accessed-in-tables-only", "GW-12/dirty-in-4-kbyte-pages-only"},
       Guest32()
           .GuestPde(0x40'0087)
           .Word(0x3010, 0x60'00b7)
           .Write(kGla32)
           .Build(),
       Reaches(0x75'5234, 1).Size(21).Writes(0x22550, 0x0040'00e7'0000'0000)},
      {"gw-12-2-mbyte-page",
       "GW-12",
       {"GW-12/accessed-in-tables-only", "GW-12/dirty-in-4-kbyte-pages-only"},
       Guest4().GuestPde(0x20'0087).Word(0x3008, 0x40'00b7).Write(kGla).Build(),
       Reaches(0x55'5234, 3).Size(21).Writes(0x22550, 0x20'00e7)},
      {"gw-12-pae-2-mbyte-page",
       "GW-12",
       {"GW-12/dirty-in-4-kbyte-pages-only"},
       GuestPae()
           .GuestPde(0x20'0087)
           .Word(0x3008, 0x40'00b7)
           .Write(kGla32)
           .Build(),
       Reaches(0x55'5234, 1).Size(21).Writes(0x22550, 0x20'00e7)},
      {"gw-12-1-gbyte-page",
       "GW-12",
       {"GW-12/accessed-in-tables-only", "GW-12/dirty-in-4-kbyte-pages-only"},
       Guest5()
           .GuestPdpte(0x4000'0087)
           .Word(0x2008, 0x8000'00b7)
           .Write(kGla)
           .Build(),
       Reaches(0x9555'5234, 3).Size(30).Writes(0x23aa8, 0x4000'00e7)},
      {"gw-12-dirty-already",
       "GW-12",
       {"GW-12/accessed-at-bit-8", "GW-12/dirty-at-bit-9"},
       Guest4().Write(kGla).Build(),
       Reaches(0x20234, 4)},
      // A refused write sets no dirty flag.
      {"gw-12-read-only-page",
       "GW-12",
       {"GW-20/after-rights"},
       Guest4().GuestPte(0x10005).Write(kGla).Build(),
       PageFault(3).Writes(0x21aa8, 0x10025)},
  };
}

// A supervisor write to a read-only page, CR0.WP = 0.
std::vector<NamedCase> ReadOnlyCases() {
  const auto writes = [](const CaseBuilder& builder, bool cet) {
    return CaseBuilder(builder)
        .With([=](Case& c) {
          c.guest.cr0 = 0x80000001;  // PG, PE
          c.processor.cet_ss = cet;
        })
        .Write(kGla)
        .Build();
  };
  const Case with_cet =
      writes(Over5(GuestPaging::k4Level).GuestPte(0x10025), true);
  return {
      {"gw-12-write-protect-off",
       "GW-12",
       {"GW-12/read-only-pages-clean"},
       writes(Guest4().GuestPte(0x10025), false),
       Reaches(0x20234, 4).Writes(0x21aa8, 0x10065)},
      // A processor with CET never sets D where R/W is 0.
      {"gw-12-write-protect-off-with-cet",
       "GW-12",
       {"GW-12/read-only-pages-dirty"},
       with_cet,
       Reaches(0x20234, 4)},
      {"gw-12-write-protect-off-with-cet-dirty",
       "GW-12",
       {"GW-12/read-only-pages-clean"},
       with_cet,
       Reaches(0x20234, 4).Writes(0x21aa8, 0x10065)},
      // R/W is 0 further up.
      {"gw-12-write-protect-off-read-only-table",
       "GW-12",
       {"GW-12/never-dirty"},
       writes(Guest4().GuestPde(0x11025).GuestPte(0x10027), true),
       Reaches(0x20234, 4).Writes(0x21aa8, 0x10067)},
  };
}

std::vector<NamedCase> RefusedUpdateCases() {
  const Answer refused = Violation(kRefusedUpdate, 0x11aa8).At(kGla);
  return {
      {"gw-12-update-of-read-only-table",
       "GW-12",
       {"GW-12/never-accessed", "GW-12/accessed-in-tables-only",
        "VIO-8/update-is-no-write"},
       Over5(GuestPaging::k4Level)
           .EptPte(0x11000, kReadOnlyPt)
           .GuestPte(0x10007)
           .Read(kGla)
           .Build(),
       refused},
      {"gw-12-dirty-flag-in-read-only-table",
       "GW-12",
       {"GW-12/never-dirty"},
       Over5(GuestPaging::k4Level)
           .EptPte(0x11000, kReadOnlyPt)
           .GuestPte(0x10027)
           .Write(kGla)
           .Build(),
       refused},
      {"gw-12-32-bit-update-of-read-only-table",
       "GW-12",
       {"GW-12/never-accessed"},
       Over5(GuestPaging::k32Bit)
           .EptPte(0x12000, kReadOnlyPd)
           .GuestPde(0x11007)
           .Read(kGla32)
           .Build(),
       Violation(kRefusedUpdate, 0x12554).At(kGla32)},
      {"gw-12-pae-update-of-read-only-table",
       "GW-12",
       {"GW-12/never-dirty"},
       Over5(GuestPaging::kPae)
           .EptPte(0x11000, kReadOnlyPt)
           .GuestPte(0x10027)
           .Write(kGla32)
           .Build(),
       Violation(kRefusedUpdate, 0x11aa8).At(kGla32)},
      // No update, no write.
      {"gw-12-nothing-to-update",
       "GW-12",
       {"VIO-9/always-a-write"},
       Guest4()
           .EptPte(0x11000, kReadOnlyPt)
           .EptPte(0x12000, kReadOnlyPd)
           .Write(kGla)
           .Build(),
       Reaches(0x20234, 4)},
  };
}

// Accessed flags of entries used by an access that ends in a fault or exit.
std::vector<NamedCase> OrderCases() {
  const Case absent = Guest4().GuestPde(0x11007).GuestPte(0).Read(kGla).Build();
  const Case refused_above = Guest4()
                                 .EptPte(0x12000, kReadOnlyPd)
                                 .GuestPde(0x11007)
                                 .GuestPte(0)
                                 .Read(kGla)
                                 .Build();
  const Case no_rights = Clean(Guest4()).GuestPde(0x11005).Write(kGla).Build();
  const Case no_page = Clean(Guest4()).EptPte(0x10000, 0).Write(kGla).Build();
  const Case pae_absent =
      GuestPae().GuestPde(0x11007).GuestPte(0).Read(kGla32).Build();
  const Case absent_32_bit =
      Guest32().GuestPde(0x11007).GuestPte(0).Read(kGla32).Build();
  const Case absent_5_level =
      Guest5().GuestPml5e(0x14007).GuestPml4e(0).Read(kGla).Build();
  const Case final_exit = Over5(GuestPaging::k4Level)
                              .EptPte(0x11000, kReadOnlyPt)
                              .EptPte(0x10000, 0)
                              .GuestPte(0x10007)
                              .Read(kGla)
                              .Build();
  return {
      {"gw-20-flags-before-page-fault",
       "GW-20",
       {"GW-20/after-rights"},
       absent,
       PageFault(0).Writes(0x22550, 0x11027)},
      {"gw-20-page-fault-without-flags",
       "GW-20",
       {"GW-20/as-you-go"},
       absent,
       PageFault(0)},
      {"gw-20-pae-page-fault-without-flags",
       "GW-20",
       {"GW-20/as-you-go"},
       pae_absent,
       PageFault(0, kGla32)},
      {"gw-20-pae-flags-before-page-fault",
       "GW-20",
       {"GW-20/after-rights"},
       pae_absent,
       PageFault(0, kGla32).Writes(0x22550, 0x11027)},
      {"gw-20-32-bit-page-fault-without-flags",
       "GW-20",
       {"GW-20/as-you-go"},
       absent_32_bit,
       PageFault(0, kGla32)},
      {"gw-20-32-bit-flags-before-page-fault",
       "GW-20",
       {"GW-20/after-rights"},
       absent_32_bit,
       PageFault(0, kGla32).Writes(0x22550, 0x0001'1027'0000'0000)},
      {"gw-20-5-level-page-fault-without-flags",
       "GW-20",
       {"GW-20/as-you-go"},
       absent_5_level,
       PageFault(0)},
      {"gw-20-5-level-flags-before-page-fault",
       "GW-20",
       {"GW-20/after-rights"},
       absent_5_level,
       PageFault(0).Writes(0x25000, 0x14027)},
      {"gw-20-refused-update-before-page-fault",
       "GW-20",
       {"GW-20/after-rights"},
       refused_above,
       Violation(kRefusedUpdate, 0x12550).At(kGla)},
      {"gw-20-page-fault-before-refused-update",
       "GW-20",
       {"GW-20/as-you-go"},
       refused_above,
       PageFault(0)},
      {"gw-20-refused-update-before-final-exit",
       "GW-20",
       {},
       final_exit,
       Violation(kRefusedUpdate, 0x11aa8).At(kGla)},
      {"gw-20-final-exit-before-refused-update",
       "GW-20",
       {"GW-20/as-you-go", "GW-20/after-rights"},
       final_exit,
       Violation(0x781, 0x10234)},
      {"gw-20-no-rights-without-flags",
       "GW-20",
       {"GW-20/as-you-go"},
       no_rights,
       PageFault(3)},
      {"gw-20-no-rights-with-flags",
       "GW-20",
       {"GW-20/after-rights"},
       no_rights,
       PageFault(3)
           .Writes(0x24550, 0x13027)
           .Writes(0x23aa8, 0x12027)
           .Writes(0x22550, 0x11025)
           .Writes(0x21aa8, 0x10027)},
      // The guest's rights allow the write that EPT does not.
      {"gw-20-exit-with-flags",
       "GW-20",
       {"GW-12/never-dirty"},
       no_page,
       TableFlags(Violation(0x782, 0x10234)).Writes(0x21aa8, 0x10067)},
      {"gw-20-exit-without-flags",
       "GW-20",
       {"GW-20/as-you-go", "GW-20/after-rights"},
       no_page,
       Violation(0x782, 0x10234)},
  };
}

}  // namespace

std::vector<NamedCase> GuestFlagWitnesses() {
  std::vector<NamedCase> all = FlagCases();
  for (auto more : {ReadOnlyCases, RefusedUpdateCases, OrderCases}) {
    for (NamedCase& named : more()) all.push_back(std::move(named));
  }
  return all;
}

}  // namespace eptdiff
