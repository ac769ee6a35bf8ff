// An entry that was present changes, and nothing is invalidated.
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

constexpr char kMemory[] = "what memory has";
constexpr char kKept[] = "the translation of step 1 may have been kept";

const World kWorlds[] = {World::GuestPhysical(), World::Linear()};

// By both ways, at all levels; of a linear address, at the first and the last.
template <typename Function>
void AtLevels(Function add) {
  for (const World& world : kWorlds) {
    for (int level = 1; level <= 4; ++level) {
      if (!world.linear() || level == 1 || level == 4) add(world, level);
    }
  }
}

const Passage kNeeded = {
    "29.4.3.4",
    "Software should use the INVEPT instruction with the “single-context” "
    "INVEPT type after making any of the following changes to an EPT "
    "paging-structure entry [...]: Changing any of the privilege bits 2:0 from "
    "1 to 0. Changing the physical address in bits 51:12. [...] For an EPT "
    "PDPTE or an EPT PDE, changing bit 7 [...]. For the last EPT "
    "paging-structure entry used to translate a guest-physical address [...], "
    "changing either bits 5:3 or bit 6."};
const Passage kMayUse = {
    "29.4.2",
    "If EPT is in use, a logical processor may use cached mappings as follows: "
    "For accesses using linear addresses, it may use combined mappings "
    "associated with the current VPID, the current PCID, and the current "
    "EPTRTA. [...] For accesses using guest-physical addresses, it may use "
    "guest-physical mappings associated with the current EPTRTA."};

CacheShape ChangedAddress() {
  CacheShape shape = {
      "changed-address",
      "Changed address",
      "An entry leads somewhere else, and nobody says so to the processor.",
      {kNeeded, kMayUse},
      "At the PTE it is the page that changes, at the levels above the table "
      "that the entry references. The processor may hold the whole "
      "translation, or the upper entry alone; below an upper entry that was "
      "kept, the old tables are read, which here are as they were. So there "
      "are "
      "two answers at every level, and no third: nothing leads from the new "
      "tables back into the old ones.",
      {}};
  AtLevels([&](const World& world, int level) {
    CaseBuilder builder = world.Start();
    builder.Read(world.address())
        .Store(world.Place(level), World::Other(level))
        .Read(world.address());
    shape.variants.push_back(
        ShapeVariant(world.Name(level),
                     level == 1 ? "The PTE maps another page."
                                : std::string("The ") + LevelWords(level) +
                                      " references another table.",
                     builder)
            .May(world.To(0xa234), "CACHE-3", kMemory)
            .May(world.To(0x9234), "CACHE-3", kKept)
            .MayNot(world.Violates(kReads, 0), "CACHE-3",
                    "neither then nor now has an entry been not present"));
  });
  return shape;
}

CacheShape RightRemoved() {
  CacheShape shape = {
      "right-removed",
      "Right removed",
      "A permission goes from 1 to 0 without INVEPT: the access may still be "
      "allowed.",
      {kNeeded, kMayUse},
      "Write protection, as dirty tracking and copy-on-write want it, is not "
      "in "
      "force before INVEPT. The right may be kept in a translation, or in the "
      "entry of an upper level.",
      {}};
  const World direct = World::GuestPhysical();
  const auto add = [&](const char* name, const char* title,
                       const CaseBuilder& builder, const Answer& refused) {
    shape.variants.push_back(
        ShapeVariant(name, title, builder)
            .May(refused, "CACHE-3", kMemory)
            .May(direct.To(0x9234), "CACHE-3",
                 "the right may have been kept: CACHE-9 asks for INVEPT"));
  };
  add("read", "R goes, and with it W.",
      direct.Start().Read(0x1234).Store(0x4008, 0x9034).Read(0x1234),
      direct.Violates(kReads, 4));
  add("fetch", "X goes.",
      direct.Start().Fetch(0x1234).Store(0x4008, 0x9033).Fetch(0x1234),
      direct.Violates(kFetches, 3));
  add("user-fetch",
      "XU (bit 10) goes, with mode-based execute control; the page is the "
      "guest's user-mode page.",
      Walk4()
          .Mbec()
          .Fetch(0x1234)
          .User()
          .Store(0x4008, 0x9037)
          .Fetch(0x1234)
          .User(),
      Violation(0x7bc, 0x1234));
  AtLevels([&](const World& world, int level) {
    CaseBuilder builder = world.Start();
    builder.Write(world.address())
        .Store(world.Place(level), world.Entry(level) & ~std::uint64_t{2})
        .Write(world.address());
    shape.variants.push_back(
        ShapeVariant("write-" + world.Name(level),
                     std::string("W goes, at the ") + LevelWords(level) + ".",
                     builder)
            .May(world.Violates(kWrites, 5), "CACHE-3", kMemory)
            .May(world.To(0x9234), "CACHE-3",
                 "the right may have been kept: CACHE-9 asks for INVEPT"));
  });
  return shape;
}

