// Each kind of change with each way to end what was kept, or not to.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

using Invalidate = std::function<void(CaseBuilder&)>;

const Passage kInvept = {
    "29.4.3.1",
    "If the INVEPT type is 1, the logical processor invalidates all "
    "guest-physical mappings and combined mappings associated with the EPTRTA "
    "specified in the INVEPT descriptor. [...] If the INVEPT type is 2, the "
    "logical processor invalidates guest-physical mappings and combined "
    "mappings associated with all EPTRTAs"};
const Passage kNotRequired = {
    "29.4.3.2",
    "Operations that architecturally invalidate entries in the TLBs or "
    "paging-structure caches independent of VMX operation are not required to "
    "invalidate any guest-physical mappings. The INVVPID instruction is not "
    "required to invalidate any guest-physical mappings."};
const Passage kOfGuest = {
    "29.4.3.1",
    "Operations that architecturally invalidate entries in the TLBs or "
    "paging-structure caches independent of VMX operation (e.g., the INVLPG "
    "and INVPCID instructions) invalidate linear mappings and combined "
    "mappings."};

// An access, a store, an access: what the second comes to by memory, and by
// what the first may have kept.
struct Change {
  std::string name;
  std::string title;
  CaseBuilder until_store;
  CaseBuilder& (CaseBuilder::*access)(std::uint64_t, std::uint16_t);
  Answer now;
  Answer kept;
};

constexpr char kEnded[] = "what was kept of step 1 has been ended";

CaseBuilder Ended(const Change& change, const Invalidate& invalidate,
                  std::uint64_t address) {
  CaseBuilder builder = change.until_store;
  invalidate(builder);
  return (builder.*change.access)(address, 1);
}

// Of EPT's entries of the page.
std::vector<Change> EptChanges(const World& world) {
  const std::uint64_t address = world.address();
  const std::uint64_t pte = world.Place(1);
  const auto start = [&] { return world.Start(); };
  return {
      {"right-removed", "The PTE loses W",
       start().Write(address).Store(pte, 0x9035), &CaseBuilder::Write,
       world.Violates(kWrites, 5), world.To(0x9234)},
      {"right-added", "The PTE gets W",
       start().Word(pte, 0x9035).Read(address).Store(pte, 0x9037),
       &CaseBuilder::Write, world.To(0x9234), world.Violates(kWrites, 5)},
      {"made-absent", "The PTE is cleared", start().Read(address).Store(pte, 0),
       &CaseBuilder::Read, world.Violates(kReads, 0), world.To(0x9234)},
      {"made-misconfigured", "The PTE becomes writable and not readable",
       start().Read(address).Store(pte, 0x9036), &CaseBuilder::Read,
       world.Misconfigures(), world.To(0x9234)},
      {"memory-type", "Bits 5:3 of the PTE: WB becomes UC",
       start().Read(address).Store(pte, 0x9007), &CaseBuilder::Read,
       world.To(0x9234).Type(MemoryType::kUncacheable), world.To(0x9234)},
      {"page-size", "The PDE maps 2 MBytes in place of a table",
       start().Read(address).Store(world.Place(2), 0x2000b7),
       &CaseBuilder::Read, world.To(0x201234).Size(21), world.To(0x9234)},
  };
}

// Of the guest's PTE of the page.
std::vector<Change> GuestChanges() {
  const auto start = [] { return Guest4().Vpid(5); };
  return {
      {"right-removed", "The guest PTE loses R/W",
       start().Write(kGla).Store(kGuestPte, 0x10065), &CaseBuilder::Write,
       PageFault(3), Reaches(0x20234, 4)},
      {"right-added", "The guest PTE gets R/W",
       start().GuestPte(0x10065).Read(kGla).Store(kGuestPte, 0x10067),
       &CaseBuilder::Write, Reaches(0x20234, 4), PageFault(3)},
      {"made-absent", "The guest PTE is cleared",
       start().Read(kGla).Store(kGuestPte, 0), &CaseBuilder::Read, PageFault(0),
       Reaches(0x20234, 4)},
      {"memory-type", "The guest PTE selects an entry of the PAT that is UC",
       start().Read(kGla).Store(kGuestPte, 0x1007f), &CaseBuilder::Read,
       Reaches(0x20234, 4).Type(MemoryType::kUncacheable), Reaches(0x20234, 4)},
  };
}

