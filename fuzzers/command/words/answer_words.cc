#include "fuzzers/command/words/answer_words.h"

#include <cstdint>
#include <type_traits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/guest_words.h"
#include "fuzzers/command/words/table_words.h"
#include "fuzzers/text/view.h"
#include "oracle/editions.h"

namespace eptdiff {

const char* AccessKindWords(AccessKind kind) {
  switch (kind) {
    case AccessKind::kRead:
      return "read";
    case AccessKind::kWrite:
      return "write";
    case AccessKind::kReadModifyWrite:
      return "read-modify-write";
    case AccessKind::kFetch:
      return "fetch";
    case AccessKind::kShadowStackRead:
      return "shadow-stack read";
    case AccessKind::kShadowStackWrite:
      return "shadow-stack write";
    case AccessKind::kShadowStackReadModifyWrite:
      return "read-modify-write of a shadow-stack token";
  }
  return "access";
}

const char* InstructionWords(InvalidationKind kind) {
  switch (kind) {
    case InvalidationKind::kInvept:
      return "INVEPT";
    case InvalidationKind::kInvvpid:
      return "INVVPID";
    case InvalidationKind::kInvlpg:
      return "INVLPG";
    case InvalidationKind::kInvpcid:
      return "INVPCID";
  }
  return "?";
}

const char* EventKindWords(EventKind kind) {
  switch (kind) {
    case EventKind::kCompleted:
      return "completes";
    case EventKind::kVmExit:
      return "VM exit";
    case EventKind::kVirtualizationException:
      return "#VE";
    case EventKind::kPageFault:
      return "#PF";
    case EventKind::kGeneralProtection:
      return "#GP(0)";
    case EventKind::kVmEntryFailure:
      return "VM entry fails";
    case EventKind::kGuestStateFailure:
      return "VM entry fails in the guest's state";
    case EventKind::kGaveUp:
      return "panics";
    case EventKind::kInvalidOpcode:
      return "#UD";
    case EventKind::kInvalidOperand:
      return "VMfailValid";
  }
  return "?";
}

namespace {

constexpr std::uint16_t kException = 0;
constexpr std::uint16_t kEptViolation = 48;
constexpr std::uint16_t kSppEvent = 66;

std::string AccessWords(const Access& access) {
  return absl::StrCat(
      access.pebs ? "PEBS " : "", access.asynchronous ? "asynchronous " : "",
      access.implicit_supervisor ? "implicit supervisor " : "",
      access.wruss ? "user (WRUSS) " : "", AccessKindWords(access.kind), " of ",
      access.size, access.size == 1 ? " byte" : " bytes");
}

std::string PageWords(const GuestPage& page) {
  if (!page.gla_valid) return "no guest-linear address";
  return absl::StrCat(
      "translated from ", Hexadecimal(page.gla.value), " (",
      page.user ? "user" : "supervisor", page.writable ? ", writable" : "",
      page.execute_disable ? ", execute-disable" : "",
      page.pat_index == 0 ? "" : absl::StrCat(", PAT entry ", page.pat_index),
      ")");
}

const char* PageSizeWords(std::uint64_t shift) {
  return shift == 12   ? "4-KByte page"
         : shift == 21 ? "2-MByte page"
         : shift == 30 ? "1-GByte page"
                       : "page of an unknown size";
}

// Checks as bits 1 << EntryCheck: "EPTP-2, CTL-1".
std::string CheckWords(std::uint64_t checks) {
  std::vector<std::string> words;
  if (checks & 1) words.emplace_back("none");
  for (unsigned i = 1; i < kEntryCheckCount; ++i) {
    if (!(checks >> i & 1)) continue;
    words.emplace_back(IdentifierOf(RuleOf(static_cast<EntryCheck>(i))));
  }
  return words.empty() ? "?" : absl::StrJoin(words, ", ");
}

// What can be said of the memory type of a completed access.
enum class TypeKnown { kYes, kUndefined, kNotFilledIn };

std::string TypeWords(const Translation& t, TypeKnown known) {
  switch (known) {
    case TypeKnown::kYes:
      return absl::StrCat(
          ", ", MemoryTypeWords(static_cast<std::uint64_t>(t.memory_type)),
          "; EPT structures ",
          MemoryTypeWords(static_cast<std::uint64_t>(t.structure_memory_type)));
    case TypeKnown::kUndefined:
      return absl::StrCat(
          ", memory type undefined; EPT structures ",
          MemoryTypeWords(static_cast<std::uint64_t>(t.structure_memory_type)));
    case TypeKnown::kNotFilledIn:
      break;
  }
  return "";
}

std::string CompletedWords(const Event& event, TypeKnown known) {
  std::string words = "completes";
  for (std::uint8_t i = 0; i < event.translation_count && i < 2; ++i) {
    const Translation& t = event.translations[i];
    absl::StrAppend(&words, i == 0 ? " at " : " and at ",
                    Hexadecimal(t.address.value), " (",
                    PageSizeWords(t.page_shift), TypeWords(t, known), ")");
  }
  return words;
}

// What is defined of the information of an exit; all of it, of an answer.
struct Defined {
  std::uint64_t qualification = ~std::uint64_t{0};
  bool gpa = true;
  bool gla = true;
  std::uint16_t span = 0;  // of the GPA
  std::uint16_t gla_span = 0;
  FieldSet fields = kAllFields;  // the others are not filled in
};

bool Tells(const Defined& defined, Field field) {
  return (defined.fields & SetOf(field)) != 0;
}

std::string AddressWords(const char* name, std::uint64_t address, bool defined,
                         std::uint16_t span) {
  if (!defined) return absl::StrCat(name, " undefined");
  return absl::StrCat(
      name, " ", Hexadecimal(address),
      span == 0 ? "" : absl::StrCat(" to ", Hexadecimal(address + span)));
}

std::string QualificationInformation(std::uint16_t exit_reason,
                                     std::uint64_t qualification,
                                     std::uint64_t mask) {
  std::string words =
      absl::StrCat("qualification ", Hexadecimal(qualification & mask));
  if (exit_reason == kEptViolation) {
    absl::StrAppend(&words, " (", QualificationWords(qualification, mask), ")");
  } else if (exit_reason == kSppEvent) {
    absl::StrAppend(
        &words, qualification >> 11 & 1 ? " (miss)" : " (misconfiguration)");
  }
  constexpr std::uint64_t kReported = 0x1ffff;
  if ((~mask & kReported) != 0) {
    absl::StrAppend(&words,
                    ", undefined bits: ", BitNumbers(~mask & kReported));
  }
  return words;
}

std::string ExitInformationWords(std::uint16_t exit_reason,
                                 const AccessReport& report,
                                 const Defined& defined) {
  std::vector<std::string> words;
  if (Tells(defined, Field::kQualification)) {
    words.push_back(QualificationInformation(exit_reason, report.qualification,
                                             defined.qualification));
  }
  if (Tells(defined, Field::kGpa)) {
    words.push_back(
        AddressWords("GPA", report.gpa.value, defined.gpa, defined.span));
  }
  if (Tells(defined, Field::kGla)) {
    words.push_back(
        AddressWords("GLA", report.gla.value, defined.gla, defined.gla_span));
  }
  return absl::StrJoin(words, ", ");
}

// One field of those that a VM exit saves besides.
std::string SavedFieldWords(const char* name, std::uint64_t value,
                            std::uint64_t defined, std::uint64_t width) {
  return absl::StrCat(", ", name, " ", Hexadecimal(value & defined),
                      (~defined & width) == 0
                          ? ""
                          : absl::StrCat(" (undefined bits: ",
                                         BitNumbers(~defined & width), ")"));
}

// Those that say something: left out are what is 0, and RFLAGS with RF set, as
// nearly all exits save it.
std::string SavedWords(const MachineState& before, const SavedState& saved,
                       const SavedState& defined) {
  std::string words;
  const auto add = [&](const char* name, auto member) {
    if ((saved.*member & defined.*member) == 0) return;
    using Number = std::remove_cvref_t<decltype(saved.*member)>;
    absl::StrAppend(&words,
                    SavedFieldWords(name, saved.*member, defined.*member,
                                    static_cast<Number>(~Number{0})));
  };
  add("exit-reason bits 31:16", &SavedState::exit_reason_flags);
  add("IDT-vectoring information", &SavedState::vectoring_information);
  add("IDT-vectoring error code", &SavedState::vectoring_error_code);
  add("instruction length", &SavedState::instruction_length);
  add("interruptibility", &SavedState::interruptibility);
  constexpr std::uint64_t kResume = 0x10000;
  if (saved.rflags != (before.guest.rflags | kResume)) {
    add("RFLAGS", &SavedState::rflags);
  }
  add("pending debug exceptions", &SavedState::pending_debug);
  return words.empty() ? words : absl::StrCat("saves ", words.substr(2));
}

void AppendSavedWords(const MachineState& before, const SavedState& saved,
                      const SavedState& defined,
                      std::vector<std::string>& lines) {
  std::string words = SavedWords(before, saved, defined);
  if (!words.empty()) lines.push_back(std::move(words));
}

std::string EventWordsWith(const Event& event, const Defined& defined,
                           TypeKnown type_known, std::uint64_t failed_checks) {
  const char* const name = EventKindWords(event.kind);
  switch (event.kind) {
    case EventKind::kCompleted:
      return CompletedWords(event, type_known);
    case EventKind::kVmExit: {
      std::string words = absl::StrCat(name, " ", event.exit_reason, " (",
                                       ExitReasonWords(event.exit_reason), ")");
      if (event.exit_reason == kException) {
        absl::StrAppend(&words, ", interruption information ",
                        Hexadecimal(event.interruption_information));
      }
      const std::string information =
          ExitInformationWords(event.exit_reason, ReportOf(event), defined);
      return information.empty() ? words
                                 : absl::StrCat(words, ", ", information);
    }
    case EventKind::kPageFault:
      return absl::StrCat(name, ", error code ", Hexadecimal(event.error_code),
                          " (", ErrorCodeWords(event.error_code), "), CR2 ",
                          Hexadecimal(event.cr2.value));
    case EventKind::kVmEntryFailure:
      return absl::StrCat(name, ": ", CheckWords(failed_checks));
    case EventKind::kGuestStateFailure:
      return absl::StrCat(name, ": exit reason ", event.exit_reason,
                          " with bit 31, qualification ", event.qualification);
    case EventKind::kInvalidOperand:
      return absl::StrCat("fails: ", name, ", VM-instruction error 28");
    default:
      return name;
  }
}

void AppendRegisterWords(const MachineState& before, const Registers& after,
                         std::vector<std::string>& lines) {
  const Registers was = RegistersOf(before);
  if (after.eptp != was.eptp) {
    lines.push_back(absl::StrCat("EPTP becomes ", Hexadecimal(after.eptp)));
  }
  if (after.pml_index != was.pml_index) {
    lines.push_back(absl::StrCat("PML index ", was.pml_index, " becomes ",
                                 after.pml_index));
  }
  if (after.eptp_index != was.eptp_index) {
    lines.push_back(absl::StrCat("EPTP index ", was.eptp_index, " becomes ",
                                 after.eptp_index));
  }
  for (int i = 0; i < 4; ++i) {
    if (after.pdpte[i] == was.pdpte[i]) continue;
    lines.push_back(
        absl::StrCat("PDPTE", i, " becomes ", Hexadecimal(after.pdpte[i])));
  }
}

std::string BitWriteWords(const BitWrite& write) {
  const bool word = write.mask == ~std::uint64_t{0};
  return absl::StrCat(
      word ? "writes " : "sets ", Hexadecimal(write.value),
      word ? "" : absl::StrCat(" (of bits ", Hexadecimal(write.mask), ")"),
      " at ", Hexadecimal(write.word.value), ": ", RuleAtWords(write.why));
}

const char* RegisterWords(GuestRegister reg) {
  switch (reg) {
    case GuestRegister::kCr0:
      return "CR0";
    case GuestRegister::kCr3:
      return "CR3";
    case GuestRegister::kCr4:
      return "CR4";
    case GuestRegister::kEfer:
      return "IA32_EFER";
    case GuestRegister::kPat:
      return "IA32_PAT";
    case GuestRegister::kPkrs:
      return "IA32_PKRS";
    case GuestRegister::kPkru:
      return "PKRU";
    case GuestRegister::kRflags:
      return "RFLAGS";
    case GuestRegister::kCpl:
      return "the CPL";
  }
  return "?";
}

std::string InvalidationWords(const Invalidation& asked) {
  switch (asked.kind) {
    case InvalidationKind::kInvept:
      return absl::StrCat("INVEPT, type ", asked.type, ", EPTP ",
                          Hexadecimal(asked.first));
    case InvalidationKind::kInvvpid:
      return absl::StrCat("INVVPID, type ", asked.type, ", VPID ",
                          Hexadecimal(asked.first), ", linear ",
                          Hexadecimal(asked.second));
    case InvalidationKind::kInvlpg:
      return absl::StrCat("INVLPG of linear ", Hexadecimal(asked.second));
    case InvalidationKind::kInvpcid:
      return absl::StrCat("INVPCID, type ", asked.type, ", PCID ",
                          Hexadecimal(asked.first), ", linear ",
                          Hexadecimal(asked.second));
  }
  return "?";
}

std::string WordsOfStep(const Step& step) {
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      return absl::StrCat(AccessWords(step.access), " at guest-physical ",
                          Hexadecimal(step.gpa.value), ", ",
                          PageWords(step.page));
    case StepKind::kLinearAccess:
      return absl::StrCat(AccessWords(step.access), " at linear ",
                          Hexadecimal(step.gla.value));
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      return absl::StrCat(step.kind == StepKind::kPagingStructureRead
                              ? "the processor reads the guest "
                                "paging-structure entry at "
                              : "the processor sets a flag of the guest "
                                "paging-structure entry at ",
                          Hexadecimal(step.gpa.value), " to translate ",
                          Hexadecimal(step.page.gla.value));
    case StepKind::kPdpteLoad:
      return "MOV to CR loads the PDPTE registers";
    case StepKind::kStore:
      return absl::StrCat("software stores ", Hexadecimal(step.value),
                          " at host-physical ", Hexadecimal(step.hpa.value));
    case StepKind::kEptpSwitch:
      if (step.value != 0) {
        return absl::StrCat("VMFUNC with EAX = ", step.value,
                            ", ECX = ", step.index);
      }
      return absl::StrCat("VMFUNC switches to EPTP number ", step.index);
    case StepKind::kTableOperation:
      return TableOperationWords(step);
    case StepKind::kRegisterWrite:
      return absl::StrCat("the guest writes ", Hexadecimal(step.value), " to ",
                          RegisterWords(step.reg));
    case StepKind::kVmEntry:
      return absl::StrCat("VM exit, VMWRITE of ", Hexadecimal(step.value),
                          " to ", View(NameOfVmcsField(step.index)),
                          ", VM entry");
    case StepKind::kInvalidation:
      return InvalidationWords(step.invalidation);
  }
  return "?";
}

}  // namespace

