// What EPT violations and page faults end.
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

const Passage kEnds = {
    "29.4.3.1",
    "An EPT violation invalidates any guest-physical mappings (associated with "
    "the current EPTRTA) that would be used to translate the guest-physical "
    "address that caused the EPT violation. If that guest-physical address was "
    "the translation of a linear address, the EPT violation also invalidates "
    "any combined mappings for that linear address associated with the current "
    "PCID, the current VPID and the current EPTRTA."};

LitmusShape RightAddedRetry() {
  LitmusShape shape = {
      "right-added-retry",
      "Right added, violation, retry",
      "A violation came of a right that was kept as it was; the access is made "
      "again.",
      {{"29.4.3.4",
        "Because an EPT violation invalidates any mappings that would be used "
        "by the access that caused the EPT violation (see Section 29.4.3.1), "
        "an EPT violation will not recur if the original access is performed "
        "again, even if the INVEPT instruction is not executed."},
       kEnds},
      "The other half of right-added: one spurious violation, and not a "
      "second. Who keeps nothing never comes to this question.",
      {}};
  for (const World& world : kWorlds) {
    for (int level = 1; level <= 4; ++level) {
      if (world.linear() && level != 1 && level != 4) continue;
      CaseBuilder builder = world.Start();
      builder.Word(world.Place(level), world.Entry(level) & ~std::uint64_t{2})
          .Read(world.address())
          .Store(world.Place(level), world.Entry(level))
          .Write(world.address())
          .Write(world.address());
      shape.variants.push_back(
          ShapeVariant(
              world.Name(level),
              std::string("W has come to the ") + LevelWords(level) + ".",
              builder)
              .After(3, world.Violates(kWrites, 5))
              .May(world.To(0x9234), "CACHE-5", kMemory)
              .MayNot(world.Violates(kWrites, 5), "CACHE-5",
                      "the violation of step 3 has ended what refused it"));
    }
  }
  shape.variants.push_back(
      ShapeVariant("another-part-of-a-large-page",
                   "The page has 2 MBytes, and the violation was of another "
                   "part: if the page is kept in parts, each may refuse once.",
                   Walk4()
                       .Pde(0x2000b5)
                       .Read(0x1234)
                       .Store(0x3000, 0x2000b7)
                       .Write(0x1234)
                       .Write(0x2234))
          .After(3, Violation(0x5aa, 0x1234))
          .May(Completes(0x202234).Size(21), "CACHE-9", kMemory)
          .May(Violation(0x5aa, 0x2234), "CACHE-9",
               "what would be used for this address has not been ended"));
  shape.variants.push_back(
      ShapeVariant("on-another-processor",
                   "The violation was taken by processor 1; processor 0 has "
                   "one of its own to come.",
                   Walk4()
                       .Pte(0x9035)
                       .Read(0x1234)
                       .Read(0x1234)
                       .On(1)
                       .Store(0x4008, 0x9037)
                       .Write(0x1234)
                       .On(1)
                       .Write(0x1234))
          .After(4, Violation(0x5aa, 0x1234))
          .May(Completes(0x9234), "CACHE-9", kMemory)
          .May(Violation(0x5aa, 0x1234), "CACHE-9",
               "it invalidates on the processor that takes it"));
  return shape;
}

