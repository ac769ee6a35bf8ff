// VE: virtualization exceptions (26.5.7).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {

// `entry` is the one that decides: not present, or the leaf.
std::uint64_t Ve1(const Situation& s) {
  return s.EptViolationVe() && !Bit(s.entry, 63);
}

// The operand is the exit reason.
std::uint64_t Ve2(const Situation&) { return false; }

// The operand is the dword at offset 4 of the area. Intel PT's output process
// meets its EPT violations in trace-address pre-translation (26.5.4.2); those
// "produced by PEBS" came to the list later (2026, 28.5.8.1).
std::uint64_t Ve3(const Situation& s) {
  return Bit(s.state->guest.cr0, 0) && !s.state->guest.event_delivery &&
         !s.state->guest.busy_shadow_stack && !s.IsWithoutLinearAddress() &&
         s.operand == 0;
}

// Table 26-1; the qualification, the GLA and the GPA are what a VM exit would
// have reported.
std::uint64_t Ve4Value(const Situation& s) {
  switch (static_cast<VeField>(s.operand)) {
    case VeField::kReason:
      return 48;
    case VeField::kBusy:
      return 0xffffffff;
    case VeField::kEptpIndex:
      return s.state->controls.eptp_index;
    case VeField::kQualification:
      return s.reported->qualification;
    case VeField::kGla:
      return s.reported->gla.value;
    case VeField::kGpa:
      return s.reported->gpa.value;
  }
  return 0;
}

// Asked of the fields that are narrower than 8 bytes.
std::uint64_t Ve4Bytes(const Situation& s) {
  return static_cast<VeField>(s.operand) == VeField::kEptpIndex ? 2 : 4;
}

std::uint64_t Ve5(const Situation& s) {
  return Bit(s.state->controls.exception_bitmap, 20);
}

}  // namespace eptdiff::sdm
