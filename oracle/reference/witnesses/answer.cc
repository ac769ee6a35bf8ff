#include "oracle/reference/witnesses/answer.h"

#include <algorithm>
#include <iterator>

namespace eptdiff {
namespace {

Event Exit(std::uint16_t reason, std::uint64_t qualification,
           std::uint64_t gpa) {
  Event event;
  event.kind = EventKind::kVmExit;
  event.exit_reason = reason;
  event.qualification = qualification;
  event.gpa = Gpa{gpa};
  event.gla = Gla{kGlaPage | (gpa & 0xfff)};
  return event;
}

Translation WriteBackPage(std::uint64_t hpa) {
  return {.address = Hpa{hpa},
          .page_shift = 12,
          .memory_type = MemoryType::kWriteBack,
          .structure_memory_type = MemoryType::kWriteBack};
}

}  // namespace

Translation& Answer::Last() {
  return event_.translations[event_.translation_count - 1u];
}

Answer& Answer::Size(std::uint8_t page_shift) {
  Last().page_shift = page_shift;
  return *this;
}

Answer& Answer::Type(MemoryType type) {
  Last().memory_type = type;
  return *this;
}

Answer& Answer::StructureType(MemoryType type) {
  Last().structure_memory_type = type;
  return *this;
}

Answer& Answer::And(std::uint64_t hpa) {
  const std::uint64_t types = Last().guest_structure_types;
  event_.translations[event_.translation_count++] = WriteBackPage(hpa);
  Last().guest_structure_types = types;
  return *this;
}

Answer& Answer::At(std::uint64_t gla) {
  event_.gla = Gla{gla};
  return *this;
}

Answer& Answer::GuestTypes(const std::vector<MemoryType>& types) {
  std::uint64_t& packed = Last().guest_structure_types;
  packed = 0;
  for (std::size_t i = 0; i < types.size(); ++i) {
    packed |= (8 + static_cast<std::uint64_t>(types[i])) << (4 * i);
  }
  return *this;
}

Answer& Answer::Writes(std::uint64_t word, std::uint64_t value) {
  writes_.push_back({Hpa{word}, value});
  return *this;
}

Answer& Answer::PmlIndex(std::uint16_t index) {
  pml_index_ = index;
  return *this;
}

Answer& Answer::Eptp(std::uint64_t eptp, std::uint16_t eptp_index) {
  eptp_ = eptp;
  eptp_index_ = eptp_index;
  return *this;
}

Answer& Answer::Pdptes(const std::array<std::uint64_t, 4>& pdptes) {
  pdptes_ = pdptes;
  return *this;
}

Answer& Answer::Saves(Change change) {
  saves_ = change;
  return *this;
}

Outcome Answer::In(const MachineState& before) const {
  Outcome outcome;
  outcome.event = event_;
  if (event_.kind == EventKind::kVmExit) {
    constexpr std::uint16_t kOfInstructions[] = {14, 28, 58, 59};
    constexpr std::uint64_t kResume = 0x10000;
    outcome.saved.rflags = before.guest.rflags | kResume;
    const bool instruction =
        std::find(std::begin(kOfInstructions), std::end(kOfInstructions),
                  event_.exit_reason) != std::end(kOfInstructions);
    if (instruction) outcome.saved.rflags &= ~kResume;
    if (before.guest.event_delivery && !instruction) {
      outcome.saved.vectoring_information = 0x80000000;
    }
    if (saves_ != nullptr) saves_(outcome.saved);
  }
  Registers& registers = outcome.registers;
  registers = RegistersOf(before);
  registers.pml_index = pml_index_.value_or(registers.pml_index);
  registers.eptp = eptp_.value_or(registers.eptp);
  registers.eptp_index = eptp_index_.value_or(registers.eptp_index);
  registers.pdpte = pdptes_.value_or(registers.pdpte);
  for (const MemoryWord& word : writes_) outcome.writes.push_back(word);
  std::sort(outcome.writes.begin(), outcome.writes.end(),
            [](const MemoryWord& a, const MemoryWord& b) {
              return a.address.value < b.address.value;
            });
  return outcome;
}

Answer Completes(std::uint64_t hpa) {
  Event event;
  event.translation_count = 1;
  event.translations[0] = WriteBackPage(hpa);
  return Answer(event);
}

Answer Reaches(std::uint64_t hpa, int guest_entries) {
  return Completes(hpa).GuestTypes(std::vector<MemoryType>(
      static_cast<std::size_t>(guest_entries), MemoryType::kWriteBack));
}

Answer Happens() { return Answer(Event{}); }

Answer Violation(std::uint64_t qualification, std::uint64_t gpa) {
  return Answer(Exit(48, qualification, gpa));
}

Answer Misconfiguration(std::uint64_t gpa) { return Answer(Exit(49, 0, gpa)); }

Answer LogFull(std::uint64_t qualification) {
  return Answer(Exit(62, qualification, 0));
}

Answer ApicAccess(std::uint64_t qualification) {
  return Answer(Exit(44, qualification, 0));
}

Answer SppEvent(std::uint64_t qualification, std::uint64_t gpa) {
  return Answer(Exit(66, qualification, gpa));
}

Answer VmfuncExit() { return Answer(Exit(59, 0, 0)); }

Answer ControlRegisterExit(std::uint64_t qualification) {
  return Answer(Exit(28, qualification, 0));
}

Answer InvlpgExit(std::uint64_t gla) { return Answer(Exit(14, gla, 0)); }

Answer InvpcidExit() { return Answer(Exit(58, 0, 0)); }

Answer InterceptedVe(std::uint32_t interruption_information) {
  Event event;
  event.kind = EventKind::kVmExit;
  event.interruption_information = interruption_information;
  return Answer(event);
}

Answer VirtualizationException() {
  Event event;
  event.kind = EventKind::kVirtualizationException;
  return Answer(event);
}

Answer GeneralProtection() {
  Event event;
  event.kind = EventKind::kGeneralProtection;
  return Answer(event);
}

Answer InvalidOpcode() {
  Event event;
  event.kind = EventKind::kInvalidOpcode;
  return Answer(event);
}

Answer InvalidOperand() {
  Event event;
  event.kind = EventKind::kInvalidOperand;
  return Answer(event);
}

Answer PageFault(std::uint32_t error_code) {
  return PageFault(error_code, kGla);
}

Answer PageFault(std::uint32_t error_code, std::uint64_t gla) {
  Event event;
  event.kind = EventKind::kPageFault;
  event.error_code = error_code;
  event.cr2 = Gla{gla};
  return Answer(event);
}

Answer EntryFails(EntryCheck check) {
  Event event;
  event.kind = EventKind::kVmEntryFailure;
  event.failed_check = check;
  return Answer(event);
}

Answer GuestStateFails(std::uint64_t qualification) {
  Event event;
  event.kind = EventKind::kGuestStateFailure;
  event.exit_reason = 33;
  event.qualification = qualification;
  return Answer(event);
}

}  // namespace eptdiff
