#include "fuzzers/experiment/answer_fields.h"

#include <cstddef>

#include "fuzzers/experiment/write_forms.h"

namespace eptdiff {
namespace {

// Of an answer that is this one, a part by number; nothing if it is none of a
// number of its own.
std::optional<std::uint64_t> ValueIn(const Event& event,
                                     const SavedState& saved,
                                     const Effect& effect) {
  const Translation& translation =
      event.translations[effect.index < 2 ? effect.index : 0];
  switch (effect.field) {
    case Field::kQualification:
      return event.qualification;
    case Field::kErrorCode:
      return event.error_code;
    case Field::kGpa:
      return event.gpa.value;
    case Field::kGla:
      return event.gla.value;
    case Field::kCr2:
      return event.cr2.value;
    case Field::kInterruptionInformation:
      return event.interruption_information;
    case Field::kAddress:
      return translation.address.value;
    case Field::kPageSize:
      return translation.page_shift;
    case Field::kMemoryType:
      return static_cast<std::uint64_t>(translation.memory_type);
    case Field::kStructureMemoryType:
      return static_cast<std::uint64_t>(translation.structure_memory_type);
    case Field::kVectoringInformation:
      return saved.vectoring_information;
    case Field::kVectoringErrorCode:
      return saved.vectoring_error_code;
    case Field::kInstructionLength:
      return saved.instruction_length;
    case Field::kInterruptibility:
      return saved.interruptibility;
    case Field::kPendingDebug:
      return saved.pending_debug;
    default:
      return std::nullopt;
  }
}

// The last entry on the way that maps a page of the guest's.
const EntryRead* GuestPageEntry(const Observed& observed) {
  const EntryRead* page = nullptr;
  for (const EntryRead& entry : observed.entries) {
    if (entry.structure == Structure::kGuest &&
        ValueOf(observed.question, entry, Word::kEntryRole) ==
            static_cast<std::uint64_t>(EntryRole::kPage)) {
      page = &entry;
    }
  }
  return page;
}

// What the guest's own paging has there, or the address that is not asked for.
std::optional<std::uint64_t> OfFirstDimension(const Effect& effect,
                                              const Observed& observed) {
  const Case& question = observed.question;
  if (question.steps.empty()) return std::nullopt;
  const Step& step = question.steps.back();
  const bool linear = step.kind == StepKind::kLinearAccess;
  const Event& event = observed.outcome.event;
  switch (effect.field) {
    case Field::kGpa:
      return linear ? step.gla.value : step.page.gla.value;
    case Field::kGla:
      return event.gpa.value;
    case Field::kPageSize: {
      const EntryRead* page = GuestPageEntry(observed);
      if (page == nullptr) return std::nullopt;
      const unsigned bits = BitsOf(question, *page) == 32 ? 10 : 9;
      return 12 + bits * (page->level - 1u);
    }
    case Field::kMemoryType: {
      if (step.kind != StepKind::kGuestPhysicalAccess) return std::nullopt;
      return question.guest.pat >> (8 * (step.page.pat_index & 7u)) & 7;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::uint64_t> OfEntry(const Effect& effect,
                                     const Observed& observed) {
  Atom at;
  at.of = Atom::Of::kOnTheWay;
  at.level = static_cast<std::uint8_t>(effect.was);
  const EntryRead* entry = OnTheWay(observed.entries, at);
  if (entry == nullptr || effect.field != Field::kMemoryType) {
    return std::nullopt;
  }
  return entry->value >> 3 & 7;
}

std::optional<std::uint64_t> OfOtherPage(const Effect& effect,
                                         const Observed& observed) {
  const Event& event = observed.outcome.event;
  if (event.translation_count != 2 || effect.field < Field::kAddress ||
      effect.field > Field::kStructureMemoryType) {
    return std::nullopt;
  }
  Effect other = effect;
  other.index = effect.index == 0 ? 1 : 0;
  return ValueIn(event, observed.outcome.saved, other);
}

template <typename T>
bool Change(const Effect& effect, const Observed& observed, T& field) {
  const auto value = static_cast<std::uint64_t>(field);
  std::uint64_t changed = value ^ effect.given;
  if (effect.form != Form::kOther) {
    changed = GivenFor(effect, observed, value).value_or(value);
  }
  field = static_cast<T>(changed);
  return static_cast<std::uint64_t>(field) != value;
}

template <typename T>
bool ChangeBit(const Effect& effect, const Observed& observed, T& field) {
  if (effect.form == Form::kPrevious) return Change(effect, observed, field);
  const std::uint64_t bit = std::uint64_t{1} << effect.index;
  const std::uint64_t value = (field & bit) != 0;
  const std::uint64_t changed =
      GivenFor(effect, observed, value).value_or(value) & 1;
  field = static_cast<T>((field & ~bit) | (changed << effect.index));
  return changed != value;
}

// Of a register: what stays as it was is not given.
template <typename T>
bool ChangeGiven(const Effect& effect, const Observed& observed,
                 const T& before, T& field) {
  return before != field && Change(effect, observed, field);
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

std::optional<std::uint64_t> GivenFor(const Effect& effect,
                                      const Observed& observed,
                                      std::uint64_t right) {
  switch (effect.form) {
    case Form::kConstant:
      return effect.given;
    case Form::kInstead:
      return right == effect.was ? effect.given : right;
    case Form::kInverted:
      return right ^ 1;
    case Form::kCleared:
      return right & ~effect.given;
    case Form::kOffset:
      return right + effect.given;
    case Form::kFlipped:
      return right ^ effect.given;
    case Form::kFrame:
      return right >> 12;
    case Form::kOfEntry:
      return OfEntry(effect, observed);
    case Form::kFirstDimension:
      return OfFirstDimension(effect, observed);
    case Form::kOtherPage:
      return OfOtherPage(effect, observed);
    case Form::kPrevious:
      return observed.before.has_value()
                 ? ValueIn(observed.before->event, observed.before->saved,
                           effect)
                 : std::nullopt;
    case Form::kMissing:
    case Form::kMisplaced:
    case Form::kDoubled:
    case Form::kOther:
      break;
  }
  return std::nullopt;
}

bool GivesAs(const Effect& effect, const Observed& observed,
             const Disagreement& d) {
  if (IsOfWord(effect.form)) return WritesAs(effect, observed, d);
  if (effect.form == Form::kInverted || effect.form == Form::kOther) {
    return true;
  }
  const auto given = GivenFor(effect, observed, d.expected);
  if (!given.has_value()) return false;
  if (effect.form == Form::kInstead) {
    return d.expected == effect.was && d.given == *given;
  }
  if (effect.form == Form::kPrevious && IsBit(effect.field)) {
    // All bits of it, whichever is the first that differs.
    return ValueIn(observed.outcome.event, observed.outcome.saved, effect) ==
           *given;
  }
  return d.field == Field::kPmlIndex ? static_cast<std::uint16_t>(d.given) ==
                                           static_cast<std::uint16_t>(*given)
                                     : d.given == *given;
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
      return ChangeBit(effect, observed, event.qualification);
    case Field::kErrorCode:
      return ChangeBit(effect, observed, event.error_code);
    case Field::kGpa:
      return Change(effect, observed, event.gpa.value);
    case Field::kGla:
      return Change(effect, observed, event.gla.value);
    case Field::kCr2:
      return Change(effect, observed, event.cr2.value);
    case Field::kInterruptionInformation:
      return Change(effect, observed, event.interruption_information);
    case Field::kFailedCheck:
      return Change(effect, observed, event.failed_check);
    case Field::kAddress:
      return translated && Change(effect, observed, translation.address.value);
    case Field::kPageSize:
      return translated && Change(effect, observed, translation.page_shift);
    case Field::kMemoryType:
      return translated && Change(effect, observed, translation.memory_type);
    case Field::kStructureMemoryType:
      return translated &&
             Change(effect, observed, translation.structure_memory_type);
    case Field::kPmlIndex:
      return ChangeGiven(effect, observed, question.controls.pml_index,
                         outcome.registers.pml_index);
    case Field::kEptp:
      return ChangeGiven(effect, observed, question.controls.eptp,
                         outcome.registers.eptp);
    case Field::kEptpIndex:
      return ChangeGiven(effect, observed, question.controls.eptp_index,
                         outcome.registers.eptp_index);
    case Field::kPdpte:
      return effect.index < 4 &&
             ChangeGiven(effect, observed, question.guest.pdpte[effect.index],
                         outcome.registers.pdpte[effect.index]);
    case Field::kMemory:
      return IsOfWord(effect.form) ? WriteInstead(effect, observed, outcome)
                                   : ChangeMemory(effect, observed, outcome);
    case Field::kExitReasonFlags:
      return Change(effect, observed, outcome.saved.exit_reason_flags);
    case Field::kVectoringInformation:
      return Change(effect, observed, outcome.saved.vectoring_information);
    case Field::kVectoringErrorCode:
      return Change(effect, observed, outcome.saved.vectoring_error_code);
    case Field::kInstructionLength:
      return Change(effect, observed, outcome.saved.instruction_length);
    case Field::kInterruptibility:
      return Change(effect, observed, outcome.saved.interruptibility);
    case Field::kRflags:
      return Change(effect, observed, outcome.saved.rflags);
    case Field::kPendingDebug:
      return Change(effect, observed, outcome.saved.pending_debug);
  }
  return false;
}

}  // namespace eptdiff
