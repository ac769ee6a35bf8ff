// Several logical processors: memory is shared, and what is kept is not.
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

constexpr char kKeptThere[] = "processor 1 may have kept it";

const Passage kShootdown = {
    "29.4.3.4",
    "In a system containing more than one logical processor, software must "
    "account for the fact that information from an EPT paging-structure entry "
    "may be cached on logical processors other than the one that modifies that "
    "entry. The process of propagating the changes to a paging-structure entry "
    "is commonly referred to as “TLB shootdown.”"};

LitmusShape InveptElsewhere() {
  LitmusShape shape = {
      "invept-on-another-processor",
      "INVEPT on one processor, used on the other",
      "INVEPT ends what its own processor has kept.",
      {kShootdown},
      "The other processors have to be told, and to execute INVEPT themselves.",
      {}};
  for (const World& world : kWorlds) {
    for (int level = 1; level <= 4; level += 3) {
      CaseBuilder builder = world.Start();
      builder.Read(world.address())
          .On(1)
          .Store(world.Place(level), World::Other(level))
          .Invept(1, kEptp)
          .Read(world.address())
          .On(1);
      shape.variants.push_back(
          ShapeVariant(world.Name(level),
                       std::string("The ") + LevelWords(level) + " changes.",
                       builder)
              .May(world.To(0xa234), "CACHE-3", kMemory)
              .May(world.To(0x9234), "CACHE-3", kKeptThere));
    }
  }
  const World direct = World::GuestPhysical();
  shape.variants.push_back(ShapeVariant("all-context", "The same of type 2.",
                                        direct.Start()
                                            .Read(0x1234)
                                            .On(1)
                                            .Store(0x4008, 0xa037)
                                            .Invept(2)
                                            .Read(0x1234)
                                            .On(1))
                               .May(Completes(0xa234), "CACHE-3", kMemory)
                               .May(Completes(0x9234), "CACHE-3", kKeptThere));
  return shape;
}

LitmusShape Shootdown() {
  LitmusShape shape = {"shootdown",
                       "TLB shootdown",
                       "INVEPT on every processor that may have kept "
                       "something, after the store.",
                       {kShootdown},
                       "Each must execute it after the store; whose INVEPT "
                       "came before may have kept the old entry again.",
                       {}};
  shape.variants.push_back(ShapeVariant("complete",
                                        "Both execute INVEPT after the store.",
                                        Walk4()
                                            .Read(0x1234)
                                            .On(1)
                                            .Store(0x4008, 0xa037)
                                            .Invept(1, kEptp)
                                            .Invept(1, kEptp)
                                            .On(1)
                                            .Read(0x1234)
                                            .On(1))
                               .May(Completes(0xa234), "CACHE-3", kMemory)
                               .MayNot(Completes(0x9234), "CACHE-6",
                                       "INVEPT on processor 1 has ended it"));
  shape.variants.push_back(
      ShapeVariant("one-too-early", "Processor 1 executes it before the store.",
                   Walk4()
                       .Read(0x1234)
                       .On(1)
                       .Invept(1, kEptp)
                       .On(1)
                       .Store(0x4008, 0xa037)
                       .Invept(1, kEptp)
                       .Read(0x1234)
                       .On(1))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3",
               "processor 1 may have kept it between steps 2 and 3"));
  shape.variants.push_back(
      ShapeVariant("never-ran-there",
                   "Processor 1 has made no access: it may have kept the "
                   "translation all the same, once it has entered the guest.",
                   Walk4()
                       .Read(0x1234)
                       .Store(0x4008, 0xa037)
                       .Invept(1, kEptp)
                       .Read(0x1234)
                       .On(1))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3",
               "prefetches and speculation may have made the translation"));
  return shape;
}

LitmusShape CombinedElsewhere() {
  LitmusShape shape = {
      "invvpid-on-another-processor",
      "INVVPID or INVLPG on one processor, used on the other",
      "They end what their own processor has kept, like INVEPT.",
      {{"3A 4.10.5",
        "In a system containing more than one logical processor, software must "
        "account for the fact that there may be entries in the TLBs and "
        "paging-structure caches of logical processors other than the one used "
        "to modify the paging-structure entry."},
       kShootdown},
      "A VPID that a virtual processor takes along to another logical "
      "processor finds there what it left when it was there before.",
      {}};
  const auto start = [] {
    return Guest4().Vpid(5).Read(kGla).On(1).Store(kGuestPte, 0x16067);
  };
  const auto add = [&](const char* name, const char* title,
                       const CaseBuilder& builder) {
    shape.variants.push_back(
        ShapeVariant(name, title, builder)
            .May(Reaches(0x26234, 4), "CACHE-3", kMemory)
            .May(Reaches(0x20234, 4), "CACHE-3", kKeptThere));
  };
  add("invvpid", "INVVPID, single-context.",
      start().Invvpid(1, 5).Read(kGla).On(1));
  add("invlpg", "INVLPG.", start().Invlpg(kGla).Read(kGla).On(1));
  add("mov-cr3", "MOV to CR3.",
      start().Give(GuestRegister::kCr3, 0x14000).Read(kGla).On(1));
  return shape;
}

}  // namespace

std::vector<LitmusShape> ProcessorShapes() {
  return {InveptElsewhere(), Shootdown(), CombinedElsewhere()};
}

}  // namespace eptdiff
