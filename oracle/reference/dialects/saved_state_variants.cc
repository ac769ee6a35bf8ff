// Variants of HAND.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;

std::uint64_t EventType(const Situation& s) {
  return Bits(s.state->guest.delivered_event, 10, 8);
}

// INVLPG, INVPCID.
bool IsInvalidation(const Situation& s) {
  return s.operand == 14 || s.operand == 58;
}
// These, MOV to CR3 and VMFUNC.
bool IsInstruction(const Situation& s) {
  return IsInvalidation(s) || s.operand == 28 || s.operand == 59;
}

constexpr Alteration kVariants[] = {
    {"HAND-1/busy-missing", Slot::kHand1Busy,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "exit-reason bit 25 does not say that a shadow stack is left prematurely "
     "busy"},
    {"HAND-1/busy-without-control", Slot::kHand1Busy,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.operand != 0 && !IsInstruction(s) &&
                        s.state->guest.busy_shadow_stack);
     },
     "exit-reason bit 25 is set whatever the VM-exit control \"prematurely "
     "busy shadow stack\" says"},
    {"HAND-1/bus-lock-always", Slot::kHand1BusLock,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1; },
     "exit-reason bit 26 is set without \"VMM bus-lock detection\""},
    {"HAND-1/enclave-missing", Slot::kHand1Enclave,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "exit-reason bit 27 is not set during delivery of an injected event that "
     "an enclave was interrupted for"},
    {"HAND-2/never-valid", Slot::kHand2Valid,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "the IDT-vectoring information of an exit in event delivery is not "
     "valid"},
    {"HAND-2/not-of-misconfigurations", Slot::kHand2Valid,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.operand != 49;
     },
     "the IDT-vectoring information of an EPT misconfiguration in event "
     "delivery is not valid"},
    {"HAND-2/vector-missing", Slot::kHand2Event,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value & 0x700;
     },
     "the IDT-vectoring information lacks the vector"},
    {"HAND-2/type-missing", Slot::kHand2Event,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value & 0xff;
     },
     "the IDT-vectoring information gives every event as an external "
     "interrupt"},
    {"HAND-3/never", Slot::kHand3Valid,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "the IDT-vectoring information never has an error code"},
    {"HAND-3/in-real-address-mode", Slot::kHand3Valid,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return EventType(s) == 3 && Bit(s.state->guest.delivered_event, 11);
     },
     "an exception in real-address mode has an error code in the IDT-vectoring "
     "information"},
    {"HAND-3/code-missing", Slot::kHand3Code,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "the IDT-vectoring error code is 0"},
    {"HAND-4/not-of-vmfunc", Slot::kHand4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.operand == 59 ? 0 : value;
     },
     "the VM exit of VMFUNC has no instruction length"},
    {"HAND-4/not-of-mov-to-cr3", Slot::kHand4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.operand == 28 ? 0 : value;
     },
     "the VM exit of MOV to CR3 has no instruction length"},
    {"HAND-4/not-of-invalidations", Slot::kHand4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return IsInvalidation(s) ? 0 : value;
     },
     "the VM exits of INVLPG and INVPCID have no instruction length"},
    {"HAND-4/software-interrupts-only", Slot::kHand4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return !IsInstruction(s) && value != kUndefinedLength &&
                      EventType(s) != 4
                  ? 0
                  : value;
     },
     "exits in delivery of a software exception (INT1, INT3, INTO) have no "
     "instruction length"},
    {"HAND-4/not-in-delivery", Slot::kHand4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return !IsInstruction(s) && value != kUndefinedLength ? 0 : value;
     },
     "exits in event delivery have no instruction length"},
    {"HAND-5/blocking-kept", Slot::kHand5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value | Bits(s.state->guest.interruptibility, 1, 0);
     },
     "blocking by STI or by MOV SS outlasts the delivery of an event that "
     "exits"},
    {"HAND-5/blocking-dropped", Slot::kHand5,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value & ~std::uint64_t{3};
     },
     "blocking by STI and by MOV SS are not saved"},
    {"HAND-5/smi-kept", Slot::kHand5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value | (s.state->guest.interruptibility & 4);
     },
     "blocking by SMI is saved as it is"},
    {"HAND-5/enclave-dropped", Slot::kHand5,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value & ~std::uint64_t{0x10};
     },
     "interruptibility bit 4 is cleared during delivery of an injected event"},
    {"HAND-6/nmi-not-blocking", Slot::kHand6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return EventType(s) == 2 && s.state->guest.event_delivery
                  ? Bit(s.state->guest.interruptibility, 3)
                  : value;
     },
     "an NMI whose delivery exits does not block NMIs"},
    {"HAND-6/iret-keeps-blocking", Slot::kHand6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || s.state->guest.nmi_unblocking;
     },
     "an IRET that exits leaves NMIs blocked"},
    {"HAND-6/iret-always-unblocks", Slot::kHand6,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.state->guest.nmi_unblocking ? 0 : value;
     },
     "an IRET that exits unblocks NMIs, also with \"NMI exiting\" and not "
     "\"virtual NMIs\""},
    {"HAND-7/as-it-was", Slot::kHand7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : Bit(s.state->guest.rflags, 16);
     },
     "RFLAGS.RF is saved as it was"},
    {"HAND-7/always", Slot::kHand7,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : 1;
     },
     "RFLAGS.RF is saved as 1, also in delivery of a software interrupt or "
     "exception, and after VMFUNC"},
    {"HAND-7/in-delivery-too", Slot::kHand7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit || IsInstruction(s) ? value : 1;
     },
     "RFLAGS.RF is saved as 1, also in delivery of a software interrupt or "
     "exception"},
    {"HAND-7/of-mov-to-cr3", Slot::kHand7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.operand == 28 ? 1 : value;
     },
     "the VM exit of MOV to CR3 saves RFLAGS.RF as 1"},
    {"HAND-7/of-invalidations", Slot::kHand7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return IsInvalidation(s) ? 1 : value;
     },
     "the VM exits of INVLPG and INVPCID save RFLAGS.RF as 1"},
    {"HAND-7/never", Slot::kHand7,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == kUndefinedBit ? value : 0;
     },
     "RFLAGS.RF is saved as 0"},
    {"HAND-7/in-delivery-alone", Slot::kHand7,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const bool delivers = s.state->guest.event_delivery;
       return value == kUndefinedBit || delivers ? value : 0;
     },
     "RFLAGS.RF is saved as 0, but in event delivery"},
    {"HAND-8/as-they-were", Slot::kHand8,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == static_cast<std::uint64_t>(PendingDebug::kClear)
                  ? static_cast<std::uint64_t>(PendingDebug::kPending)
                  : value;
     },
     "pending debug exceptions are saved although nothing blocks them"},
    {"HAND-8/always-clear", Slot::kHand8,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value == static_cast<std::uint64_t>(PendingDebug::kPending)
                  ? static_cast<std::uint64_t>(PendingDebug::kClear)
                  : value;
     },
     "pending debug exceptions are lost although MOV SS blocks them"},
    {"HAND-8/breakpoints-alone", Slot::kHand8Value,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value & 0xf;
     },
     "of pending debug exceptions bits 16, 12 and 11 are not saved"},
    {"HAND-9/missing", Slot::kHand9,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "the exit of a misconfiguration or log-full event that leaves a shadow "
     "stack prematurely busy reports no guest-linear address"},
};

}  // namespace

std::span<const Alteration> SavedStateVariants() { return kVariants; }

}  // namespace eptdiff
