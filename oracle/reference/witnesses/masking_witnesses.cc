// Cases of GW-23: linear-address masking.
#include "oracle/reference/witnesses/witnesses.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kSmap = 1 << 21, kLass = 1 << 27, kLamSup = 1 << 28;
constexpr std::uint64_t kU57 = 1ull << 61, kU48 = 1ull << 62;  // of CR3
constexpr std::uint64_t kUpper = 0xffff'aaaa'aaaa'a234;
constexpr std::uint64_t kUpperTagged = 0xa5a5'aaaa'aaaa'a234;
constexpr std::uint64_t kTag48 = 0x5a5aull << 48, kTag57 = 0x2dull << 57;
// What 5-level paging translates, and LAM48 masks.
constexpr std::uint64_t kWide = 0xaaull << 48;

template <std::uint64_t bits>
void Cr3(Case& c) {
  c.guest.cr3 |= bits;
}
void Compatibility(Case& c) { c.guest.cs_l = false; }
void Implicit(Step& step) { step.access.implicit_supervisor = true; }

std::vector<NamedCase> PointerCases() {
  return {
      {"gw-23-lam48",
       "GW-23",
       {"GW-23/off", "GW-23/pointers-by-mode", "GW-16/with-metadata"},
       Guest4().With(Cr3<kU48>).GuestPte(0).Read(kGla | kTag48).Build(),
       PageFault(0)},
      {"gw-23-lam48-translates",
       "GW-23",
       {},
       Guest4().With(Cr3<kU48>).Cpl3().Write(kGla | kTag48).Build(),
       Reaches(0x20234, 4)},
      {"gw-23-lam57",
       "GW-23",
       {"GW-23/off", "GW-16/with-metadata"},
       Guest5().With(Cr3<kU57>).GuestPte(0).Read(kGla | kTag57).Build(),
       PageFault(0)},
      {"gw-23-lam57-with-4-level-paging",
       "GW-23",
       {"GW-23/off"},
       Guest4().With(Cr3<kU57>).Cpl3().GuestPte(0).Read(kGla | kTag57).Build(),
       PageFault(4)},
      {"gw-23-lam57-wins",
       "GW-23",
       {"GW-23/lam48-wins"},
       Guest5().With(Cr3 < kU48 | kU57 >).Read(kGla | kTag57 | kWide).Build(),
       Reaches(0x20234, 5)},
      // The tables are those of bits 56:48; with these clear, none is present.
      {"gw-23-lam48-with-5-level-paging",
       "GW-23",
       {"GW-23/off", "GW-23/user-width-of-the-paging"},
       Guest5().With(Cr3<kU48>).Read(kGla | kWide).Build(),
       PageFault(0)},
      {"gw-23-fetch",
       "GW-23",
       {"GW-23/fetches-too"},
       Guest5().With(Cr3<kU48>).Fetch(kGla | kWide).Build(),
       Reaches(0x20234, 5)},
      {"gw-23-supervisor-lam48",
       "GW-23",
       {"GW-23/off", "GW-23/cleared", "GW-23/supervisor-by-cr3"},
       Guest4().Cr4(kLamSup).GuestPte(0).Read(kUpperTagged).Build(),
       PageFault(0, kUpper)},
      {"gw-23-supervisor-pointer-of-user-mode",
       "GW-23",
       {"GW-23/pointers-by-mode"},
       Guest4().Cr4(kLamSup).Cpl3().GuestPte(0).Read(kUpperTagged).Build(),
       PageFault(4, kUpper)},
      {"gw-23-supervisor-lam57",
       "GW-23",
       {"GW-23/supervisor-lam48-always"},
       Guest5().Cr4(kLamSup).Read(0xa555'aaaa'aaaa'a234).Build(),
       Reaches(0x20234, 5)},
      // CR4.LAM_SUP says that the processor has LAM_U48, too.
      {"gw-23-after-mov-to-cr3",
       "GW-23",
       {"GW-23/off"},
       Guest4()
           .Cr4(kLamSup)
           .GuestPte(0)
           .Give(GuestRegister::kCr3, kU48 | 0x14000)
           .Read(kGla | kTag48)
           .Build(),
       PageFault(0)},
      {"gw-23-second-page",
       "GW-23",
       {"GW-23/off"},
       Guest4().With(Cr3<kU48>).Read((kGla | kTag48 | 0xfff) - 1, 4).Build(),
       PageFault(0, (kGla | 0xfff) + 1)},
  };
}

std::vector<NamedCase> ReportCases() {
  return {
      {"gw-23-exit",
       "INFO-1",
       {"INFO-1/gla-with-metadata"},
       Guest4().With(Cr3<kU48>).EptPte(0x10000, 0).Read(kGla | kTag48).Build(),
       Violation(0x781, 0x10234).At(kGla)},
      {"gw-23-exit-in-the-walk",
       "INFO-1",
       {"INFO-1/gla-with-metadata"},
       Guest4().Cr4(kLamSup).EptPte(0x14000, 0).Read(kUpperTagged).Build(),
       Violation(0x81, 0x14aa8).At(kUpper)},
      {"gw-23-beside-separation",
       "GW-22",
       {},
       Guest4()
           .Cr4(kLass | kSmap | kLamSup)
           .GuestPte(0x10063)
           .Read(kUpperTagged)
           .Build(),
       Reaches(0x20234, 4)},
      {"gw-23-separated",
       "GW-22",
       {"GW-22/user-off"},
       Guest4().Cr4(kLass | kLamSup).Cpl3().Read(kUpperTagged).Build(),
       GeneralProtection()},
      {"gw-23-compatibility-mode",
       "GW-23",
       {},
       Guest4().With(Cr3<kU48>).With(Compatibility).Read(kGla32).Build(),
       Reaches(0x20234, 4)},
      {"gw-23-pae-paging",
       "GW-23",
       {},
       GuestPae().Cr4(kLamSup).Read(kGla32).Build(),
       Reaches(0x20234, 2)},
  };
}

// Whatever happens.
std::vector<NamedCase> SilentCases() {
  return {
      {"gw-23-implicit",
       "GW-23",
       {"GW-23/implicit-too"},
       Guest4().With(Cr3<kU48>).Read(kGla | kTag48).But(Implicit).Build(),
       Happens()},
      {"gw-23-bytes-apart",
       "GW-23",
       {},
       Guest5().With(Cr3<kU48>).Read(0x7fff'ffff'fffe, 4).Build(),
       Happens()},
  };
}

}  // namespace

std::vector<NamedCase> MaskingWitnesses() {
  std::vector<NamedCase> all = PointerCases();
  for (const auto& more : {ReportCases(), SilentCases()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace eptdiff