std::string StepWords(const Step& step) {
  if (step.processor == 0 || step.kind == StepKind::kTableOperation) {
    return WordsOfStep(step);
  }
  return absl::StrCat("on logical processor ", step.processor, ": ",
                      WordsOfStep(step));
}

std::string RuleAtWords(RuleAt at) {
  const std::string identifier(IdentifierOf(at.rule));
  if (at.level == 0) return identifier;
  // The entries that these speak of are the guest's.
  const bool of_guest = absl::StartsWith(identifier, "GW-");
  return absl::StrCat(identifier, of_guest ? " at the guest " : " at the ",
                      View(NameOfLevel(at.level)));
}

std::string RuleWords(Rule rule) {
  const RuleInfo& info = InfoOf(rule);
  return absl::StrFormat("%s (SDM %s): %s", info.identifier,
                         CitedInBoth(info.section), info.words);
}

std::string EventWords(const Event& event, FieldSet fields) {
  return EventWordsWith(
      event, {.fields = fields},
      fields & SetOf(Field::kMemoryType) ? TypeKnown::kYes
                                         : TypeKnown::kNotFilledIn,
      std::uint64_t{1} << static_cast<unsigned>(event.failed_check));
}

std::vector<std::string> EffectWords(const MachineState& before,
                                     const Outcome& outcome) {
  std::vector<std::string> lines;
  if (outcome.event.kind == EventKind::kVmExit) {
    constexpr SavedState kAll = {.exit_reason_flags = 0xffff,
                                 .vectoring_information = 0xffffffff,
                                 .vectoring_error_code = 0xffffffff,
                                 .instruction_length = 0xffffffff,
                                 .interruptibility = 0xffffffff,
                                 .rflags = ~std::uint64_t{0},
                                 .pending_debug = ~std::uint64_t{0}};
    AppendSavedWords(before, outcome.saved, kAll, lines);
  }
  AppendRegisterWords(before, outcome.registers, lines);
  for (const MemoryWord& word : outcome.writes) {
    lines.push_back(absl::StrCat("at ", Hexadecimal(word.address.value), ": ",
                                 Hexadecimal(before.memory.Load(word.address)),
                                 " becomes ", Hexadecimal(word.value)));
  }
  return lines;
}

