// HAND: what a VM exit saves for its handler. The operand is the exit reason.
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {
namespace {

enum Reason : std::uint64_t {
  kException = 0,
  kInvlpg = 14,
  kControlRegister = 28,
  kApicAccess = 44,
  kMisconfiguration = 49,
  kInvpcid = 58,
  kVmfunc = 59,
};

// Of an attempt to execute one that is configured to exit (26.1.3). INVEPT and
// INVVPID are software's.
bool IsOfAConfigured(const Situation& s) {
  return s.operand == kControlRegister || s.operand == kInvlpg ||
         s.operand == kInvpcid;
}

bool IsOfAnInstruction(const Situation& s) {
  return IsOfAConfigured(s) || s.operand == kVmfunc;
}

// The VM exits of accesses: all others but that of #VE.
bool IsOfAnAccess(const Situation& s) {
  return s.operand != kException && !IsOfAnInstruction(s);
}

// 28.2.4 names the VM exits of accesses; #VE is never met in event delivery
// (26.5.7.1), and no instruction is.
bool InEventDelivery(const Situation& s) {
  return IsOfAnAccess(s) && s.state->guest.event_delivery;
}

std::uint64_t EventType(const Situation& s) {
  return Bits(s.state->guest.delivered_event, 10, 8);
}
constexpr std::uint64_t kNmi = 2;
constexpr std::uint64_t kHardwareException = 3;

// Software interrupts, privileged software exceptions, software exceptions.
bool IsSoftwareEvent(const Situation& s) {
  return EventType(s) >= 4 && EventType(s) <= 6;
}

// 28.3.4: trace-address pre-translation and PEBS.
bool IsAsynchronous(const Situation& s) { return Info2Asynchronous(s) != 0; }

}  // namespace

// 26.4.3: the VM exit of a push reverts to the old shadow stack and leaves the
// token's busy bit set.
std::uint64_t Hand1Busy(const Situation& s) {
  return IsOfAnAccess(s) && s.ReportsBusyShadowStack();
}

// Whether the instruction has asserted a bus lock before, a case does not say.
std::uint64_t Hand1BusLock(const Situation& s) {
  constexpr int kVmmBusLockDetection = 30;
  return s.Secondary(kVmmBusLockDetection) ? kUndefinedBit : 0;
}

// Without enclave mode bit 4 of the interruptibility state is set only where VM
// entry has injected the event.
std::uint64_t Hand1Enclave(const Situation& s) {
  return InEventDelivery(s) && Bit(s.state->guest.interruptibility, 4);
}

std::uint64_t Hand2Valid(const Situation& s) { return InEventDelivery(s); }

std::uint64_t Hand2Event(const Situation& s) {
  const std::uint64_t event = s.state->guest.delivered_event;
  if (EventType(s) == kNmi) return kNmi << 8 | 2;
  return Bits(event, 10, 0);
}

// "This bit is always 0 if the VM exit occurred while the logical processor was
// in real-address mode."
std::uint64_t Hand3Valid(const Situation& s) {
  return EventType(s) == kHardwareException &&
         Bit(s.state->guest.delivered_event, 11) && Bit(s.state->guest.cr0, 0);
}

std::uint64_t Hand3Code(const Situation& s) {
  return s.state->guest.delivered_error_code;
}

// EPT misconfigurations are not in the list. APIC-access VM exits are, save
// those from physical accesses.
std::uint64_t Hand4(const Situation& s) {
  const std::uint64_t length = s.state->guest.instruction_length;
  if (IsOfAnInstruction(s)) return length;
  if (s.operand == kMisconfiguration) return kUndefinedLength;
  if (s.operand == kApicAccess && s.IsStructureAccess()) {
    return kUndefinedLength;
  }
  const bool software =
      InEventDelivery(s) && s.SaysEvent() && IsSoftwareEvent(s);
  return software ? length : kUndefinedLength;
}

// 28.1: "There is no blocking by STI or by MOV SS when the VM exit commences",
// if an event causes it indirectly. Bit 2 is saved as 0.
std::uint64_t Hand5(const Situation& s) {
  const std::uint64_t before = s.state->guest.interruptibility;
  return InEventDelivery(s) ? before & 0x10 : Bits(before, 1, 0);
}

std::uint64_t Hand6(const Situation& s) {
  const GuestState& guest = s.state->guest;
  if (InEventDelivery(s)) {
    if (guest.nmi_unblocking) return kUndefinedBit;  // it is no IRET
    if (Bit(guest.interruptibility, 3)) return true;
    return s.SaysEvent() ? EventType(s) == kNmi : kUndefinedBit;
  }
  if (!guest.nmi_unblocking || IsOfAnInstruction(s)) {
    return Bit(guest.interruptibility, 3);
  }
  // 27.7.1: "If the 'NMI exiting' control is 1, IRET does not affect this
  // blocking"; it removes virtual-NMI blocking.
  return s.NmiExiting() && !s.VirtualNmis();
}

std::uint64_t Hand7(const Situation& s) {
  const bool rf = Bit(s.state->guest.rflags, 16);
  if (s.operand == kException) return true;  // #VE is a fault
  // "An instruction [...] that was configured to" cause VM exits saves 0, "even
  // if RFLAGS.RF was 1".
  if (IsOfAConfigured(s)) return false;
  // VMFUNC is in no list of such instructions (26.1); "for all other VM exits"
  // RF is saved as it was.
  if (s.operand == kVmfunc) return rf ? kUndefinedBit : 0;
  if (!InEventDelivery(s)) return true;
  // Volume 3B: 1 for a fault, as it was or 1 for an interrupt or a trap, 0 for
  // what software generates. 27.6.1.1: as it was, if the event is injected.
  if (!s.SaysEvent()) return kUndefinedBit;
  if (IsSoftwareEvent(s)) return rf ? kUndefinedBit : 0;
  return rf ? 1 : kUndefinedBit;
}

std::uint64_t Hand8(const Situation& s) {
  if (IsOfAnAccess(s) && IsAsynchronous(s)) {
    return static_cast<std::uint64_t>(PendingDebug::kUndefined);
  }
  const bool blocking_by_mov_ss = Bit(Hand5(s), 1);
  return static_cast<std::uint64_t>(blocking_by_mov_ss ? PendingDebug::kPending
                                                       : PendingDebug::kClear);
}

std::uint64_t Hand8Value(const Situation& s) {
  return s.state->guest.pending_debug;
}

// "Save the linear address that pertains to the VM exit".
std::uint64_t Hand9(const Situation& s) { return Info1Gla(s); }

}  // namespace eptdiff::sdm
