// Cases of SPP. Address 1234H lies in sub-page 4, whose bit of a vector is 8.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit46 = std::uint64_t{1} << 46;
constexpr std::uint64_t kBit51 = std::uint64_t{1} << 51;
constexpr std::uint64_t kBit52 = std::uint64_t{1} << 52;
constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;
constexpr std::uint64_t kAll = 0x5555'5555'5555'5555;

// A page that only sub-page permissions let be written.
CaseBuilder SubPages() { return Walk4().SubPage().Pte(kBit61 | 0x9035); }

std::vector<NamedCase> EligibilityCases() {
  return {
      {"spp-1-allowed",
       "SPP-1",
       {"SPP-1/never", "SPP-7/inverted"},
       SubPages().Vector(0x100).Write(0x1234).Build(),
       Completes(0x9234)},
      // Whether SPP counts for these is the processor's to choose (29.3.4.1).
      {"spp-1-asynchronous",
       "SPP-1",
       {},
       SubPages()
           .Vector(0x100)
           .Write(0x1234)
           .But([](Step& step) { step.access.asynchronous = true; })
           .Build(),
       Completes(0x9234)},
      {"spp-1-page-not-readable",
       "SPP-1",
       {"SPP-1/readable-pages-only"},
       SubPages().Pte(kBit61 | 0x9034).Vector(0x100).Write(0x1234).Build(),
       Completes(0x9234)},
      {"spp-1-two-pages",
       "SPP-1",
       {},
       SubPages()
           .Vector(std::uint64_t{1} << 62)
           .Word(0x4010, 0xa037)
           .Write(0x1ffc, 8)
           .Build(),
       Completes(0x9ffc).And(0xa000)},
      {"spp-1-bit-61-clear",
       "SPP-1",
       {"SPP-1/without-bit-61"},
       SubPages().Pte(0x9035).Vector(kAll).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"spp-1-control-off",
       "SPP-1",
       {"SPP-1/without-control"},
       Walk4().Pte(kBit61 | 0x9035).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"spp-1-large-page",
       "SPP-1",
       {"SPP-1/large-pages-too"},
       SubPages().Pde(kBit61 | 0xa0'00b5).Vector(kAll).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"spp-1-read-only-table",
       "SPP-1",
       {"SPP-1/table-entries-must-allow"},
       SubPages()
           .Pde(0x4005)
           .Pte(kBit61 | 0x9037)
           .Vector(0x100)
           .Write(0x1234)
           .Build(),
       Completes(0x9234)},
      {"spp-2-structure-update",
       "SPP-2",
       {"SPP-2/off", "SPP-2/structure-updates-eligible"},
       SubPages().Vector(kAll).StructureUpdate(0x1008).Build(),
       Violation(0xaa, 0x1008).At(kGlaPage)},
      {"spp-2-structure-read",
       "SPP-2",
       {"SPP-2/off"},
       SubPages().AccessedDirty().Vector(kAll).StructureRead(0x1008).Build(),
       Violation(0xab, 0x1008).At(kGlaPage)},
      {"spp-2-transaction",
       "SPP-2",
       {"SPP-2/off", "SPP-2/transactions-eligible"},
       SubPages()
           .Vector(kAll)
           .With([](Case& c) { c.guest.transactional = true; })
           .Write(0x1234)
           .Build(),
       Violation(0x5aa, 0x1234)},
      {"spp-2-pebs",
       "SPP-2",
       {"SPP-2/off", "SPP-2/pebs-eligible"},
       SubPages().Pebs().Vector(kAll).PebsWrite(0x1238).Build(),
       Violation(0x1002a, 0x1238)},
  };
}

std::vector<NamedCase> LookupCases() {
  return {
      // Indices 1, 2, 3 and 4; sub-page 15H, bit 42.
      {"spp-3-indices",
       "SPP-3",
       {"SPP-3/one-level-up", "SPP-3/bit-s", "SPP-3/odd-bit"},
       SubPages()
           .Word(0xa008, 0xb001)
           .Word(0xb010, 0xc001)
           .Word(0xc018, 0xd001)
           .Word(0xd020, std::uint64_t{1} << 42)
           .Write(0x0000'0080'8060'4abc)
           .Build(),
       Completes(0x9abc)},
      {"spp-3-index-511",
       "SPP-3",
       {"SPP-3/eight-bits"},
       SubPages().Word(0xdff8, 0x100).Write(0x1f'f234).Build(),
       Completes(0x9234)},
      {"spp-3-odd-sub-page",
       "SPP-3",
       {"SPP-3/256-byte-sub-pages"},
       SubPages().Vector(0x400).Write(0x12b4).Build(),
       Completes(0x92b4)},
      {"spp-3-five-levels",
       "SPP-3",
       {"SPP-3/one-level-up"},
       Walk5()
           .N(52)
           .SubPage()
           .Pte(kBit61 | 0x9035)
           .Vector(0x100)
           .Write(0x0001'0000'0000'1234)
           .Build(),
       Completes(0x9234)},
      {"spp-4-invalid-l4",
       "SPP-4",
       {"SPP-4/off"},
       SubPages().SppL4(0).Write(0x1234).Build(),
       SppEvent(0x800, 0x1234)},
      {"spp-4-invalid-l3-with-address",
       "SPP-4",
       {"SPP-4/off", "SPP-4/not-zero"},
       SubPages().SppL3(0xc000).Write(0x1234).Build(),
       SppEvent(0x800, 0x1234)},
      {"spp-4-vector-0",
       "SPP-4",
       {"SPP-4/zero-vector"},
       SubPages().Vector(0).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
      {"spp-5-bit-1",
       "SPP-5",
       {"SPP-5/entry-off", "SPP-5/high-bits-only"},
       SubPages().SppL2(0xd003).Vector(kAll).Write(0x1234).Build(),
       SppEvent(0, 0x1234)},
      {"spp-5-bit-n",
       "SPP-5",
       {"SPP-5/entry-off", "SPP-5/bits-11-1-only"},
       SubPages().SppL3(kBit46 | 0xc001).Write(0x1234).Build(),
       SppEvent(0, 0x1234)},
      {"spp-5-bit-52",
       "SPP-5",
       {"SPP-5/bits-51-n"},
       SubPages().SppL4(kBit52 | 0xb001).Write(0x1234).Build(),
       SppEvent(0, 0x1234)},
      {"spp-5-key-identifier",
       "SPP-5",
       {"SPP-5/entry-off", "SPP-5/key-identifiers-too", "SPP-5/bits-11-1-only"},
       SubPages().Keyids(6).SppL4(0x0200'0000'b001).Write(0x1234).Build(),
       SppEvent(0, 0x1234)},
      {"spp-5-vector-bit-63",
       "SPP-5",
       {"SPP-5/vector-off", "SPP-5/addressed-sub-page-only"},
       SubPages().Vector(0x8000'0000'0000'0100).Write(0x1234).Build(),
       SppEvent(0, 0x1234)},
      {"spp-8-table-of-52-bits",
       "SPP-8",
       {"SPP-8/table-47-bits", "SPP-8/table-32-bits"},
       SubPages()
           .N(52)
           .SppL2(kBit51 | 0xd001)
           .Word(kBit51 | 0xd008, 0x100)
           .Write(0x1234)
           .Build(),
       Completes(0x9234)},
  };
}

std::vector<NamedCase> VectorCases() {
  return {
      // Bytes 27CH to 283H lie in sub-pages 4 and 5.
      {"spp-6-second-sub-page-refused",
       "SPP-6",
       {"SPP-6/first-byte-only"},
       SubPages().Vector(0x100).Write(0x127c, 8).Build(),
       Violation(0x5aa, 0x127c)},
      {"spp-6-both-sub-pages-allowed",
       "SPP-6",
       {},
       SubPages().Vector(0x500).Write(0x127c, 8).Build(),
       Completes(0x927c)},
      // Sub-pages 4 to 6, then a whole page. Whether SPP counts for more than
      // 64
      // bytes is the processor's to choose (29.3.4.1); where one sub-page
      // refuses, it does not help.
      {"spp-6-third-sub-page-refused",
       "SPP-6",
       {"SPP-6/first-byte-only", "SPP-6/two-sub-pages-at-most"},
       SubPages().Vector(0x500).Write(0x1270, 270).Build(),
       Violation(0x5aa, 0x1270),
       Completes(0x9270)},
      {"spp-6-three-sub-pages-allowed",
       "SPP-6",
       {},
       SubPages().Vector(0x1500).Write(0x1270, 270).Build(),
       Completes(0x9270)},
      {"spp-6-one-of-32-refused",
       "SPP-6",
       {"SPP-6/first-byte-only", "SPP-6/two-sub-pages-at-most"},
       SubPages().Vector(kAll & ~0x4'0000ull).Write(0x1000, 4096).Build(),
       Violation(0x5aa, 0x1000),
       Completes(0x9000)},
      {"spp-6-all-of-32-allowed",
       "SPP-6",
       {},
       SubPages().Vector(kAll).Write(0x1000, 4096).Build(),
       Completes(0x9000)},
      {"spp-7-refused",
       "SPP-7",
       {"SPP-7/off", "SPP-7/inverted"},
       SubPages().Vector(0x400).Write(0x1234).Build(),
       Violation(0x5aa, 0x1234)},
  };
}

}  // namespace

std::vector<NamedCase> SubPageWitnesses() {
  std::vector<NamedCase> cases = EligibilityCases();
  for (auto more : {LookupCases(), VectorCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
