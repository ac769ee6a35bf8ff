// Accessed and dirty flags.
#include "fuzzers/command/conformance/caches/passages.h"
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

const Passage kSets = {
    "29.3.5",
    "Whenever there is a write to a guest-physical address, the processor sets "
    "the dirty flag (if it is not already set) in the EPT paging-structure "
    "entry that identifies the final physical address for the guest-physical "
    "address."};

LitmusShape AccessedCleared() {
  LitmusShape shape = {"accessed-cleared",
                       "Accessed flag cleared",
                       "Software clears an accessed flag without INVEPT: the "
                       "next access need not set it.",
                       {kFlagsAreSticky, kFlagsNeedInvept},
                       "Who samples accessed flags to find idle pages finds "
                       "too many, until INVEPT.",
                       {}};
  const struct {
    const char* name;
    std::uint64_t place, with, without;
  } kEntries[] = {{"pte", 0x4008, 0x9137, 0x9037},
                  {"pde", 0x3000, 0x4107, 0x4007},
                  {"pdpte", 0x2000, 0x3107, 0x3007},
                  {"pml4e", 0x1000, 0x2107, 0x2007}};
  for (const auto& entry : kEntries) {
    shape.variants.push_back(
        ShapeVariant(entry.name, "The flag is cleared after an access.",
                     Flagged(0x9137)
                         .Read(0x1234)
                         .Store(entry.place, entry.without)
                         .Read(0x1234))
            .May(Completes(0x9234).Writes(entry.place, entry.with), "CACHE-3",
                 kMemory)
            .May(Completes(0x9234), "CACHE-10",
                 "the entry may have been kept with its flag set"));
  }
  shape.variants.push_back(
      ShapeVariant("invept", "The same, and INVEPT.",
                   Flagged(0x9137)
                       .Read(0x1234)
                       .Store(0x4008, 0x9037)
                       .Invept(1, kEptp)
                       .Read(0x1234))
          .May(Completes(0x9234).Writes(0x4008, 0x9137), "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-6",
                  "INVEPT has ended the entry with its flag"));
  return shape;
}

LitmusShape DirtyCleared() {
  LitmusShape shape = {
      "dirty-cleared",
      "Dirty flag cleared",
      "Software clears a dirty flag without INVEPT: the next write need not "
      "set it.",
      {kFlagsAreSticky, kFlagsNeedInvept},
      "A page that is written to afterwards is lost to live migration.",
      {}};
  shape.variants.push_back(
      ShapeVariant(
          "pte", "The PTE.",
          Flagged(0x9337).Write(0x1234).Store(0x4008, 0x9137).Write(0x1234))
          .May(Completes(0x9234).Writes(0x4008, 0x9337), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-10",
               "the entry may have been kept with its flag set"));
  shape.variants.push_back(
      ShapeVariant("pde", "A PDE that maps 2 MBytes.",
                   Walk4()
                       .AccessedDirty()
                       .Pml4e(0x2107)
                       .Pdpte(0x3107)
                       .Pde(0x2003b7)
                       .Write(0x1234)
                       .Store(0x3000, 0x2001b7)
                       .Write(0x1234))
          .May(Completes(0x201234).Size(21).Writes(0x3000, 0x2003b7), "CACHE-3",
               kMemory)
          .May(Completes(0x201234).Size(21), "CACHE-10",
               "the entry may have been kept with its flag set"));
  shape.variants.push_back(
      ShapeVariant(
          "both", "Accessed and dirty flag of the PTE at once.",
          Flagged(0x9337).Write(0x1234).Store(0x4008, 0x9037).Write(0x1234))
          .May(Completes(0x9234).Writes(0x4008, 0x9337), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-10",
               "the entry may have been kept with both flags set"));
  shape.variants.push_back(
      ShapeVariant("invept", "The same, and INVEPT.",
                   Flagged(0x9337)
                       .Write(0x1234)
                       .Store(0x4008, 0x9137)
                       .Invept(1, kEptp)
                       .Write(0x1234))
          .May(Completes(0x9234).Writes(0x4008, 0x9337), "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-6",
                  "INVEPT has ended the entry with its flag"));
  shape.variants.push_back(
      ShapeVariant("guest-table",
                   "The EPT PTE of the guest's page table, which each walk "
                   "through it writes to, as EPT sees it.",
                   Guest4()
                       .Vpid(5)
                       .AccessedDirty()
                       .Pml4e(0x2107)
                       .Pdpte(0x3107)
                       .Pde(0x4107)
                       .Pte(0x20337)
                       .EptPte(0x11000, 0x21337)
                       .EptPte(0x12000, 0x22337)
                       .EptPte(0x13000, 0x23337)
                       .EptPte(0x14000, 0x24337)
                       .Read(kGla)
                       .Store(0x4088, 0x21137)
                       .Read(kGla))
          .May(Reaches(0x20234, 4).Writes(0x4088, 0x21337), "CACHE-3", kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3",
               "the combined mapping may have been kept, and no table of the "
               "guest is read"));
  return shape;
}

