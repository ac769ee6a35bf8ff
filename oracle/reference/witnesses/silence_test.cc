// Where the SDM is silent or leaves a choice: each permitted outcome is
// accepted, and a mixture of two is not.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "oracle/reference/witnesses/answer.h"
#include "oracle/reference/witnesses/case_builder.h"
#include "oracle/reference/witnesses/choices.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kBit60 = std::uint64_t{1} << 60;
constexpr std::uint64_t kBit61 = std::uint64_t{1} << 61;
constexpr std::uint64_t kNextGla = kGlaPage + 0x1000;

// All accessed flags set, up to the PTE's own.
CaseBuilder Accessed() {
  return Walk4().AccessedDirty().Pml4e(0x2107).Pdpte(0x3107).Pde(0x4107);
}

Answer TableFlags(Answer answer) {
  return answer.Writes(0x1000, 0x2107)
      .Writes(0x2000, 0x3107)
      .Writes(0x3000, 0x4107);
}

// AD-6.

TEST(SilenceTest, AccessedFlagsOfARefusedAccessMayBeSet) {
  const Answer violation = Violation(0x5aa, 0x1234);
  Expect(
      Walk4().AccessedDirty().Pte(0x9035).Write(0x1234),
      {{"none", violation},
       {"all", TableFlags(violation).Writes(0x4008, 0x9135)},
       {"those of tables", TableFlags(violation)},
       {"that of the PDPTE", Answer(violation).Writes(0x2000, 0x3107)}},
      {{"the dirty flag", Answer(violation).Writes(0x4008, 0x9235)},
       {"both", TableFlags(violation).Writes(0x4008, 0x9335)},
       {"bit 9 of a table entry", Answer(violation).Writes(0x3000, 0x4207)}});
}

TEST(SilenceTest, NoFlagIsSetInAnEntryThatIsNotPresentOrMisconfigured) {
  const Answer violation = Violation(0x581, 0x1234);
  Expect(Walk4().AccessedDirty().Pde(0x4000).Read(0x1234),
         {{"above",
           Answer(violation).Writes(0x1000, 0x2107).Writes(0x2000, 0x3107)}},
         {{"not present", Answer(violation).Writes(0x3000, 0x4100)}});
  const Answer misconfiguration = Misconfiguration(0x1234);
  Expect(Walk4().AccessedDirty().Pde(0x4002).Read(0x1234),
         {{"none", misconfiguration},
          {"above", Answer(misconfiguration).Writes(0x1000, 0x2107)}},
         {{"misconfigured", Answer(misconfiguration).Writes(0x3000, 0x4102)}});
}

TEST(SilenceTest, WithoutAccessedFlagsNothingIsSet) {
  const Answer violation = Violation(0x5aa, 0x1234);
  Expect(Walk4().Pte(0x9035).Write(0x1234), {{"none", violation}},
         {{"one", Answer(violation).Writes(0x1000, 0x2107)}});
}

TEST(SilenceTest, LogFullMayTakeThePlaceOfAViolation) {
  const Answer violation = Violation(0x5aa, 0x1234);
  Expect(Walk4().AccessedDirty().Pml(0xffff).Pte(0x9035).Write(0x1234),
         {{"violation", violation}, {"log-full", LogFull()}},
         {{"a flag beyond the log", Answer(violation).Writes(0x1000, 0x2107)},
          {"log-full with the flag", LogFull().Writes(0x1000, 0x2107)}});
  // No accessed flag to set: nothing comes first.
  Expect(Accessed().Pml(0xffff).Pte(0x9135).Write(0x1234),
         {{"violation", violation}}, {{"log-full", LogFull()}});
  // The log has room.
  Expect(Walk4().AccessedDirty().Pml(0).Pte(0x9035).Write(0x1234),
         {{"violation", violation}}, {{"log-full", LogFull()}});
}

