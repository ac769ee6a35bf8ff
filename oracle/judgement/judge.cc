#include "oracle/judgement/judge.h"

#include <algorithm>
#include <array>
#include <bit>

namespace eptdiff {
namespace {

// Collects the disagreements of an outcome with one alternative.
class Comparison {
 public:
  Comparison(const Alternative& expected, const MachineState& before,
             const Outcome& given, FieldSet fields, Disagreements& found)
      : expected_(expected),
        before_(before),
        given_(given),
        fields_(fields),
        found_(found) {}

  void Run() {
    found_.clear();
    CompareEvent();
    const bool same_event = found_.empty();
    if (same_event) CompareDetails();
    CompareRegisters();
    if (fields_ & SetOf(Field::kMemory)) CompareMemory();
    const bool exit = expected_.event.kind == EventKind::kVmExit;
    if (same_event && exit && (fields_ & kSavedFields) != 0) CompareSaved();
  }

 private:
  void Add(const Disagreement& disagreement) {
    if (!found_.full()) found_.push_back(disagreement);
  }

  // A number that must be equal under `mask`.
  void Compare(Field field, std::uint64_t expected, std::uint64_t given,
               RuleAt why, std::uint64_t mask = ~std::uint64_t{0},
               std::uint8_t index = 0) {
    if (!(fields_ & SetOf(field))) return;
    if (((expected ^ given) & mask) == 0) return;
    Add({field, index, {}, expected & mask, given & mask, why});
  }

  // An address that may lie up to `span` bytes beyond the expected one, in its
  // page alone if `without_offset` is among the fields.
  void CompareAddress(Field field, std::uint64_t expected, std::uint64_t given,
                      std::uint16_t span, RuleAt why, FieldSet without_offset) {
    if (!(fields_ & SetOf(field))) return;
    if (given - expected <= span) return;
    if (IsSamePage(expected, given, span, without_offset)) return;
    Add({field, 0, {}, expected, given, why});
  }

  bool IsSamePage(std::uint64_t expected, std::uint64_t given,
                  std::uint64_t span, FieldSet without_offset) const {
    if (!(fields_ & without_offset)) return false;
    return given >> 12 == expected >> 12 ||
           given >> 12 == (expected + span) >> 12;
  }

  // Of exit qualifications, those bits that are compared.
  std::uint64_t QualificationMask() const {
    constexpr std::uint64_t kBits = (1 << 17) - 1;
    return ~(fields_ >> kFieldCount & kBits);
  }
  static_assert(WithoutQualification(16) == FieldSet{1} << (kFieldCount + 16));

  void CompareEvent() {
    Compare(Field::kEvent, static_cast<std::uint64_t>(expected_.event.kind),
            static_cast<std::uint64_t>(given_.event.kind), expected_.decided);
    const EventKind kind = expected_.event.kind;
    if (!found_.empty() ||
        (kind != EventKind::kVmExit && kind != EventKind::kGuestStateFailure)) {
      return;
    }
    Compare(Field::kExitReason, expected_.event.exit_reason,
            given_.event.exit_reason, expected_.decided);
  }

  void CompareDetails() {
    const Event& e = expected_.event;
    switch (e.kind) {
      case EventKind::kCompleted:
        CompareTranslations();
        break;
      case EventKind::kVmEntryFailure:
        CompareFailedCheck();
        break;
      case EventKind::kGuestStateFailure:
        CompareQualification(expected_.qualification_defined);
        break;
      case EventKind::kVmExit:
        CompareExit();
        break;
      case EventKind::kPageFault:
        CompareErrorCode();
        CompareAddress(Field::kCr2, e.cr2.value, given_.event.cr2.value,
                       expected_.span, {Rule::kGw16, 0}, kWithoutCr2Offset);
        break;
      case EventKind::kVirtualizationException:
      case EventKind::kGeneralProtection:
      case EventKind::kInvalidOpcode:
      case EventKind::kInvalidOperand:
      case EventKind::kGaveUp:
        break;
    }
  }