LitmusShape DirtyWasClear() {
  LitmusShape shape = {"dirty-was-clear",
                       "A translation that was kept with its dirty flag clear",
                       "A page is read, and then written to: the write sets "
                       "the flag, whatever was kept.",
                       {kSets},
                       "Only a set flag can be kept to an effect. A processor "
                       "that keeps a clean translation has to walk again, or "
                       "to set the flag, before the write.",
                       {}};
  shape.variants.push_back(
      ShapeVariant("pte", "Nothing has changed in between.",
                   Flagged(0x9137).Read(0x1234).Write(0x1234))
          .May(Completes(0x9234).Writes(0x4008, 0x9337), "CACHE-10", kMemory)
          .MayNot(
              Completes(0x9234), "CACHE-10",
              "the flag is not set, neither in memory nor in what was kept"));
  shape.variants.push_back(
      ShapeVariant("linear", "By a linear address.",
                   Guest4()
                       .Vpid(5)
                       .GuestPte(0x80'0000'1067)
                       .AccessedDirty()
                       .Pml4e(0x2107)
                       .Pdpte(0x3107)
                       .Pde(0x4107)
                       .EptPte(0x11000, 0x21337)
                       .EptPte(0x12000, 0x22337)
                       .EptPte(0x13000, 0x23337)
                       .EptPte(0x14000, 0x24337)
                       .Word(0x1008, 0x42107)
                       .Word(0x42000, 0x43107)
                       .Word(0x43000, 0x44107)
                       .Word(0x44008, 0x9137)
                       .Read(kGla)
                       .Write(kGla))
          .May(Reaches(0x9234, 4).Writes(0x44008, 0x9337), "CACHE-10", kMemory)
          .MayNot(
              Reaches(0x9234, 4), "CACHE-10",
              "the flag is not set, neither in memory nor in what was kept"));
  return shape;
}