TEST(SilenceTest, LogFullMayTakeThePlaceOfAnSppEventOrAMisconfiguration) {
  Expect(Walk4()
             .AccessedDirty()
             .Pml(0xffff)
             .SubPage()
             .Pte(kBit61 | 0x9035)
             .SppL4(0)
             .Write(0x1234),
         {{"SPP miss", SppEvent(0x800, 0x1234)}, {"log-full", LogFull()}}, {});
  Expect(
      Walk4().AccessedDirty().Pml(0xffff).Pte(0x9032).Write(0x1234),
      {{"misconfiguration", Misconfiguration(0x1234)}, {"log-full", LogFull()}},
      {{"a flag beyond the log",
        Misconfiguration(0x1234).Writes(0x1000, 0x2107)}});
  // No entry above has a flag to set.
  Expect(Accessed().Pml(0xffff).Pte(0x9032).Write(0x1234),
         {{"misconfiguration", Misconfiguration(0x1234)}},
         {{"log-full", LogFull()}});
}

// VIO-12 and SPP.

TEST(SilenceTest, ShadowStackWriteThatBit60AllowsMaySucceedOrDoAsSppSays) {
  const CaseBuilder builder =
      Walk4().SupervisorShadowStack().SubPage().Pte(kBit60 | kBit61 | 0x9035);
  const Answer violation = Violation(0x65aa, 0x1230);
  Expect(CaseBuilder(builder).ShadowStackWrite(0x1230),
         {{"success", Completes(0x9230)}, {"SPP refuses", violation}},
         {{"SPP miss", SppEvent(0x800, 0x1230)}});
  Expect(
      CaseBuilder(builder).SppL2(0).ShadowStackWrite(0x1230),
      {{"success", Completes(0x9230)}, {"SPP miss", SppEvent(0x800, 0x1230)}},
      {{"violation", violation},
       {"SPP misconfiguration", SppEvent(0, 0x1230)}});
  Expect(CaseBuilder(builder)
             .Pte(kBit61 | 0x9035)
             .SppL2(0)
             .ShadowStackWrite(0x1230),
         {{"bit 60 refuses", Violation(0x25aa, 0x1230)}},
         {{"SPP miss", SppEvent(0x800, 0x1230)}});
  Expect(CaseBuilder(builder).SppL2(0).ShadowStackRead(0x1230),
         {{"a read", Completes(0x9230)}},
         {{"SPP miss", SppEvent(0x800, 0x1230)}});
}

// A token is loaded, and then stored: which of both exits or faults is open,
// where the load may be refused as well.
TEST(SilenceTest, ARefusedTokenIsAReadOrAWrite) {
  Expect(Walk4().Pte(0).ShadowStackToken(0x1230),
         {{"a read", Violation(0x2581, 0x1230)},
          {"a write", Violation(0x2582, 0x1230)},
          {"both", Violation(0x2583, 0x1230)}},
         {{"no shadow-stack access", Violation(0x582, 0x1230)}});
  Expect(
      Walk4().Pte(0x9035).ShadowStackToken(0x1230),
      {{"a write", Violation(0x25aa, 0x1230)},
       {"both", Violation(0x25ab, 0x1230)}},
      {{"a read", Violation(0x25a9, 0x1230)}, {"success", Completes(0x9230)}});
  Expect(Walk4().SupervisorShadowStack().Pte(0x9037).ShadowStackToken(0x1230),
         {{"a read", Violation(0x25b9, 0x1230)},
          {"a write", Violation(0x25ba, 0x1230)}},
         {{"success", Completes(0x9230)}});
  Expect(Guest4().Cr4(1 << 23).GuestPte(0).ShadowStackToken(kGla),
         {{"a read", PageFault(0x40)}, {"a write", PageFault(0x42)}},
         {{"no shadow-stack access", PageFault(0x02)}});
}

// SPP-1: "behavior is model-specific" of what no instruction writes at once.
TEST(SilenceTest, SubPagesMayBeIgnoredByWritesOfMoreThan64Bytes) {
  const CaseBuilder builder = Walk4().SubPage().Pte(kBit61 | 0x9035);
  const Answer violation = Violation(0x5aa, 0x1000);
  Expect(CaseBuilder(builder).Vector(1).Write(0x1000, 64),
         {{"SPP allows", Completes(0x9000)}}, {{"violation", violation}});
  Expect(CaseBuilder(builder).Vector(1).Write(0x1000, 65),
         {{"SPP allows", Completes(0x9000)}, {"violation", violation}}, {});
  // All of its sub-pages, or none; an event of the lookup, or none.
  Expect(CaseBuilder(builder).Vector(0x11).Write(0x1000, 384),
         {{"violation", violation}}, {{"success", Completes(0x9000)}});
  Expect(CaseBuilder(builder).SppL2(0).Write(0x1000, 4096),
         {{"SPP miss", SppEvent(0x800, 0x1000)}, {"violation", violation}},
         {{"success", Completes(0x9000)}});
  // Any byte may be the one that is reported.
  Expect(CaseBuilder(builder).Vector(0x11).Write(0x1000, 4096),
         {{"the last byte", Violation(0x5aa, 0x1fff).At(kGlaPage | 0xfff)}},
         {{"beyond", Violation(0x5aa, 0x2000)}});
}

