// INVEPT: what it ends, and what not.
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

const Passage kSingle = {
    "29.4.3.1",
    "Single-context. If the INVEPT type is 1, the logical processor "
    "invalidates all guest-physical mappings and combined mappings associated "
    "with the EPTRTA specified in the INVEPT descriptor. Combined mappings for "
    "that EPTRTA are invalidated for all VPIDs and all PCIDs. (The instruction "
    "may invalidate mappings associated with other EPTRTAs.)"};
const Passage kAll = {
    "29.4.3.1",
    "All-context. If the INVEPT type is 2, the logical processor invalidates "
    "guest-physical mappings and combined mappings associated with all EPTRTAs "
    "(and, for combined mappings, for all VPIDs and PCIDs)."};

// An access, another page, INVEPT, and the access again.
CaseBuilder Moved(const World& world, int level) {
  CaseBuilder builder = world.Start();
  return builder.Read(world.address())
      .Store(world.Place(level), World::Other(level));
}

LitmusShape InveptSingle() {
  LitmusShape shape = {
      "invept-single",
      "INVEPT, single-context, of the EPTRTA in use",
      "After it every entry is as memory has it, whole translations and upper "
      "levels, for guest-physical and linear addresses.",
      {kSingle},
      "",
      {}};
  for (const World& world : kWorlds) {
    for (int level = 1; level <= 4; ++level) {
      shape.variants.push_back(
          ShapeVariant(
              world.Name(level),
              std::string("The ") + LevelWords(level) +
                  (level == 1 ? " maps another page."
                              : " references another table."),
              Moved(world, level).Invept(1, kEptp).Read(world.address()))
              .May(world.To(0xa234), "CACHE-3", kMemory)
              .MayNot(world.To(0x9234), "CACHE-6",
                      "INVEPT has ended what was kept"));
    }
  }
  shape.variants.push_back(
      ShapeVariant("low-bits",
                   "The descriptor differs from the EPTP in bit 6 alone: the "
                   "EPTRTA is the same, bits 51:12.",
                   Moved(kWorlds[0], 1).Invept(1, kEptp | 0x40).Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-6",
                  "it is associated with the EPTRTA, not with the EPTP"));
  shape.variants.push_back(
      ShapeVariant("another-vpid",
                   "The linear mapping was made under VPID 5, INVEPT comes "
                   "under VPID 6, and VPID 5 returns.",
                   Moved(kWorlds[1], 1)
                       .EnterWith(kFieldVpid, 6)
                       .Invept(1, kEptp)
                       .EnterWith(kFieldVpid, 5)
                       .Read(kGla))
          .May(Reaches(0xa234, 4), "CACHE-3", kMemory)
          .MayNot(Reaches(0x9234, 4), "CACHE-6",
                  "combined mappings are invalidated for all VPIDs"));
  return shape;
}