LitmusShape CleanAndMoved() {
  LitmusShape shape = {
      "dirty-was-clear-and-moved",
      "A clean translation whose entry has changed",
      "A translation was kept with its dirty flag clear, and its entry is "
      "another when the page is written to: where the flag is set.",
      {kSets},
      "By the letter, the flag is set in the entry that identified the "
      "address, whatever that holds now. Who walks again before the write, and "
      "uses what he finds, answers as memory does; both are permitted. That a "
      "flag may appear in an entry that is not present, software has to bear: "
      "it must not take such an entry for free bits before INVEPT.",
      {}};
  constexpr char kOld[] = "the old page, and the flag in its entry";
  shape.variants.push_back(
      ShapeVariant(
          "moved", "The PTE maps another page.",
          Flagged(0x9137).Read(0x1234).Store(0x4008, 0xa137).Write(0x1234))
          .May(Completes(0xa234).Writes(0x4008, 0xa337), "CACHE-3", kMemory)
          .May(Completes(0x9234).Writes(0x4008, 0xa337), "CACHE-3", kOld)
          .MayNot(Completes(0x9234), "CACHE-10",
                  "a write sets the flag in some entry"));
  shape.variants.push_back(
      ShapeVariant(
          "write-protected", "The PTE has lost W, too.",
          Flagged(0x9137).Read(0x1234).Store(0x4008, 0x9135).Write(0x1234))
          .May(Violation(0x5aa, 0x1234), "CACHE-3", kMemory)
          .May(Completes(0x9234).Writes(0x4008, 0x9335), "CACHE-3",
               "the right may have been kept, and the flag is set in the entry "
               "that was read then"));
  shape.variants.push_back(
      ShapeVariant("unmapped", "The PTE is cleared.",
                   Flagged(0x9137).Read(0x1234).Store(0x4008, 0).Write(0x1234))
          .May(Violation(0x582, 0x1234), "CACHE-3", kMemory)
          .May(Completes(0x9234).Writes(0x4008, 0x200), "CACHE-3", kOld)
          .May(Completes(0x9234).Writes(0x4008, 0x300), "CACHE-3",
               "the same, and the accessed flag set once more"));
  shape.variants.push_back(
      ShapeVariant("by-the-pde",
                   "The PDE references another table, and the PTE there maps "
                   "another page.",
                   Flagged(0x9137)
                       .Word(0x34008, 0xa137)
                       .Read(0x1234)
                       .Store(0x3000, 0x34107)
                       .Write(0x1234))
          .May(Completes(0xa234).Writes(0x34008, 0xa337), "CACHE-3", kMemory)
          .May(Completes(0x9234).Writes(0x4008, 0x9337), "CACHE-3", kOld)
          .Open(Completes(0x9234).Writes(0x34008, 0xa337),
                "flag-of-a-kept-leaf",
                "the old page, and the flag where a walk leads now"));
  return shape;
}

LitmusShape GuestFlagsCleared() {
  LitmusShape shape = {
      "guest-flags-cleared",
      "Guest accessed or dirty flag cleared",
      "The guest clears a flag of its own without INVLPG: it need not be set "
      "again.",
      {{"3A 4.10.4.3",
        "If software modifies a paging-structure entry that identifies the "
        "final physical address for a linear address [...] to change the dirty "
        "flag from 1 to 0, failure to perform an invalidation may result in "
        "the processor not setting that bit in response to a subsequent write "
        "to a linear address whose translation uses the entry."}},
      "",
      {}};
  shape.variants.push_back(
      ShapeVariant(
          "accessed", "The accessed flag of the PTE, and a read.",
          Guest4().Vpid(5).Read(kGla).Store(kGuestPte, 0x10047).Read(kGla))
          .May(Reaches(0x20234, 4).Writes(kGuestPte, 0x10067), "CACHE-3",
               kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3",
               "the entry may have been kept with its flag set"));
  shape.variants.push_back(
      ShapeVariant(
          "dirty", "The dirty flag of the PTE, and a write.",
          Guest4().Vpid(5).Write(kGla).Store(kGuestPte, 0x10027).Write(kGla))
          .May(Reaches(0x20234, 4).Writes(kGuestPte, 0x10067), "CACHE-3",
               kMemory)
          .May(Reaches(0x20234, 4), "CACHE-3",
               "the entry may have been kept with its flag set"));
  shape.variants.push_back(
      ShapeVariant("invlpg", "The same, and INVLPG.",
                   Guest4()
                       .Vpid(5)
                       .Write(kGla)
                       .Store(kGuestPte, 0x10027)
                       .Invlpg(kGla)
                       .Write(kGla))
          .May(Reaches(0x20234, 4).Writes(kGuestPte, 0x10067), "CACHE-3",
               kMemory)
          .MayNot(Reaches(0x20234, 4), "CACHE-8",
                  "INVLPG has ended the entry with its flag"));
  return shape;
}

}  // namespace

std::vector<LitmusShape> FlagShapes() {
  return {AccessedCleared(), DirtyCleared(), DirtyWasClear(), CleanAndMoved(),
          GuestFlagsCleared()};
}

}  // namespace eptdiff
