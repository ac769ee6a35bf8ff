#include "fuzzers/command/conformance/caches/guest_subjects.h"

#include <utility>

#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

// The PDE of kGla becomes not present, and a page table that was its gets an
// entry for the next page, after `between`. Its last step reads that.
CaseBuilder ReadsBeyondUnlinked(const Invalidate& between) {
  CaseBuilder builder = Guest4().Vpid(5).Read(kGla).Store(kGuestPde, 0);
  between(builder);
  return builder.Store(kGuestPte + 8, 0x16067).Read(kNextGla);
}

}  // namespace

void AddGuestPte(LitmusShape& shape, std::string name, std::string title,
                 const CaseBuilder& moved, const Invalidate& invalidate,
                 std::string rule) {
  CaseBuilder builder = moved;
  invalidate(builder);
  shape.variants.push_back(
      ShapeVariant(std::move(name), std::move(title), builder.Read(kGla))
          .May(Reaches(0x26234, 4), "CACHE-3", kMemory)
          .MayNot(Reaches(0x20234, 4), std::move(rule),
                  "the translation of step 1 has been ended"));
}

void AddGuestUpper(LitmusShape& shape, const Invalidate& invalidate,
                   std::string rule) {
  shape.variants.push_back(
      ShapeVariant("guest-pde",
                   "The guest PDE is cleared, and the page table that it "
                   "referenced gets an entry for the next page: only by the "
                   "PDE as it was could that be reached.",
                   ReadsBeyondUnlinked(invalidate))
          .May(PageFault(0, kGla + 0x1000), "CACHE-3", kMemory)
          .MayNot(Reaches(0x26234, 4), std::move(rule),
                  "the upper entries that were kept have been ended"));
}

void AddGuestPteKept(LitmusShape& shape, std::string name, std::string title,
                     const CaseBuilder& moved, const Invalidate& invalidate,
                     std::string why) {
  CaseBuilder builder = moved;
  invalidate(builder);
  shape.variants.push_back(
      ShapeVariant(std::move(name), std::move(title), builder.Read(kGla))
          .May(Reaches(0x26234, 4), "CACHE-3", kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3", std::move(why)));
}

void AddEptKept(LitmusShape& shape, const Invalidate& invalidate) {
  for (const World& world : {World::Linear(), World::GuestPhysical()}) {
    CaseBuilder builder = world.Start();
    builder.Vpid(5).Read(world.address()).Store(world.Place(1), 0xa037);
    invalidate(builder);
    shape.variants.push_back(
        ShapeVariant(
            world.linear() ? "ept-pte" : "guest-physical",
            world.linear()
                ? "The EPT PTE of the page has changed: the combined mapping "
                  "is ended, and may be made again of the guest-physical one."
                : "By a guest-physical address.",
            builder.Read(world.address()))
            .May(world.To(0xa234), "CACHE-3", kMemory)
            .May(world.To(0x9234), "CACHE-3",
                 "guest-physical mappings need not be invalidated"));
  }
}

}  // namespace eptdiff
