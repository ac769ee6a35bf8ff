#include "fuzzers/experiment/answer_fields.h"

#include <cstddef>

namespace eptdiff {
namespace {

std::uint64_t Changed(const Effect& effect, std::uint64_t value) {
  switch (effect.form) {
    case Form::kConstant:
      return effect.given;
    case Form::kInstead:
      return value == effect.was ? effect.given : value;
    case Form::kInverted:
      return value ^ 1;
    case Form::kCleared:
      return value & ~effect.given;
    case Form::kOffset:
      return value + effect.given;
    case Form::kFlipped:
    case Form::kOther:
      return value ^ effect.given;
  }
  return value;
}

template <typename T>
bool Change(const Effect& effect, T& field) {
  const auto value = static_cast<std::uint64_t>(field);
  const std::uint64_t changed = Changed(effect, value);
  field = static_cast<T>(changed);
  return changed != value;
}

template <typename T>
bool ChangeBit(const Effect& effect, T& field) {
  const std::uint64_t bit = std::uint64_t{1} << effect.index;
  const std::uint64_t value = (field & bit) != 0;
  const std::uint64_t changed = Changed(effect, value) & 1;
  field = static_cast<T>((field & ~bit) | (changed << effect.index));
  return changed != value;
}

// Of a register: what stays as it was is not given.
template <typename T>
bool ChangeGiven(const Effect& effect, const T& before, T& field) {
  return before != field && Change(effect, field);
}

std::uint64_t Before(const Case& question, Hpa address) {
  std::uint64_t value = 0;
  for (const MemoryWord& word : question.memory) {
    if (word.address == address) value = word.value;
  }
  return value;
}

// A bit of the words that are written, which is written no more, or of the last
// entry on the way, which is written besides.
bool ChangeMemory(const Effect& effect, const Observed& observed,
                  Outcome& outcome) {
  const std::uint64_t bit = std::uint64_t{1} << effect.index;
  if (effect.given != 0) {
    if (observed.entries.empty()) return false;
    const Hpa address{observed.entries.back().address.value & ~7ull};
    const std::uint64_t value = Before(observed.question, address);
    for (MemoryWord& write : outcome.writes) {
      if (write.address != address) continue;
      const bool news = (write.value & bit) == 0;
      write.value |= bit;
      return news;
    }
    if ((value & bit) != 0 || outcome.writes.full()) return false;
    outcome.writes.push_back({address, value | bit});
    return true;
  }
  bool changed = false;
  FixedVector<MemoryWord, kMaxStepWrites> kept;
  for (MemoryWord write : outcome.writes) {
    const std::uint64_t before = Before(observed.question, write.address);
    if ((write.value & bit) != 0 && (before & bit) == 0) {
      write.value &= ~bit;
      changed = true;
    }
    if (write.value != before) kept.push_back(write);
  }
  outcome.writes = kept;
  return changed;
}

}  // namespace

bool IsBit(Field field) {
  return field == Field::kQualification || field == Field::kErrorCode ||
         field == Field::kMemory;
}

bool GiveInstead(const Effect& effect, const Observed& observed,
                 Outcome& outcome) {
  outcome = observed.outcome;
  const Case& question = observed.question;
  Event& event = outcome.event;
  const std::size_t page = effect.index < 2 ? effect.index : 0;
  Translation& translation = event.translations[page];
  const bool translated =
      event.kind == EventKind::kCompleted && page < event.translation_count;
  switch (effect.field) {
    case Field::kEvent:
    case Field::kExitReason:
      return ClassOf(event) == effect.expected_event;
    case Field::kQualification:
      return ChangeBit(effect, event.qualification);
    case Field::kErrorCode:
      return ChangeBit(effect, event.error_code);
    case Field::kGpa:
      return Change(effect, event.gpa.value);
    case Field::kGla:
      return Change(effect, event.gla.value);
    case Field::kCr2:
      return Change(effect, event.cr2.value);
    case Field::kInterruptionInformation:
      return Change(effect, event.interruption_information);
    case Field::kFailedCheck:
      return Change(effect, event.failed_check);
    case Field::kAddress:
      return translated && Change(effect, translation.address.value);
    case Field::kPageSize:
      return translated && Change(effect, translation.page_shift);
    case Field::kMemoryType:
      return translated && Change(effect, translation.memory_type);
    case Field::kStructureMemoryType:
      return translated && Change(effect, translation.structure_memory_type);
    case Field::kPmlIndex:
      return ChangeGiven(effect, question.controls.pml_index,
                         outcome.registers.pml_index);
    case Field::kEptp:
      return ChangeGiven(effect, question.controls.eptp,
                         outcome.registers.eptp);
    case Field::kEptpIndex:
      return ChangeGiven(effect, question.controls.eptp_index,
                         outcome.registers.eptp_index);
    case Field::kPdpte:
      return effect.index < 4 &&
             ChangeGiven(effect, question.guest.pdpte[effect.index],
                         outcome.registers.pdpte[effect.index]);
    case Field::kMemory:
      return ChangeMemory(effect, observed, outcome);
    case Field::kExitReasonFlags:
      return Change(effect, outcome.saved.exit_reason_flags);
    case Field::kVectoringInformation:
      return Change(effect, outcome.saved.vectoring_information);
    case Field::kVectoringErrorCode:
      return Change(effect, outcome.saved.vectoring_error_code);
    case Field::kInstructionLength:
      return Change(effect, outcome.saved.instruction_length);
    case Field::kInterruptibility:
      return Change(effect, outcome.saved.interruptibility);
    case Field::kRflags:
      return Change(effect, outcome.saved.rflags);
    case Field::kPendingDebug:
      return Change(effect, outcome.saved.pending_debug);
  }
  return false;
}

}  // namespace eptdiff