LitmusShape ChangesAndInvept() {
  LitmusShape shape = {
      "changes-and-invept",
      "Changes of an EPT entry, and INVEPT",
      "Whatever has changed: after INVEPT, of either type, memory decides.",
      {kInvept},
      "",
      {}};
  for (const World& world : kWorlds) {
    for (const Change& change : EptChanges(world)) {
      for (const std::uint8_t type : {1, 2}) {
        if (world.linear() && type == 2) continue;
        const std::string ending = type == 1 ? "single" : "all";
        shape.variants.push_back(
            ShapeVariant((world.linear() ? "linear-" : "") + change.name + "-" +
                             ending + "-context",
                         change.title + "; INVEPT, " + ending + "-context.",
                         Ended(
                             change,
                             [=](CaseBuilder& builder) {
                               builder.Invept(type, type == 1 ? kEptp : 0);
                             },
                             world.address()))
                .May(change.now, "CACHE-3", kMemory)
                .MayNot(change.kept, "CACHE-6", kEnded));
      }
    }
  }
  return shape;
}

LitmusShape ChangesAndNoInvept() {
  LitmusShape shape = {
      "changes-without-invept",
      "Changes of an EPT entry, and what does not end what was kept",
      "Whatever has changed: INVVPID, INVLPG, and INVEPT of another EPTRTA "
      "leave guest-physical mappings.",
      {kNotRequired, kInvept},
      "INVVPID and INVLPG end the combined mapping of the linear address, "
      "which may be made again of the guest-physical one.",
      {}};
  const auto add = [&](const World& world, const std::string& ending,
                       const std::string& title, const Invalidate& invalidate) {
    for (const Change& change : EptChanges(world)) {
      const bool refused = change.name == "right-added";
      shape.variants.push_back(
          ShapeVariant(change.name + "-" + ending, change.title + "; " + title,
                       Ended(change, invalidate, world.address()))
              .May(change.now, "CACHE-3", kMemory)
              .May(change.kept, refused ? "CACHE-9" : "CACHE-3",
                   "the guest-physical mapping of step 1 may have been kept"));
    }
  };
  add(World::GuestPhysical(), "another-eptrta", "INVEPT of another EPTRTA.",
      [](CaseBuilder& builder) { builder.Invept(1, kOtherEptp); });
  add(World::Linear(), "invvpid", "INVVPID, single-context.",
      [](CaseBuilder& builder) { builder.Invvpid(1, 5); });
  add(World::Linear(), "invlpg", "INVLPG.",
      [](CaseBuilder& builder) { builder.Invlpg(kGla); });
  return shape;
}

LitmusShape GuestChangesEnded() {
  LitmusShape shape = {
      "guest-changes-ended",
      "Changes of a guest entry, and what ends what was kept",
      "Whatever the guest has changed: after INVLPG, MOV to CR3 or INVVPID "
      "memory decides.",
      {kOfGuest},
      "",
      {}};
  const auto add = [&](const std::string& ending, const std::string& title,
                       const std::string& rule, const Invalidate& invalidate) {
    for (const Change& change : GuestChanges()) {
      shape.variants.push_back(ShapeVariant(change.name + "-" + ending,
                                            change.title + "; " + title,
                                            Ended(change, invalidate, kGla))
                                   .May(change.now, "CACHE-3", kMemory)
                                   .MayNot(change.kept, rule, kEnded));
    }
  };
  add("invlpg", "INVLPG.", "CACHE-8",
      [](CaseBuilder& builder) { builder.Invlpg(kGla); });
  add("mov-to-cr3", "MOV to CR3.", "CACHE-8",
      [](CaseBuilder& builder) { builder.Give(GuestRegister::kCr3, 0x14000); });
  add("invvpid", "INVVPID, single-context.", "CACHE-7",
      [](CaseBuilder& builder) { builder.Invvpid(1, 5); });
  return shape;
}

}  // namespace

std::vector<LitmusShape> CrossedShapes() {
  return {ChangesAndInvept(), ChangesAndNoInvept(), GuestChangesEnded()};
}

}  // namespace eptdiff