std::string ExpectedEventWords(const Alternative& alternative) {
  return EventWordsWith(
      alternative.event,
      {.qualification = alternative.qualification_defined,
       .gpa = alternative.gpa_defined,
       .gla = alternative.gla_defined,
       .span = alternative.span,
       .gla_span = alternative.gla_span},
      alternative.memory_type_defined ? TypeKnown::kYes : TypeKnown::kUndefined,
      alternative.failed_checks);
}

std::vector<std::string> ExpectedEffectWords(const MachineState& before,
                                             const Alternative& alternative) {
  std::vector<std::string> lines;
  if (alternative.event.kind == EventKind::kVmExit) {
    AppendSavedWords(before, alternative.saved, alternative.saved_defined,
                     lines);
  }
  AppendRegisterWords(before, alternative.registers, lines);
  for (const BitWrite& write : alternative.required) {
    lines.push_back(BitWriteWords(write));
  }
  if (alternative.ve_written) {
    lines.push_back(
        absl::StrCat("the #VE information area at ",
                     Hexadecimal(alternative.ve_area.value), " receives ",
                     ExitInformationWords(
                         kEptViolation, alternative.ve_information,
                         {.qualification = alternative.qualification_defined,
                          .gpa = alternative.gpa_defined,
                          .gla = alternative.gla_defined,
                          .span = alternative.span,
                          .gla_span = alternative.gla_span})));
  }
  for (const BitWrite& write : alternative.optional) {
    lines.push_back(absl::StrCat("optional: ", BitWriteWords(write)));
  }
  return lines;
}

