// Outcomes for tests, written down as the SDM words them:
//
//   Completes(0x9234).Writes(0x4008, 0x9337).PmlIndex(4)
//   Violation(0x581, 0x1234)
//
// Not part of any fuzz target. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_REFERENCE_WITNESSES_ANSWER_H_
#define EPTDIFF_ORACLE_REFERENCE_WITNESSES_ANSWER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "engine/types.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"
#include "oracle/reference/witnesses/case_builder.h"

namespace eptdiff {

class Answer {
 public:
  explicit Answer(const Event& event) : event_(event) {}

  // Of a completed access, the last translation: its page size (the default is
  // 12) and memory types (the default is WB); and a further page.
  Answer& Size(std::uint8_t page_shift);
  Answer& Type(MemoryType type);
  Answer& StructureType(MemoryType type);
  Answer& And(std::uint64_t hpa);
  // Of a VM exit, the guest-linear address if it is not that of kGlaPage with
  // the offset of the guest-physical one.
  Answer& At(std::uint64_t gla);
  // The last translation's types of the accesses to guest entries, the first
  // from bit 0 on.
  Answer& GuestTypes(const std::vector<MemoryType>& types);

  // What changes besides; registers that are not named stay.
  Answer& Writes(std::uint64_t word, std::uint64_t value);
  Answer& PmlIndex(std::uint16_t index);
  Answer& Eptp(std::uint64_t eptp, std::uint16_t eptp_index);
  Answer& Pdptes(const std::array<std::uint64_t, 4>& pdptes);

  // Of a VM exit, what it saves for its handler, where that is not what it is
  // without an event, IRET or blocking: RFLAGS with RF (not of an instruction).
  using Change = void (*)(SavedState& saved);
  Answer& Saves(Change change);

  // The outcome of a step that meets `before`.
  Outcome In(const MachineState& before) const;

 private:
  Translation& Last();

  Event event_;
  std::vector<MemoryWord> writes_;
  std::optional<std::uint16_t> pml_index_;
  std::optional<std::uint64_t> eptp_;
  std::optional<std::uint16_t> eptp_index_;
  std::optional<std::array<std::uint64_t, 4>> pdptes_;
  Change saves_ = nullptr;
};

// The access happens, at this host-physical address.
Answer Completes(std::uint64_t hpa);
// A linear access happens, after this many accesses to guest entries (WB).
Answer Reaches(std::uint64_t hpa, int guest_entries);
// A step without an address: it happens.
Answer Happens();
// VM exits, with what they report.
Answer Violation(std::uint64_t qualification, std::uint64_t gpa);
Answer Misconfiguration(std::uint64_t gpa);
Answer LogFull(std::uint64_t qualification = 0);
Answer ApicAccess(std::uint64_t qualification);
Answer SppEvent(std::uint64_t qualification, std::uint64_t gpa);
Answer VmfuncExit();
Answer ControlRegisterExit(std::uint64_t qualification);
Answer InvlpgExit(std::uint64_t gla);
Answer InvpcidExit();
Answer InterceptedVe(std::uint32_t interruption_information);
// A #VE; its information area is among the writes.
Answer VirtualizationException();
Answer GeneralProtection();
Answer InvalidOpcode();
// A page fault at kGla, or at `gla`.
Answer PageFault(std::uint32_t error_code);
Answer PageFault(std::uint32_t error_code, std::uint64_t gla);
// INVEPT or INVVPID fails.
Answer InvalidOperand();
// VM entry refuses the controls for this reason.
Answer EntryFails(EntryCheck check);
// VM entry refuses the guest's state, with this exit qualification.
Answer GuestStateFails(std::uint64_t qualification = 0);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_WITNESSES_ANSWER_H_
