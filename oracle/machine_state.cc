#include "oracle/machine_state.h"

#include <algorithm>

namespace eptdiff {
namespace {

// In VMCS fields guest registers look as they do in the guest, but for what CS
// says of the mode and SS of the privilege: the access rights (25.4.1).
constexpr int kCsLongMode = 13;
constexpr int kSsPrivilege = 5;

constexpr std::uint64_t kPaging = std::uint64_t{1} << 31;
constexpr std::uint64_t kLongModeEnable = 1 << 8;
constexpr std::uint64_t kLongMode = 1 << 10;
// MOV to CR0 leaves ET and bits 28:19, 17 and 15:6 as they are.
constexpr std::uint64_t kCr0Kept = 0x1ffa'ffd0;

template <typename T>
void Give(std::uint64_t value, T& field) {
  field = static_cast<T>(value);
}

}  // namespace

void WriteRegister(GuestRegister reg, std::uint64_t value, GuestState& guest) {
  // VM entry loads LME as it loads LMA, if CR0.PG is 1 (27.3.2.1).
  const bool long_mode = (guest.cr0 & kPaging) != 0
                             ? (guest.efer & kLongMode) != 0
                             : (guest.efer & kLongModeEnable) != 0;
  switch (reg) {
    case GuestRegister::kCr0:
      guest.cr0 = (guest.cr0 & kCr0Kept) | (value & ~kCr0Kept);
      guest.efer &= ~(kLongMode | kLongModeEnable);
      if (long_mode) guest.efer |= kLongModeEnable;
      if (long_mode && (value & kPaging) != 0) guest.efer |= kLongMode;
      return;
    case GuestRegister::kCr3: {
      constexpr std::uint64_t kPreserve = std::uint64_t{1} << 63;
      constexpr std::uint64_t kPcide = std::uint64_t{1} << 17;
      const bool preserves = (guest.cr4 & kPcide) != 0;
      return Give(preserves ? value & ~kPreserve : value, guest.cr3);
    }
    case GuestRegister::kCr4:
      return Give(value, guest.cr4);
    case GuestRegister::kEfer:
      return Give((guest.efer & kLongMode) | (value & ~kLongMode), guest.efer);
    case GuestRegister::kPat:
      return Give(value, guest.pat);
    case GuestRegister::kPkrs:
      return Give(value, guest.pkrs);
    case GuestRegister::kPkru:
      return Give(value, guest.pkru);
    case GuestRegister::kRflags:
      return Give(value, guest.rflags);
    case GuestRegister::kCpl:
      return Give(value & 3, guest.cpl);
  }
}

bool WriteVmcs(std::uint32_t field, std::uint64_t value, Controls& controls,
               GuestState& guest) {
  switch (field) {
#define EPTDIFF_VMCS_FIELD(encoding, member, name) \
  case encoding:                                   \
    Give(value, member);                           \
    return true;
#include "oracle/vmcs_fields.def"
#undef EPTDIFF_VMCS_FIELD
    case kVmcsGuestCsAccessRights:
      guest.cs_l = (value >> kCsLongMode & 1) != 0;
      return true;
    case kVmcsGuestSsAccessRights:
      guest.cpl = static_cast<std::uint8_t>(value >> kSsPrivilege & 3);
      return true;
    default:
      return false;
  }
}

std::uint64_t ReadVmcs(std::uint32_t field, const Controls& controls,
                       const GuestState& guest) {
  switch (field) {
#define EPTDIFF_VMCS_FIELD(encoding, member, name) \
  case encoding:                                   \
    return member;
#include "oracle/vmcs_fields.def"
#undef EPTDIFF_VMCS_FIELD
    case kVmcsGuestCsAccessRights:
      return std::uint64_t{guest.cs_l} << kCsLongMode;
    case kVmcsGuestSsAccessRights:
      return std::uint64_t{guest.cpl} << kSsPrivilege;
    default:
      return 0;
  }
}

bool HasVmcsField(std::uint32_t field) {
  Controls controls;
  GuestState guest;
  return WriteVmcs(field, 0, controls, guest);
}

std::string_view NameOfVmcsField(std::uint32_t field) {
  switch (field) {
#define EPTDIFF_VMCS_FIELD(encoding, member, name) \
  case encoding:                                   \
    return name;
#include "oracle/vmcs_fields.def"
#undef EPTDIFF_VMCS_FIELD
    case kVmcsGuestCsAccessRights:
      return "guest CS access rights";
    case kVmcsGuestSsAccessRights:
      return "guest SS access rights";
    default:
      return "a field of the VMCS that no case has";
  }
}

void MachineState::Load(const Case& c) {
  processor = c.processor;
  controls = c.controls;
  guest = c.guest;
  memory.Clear();
  for (const MemoryWord& word : c.memory) {
    memory.Store(word.address, word.value);
  }
  current = 0;
  const bool alone =
      std::all_of(c.steps.begin(), c.steps.end(),
                  [](const Step& step) { return step.processor == 0; });
  if (!alone) others.fill({controls, guest});
  if (records_history) history.Begin({controls, guest});
}

void MachineState::Begin(const Step& step) {
  // Software stores, from wherever.
  if (step.kind == StepKind::kStore) return;
  if (step.processor != current) {
    others[current] = {controls, guest};
    current = step.processor;
    controls = others[current].controls;
    guest = others[current].guest;
  }
  if (step.kind == StepKind::kVmEntry) {
    WriteVmcs(step.index, step.value, controls, guest);
  }
}

namespace {

// A write to a register of the guest that has completed.
void WriteWhatCompleted(const Step& step, const Outcome& outcome,
                        GuestState& guest) {
  if (step.kind == StepKind::kRegisterWrite &&
      outcome.event.kind == EventKind::kCompleted) {
    WriteRegister(step.reg, step.value, guest);
  }
}

// Nobody has to report what a #VE is about but in its area (26.5.7.2).
void ReadVirtualizationException(const MachineState& state, Event& event) {
  const std::uint64_t area = state.controls.ve_information_address;
  event.qualification = state.memory.Load(Hpa{area + 8});
  event.gla = Gla{state.memory.Load(Hpa{area + 16})};
  event.gpa = Gpa{state.memory.Load(Hpa{area + 24})};
}

void ApplyAndRecord(const Step& step, const Outcome& outcome,
                    MachineState& state) {
  PastStep past = {
      step, state.current, outcome.event, {state.controls, state.guest}};
  FixedVector<std::uint64_t, kMaxStepWrites> old;
  for (const MemoryWord& word : outcome.writes) {
    old.push_back(state.memory.Load(word.address));
  }
  state.Apply(outcome);
  WriteWhatCompleted(step, outcome, state.guest);
  if (past.event.kind == EventKind::kVirtualizationException) {
    ReadVirtualizationException(state, past.event);
  }
  state.history.Add(past, {state.controls, state.guest}, outcome,
                    {old.begin(), old.end()});
}

}  // namespace

void MachineState::Apply(const Step* step, const Outcome& outcome) {
  if (records_history && step != nullptr && !history.full()) {
    return ApplyAndRecord(*step, outcome, *this);
  }
  Apply(outcome);
  if (step != nullptr) WriteWhatCompleted(*step, outcome, guest);
}

void MachineState::Apply(const Outcome& outcome) {
  controls.eptp = outcome.registers.eptp;
  controls.pml_index = outcome.registers.pml_index;
  controls.eptp_index = outcome.registers.eptp_index;
  guest.pdpte = outcome.registers.pdpte;
  for (const MemoryWord& word : outcome.writes) {
    memory.Store(word.address, word.value);
  }
}

}  // namespace eptdiff