std::string DisagreementWords(const Disagreement& d) {
  std::string place(NameOf(d.field));
  std::string expected = Hexadecimal(d.expected);
  std::string given = Hexadecimal(d.given);
  switch (d.field) {
    case Field::kEvent:
      // Completed both: then it is the number of pages that differs.
      if (d.why.rule != Rule::kVio14) {
        expected = EventKindWords(static_cast<EventKind>(d.expected));
        given = EventKindWords(static_cast<EventKind>(d.given));
      }
      break;
    case Field::kFailedCheck:
      expected = CheckWords(d.expected);
      given = CheckWords(d.given);
      break;
    case Field::kExitReason:
      expected = absl::StrCat(
          d.expected, " (",
          ExitReasonWords(static_cast<std::uint16_t>(d.expected)), ")");
      given = absl::StrCat(d.given, " (",
                           ExitReasonWords(static_cast<std::uint16_t>(d.given)),
                           ")");
      break;
    case Field::kQualification:
      absl::StrAppend(&place, " bit ", d.index);
      expected = absl::StrCat(d.expected);
      given = absl::StrCat(d.given);
      break;
    case Field::kPageSize:
      expected = PageSizeWords(d.expected);
      given = PageSizeWords(d.given);
      break;
    case Field::kMemoryType:
    case Field::kStructureMemoryType:
      expected = MemoryTypeWords(d.expected);
      given = MemoryTypeWords(d.given);
      break;
    case Field::kPdpte:
      absl::StrAppend(&place, " ", d.index);
      break;
    case Field::kEptpIndex:
    case Field::kPmlIndex:
      expected = absl::StrCat(d.expected);
      given = absl::StrCat(d.given);
      break;
    case Field::kMemory:
      absl::StrAppend(&place, " at ", Hexadecimal(d.word.value));
      break;
    default:
      break;
  }
  return absl::StrCat(place, ": expected ", expected, ", given ", given, "; ",
                      RuleAtWords(d.why));
}

}  // namespace eptdiff
