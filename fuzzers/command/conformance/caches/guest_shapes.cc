// What the guest executes: INVLPG, INVPCID, MOV to CR3 and to CR4.
#include "fuzzers/command/conformance/caches/guest_subjects.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kLargePage = 0x5555'5540'0000;

const Passage kNotRequired = {
    "29.4.3.2",
    "Operations that architecturally invalidate entries in the TLBs or "
    "paging-structure caches independent of VMX operation are not required to "
    "invalidate any guest-physical mappings."};
const Passage kCurrentVpid = {
    "29.4.3.1",
    "Operations that architecturally invalidate entries in the TLBs or "
    "paging-structure caches independent of VMX operation (e.g., the INVLPG "
    "and INVPCID instructions) invalidate linear mappings and combined "
    "mappings. They are required to do so only for the current VPID (but, for "
    "combined mappings, all EPTRTAs)."};

Invalidate Invlpg(std::uint64_t gla) {
  return [=](CaseBuilder& builder) { builder.Invlpg(gla); };
}

Invalidate MovCr3(std::uint64_t value) {
  return
      [=](CaseBuilder& builder) { builder.Give(GuestRegister::kCr3, value); };
}

Invalidate Then(const Invalidate& first, const Invalidate& second) {
  return [=](CaseBuilder& builder) {
    first(builder);
    second(builder);
  };
}

LitmusShape InvlpgShape() {
  LitmusShape shape = {
      "invlpg",
      "INVLPG",
      "The guest changes an entry of its own and executes INVLPG.",
      {{"3A 4.10.4.1",
        "The instruction invalidates any TLB entries that are for a page "
        "number corresponding to the linear address and that are associated "
        "with the current PCID. It also invalidates any global TLB entries "
        "with that page number, regardless of PCID [...]. INVLPG also "
        "invalidates all entries in all paging-structure caches associated "
        "with the current PCID, regardless of the linear addresses to which "
        "they correspond."},
       kCurrentVpid,
       kNotRequired},
      "What EPT has is none of the guest's business, and is not ended.",
      {}};
  AddGuestPte(shape, "guest-pte", "The guest PTE maps another page.",
              GuestMoved(), Invlpg(kGla), "CACHE-8");
  AddGuestUpper(shape, Invlpg(0), "CACHE-8");
  AddGuestPte(shape, "global", "The page is global, and its PCID another one.",
              GuestMovedUnderPcid(0x167, 0x167),
              Then(MovCr3(kNoFlush | 0x14002), Invlpg(kGla)), "CACHE-8");
  AddGuestPteKept(shape, "another-pcid",
                  "It comes under PCID 2, of a page that is not global, and "
                  "PCID 1 returns.",
                  GuestMovedUnderPcid(0x67, 0x67),
                  Then(Then(MovCr3(kNoFlush | 0x14002), Invlpg(kGla)),
                       MovCr3(kNoFlush | 0x14001)),
                  "the translation is of another PCID");
  AddGuestPteKept(shape, "another-address", "It is of the next page.",
                  GuestMoved(), Invlpg(kGla + 0x1000),
                  "the translation is of another page");
  AddEptKept(shape, Invlpg(kGla));
  return shape;
}

LitmusShape InvlpgPart() {
  LitmusShape shape = {
      "invlpg-part-of-large-page",
      "INVLPG of one part of a large page",
      "One INVLPG, for any address in a page of the guest, ends all of that "
      "page, however many translations were made of it.",
      {{"3A 4.10.2.3",
        "For example, an execution of INVLPG for a linear address on such a "
        "page invalidates any and all smaller-page TLB entries for the "
        "translation of any linear address on that page."},
       {"3A 4.10.4.1",
        "If the paging structures map the linear address using a page larger "
        "than 4 KBytes and there are multiple TLB entries for that page [...], "
        "the instruction invalidates all of them."}},
      "EPT may map the large page of the guest in pieces of 4 KBytes, so that "
      "a processor may keep one combined translation for each; the guest does "
      "not know.",
      {}};
  const auto add = [&](const char* name, const char* title,
                       const Invalidate& invalidate, const char* rule) {
    CaseBuilder builder = Guest4()
                              .Vpid(5)
                              .GuestPde(0xe7)
                              .Read(kLargePage | 0x10234)
                              .Store(kGuestPde, 0);
    invalidate(builder);
    shape.variants.push_back(
        ShapeVariant(name, title, builder.Read(kLargePage | 0x10234))
            .May(PageFault(0, kLargePage | 0x10234), "CACHE-3",
                 "what memory has")
            .MayNot(Reaches(0x20234, 3), rule,
                    "the large page is the guest's, and all of it is ended"));
  };
  add("another-part",
      "A page of 2 MBytes, in EPT in pieces of 4 KBytes; INVLPG is of another "
      "piece.",
      Invlpg(kLargePage), "CACHE-8");
  add(
      "invvpid", "The same of INVVPID, individual-address.",
      [](CaseBuilder& builder) { builder.Invvpid(0, 5, kLargePage); },
      "CACHE-7");
  AddGuestPteKept(
      shape, "large-in-ept",
      "The other way round: EPT maps 2 MBytes, the guest 4 KBytes. INVLPG is "
      "of the next page of the guest, which lies in the same page of EPT.",
      Guest4()
          .Vpid(5)
          .GuestPte(0x80'0020'0067)
          .Word(0x1008, 0x42007)
          .Word(0x42000, 0x43007)
          .Word(0x43008, 0x2000b7)
          .Word(kGuestPte + 8, 0x80'0020'1067)
          .Read(kGla)
          .Store(kGuestPte, 0x16067),
      Invlpg(kGla + 0x1000), "it is another page of the guest");
  // By the guest's PTE as it was the page is in EPT's large page.
  shape.variants.back().answers[1].answer = Reaches(0x200234, 4).Size(21);
  return shape;
}