  // Each bit of the error code has its rule.
  void CompareErrorCode() {
    if (!(fields_ & SetOf(Field::kErrorCode))) return;
    const std::uint64_t expected = expected_.event.error_code;
    const std::uint64_t given = given_.event.error_code;
    std::uint64_t differing = (expected ^ given) & expected_.error_code_defined;
    for (; differing != 0; differing &= differing - 1) {
      const int bit = std::countr_zero(differing);
      if (bit < 8 && (fields_ & WithoutErrorCode(bit)) != 0) continue;
      Add({Field::kErrorCode,
           static_cast<std::uint8_t>(bit),
           {},
           expected >> bit & 1,
           given >> bit & 1,
           RuleOfErrorBit(bit)});
    }
  }

  RuleAt RuleOfErrorBit(int bit) const {
    switch (bit) {
      case 1:  // W/R
      case 2:  // U/S
      case 5:  // PK
      case 6:  // SS
        return {Rule::kGw18, 0};
      case 4:  // I/D
        return {Rule::kGw8, 0};
      case 7:  // HLAT
        return {Rule::kGw15, 0};
      default:
        return expected_.decided;
    }
  }

  void CompareFailedCheck() {
    if (!(fields_ & SetOf(Field::kFailedCheck))) return;
    const auto given = static_cast<unsigned>(given_.event.failed_check);
    if (given < kEntryCheckCount && (expected_.failed_checks >> given & 1))
      return;
    Add({Field::kFailedCheck,
         0,
         {},
         expected_.failed_checks,
         std::uint64_t{1} << given,
         expected_.decided});
  }

  // Each bit of the qualification is a disagreement of its own: its rule says
  // what went wrong.
  void CompareQualification(std::uint64_t defined) {
    if (!(fields_ & SetOf(Field::kQualification))) return;
    const std::uint64_t expected = expected_.event.qualification;
    const std::uint64_t given = given_.event.qualification;
    std::uint64_t differing = (expected ^ given) & defined;
    if (differing != 0) differing &= QualificationMask();
    for (; differing != 0; differing &= differing - 1) {
      const int bit = std::countr_zero(differing);
      Add({Field::kQualification,
           static_cast<std::uint8_t>(bit),
           {},
           expected >> bit & 1,
           given >> bit & 1,
           RuleOfBit(bit)});
    }
  }

  RuleAt RuleOfBit(int bit) const {
    constexpr std::uint16_t kApicAccess = 44;
    constexpr std::uint16_t kEptViolation = 48;
    if (expected_.ve_written) return {Rule::kVe5, 0};
    if (expected_.event.exit_reason == kApicAccess) {
      return {bit < 12   ? Rule::kApic4
              : bit < 16 ? Rule::kApic5
                         : Rule::kApic6,
              0};
    }
    if (expected_.event.exit_reason != kEptViolation || bit > 16) {
      return expected_.decided;
    }
    return {static_cast<Rule>(static_cast<int>(Rule::kQual0) + bit), 0};
  }

  void CompareExit() {
    const Event& e = expected_.event;
    if (e.exit_reason == 0) {
      Compare(Field::kInterruptionInformation, e.interruption_information,
              given_.event.interruption_information, {Rule::kVe5, 0},
              expected_.interruption_information_defined);
    }
    if (expected_.ve_written) {
      // What is undefined, and the addresses, belong to the information area;
      // the exit itself clears its qualification (28.2.1).
      CompareQualification(~std::uint64_t{0});
      return;
    }
    CompareQualification(expected_.qualification_defined);
    const RuleAt info = {Rule::kInfo1, 0};
    if (expected_.gpa_defined) {
      CompareAddress(Field::kGpa, e.gpa.value, given_.event.gpa.value,
                     expected_.span, info, kWithoutGpaOffset);
    }
    if (expected_.gla_defined) {
      CompareAddress(Field::kGla, e.gla.value, given_.event.gla.value,
                     expected_.gla_span, info, kWithoutGlaOffset);
    }
  }