CacheShape RightAdded() {
  CacheShape shape = {
      "right-added",
      "Right added",
      "A permission goes from 0 to 1 without INVEPT: one violation may come "
      "all the same.",
      {{"29.4.3.4",
        "Software may use the INVEPT instruction after modifying a present EPT "
        "paging-structure entry [...] to change any of the privilege bits 2:0 "
        "from 0 to 1. Failure to do so may cause an EPT violation that would "
        "not otherwise occur."}},
      "The handler of a violation adds the right and returns, which is the "
      "usual way of copy-on-write. It must be ready for a violation that "
      "memory does not explain; the shape right-added-retry says that there is "
      "but one.",
      {}};
  const World direct = World::GuestPhysical();
  constexpr char kSpurious[] =
      "the entry may have been kept as it was; software was not made to use "
      "INVEPT";
  const auto add = [&](const char* name, const char* title,
                       const CaseBuilder& builder, const Answer& refused) {
    shape.variants.push_back(ShapeVariant(name, title, builder)
                                 .May(direct.To(0x9234), "CACHE-9", kMemory)
                                 .May(refused, "CACHE-9", kSpurious));
  };
  add("read", "R comes to a page that could only be executed.",
      direct.Start()
          .Pte(0x9034)
          .Fetch(0x1234)
          .Store(0x4008, 0x9037)
          .Read(0x1234),
      direct.Violates(kReads, 4));
  add("fetch", "X comes.",
      direct.Start()
          .Pte(0x9033)
          .Read(0x1234)
          .Store(0x4008, 0x9037)
          .Fetch(0x1234),
      direct.Violates(kFetches, 3));
  add("user-fetch", "XU (bit 10) comes, with mode-based execute control.",
      Walk4()
          .Mbec()
          .Pte(0x9037)
          .Read(0x1234)
          .Store(0x4008, 0x9437)
          .Fetch(0x1234)
          .User(),
      Violation(0x7bc, 0x1234));
  AtLevels([&](const World& world, int level) {
    CaseBuilder builder = world.Start();
    builder.Word(world.Place(level), world.Entry(level) & ~std::uint64_t{2})
        .Read(world.address())
        .Store(world.Place(level), world.Entry(level))
        .Write(world.address());
    shape.variants.push_back(
        ShapeVariant("write-" + world.Name(level),
                     std::string("W comes, at the ") + LevelWords(level) + ".",
                     builder)
            .May(world.To(0x9234), "CACHE-9", kMemory)
            .May(world.Violates(kWrites, 5), "CACHE-9", kSpurious));
  });
  return shape;
}

