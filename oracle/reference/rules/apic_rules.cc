// APIC: accesses that end on the APIC-access page (30.4, table 28-6).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {
namespace {

bool LiesOnPage(const Situation& s) {
  return Bits(s.operand, 63, 12) ==
         Bits(s.state->controls.apic_access_address, 63, 12);
}

}  // namespace

// "Accesses using linear addresses that translate to physical addresses in the
// 4-KByte APIC-access page".
std::uint64_t Apic1(const Situation& s) {
  return s.VirtualizeApicAccesses() && s.IsLinearAccess() && LiesOnPage(s);
}

// 30.4.6.1: "Every guest-physical access using a guest-physical address that
// translates to an address on the APIC-access page".
std::uint64_t Apic2(const Situation& s) {
  return s.VirtualizeApicAccesses() && !s.IsLinearAccess() && LiesOnPage(s);
}

// 30.4.6.2: a physical access there "may or may not cause an APIC-access VM
// exit. If it does not ..., it may access the APIC-access page or the
// virtual-APIC page".
std::uint64_t Apic2Defined(const Situation& s) {
  return !s.VirtualizeApicAccesses() || s.operand == 0;
}

// 30.4.1: "until after the accessed flags are set", and the dirty flags.
std::uint64_t Apic3(const Situation&) {
  return static_cast<std::uint64_t>(ApicOrder::kSdm);
}

std::uint64_t Apic4(const Situation& s) { return Bits(s.operand, 11, 0); }

// 28.2.1: of a read and a write bit 12 is W/R, as a page fault would have it.
// Of asynchronous accesses the table knows those "for monitoring" and those of
// trace, and in 2026 architectural PEBS beside the latter (30.2.1); of a linear
// one a step does not say which it is.
std::uint64_t Apic5(const Situation& s) {
  const bool delivery = s.state->guest.event_delivery;
  if (!s.IsLinearAccess()) {
    if (s.IsWithoutLinearAddress()) return 11;
    if (s.access.access.asynchronous) return kUndefinedType;
    return delivery ? 10 : 15;
  }
  if (s.fetches) return 2;
  if (delivery) return 3;
  if (s.access.access.asynchronous) return kUndefinedType;
  return s.writes ? 1 : 0;
}

std::uint64_t Apic6(const Situation& s) {
  if (s.IsStructureAccess() && s.access.access.asynchronous) {
    return kUndefinedBit;  // as QUAL-16
  }
  if (s.IsWithoutLinearAddress()) return true;
  return s.access.purpose == Purpose::kTranslated &&
         s.access.access.asynchronous;
}

// 30.4.5: "may operate as if the control were 0"; note 2 of 30.4: "may treat
// the write as if".
std::uint64_t Apic7(const Situation&) {
  return static_cast<std::uint64_t>(ApicCaveat::kEither);
}

}  // namespace eptdiff::sdm