// That a page may not be read refuses no write: it is eligible (29.3.4.1).
TEST(SilenceTest, ExecuteOnlyPageWithSubPagesDoesAsSppSays) {
  const CaseBuilder builder = Walk4().SubPage().Pte(kBit61 | 0x9034);
  const Answer violation = Violation(0x5a2, 0x1234);
  Expect(CaseBuilder(builder).Vector(0x100).Write(0x1234),
         {{"SPP allows", Completes(0x9234)}},
         {{"violation", violation}, {"a mixture", Violation(0x5b2, 0x1234)}});
  Expect(CaseBuilder(builder).Vector(2).Write(0x1234),
         {{"SPP misconfiguration", SppEvent(0, 0x1234)}},
         {{"success", Completes(0x9234)}, {"violation", violation}});
}

// An SPP-related event of an access without a linear address has no GLA.
TEST(SilenceTest, SppEventOfTraceOutputReportsNoLinearAddress) {
  const auto trace_output = [](Step& step) {
    step.access.asynchronous = true;
    step.page.gla_valid = false;
  };
  const CaseBuilder builder = Walk4()
                                  .TraceOutput()
                                  .SubPage()
                                  .Pte(kBit61 | 0x9035)
                                  .SppL4(0)
                                  .Write(0x1234);
  const Answer miss = SppEvent(0x10800, 0x1234);
  Expect(CaseBuilder(builder).But(trace_output),
         {{"the step's", miss}, {"another", Answer(miss).At(0)}},
         {{"another GPA", SppEvent(0x10800, 0x1235)}});
  Expect(CaseBuilder(builder), {{"the step's", SppEvent(0x800, 0x1234)}},
         {{"another", SppEvent(0x800, 0x1234).At(0)}});
}

// Nor a guest entry that gives PAT, PCD and PWT.
TEST(SilenceTest, TypeOfTraceOutputIsUndefinedWithPaging) {
  const auto trace_output = [](Step& step) {
    step.access.asynchronous = true;
    step.page.gla_valid = false;
  };
  const Answer uc = Completes(0x9234).Type(MemoryType::kUncacheable);
  Expect(Walk4().TraceOutput().Read(0x1234).But(trace_output),
         {{"WB", Completes(0x9234)}, {"UC", uc}}, {});
  // The PAT does not count, or there is none.
  Expect(Walk4().TraceOutput().Pte(0x9077).Read(0x1234).But(trace_output),
         {{"WB", Completes(0x9234)}}, {{"UC", uc}});
  Expect(Walk4()
             .TraceOutput()
             .With([](Case& c) { c.guest.cr0 = 1; })
             .Read(0x1234)
             .But(trace_output),
         {{"WB", Completes(0x9234)}}, {{"UC", uc}});
}

// An access by guest-physical address does not say which guest entries were
// used for the linear one.
TEST(SilenceTest, VerificationOfAnAccessByGuestPhysicalAddressIsOpen) {
  constexpr std::uint64_t kBit57 = std::uint64_t{1} << 57;
  const Answer violation = Violation(0x85b9, 0x1234);
  Expect(Walk4().PagingWrite().Verification().Pte(kBit57 | 0x9037).Read(0x1234),
         {{"verified", Completes(0x9234)}, {"not verified", violation}},
         {{"without bit 15", Violation(0x5b9, 0x1234)}});
  Expect(Walk4().PagingWrite().Verification().Read(0x1234),
         {{"success", Completes(0x9234)}}, {{"bit 57 is clear", violation}});
  Expect(Walk4()
             .PagingWrite()
             .Verification()
             .With([](Case& c) { c.guest.cr0 = 1; })
             .Pte(kBit57 | 0x9037)
             .Read(0x1234),
         {{"no guest tables", Completes(0x9234)}}, {{"exit", violation}});
}

