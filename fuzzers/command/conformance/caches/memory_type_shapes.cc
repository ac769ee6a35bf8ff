// A page keeps its place, and has another memory type.
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

const Passage kNeeded = {
    "29.4.3.4",
    "Software should use the INVEPT instruction with the “single-context” "
    "INVEPT type after making any of the following changes to an EPT "
    "paging-structure entry [...]: For the last EPT paging-structure entry "
    "used to translate a guest-physical address (an EPT PDPTE with bit 7 set "
    "to 1, an EPT PDE with bit 7 set to 1, or an EPT PTE), changing either "
    "bits 5:3 or bit 6."};

LitmusShape MemoryTypeChanged() {
  LitmusShape shape = {
      "memory-type-changed",
      "Memory type changed",
      "Bits 5:3 or bit 6 of the last entry change: the access may still have "
      "the old memory type.",
      {kNeeded,
       {"29.4.1",
        "The information in guest-physical mappings about access privileges "
        "and memory typing is derived from EPT paging structures."}},
      "The page stays where it is; with which memory type it is accessed may "
      "be yesterday's.",
      {}};
  const auto add = [&](const char* name, const char* title,
                       const CaseBuilder& builder, Answer now, Answer before) {
    shape.variants.push_back(
        ShapeVariant(name, title, builder)
            .May(std::move(now), "CACHE-3", kMemory)
            .May(
                std::move(before), "CACHE-3",
                "the memory type may have been kept: CACHE-9 asks for INVEPT"));
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
      "Bit 6 (ignore PAT) of the PTE, where the guest's PAT says UC: only with "
      "the bit the page is WB.",
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
          "By a linear address: the guest's PTE comes to select an entry of "
          "the PAT that is UC.",
          Guest4().Vpid(5).Read(kGla).Store(kGuestPte, 0x1007f).Read(kGla))
          .May(Reaches(0x20234, 4).Type(uc), "CACHE-3", kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3", kKept));
  return shape;
}

LitmusShape PatChanged() {
  LitmusShape shape = {
      "pat-changed",
      "IA32_PAT changed",
      "The guest gives IA32_PAT another value: a translation may still have "
      "the memory type that was made of the old one.",
      {{"29.4.1",
        "Combined translations. Each of these is a mapping from a linear page "
        "number to the physical page frame to which it translates, along with "
        "information about access privileges and memory typing."},
       {"3A 4.10.2.2",
        "It contains the following information from the paging-structure "
        "entries used to translate linear addresses with the page number: "
        "[...] Attributes from a paging-structure entry that identifies the "
        "final page frame for the page number [...]: The dirty flag [...]. The "
        "memory type [...]."},
       {"3A 12.12.4",
        "The operating system is responsible for insuring that changes to a "
        "PAT entry occur in a manner that maintains the consistency of the "
        "processor caches and translation lookaside buffers (TLB)."}},
      "WRMSR is none of the operations that invalidate. The guest's PTE "
      "selects PAT entry 1, which was WT and becomes UC.",
      {}};
  constexpr std::uint64_t kPat = 0x0007'0406'0007'0006;
  const Answer now = Reaches(0x20234, 4).Type(MemoryType::kUncacheable);
  const Answer before = Reaches(0x20234, 4).Type(MemoryType::kWriteThrough);
  const auto start = [&] {
    return Guest4().Vpid(5).GuestPte(0x1006f).Read(kGla).Give(
        GuestRegister::kPat, kPat);
  };
  shape.variants.push_back(
      ShapeVariant("wrmsr", "Nothing is invalidated.", start().Read(kGla))
          .May(now, "CACHE-3", kMemory)
          .May(before, "CACHE-3",
               "the translation of step 1 may have been kept, with its type"));
  shape.variants.push_back(
      ShapeVariant("invlpg", "INVLPG comes after it.",
                   start().Invlpg(kGla).Read(kGla))
          .May(now, "CACHE-3", kMemory)
          .MayNot(before, "CACHE-8", "INVLPG has ended the translation"));
  shape.variants.push_back(
      ShapeVariant("another-page",
                   "The page is another one, of which nothing was kept: the "
                   "PTE is not present until then.",
                   Guest4()
                       .Vpid(5)
                       .GuestPte(0x1006f)
                       .Read(kGla)
                       .Give(GuestRegister::kPat, kPat)
                       .Store(kGuestPte + 8, 0x1606f)
                       .Read(kGla + 0x1000))
          .May(Reaches(0x26234, 4).Type(MemoryType::kUncacheable), "CACHE-3",
               kMemory)
          .MayNot(Reaches(0x26234, 4).Type(MemoryType::kWriteThrough),
                  "CACHE-3", "the upper levels have no memory type of a page"));
  return shape;
}

}  // namespace

std::vector<LitmusShape> MemoryTypeShapes() {
  return {MemoryTypeChanged(), PatChanged()};
}

}  // namespace eptdiff
