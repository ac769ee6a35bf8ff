// What a VM exit says, and what has changed in memory, as an outcome.
#include <algorithm>

#include "oracle/processor/guest_bits.h"
#include "oracle/processor/guest_code.h"
#include "oracle/processor/image/exits.h"
#include "oracle/processor/image/guest_machine.h"
#include "oracle/processor/image/vmcs.h"

namespace eptdiff::image {
namespace {

using namespace guest_bits;
using namespace vmcs;

}  // namespace

bool GuestMachine::ReadEvent(const MachineState& state, const Step& step,
                             Outcome& outcome) {
  Event& event = outcome.event;
  const std::uint64_t reason = exit_reason_;
  switch (reason & 0xffff) {
    case kException:
      ReadException(state, step, outcome);
      return true;
    case kEptViolation:
    case kEptMisconfiguration:
    case kPmlFull:
    case kSppEvent:
    case kApicAccess:
      event.kind = EventKind::kVmExit;
      event.exit_reason = static_cast<std::uint16_t>(reason);
      event.qualification = Read(kExitQualification);
      event.gpa = Gpa{Read(kGuestPhysicalAddress)};
      event.gla = Gla{Read(kGuestLinearAddress)};
      return true;
    case kTripleFault:
    case kTimer:
      // What no step may end in, but a machine may: it is stuck, say.
      event.kind = EventKind::kGaveUp;
      event.exit_reason = static_cast<std::uint16_t>(reason);
      event.qualification = Read(kExitQualification);
      return true;
    default:
      return false;
  }
}

// While it is delivered; the case may deliver an event of the same vector,
// which does not write to the area.
bool GuestMachine::IsVirtualizationException(const MachineState& state,
                                             std::uint64_t vectoring) const {
  constexpr std::uint64_t kValid = std::uint64_t{1} << 31;
  constexpr std::uint64_t kException = 3 << 8;
  constexpr std::uint64_t kEvent = 0x7ff;
  if ((vectoring & (kValid | kEvent)) !=
      (kValid | kException | kVirtualization)) {
    return false;
  }
  const bool may_be_of_case =
      state.guest.event_delivery &&
      ((state.guest.delivered_event ^ vectoring) & kEvent) == 0;
  const Hpa area{state.controls.ve_information_address};
  return !may_be_of_case || (Has(state.controls.secondary, kSecondaryVe) &&
                             WordAt(area) != state.memory.Load(area));
}

void GuestMachine::ReadException(const MachineState& state, const Step& step,
                                 Outcome& outcome) {
  Event& event = outcome.event;
  const std::uint64_t information = exit_interruption_;
  const std::uint64_t vectoring = exit_vectoring_;
  const unsigned vector = information & 0xff;
  if (IsVirtualizationException(state, vectoring)) {
    const std::uint64_t area = state.controls.ve_information_address;
    event.kind = EventKind::kVirtualizationException;
    event.exit_reason = kEptViolation;
    event.qualification = WordAt(Hpa{area + 8});
    event.gla = Gla{WordAt(Hpa{area + 16})};
    event.gpa = Gpa{WordAt(Hpa{area + 24})};
    return;
  }
  switch (vector) {
    case kDebug:
    case kBreakpoint: {
      // What was placed to be fetched says where it was (guest_pieces.cc).
      fetched_ = vector == kBreakpoint ? 0 : 1;
      event.kind = EventKind::kCompleted;
      // Behind the access, or the last byte that was fetched.
      const std::uint64_t rip = Read(kGuestRip);
      const bool fetch = step.access.kind == AccessKind::kFetch;
      const std::uint64_t from =
          fetch ? step.gla.value : arranged_->code.value + CodeOffset(step);
      if (fetch ? rip != from && rip != from + step.access.size - 1
                : rip - from > 8) {
        event.kind = EventKind::kGaveUp;
        event.exit_reason = kException;
      }
      return;
    }
    case kPageFault:
      event.kind = EventKind::kPageFault;
      event.error_code = static_cast<std::uint32_t>(Read(kExitErrorCode));
      event.cr2 = Gla{Read(kExitQualification)};
      // Of what was fetched where nothing should have been: zeros are ADD to
      // memory at RAX.
      if (step.access.kind == AccessKind::kFetch &&
          event.cr2.value - step.gla.value >= step.access.size) {
        event = Event();
      }
      return;
    case kNotPresent:
      event.kind = step.access.implicit_supervisor ? EventKind::kCompleted
                                                   : EventKind::kGaveUp;
      return;
    case kProtection: {
      // A descriptor that is none: it has been read, and elsewhere.
      const std::uint64_t selector =
          state.guest.event_delivery
              ? (state.guest.delivered_event & 0xff) << 3 | 2
              : std::uint64_t{kDescriptorOffset};
      event.kind =
          step.access.implicit_supervisor &&
                  (Read(kExitErrorCode) & ~std::uint64_t{1}) == selector
              ? EventKind::kCompleted
              : EventKind::kGeneralProtection;
      return;
    }
    case kUndefined:
      event.kind = EventKind::kInvalidOpcode;
      return;
    case kVirtualization:
      event.kind = EventKind::kVmExit;
      event.exit_reason = kException;
      event.qualification = Read(kExitQualification);
      event.interruption_information = static_cast<std::uint32_t>(information);
      return;
    default:
      event.kind = EventKind::kGaveUp;
      event.exit_reason = kException;
      event.interruption_information = static_cast<std::uint32_t>(information);
      return;
  }
}

void GuestMachine::ReadSaved(Outcome& outcome) {
  SavedState& saved = outcome.saved;
  saved.exit_reason_flags = static_cast<std::uint16_t>(exit_reason_ >> 16);
  saved.vectoring_information =
      static_cast<std::uint32_t>(Read(kVectoringInformation));
  saved.vectoring_error_code =
      static_cast<std::uint32_t>(Read(kVectoringErrorCode));
  saved.instruction_length =
      static_cast<std::uint32_t>(Read(kExitInstructionLength));
  saved.interruptibility =
      static_cast<std::uint32_t>(Read(kGuestInterruptibility));
  saved.rflags = Read(kGuestRflags);
  saved.pending_debug = Read(kGuestPendingDebug);
}

void GuestMachine::ReadRegisters(Outcome& outcome) {
  Registers& registers = outcome.registers;
  registers.eptp = Read(kEptp);
  if (Has(capabilities_.limits.secondary.may, kSecondaryPml)) {
    registers.pml_index = static_cast<std::uint16_t>(Read(kPmlIndex));
  }
  if (Has(capabilities_.limits.secondary.may, kSecondaryVe)) {
    registers.eptp_index = static_cast<std::uint16_t>(Read(kEptpIndex));
  }
  for (std::uint32_t i = 0; has_pdptes_ && i < 4; ++i) {
    registers.pdpte[i] = Read(kGuestPdpte0 + 2 * i);
  }
}

void GuestMachine::LookAt(const MachineState& state, Hpa word,
                          Outcome& outcome) {
  if (!IsMine(word)) return;
  const std::uint64_t value = WordAt(word);
  if (value == state.memory.Load(word)) return;
  for (const MemoryWord& write : outcome.writes) {
    if (write.address == word) return;
  }
  if (!outcome.writes.full()) outcome.writes.push_back({word, value});
}

// Of most words nothing has changed.

void GuestMachine::CollectWrites(const MachineState& state,
                                 const Verdict& verdict, Outcome& outcome) {
  WatchWords(state);
  for (Watched& word : watched_) {
    if (!word.is_mine) continue;
    const std::uint64_t value = WordAt(Hpa{word.address});
    if (value == word.value) continue;
    const bool is_told = !outcome.writes.full();
    LookAt(state, Hpa{word.address}, outcome);
    if (is_told) word.value = value;
  }
  for (const Alternative& alternative : verdict.alternatives) {
    for (const BitWrite& write : alternative.required) {
      LookAt(state, write.word, outcome);
    }
    for (const BitWrite& write : alternative.optional) {
      LookAt(state, write.word, outcome);
    }
  }
  const Controls& k = state.controls;
  if (Has(k.secondary, kSecondaryPml) && k.pml_index < 512) {
    for (std::uint64_t i = 0; i < 4 && i <= k.pml_index; ++i) {
      LookAt(state, Hpa{k.pml_address + 8 * (k.pml_index - i)}, outcome);
    }
  }
  if (Has(k.secondary, kSecondaryVe)) {
    for (std::uint64_t i = 0; i < 5; ++i) {
      LookAt(state, Hpa{k.ve_information_address + 8 * i}, outcome);
    }
  }
  // What was accessed, if it is not as the access was to leave it.
  for (const Target& target : targets_) {
    for (const Piece& piece : target) {
      LookAt(state, Hpa{piece.address.value & ~std::uint64_t{7}}, outcome);
    }
  }
  std::sort(outcome.writes.begin(), outcome.writes.end(),
            [](const MemoryWord& a, const MemoryWord& b) {
              return a.address.value < b.address.value;
            });
}

}  // namespace eptdiff::image
