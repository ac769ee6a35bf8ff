// INVVPID, of each type.
#include "fuzzers/command/conformance/caches/guest_subjects.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

const Passage kNotRequired = {"29.4.3.2",
                              "The INVVPID instruction is not required to "
                              "invalidate any guest-physical mappings."};

Invalidate Invvpid(std::uint8_t type, std::uint64_t vpid,
                   std::uint64_t gla = 0) {
  return [=](CaseBuilder& builder) { builder.Invvpid(type, vpid, gla); };
}

// VPID 6 is current when INVVPID comes, and VPID 5 returns.
Invalidate FromAnotherVpid(const Invalidate& invalidate) {
  return [=](CaseBuilder& builder) {
    builder.EnterWith(kFieldVpid, 6);
    invalidate(builder);
    builder.EnterWith(kFieldVpid, 5);
  };
}

// PCID 2 is current when it comes, and PCID 1 returns.
Invalidate FromAnotherPcid(const Invalidate& invalidate) {
  return [=](CaseBuilder& builder) {
    builder.Give(GuestRegister::kCr3, kNoFlush | 0x14002);
    invalidate(builder);
    builder.Give(GuestRegister::kCr3, kNoFlush | 0x14001);
  };
}

LitmusShape IndividualAddress() {
  LitmusShape shape = {
      "invvpid-individual-address",
      "INVVPID, individual-address",
      "It ends the combined mappings of one VPID that one linear address would "
      "use, and no guest-physical ones.",
      {{"29.4.3.1",
        "Individual-address. If the INVVPID type is 0, the logical processor "
        "invalidates linear mappings and combined mappings associated with the "
        "VPID specified in the INVVPID descriptor and that would be used to "
        "translate the linear address specified in of the INVVPID descriptor. "
        "Linear mappings and combined mappings for that VPID and linear "
        "address are invalidated for all PCIDs and, for combined mappings, all "
        "EPTRTAs."},
       kNotRequired},
      "",
      {}};
  const Invalidate right = Invvpid(0, 5, kGla);
  AddGuestPte(shape, "guest-pte", "The guest PTE maps another page.",
              GuestMoved(), right, "CACHE-7");
  AddGuestUpper(shape, right, "CACHE-7");
  AddGuestPte(shape, "global", "The page is global.",
              GuestMovedUnderPcid(0x167, 0x167), right, "CACHE-7");
  AddGuestPte(shape, "another-pcid",
              "The translation was made under PCID 1, and PCID 2 is current.",
              GuestMovedUnderPcid(0x67, 0x67), FromAnotherPcid(right),
              "CACHE-7");
  AddGuestPte(shape, "from-another-vpid", "VPID 6 is current.", GuestMoved(),
              FromAnotherVpid(right), "CACHE-7");
  AddGuestPteKept(shape, "another-address", "It is of the next page.",
                  GuestMoved(), Invvpid(0, 5, kGla + 0x1000),
                  "it is another linear address");
  AddGuestPteKept(shape, "another-vpid", "It is of VPID 6.", GuestMoved(),
                  Invvpid(0, 6, kGla), "it is another VPID");
  AddEptKept(shape, right);
  return shape;
}

LitmusShape SingleContext() {
  LitmusShape shape = {
      "invvpid-single-context",
      "INVVPID, single-context",
      "It ends all combined mappings of one VPID, and no guest-physical ones.",
      {{"29.4.3.1",
        "Single-context. If the INVVPID type is 1, the logical processor "
        "invalidates all linear mappings and combined mappings associated with "
        "the VPID specified in the INVVPID descriptor. Linear mappings and "
        "combined mappings for that VPID are invalidated for all PCIDs and, "
        "for combined mappings, all EPTRTAs."},
       kNotRequired},
      "So it does not replace INVEPT: after a change of EPT's tables nothing "
      "is gained by it.",
      {}};
  const Invalidate right = Invvpid(1, 5);
  AddGuestPte(shape, "guest-pte", "The guest PTE maps another page.",
              GuestMoved(), right, "CACHE-7");
  AddGuestUpper(shape, right, "CACHE-7");
  AddGuestPte(shape, "global", "The page is global.",
              GuestMovedUnderPcid(0x167, 0x167), right, "CACHE-7");
  AddGuestPte(shape, "another-pcid",
              "The translation was made under PCID 1, and PCID 2 is current.",
              GuestMovedUnderPcid(0x67, 0x67), FromAnotherPcid(right),
              "CACHE-7");
  AddGuestPte(
      shape, "another-eptrta",
      "Another EPTRTA is current, and the first returns.", GuestMoved(),
      [=](CaseBuilder& builder) {
        builder.EnterWith(kFieldEptp, kOtherEptp);
        right(builder);
        builder.EnterWith(kFieldEptp, kEptp);
      },
      "CACHE-7");
  AddGuestPteKept(shape, "another-vpid", "It is of VPID 6.", GuestMoved(),
                  Invvpid(1, 6), "it is another VPID");
  AddEptKept(shape, right);
  return shape;
}