// 28.3.4: what a VM exit saves of a PDPTE.
TEST(SilenceTest, SavedPdptesMeanSomethingOnlyUnderPaePaging) {
  const auto loads = [](std::uint64_t efer) {
    return GuestPae()
        .With([=](Case& c) {
          c.guest.efer = efer;
          c.guest.pdpte = {0x1e6, 0x12001, 0, 0};
        })
        .Write(kGla32);
  };
  const auto reaches = [](const std::array<std::uint64_t, 4>& saved) {
    return Reaches(0x20234, 2).Pdptes(saved);
  };
  Expect(loads(0x800),
         {{"as loaded", reaches({0x1e6, 0x12001, 0, 0})},
          {"P = 0: bits 63:1", reaches({0, 0x12001, 0xfffffffe, 0})},
          {"bits 11:9", reaches({0x1e6, 0x12e01, 0, 0})}},
         {{"P", reaches({1, 0x12001, 0, 0})},
          {"bit 12", reaches({0x1e6, 0x13001, 0, 0})},
          {"bit 8", reaches({0x1e6, 0x12101, 0, 0})}});
  Expect(Walk4()
             .With([](Case& c) { c.guest.pdpte = {0x12001, 0, 0, 0}; })
             .Read(0x1234),
         {{"not PAE paging", Completes(0x9234).Pdptes({0, 1, 2, 3})}}, {});
}

// WALK-2 and #VE.

