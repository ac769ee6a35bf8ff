// What is not kept at all, so that a change needs no invalidation.
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

const Passage kNotNecessary = {
    "29.4.3.4",
    "Because a logical processor does not cache any information derived from "
    "EPT paging-structure entries that are not present [...] or misconfigured "
    "[...], it is not necessary to execute INVEPT following modification of an "
    "EPT paging-structure entry that had been not present or misconfigured."};

LitmusShape MadePresent() {
  LitmusShape shape = {"made-present",
                       "Entry made present",
                       "An entry that was not present is written: the next "
                       "access sees it, without INVEPT.",
                       {kNotNecessary},
                       "That a translation is absent is never kept. This is "
                       "what a hypervisor that maps on demand lives on.",
                       {}};
  for (const World& world : kWorlds) {
    for (int level = 1; level <= 4; ++level) {
      CaseBuilder builder = world.Start();
      builder.Word(world.Place(level), 0)
          .Read(world.address())
          .Store(world.Place(level), world.Entry(level))
          .Read(world.address());
      shape.variants.push_back(
          ShapeVariant(
              world.Name(level),
              std::string("The ") + LevelWords(level) + " was not present.",
              builder)
              .May(world.To(0x9234), "CACHE-2", kMemory)
              .MayNot(world.Violates(kReads, 0), "CACHE-2",
                      "nothing is kept of an entry that is not present"));
    }
  }
  return shape;
}

LitmusShape MisconfiguredRepaired() {
  LitmusShape shape = {"misconfigured-repaired",
                       "Misconfigured, then repaired",
                       "An entry that was misconfigured is mended: the next "
                       "access sees it, without INVEPT.",
                       {kNotNecessary},
                       "",
                       {}};
  for (const World& world : kWorlds) {
    for (int level = 1; level <= 4; ++level) {
      CaseBuilder builder = world.Start();
      builder.Word(world.Place(level), world.Entry(level) & ~std::uint64_t{1})
          .Read(world.address())
          .Store(world.Place(level), world.Entry(level))
          .Read(world.address());
      shape.variants.push_back(
          ShapeVariant(world.Name(level),
                       std::string("The ") + LevelWords(level) +
                           " was writable and not readable.",
                       builder)
              .May(world.To(0x9234), "CACHE-2", kMemory)
              .MayNot(world.Misconfigures(), "CACHE-2",
                      "nothing is kept of an entry that is misconfigured"));
    }
  }
  return shape;
}

LitmusShape GuestMadePresent() {
  LitmusShape shape = {
      "guest-made-present",
      "Guest entry made present",
      "The same of the guest's own entries: not present, with a reserved bit, "
      "or with the accessed flag clear, nothing is kept of them.",
      {{"29.4.2",
        "No combined mappings are created with information derived from guest "
        "paging-structure entries that are not present or that set reserved "
        "bits."},
       {"3A 4.10.2.3",
        "In addition, the processor does not cache a translation for a page "
        "number unless the accessed flag is 1 in each of the paging-structure "
        "entries used during translation; before caching a translation, the "
        "processor sets any of these accessed flags that is not already 1."}},
      "",
      {}};
  shape.variants.push_back(
      ShapeVariant("pte", "The guest PTE was not present.",
                   Guest4()
                       .Vpid(5)
                       .GuestPte(0)
                       .Read(kGla)
                       .Store(kGuestPte, 0x10067)
                       .Read(kGla))
          .May(Reaches(0x20234, 4), "CACHE-2", kMemory)
          .MayNot(PageFault(0), "CACHE-2",
                  "nothing is kept of a guest entry that is not present"));
  shape.variants.push_back(
      ShapeVariant("pde", "The guest PDE was not present.",
                   Guest4()
                       .Vpid(5)
                       .GuestPde(0)
                       .Read(kGla)
                       .Store(kGuestPde, 0x11027)
                       .Read(kGla))
          .May(Reaches(0x20234, 4), "CACHE-2", kMemory)
          .MayNot(PageFault(0), "CACHE-2",
                  "nothing is kept of a guest entry that is not present"));
  shape.variants.push_back(
      ShapeVariant("reserved",
                   "The guest PDE maps 2 MBytes and sets a reserved bit.",
                   Guest4()
                       .Vpid(5)
                       .GuestPde(0x20e7)
                       .Read(kGla)
                       .Store(kGuestPde, 0x11027)
                       .Read(kGla))
          .May(Reaches(0x20234, 4), "CACHE-2", kMemory)
          .MayNot(PageFault(9), "CACHE-2",
                  "nothing is kept of a guest entry that sets a reserved bit"));
  shape.variants.push_back(
      ShapeVariant(
          "accessed-clear",
          "The guest PTE is clean when it changes: nobody has used it.",
          Guest4()
              .Vpid(5)
              .GuestPte(0x10047)
              .Store(kGuestPte, 0x16067)
              .Read(kGla))
          .May(Reaches(0x26234, 4), "CACHE-2", kMemory)
          .MayNot(Reaches(0x20234, 4), "CACHE-2",
                  "it would have been kept with its accessed flag set, and the "
                  "flag was clear in memory"));
  shape.variants.push_back(
      ShapeVariant("accessed-set",
                   "With the flag set it may have been kept ahead of any use.",
                   Guest4()
                       .Vpid(5)
                       .GuestPte(0x10067)
                       .Store(kGuestPte, 0x16067)
                       .Read(kGla))
          .May(Reaches(0x26234, 4), "CACHE-3", kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3",
               "prefetches and speculation may have made the translation"));
  return shape;
}

LitmusShape NeverUsed() {
  LitmusShape shape = {
      "never-used",
      "Never accessed",
      "An entry changes before anybody has accessed the page: it may have been "
      "kept all the same.",
      {{"3A 4.10.2.3",
        "The processor may cache translations required for prefetches and for "
        "accesses that are a result of speculative execution that would never "
        "actually occur in the executed code path."}},
      "An access is no condition of keeping. Only what never was reachable "
      "cannot have been kept.",
      {}};
  for (const World& world : kWorlds) {
    CaseBuilder builder = world.Start();
    builder.Store(world.Place(1), 0xa037).Read(world.address());
    shape.variants.push_back(
        ShapeVariant(world.linear() ? "linear" : "guest-physical",
                     "The PTE changes before the first access.", builder)
            .May(world.To(0xa234), "CACHE-3", kMemory)
            .May(world.To(0x9234), "CACHE-3",
                 "prefetches and speculation may have made the translation"));
  }
  return shape;
}

}  // namespace

std::vector<LitmusShape> FirstUseShapes() {
  return {MadePresent(), MisconfiguredRepaired(), GuestMadePresent(),
          NeverUsed()};
}

}  // namespace eptdiff