LitmusShape MovToCr3() {
  LitmusShape shape = {
      "mov-to-cr3",
      "MOV to CR3 without PCIDs",
      "The guest changes an entry and loads CR3: all but global translations "
      "are ended.",
      {{"3A 4.10.4.1",
        "If CR4.PCIDE = 0, the instruction invalidates all TLB entries "
        "associated with PCID 000H except those for global pages. It also "
        "invalidates all entries in all paging-structure caches associated "
        "with PCID 000H."},
       kCurrentVpid,
       kNotRequired},
      "",
      {}};
  AddGuestPte(shape, "guest-pte", "The guest PTE maps another page.",
              GuestMoved(), MovCr3(0x14000), "CACHE-8");
  AddGuestUpper(shape, MovCr3(0x14000), "CACHE-8");
  AddGuestPteKept(shape, "global", "The page is global.",
                  Guest4().Vpid(5).Cr4(0x80).GuestPte(0x10167).Read(kGla).Store(
                      kGuestPte, 0x16167),
                  MovCr3(0x14000), "global translations are spared");
  AddGuestPte(
      shape, "global-without-pge",
      "The PTE has the bit, and CR4.PGE is 0: the page is not global.",
      Guest4().Vpid(5).GuestPte(0x10167).Read(kGla).Store(kGuestPte, 0x16167),
      MovCr3(0x14000), "CACHE-8");
  AddEptKept(shape, MovCr3(0x14000));
  return shape;
}

LitmusShape MovToCr3Pcid() {
  LitmusShape shape = {
      "mov-to-cr3-pcid",
      "MOV to CR3 with PCIDs, with bit 63 and without",
      "With bit 63 clear it ends what was kept under the PCID that it "
      "establishes; with bit 63 set it need end nothing.",
      {{"3A 4.10.4.1",
        "If CR4.PCIDE = 1 and bit 63 of the instruction’s source operand is 0, "
        "the instruction invalidates all TLB entries associated with the PCID "
        "specified in bits 11:0 of the instruction’s source operand except "
        "those for global pages. [...] It is not required to invalidate "
        "entries in the TLBs and paging-structure caches that are associated "
        "with other PCIDs. [...] If CR4.PCIDE = 1 and bit 63 of the "
        "instruction’s source operand is 1, the instruction is not required to "
        "invalidate any TLB entries or entries in paging-structure caches."}},
      "",
      {}};
  AddGuestPte(shape, "bit-63-clear", "The same PCID is loaded again.",
              GuestMovedUnderPcid(0x67, 0x67), MovCr3(0x14001), "CACHE-8");
  AddGuestPteKept(shape, "bit-63-set", "The same, with bit 63.",
                  GuestMovedUnderPcid(0x67, 0x67), MovCr3(kNoFlush | 0x14001),
                  "bit 63 keeps it");
  AddGuestPteKept(
      shape, "there-and-back",
      "PCID 2 is loaded with bit 63 clear, and PCID 1 again with bit 63.",
      GuestMovedUnderPcid(0x67, 0x67),
      Then(MovCr3(0x14002), MovCr3(kNoFlush | 0x14001)),
      "the first was about PCID 2 alone");
  AddGuestPte(shape, "there-and-flushed-back",
              "PCID 2 is loaded with bit 63, and PCID 1 again without.",
              GuestMovedUnderPcid(0x67, 0x67),
              Then(MovCr3(kNoFlush | 0x14002), MovCr3(0x14001)), "CACHE-8");
  AddGuestPteKept(shape, "global", "The page is global, bit 63 is clear.",
                  GuestMovedUnderPcid(0x167, 0x167), MovCr3(0x14001),
                  "global translations are spared");
  return shape;
}

