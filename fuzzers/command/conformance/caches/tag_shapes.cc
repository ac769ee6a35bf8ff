// VPID and PCID: what was kept under one, and what another uses of it.
#include "fuzzers/command/conformance/caches/guest_subjects.h"
#include "fuzzers/command/conformance/caches/passages.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

LitmusShape VpidReused() {
  LitmusShape shape = {
      "vpid-reused",
      "VPID given to another guest",
      "Two guests with tables of their own, under one EPTRTA and one VPID: the "
      "second may use the first one's translations.",
      {kTags,
       {"29.4.3.3",
        "Either prevents potentially undesired retention of information cached "
        "from paging structures between separate uses of VMX operation."}},
      "The second guest's root is another (CR3), and nobody asks: a mapping is "
      "associated with the VPID and the PCID. With an EPTRTA for each guest "
      "this cannot come; see eptp-switched.",
      {}};
  // The second guest's root is at guest-physical 16000H.
  const auto start = [] {
    return Guest4()
        .Vpid(5)
        .Word(0x26550, 0x17027)
        .Word(0x27aa8, 0x18027)
        .Word(0x28550, 0x19027)
        .Word(0x29aa8, 0x1a067)
        .Read(kGla);
  };
  const Answer now = Reaches(0x2a234, 4), before = Reaches(0x20234, 4);
  shape.variants.push_back(
      ShapeVariant("without-invvpid", "CR3 is another at VM entry.",
                   start().EnterWith(kFieldCr3, 0x16000).Read(kGla))
          .May(now, "CACHE-3", kMemory)
          .May(before, "CACHE-3",
               "the first guest's translation may have been kept"));
  shape.variants.push_back(
      ShapeVariant(
          "invvpid", "INVVPID, single-context, comes before it.",
          start().EnterWith(kFieldCr3, 0x16000).Invvpid(1, 5).Read(kGla))
          .May(now, "CACHE-3", kMemory)
          .MayNot(before, "CACHE-7", "INVVPID has ended it"));
  shape.variants.push_back(
      ShapeVariant(
          "invept", "INVEPT ends combined mappings of all VPIDs, too.",
          start().EnterWith(kFieldCr3, 0x16000).Invept(1, kEptp).Read(kGla))
          .May(now, "CACHE-3", kMemory)
          .MayNot(before, "CACHE-6", "INVEPT has ended it"));
  shape.variants.push_back(ShapeVariant("another-vpid",
                                        "The second guest has VPID 6.",
                                        start()
                                            .EnterWith(kFieldCr3, 0x16000)
                                            .EnterWith(kFieldVpid, 6)
                                            .Read(kGla))
                               .May(now, "CACHE-1", kMemory));
  return shape;
}

LitmusShape TwoVpids() {
  LitmusShape shape = {
      "two-vpids-one-eptp",
      "Two VPIDs with one EPTP",
      "Guest-physical mappings are shared by all VPIDs, combined ones are not.",
      {kTags},
      "",
      {}};
  const World linear = World::Linear();
  shape.variants.push_back(
      ShapeVariant("guest-pte",
                   "The guest PTE changes, and VPID 6 translates the address "
                   "for the first time.",
                   GuestMoved().EnterWith(kFieldVpid, 6).Read(kGla))
          .May(Reaches(0x26234, 4), "CACHE-1", kMemory)
          .MayNot(Reaches(0x20234, 4), "CACHE-1",
                  "it is associated with VPID 5"));
  shape.variants.push_back(
      ShapeVariant("ept-pte",
                   "The EPT PTE of the page changes: the guest-physical "
                   "mapping that VPID 5 left serves VPID 6.",
                   linear.Start()
                       .Read(kGla)
                       .Store(linear.Place(1), 0xa037)
                       .EnterWith(kFieldVpid, 6)
                       .Read(kGla))
          .May(linear.To(0xa234), "CACHE-3", kMemory)
          .May(linear.To(0x9234), "CACHE-3",
               "guest-physical mappings know no VPID"));
  shape.variants.push_back(ShapeVariant("guest-pte-back", "VPID 5 returns.",
                                        GuestMoved()
                                            .EnterWith(kFieldVpid, 6)
                                            .EnterWith(kFieldVpid, 5)
                                            .Read(kGla))
                               .May(Reaches(0x26234, 4), "CACHE-3", kMemory)
                               .May(Reaches(0x20234, 4), "CACHE-3", kKept));
  return shape;
}

