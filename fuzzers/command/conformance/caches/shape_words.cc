#include "fuzzers/command/conformance/caches/shape_words.h"

#include "absl/strings/str_cat.h"
#include "fuzzers/command/words/answer_words.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/text/view.h"

namespace eptdiff {
namespace {

std::string AccessWords(const Step& step) {
  const bool linear = step.kind == StepKind::kLinearAccess;
  const bool user = !linear && step.page.user;
  const char* kind = step.access.kind == AccessKind::kRead    ? "read"
                     : step.access.kind == AccessKind::kWrite ? "write"
                                                              : "fetch";
  return absl::StrCat(user ? "user-mode " : "", kind,
                      linear ? " of linear " : " of guest-physical ",
                      Hexadecimal(linear ? step.gla.value : step.gpa.value));
}

std::string InvalidationWords(const Invalidation& asked) {
  constexpr const char* kInvvpid[] = {"individual-address", "single-context",
                                      "all-context",
                                      "single-context-retaining-globals"};
  constexpr const char* kInvpcid[] = {"individual-address", "single-context",
                                      "all-context, including globals",
                                      "all-context"};
  const std::string first = Hexadecimal(asked.first);
  const std::string address =
      absl::StrCat(", linear ", Hexadecimal(asked.second));
  switch (asked.kind) {
    case InvalidationKind::kInvept:
      if (asked.type == 2) return "INVEPT, all-context";
      return absl::StrCat("INVEPT, ",
                          asked.type == 1 ? "single-context"
                                          : absl::StrCat("type ", asked.type),
                          ", EPTP ", first);
    case InvalidationKind::kInvvpid:
      return absl::StrCat("INVVPID, ", kInvvpid[asked.type & 3],
                          asked.type == 2 ? "" : ", VPID ",
                          asked.type == 2 ? "" : absl::StrCat(asked.first),
                          asked.type == 0 ? address : "");
    case InvalidationKind::kInvlpg:
      return absl::StrCat("INVLPG of linear ", Hexadecimal(asked.second));
    case InvalidationKind::kInvpcid:
      return absl::StrCat("INVPCID, ", kInvpcid[asked.type & 3],
                          asked.type >= 2 ? "" : ", PCID ",
                          asked.type >= 2 ? "" : absl::StrCat(asked.first),
                          asked.type == 0 ? address : "");
  }
  return "?";
}

}  // namespace

std::string ShapeStepWords(const MachineState& before, const Step& step) {
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
    case StepKind::kLinearAccess:
      return AccessWords(step);
    case StepKind::kStore:
      return absl::StrCat(Hexadecimal(step.hpa.value), ": ",
                          Hexadecimal(before.memory.Load(step.hpa)), " ──▶ ",
                          Hexadecimal(step.value));
    case StepKind::kInvalidation:
      return InvalidationWords(step.invalidation);
    case StepKind::kVmEntry:
      return absl::StrCat("VM exit and entry, ",
                          View(NameOfVmcsField(step.index)), " ",
                          Hexadecimal(step.value));
    case StepKind::kRegisterWrite:
      if (step.reg == GuestRegister::kCr3) {
        return absl::StrCat("MOV to CR3: ", Hexadecimal(step.value));
      }
      if (step.reg == GuestRegister::kCr4) {
        return absl::StrCat("MOV to CR4: ", Hexadecimal(step.value));
      }
      return StepWords(step);
    default:
      return StepWords(step);
  }
}

std::string AnswerWords(const MachineState& before, const Outcome& outcome,
                        FieldSet fields) {
  const Event& event = outcome.event;
  std::string words;
  if (event.kind == EventKind::kCompleted && event.translation_count == 1) {
    const Translation& page = event.translations[0];
    words = absl::StrCat("completes at ", Hexadecimal(page.address.value));
    if (page.page_shift == 21) words += " (2-MByte page)";
    if (page.page_shift == 30) words += " (1-GByte page)";
    if ((fields & SetOf(Field::kMemoryType)) != 0 &&
        page.memory_type != MemoryType::kWriteBack) {
      absl::StrAppend(
          &words, ", ",
          MemoryTypeWords(static_cast<std::uint64_t>(page.memory_type)));
    }
  } else if (event.kind == EventKind::kVmExit && event.exit_reason == 48) {
    words = absl::StrCat("EPT violation, qualification ",
                         Hexadecimal(event.qualification));
  } else if (event.kind == EventKind::kVmExit && event.exit_reason == 49) {
    words = "EPT misconfiguration";
  } else if (event.kind == EventKind::kVmExit && event.exit_reason == 62) {
    words = "page-modification log-full exit";
  } else if (event.kind == EventKind::kPageFault) {
    words = absl::StrCat("#PF, error code ", Hexadecimal(event.error_code));
  } else {
    words = EventWords(event, fields);
  }
  for (const MemoryWord& word : outcome.writes) {
    absl::StrAppend(&words, ", ", Hexadecimal(word.address.value), " becomes ",
                    Hexadecimal(word.value));
  }
  if (outcome.registers.pml_index != before.controls.pml_index) {
    absl::StrAppend(&words, ", PML index ", outcome.registers.pml_index);
  }
  return words;
}

}  // namespace eptdiff