CacheShape MemoryTypeChanged() {
  CacheShape shape = {
      "memory-type-changed",
      "Memory type changed",
      "Bits 5:3 or bit 6 of the last entry change: the access may still have "
      "the old memory type.",
      {kNeeded,
       {"29.4.1",
        "The information in guest-physical mappings about access privileges "
        "and "
        "memory typing is derived from EPT paging structures."}},
      "The page stays where it is; with which memory type it is accessed may "
      "be yesterday's.",
      {}};
  const auto add = [&](const char* name, const char* title,
                       const CaseBuilder& builder, Answer now, Answer before) {
    shape.variants.push_back(
        ShapeVariant(name, title, builder)
            .May(std::move(now), "CACHE-3", kMemory)
            .May(std::move(before), "CACHE-3",
                 "the memory type may have been kept: CACHE-9 asks for "
                 "INVEPT"));
  };
  const MemoryType uc = MemoryType::kUncacheable;
  add("pte", "Bits 5:3 of the PTE: WB becomes UC.",
      Walk4().Read(0x1234).Store(0x4008, 0x9007).Read(0x1234),
      Completes(0x9234).Type(uc), Completes(0x9234));
  add("pde", "Bits 5:3 of a PDE that maps 2 MBytes: WB becomes UC.",
      Walk4().Pde(0x2000b7).Read(0x1234).Store(0x3000, 0x200087).Read(0x1234),
      Completes(0x201234).Size(21).Type(uc), Completes(0x201234).Size(21));
  add("pdpte", "Bits 5:3 of a PDPTE that maps 1 GByte: WB becomes UC.",
      Walk4()
          .Pdpte(0x400000b7)
          .Read(0x1234)
          .Store(0x2000, 0x40000087)
          .Read(0x1234),
      Completes(0x40001234).Size(30).Type(uc), Completes(0x40001234).Size(30));
  add("ignore-pat",
      "Bit 6 (ignore PAT) of the PTE, where the guest's PAT says UC: only "
      "with the bit the page is WB.",
      Walk4()
          .Pte(0x9077)
          .Read(0x1234)
          .But([](Step& step) { step.page.pat_index = 3; })
          .Store(0x4008, 0x9037)
          .Read(0x1234)
          .But([](Step& step) { step.page.pat_index = 3; }),
      Completes(0x9234).Type(uc), Completes(0x9234));
  shape.variants.push_back(
      ShapeVariant(
          "guest-pat",
          "By a linear address: the guest's PTE comes to select an "
          "entry of the PAT that is UC.",
          Guest4().Vpid(5).Read(kGla).Store(kGuestPte, 0x1007f).Read(kGla))
          .May(Reaches(0x20234, 4).Type(uc), "CACHE-3", kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3", kKept));
  return shape;
}

CacheShape PageSizeDown() {
  CacheShape shape = {
      "page-size-down",
      "Page size: split",
      "An entry that mapped a large page references a table now.",
      {kNeeded,
       {"3A 4.10.2.3",
        "If software modifies the paging structures so that the page size used "
        "for a 4-KByte range of linear addresses changes, the TLBs may "
        "subsequently contain multiple translations for the address range (one "
        "for each page size). A reference to a linear address in the address "
        "range may use any of these translations."}},
      "The new 4-KByte page is another one than the part of the large page "
      "that it replaces, so that the answers differ; who splits a page in "
      "place "
      "sees the size alone.",
      {}};
  shape.variants.push_back(
      ShapeVariant("pde", "2 MBytes become a table.",
                   Walk4()
                       .Pde(0x2000b7)
                       .Word(0x4008, 0x9037)
                       .Read(0x1234)
                       .Store(0x3000, 0x4007)
                       .Read(0x1234))
          .May(Completes(0x9234), "CACHE-3", kMemory)
          .May(Completes(0x201234).Size(21), "CACHE-3", kKept)
          .MayNot(Completes(0x9234).Size(21), "CACHE-3",
                  "no entry ever mapped 2 MBytes there"));
  shape.variants.push_back(
      ShapeVariant("pdpte", "1 GByte becomes a directory.",
                   Walk4()
                       .Pdpte(0x400000b7)
                       .Word(0x3000, 0x4007)
                       .Word(0x4008, 0x9037)
                       .Read(0x1234)
                       .Store(0x2000, 0x3007)
                       .Read(0x1234))
          .May(Completes(0x9234), "CACHE-3", kMemory)
          .May(Completes(0x40001234).Size(30), "CACHE-3", kKept));
  const World linear = World::Linear();
  shape.variants.push_back(
      ShapeVariant("linear-pde",
                   "2 MBytes become a table, by a linear address.",
                   linear.Start()
                       .Word(0x43000, 0x2000b7)
                       .Read(kGla)
                       .Store(0x43000, 0x44007)
                       .Read(kGla))
          .May(linear.To(0x9234), "CACHE-3", kMemory)
          .May(linear.To(0x201234).Size(21), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant(
          "another-part",
          "What is asked is a part of the large page that was not "
          "touched: the translation of the part that was may serve it.",
          Walk4()
              .Pde(0x2000b7)
              .Word(0x4010, 0xd037)
              .Read(0x1234)
              .Store(0x3000, 0x4007)
              .Read(0x2234))
          .May(Completes(0xd234), "CACHE-3", kMemory)
          .May(Completes(0x202234).Size(21), "CACHE-3", kKept));
  return shape;
}

CacheShape PageSizeUp() {
  CacheShape shape = {
      "page-size-up",
      "Page size: merge",
      "An entry that referenced a table maps a large page now.",
      {kNeeded},
      "The page table is gone, and may still be used: as a whole translation, "
      "or below a directory entry that was kept. See freed-table for what "
      "comes "
      "of it if the frame has another use.",
      {}};
  shape.variants.push_back(
      ShapeVariant("pde", "A table becomes 2 MBytes.",
                   Walk4().Read(0x1234).Store(0x3000, 0x2000b7).Read(0x1234))
          .May(Completes(0x201234).Size(21), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant("pdpte", "A directory becomes 1 GByte.",
                   Walk4().Read(0x1234).Store(0x2000, 0x400000b7).Read(0x1234))
          .May(Completes(0x40001234).Size(30), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant("another-page",
                   "Asked for is a page of the old table that was not touched.",
                   Walk4()
                       .Word(0x4010, 0xd037)
                       .Read(0x1234)
                       .Store(0x3000, 0x2000b7)
                       .Read(0x2234))
          .May(Completes(0x202234).Size(21), "CACHE-3", kMemory)
          .May(Completes(0xd234), "CACHE-3",
               "the PDE of step 1 may have been kept, and leads to the old "
               "table"));
  return shape;
}

CacheShape MadeAbsent() {
  CacheShape shape = {
      "made-absent",
      "Entry made not present",
      "An entry is cleared without INVEPT: the page may still be accessed.",
      {kNeeded, kMayUse},
      "Unmapping is a removal of rights like any other. A balloon, a migrated "
      "or a swapped page must not be given away before INVEPT.",
      {}};
  AtLevels([&](const World& world, int level) {
    CaseBuilder builder = world.Start();
    builder.Write(world.address())
        .Store(world.Place(level), 0)
        .Write(world.address());
    shape.variants.push_back(
        ShapeVariant(world.Name(level),
                     std::string("The ") + LevelWords(level) + " is cleared.",
                     builder)
            .May(world.Violates(kWrites, 0), "CACHE-3", kMemory)
            .May(world.To(0x9234), "CACHE-3", kKept));
  });
  return shape;
}

CacheShape MadeMisconfigured() {
  CacheShape shape = {
      "made-misconfigured",
      "Entry made misconfigured",
      "An entry becomes one that no processor accepts, such as for MMIO that "
      "is "
      "caught by EPT misconfigurations.",
      {kNeeded, kMayUse},
      "What was kept is not looked at again: until INVEPT the access may go to "
      "the page and not exit.",
      {}};
  AtLevels([&](const World& world, int level) {
    CaseBuilder builder = world.Start();
    builder.Read(world.address())
        .Store(world.Place(level), world.Entry(level) & ~std::uint64_t{1})
        .Read(world.address());
    shape.variants.push_back(
        ShapeVariant(world.Name(level),
                     std::string("The ") + LevelWords(level) +
                         " becomes writable and not readable.",
                     builder)
            .May(world.Misconfigures(), "CACHE-3", kMemory)
            .May(world.To(0x9234), "CACHE-3", kKept));
  });
  return shape;
}

CacheShape FreedTable() {
  CacheShape shape = {
      "freed-table",
      "Freed table whose frame is data now",
      "A page table is unlinked, and its frame is given to somebody else "
      "before "
      "INVEPT: his data are read as entries.",
      {kNeeded,
       {"3A 4.10.4.4",
        "For that reason, the page frames previously associated with the freed "
        "portion of the linear-address space should not be reallocated for "
        "another purpose until the appropriate invalidations have been "
        "performed."}},
      "The worst of all: whoever owns the frame now chooses where the guest's "
      "accesses go. The entry above may have been kept while the table below "
      "it "
      "is read anew.",
      {}};
  const auto add = [&](const char* name, const char* title, std::uint64_t data,
                       const Answer* with_data) {
    ShapeVariant variant(
        name, title,
        Walk4().Read(0x1234).Store(0x3000, 0).Store(0x4008, data).Read(0x1234));
    variant.May(Violation(0x581, 0x1234), "CACHE-3", kMemory);
    if (with_data != nullptr) {
      variant.May(*with_data, "CACHE-4",
                  "the PDE may have been kept, and the data are its table");
    }
    variant.May(Completes(0x9234), "CACHE-3", kKept);
    shape.variants.push_back(variant);
  };
  const Answer elsewhere = Completes(0xe234),
               misconfigured = Misconfiguration(0x1234);
  add("an-address", "The data look like an entry: the access goes there.",
      0xe037, &elsewhere);
  add("misconfigured", "The data look like an entry that is misconfigured.",
      0xe032, &misconfigured);
  add("zero", "The frame was cleared: as if unmapped, either way.", 0, nullptr);
  shape.variants.push_back(
      ShapeVariant("invept-first",
                   "INVEPT comes before the frame is given away, as it must.",
                   Walk4()
                       .Read(0x1234)
                       .Store(0x3000, 0)
                       .Invept(1, kEptp)
                       .Store(0x4008, 0xe037)
                       .Read(0x1234))
          .May(Violation(0x581, 0x1234), "CACHE-3", kMemory)
          .MayNot(Completes(0xe234), "CACHE-6", "INVEPT has ended the PDE")
          .MayNot(Completes(0x9234), "CACHE-6",
                  "INVEPT has ended the translation"));
  shape.variants.push_back(
      ShapeVariant("directory", "The same of a page directory.",
                   Walk4()
                       .Read(0x1234)
                       .Store(0x2000, 0)
                       .Store(0x3000, 0x2000b7)
                       .Read(0x1234))
          .May(Violation(0x581, 0x1234), "CACHE-3", kMemory)
          .May(Completes(0x201234).Size(21), "CACHE-4",
               "the PDPTE may have been kept, and the data are its directory")
          .May(Completes(0x9234), "CACHE-3", kKept));
  return shape;
}

}  // namespace

std::vector<CacheShape> ChangeShapes() {
  return {ChangedAddress(),    RightRemoved(),      RightAdded(),
          MemoryTypeChanged(), PageSizeDown(),      PageSizeUp(),
          MadeAbsent(),        MadeMisconfigured(), FreedTable()};
}

}  // namespace eptdiff