LitmusShape InveptAnotherRoot() {
  LitmusShape shape = {"invept-another-eptrta",
                       "INVEPT, single-context, of another EPTRTA",
                       "It need not end what was kept with the EPTRTA in use.",
                       {kSingle},
                       "A hypervisor that changes tables which several EPTPs "
                       "share has to execute INVEPT for each of them.",
                       {}};
  for (const World& world : kWorlds) {
    for (int level = 1; level <= 4; level += 3) {
      shape.variants.push_back(
          ShapeVariant(
              world.Name(level),
              std::string("The ") + LevelWords(level) + " has changed.",
              Moved(world, level).Invept(1, kOtherEptp).Read(world.address()))
              .May(world.To(0xa234), "CACHE-3", kMemory)
              .May(world.To(0x9234), "CACHE-3", kKept));
    }
  }
  shape.variants.push_back(
      ShapeVariant(
          "shared-tables",
          "Two roots share their tables. The translation was made under the "
          "second, INVEPT is of the first, and the second is used again.",
          Walk4()
              .Word(0xb000, 0x2007)
              .Eptp(kOtherEptp)
              .Read(0x1234)
              .Store(0x4008, 0xa037)
              .EnterWith(kFieldEptp, kEptp)
              .Invept(1, kEptp)
              .EnterWith(kFieldEptp, kOtherEptp)
              .Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  return shape;
}

LitmusShape InveptAllContext() {
  LitmusShape shape = {
      "invept-all-context",
      "INVEPT, all-context",
      "After it every entry is as memory has it, whatever the EPTRTA.",
      {kAll},
      "The descriptor does not count.",
      {}};
  for (const World& world : kWorlds) {
    for (int level = 1; level <= 4; level += 3) {
      shape.variants.push_back(
          ShapeVariant(
              world.Name(level),
              std::string("The ") + LevelWords(level) + " has changed.",
              Moved(world, level).Invept(2).Read(world.address()))
              .May(world.To(0xa234), "CACHE-3", kMemory)
              .MayNot(world.To(0x9234), "CACHE-6",
                      "INVEPT has ended what was kept"));
    }
  }
  shape.variants.push_back(
      ShapeVariant("from-another-root",
                   "It is executed while another EPTP is in use.",
                   Walk4()
                       .Word(0xb000, 0x2007)
                       .Read(0x1234)
                       .Store(0x4008, 0xa037)
                       .EnterWith(kFieldEptp, kOtherEptp)
                       .Invept(2)
                       .EnterWith(kFieldEptp, kEptp)
                       .Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-6",
                  "mappings of all EPTRTAs are invalidated"));
  return shape;
}

LitmusShape InveptThatFails() {
  LitmusShape shape = {
      "invept-that-fails",
      "INVEPT that fails",
      "It invalidates nothing.",
      {{"31.3",
        "IF IA32_VMX_EPT_VPID_CAP MSR indicates that processor does not "
        "support INVEPT_TYPE THEN VMfail(Invalid operand to INVEPT/INVVPID); "
        "[...] IF VM entry with the “enable EPT“ VM execution control set to 1 "
        "would fail due to the EPTP value THEN VMfail(Invalid operand to "
        "INVEPT/INVVPID); ELSE Invalidate mappings associated with "
        "EPTP[51:12];"}},
      "Software that does not look at the flags afterwards has invalidated "
      "nothing.",
      {}};
  shape.variants.push_back(
      ShapeVariant("type", "The type is none that is defined.",
                   Moved(kWorlds[0], 1).Invept(3, kEptp).Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant("eptp",
                   "The EPTRTA is right, and the memory type of the EPTP in "
                   "the descriptor one that VM entry refuses.",
                   Moved(kWorlds[0], 1).Invept(1, 0x1019).Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant(
          "unsupported",
          "The processor has no single-context INVEPT (capability bit 25).",
          Moved(kWorlds[0], 1).Without(25).Invept(1, kEptp).Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  return shape;
}

LitmusShape InveptTooEarly() {
  LitmusShape shape = {
      "invept-too-early",
      "INVEPT before the store",
      "What was invalidated may be kept again until the entry changes.",
      {{"29.4.3",
        "Software modifications of paging structures (including EPT paging "
        "structures and the data structures used to locate SPP vectors) may "
        "result in inconsistencies between those structures and the mappings "
        "cached by a logical processor."}},
      "An access in between is not needed: the processor may make translations "
      "that nobody asked for.",
      {}};
  for (const World& world : kWorlds) {
    CaseBuilder builder = world.Start();
    builder.Read(world.address())
        .Invept(1, kEptp)
        .Store(world.Place(1), 0xa037)
        .Read(world.address());
    shape.variants.push_back(
        ShapeVariant(world.linear() ? "linear" : "guest-physical",
                     "The PTE changes after INVEPT.", builder)
            .May(world.To(0xa234), "CACHE-3", kMemory)
            .May(world.To(0x9234), "CACHE-3",
                 "it may have been kept between steps 2 and 3"));
  }
  return shape;
}

}  // namespace

std::vector<LitmusShape> InveptShapes() {
  return {InveptSingle(), InveptAnotherRoot(), InveptAllContext(),
          InveptThatFails(), InveptTooEarly()};
}

}  // namespace eptdiff
