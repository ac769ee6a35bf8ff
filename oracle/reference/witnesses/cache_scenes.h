// What cases of CACHE begin with: something is used and kept, and then changes.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_REFERENCE_WITNESSES_CACHE_SCENES_H_
#define EPTDIFF_ORACLE_REFERENCE_WITNESSES_CACHE_SCENES_H_

#include <cstdint>

#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {

inline constexpr std::uint64_t kEptp = 0x101e;
// Where the guest's entries for kGla are: what EPT adds, and the index.
inline constexpr std::uint64_t kGuestPte = 0x21aa8;
inline constexpr std::uint64_t kGuestPde = 0x22550;
// The encodings of VMCS fields.
inline constexpr std::uint32_t kFieldVpid = 0x0000;
inline constexpr std::uint32_t kFieldEptp = 0x201a;
inline constexpr std::uint32_t kFieldPdpte1 = 0x280c;
inline constexpr std::uint32_t kFieldHlatPrefix = 0x0006;
inline constexpr std::uint32_t kFieldHlatp = 0x2040;
inline constexpr std::uint32_t kFieldCr0 = 0x6800;
inline constexpr std::uint32_t kFieldCr3 = 0x6802;
inline constexpr std::uint32_t kFieldCr4 = 0x6804;

// A read of 1234H, at 9234H.
inline CaseBuilder Reads() { return Walk4().Read(0x1234); }

// ... of a page that is then another.
inline CaseBuilder Moved() { return Reads().Store(0x4008, 0xa037); }

// ... whose page table is then no longer linked; it maps 2234H at D234H.
inline CaseBuilder Unlinked() {
  return Reads().Word(0x4010, 0xd037).Store(0x3000, 0);
}

// A linear read, of 20234H, and the guest's page is then another, at 26000H.
inline CaseBuilder GuestReads(CaseBuilder guest) { return guest.Read(kGla); }
inline CaseBuilder GuestMoved() {
  return GuestReads(Guest4().Vpid(5)).Store(kGuestPte, 0x16067);
}

// The same under PCID 1, with these bits in the PTE before and after.
inline CaseBuilder GuestMovedUnderPcid(std::uint64_t before,
                                       std::uint64_t after) {
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
inline CaseBuilder GuestUnlinked() {
  return Guest4()
      .Vpid(5)
      .Read(kGla)
      .Store(kGuestPde, 0)
      .Store(kGuestPte + 8, 0x16067);
}
inline constexpr std::uint64_t kNextGla = kGla + 0x1000;

// A global page is then another one.
inline CaseBuilder GlobalMoved() {
  return Guest4().Vpid(5).Cr4(0x80).GuestPte(0x10167).Read(kGla).Store(
      kGuestPte, 0x16167);
}

// 2 MBytes at GPA 0, which EPT maps in pieces, are no longer mapped.
inline constexpr std::uint64_t kLargeGla = 0x5555'5540'0000;
inline constexpr std::uint64_t kPartGla = 0x5555'5541'0234;
inline CaseBuilder LargeUnmapped() {
  return Guest4().Vpid(5).GuestPde(0xe7).Read(kPartGla).Store(kGuestPde, 0);
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_WITNESSES_CACHE_SCENES_H_