LitmusShape SuppressVeChanged() {
  LitmusShape shape = {
      "suppress-ve-changed",
      "Suppress #VE changed",
      "Bit 63 of an entry changes, and what the access is refused by may still "
      "be the entry as it was.",
      {{"26.5.7.1",
        "If an access to a guest-physical address causes an EPT violation, bit "
        "63 of exactly one of the EPT paging-structure entries used to "
        "translate that address is used to determine whether the EPT violation "
        "is convertible: either a entry that is not present [...] or an entry "
        "that maps a page."}},
      "The entry that is used may be one that was kept. For an entry that is "
      "not present there is nothing to keep: the bit counts at once.",
      {}};
  constexpr std::uint64_t kSuppress = std::uint64_t{1} << 63;
  const Answer exit = Violation(0x58a, 0x1234);
  const Answer ve = VirtualizationException()
                        .Writes(0x6000, 0xffffffff'00000030)
                        .Writes(0x6008, 0x58a)
                        .Writes(0x6010, kGlaPage | 0x234)
                        .Writes(0x6018, 0x1234);
  const Answer absent = VirtualizationException()
                            .Writes(0x6000, 0xffffffff'00000030)
                            .Writes(0x6008, 0x582)
                            .Writes(0x6010, kGlaPage | 0x234)
                            .Writes(0x6018, 0x1234);
  constexpr char kBit[] = "the entry may have been kept with its bit 63";
  shape.variants.push_back(
      ShapeVariant("set", "The bit is set: the violation is to exit.",
                   Walk4()
                       .Ve()
                       .Pte(0x9031)
                       .Read(0x1234)
                       .Store(0x4008, kSuppress | 0x9031)
                       .Write(0x1234))
          .May(exit, "CACHE-3", kMemory)
          .May(ve, "CACHE-3", kBit));
  shape.variants.push_back(ShapeVariant("cleared",
                                        "The bit is cleared: #VE is to come.",
                                        Walk4()
                                            .Ve()
                                            .Pte(kSuppress | 0x9031)
                                            .Read(0x1234)
                                            .Store(0x4008, 0x9031)
                                            .Write(0x1234))
                               .May(ve, "CACHE-3", kMemory)
                               .May(exit, "CACHE-3", kBit));
  shape.variants.push_back(
      ShapeVariant("not-present", "The entry is not present, before and after.",
                   Walk4().Ve().Pte(kSuppress).Store(0x4008, 0).Write(0x1234))
          .May(absent, "CACHE-2", kMemory)
          .MayNot(Violation(0x582, 0x1234), "CACHE-2",
                  "nothing is kept of an entry that is not present"));
  return shape;
}

LitmusShape ViolationEnds() {
  LitmusShape shape = {"violation-ends",
                       "A violation ends what was kept of its page",
                       "A fetch is refused by memory and by what was kept "
                       "alike. The read after it meets memory.",
                       {kEnds},
                       "Not only the right that was missing goes: all that "
                       "would be used for the address.",
                       {}};
  for (const World& world : kWorlds) {
    for (int level = 1; level <= 4; level += 3) {
      const std::uint64_t kFetchable = 4;
      CaseBuilder builder = world.Start();
      builder.Word(world.Place(level), world.Entry(level) & ~kFetchable)
          .Read(world.address())
          .Store(world.Place(level), World::Other(level) & ~kFetchable)
          .Fetch(world.address())
          .Read(world.address());
      shape.variants.push_back(
          ShapeVariant(world.Name(level),
                       std::string("The ") + LevelWords(level) +
                           " leads elsewhere, and never allowed fetches.",
                       builder)
              .May(world.To(0xa234), "CACHE-3", kMemory)
              .MayNot(world.To(0x9234), "CACHE-5",
                      "the violation of step 3 has ended it"));
    }
  }
  shape.variants.push_back(
      ShapeVariant(
          "another-page", "The violation is of another page of the same table.",
          Walk4().Read(0x1234).Store(0x4008, 0xa037).Read(0x2234).Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3",
               "the translation of this page is none that the violation would "
               "have used"));
  shape.variants.push_back(
      ShapeVariant(
          "of-the-guests-table",
          "The violation is of the guest's page table, which EPT does not map "
          "any more: bit 8 of the qualification is 0, and combined mappings "
          "need not end.",
          Guest4().Vpid(5).Read(kGla).Store(0x4088, 0).Read(kGla).Read(kGla))
          .May(Violation(0x81, 0x11aa8).At(kGla), "CACHE-3", kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3",
               "the combined mapping of step 1 may have been kept"));
  shape.variants.push_back(
      ShapeVariant("of-the-guests-table-then-moved",
                   "The same, and the page table comes back in another frame.",
                   Guest4()
                       .Vpid(5)
                       .Word(0x61aa8, 0x16067)
                       .Read(kGla)
                       .Store(0x4088, 0)
                       .Read(kGla)
                       .Store(0x4088, 0x61037)
                       .Read(kGla))
          .May(Reaches(0x26234, 4), "CACHE-3", kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3",
               "the combined mapping of step 1 may have been kept"));
  return shape;
}

LitmusShape MisconfigurationEndsNothing() {
  LitmusShape shape = {
      "misconfiguration-ends-nothing",
      "An EPT misconfiguration ends nothing",
      "An entry is unfit for a while, and an access finds it so. What was kept "
      "before may be used when the entry is mended.",
      {kEnds},
      "Of EPT violations the SDM says that they invalidate, of EPT "
      "misconfigurations it does not. Whoever mends an entry into another than "
      "it was needs INVEPT, unless a violation came in between.",
      {}};
  for (const World& world : kWorlds) {
    for (const bool violation : {false, true}) {
      CaseBuilder builder = world.Start();
      builder.Read(world.address())
          .Store(world.Place(1), violation ? 0 : 0x9032)
          .Read(world.address())
          .Store(world.Place(1), 0xa037)
          .Read(world.address());
      ShapeVariant variant(std::string(world.linear() ? "linear-" : "") +
                               (violation ? "not-present" : "misconfigured"),
                           violation ? "The entry is not present meanwhile: "
                                       "the violation ends what was kept."
                                     : "The entry is misconfigured meanwhile.",
                           builder);
      variant.May(world.To(0xa234), "CACHE-3", kMemory);
      if (violation) {
        variant.MayNot(world.To(0x9234), "CACHE-5",
                       "the violation of step 3 has ended it");
      } else {
        variant.May(world.To(0x9234), "CACHE-3", kKept);
      }
      shape.variants.push_back(variant);
    }
  }
  return shape;
}

LitmusShape GuestRightAdded() {
  LitmusShape shape = {
      "guest-right-added",
      "Guest right added",
      "The guest makes a page writable without INVLPG: one page fault may come "
      "all the same.",
      {{"3A 4.10.4.3",
        "If a paging-structure entry is modified to change the R/W flag from 0 "
        "to 1, failure to perform an invalidation may result in a “spurious” "
        "page-fault exception (e.g., in response to an attempted write access) "
        "but no other adverse behavior. Such an exception will occur at most "
        "once for each affected linear address."}},
      "",
      {}};
  shape.variants.push_back(ShapeVariant("pte",
                                        "The guest PTE becomes writable.",
                                        Guest4()
                                            .Vpid(5)
                                            .GuestPte(0x10065)
                                            .Read(kGla)
                                            .Store(kGuestPte, 0x10067)
                                            .Write(kGla))
                               .May(Reaches(0x20234, 4), "CACHE-3", kMemory)
                               .May(PageFault(3), "CACHE-3",
                                    "the PTE may have been kept as it was"));
  shape.variants.push_back(ShapeVariant("pde",
                                        "The guest PDE becomes writable.",
                                        Guest4()
                                            .Vpid(5)
                                            .GuestPde(0x11025)
                                            .Read(kGla)
                                            .Store(kGuestPde, 0x11027)
                                            .Write(kGla))
                               .May(Reaches(0x20234, 4), "CACHE-3", kMemory)
                               .May(PageFault(3), "CACHE-3",
                                    "the PDE may have been kept as it was"));
  return shape;
}

LitmusShape PageFaultEnds() {
  LitmusShape shape = {
      "page-fault-ends",
      "A page fault ends what was kept of its page",
      "After a page fault the access is made again, and memory decides.",
      {{"3A 4.10.4.1",
        "In particular, a page-fault exception resulting from an attempt to "
        "use a linear address will invalidate any TLB entries that are for a "
        "page number corresponding to that linear address and that are "
        "associated with the current PCID. It also invalidates all entries in "
        "the paging-structure caches that would be used for that linear "
        "address and that are associated with the current PCID. These "
        "invalidations ensure that the page-fault exception will not recur (if "
        "the faulting instruction is re-executed) if it would not be caused by "
        "the contents of the paging structures in memory."}},
      "Guest-physical mappings stay: a page fault is nothing that EPT knows "
      "of.",
      {}};
  for (const bool pde : {false, true}) {
    CaseBuilder builder = Guest4().Vpid(5);
    if (pde) {
      builder.GuestPde(0x11025);
    } else {
      builder.GuestPte(0x10065);
    }
    builder.Read(kGla)
        .Store(pde ? kGuestPde : kGuestPte, pde ? 0x11027 : 0x10067)
        .Write(kGla)
        .Write(kGla);
    shape.variants.push_back(
        ShapeVariant(pde ? "pde" : "pte",
                     pde ? "The guest PDE has become writable."
                         : "The guest PTE has become writable.",
                     builder)
            .After(3, PageFault(3))
            .May(Reaches(0x20234, 4), "CACHE-12", kMemory)
            .MayNot(PageFault(3), "CACHE-12",
                    "the page fault of step 3 has ended what refused it"));
  }
  shape.variants.push_back(
      ShapeVariant("another-page",
                   "The page fault is of the next page, which has no entry.",
                   Guest4()
                       .Vpid(5)
                       .Read(kGla)
                       .Store(kGuestPte, 0x16067)
                       .Read(kGla + 0x1000)
                       .Read(kGla))
          .May(Reaches(0x26234, 4), "CACHE-3", kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3",
               "it is the translation of another page"));
  const World linear = World::Linear();
  shape.variants.push_back(
      ShapeVariant(
          "not-guest-physical",
          "The page fault is of the page, and what has changed is its EPT PTE.",
          linear.Start()
              .GuestPte(0x8000'0080'0000'1065)
              .Read(kGla)
              .Store(linear.Place(1), 0xa037)
              .Write(kGla)
              .Read(kGla))
          .May(linear.To(0xa234), "CACHE-3", kMemory)
          .May(linear.To(0x9234), "CACHE-3",
               "the combined mapping is ended, and may be made again of the "
               "guest-physical one"));
  return shape;
}

}  // namespace

std::vector<LitmusShape> FaultShapes() {
  return {RightAddedRetry(), SuppressVeChanged(),
          ViolationEnds(),   MisconfigurationEndsNothing(),
          GuestRightAdded(), PageFaultEnds()};
}

}  // namespace eptdiff
