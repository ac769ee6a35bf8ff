#include "oracle/judgement/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/judgement/permitted.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr Hpa kPde{0x3000};
constexpr Hpa kPte{0x4008};
constexpr Hpa kLogEntry{0x8028};
constexpr Hpa kArea{0x6000};

// A completed write that sets the dirty flag of the PTE and logs.
Alternative Completion() {
  Alternative a;
  a.event.translation_count = 2;
  a.event.translations[0] = {Hpa{0x9ffc}, 12, MemoryType::kWriteBack,
                             MemoryType::kWriteBack};
  a.event.translations[1] = {Hpa{0xa000}, 12, MemoryType::kWriteThrough,
                             MemoryType::kWriteBack};
  a.registers = {.eptp = 0x105e, .pml_index = 4, .eptp_index = 7, .pdpte = {}};
  a.registers.pdpte[1] = 0x12001;
  a.pdptes_defined = true;
  a.required.push_back({kPte, 0x200, 0x200, {Rule::kAd2, 1}});
  a.required.push_back({kLogEntry, 0x1000, 0x1000, {Rule::kPml2, 0}});
  a.optional.push_back({kPde, 0x100, 0x100, {Rule::kAd6, 2}});
  a.decided = {Rule::kWalk6, 1};
  return a;
}