  void CompareSaved() {
    const SavedState& e = expected_.saved;
    const SavedState& g = given_.saved;
    const SavedState& defined = expected_.saved_defined;
    const auto compare = [&](Field field, auto member, Rule rule) {
      Compare(field, e.*member, g.*member, {rule, 0}, defined.*member);
    };
    compare(Field::kExitReasonFlags, &SavedState::exit_reason_flags,
            Rule::kHand1);
    compare(Field::kVectoringInformation, &SavedState::vectoring_information,
            RuleOfVectoring());
    compare(Field::kVectoringErrorCode, &SavedState::vectoring_error_code,
            Rule::kHand3);
    compare(Field::kInstructionLength, &SavedState::instruction_length,
            Rule::kHand4);
    compare(Field::kInterruptibility, &SavedState::interruptibility,
            RuleOfInterruptibility());
    compare(Field::kRflags, &SavedState::rflags, Rule::kHand7);
    compare(Field::kPendingDebug, &SavedState::pending_debug, Rule::kHand8);
  }

  // Of the two rules that a field has, the one that the difference is about.
  Rule RuleOfVectoring() const {
    constexpr std::uint32_t kErrorCodeValid = 0x800;
    const std::uint32_t differing =
        (expected_.saved.vectoring_information ^
         given_.saved.vectoring_information) &
        expected_.saved_defined.vectoring_information;
    return differing == kErrorCodeValid ? Rule::kHand3 : Rule::kHand2;
  }
  Rule RuleOfInterruptibility() const {
    constexpr std::uint32_t kBlockingByNmi = 8;
    const std::uint32_t differing =
        (expected_.saved.interruptibility ^ given_.saved.interruptibility) &
        expected_.saved_defined.interruptibility;
    return differing == kBlockingByNmi ? Rule::kHand6 : Rule::kHand5;
  }

  void CompareTranslations() {
    const Event& e = expected_.event;
    const Event& g = given_.event;
    const std::uint8_t leaf = expected_.decided.level;
    if (e.translation_count != g.translation_count) {
      Add({Field::kEvent,
           0,
           {},
           e.translation_count,
           g.translation_count,
           {Rule::kVio14, 0}});
      return;
    }
    for (std::uint8_t i = 0; i < e.translation_count; ++i) {
      const Translation& a = e.translations[i];
      const Translation& b = g.translations[i];
      const auto compare = [&](Field field, std::uint64_t x, std::uint64_t y,
                               RuleAt why) {
        Compare(field, x, y, why, ~std::uint64_t{0}, i);
      };
      compare(Field::kAddress, a.address.value, b.address.value,
              {Rule::kWalk6, leaf});
      compare(Field::kPageSize, a.page_shift, b.page_shift,
              {Rule::kWalk5, leaf});
      if (expected_.memory_type_defined) {
        compare(Field::kMemoryType, static_cast<std::uint64_t>(a.memory_type),
                static_cast<std::uint64_t>(b.memory_type),
                {expected_.memory_type_rule, leaf});
      }
      compare(Field::kStructureMemoryType,
              static_cast<std::uint64_t>(a.structure_memory_type),
              static_cast<std::uint64_t>(b.structure_memory_type),
              {Rule::kMt1, 0});
      if (expected_.guest_structure_types_defined) {
        compare(Field::kStructureMemoryType, a.guest_structure_types,
                b.guest_structure_types, {Rule::kGw14, 0});
      }
    }
  }

  void CompareRegisters() {
    const Registers& e = expected_.registers;
    const Registers& g = given_.registers;
    if (expected_.pdptes_defined) {
      for (std::uint8_t i = 0; i < 4; ++i) {
        Compare(Field::kPdpte, e.pdpte[i], g.pdpte[i], {Rule::kGw17, 0},
                DefinedPdpteBits(expected_, e.pdpte[i]), i);
      }
    }
    Compare(Field::kEptp, e.eptp, g.eptp, {Rule::kCtl4, 0});
    Compare(Field::kEptpIndex, e.eptp_index, g.eptp_index, {Rule::kCtl4, 0});
    Compare(Field::kPmlIndex, e.pml_index, g.pml_index, {Rule::kPml2, 0});
  }

