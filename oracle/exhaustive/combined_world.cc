#include "oracle/exhaustive/combined_world.h"

#include <iterator>
#include <utility>

namespace eptdiff {
namespace {

// EPT has one page table for all guest-physical pages.
constexpr std::uint64_t kEptPt = 0x4000;
// Of the guest: one page has the tables of all levels, another one a page table
// more; three pages. EPT adds 20000H to their addresses.
constexpr std::uint64_t kTables = 0x10000, kOtherPt = 0x11000;
constexpr std::uint64_t kPage = 0x12000, kOtherPage = 0x13000,
                        kThirdPage = 0x14000;
constexpr std::uint64_t kToHost = 0x20000;
constexpr std::uint64_t EptPteOf(std::uint64_t gpa) {
  return kEptPt + 8 * (gpa >> 12);
}

// Indexes 1, 2 and 3 of the upper tables, and 4 and 5 of the page table.
constexpr std::uint64_t kGlas[] = {
    std::uint64_t{1} << 39 | std::uint64_t{2} << 30 | 3 << 21 | 4 << 12,
    std::uint64_t{1} << 39 | std::uint64_t{2} << 30 | 3 << 21 | 5 << 12};
constexpr std::uint64_t TableEntry(int index) {
  return kTables + kToHost + 8 * static_cast<std::uint64_t>(index);
}

// With 32-bit paging: indexes 2, and 4 and 6 of the page table. EPT has a page
// at the guest-physical address that is the same as the linear one.
constexpr std::uint64_t kGlas32[] = {2 << 22 | 4 << 12, 2 << 22 | 6 << 12};
constexpr std::uint64_t kOtherEptPt = 0x5000;
constexpr std::uint64_t kSameEptPte = kOtherEptPt + 8 * 4;

constexpr std::uint64_t kBit63 = std::uint64_t{1} << 63;

// The guest's PTE: another page; no right to write; not present; no accessed
// flag. EPT's PTE of the page: another one; no right to write; not present.
constexpr std::uint64_t kPtes[] = {kOtherPage | 0x67, kPage | 0x65, 0,
                                   kOtherPage | 0x47};
constexpr std::uint64_t kEptPtes[] = {0x39037, 0x32031, 0};
constexpr std::uint64_t kGlobal = 0x100;
constexpr int kOfCr3 = 4 * 3 * 2 * 2, kOfHlatp = 4, kOfPaging = 4 * 3;
static_assert(kOfCr3 + kOfHlatp + kOfPaging == kCombinedWorlds);

// A page table's entry of the page, the entry that leads to it, and EPT's of
// the page and of the tables, or of the page at the linear address.
CombinedWorld WorldOf(CombinedRoots roots, std::uint64_t pte,
                      std::uint64_t ept_pte, std::uint64_t global) {
  const bool paging = roots == CombinedRoots::kPaging;
  const CombinedWord last =
      paging ? CombinedWord{kSameEptPte, {0x3a037, ept_pte + 0x2000}}
             : CombinedWord{EptPteOf(kTables),
                            {kTables + kToHost + 0x37, 0x38037}};
  return {{{{TableEntry(paging ? 2 : 4),
             {kPage | 0x67 | global, pte == 0 ? 0 : pte | global}},
            {TableEntry(paging ? 1 : 3), {kTables | 0x67, kOtherPt | 0x67}},
            {EptPteOf(kPage), {kPage + kToHost + 0x37, ept_pte}},
            last}},
          roots};
}

constexpr CombinedStep Invalidates(const char* words, InvalidationKind kind,
                                   std::uint8_t type, std::uint64_t first = 0,
                                   std::uint64_t second = 0,
                                   std::uint8_t processor = 0) {
  return {words,     CombinedDeed::kInvalidate,  0, false,
          processor, {kind, type, first, second}};
}
constexpr CombinedStep Gives(const char* words, CombinedDeed what,
                             std::uint64_t value) {
  return {words, what, 0, false, 0, {}, value};
}

using enum InvalidationKind;
constexpr CombinedStep kSteps[] = {
    {"read", CombinedDeed::kAccess},
    {"write", CombinedDeed::kAccess, 0, true},
    {"read of the next page", CombinedDeed::kAccess, 1},
    {"read on processor 1", CombinedDeed::kAccess, 0, false, 1},
    {"store to the PTE", CombinedDeed::kStore, 0},
    {"store to the PDE", CombinedDeed::kStore, 1},
    {"store to the page's EPT PTE", CombinedDeed::kStore, 2},
    {"store to the tables' EPT PTE", CombinedDeed::kStore, 3},
    Invalidates("INVEPT single", kInvept, 1,
                kCombinedRoots[0] | kCombinedEptpLow),
    Invalidates("INVEPT single, another", kInvept, 1,
                kCombinedRoots[1] | kCombinedEptpLow),
    Invalidates("INVEPT all", kInvept, 2),
    Invalidates("INVEPT all on processor 1", kInvept, 2, 0, 0, 1),
    Invalidates("INVVPID address", kInvvpid, 0, 5, kGlas[0]),
    Invalidates("INVVPID address, another", kInvvpid, 0, 5, kGlas[1]),
    Invalidates("INVVPID single", kInvvpid, 1, 5),
    Invalidates("INVVPID single, another", kInvvpid, 1, 6),
    Invalidates("INVVPID all", kInvvpid, 2),
    Invalidates("INVVPID retaining globals", kInvvpid, 3, 5),
    Invalidates("INVLPG", kInvlpg, 0, 0, kGlas[0]),
    Invalidates("INVLPG, another", kInvlpg, 0),
    Invalidates("INVPCID address", kInvpcid, 0, 1, kGlas[0]),
    Invalidates("INVPCID single", kInvpcid, 1, 1),
    Invalidates("INVPCID single, another", kInvpcid, 1, 2),
    Invalidates("INVPCID all", kInvpcid, 2),
    Invalidates("INVPCID retaining globals", kInvpcid, 3),
    Gives("MOV to CR3", CombinedDeed::kMovCr3, kTables | 1),
    Gives("MOV to CR3 with bit 63", CombinedDeed::kMovCr3,
          kBit63 | kTables | 1),
    Gives("MOV to CR3, another PCID", CombinedDeed::kMovCr3, kTables | 2),
    Gives("VM entry with VPID 5", CombinedDeed::kEnterVpid, 5),
    Gives("VM entry with VPID 6", CombinedDeed::kEnterVpid, 6),
    Gives("VM entry with the other EPTP", CombinedDeed::kEnterEptp, 0)};

}  // namespace

CombinedWorld CombinedWorldNumber(int number) {
  if (number >= kOfCr3) {
    number -= kOfCr3;
    if (number < kOfHlatp) {
      return WorldOf(CombinedRoots::kHlatp, kPtes[number], kEptPtes[0], 0);
    }
    number -= kOfHlatp;
    CombinedWorld world = WorldOf(CombinedRoots::kPaging, kPtes[number % 4],
                                  kEptPtes[number / 4], 0);
    // A page that is not present is so from the beginning.
    CombinedWord& page = world.words[2];
    if (page.values[1] == 0) std::swap(page.values[0], page.values[1]);
    return world;
  }
  const std::uint64_t pte = kPtes[number % 4];
  number /= 4;
  const std::uint64_t ept_pte = kEptPtes[number % 3];
  number /= 3;
  CombinedWorld world =
      WorldOf(CombinedRoots::kCr3, pte, ept_pte, number % 2 != 0 ? kGlobal : 0);
  world.vpids = number / 2 == 0;
  return world;
}

// With HLAT paging the one first table's entry leads to the tables, the other
// is all upper tables in one, and CR3 may reference it.
CombinedBeginning BeginningOf(const CombinedWorld& world) {
  Case c;
  c.processor.ept_vpid_cap = 0x00000f01'06f341c1;
  c.processor.pcid = true;
  c.controls.primary = 0x80000000;
  c.controls.secondary = 0x1002 | (world.vpids ? 0x20 : 0);
  c.controls.vpid = 5;
  c.controls.eptp = kCombinedRoots[0] | kCombinedEptpLow;
  c.guest.cr0 = 0x80010021;
  c.guest.cr3 = kTables | 1;
  c.guest.cr4 = 0x220a0;
  c.guest.efer = 0xd00;
  c.guest.cs_l = true;
  c.guest.rflags = 2;
  std::vector<std::uint64_t> gpas = {kTables, kOtherPt, kPage, kOtherPage,
                                     kThirdPage};
  CombinedTags tags = {world.vpids ? std::uint64_t{5} : 0, c.guest.cr3,
                       kCombinedRoots[0]};
  if (world.roots == CombinedRoots::kHlatp) {
    c.controls.primary |= 1 << 17;
    c.controls.tertiary = 2;
    c.processor.ept_vpid_cap |= std::uint64_t{1} << 48;
    c.controls.hlatp = tags.hlatp = kCombinedHlatps[0];
    c.guest.cr3 = tags.cr3 = kCombinedHlatps[1] | 1;
    gpas.insert(gpas.end(), {kCombinedHlatps[0], kCombinedHlatps[1]});
  } else if (world.roots == CombinedRoots::kPaging) {
    c.controls.secondary |= 0x80;  // "unrestricted guest"
    c.guest.cr3 = tags.cr3 = kTables;
    c.guest.cr4 = 0x2000;
    c.guest.efer = 0;
    c.guest.cs_l = false;
    tags.levels = 2;
    gpas.insert(gpas.end(), {kGlas32[0], kGlas32[1]});
  }
  const auto store = [&](std::uint64_t address, std::uint64_t value) {
    c.memory.push_back({Hpa{address}, value});
  };
  store(kCombinedRoots[0], 0x2007);
  store(kCombinedRoots[1], 0x2007);
  store(0x2000, 0x3007);
  store(0x3000, kEptPt | 7);
  for (const std::uint64_t gpa : {kOtherPt, kOtherPage, kThirdPage}) {
    store(EptPteOf(gpa), (gpa + kToHost) | 0x37);
  }
  store(TableEntry(1), kTables | 0x67);
  store(TableEntry(2), kTables | 0x67);
  store(TableEntry(5), kOtherPage | 0x67);
  store(kOtherPt + kToHost + 8 * 4, kOtherPage | 0x67);
  // Where EPT leads elsewhere for the tables: other tables.
  for (const int i : {1, 2}) {
    store(0x38000 + 8 * static_cast<std::uint64_t>(i), kTables | 0x67);
  }
  store(0x38000 + 8 * 3, kOtherPt | 0x67);
  store(0x38000 + 8 * 4, kThirdPage | 0x67);
  if (world.roots == CombinedRoots::kHlatp) {
    for (const std::uint64_t gpa : kCombinedHlatps) {
      store(EptPteOf(gpa), (gpa + kToHost) | 0x37);
    }
    store(kCombinedHlatps[0] + kToHost + 8, kTables | 0x67);
    store(kCombinedHlatps[1] + kToHost + 8, kCombinedHlatps[1] | 0x67);
    store(kCombinedHlatps[1] + kToHost + 16, kCombinedHlatps[1] | 0x67);
    store(kCombinedHlatps[1] + kToHost + 24, kOtherPt | 0x67);
  } else if (world.roots == CombinedRoots::kPaging) {
    store(EptPteOf(kTables), kTables + kToHost + 0x37);
    store(0x3000 + 8 * 4, kOtherEptPt | 7);
    store(kSameEptPte + 16, 0x3e037);
    store(TableEntry(3), kOtherPage | 0x67);
    store(kOtherPt + kToHost + 8 * 2, kOtherPage | 0x67);
  }
  for (const CombinedWord& word : world.words) {
    store(word.address, word.values[0]);
  }
  Step other;
  other.processor = 1;
  c.steps.push_back(other);
  const bool paging = world.roots == CombinedRoots::kPaging;
  const std::uint64_t* glas = paging ? kGlas32 : kGlas;
  return {std::move(c), tags, std::move(gpas), {glas[0], glas[1]}};
}

// Where there are further roots, fewer other steps.
std::vector<CombinedStep> StepsOf(CombinedRoots roots) {
  using enum CombinedDeed;
  if (roots == CombinedRoots::kCr3) {
    return {std::begin(kSteps), std::end(kSteps)};
  }
  const bool hlat = roots == CombinedRoots::kHlatp;
  const std::uint64_t gla = hlat ? kGlas[0] : kGlas32[0];
  std::vector<CombinedStep> steps = {
      {"read", kAccess},
      {"write", kAccess, 0, true},
      {"read of the next page", kAccess, 1},
      {"store to the PTE", kStore, 0},
      {"store to the PDE", kStore, 1},
      {"store to the page's EPT PTE", kStore, 2},
      {hlat ? "store to the tables' EPT PTE"
            : "store to the EPT PTE of the same address",
       kStore, 3},
      Invalidates("INVEPT single", kInvept, 1,
                  kCombinedRoots[0] | kCombinedEptpLow),
      Invalidates("INVVPID address", kInvvpid, 0, 5, gla),
      Invalidates("INVVPID single", kInvvpid, 1, 5),
      Invalidates("INVLPG", kInvlpg, 0, 0, gla)};
  if (hlat) {
    steps.insert(
        steps.end(),
        {Gives("MOV to CR3 with bit 63", kMovCr3, kBit63 | kTables | 1),
         Gives("MOV to CR3, another PCID", kMovCr3, kTables | 2),
         Gives("VM entry with VPID 6", kEnterVpid, 6),
         Gives("VM entry with the other HLATP", kEnterHlatp, 0),
         Gives("VM entry with the other HLAT prefix", kEnterPrefix, 0)});
  } else {
    steps.insert(steps.end(),
                 {Gives("MOV to CR3", kMovCr3, kTables),
                  Gives("VM entry with VPID 6", kEnterVpid, 6),
                  Gives("VM entry with the other CR0.PG", kEnterCr0, 0),
                  Gives("MOV to CR0 of the other CR0.PG", kMovCr0, 0)});
  }
  return steps;
}

}  // namespace eptdiff
