// Two changes, one after the other: entries are read from the root down, at
// moments that do not decrease.
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

const Passage kUpper = {
    "29.4.1",
    "Guest-physical paging-structure-cache entries. Each of these is a mapping "
    "from the upper portion of a guest-physical address to the physical "
    "address of the EPT paging structure used to translate the corresponding "
    "region of the guest-physical address space, along with information about "
    "access privileges."};
const Passage kRetain = {
    "3A 4.10.3.1",
    "If the processor creates a PDE-cache entry, the processor may retain it "
    "unmodified even if software subsequently modifies the corresponding "
    "PML4E, the PDPTE, or the PDE in memory."};

LitmusShape OldTable() {
  LitmusShape shape = {"old-table",
                       "A table that is no longer linked is still read",
                       "Entries change in the old page table after the PDE has "
                       "left it: the access may meet them there.",
                       {kUpper, kRetain},
                       "Kept is the PDE alone, and what lies below it is read "
                       "when the access is made. Software that writes to an "
                       "old table before INVEPT writes to one that is in use.",
                       {}};
  shape.variants.push_back(
      ShapeVariant("another-page",
                   "The old table gets an entry for a page that had none.",
                   Walk4()
                       .Word(0x34010, 0xc037)
                       .Read(0x1234)
                       .Store(0x3000, 0x34007)
                       .Store(0x4010, 0xd037)
                       .Read(0x2234))
          .May(Completes(0xc234), "CACHE-3", kMemory)
          .May(Completes(0xd234), "CACHE-4",
               "by the PDE of step 1, and the entry of step 3"));
  shape.variants.push_back(
      ShapeVariant("the-same-page",
                   "The entry that was used changes in the old table.",
                   Walk4()
                       .Word(0x34008, 0xa037)
                       .Read(0x1234)
                       .Store(0x3000, 0x34007)
                       .Store(0x4008, 0xd037)
                       .Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0xd234), "CACHE-4",
               "by the PDE of step 1, and the entry of step 3")
          .May(Completes(0x9234), "CACHE-3",
               "the translation of step 1 may have been kept"));
  shape.variants.push_back(
      ShapeVariant("with-fewer-rights",
                   "The PDE has lost W since, the old table has gained a page: "
                   "the right comes from the entry that was kept.",
                   Walk4()
                       .Read(0x1234)
                       .Store(0x3000, 0x4005)
                       .Store(0x4010, 0xd037)
                       .Write(0x2234))
          .May(Violation(0x5aa, 0x2234), "CACHE-3", kMemory)
          .May(Completes(0xd234), "CACHE-4",
               "by the PDE of step 1, which had W, and the entry of step 3"));
  return shape;
}

