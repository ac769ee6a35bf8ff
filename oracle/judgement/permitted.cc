#include "oracle/judgement/permitted.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "oracle/judgement/judge.h"
#include "oracle/step_memory.h"

namespace eptdiff {
namespace {

// What to choose where an alternative leaves a choice.
struct Choice {
  bool all_optional = false;
  std::optional<std::size_t> optional = std::nullopt;  // this one alone
  std::uint64_t undefined = 0;                         // or all ones
  bool farthest = false;  // of the addresses within a span
  int check = -1;         // of the checks that fail; -1: the first
};

std::uint64_t Fill(std::uint64_t value, std::uint64_t defined,
                   const Choice& choice) {
  return (value & defined) | (choice.undefined & ~defined);
}

std::uint64_t Reported(std::uint64_t address, bool defined, std::uint16_t span,
                       const Choice& choice) {
  if (!defined) return choice.undefined;
  return address + (choice.farthest ? span : 0u);
}

AccessReport Filled(const AccessReport& report, const Alternative& a,
                    const Choice& choice) {
  return {Fill(report.qualification, a.qualification_defined, choice),
          {Reported(report.gpa.value, a.gpa_defined, a.span, choice)},
          {Reported(report.gla.value, a.gla_defined, a.gla_span, choice)}};
}

void Write(StepMemory& memory, Hpa word, std::uint64_t mask,
           std::uint64_t value) {
  memory.Store(word, (memory.Load(word) & ~mask) | (value & mask));
}

// Another memory type, where it is undefined.
void ChangeTypes(const Alternative& a, Event& event) {
  if (a.memory_type_defined) return;
  for (std::size_t i = 0; i < event.translation_count; ++i) {
    MemoryType& type = event.translations[i].memory_type;
    type = type == MemoryType::kUncacheable ? MemoryType::kWriteBack
                                            : MemoryType::kUncacheable;
  }
}

Event EventOf(const Alternative& a, const Choice& choice) {
  Event event = a.event;
  switch (event.kind) {
    case EventKind::kCompleted:
      if (choice.undefined != 0) ChangeTypes(a, event);
      break;
    case EventKind::kVmExit:
      if (!a.ve_written) {
        const AccessReport report = Filled(ReportOf(event), a, choice);
        event.qualification = report.qualification;
        event.gpa = report.gpa;
        event.gla = report.gla;
      }
      event.interruption_information = static_cast<std::uint32_t>(
          Fill(event.interruption_information,
               a.interruption_information_defined, choice));
      break;
    case EventKind::kPageFault:
      event.error_code = static_cast<std::uint32_t>(
          Fill(event.error_code, a.error_code_defined, choice));
      event.cr2.value = Reported(event.cr2.value, true, a.span, choice);
      break;
    case EventKind::kVmEntryFailure:
      event.failed_check = static_cast<EntryCheck>(
          choice.check < 0 ? std::countr_zero(a.failed_checks) : choice.check);
      break;
    case EventKind::kGuestStateFailure:
      event.qualification =
          Fill(event.qualification, a.qualification_defined, choice);
      break;
    default:
      break;
  }
  return event;
}

SavedState Filled(const SavedState& value, const SavedState& defined,
                  const Choice& choice) {
  SavedState saved;
  const auto fill = [&](auto member) {
    using Number = std::remove_reference_t<decltype(saved.*member)>;
    saved.*member =
        static_cast<Number>(Fill(value.*member, defined.*member, choice));
  };
  fill(&SavedState::exit_reason_flags);
  fill(&SavedState::vectoring_information);
  fill(&SavedState::vectoring_error_code);
  fill(&SavedState::instruction_length);
  fill(&SavedState::interruptibility);
  fill(&SavedState::rflags);
  fill(&SavedState::pending_debug);
  return saved;
}

Outcome OutcomeOf(const Alternative& a, const MachineState& before,
                  const Choice& choice) {
  Outcome outcome;
  outcome.event = EventOf(a, choice);
  if (a.event.kind == EventKind::kVmExit) {
    outcome.saved = Filled(a.saved, a.saved_defined, choice);
  }
  outcome.registers = a.registers;
  for (std::uint64_t& pdpte : outcome.registers.pdpte) {
    pdpte = Fill(pdpte, DefinedPdpteBits(a, pdpte), choice);
  }
  StepMemory memory(before.memory);
  for (const BitWrite& write : a.required) {
    Write(memory, write.word, write.mask, write.value);
  }
  for (std::size_t i = 0; i < a.optional.size(); ++i) {
    if (!choice.all_optional && choice.optional != i) continue;
    const BitWrite& write = a.optional[i];
    Write(memory, write.word, write.mask, write.value);
  }
  if (a.ve_written) {
    const AccessReport area = Filled(a.ve_information, a, choice);
    memory.Store({a.ve_area.value + 8}, area.qualification);
    memory.Store({a.ve_area.value + 16}, area.gla.value);
    memory.Store({a.ve_area.value + 24}, area.gpa.value);
  }
  memory.ListChanges(outcome.writes);
  return outcome;
}

bool Permits(const Verdict& verdict, const MachineState& before,
             const Outcome& outcome, FieldSet fields) {
  return verdict.standing != Standing::kJudged ||
         Judge(verdict, before, outcome, fields).conforms;
}

// A corner of `from` that `other` does not permit.
std::optional<Outcome> OnlyIn(const Verdict& from, const Verdict& other,
                              const MachineState& before, FieldSet fields) {
  if (from.standing != Standing::kJudged) return std::nullopt;
  for (const Outcome& outcome : PermittedOutcomes(from, before)) {
    if (!Permits(other, before, outcome, fields)) return outcome;
  }
  return std::nullopt;
}

// An outcome that no processor gives: rejected by every judged verdict.
Outcome Impossible(const MachineState& before) {
  Outcome outcome;
  outcome.event.kind = EventKind::kVmExit;
  outcome.event.exit_reason = 0xffff;
  outcome.registers = RegistersOf(before);
  return outcome;
}

}  // namespace

Outcome PlainOutcome(const Alternative& alternative,
                     const MachineState& before) {
  return OutcomeOf(alternative, before, Choice{});
}

std::vector<Outcome> PermittedOutcomes(const Verdict& verdict,
                                       const MachineState& before) {
  std::vector<Outcome> outcomes;
  for (const Alternative& a : verdict.alternatives) {
    outcomes.push_back(PlainOutcome(a, before));
    if (!a.optional.empty()) {
      outcomes.push_back(OutcomeOf(a, before, {.all_optional = true}));
    }
    for (std::size_t i = 0; i < a.optional.size(); ++i) {
      outcomes.push_back(OutcomeOf(a, before, {.optional = i}));
    }
    outcomes.push_back(OutcomeOf(a, before, {.undefined = ~std::uint64_t{0}}));
    outcomes.push_back(OutcomeOf(a, before, {.farthest = true}));
    for (int check = 0; a.failed_checks >> check != 0; ++check) {
      if (!(a.failed_checks >> check & 1)) continue;
      outcomes.push_back(OutcomeOf(a, before, {.check = check}));
    }
  }
  return outcomes;
}

std::optional<Outcome> TellApart(const Verdict& a, const Verdict& b,
                                 const MachineState& before, FieldSet fields) {
  if (a.standing == Standing::kJudged || b.standing == Standing::kJudged) {
    if (a.standing != b.standing) return Impossible(before);
  }
  if (auto outcome = OnlyIn(a, b, before, fields)) return outcome;
  return OnlyIn(b, a, before, fields);
}

}  // namespace eptdiff