// An EPT violation by a write of 8 bytes; bits 63:17, 14 and 6 are undefined.
Alternative Violation() {
  Alternative a;
  a.event.kind = EventKind::kVmExit;
  a.event.exit_reason = 48;
  a.event.qualification = 0x5aa;
  a.event.gpa = Gpa{0x1230};
  a.event.gla = Gla{0x5555'5230};
  a.qualification_defined = 0x1bfbf;
  a.gpa_defined = a.gla_defined = true;
  a.span = a.gla_span = 7;
  a.decided = {Rule::kVio3, 1};
  a.registers = {.eptp = 0x105e, .pml_index = 5, .eptp_index = 7, .pdpte = {}};
  a.saved = {.vectoring_information = 0x80000b0e,
             .vectoring_error_code = 2,
             .instruction_length = 2,
             .rflags = 0x10002};
  a.saved_defined = {.exit_reason_flags = 0xfbff,
                     .vectoring_information = 0xffffefff,
                     .vectoring_error_code = 0xffffffff,
                     .instruction_length = 0xffffffff,
                     .interruptibility = 0xffffffff,
                     .rflags = ~std::uint64_t{0},
                     .pending_debug = ~std::uint64_t{0}};
  return a;
}

// The same EPT violation as a #VE.
Alternative Ve() {
  Alternative a = Violation();
  a.ve_written = true;
  a.ve_area = kArea;
  a.ve_information = ReportOf(a.event);
  a.event = {};
  a.event.kind = EventKind::kVirtualizationException;
  a.required.push_back({kArea, kAll, 0xffff'ffff'0000'0030, {Rule::kVe4, 0}});
  return a;
}

Alternative InterceptedVe() {
  Alternative a = Ve();
  a.event.kind = EventKind::kVmExit;
  a.event.interruption_information = 0x8000'0314;
  a.interruption_information_defined = ~std::uint32_t{0x1000};
  return a;
}

Alternative PageFault() {
  Alternative a;
  a.event.kind = EventKind::kPageFault;
  a.event.error_code = 3;
  a.event.cr2 = Gla{0x5555'5230};
  a.decided = {Rule::kGw7, 3};
  return a;
}

Alternative EntryFailure() {
  Alternative a;
  a.event.kind = EventKind::kVmEntryFailure;
  a.failed_checks = 1 << static_cast<int>(EntryCheck::kEptp1) |
                    1 << static_cast<int>(EntryCheck::kEptp5);
  a.decided = {Rule::kEptp1, 0};
  return a;
}

Alternative GuestFailure() {
  Alternative a;
  a.event.kind = EventKind::kGuestStateFailure;
  a.event.exit_reason = 33;
  a.event.qualification = 2;
  a.qualification_defined = ~std::uint64_t{0};
  a.decided = {Rule::kGst10, 0};
  return a;
}

class JudgeTest : public testing::Test {
 protected:
  JudgeTest() {
    state_.memory.Store(kPde, 0x4007);
    state_.memory.Store(kPte, 0x9137);
  }

  static Verdict VerdictOf(const std::vector<Alternative>& alternatives) {
    Verdict verdict;
    for (const Alternative& a : alternatives) {
      verdict.alternatives.push_back(a);
    }
    return verdict;
  }

  Finding JudgeOne(const Alternative& a, const Outcome& outcome,
                   FieldSet fields = kAllFields) const {
    return Judge(VerdictOf({a}), state_, outcome, fields);
  }

  static void SetWord(Outcome& outcome, Hpa address, std::uint64_t value) {
    for (MemoryWord& word : outcome.writes) {
      if (word.address == address) {
        word.value = value;
        return;
      }
    }
    outcome.writes.push_back({address, value});
  }

  MachineState state_;
};

// One planted wrong value, and what the comparison is to say of it.
struct Planted {
  std::string_view name;
  Alternative (*expected)();
  void (*plant)(Outcome&);
  Field field;
  std::string_view signature;
};

const Planted kPlanted[] = {
    {"AnotherEvent", Violation,
     [](Outcome& o) { o.event.kind = EventKind::kPageFault; }, Field::kEvent,
     "eptdiff-x-event-VIO-3-PTE"},
    {"FewerPages", Completion,
     [](Outcome& o) { o.event.translation_count = 1; }, Field::kEvent,
     "eptdiff-x-event-VIO-14-none"},
    {"AnotherFailedCheck", EntryFailure,
     [](Outcome& o) { o.event.failed_check = EntryCheck::kCtl1; },
     Field::kFailedCheck, "eptdiff-x-failed-check-EPTP-1-none"},
    {"NoFailedCheck", EntryFailure,
     [](Outcome& o) { o.event.failed_check = EntryCheck::kNone; },
     Field::kFailedCheck, "eptdiff-x-failed-check-EPTP-1-none"},
    {"ControlsForTheGuest", GuestFailure,
     [](Outcome& o) { o.event.kind = EventKind::kVmEntryFailure; },
     Field::kEvent, "eptdiff-x-event-GST-10-none"},
    {"AnotherQualificationOfAFailedEntry", GuestFailure,
     [](Outcome& o) { o.event.qualification = 0; }, Field::kQualification,
     "eptdiff-x-qualification1-GST-10-none"},
    {"AnotherReasonOfAFailedEntry", GuestFailure,
     [](Outcome& o) { o.event.exit_reason = 34; }, Field::kExitReason,
     "eptdiff-x-exit-reason-GST-10-none"},
    {"AnotherExitReason", Violation,
     [](Outcome& o) { o.event.exit_reason = 49; }, Field::kExitReason,
     "eptdiff-x-exit-reason-VIO-3-PTE"},
    {"AnotherVector", InterceptedVe,
     [](Outcome& o) { o.event.interruption_information = 0x8000'030e; },
     Field::kInterruptionInformation,
     "eptdiff-x-interruption-information-VE-5-none"},
    {"QualificationOfInterceptedVe", InterceptedVe,
     [](Outcome& o) { o.event.qualification = 0x40; }, Field::kQualification,
     "eptdiff-x-qualification6-VE-5-none"},
    {"AnotherErrorCode", PageFault, [](Outcome& o) { o.event.error_code = 2; },
     Field::kErrorCode, "eptdiff-x-error-code0-GW-7-PDPTE"},
    {"QualificationBit4", Violation,
     [](Outcome& o) { o.event.qualification ^= 0x10; }, Field::kQualification,
     "eptdiff-x-qualification4-QUAL-4-none"},
    {"QualificationBit16", Violation,
     [](Outcome& o) { o.event.qualification ^= 0x10000; },
     Field::kQualification, "eptdiff-x-qualification16-QUAL-16-none"},
    {"GpaBelow", Violation, [](Outcome& o) { o.event.gpa.value -= 1; },
     Field::kGpa, "eptdiff-x-gpa-INFO-1-none"},
    {"GpaBeyondTheAccess", Violation,
     [](Outcome& o) { o.event.gpa.value += 8; }, Field::kGpa,
     "eptdiff-x-gpa-INFO-1-none"},
    {"AnotherGla", Violation, [](Outcome& o) { o.event.gla.value ^= 0x1000; },
     Field::kGla, "eptdiff-x-gla-INFO-1-none"},
    {"AnotherCr2", PageFault, [](Outcome& o) { o.event.cr2.value += 1; },
     Field::kCr2, "eptdiff-x-cr2-GW-16-none"},
    {"AnotherAddress", Completion,
     [](Outcome& o) { o.event.translations[1].address.value += 0x1000; },
     Field::kAddress, "eptdiff-x-address-WALK-6-PTE"},
    {"AnotherPageSize", Completion,
     [](Outcome& o) { o.event.translations[0].page_shift = 21; },
     Field::kPageSize, "eptdiff-x-page-size-WALK-5-PTE"},
    {"AnotherMemoryType", Completion,
     [](Outcome& o) {
       o.event.translations[1].memory_type = MemoryType::kWriteBack;
     },
     Field::kMemoryType, "eptdiff-x-memory-type-MT-5-PTE"},
    {"AnotherStructureMemoryType", Completion,
     [](Outcome& o) {
       o.event.translations[0].structure_memory_type = MemoryType::kUncacheable;
     },
     Field::kStructureMemoryType, "eptdiff-x-structure-memory-type-MT-1-none"},
    {"AnotherPdpte", Completion, [](Outcome& o) { o.registers.pdpte[2] = 1; },
     Field::kPdpte, "eptdiff-x-pdpte-GW-17-none"},
    {"AnotherEptp", Completion, [](Outcome& o) { o.registers.eptp = 0x205e; },
     Field::kEptp, "eptdiff-x-eptp-CTL-4-none"},
    {"AnotherEptpIndex", Completion,
     [](Outcome& o) { o.registers.eptp_index = 0; }, Field::kEptpIndex,
     "eptdiff-x-eptp-index-CTL-4-none"},
    {"AnotherPmlIndex", Completion,
     [](Outcome& o) { o.registers.pml_index = 6; }, Field::kPmlIndex,
     "eptdiff-x-pml-index-PML-2-none"},
    {"RequiredFlagMissing", Completion,
     [](Outcome& o) {
       FixedVector<MemoryWord, kMaxStepWrites> rest;
       for (const MemoryWord& word : o.writes) {
         if (!(word.address == kPte)) rest.push_back(word);
       }
       o.writes = rest;
     },
     Field::kMemory, "eptdiff-x-memory-AD-2-PTE"},
    {"RequiredLogEntryOtherwise", Completion,
     [](Outcome& o) {
       for (MemoryWord& word : o.writes) {
         if (word.address == kLogEntry) word.value = 0x1234;
       }
     },
     Field::kMemory, "eptdiff-x-memory-AD-4-none"},
    {"AnotherBitOfTheEntry", Completion,
     [](Outcome& o) {
       for (MemoryWord& word : o.writes) {
         if (word.address == kPte) word.value |= 0x40;
       }
     },
     Field::kMemory, "eptdiff-x-memory-AD-4-PTE"},
    {"AnotherBitOfAnOptionalEntry", Completion,
     [](Outcome& o) { o.writes.push_back({kPde, 0x4027}); }, Field::kMemory,
     "eptdiff-x-memory-AD-6-PDE"},
    {"UnexpectedWriteOfACompletion", Completion,
     [](Outcome& o) { o.writes.push_back({Hpa{0x7000}, 1}); }, Field::kMemory,
     "eptdiff-x-memory-AD-4-none"},
    {"UnexpectedWriteOfAnExit", Violation,
     [](Outcome& o) { o.writes.push_back({Hpa{0x7000}, 1}); }, Field::kMemory,
     "eptdiff-x-memory-AD-6-none"},
    {"ReasonInTheArea", Ve,
     [](Outcome& o) {
       for (MemoryWord& word : o.writes) {
         if (word.address == kArea) word.value ^= 1;
       }
     },
     Field::kMemory, "eptdiff-x-memory-VE-4-none"},
    {"QualificationInTheArea", Ve,
     [](Outcome& o) {
       for (MemoryWord& word : o.writes) {
         if (word.address == Hpa{0x6008}) word.value ^= 0x10;
       }
     },
     Field::kMemory, "eptdiff-x-memory-VE-4-none"},
    {"ExitReasonFlags", Violation,
     [](Outcome& o) { o.saved.exit_reason_flags ^= 0x200; },
     Field::kExitReasonFlags, "eptdiff-x-exit-reason-flags-HAND-1-none"},
    {"VectoringInformation", Violation,
     [](Outcome& o) { o.saved.vectoring_information ^= 0x20; },
     Field::kVectoringInformation,
     "eptdiff-x-vectoring-information-HAND-2-none"},
    {"VectoringErrorCodeValid", Violation,
     [](Outcome& o) { o.saved.vectoring_information ^= 0x800; },
     Field::kVectoringInformation,
     "eptdiff-x-vectoring-information-HAND-3-none"},
    {"VectoringErrorCode", Violation,
     [](Outcome& o) { o.saved.vectoring_error_code ^= 1; },
     Field::kVectoringErrorCode, "eptdiff-x-vectoring-error-code-HAND-3-none"},
    {"InstructionLength", Violation,
     [](Outcome& o) { o.saved.instruction_length ^= 1; },
     Field::kInstructionLength, "eptdiff-x-instruction-length-HAND-4-none"},
    {"Interruptibility", Violation,
     [](Outcome& o) { o.saved.interruptibility ^= 2; },
     Field::kInterruptibility, "eptdiff-x-interruptibility-HAND-5-none"},
    {"BlockingByNmi", Violation,
     [](Outcome& o) { o.saved.interruptibility ^= 8; },
     Field::kInterruptibility, "eptdiff-x-interruptibility-HAND-6-none"},
    {"Rflags", Violation, [](Outcome& o) { o.saved.rflags ^= 0x10000; },
     Field::kRflags, "eptdiff-x-rflags-HAND-7-none"},
    {"PendingDebug", Violation,
     [](Outcome& o) { o.saved.pending_debug ^= 0x1000; }, Field::kPendingDebug,
     "eptdiff-x-pending-debug-HAND-8-none"},
    {"GlaInTheArea", Ve,
     [](Outcome& o) {
       for (MemoryWord& word : o.writes) {
         if (word.address == Hpa{0x6010}) word.value += 8;
       }
     },
     Field::kMemory, "eptdiff-x-memory-VE-4-none"},
    {"GpaInTheArea", Ve,
     [](Outcome& o) {
       for (MemoryWord& word : o.writes) {
         if (word.address == Hpa{0x6018}) word.value -= 1;
       }
     },
     Field::kMemory, "eptdiff-x-memory-VE-4-none"},
    {"BeyondTheArea", Ve,
     [](Outcome& o) { o.writes.push_back({Hpa{0x6028}, 1}); }, Field::kMemory,
     "eptdiff-x-memory-VE-4-none"},
};

TEST_F(JudgeTest, NoticesEachPlantedWrongValue) {
  FieldSet planted = 0;
  for (const Planted& p : kPlanted) {
    SCOPED_TRACE(p.name);
    const Alternative expected = p.expected();
    Outcome outcome = PlainOutcome(expected, state_);
    ASSERT_TRUE(JudgeOne(expected, outcome).conforms);
    p.plant(outcome);
    const Finding finding = JudgeOne(expected, outcome);
    EXPECT_FALSE(finding.conforms);
    ASSERT_FALSE(finding.disagreements.empty());
    EXPECT_EQ(NameOf(finding.disagreements[0].field), NameOf(p.field));
    EXPECT_EQ(SignatureOf("x", finding), p.signature);
    planted |= SetOf(p.field);
    // An oracle that does not fill the field in is not judged by it; another
    // event is another event, whatever else is not compared.
    EXPECT_TRUE(
        JudgeOne(expected, outcome, kAllFields & ~SetOf(p.field)).conforms ||
        p.field == Field::kEvent);
  }
  EXPECT_EQ(planted, kAllFields) << "a field has no planted wrong value";
}

TEST_F(JudgeTest, AnyCheckThatFailsMayBeNamed) {
  for (EntryCheck check : {EntryCheck::kEptp1, EntryCheck::kEptp5}) {
    Outcome outcome = PlainOutcome(EntryFailure(), state_);
    outcome.event.failed_check = check;
    EXPECT_TRUE(JudgeOne(EntryFailure(), outcome).conforms);
  }
}

TEST_F(JudgeTest, UndefinedQualificationBitsAreNotCompared) {
  Outcome outcome = PlainOutcome(Violation(), state_);
  outcome.event.qualification |= 0xffff'ffff'fffe'4040;
  EXPECT_TRUE(JudgeOne(Violation(), outcome).conforms);
}

TEST_F(JudgeTest, UndefinedInterruptionInformationIsNotCompared) {
  Outcome outcome = PlainOutcome(InterceptedVe(), state_);
  outcome.event.interruption_information |= 0x1000;
  EXPECT_TRUE(JudgeOne(InterceptedVe(), outcome).conforms);
}

TEST_F(JudgeTest, UndefinedAddressesAreNotCompared) {
  Alternative expected = Violation();
  expected.gpa_defined = expected.gla_defined = false;
  Outcome outcome = PlainOutcome(expected, state_);
  outcome.event.gpa.value = 0x1'2345;
  outcome.event.gla.value = kAll;
  EXPECT_TRUE(JudgeOne(expected, outcome).conforms);
}

TEST_F(JudgeTest, AnyByteOfTheAccessMayBeReported) {
  for (std::uint64_t byte = 0; byte < 8; ++byte) {
    Outcome outcome = PlainOutcome(Violation(), state_);
    outcome.event.gpa.value += byte;
    EXPECT_TRUE(JudgeOne(Violation(), outcome).conforms) << byte;
  }
}

// Of the page walk: the entry has one address, what needs it several.
TEST_F(JudgeTest, AnyByteOfTheLinearAddressMayBeReported) {
  Alternative expected = Violation();
  expected.span = 0;
  Outcome outcome = PlainOutcome(expected, state_);
  outcome.event.gla.value += 7;
  EXPECT_TRUE(JudgeOne(expected, outcome).conforms);
  outcome.event.gpa.value += 7;
  EXPECT_FALSE(JudgeOne(expected, outcome).conforms);
}

TEST_F(JudgeTest, UndefinedBitsOfPdptesAreNotCompared) {
  Alternative expected = Completion();
  Outcome outcome = PlainOutcome(expected, state_);
  outcome.registers.pdpte = {0x1e6, 0x12e01, ~std::uint64_t{1}, 0};
  EXPECT_TRUE(JudgeOne(expected, outcome).conforms);
  for (const std::uint64_t bit : {0x1, 0x100, 0x1000}) {
    Outcome other = outcome;
    other.registers.pdpte[1] ^= bit;
    EXPECT_FALSE(JudgeOne(expected, other).conforms) << bit;
    expected.pdptes_defined = false;
    EXPECT_TRUE(JudgeOne(expected, other).conforms) << bit;
    expected.pdptes_defined = true;
  }
}

TEST_F(JudgeTest, UndefinedMemoryTypeIsNotCompared) {
  Alternative expected = Completion();
  expected.memory_type_defined = false;
  Outcome outcome = PlainOutcome(expected, state_);
  outcome.event.translations[0].memory_type = MemoryType::kUncacheable;
  EXPECT_TRUE(JudgeOne(expected, outcome).conforms);
  outcome.event.translations[0].page_shift = 30;
  EXPECT_FALSE(JudgeOne(expected, outcome).conforms);
}

TEST_F(JudgeTest, OptionalWriteMayBeThereOrNot) {
  Outcome outcome = PlainOutcome(Completion(), state_);
  EXPECT_TRUE(JudgeOne(Completion(), outcome).conforms);
  SetWord(outcome, kPde, 0x4107);
  EXPECT_TRUE(JudgeOne(Completion(), outcome).conforms);
}

TEST_F(JudgeTest, UndefinedPartsOfTheVeAreaAreNotCompared) {
  Alternative expected = Ve();
  Outcome outcome = PlainOutcome(expected, state_);
  SetWord(outcome, {0x6008}, 0xffff'ffff'fffe'4040 | 0x5aa);
  SetWord(outcome, {0x6018}, 0x1237);  // the last byte of the access
  EXPECT_TRUE(JudgeOne(expected, outcome).conforms);
  expected.gla_defined = false;
  SetWord(outcome, {0x6010}, kAll);
  EXPECT_TRUE(JudgeOne(expected, outcome).conforms);
}

// A part of a field that an oracle leaves out, and a value that is wrong in
// this part alone.
struct LeftOut {
  FieldSet part;
  Alternative (*expected)();
  void (*plant)(Outcome&);
};

TEST_F(JudgeTest, PartsThatAreLeftOutAreNotCompared) {
  const LeftOut kLeftOut[] = {
      {WithoutQualification(8), Violation,
       [](Outcome& o) { o.event.qualification ^= 0x100; }},
      {WithoutQualification(16), Violation,
       [](Outcome& o) { o.event.qualification ^= 0x10000; }},
      {WithoutErrorCode(0), PageFault,
       [](Outcome& o) { o.event.error_code ^= 1; }},
      {WithoutErrorCode(7), PageFault,
       [](Outcome& o) { o.event.error_code ^= 0x80; }},
      {kWithoutGpaOffset, Violation,
       [](Outcome& o) { o.event.gpa.value = 0x1000; }},
      {kWithoutGlaOffset, Violation,
       [](Outcome& o) { o.event.gla.value ^= 0xfff; }},
      {kWithoutCr2Offset, PageFault,
       [](Outcome& o) { o.event.cr2.value ^= 0xfff; }},
  };
  FieldSet all = 0;
  for (const LeftOut& left_out : kLeftOut) {
    Outcome outcome = PlainOutcome(left_out.expected(), state_);
    left_out.plant(outcome);
    for (const LeftOut& other : kLeftOut) {
      EXPECT_EQ(JudgeOne(left_out.expected(), outcome, kAllFields | other.part)
                    .conforms,
                other.part == left_out.part);
    }
    EXPECT_EQ(all & left_out.part, 0u);
    all |= left_out.part;
  }
  EXPECT_EQ(all & kAllFields, 0u);
}

TEST_F(JudgeTest, WhatIsLeftOutOfAnAddressIsItsOffset) {
  Outcome outcome = PlainOutcome(Violation(), state_);
  outcome.event.gpa.value += 0x1000;
  EXPECT_FALSE(
      JudgeOne(Violation(), outcome, kAllFields | kWithoutGpaOffset).conforms);
}

TEST_F(JudgeTest, WhatIsLeftOutIsLeftOutOfTheVeAreaAsWell) {
  Outcome outcome = PlainOutcome(Ve(), state_);
  SetWord(outcome, {0x6008}, 0x5aa ^ 0x100);
  SetWord(outcome, {0x6018}, 0x1000);
  const FieldSet bit = kAllFields | WithoutQualification(8);
  EXPECT_FALSE(JudgeOne(Ve(), outcome, bit).conforms);
  EXPECT_FALSE(
      JudgeOne(Ve(), outcome, kAllFields | kWithoutGpaOffset).conforms);
  EXPECT_TRUE(JudgeOne(Ve(), outcome, bit | kWithoutGpaOffset).conforms);
}

TEST_F(JudgeTest, WordsOfTheVeAreaAreAnybodysWithoutAVe) {
  Outcome outcome = PlainOutcome(Violation(), state_);
  SetWord(outcome, {0x6008}, 0x5aa);
  EXPECT_FALSE(JudgeOne(Violation(), outcome).conforms);
}

TEST_F(JudgeTest, DisagreementsComeInTheOrderOfTheFields) {
  Outcome outcome = PlainOutcome(Violation(), state_);
  outcome.writes.push_back({Hpa{0x7000}, 1});
  outcome.registers.pml_index = 0;
  outcome.event.gla.value = 0;
  outcome.event.qualification ^= 0x11;
  const Finding finding = JudgeOne(Violation(), outcome);
  std::vector<std::string> fields;
  for (const Disagreement& d : finding.disagreements) {
    fields.emplace_back(NameOf(d.field));
  }
  EXPECT_THAT(fields, testing::ElementsAre("qualification", "qualification",
                                           "gla", "pml-index", "memory"));
  EXPECT_EQ(finding.disagreements[0].index, 0);
  EXPECT_EQ(finding.disagreements[1].index, 4);
}

TEST_F(JudgeTest, NoFieldOfAnotherEventIsCompared) {
  Outcome outcome = PlainOutcome(Completion(), state_);
  outcome.registers = Violation().registers;
  outcome.writes.clear();
  const Finding finding = JudgeOne(Violation(), outcome);
  ASSERT_EQ(finding.disagreements.size(), 1u);
  EXPECT_EQ(finding.disagreements[0].field, Field::kEvent);
}

TEST_F(JudgeTest, FitsOneAlternativeWhole) {
  Alternative with_flag = Violation();
  with_flag.event.qualification ^= 1;
  with_flag.required.push_back({kPte, 0x200, 0x200, {Rule::kAd2, 1}});
  const Verdict verdict = VerdictOf({Violation(), with_flag});
  const Outcome first = PlainOutcome(Violation(), state_);
  const Outcome second = PlainOutcome(with_flag, state_);
  EXPECT_EQ(Judge(verdict, state_, first, kAllFields).alternative, 0u);
  EXPECT_TRUE(Judge(verdict, state_, first, kAllFields).conforms);
  EXPECT_EQ(Judge(verdict, state_, second, kAllFields).alternative, 1u);
  EXPECT_TRUE(Judge(verdict, state_, second, kAllFields).conforms);
  // The qualification of one, the memory of the other.
  Outcome mixture = first;
  mixture.writes = second.writes;
  EXPECT_FALSE(Judge(verdict, state_, mixture, kAllFields).conforms);
}

TEST_F(JudgeTest, NothingConformsToAVerdictWithoutAlternatives) {
  const Outcome outcome = PlainOutcome(Violation(), state_);
  Finding finding;
  Judge(VerdictOf({Violation()}), state_, outcome, kAllFields, finding);
  ASSERT_TRUE(finding.conforms);
  Verdict verdict = VerdictOf({Violation()});
  verdict.alternatives.clear();  // what it held is still there
  Judge(verdict, state_, outcome, kAllFields, finding);
  EXPECT_FALSE(finding.conforms);
}

TEST_F(JudgeTest, IsHeldAgainstTheAlternativeItAgreesWithLongest) {
  Alternative other_qualification = Violation();
  other_qualification.event.qualification ^= 1;
  const Verdict verdict =
      VerdictOf({Completion(), other_qualification, Violation(), Violation()});
  Outcome outcome = PlainOutcome(Violation(), state_);
  outcome.event.gpa.value = 0;
  const Finding finding = Judge(verdict, state_, outcome, kAllFields);
  EXPECT_FALSE(finding.conforms);
  EXPECT_EQ(finding.alternative, 2u);
  EXPECT_EQ(finding.disagreements[0].field, Field::kGpa);
}

TEST_F(JudgeTest, NumbersOfADisagreementAreThoseCompared) {
  Outcome outcome = PlainOutcome(Completion(), state_);
  outcome.registers.pml_index = 6;
  const Disagreement d = JudgeOne(Completion(), outcome).disagreements[0];
  EXPECT_EQ(d.expected, 4u);
  EXPECT_EQ(d.given, 6u);
  SetWord(outcome, kPte, 0x9137 | 0x200 | 0x40);
  outcome.registers.pml_index = 4;
  const Disagreement word = JudgeOne(Completion(), outcome).disagreements[0];
  EXPECT_EQ(word.word, kPte);
  EXPECT_EQ(word.index, 6);
  EXPECT_EQ(word.expected, 0x9337u);
  EXPECT_EQ(word.given, 0x9377u);
}

TEST(SignatureTest, NamesLevels) {
  constexpr std::string_view kNames[] = {"none",  "PTE",   "PDE",
                                         "PDPTE", "PML4E", "PML5E"};
  for (std::uint8_t level = 0; level < 6; ++level) {
    EXPECT_EQ(NameOfLevel(level), kNames[level]);
  }
  EXPECT_EQ(NameOfLevel(6), "none");
}

}  // namespace
}  // namespace eptdiff