  // The word as the outcome leaves it.
  std::uint64_t After(Hpa word) const {
    for (const MemoryWord& written : given_.writes) {
      if (written.address == word) return written.value;
    }
    return before_.memory.Load(word);
  }

  void CompareMemory() {
    if (expected_.ve_written) CompareVeArea();
    // What was demanded is there ...
    for (const BitWrite& write : expected_.required) {
      const std::uint64_t after = After(write.word);
      CompareWord(write.word, (after & ~write.mask) | write.value, after,
                  write.why);
    }
    // ... and nothing else has changed.
    for (const MemoryWord& written : given_.writes) {
      if (IsVeInformation(written.address)) continue;
      std::uint64_t allowed = 0;
      for (const BitWrite& write : expected_.required) {
        if (write.word == written.address) allowed |= write.mask;
      }
      std::uint64_t optional = 0;
      for (const BitWrite& write : expected_.optional) {
        if (!(write.word == written.address)) continue;
        // Of an optional write, a bit is as before or as it says.
        optional |= write.mask & ~(written.value ^ write.value);
      }
      const std::uint64_t before = before_.memory.Load(written.address);
      CompareWord(written.address,
                  (before & ~(allowed | optional)) |
                      (written.value & (allowed | optional)),
                  written.value, WhyUnexpected(written.address));
    }
  }

  void CompareWord(Hpa word, std::uint64_t expected, std::uint64_t given,
                   RuleAt why) {
    if (expected == given) return;
    const int bit = std::countr_zero(expected ^ given);
    Add({Field::kMemory, static_cast<std::uint8_t>(bit), word, expected, given,
         why});
  }

  // The rule that a write breaks which nothing asks for: that of the entry it
  // lands on, if some write there was expected; else that of untouched words.
  RuleAt WhyUnexpected(Hpa word) const {
    if (expected_.ve_written && word.value - expected_.ve_area.value < 4096) {
      return {Rule::kVe4, 0};
    }
    for (const BitWrite& write : expected_.required) {
      if (write.word == word) return {Rule::kAd4, write.why.level};
    }
    for (const BitWrite& write : expected_.optional) {
      if (write.word == word) return {Rule::kAd6, write.why.level};
    }
    return {
        expected_.event.kind == EventKind::kCompleted ? Rule::kAd4 : Rule::kAd6,
        0};
  }

  // The words at 8, 16 and 24 of the area: CompareVeArea judges them.
  bool IsVeInformation(Hpa word) const {
    if (!expected_.ve_written) return false;
    const std::uint64_t offset = word.value - expected_.ve_area.value;
    return offset == 8 || offset == 16 || offset == 24;
  }

  void CompareVeArea() {
    const AccessReport& e = expected_.ve_information;
    const Hpa area = expected_.ve_area;
    const RuleAt why = {Rule::kVe4, 0};
    const auto compare = [&](unsigned offset, std::uint64_t expected,
                             std::uint64_t span, std::uint64_t mask,
                             FieldSet without_offset) {
      const Hpa word{area.value + offset};
      const std::uint64_t given = After(word);
      if (((given & mask) - (expected & mask)) <= span) return;
      if (IsSamePage(expected, given, span, without_offset)) return;
      CompareWord(word, (given & ~mask) | (expected & mask), given, why);
    };
    const std::uint64_t all = ~std::uint64_t{0};
    compare(8, e.qualification, 0,
            expected_.qualification_defined & QualificationMask(), 0);
    if (expected_.gla_defined) {
      compare(16, e.gla.value, expected_.gla_span, all, kWithoutGlaOffset);
    }
    if (expected_.gpa_defined) {
      compare(24, e.gpa.value, expected_.span, all, kWithoutGpaOffset);
    }
  }