LitmusShape AllContext() {
  LitmusShape shape = {
      "invvpid-all-context",
      "INVVPID, all-context",
      "It ends the combined mappings of all VPIDs but VPID 0, and no "
      "guest-physical ones.",
      {{"29.4.3.1",
        "All-context. If the INVVPID type is 2, the logical processor "
        "invalidates linear mappings and combined mappings associated with all "
        "VPIDs except VPID 0000H and with all PCIDs. [...] Combined mappings "
        "are invalidated for all EPTRTAs."},
       kNotRequired},
      "",
      {}};
  const Invalidate right = Invvpid(2, 0);
  AddGuestPte(shape, "guest-pte", "The guest PTE maps another page.",
              GuestMoved(), right, "CACHE-7");
  AddGuestUpper(shape, right, "CACHE-7");
  AddGuestPte(shape, "global", "The page is global.",
              GuestMovedUnderPcid(0x167, 0x167), right, "CACHE-7");
  AddGuestPte(shape, "from-another-vpid", "VPID 6 is current.", GuestMoved(),
              FromAnotherVpid(right), "CACHE-7");
  AddEptKept(shape, right);
  return shape;
}

LitmusShape RetainingGlobals() {
  LitmusShape shape = {
      "invvpid-retaining-globals",
      "INVVPID, single-context-retaining-globals",
      "It ends the combined mappings of one VPID save global translations.",
      {{"29.4.3.1",
        "Single-context-retaining-globals. [...] Linear mappings and combined "
        "mappings for that VPID are invalidated for all PCIDs and, for "
        "combined mappings, all EPTRTAs. The logical processor is not required "
        "to invalidate information that was used for global translations "
        "(although it may do so)."},
       kNotRequired},
      "",
      {}};
  const Invalidate right = Invvpid(3, 5);
  AddGuestPte(shape, "guest-pte", "The guest PTE maps another page.",
              GuestMoved(), right, "CACHE-7");
  AddGuestUpper(shape, right, "CACHE-7");
  AddGuestPte(shape, "another-pcid",
              "The translation was made under PCID 1, and PCID 2 is current.",
              GuestMovedUnderPcid(0x67, 0x67), FromAnotherPcid(right),
              "CACHE-7");
  AddGuestPteKept(shape, "global", "The page is global.",
                  GuestMovedUnderPcid(0x167, 0x167), right,
                  "global translations may be retained");
  AddGuestPteKept(shape, "another-vpid", "It is of VPID 6.", GuestMoved(),
                  Invvpid(3, 6), "it is another VPID");
  AddEptKept(shape, right);
  return shape;
}

LitmusShape InvvpidThatFails() {
  LitmusShape shape = {"invvpid-that-fails",
                       "INVVPID that fails",
                       "It invalidates nothing.",
                       {{"31.3",
                         "IF IA32_VMX_EPT_VPID_CAP MSR indicates that "
                         "processor does not support INVVPID_TYPE THEN "
                         "VMfail(Invalid operand to INVEPT/INVVPID);"}},
                       "",
                       {}};
  const auto add = [&](const char* name, const char* title,
                       const CaseBuilder& moved, const Invalidate& invalidate) {
    AddGuestPteKept(shape, name, title, moved, invalidate,
                    "the translation of step 1 may have been kept");
  };
  add("unsupported", "The processor has no such type (capability bit 41).",
      GuestMoved().Without(41), Invvpid(1, 5));
  add("reserved", "The descriptor sets bit 16.", GuestMoved(),
      Invvpid(1, 0x10005));
  add("non-canonical", "The linear address is not canonical.", GuestMoved(),
      Invvpid(0, 5, kGla | std::uint64_t{1} << 60));
  return shape;
}

}  // namespace

std::vector<LitmusShape> InvvpidShapes() {
  return {IndividualAddress(), SingleContext(), AllContext(),
          RetainingGlobals(), InvvpidThatFails()};
}

}  // namespace eptdiff
