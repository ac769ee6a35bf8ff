// Large pages become tables and tables large pages; tables are freed.
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

const Passage kNeeded = {
    "29.4.3.4",
    "Software should use the INVEPT instruction with the “single-context” "
    "INVEPT type after making any of the following changes to an EPT "
    "paging-structure entry [...]: Changing any of the privilege bits 2:0 from "
    "1 to 0. Changing the physical address in bits 51:12. [...] For an EPT "
    "PDPTE or an EPT PDE, changing bit 7 (which determines whether the entry "
    "maps a page)."};

LitmusShape PageSizeDown() {
  LitmusShape shape = {
      "page-size-down",
      "Page size: split",
      "An entry that mapped a large page references a table now.",
      {kNeeded,
       {"3A 4.10.2.3",
        "If software modifies the paging structures so that the page size used "
        "for a 4-KByte range of linear addresses changes, the TLBs may "
        "subsequently contain multiple translations for the address range (one "
        "for each page size). A reference to a linear address in the address "
        "range may use any of these translations."}},
      "The new 4-KByte page is another one than the part of the large page "
      "that it replaces, so that the answers differ; who splits a page in "
      "place sees the size alone.",
      {}};
  shape.variants.push_back(
      ShapeVariant("pde", "2 MBytes become a table.",
                   Walk4()
                       .Pde(0x2000b7)
                       .Word(0x4008, 0x9037)
                       .Read(0x1234)
                       .Store(0x3000, 0x4007)
                       .Read(0x1234))
          .May(Completes(0x9234), "CACHE-3", kMemory)
          .May(Completes(0x201234).Size(21), "CACHE-3", kKept)
          .MayNot(Completes(0x9234).Size(21), "CACHE-3",
                  "no entry ever mapped 2 MBytes there"));
  shape.variants.push_back(
      ShapeVariant("pdpte", "1 GByte becomes a directory.",
                   Walk4()
                       .Pdpte(0x400000b7)
                       .Word(0x3000, 0x4007)
                       .Word(0x4008, 0x9037)
                       .Read(0x1234)
                       .Store(0x2000, 0x3007)
                       .Read(0x1234))
          .May(Completes(0x9234), "CACHE-3", kMemory)
          .May(Completes(0x40001234).Size(30), "CACHE-3", kKept));
  const World linear = World::Linear();
  shape.variants.push_back(
      ShapeVariant("linear-pde",
                   "2 MBytes become a table, by a linear address.",
                   linear.Start()
                       .Word(0x43000, 0x2000b7)
                       .Read(kGla)
                       .Store(0x43000, 0x44007)
                       .Read(kGla))
          .May(linear.To(0x9234), "CACHE-3", kMemory)
          .May(linear.To(0x201234).Size(21), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant(
          "another-part",
          "What is asked is a part of the large page that was not touched: the "
          "translation of the part that was may serve it.",
          Walk4()
              .Pde(0x2000b7)
              .Word(0x4010, 0xd037)
              .Read(0x1234)
              .Store(0x3000, 0x4007)
              .Read(0x2234))
          .May(Completes(0xd234), "CACHE-3", kMemory)
          .May(Completes(0x202234).Size(21), "CACHE-3", kKept));
  return shape;
}

LitmusShape PageSizeUp() {
  LitmusShape shape = {
      "page-size-up",
      "Page size: merge",
      "An entry that referenced a table maps a large page now.",
      {kNeeded},
      "The page table is gone, and may still be used: as a whole translation, "
      "or below a directory entry that was kept. See freed-table for what "
      "comes of it if the frame has another use.",
      {}};
  shape.variants.push_back(
      ShapeVariant("pde", "A table becomes 2 MBytes.",
                   Walk4().Read(0x1234).Store(0x3000, 0x2000b7).Read(0x1234))
          .May(Completes(0x201234).Size(21), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant("pdpte", "A directory becomes 1 GByte.",
                   Walk4().Read(0x1234).Store(0x2000, 0x400000b7).Read(0x1234))
          .May(Completes(0x40001234).Size(30), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3", kKept));
  shape.variants.push_back(
      ShapeVariant("another-page",
                   "Asked for is a page of the old table that was not touched.",
                   Walk4()
                       .Word(0x4010, 0xd037)
                       .Read(0x1234)
                       .Store(0x3000, 0x2000b7)
                       .Read(0x2234))
          .May(Completes(0x202234).Size(21), "CACHE-3", kMemory)
          .May(Completes(0xd234), "CACHE-3",
               "the PDE of step 1 may have been kept, and leads to the old "
               "table"));
  return shape;
}

LitmusShape FreedTable() {
  LitmusShape shape = {
      "freed-table",
      "Freed table whose frame is data now",
      "A page table is unlinked, and its frame is given to somebody else "
      "before INVEPT: his data are read as entries.",
      {kNeeded,
       {"3A 4.10.4.4",
        "For that reason, the page frames previously associated with the freed "
        "portion of the linear-address space should not be reallocated for "
        "another purpose until the appropriate invalidations have been "
        "performed."}},
      "The worst of all: whoever owns the frame now chooses where the guest's "
      "accesses go. The entry above may have been kept while the table below "
      "it is read anew.",
      {}};
  const auto add = [&](const char* name, const char* title, std::uint64_t data,
                       const Answer* with_data) {
    ShapeVariant variant(
        name, title,
        Walk4().Read(0x1234).Store(0x3000, 0).Store(0x4008, data).Read(0x1234));
    variant.May(Violation(0x581, 0x1234), "CACHE-3", kMemory);
    if (with_data != nullptr) {
      variant.May(*with_data, "CACHE-4",
                  "the PDE may have been kept, and the data are its table");
    }
    variant.May(Completes(0x9234), "CACHE-3", kKept);
    shape.variants.push_back(variant);
  };
  const Answer elsewhere = Completes(0xe234),
               misconfigured = Misconfiguration(0x1234);
  add("an-address", "The data look like an entry: the access goes there.",
      0xe037, &elsewhere);
  add("misconfigured", "The data look like an entry that is misconfigured.",
      0xe032, &misconfigured);
  add("zero", "The frame was cleared: as if unmapped, either way.", 0, nullptr);
  shape.variants.push_back(
      ShapeVariant("invept-first",
                   "INVEPT comes before the frame is given away, as it must.",
                   Walk4()
                       .Read(0x1234)
                       .Store(0x3000, 0)
                       .Invept(1, kEptp)
                       .Store(0x4008, 0xe037)
                       .Read(0x1234))
          .May(Violation(0x581, 0x1234), "CACHE-3", kMemory)
          .MayNot(Completes(0xe234), "CACHE-6", "INVEPT has ended the PDE")
          .MayNot(Completes(0x9234), "CACHE-6",
                  "INVEPT has ended the translation"));
  shape.variants.push_back(
      ShapeVariant("directory", "The same of a page directory.",
                   Walk4()
                       .Read(0x1234)
                       .Store(0x2000, 0)
                       .Store(0x3000, 0x2000b7)
                       .Read(0x1234))
          .May(Violation(0x581, 0x1234), "CACHE-3", kMemory)
          .May(Completes(0x201234).Size(21), "CACHE-4",
               "the PDPTE may have been kept, and the data are its directory")
          .May(Completes(0x9234), "CACHE-3", kKept));
  return shape;
}

}  // namespace

std::vector<LitmusShape> PageSizeShapes() {
  return {PageSizeDown(), PageSizeUp(), FreedTable()};
}

}  // namespace eptdiff
