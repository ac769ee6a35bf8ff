// An entry that was present changes, and nothing is invalidated.
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

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

LitmusShape ChangedAddress() {
  LitmusShape shape = {
      "changed-address",
      "Changed address",
      "An entry leads somewhere else, and nobody says so to the processor.",
      {kNeeded, kMayUse},
      "At the PTE it is the page that changes, at the levels above the table "
      "that the entry references. The processor may hold the whole "
      "translation, or the upper entry alone; below an upper entry that was "
      "kept, the old tables are read, which here are as they were. So there "
      "are two answers at every level, and no third: nothing leads from the "
      "new tables back into the old ones.",
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

LitmusShape RightRemoved() {
  LitmusShape shape = {
      "right-removed",
      "Right removed",
      "A permission goes from 1 to 0 without INVEPT: the access may still be "
      "allowed.",
      {kNeeded, kMayUse},
      "Write protection, as dirty tracking and copy-on-write want it, is not "
      "in force before INVEPT. The right may be kept in a translation, or in "
      "the entry of an upper level.",
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

LitmusShape RightAdded() {
  LitmusShape shape = {
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

LitmusShape MadeAbsent() {
  LitmusShape shape = {
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

LitmusShape MadeMisconfigured() {
  LitmusShape shape = {"made-misconfigured",
                       "Entry made misconfigured",
                       "An entry becomes one that no processor accepts, such "
                       "as for MMIO that is caught by EPT misconfigurations.",
                       {kNeeded, kMayUse},
                       "What was kept is not looked at again: until INVEPT the "
                       "access may go to the page and not exit.",
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

}  // namespace

std::vector<LitmusShape> ChangeShapes() {
  return {ChangedAddress(), RightRemoved(), RightAdded(), MadeAbsent(),
          MadeMisconfigured()};
}

}  // namespace eptdiff