TEST(SilenceTest, ViolationBeyondTheWidthMayBeConverted) {
  constexpr std::uint64_t kGpa = 0x0001'0000'0000'1234;
  const auto area = [](Answer answer) {
    return answer.Writes(0x6000, 0xffff'ffff'0000'0030)
        .Writes(0x6008, 0x581)
        .Writes(0x6010, kGlaPage | 0x234)
        .Writes(0x6018, kGpa);
  };
  Expect(Walk4().N(52).Ve().Read(kGpa),
         {{"exit", Violation(0x581, kGpa)},
          {"#VE", area(VirtualizationException())}},
         {{"exit with the area written", area(Violation(0x581, kGpa))},
          {"#VE without the area", VirtualizationException()}});
}

// Which byte is reported.

TEST(SilenceTest, AnyRefusedByteMayBeReported) {
  Expect(
      Walk4().Pte(0).Read(0x1ff8, 8),
      {{"first", Violation(0x581, 0x1ff8)}, {"last", Violation(0x581, 0x1fff)}},
      {{"before", Violation(0x581, 0x1ff7)},
       {"behind", Violation(0x581, 0x2000).At(kNextGla)}});
}

TEST(SilenceTest, ReadingBitOfAReadModifyWriteIsUndefined) {
  Expect(
      Walk4().Pte(0x9035).ReadModifyWrite(0x1234),
      {{"clear", Violation(0x5aa, 0x1234)}, {"set", Violation(0x5ab, 0x1234)}},
      {{"no write", Violation(0x5a9, 0x1234)}});
  Expect(Walk4().Pte(0x9035).StructureUpdate(0x1008),
         {{"clear", Violation(0xaa, 0x1008).At(kGlaPage)},
          {"set", Violation(0xab, 0x1008).At(kGlaPage)}},
         {{"no write", Violation(0xa9, 0x1008).At(kGlaPage)}});
}

// Accesses across two pages: 1FFCH to 1FFFH by the PTE at 4008H, 2000H to
// 2003H by the one at 4010H.

TEST(SilenceTest, EitherPageMayBeRefusedFirst) {
  Expect(Walk4().Pte(0).Write(0x1ffc, 8),
         {{"first page", Violation(0x582, 0x1ffc)},
          {"second page", Violation(0x582, 0x2000).At(kNextGla)}},
         {{"GPA of one and GLA of the other",
           Violation(0x582, 0x2000).At(kGlaPage | 0xffc)}});
  Expect(Walk4().Pte(0x9035).Word(0x4010, 0xa032).Write(0x1ffc, 8),
         {{"violation", Violation(0x5aa, 0x1ffc)},
          {"misconfiguration", Misconfiguration(0x2000)}},
         {{"misconfiguration of the first page", Misconfiguration(0x1ffc)}});
}

TEST(SilenceTest, ThePageThatAllowsMayHaveItsFlagsAndItsLogEntry) {
  const Answer violation = Violation(0x5aa, 0x2000).At(kNextGla);
  Expect(
      Accessed().Pml(5).Word(0x4010, 0xa135).Write(0x1ffc, 8),
      {{"nothing", violation},
       {"accessed", Answer(violation).Writes(0x4008, 0x9137)},
       {"dirty and logged", Answer(violation)
                                .Writes(0x4008, 0x9337)
                                .Writes(0x8028, 0x1000)
                                .PmlIndex(4)}},
      {{"dirty, not logged", Answer(violation).Writes(0x4008, 0x9337)},
       {"logged, not dirty",
        Answer(violation).Writes(0x8028, 0x1000).PmlIndex(4)},
       {"the refused page logged",
        Answer(violation).Writes(0x8028, 0x2000).PmlIndex(4)},
       {"the refused page dirty", Answer(violation).Writes(0x4010, 0xa335)}});
}

TEST(SilenceTest, TwoPagesAreLoggedInEitherOrder) {
  const Answer dirty = Completes(0x9ffc)
                           .And(0xa000)
                           .Writes(0x4008, 0x9337)
                           .Writes(0x4010, 0xa337);
  const auto log = [&](std::uint64_t first, std::uint64_t second) {
    return Answer(dirty)
        .Writes(0x8028, first)
        .Writes(0x8020, second)
        .PmlIndex(3);
  };
  Expect(
      Accessed().Pml(5).Word(0x4010, 0xa137).Write(0x1ffc, 8),
      {{"ascending", log(0x1000, 0x2000)}, {"descending", log(0x2000, 0x1000)}},
      {{"one page twice", log(0x1000, 0x1000)},
       {"one entry", Answer(dirty).Writes(0x8028, 0x1000).PmlIndex(4)}});
}

TEST(SilenceTest, LogThatFillsBetweenTwoPagesExits) {
  const Answer first =
      LogFull().Writes(0x4008, 0x9337).Writes(0x8000, 0x1000).PmlIndex(0xffff);
  const Answer second =
      LogFull().Writes(0x4010, 0xa337).Writes(0x8000, 0x2000).PmlIndex(0xffff);
  Expect(Accessed().Pml(0).Word(0x4010, 0xa137).Write(0x1ffc, 8),
         {{"the first page was logged", first},
          {"the second page was logged", second}},
         {{"neither was", LogFull()},
          {"a mixture", LogFull()
                            .Writes(0x4008, 0x9337)
                            .Writes(0x8000, 0x2000)
                            .PmlIndex(0xffff)}});
}

TEST(SilenceTest, OneLargePageIsLoggedOnceForBothHalves) {
  const Answer dirty =
      Completes(0xa0'1ffc).Size(21).And(0xa0'2000).Size(21).Writes(0x3000,
                                                                   0xa0'03b7);
  const auto log = [&](std::uint64_t gpa) {
    return Answer(dirty).Writes(0x8028, gpa).PmlIndex(4);
  };
  Expect(Accessed().Pml(5).Pde(0xa0'01b7).Write(0x1ffc, 8),
         {{"by the first", log(0x1000)}, {"by the second", log(0x2000)}},
         {{"not at all", dirty}});
}

TEST(SilenceTest, SppMayBeAppliedToNeitherOfTwoPages) {
  const CaseBuilder builder = Walk4()
                                  .SubPage()
                                  .Pte(kBit61 | 0x9035)
                                  .Word(0x4010, 0xa037)
                                  .Write(0x1ffc, 8);
  const Answer violation = Violation(0x5aa, 0x1ffc);
  Expect(
      CaseBuilder(builder).Vector(0x4000'0000'0000'0000),
      {{"applied", Completes(0x9ffc).And(0xa000)}, {"not applied", violation}},
      {{"the page that allows", Violation(0x5aa, 0x2000).At(kNextGla)}});
  Expect(CaseBuilder(builder).SppL3(0),
         {{"applied", SppEvent(0x800, 0x1ffc)}, {"not applied", violation}},
         {{"success", Completes(0x9ffc).And(0xa000)}});
}

}  // namespace
}  // namespace eptdiff
