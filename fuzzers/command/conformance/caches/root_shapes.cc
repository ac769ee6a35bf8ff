// EPTP and the controls: what was kept under one EPTRTA, and its use under
// another, or the same with other controls.
#include "fuzzers/command/conformance/caches/passages.h"
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

// Two roots in the EPTP list: 1000H, and B000H with tables of its own, which
// lead to A000H.
CaseBuilder TwoRoots() {
  return Walk4()
      .EptpSwitching()
      .Word(0x7000, kEptp)
      .Word(0x7008, kOtherEptp)
      .Word(0xb000, 0x32007)
      .Word(0x32000, 0x33007)
      .Word(0x33000, 0x34007)
      .Word(0x34008, 0xa037);
}

LitmusShape EptpSwitchedAndBack() {
  LitmusShape shape = {
      "eptp-switched-and-back",
      "EPTP switched away and back",
      "What was kept with an EPTRTA waits until that is used again.",
      {kTags, kTransitions},
      "An entry that changes while its root is not in use needs INVEPT all the "
      "same, before the root is used again.",
      {}};
  shape.variants.push_back(
      ShapeVariant("vmfunc", "By VMFUNC, and the PTE changes in between.",
                   TwoRoots()
                       .Read(0x1234)
                       .Switch(1)
                       .Store(0x4008, 0xd037)
                       .Switch(0)
                       .Read(0x1234))
          .May(Completes(0xd234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant("vm-entry", "By VM entry, and the PTE changes in between.",
                   TwoRoots()
                       .Read(0x1234)
                       .EnterWith(kFieldEptp, kOtherEptp)
                       .Store(0x4008, 0xd037)
                       .EnterWith(kFieldEptp, kEptp)
                       .Read(0x1234))
          .May(Completes(0xd234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant("changed-while-away",
                   "The PTE is another from before the switch back until after "
                   "it, and as it was again: what it was while its root was "
                   "not in use, nobody kept.",
                   TwoRoots()
                       .Switch(1)
                       .Store(0x4008, 0xd037)
                       .Store(0x4008, 0xe037)
                       .Switch(0)
                       .Read(0x1234))
          .May(Completes(0xe234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3",
               "it may have been kept before step 1")
          .MayNot(Completes(0xd234), "CACHE-3",
                  "when the entry was so, its root was not in use"));
  shape.variants.push_back(
      ShapeVariant("invept", "INVEPT of the EPTRTA, while the other is in use.",
                   TwoRoots()
                       .Read(0x1234)
                       .EnterWith(kFieldEptp, kOtherEptp)
                       .Store(0x4008, 0xd037)
                       .Invept(1, kEptp)
                       .EnterWith(kFieldEptp, kEptp)
                       .Read(0x1234))
          .May(Completes(0xd234), "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-6",
                  "INVEPT has ended what was kept"));
  return shape;
}

LitmusShape EptpSwitched() {
  LitmusShape shape = {
      "eptp-switched",
      "EPTP switched to another root",
      "Nothing that was kept with one EPTRTA serves another.",
      {kTags,
       {"29.4.3.3",
        "If a VMM uses different EPTP values for different guests, it may use "
        "the same VPID for those guests. Doing so cannot result in one guest "
        "using translations that pertain to the other."}},
      "",
      {}};
  shape.variants.push_back(
      ShapeVariant("vmfunc", "By VMFUNC.",
                   TwoRoots().Read(0x1234).Switch(1).Read(0x1234))
          .May(Completes(0xa234), "CACHE-1", kMemory)
          .MayNot(Completes(0x9234), "CACHE-1",
                  "it is associated with the other EPTRTA"));
  shape.variants.push_back(
      ShapeVariant("vm-entry", "By VM entry.",
                   TwoRoots()
                       .Read(0x1234)
                       .EnterWith(kFieldEptp, kOtherEptp)
                       .Read(0x1234))
          .May(Completes(0xa234), "CACHE-1", kMemory)
          .MayNot(Completes(0x9234), "CACHE-1",
                  "it is associated with the other EPTRTA"));
  shape.variants.push_back(
      ShapeVariant("one-vpid",
                   "One VPID with two roots, by a linear address: the guest's "
                   "tables are the same, and lead to one guest-physical page.",
                   World::Linear()
                       .Start()
                       .Word(0xb000, 0x2007)
                       .Word(0xb008, 0x32007)
                       .Read(kGla)
                       .EnterWith(kFieldEptp, kOtherEptp)
                       .Read(kGla))
          .May(Reaches(0xa234, 4), "CACHE-1", kMemory)
          .MayNot(Reaches(0x9234, 4), "CACHE-1",
                  "it is associated with the other EPTRTA"));
  return shape;
}

LitmusShape RootReused() {
  LitmusShape shape = {
      "root-reused",
      "The frame of a root is used for another guest's",
      "One guest's root is freed, and the same frame becomes the root of "
      "another: the EPTRTA is the same, and so may be the translations.",
      {kTags,
       {"29.4.2",
        "Newly created guest-physical mappings are associated with the current "
        "EPTRTA."}},
      "The processor knows a guest by the address of its root. INVEPT belongs "
      "where a root is freed, or where it is made.",
      {}};
  for (const bool invept : {false, true}) {
    CaseBuilder builder = TwoRoots()
                              .Read(0x1234)
                              .EnterWith(kFieldEptp, kOtherEptp)
                              .Store(0x1000, 0)
                              .Store(0x1000, 0x52007)
                              .Word(0x52000, 0x53007)
                              .Word(0x53000, 0x54007)
                              .Word(0x54008, 0xd037);
    if (invept) builder.Invept(1, kEptp);
    ShapeVariant variant(invept ? "invept" : "without-invept",
                         invept
                             ? "INVEPT comes before the new guest is entered."
                             : "No INVEPT comes.",
                         builder.EnterWith(kFieldEptp, kEptp).Read(0x1234));
    variant.May(Completes(0xd234), "CACHE-3", kMemory);
    if (invept) {
      variant.MayNot(Completes(0x9234), "CACHE-6",
                     "INVEPT has ended what the old guest had");
    } else {
      variant.May(Completes(0x9234), "CACHE-3",
                  "the translation of the old guest may have been kept");
    }
    shape.variants.push_back(variant);
  }
  return shape;
}

LitmusShape MbecSwitched() {
  LitmusShape shape = {
      "mbec-switched",
      "Mode-based execute control switched under one EPTRTA",
      "Bit 10 begins to count, or bit 2 comes to mean supervisor-mode "
      "addresses alone, and the EPTRTA is the same.",
      {{"29.4.3.4",
        "If the “mode-based execute control for EPT” VM-execution control is "
        "1, software should use the INVEPT instruction after changing "
        "privilege bit 10 from 1 to 0."},
       {"29.4.1",
        "The information in guest-physical mappings about access privileges "
        "and memory typing is derived from EPT paging structures."}},
      "The SDM says which changes of entries need INVEPT, and nothing of the "
      "control that says how they are read. A processor may keep bits, and "
      "read them by the control as it is, or the privileges which they gave. "
      "INVEPT after a change of the control is safe.",
      {}};
  constexpr std::uint32_t kEnableEpt = 0x2, kMbec = 0x40'0000;
  constexpr char kSilence[] = "controls-changed-under-one-root";
  shape.variants.push_back(
      ShapeVariant("on",
                   "XU is clear in the PTE, which did not count until now.",
                   Walk4()
                       .Pml4e(0x2407)
                       .Pdpte(0x3407)
                       .Pde(0x4407)
                       .Fetch(0x1234)
                       .User()
                       .EnterWith(kFieldSecondary, kEnableEpt | kMbec)
                       .Fetch(0x1234)
                       .User())
          .May(Violation(0x7bc, 0x1234), "CACHE-3", kMemory)
          .Open(Completes(0x9234), kSilence,
                "the privilege to execute may have been kept"));
  shape.variants.push_back(
      ShapeVariant("off", "X is clear in the PTE, and XU was set.",
                   Walk4()
                       .Mbec()
                       .Pte(0x9433)
                       .Fetch(0x1234)
                       .User()
                       .EnterWith(kFieldSecondary, kEnableEpt)
                       .Fetch(0x1234)
                       .User())
          .May(Violation(0x79c, 0x1234), "CACHE-3", kMemory)
          .Open(Completes(0x9234), kSilence,
                "the privilege to execute may have been kept"));
  shape.variants.push_back(
      ShapeVariant("invept", "It is switched on, and INVEPT comes.",
                   Walk4()
                       .Pml4e(0x2407)
                       .Pdpte(0x3407)
                       .Pde(0x4407)
                       .Fetch(0x1234)
                       .User()
                       .EnterWith(kFieldSecondary, kEnableEpt | kMbec)
                       .Invept(1, kEptp)
                       .Fetch(0x1234)
                       .User())
          .May(Violation(0x7bc, 0x1234), "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-3",
                  "INVEPT has ended it, whatever it was"));
  return shape;
}

LitmusShape WalkLengthChanged() {
  LitmusShape shape = {
      "walk-length-changed",
      "Page-walk length changed under one EPTRTA",
      "A root is read as a PML4 table, and then as a PML5 table.",
      {{"29.4.3.4",
        "Software should use the INVEPT instruction with the “single-context” "
        "INVEPT type before a VM entry with an EPTP value X if the logical "
        "processor had earlier been in VMX non-root operation with an EPTP "
        "value Y such that Y[5:3] ≠ X[5:3] (different EPT page-walk length) "
        "and Y[51:12] = X[51:12]."},
       kTags},
      "What comes of it without INVEPT, the SDM does not say; a mapping is "
      "associated with the EPTRTA, and that is the same.",
      {}};
  for (const bool invept : {false, true}) {
    CaseBuilder builder = Walk4()
                              .Word(0x4000, 0x5007)
                              .Word(0x5008, 0xd037)
                              .Read(0x1234)
                              .EnterWith(kFieldEptp, 0x1026);
    if (invept) builder.Invept(1, 0x1026);
    ShapeVariant variant(invept ? "invept" : "without-invept",
                         invept ? "INVEPT comes after it." : "No INVEPT comes.",
                         builder.Read(0x1234));
    variant.May(Completes(0xd234), "CACHE-3", kMemory);
    if (invept) {
      variant.MayNot(Completes(0x9234), "CACHE-3",
                     "INVEPT has ended what was kept");
    } else {
      variant.May(Completes(0x9234), "CACHE-1",
                  "the translation of step 1 is associated with the EPTRTA");
    }
    shape.variants.push_back(variant);
  }
  return shape;
}

}  // namespace

std::vector<LitmusShape> RootShapes() {
  return {EptpSwitchedAndBack(), EptpSwitched(), RootReused(), MbecSwitched(),
          WalkLengthChanged()};
}

}  // namespace eptdiff