  const Alternative& expected_;
  const MachineState& before_;
  const Outcome& given_;
  const FieldSet fields_;
  Disagreements& found_;
};

// How far the outcome agrees: the place of the first disagreement in the order
// of the comparison.
std::size_t Agreement(const Disagreements& d) {
  if (d.empty()) return kFieldCount;
  return static_cast<std::size_t>(d[0].field);
}

// Keeps in `finding` the better of two: what it says, and what comes of
// alternative `i`. A function of its own, for its list costs more, where
// sanitizers mark it out, than most comparisons.
[[gnu::noinline]] void JudgeByOther(std::size_t i, const Verdict& verdict,
                                    const MachineState& before,
                                    const Outcome& outcome, FieldSet fields,
                                    Finding& finding) {
  Disagreements found;
  Comparison(verdict.alternatives[i], before, outcome, fields, found).Run();
  if (Agreement(found) <= Agreement(finding.disagreements)) return;
  finding.conforms = found.empty();
  finding.alternative = i;
  finding.disagreements = found;
}

}  // namespace

Finding Judge(const Verdict& verdict, const MachineState& before,
              const Outcome& outcome, FieldSet fields) {
  Finding finding;
  Judge(verdict, before, outcome, fields, finding);
  return finding;
}

void Judge(const Verdict& verdict, const MachineState& before,
           const Outcome& outcome, FieldSet fields, Finding& finding) {
  finding.conforms = false;
  finding.alternative = 0;
  finding.disagreements.clear();
  if (verdict.alternatives.empty()) return;  // nothing conforms to that
  // Nearly always there is one alternative, and the outcome fits it.
  Comparison(verdict.alternatives[0], before, outcome, fields,
             finding.disagreements)
      .Run();
  finding.conforms = finding.disagreements.empty();
  for (std::size_t i = 1; i < verdict.alternatives.size() && !finding.conforms;
       ++i) {
    JudgeByOther(i, verdict, before, outcome, fields, finding);
  }
}

std::string_view NameOf(Field field) {
  constexpr std::string_view kNames[kFieldCount] = {"event",
                                                    "failed-check",
                                                    "exit-reason",
                                                    "interruption-information",
                                                    "error-code",
                                                    "qualification",
                                                    "gpa",
                                                    "gla",
                                                    "cr2",
                                                    "address",
                                                    "page-size",
                                                    "memory-type",
                                                    "structure-memory-type",
                                                    "pdpte",
                                                    "eptp",
                                                    "eptp-index",
                                                    "pml-index",
                                                    "memory",
                                                    "exit-reason-flags",
                                                    "vectoring-information",
                                                    "vectoring-error-code",
                                                    "instruction-length",
                                                    "interruptibility",
                                                    "rflags",
                                                    "pending-debug"};
  return kNames[static_cast<std::size_t>(field)];
}

std::string_view NameOfLevel(std::uint8_t level) {
  constexpr std::string_view kNames[] = {"none",  "PTE",   "PDE",
                                         "PDPTE", "PML4E", "PML5E"};
  return level < std::size(kNames) ? kNames[level] : "none";
}

std::string SignatureOf(std::string_view oracle, const Finding& finding) {
  std::string signature = "eptdiff-";
  signature += oracle;
  if (finding.disagreements.empty()) return signature + "-none";
  const Disagreement& first = finding.disagreements[0];
  signature += "-";
  const bool gave_up =
      first.field == Field::kEvent &&
      first.given == static_cast<std::uint64_t>(EventKind::kGaveUp);
  signature += gave_up ? "panic" : NameOf(first.field);
  if (first.field == Field::kQualification ||
      first.field == Field::kErrorCode) {
    signature += std::to_string(first.index);
  }
  signature += "-";
  signature += IdentifierOf(first.why.rule);
  signature += "-";
  signature += NameOfLevel(first.why.level);
  return signature;
}

}  // namespace eptdiff