Invalidate Invpcid(std::uint8_t type, std::uint64_t pcid, std::uint64_t gla) {
  return [=](CaseBuilder& builder) { builder.Invpcid(type, pcid, gla); };
}

LitmusShape InvpcidShape() {
  LitmusShape shape = {
      "invpcid",
      "INVPCID, of each type",
      "Types 0 and 1 are about one PCID, 2 and 3 about all; only type 2 ends "
      "global translations.",
      {{"3A 4.10.4.1",
        "If the INVPCID type is 0, the logical processor invalidates "
        "mappings—except global translations—associated with the PCID "
        "specified in the INVPCID descriptor and that would be used to "
        "translate the linear address specified in the INVPCID descriptor."},
       kCurrentVpid,
       kNotRequired},
      "",
      {}};
  const Invalidate address = Invpcid(0, 1, kGla), single = Invpcid(1, 1, 0),
                   with_globals = Invpcid(2, 0, 0), all = Invpcid(3, 0, 0);
  AddGuestPte(shape, "individual-address", "Type 0.",
              GuestMovedUnderPcid(0x67, 0x67), address, "CACHE-8");
  AddGuestPte(shape, "single-context", "Type 1.",
              GuestMovedUnderPcid(0x67, 0x67), single, "CACHE-8");
  AddGuestPte(shape, "all-context", "Type 3.", GuestMovedUnderPcid(0x67, 0x67),
              all, "CACHE-8");
  AddGuestPte(shape, "all-context-globals", "Type 2, of a global page.",
              GuestMovedUnderPcid(0x167, 0x167), with_globals, "CACHE-8");
  AddGuestPteKept(shape, "single-context-global", "Type 1, of a global page.",
                  GuestMovedUnderPcid(0x167, 0x167), single,
                  "global translations are spared");
  AddGuestPteKept(shape, "all-context-global", "Type 3, of a global page.",
                  GuestMovedUnderPcid(0x167, 0x167), all,
                  "global translations are spared");
  AddGuestPteKept(shape, "another-address", "Type 0, of the next page.",
                  GuestMovedUnderPcid(0x67, 0x67), Invpcid(0, 1, kGla + 0x1000),
                  "it is another linear address");
  AddGuestPteKept(shape, "another-pcid", "Type 1, of PCID 2.",
                  GuestMovedUnderPcid(0x67, 0x67), Invpcid(1, 2, 0),
                  "it is another PCID");
  AddEptKept(shape, with_globals);
  return shape;
}

LitmusShape MovToCr4() {
  LitmusShape shape = {
      "mov-to-cr4",
      "MOV to CR4",
      "A change of CR4.PGE ends all of the guest's translations, global ones, "
      "too.",
      {{"3A 4.10.4.1",
        "The instruction invalidates all TLB entries (including global "
        "entries) and all entries in all paging-structure caches (for all "
        "PCIDs) if (1) it changes the value of CR4.PGE; or (2) it changes the "
        "value of the CR4.PCIDE from 1 to 0. The instruction invalidates all "
        "TLB entries and all entries in all paging-structure caches for the "
        "current PCID if (1) it changes the value of CR4.PAE; or (2) it "
        "changes the value of CR4.SMEP from 0 to 1."},
       kNotRequired},
      "",
      {}};
  const auto write = [](std::uint64_t value) -> Invalidate {
    return
        [=](CaseBuilder& builder) { builder.Give(GuestRegister::kCr4, value); };
  };
  AddGuestPte(shape, "pge", "PGE goes from 0 to 1.", GuestMoved(),
              write(0x20a0), "CACHE-8");
  AddGuestUpper(shape, write(0x20a0), "CACHE-8");
  AddGuestPte(shape, "pge-global", "PGE goes from 1 to 0, the page is global.",
              Guest4().Vpid(5).Cr4(0x80).GuestPte(0x10167).Read(kGla).Store(
                  kGuestPte, 0x16167),
              write(0x2020), "CACHE-8");
  AddGuestPte(shape, "smep", "SMEP goes from 0 to 1.",
              GuestMoved().With([](Case& c) { c.processor.smep = true; }),
              write(0x102020), "CACHE-8");
  AddGuestPteKept(shape, "unchanged", "Nothing changes.", GuestMoved(),
                  write(0x2020), "no bit that counts has changed");
  AddEptKept(shape, write(0x20a0));
  return shape;
}

}  // namespace

std::vector<LitmusShape> GuestShapes() {
  return {InvlpgShape(),  InvlpgPart(),   MovToCr3(),
          MovToCr3Pcid(), InvpcidShape(), MovToCr4()};
}

}  // namespace eptdiff