LitmusShape GlobalPages() {
  LitmusShape shape = {
      "global-pages",
      "Global pages across PCIDs",
      "A global translation serves every PCID of its VPID, another only its "
      "own.",
      {kTags,
       {"3A 4.10.2.4",
        "A logical processor may use a global TLB entry to translate a linear "
        "address, even if the TLB entry is associated with a PCID different "
        "from the current PCID."}},
      "",
      {}};
  const Invalidate other = [](CaseBuilder& builder) {
    builder.Give(GuestRegister::kCr3, kNoFlush | 0x14002);
  };
  AddGuestPteKept(shape, "global", "The page is global.",
                  GuestMovedUnderPcid(0x167, 0x167), other,
                  "it is global, and the PCID does not count");
  CaseBuilder mine = GuestMovedUnderPcid(0x67, 0x67);
  other(mine);
  shape.variants.push_back(
      ShapeVariant("not-global", "The page is not global.", mine.Read(kGla))
          .May(Reaches(0x26234, 4), "CACHE-1", kMemory)
          .MayNot(Reaches(0x20234, 4), "CACHE-1",
                  "it is associated with PCID 1"));
  CaseBuilder vpid = GuestMovedUnderPcid(0x167, 0x167);
  shape.variants.push_back(
      ShapeVariant("another-vpid", "The page is global, and the VPID another.",
                   vpid.EnterWith(kFieldVpid, 6).Read(kGla))
          .May(Reaches(0x26234, 4), "CACHE-1", kMemory)
          .MayNot(Reaches(0x20234, 4), "CACHE-1",
                  "global pages are those of one VPID"));
  return shape;
}

LitmusShape VmTransitions() {
  LitmusShape shape = {
      "vm-exit-and-entry",
      "VM exit and entry",
      "With VPIDs they end nothing; without, combined mappings, and no "
      "guest-physical ones.",
      {kTransitions,
       {"29.4.3.1",
        "If the “enable VPID” VM-execution control is 0, VM entries and VM "
        "exits invalidate linear mappings and combined mappings associated "
        "with VPID 0000H (for all PCIDs). Combined mappings for VPID 0000H are "
        "invalidated for all EPTRTAs."}},
      "",
      {}};
  const auto entry = [](CaseBuilder& builder) {
    builder.EnterWith(kFieldEptp, kEptp);
  };
  AddGuestPteKept(shape, "with-vpid", "VPID 5, and the guest PTE has changed.",
                  GuestMoved(), entry, kKept);
  AddGuestPte(shape, "without-vpid", "No VPID, and the guest PTE has changed.",
              Guest4().Read(kGla).Store(kGuestPte, 0x16067), entry, "CACHE-11");
  const World direct = World::GuestPhysical();
  shape.variants.push_back(
      ShapeVariant(
          "ept-pte-without-vpid",
          "No VPID, and the EPT PTE has changed; by a guest-physical address.",
          direct.Start()
              .Read(0x1234)
              .Store(0x4008, 0xa037)
              .EnterWith(kFieldEptp, kEptp)
              .Read(0x1234))
          .May(Completes(0xa234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  AddGuestPte(
      shape, "vmfunc-without-vpid",
      "No VPID, and EPTP switching by VMFUNC to the same EPTP.",
      Guest4()
          .EptpSwitching()
          .Word(0x7000, kEptp)
          .Read(kGla)
          .Store(kGuestPte, 0x16067),
      [](CaseBuilder& builder) { builder.Switch(0); }, "CACHE-11");
  return shape;
}

}  // namespace

std::vector<LitmusShape> TagShapes() {
  return {VpidReused(), TwoVpids(), GlobalPages(), VmTransitions()};
}

}  // namespace eptdiff
