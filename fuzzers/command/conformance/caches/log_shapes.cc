// The page-modification log, flags that are switched on, and SPP vectors.
#include "fuzzers/command/conformance/caches/passages.h"
#include "fuzzers/command/conformance/caches/shape.h"
#include "fuzzers/command/conformance/caches/world.h"

namespace eptdiff {
namespace {

LitmusShape PmlKeptDirty() {
  LitmusShape shape = {
      "pml-kept-dirty",
      "Page-modification logging and a dirty flag that was kept",
      "The dirty flag is cleared after the log was read, without INVEPT: the "
      "next write need not be logged.",
      {{"29.3.6",
        "If the processor updated a dirty flag for EPT (changing it from 0 to "
        "1), it then operates as follows: 1. The guest-physical address of the "
        "access is written to the page-modification log."},
       kFlagsAreSticky,
       kFlagsNeedInvept},
      "The log hangs on the flag: what sets no flag writes no entry. Here the "
      "log lies at 0x8000, and its index is 4.",
      {}};
  shape.variants.push_back(
      ShapeVariant("without-invept", "The flag is cleared, and that is all.",
                   Flagged(0x9337)
                       .Pml(4)
                       .Write(0x1234)
                       .Store(0x4008, 0x9137)
                       .Write(0x1234))
          .May(Completes(0x9234)
                   .Writes(0x4008, 0x9337)
                   .Writes(0x8020, 0x1000)
                   .PmlIndex(3),
               "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-10",
               "the entry may have been kept with its flag set: nothing is "
               "set, and nothing logged")
          .MayNot(Completes(0x9234).Writes(0x4008, 0x9337), "CACHE-3",
                  "who sets the flag logs the write"));
  shape.variants.push_back(
      ShapeVariant("invept", "The same, and INVEPT.",
                   Flagged(0x9337)
                       .Pml(4)
                       .Write(0x1234)
                       .Store(0x4008, 0x9137)
                       .Invept(1, kEptp)
                       .Write(0x1234))
          .May(Completes(0x9234)
                   .Writes(0x4008, 0x9337)
                   .Writes(0x8020, 0x1000)
                   .PmlIndex(3),
               "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-6",
                  "INVEPT has ended the entry with its flag"));
  shape.variants.push_back(
      ShapeVariant(
          "log-full",
          "The log is full: who sets the flag exits, who need not does not.",
          Flagged(0x9337)
              .Pml(0xffff)
              .Write(0x1234)
              .Store(0x4008, 0x9137)
              .Write(0x1234))
          .May(LogFull(), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-10",
               "the entry may have been kept with its flag set"));
  return shape;
}

LitmusShape FlagsSwitchedOn() {
  LitmusShape shape = {
      "flags-switched-on",
      "EPTP bit 6 switched on under one EPTRTA",
      "Translations were made while accessed and dirty flags were off. When "
      "they are on, the flags may fail to be set.",
      {{"29.4.3.4",
        "Software should use the INVEPT instruction with the “single-context” "
        "INVEPT type before a VM entry with an EPTP value X such that X[6] = 1 "
        "(accessed and dirty flags for EPT are enabled) if the logical "
        "processor had earlier been in VMX non-root operation with an EPTP "
        "value Y such that Y[6] = 0 (accessed and dirty flags for EPT are not "
        "enabled) and Y[51:12] = X[51:12]."},
       {"26.5.6.3",
        "If an EPTP-switching VMFUNC establishes an EPTP value that enables "
        "accessed and dirty flags for EPT (by setting bit 6), subsequent "
        "memory accesses may fail to set those flags as specified if there has "
        "been no appropriate execution of INVEPT since the last use of an EPTP "
        "value that does not enable accessed and dirty flags for EPT (because "
        "bit 6 is clear) and that is identical to the new value on bits "
        "51:12."}},
      "",
      {}};
  const auto start = [] {
    return Walk4().Pml4e(0x2107).Pdpte(0x3107).Pde(0x4107);
  };
  shape.variants.push_back(
      ShapeVariant(
          "accessed", "A read; of the PTE alone the flag is clear.",
          start().Read(0x1234).EnterWith(kFieldEptp, kEptp | 0x40).Read(0x1234))
          .May(Completes(0x9234).Writes(0x4008, 0x9137), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-14",
               "the translation was made without flags"));
  shape.variants.push_back(
      ShapeVariant("dirty", "A write.",
                   start()
                       .Write(0x1234)
                       .EnterWith(kFieldEptp, kEptp | 0x40)
                       .Write(0x1234))
          .May(Completes(0x9234).Writes(0x4008, 0x9337), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-14",
               "the translation was made without flags"));
  shape.variants.push_back(
      ShapeVariant("upper-level", "A read; the flag of the PDE is clear.",
                   Walk4()
                       .Pml4e(0x2107)
                       .Pdpte(0x3107)
                       .Pte(0x9137)
                       .Read(0x1234)
                       .EnterWith(kFieldEptp, kEptp | 0x40)
                       .Read(0x1234))
          .May(Completes(0x9234).Writes(0x3000, 0x4107), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-14",
               "the PDE was kept without flags"));
  shape.variants.push_back(
      ShapeVariant("invept", "INVEPT comes before the flags are switched on.",
                   start()
                       .Write(0x1234)
                       .Invept(1, kEptp)
                       .EnterWith(kFieldEptp, kEptp | 0x40)
                       .Write(0x1234))
          .May(Completes(0x9234).Writes(0x4008, 0x9337), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-14",
               "between steps 2 and 3 it may have been made again without "
               "flags"));
  shape.variants.push_back(
      ShapeVariant("invept-after",
                   "INVEPT comes after the flags have been switched on.",
                   start()
                       .Write(0x1234)
                       .EnterWith(kFieldEptp, kEptp | 0x40)
                       .Invept(1, kEptp)
                       .Write(0x1234))
          .May(Completes(0x9234).Writes(0x4008, 0x9337), "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-6",
                  "INVEPT has ended what was made without flags"));
  return shape;
}

LitmusShape SppChanged() {
  LitmusShape shape = {
      "spp-vector-changed",
      "Sub-page write permissions changed",
      "A sub-page is write-protected in its vector without INVEPT: the write "
      "may still be allowed.",
      {{"29.4.1",
        "Guest-physical mappings and combined mappings may also include SPP "
        "vectors and information about the data structures used to locate SPP "
        "vectors (see Section 29.3.4.2)."}},
      "The vector of the page lies at 0xd008, below tables at 0xa000, 0xb000 "
      "and 0xc000.",
      {}};
  const auto start = [] {
    return Walk4()
        .SubPage()
        .Pte(0x2000'0000'0000'9035)
        .Vector(0x5555'5555'5555'5555)
        .Write(0x1234);
  };
  shape.variants.push_back(
      ShapeVariant("vector", "The vector becomes 0.",
                   start().Store(0xd008, 0).Write(0x1234))
          .May(Violation(0x5aa, 0x1234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-15",
               "the vector may have been kept as it was"));
  shape.variants.push_back(
      ShapeVariant("path",
                   "The entry above leads to another table, whose vector is 0.",
                   start().Store(0xc000, 0xe001).Write(0x1234))
          .May(Violation(0x5aa, 0x1234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-15",
               "what locates the vector may have been kept, or the vector"));
  shape.variants.push_back(
      ShapeVariant("bit-61",
                   "Bit 61 of the PTE is cleared: no vector is looked at.",
                   start().Store(0x4008, 0x9035).Write(0x1234))
          .May(Violation(0x5aa, 0x1234), "CACHE-3", kMemory)
          .May(Completes(0x9234), "CACHE-3",
               "the PTE may have been kept as it was"));
  shape.variants.push_back(
      ShapeVariant("invept", "The same, and INVEPT.",
                   start().Store(0xd008, 0).Invept(1, kEptp).Write(0x1234))
          .May(Violation(0x5aa, 0x1234), "CACHE-3", kMemory)
          .MayNot(Completes(0x9234), "CACHE-6",
                  "INVEPT has ended the vector that was kept"));
  return shape;
}

}  // namespace

std::vector<LitmusShape> LogShapes() {
  return {PmlKeptDirty(), FlagsSwitchedOn(), SppChanged()};
}

}  // namespace eptdiff
