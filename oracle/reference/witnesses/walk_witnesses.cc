// Cases of WALK.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit51 = std::uint64_t{1} << 51;
constexpr std::uint64_t kBit52 = std::uint64_t{1} << 52;
constexpr std::uint64_t kBit63 = std::uint64_t{1} << 63;

// What a read reports of an entry that is not present: bit 0; bits 7 and 8;
// bit 10, a read/write page.
constexpr std::uint64_t kReadNotPresent = 0x581;

std::vector<NamedCase> TranslationCases() {
  return {
      // Indices 1, 2, 3 and 4; offset ABCH.
      {"walk-1-indices",
       "WALK-1",
       {"WALK-1/one-bit-high", "WALK-1/one-bit-low", "WALK-1/ten-bits",
        "WALK-6/identity", "WALK-6/attributes-kept", "WALK-6/page-offset-lost"},
       Walk4()
           .Word(0x1008, 0x2007)
           .Word(0x2010, 0x3007)
           .Word(0x3018, 0x4007)
           .Word(0x4020, 0x9037)
           .Read(0x0000'0080'8060'4abc)
           .Build(),
       Completes(0x9abc)},
      {"walk-1-index-511",
       "WALK-1",
       {"WALK-1/eight-bits"},
       Walk4().Word(0x4ff8, 0x9037).Read(0x1f'fabc).Build(),
       Completes(0x9abc)},
      {"walk-1-pml5",
       "WALK-1",
       {"WALK-1/one-bit-high"},
       Walk5().N(52).Word(0x5050, 0x1007).Read(0x000a'0000'0000'1abc).Build(),
       Completes(0x9abc)},
      // What software stored before counts.
      {"walk-1-after-a-store",
       "WALK-1",
       {"WALK-1/one-bit-high"},
       Walk4().Pte(0).Store(0x4008, 0x9037).Read(0x1234).Build(),
       Completes(0x9234)},
      {"walk-2-bit-48",
       "WALK-2",
       {"WALK-2/off"},
       Walk4().N(52).Read(0x0001'0000'0000'1234).Build(),
       Violation(kReadNotPresent, 0x0001'0000'0000'1234)},
      // What wraps around at the end of the tables' space would get there.
      {"walk-2-the-second-page",
       "WALK-2",
       {"WALK-2/off"},
       Walk4()
           .N(52)
           .Read(0xffff'ffff'fffc, 8)
           .Word(0x1000, 0xb007)
           .Word(0xb000, 0xc007)
           .Word(0xc000, 0xd007)
           .Word(0xd000, 0xe037)
           .Build(),
       Violation(kReadNotPresent, 0x0001'0000'0000'0000).At(kGlaPage + 0x1000)},
      {"walk-2-bit-51",
       "WALK-2",
       {"WALK-2/off"},
       Walk4().N(52).Mbec().Fetch(0x0008'0000'0000'1234).Build(),
       Violation(0x584, 0x0008'0000'0000'1234)},
      {"walk-2-five-levels",
       "WALK-2",
       {"WALK-2/five-levels-too"},
       Walk5().N(52).Read(0x0001'0000'0000'1234).Build(),
       Completes(0x9234)},
      {"walk-2-bit-47",
       "WALK-2",
       {"WALK-2/bit-47-too"},
       Walk4().N(48).Read(0x8000'0000'1234).Build(),
       Completes(0x9234)},
      {"walk-2-beyond-width",
       "WALK-2",
       {"WALK-2/physical-address-width"},
       Walk4().Keyids(6).Read(0x0100'0000'1234).Build(),
       Completes(0x9234)},
      {"walk-5-a-second-page-of-2-mbytes",
       "WALK-5",
       {},
       Walk4().Read(0x1f'fffc, 8).Word(0x3008, 0x60'00b7).Build(),
       Completes(0x9ffc).And(0x60'0000).Size(21)},
      {"walk-5-a-second-page-of-4-kbytes",
       "WALK-5",
       {},
       Walk4()
           .Pde(0x60'00b7)
           .Read(0x1f'fffc, 8)
           .Word(0x3008, 0xb007)
           .Word(0xb000, 0xc037)
           .Build(),
       Completes(0x7f'fffc).Size(21).And(0xc000).Size(12)},
      {"walk-5-1-gbyte-page",
       "WALK-5",
       {"WALK-5/no-1-gbyte-pages", "WALK-6/offset-truncated",
        "WALK-6/2-mbyte-offset", "CFG-7/never-1-gbyte", "CFG-8/bits-30-12"},
       Walk4().Pdpte(0x4000'00b7).Read(0x1234'5678).Build(),
       Completes(0x5234'5678).Size(30)},
      {"walk-5-2-mbyte-page",
       "WALK-5",
       {"WALK-5/no-2-mbyte-pages", "WALK-6/offset-truncated",
        "CFG-9/bits-21-12"},
       Walk4().Pde(0xa0'00b7).Read(0x134'5678).Build(),
       Completes(0xb4'5678).Size(21)},
      // Bits 6:3 mean something in a leaf alone; they do not make one.
      {"walk-5-memory-type-without-bit-7-in-pde",
       "WALK-5",
       {"WALK-5/reserved-bits-too", "CFG-6/off", "CFG-6/bit-6-only",
        "CFG-6/pdpte-only"},
       Walk4().Pde(0xa0'0037).Read(0x1234).Build(),
       Misconfiguration(0x1234)},
      {"walk-5-ignore-pat-without-bit-7-in-pdpte",
       "WALK-5",
       {"WALK-5/reserved-bits-too", "CFG-6/off", "CFG-6/bits-5-3-only"},
       Walk4().Pdpte(0x4000'0047).Read(0x1234).Build(),
       Misconfiguration(0x1234)},
      {"walk-6-frame-of-52-bits",
       "WALK-6",
       {"WALK-6/frame-47-bits", "WALK-6/frame-32-bits", "WALK-6/frame-40-bits"},
       Walk4().N(52).Pte(kBit51 | 0x9037).Read(0x1234).Build(),
       Completes(kBit51 | 0x9234)},
      {"walk-9-table-of-52-bits",
       "WALK-9",
       {"WALK-9/table-47-bits", "WALK-9/table-32-bits", "WALK-9/table-40-bits"},
       Walk4()
           .N(52)
           .Pde(kBit51 | 0x4007)
           .Pte(0)
           .Word(kBit51 | 0x4008, 0x9037)
           .Read(0x1234)
           .Build(),
       Completes(0x9234)},
  };
}

std::vector<NamedCase> PresenceCases() {
  return {
      {"walk-3-execute-only",
       "WALK-3",
       {"WALK-3/bit-0", "CFG-2/always-refused", "WALK-3/bits-1-0"},
       Walk4().Pte(0x9034).Fetch(0x1234).Build(),
       Completes(0x9234)},
      // What lies below an entry that is not present is not looked at.
      {"walk-3-address-alone",
       "WALK-3",
       {"WALK-3/not-zero"},
       Walk4().Pde(0x4000).Pte(0x9002).Read(0x1234).Build(),
       Violation(kReadNotPresent, 0x1234)},
      {"walk-3-bit-10-without-mbec",
       "WALK-3",
       {"WALK-3/bit-10-too", "WALK-3/not-zero"},
       Walk4().Pde(0x4400).Pte(0x9002).Read(0x1234).Build(),
       Violation(kReadNotPresent, 0x1234)},
      {"walk-4-bit-10-alone",
       "WALK-4",
       {"WALK-4/bit-10-ignored", "WALK-4/bit-0", "CFG-3/always-refused"},
       Walk4().Mbec().Pte(0x9430).Fetch(0x1234).User().Build(),
       Completes(0x9234)},
      {"walk-4-supervisor-execute-alone",
       "WALK-4",
       {"WALK-4/bits-1-0-and-10"},
       Walk4().Mbec().Pte(0x9034).Fetch(0x1234).Build(),
       Completes(0x9234)},
      {"walk-4-not-present-with-reserved-bits",
       "WALK-4",
       {"WALK-4/not-zero"},
       Walk4().Mbec().Pte(0x9010).Read(0x1234).Build(),
       Violation(0x581, 0x1234)},
      {"walk-4-not-present",
       "WALK-4",
       {},
       Walk4().Mbec().Pte(0x9030).Fetch(0x1234).User().Build(),
       Violation(0x784, 0x1234)},
      {"walk-8-misconfigured-below-read-only",
       "WALK-8",
       {"WALK-8/permissions-per-level"},
       Walk4().Pdpte(0x3005).Pte(0x9002).Write(0x1234).Build(),
       Misconfiguration(0x1234)},
      {"walk-8-not-present-below-read-only",
       "WALK-8",
       {"WALK-8/permissions-per-level"},
       Walk4().Pdpte(0x3005).Pde(0).Write(0x1234).Build(),
       Violation(0x582, 0x1234)},
      {"walk-8-not-present-with-reserved-bits",
       "WALK-8",
       {"WALK-8/misconfigured-first"},
       Walk4().Pde(0x7fff'ffff'ffff'fff8).Read(0x1234).Build(),
       Violation(kReadNotPresent, 0x1234)},
  };
}

// Each ignored bit is set, and the read succeeds.
std::vector<NamedCase> IgnoredBitCases() {
  const auto completes = Completes(0x9234);
  return {
      {"walk-7-pte-bit-7",
       "WALK-7",
       {"WALK-7/pte-bit-7-reserved"},
       Walk4().Pte(0x90b7).Read(0x1234).Build(),
       completes},
      {"walk-7-table-bit-8",
       "WALK-7",
       {"WALK-7/table-bit-8-reserved"},
       Walk4().Pde(0x4107).Read(0x1234).Build(),
       completes},
      {"walk-7-table-bit-9",
       "WALK-7",
       {"WALK-7/table-bit-9-reserved"},
       Walk4().Pde(0x4207).Read(0x1234).Build(),
       completes},
      {"walk-7-leaf-bits-9-8",
       "WALK-7",
       {"WALK-7/bits-9-8-reserved-without-flags"},
       Walk4().Pte(0x9337).Read(0x1234).Build(),
       completes},
      {"walk-7-bit-10",
       "WALK-7",
       {"WALK-7/bit-10-reserved-without-mbec"},
       Walk4().Pte(0x9437).Read(0x1234).Build(),
       completes},
      {"walk-7-bit-11",
       "WALK-7",
       {"WALK-7/bit-11-reserved"},
       Walk4().Pte(0x9837).Read(0x1234).Build(),
       completes},
      {"walk-7-bits-62-52",
       "WALK-7",
       {"WALK-7/bits-56-52-reserved", "WALK-7/bits-62-57-reserved",
        "WALK-6/high-bits-kept", "CFG-10/bits-63-n"},
       Walk4().Pte(0x7ff0'0000'0000'9037).Read(0x1234).Build(),
       completes},
      {"walk-7-table-bits-62-57",
       "WALK-7",
       {"WALK-7/table-bits-62-57-reserved"},
       Walk4().Pde(0x7e00'0000'0000'4007).Read(0x1234).Build(),
       completes},
      {"walk-7-bit-63",
       "WALK-7",
       {"WALK-7/bit-63-reserved-without-ve"},
       Walk4().Pte(kBit63 | 0x9037).Read(0x1234).Build(),
       completes},
      {"walk-7-table-bit-63",
       "WALK-7",
       {"WALK-7/table-bit-63-reserved"},
       Walk4().Ve().Pde(kBit63 | 0x4007).Read(0x1234).Build(),
       completes},
      {"walk-7-table-bit-52",
       "WALK-7",
       {"WALK-9/high-bits-kept"},
       Walk4().Pde(kBit52 | 0x4007).Read(0x1234).Build(),
       completes},
      {"walk-7-none-gives-a-right",
       "WALK-7",
       {},
       Walk4().Pte(0x7ff0'0000'0000'9f33).Fetch(0x1234).Build(),
       Violation(0x59c, 0x1234)},
  };
}

}  // namespace

std::vector<NamedCase> WalkWitnesses() {
  std::vector<NamedCase> cases = TranslationCases();
  for (auto more : {PresenceCases(), IgnoredBitCases()}) {
    cases.insert(cases.end(), more.begin(), more.end());
  }
  return cases;
}

}  // namespace eptdiff