LitmusShape NeverLinked() {
  LitmusShape shape = {
      "never-linked",
      "What a table held before it was linked",
      "A page table is prepared before a PDE references it: what stood in it "
      "until then was never translated.",
      {kUpper,
       {"29.4.2",
        "Guest-physical mappings may be created. They are derived from the EPT "
        "paging structures referenced (directly or indirectly) by bits 51:12 "
        "of the current EPTP."}},
      "This is why a table may be filled at leisure and linked at the end, "
      "without INVEPT in between.",
      {}};
  shape.variants.push_back(
      ShapeVariant("prepared",
                   "The entry has its last value before the table is linked.",
                   Walk4()
                       .Word(0x34008, 0xa037)
                       .Read(0x1234)
                       .Store(0x34008, 0xb037)
                       .Store(0x3000, 0x34007)
                       .Read(0x1234))
          .May(Completes(0xb234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3",
               "the translation of step 1 may have been kept")
          .MayNot(Completes(0xa234), "CACHE-3",
                  "when the entry was so, nothing led there"));
  shape.variants.push_back(
      ShapeVariant("changed-after",
                   "The other order: linked first, and changed then.",
                   Walk4()
                       .Word(0x34008, 0xa037)
                       .Read(0x1234)
                       .Store(0x3000, 0x34007)
                       .Store(0x34008, 0xb037)
                       .Read(0x1234))
          .May(Completes(0xb234), "CACHE-3", kMemory)
          .May(Completes(0xa234), "CACHE-3",
               "the new PDE and the entry may have been read between steps 2 "
               "and 3")
          .May(Completes(0x9234), "CACHE-3",
               "the translation of step 1 may have been kept"));
  shape.variants.push_back(
      ShapeVariant("first-link",
                   "Nothing was there before: the PDE was not present.",
                   Walk4()
                       .Pde(0)
                       .Word(0x4008, 0x9037)
                       .Store(0x4008, 0xb037)
                       .Store(0x3000, 0x4007)
                       .Read(0x1234))
          .May(Completes(0xb234), "CACHE-2", kMemory)
          .MayNot(Completes(0x9234), "CACHE-3",
                  "when the entry was so, nothing led there"));
  return shape;
}

LitmusShape UnlinkedAndLinkedAgain() {
  LitmusShape shape = {"unlinked-and-linked-again",
                       "Unlinked and linked again",
                       "A table is taken out, changed, and put back where it "
                       "was, without INVEPT.",
                       {kUpper, kRetain},
                       "To take a table out protects nothing: the translations "
                       "from before it may have stayed all the time.",
                       {}};
  shape.variants.push_back(
      ShapeVariant("without-invept", "Nothing is invalidated.",
                   Walk4()
                       .Read(0x1234)
                       .Store(0x3000, 0)
                       .Store(0x4008, 0xa037)
                       .Store(0x3000, 0x4007)
                       .Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3",
               "the translation of step 1 may have been kept"));
  shape.variants.push_back(
      ShapeVariant("invept-while-unlinked",
                   "INVEPT comes while it is out: once is enough.",
                   Walk4()
                       .Read(0x1234)
                       .Store(0x3000, 0)
                       .Invept(1, kEptp)
                       .Store(0x4008, 0xa037)
                       .Store(0x3000, 0x4007)
                       .Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-6",
                  "INVEPT has ended it, and since then nothing led there"));
  shape.variants.push_back(
      ShapeVariant("invept-too-early", "INVEPT comes before it is taken out.",
                   Walk4()
                       .Read(0x1234)
                       .Invept(1, kEptp)
                       .Store(0x3000, 0)
                       .Store(0x4008, 0xa037)
                       .Store(0x3000, 0x4007)
                       .Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3",
               "between steps 2 and 3 it may have been kept again"));
  return shape;
}

LitmusShape TwoChanges() {
  LitmusShape shape = {
      "two-changes",
      "Two entries of one walk change",
      "First the lower entry, then the upper one, or the other way round: "
      "which mixtures of old and new there are.",
      {kUpper, kRetain},
      "A mixture needs a moment at which its lower entry stood where its upper "
      "entry, as it was kept, led.",
      {}};
  shape.variants.push_back(
      ShapeVariant("lower-first", "The PTE, then the PDE.",
                   Walk4()
                       .Word(0x34008, 0xc037)
                       .Read(0x1234)
                       .Store(0x4008, 0xa037)
                       .Store(0x3000, 0x34007)
                       .Read(0x1234))
          .May(Completes(0xc234), "CACHE-3", kMemory)
          .May(Completes(0xa234), "CACHE-3",
               "the old PDE with the new PTE: both stood between steps 2 and 3")
          .May(Completes(0x9234), "CACHE-3",
               "the translation of step 1 may have been kept"));
  shape.variants.push_back(
      ShapeVariant("rights-of-both",
                   "The PDE loses W and gets it back, while the PTE gains it: "
                   "at no moment were both without.",
                   Walk4()
                       .Pte(0x9035)
                       .Pde(0x4007)
                       .Read(0x1234)
                       .Store(0x4008, 0x9037)
                       .Store(0x3000, 0x4005)
                       .Write(0x1234))
          .May(Violation(0x5aa, 0x1234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3",
               "between steps 2 and 3 both allowed it"));
  shape.variants.push_back(
      ShapeVariant(
          "handed-over",
          "The PDE loses W before the PTE gains it: at no moment did both "
          "allow the write, and an upper entry that was kept does.",
          Walk4()
              .Pte(0x9035)
              .Pde(0x4007)
              .Read(0x1234)
              .Store(0x3000, 0x4005)
              .Store(0x4008, 0x9037)
              .Write(0x1234))
          .May(Violation(0x5aa, 0x1234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-4",
               "by the PDE of step 1, which had W, and the PTE of step 3"));
  return shape;
}

LitmusShape GuestTableMoved() {
  LitmusShape shape = {
      "guest-table-moved",
      "EPT moves the guest's page table",
      "The EPT PTE of a guest page table leads to another frame, where other "
      "entries stand.",
      {{"29.4.1",
        "The information in combined mappings about access privileges and "
        "memory typing is derived from both guest paging structures and EPT "
        "paging structures."},
       {"29.4.3.2",
        "Operations that architecturally invalidate entries in the TLBs or "
        "paging-structure caches independent of VMX operation are not required "
        "to invalidate any guest-physical mappings."}},
      "A combined mapping may rest on the old frame. Where it has been ended, "
      "the guest-physical mapping of the page table may still lead there: two "
      "clocks, and only INVEPT stops both. The new frame is 0x61000.",
      {}};
  const auto start = [] {
    return Guest4()
        .Vpid(5)
        .Word(0x61aa8, 0x16067)
        .Read(kGla)
        .Store(0x4088, 0x61037);
  };
  const Answer now = Reaches(0x26234, 4), before = Reaches(0x20234, 4);
  shape.variants.push_back(
      ShapeVariant("without-invept", "Nothing is invalidated.",
                   start().Read(kGla))
          .May(now, "CACHE-3", kMemory)
          .May(before, "CACHE-3",
               "the combined mapping of step 1 may have been kept"));
  shape.variants.push_back(ShapeVariant("invlpg", "The guest executes INVLPG.",
                                        start().Invlpg(kGla).Read(kGla))
                               .May(now, "CACHE-3", kMemory)
                               .May(before, "CACHE-3",
                                    "the guest-physical mapping of the page "
                                    "table may have been kept"));
  shape.variants.push_back(ShapeVariant("invvpid", "INVVPID, single-context.",
                                        start().Invvpid(1, 5).Read(kGla))
                               .May(now, "CACHE-3", kMemory)
                               .May(before, "CACHE-3",
                                    "the guest-physical mapping of the page "
                                    "table may have been kept"));
  shape.variants.push_back(
      ShapeVariant("invept", "INVEPT, single-context.",
                   start().Invept(1, kEptp).Read(kGla))
          .May(now, "CACHE-3", kMemory)
          .MayNot(before, "CACHE-6",
                  "INVEPT has ended mappings of both kinds"));
  shape.variants.push_back(
      ShapeVariant("old-frame-written",
                   "The old frame is written to after it has been replaced, "
                   "and INVVPID ends the combined mapping.",
                   start()
                       .Store(kGuestPte, 0x1067)
                       .Invvpid(1, 5)
                       .EptPte(0x1000, 0)
                       .Word(0x4008, 0xd037)
                       .Read(kGla))
          .May(now, "CACHE-3", kMemory)
          .May(Reaches(0xd234, 4), "CACHE-3",
               "by the guest-physical mapping of the page table, and the old "
               "frame as it is")
          .MayNot(before, "CACHE-7",
                  "nobody can read that entry any more, and what was made of "
                  "it INVVPID has ended"));
  return shape;
}

}  // namespace

std::vector<LitmusShape> OrderShapes() {
  return {OldTable(), NeverLinked(), UnlinkedAndLinkedAgain(), TwoChanges(),
          GuestTableMoved()};
}

}  // namespace eptdiff
