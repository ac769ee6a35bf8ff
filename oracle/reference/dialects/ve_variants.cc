// Variants of VE.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;

VeField FieldOf(const Situation& s) { return static_cast<VeField>(s.operand); }

// VE-2: an exit of this reason becomes a #VE, too.
std::uint64_t Converted(const Situation& s, std::uint64_t reason) {
  return s.EptViolationVe() && s.operand == reason;
}

// Of the last VMFUNC on this logical processor, as far as it is recorded; 0
// before it.
std::uint64_t LastSwitchedTo(const Situation& s) {
  const MachineState& state = *s.state;
  if (!state.records_history) return 0;
  for (std::size_t i = state.history.now(); i > 0; --i) {
    const PastStep& past = state.history.StepTo(i);
    if (past.processor == state.current &&
        past.step.kind == StepKind::kEptpSwitch &&
        past.event.kind == EventKind::kCompleted) {
      return past.step.index;
    }
  }
  return 0;
}

constexpr Alteration kVariants[] = {
    {"VE-1/every-violation", Slot::kVe1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.EptViolationVe();
     },
     "bit 63 (suppress #VE) is not consulted"},
    {"VE-1/inverted", Slot::kVe1,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.EptViolationVe() && Bit(s.entry, 63);
     },
     "an EPT violation is convertible if bit 63 is 1"},
    {"VE-1/any-entry", Slot::kVe1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       for (const PathEntry& used : s.path) {
         if (Bit(used.value, 63)) return 0;
       }
       return value;
     },
     "bit 63 of any entry used suppresses the #VE, not that of the deciding "
     "one alone"},
    {"VE-1/first-entry", Slot::kVe1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       if (s.path.empty()) return value;
       return s.EptViolationVe() && !Bit(s.path[0].value, 63);
     },
     "bit 63 of the first entry of the walk decides"},
    {"VE-1/leaf-only", Slot::kVe1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.not_present ? s.EptViolationVe() : value;
     },
     "bit 63 of an entry that is not present is ignored"},
    {"VE-1/not-present-never", Slot::kVe1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.not_present;
     },
     "an EPT violation due to an entry that is not present is never converted"},
    {"VE-1/update-despite-suppress", Slot::kVe1,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.EptViolationVe() && !s.AccessedDirtyEnabled() &&
                        s.access.purpose == Purpose::kStructureUpdate &&
                        s.reached_leaf && !s.InAllEntries(1));
     },
     "with EPTP bit 6 clear, an update of a guest accessed or dirty flag that "
     "write protection refuses is convertible although bit 63 of the leaf is "
     "set"},
    {"VE-2/misconfiguration-too", Slot::kVe2,
     [](const Situation& s, std::uint64_t) { return Converted(s, 49); },
     "EPT misconfigurations become #VE, too"},
    {"VE-2/log-full-too", Slot::kVe2,
     [](const Situation& s, std::uint64_t) { return Converted(s, 62); },
     "page-modification log-full events become #VE, too"},
    {"VE-2/spp-event-too", Slot::kVe2,
     [](const Situation& s, std::uint64_t) { return Converted(s, 66); },
     "SPP-related events become #VE, too"},
    {"VE-3/pebs-too", Slot::kVe3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return s.IsPebs() ? Bit(s.state->guest.cr0, 0) && s.operand == 0 : value;
     },
     "an EPT violation of architectural PEBS becomes a #VE"},
    {"VE-3/protection-ignored", Slot::kVe3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !s.state->guest.event_delivery && s.operand == 0;
     },
     "a #VE is delivered although CR0.PE is 0"},
    {"VE-3/event-delivery-ignored", Slot::kVe3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.state->guest.cr0, 0) && s.operand == 0;
     },
     "a #VE is delivered while another event is being delivered"},
    {"VE-3/busy-ignored", Slot::kVe3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.state->guest.cr0, 0) && !s.state->guest.event_delivery;
     },
     "a #VE is delivered although the dword at offset 4 of the information "
     "area is not 0"},
    {"VE-3/busy-all-ones", Slot::kVe3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (Bit(s.state->guest.cr0, 0) && !s.state->guest.event_delivery &&
               s.operand != 0xffffffff);
     },
     "the information area is busy only if its dword at offset 4 is "
     "FFFFFFFFH"},
    {"VE-3/busy-shadow-stack-ignored", Slot::kVe3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (Bit(s.state->guest.cr0, 0) && !s.state->guest.event_delivery &&
               s.state->guest.busy_shadow_stack && s.operand == 0);
     },
     "a #VE is delivered although it leaves a shadow stack prematurely busy"},
    {"VE-3/trace-output-too", Slot::kVe3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (Bit(s.state->guest.cr0, 0) &&
                        !s.state->guest.event_delivery && s.operand == 0);
     },
     "an EPT violation of trace-address pre-translation becomes a #VE"},
    {"VE-4/reason-missing", Slot::kVe4Bytes,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return FieldOf(s) == VeField::kReason ? 0 : value;
     },
     "the exit reason is not written into the information area"},
    {"VE-4/busy-missing", Slot::kVe4Bytes,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return FieldOf(s) == VeField::kBusy ? 0 : value;
     },
     "FFFFFFFFH is not written at offset 4 of the information area"},
    {"VE-4/busy-one", Slot::kVe4Value,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return FieldOf(s) == VeField::kBusy ? 1 : value;
     },
     "1 is written at offset 4 of the information area, not FFFFFFFFH"},
    {"VE-4/qualification-missing", Slot::kVe4Value,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return FieldOf(s) == VeField::kQualification ? 0 : value;
     },
     "0 is written for the exit qualification"},
    {"VE-4/gla-is-gpa", Slot::kVe4Value,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return FieldOf(s) == VeField::kGla ? s.reported->gpa.value : value;
     },
     "GLA and GPA are exchanged in the information area, as offset 16 shows"},
    {"VE-4/gpa-is-gla", Slot::kVe4Value,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return FieldOf(s) == VeField::kGpa ? s.reported->gla.value : value;
     },
     "GLA and GPA are exchanged in the information area, as offset 24 shows"},
    {"VE-4/index-missing", Slot::kVe4Bytes,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return FieldOf(s) == VeField::kEptpIndex ? 0 : value;
     },
     "the EPTP index is not written into the information area"},
    {"VE-4/index-of-eight-bytes", Slot::kVe4Bytes,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return FieldOf(s) == VeField::kEptpIndex ? 8 : value;
     },
     "the EPTP index is written as 8 bytes: bytes 34 to 39 of the "
     "virtualization-exception information area are cleared"},
    {"VE-4/index-of-vmfunc", Slot::kVe4Value,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return FieldOf(s) == VeField::kEptpIndex ? LastSwitchedTo(s) : value;
     },
     "the EPTP index that is written is that of the last VMFUNC, or 0: VM "
     "entry does not load it"},
    {"VE-5/never-intercepted", Slot::kVe5,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "bit 20 of the exception bitmap does not cause a VM exit"},
    {"VE-5/always-intercepted", Slot::kVe5,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 1; },
     "every #VE causes a VM exit, whatever the exception bitmap says"},
    {"VE-5/page-fault-bit", Slot::kVe5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.state->controls.exception_bitmap, 14);
     },
     "bit 14 of the exception bitmap decides on #VE"},
};

}  // namespace

std::span<const Alteration> VeVariants() { return kVariants; }

}  // namespace eptdiff
