// What a case needs an implementation to model.
#include <algorithm>
#include <cstdint>

#include "fuzzers/command/vectors/vectors.h"
#include "fuzzers/entries/guest_mode.h"
#include "oracle/judgement/spine.h"

namespace eptdiff {
namespace {

bool Bit(std::uint64_t value, int position) { return value >> position & 1; }

bool Secondary(const Case& c, int bit) {
  return Bit(c.controls.primary, 31) && Bit(c.controls.secondary, bit);
}
bool Tertiary(const Case& c, int bit) {
  return Bit(c.controls.primary, 17) && Bit(c.controls.tertiary, bit);
}

template <typename Condition>
bool SomeStep(const Case& c, Condition condition) {
  return std::any_of(c.steps.begin(), c.steps.end(), condition);
}

bool IsAccess(const Step& step) {
  return step.kind == StepKind::kGuestPhysicalAccess ||
         step.kind == StepKind::kLinearAccess;
}
bool IsLinear(const Step& step) { return step.kind == StepKind::kLinearAccess; }
bool HasKind(const Step& step, AccessKind kind) {
  return IsAccess(step) && step.access.kind == kind;
}
bool CrossesPages(const Step& step) {
  const std::uint64_t first = IsLinear(step) ? step.gla.value : step.gpa.value;
  return IsAccess(step) && (first & 0xfff) + step.access.size > 0x1000;
}
bool IsLarge(const Step& step) {
  return IsAccess(step) && step.access.size > 64;
}

template <GuestPagingMode kMode>
bool LinearIn(const Case& c) {
  return SomeStep(c, IsLinear) && GuestModeOf(c.guest) == kMode;
}
template <StepKind kKind>
bool HasStep(const Case& c) {
  return SomeStep(c, [](const Step& step) { return step.kind == kKind; });
}

bool UsesOtherProcessors(const Case& c) {
  return SomeStep(c, [](const Step& step) { return step.processor != 0; });
}

// Whether VM entry refuses the case by a check from CTL-6 on: one that is not
// about EPT itself.
bool NeedsEntryControls(const Case& c) {
  const Spine entry(c);
  constexpr unsigned kFirst = static_cast<unsigned>(EntryCheck::kCtl6);
  return entry.verdict().alternatives[0].failed_checks >> kFirst != 0;
}
bool NeedsGuestState(const Case& c) {
  const Spine entry(c);
  return entry.verdict().alternatives[0].event.kind ==
         EventKind::kGuestStateFailure;
}

constexpr VectorFlag kFlags[] = {
    {"five_levels", "5-level EPT",
     [](const Case& c) { return (c.controls.eptp >> 3 & 7) == 4; }},
    {"accessed_dirty", "accessed and dirty flags for EPT are enabled",
     [](const Case& c) { return Bit(c.controls.eptp, 6); }},
    {"shadow_stack_control", "EPTP bit 7: supervisor shadow-stack control",
     [](const Case& c) { return Bit(c.controls.eptp, 7); }},
    {"keyids", "key identifiers make physical addresses narrower",
     [](const Case& c) { return c.processor.keyid_bits != 0; }},
    {"apic_page", "\"virtualize APIC accesses\", alone",
     [](const Case& c) { return Secondary(c, 0); }},
    {"mbec", "mode-based execute control for EPT",
     [](const Case& c) { return Secondary(c, 22); }},
    {"pml", "page-modification logging",
     [](const Case& c) { return Secondary(c, 17); }},
    {"spp", "sub-page write permissions for EPT",
     [](const Case& c) { return Secondary(c, 23); }},
    {"ve", "EPT-violation #VE", [](const Case& c) { return Secondary(c, 18); }},
    {"paging_write", "EPT paging-write control",
     [](const Case& c) { return Tertiary(c, 2); }},
    {"verification", "guest-paging verification",
     [](const Case& c) { return Tertiary(c, 3); }},
    {"hlat", "HLAT paging", [](const Case& c) { return Tertiary(c, 1); }},
    {"entry_controls",
     "VM entry refuses controls by a check that is not about EPT itself",
     NeedsEntryControls},
    {"guest_state", "VM entry refuses the guest's state", NeedsGuestState},
    {"ept_disabled", "\"enable EPT\" is 0",
     [](const Case& c) { return !Secondary(c, 1); }},
    {"eptp_switch", "VMFUNC", HasStep<StepKind::kEptpSwitch>},
    {"vmfunc", "... with another EAX than 0, or without VM functions",
     [](const Case& c) {
       return SomeStep(c, [&c](const Step& step) {
         return step.kind == StepKind::kEptpSwitch &&
                (step.value != 0 || !Secondary(c, 13));
       });
     }},
    {"register_write", "the guest writes to a register",
     HasStep<StepKind::kRegisterWrite>},
    {"vm_entry_again", "VM exit, VMWRITE and VM entry between accesses",
     HasStep<StepKind::kVmEntry>},
    {"invalidation", "INVEPT, INVVPID, INVLPG, INVPCID",
     HasStep<StepKind::kInvalidation>},
    {"processors", "several logical processors", UsesOtherProcessors},
    {"structure_access", "accesses of the processor to a guest entry",
     [](const Case& c) {
       return HasStep<StepKind::kPagingStructureRead>(c) ||
              HasStep<StepKind::kPagingStructureUpdate>(c);
     }},
    {"pdpte_load", "MOV to CR loads the PDPTE registers",
     HasStep<StepKind::kPdpteLoad>},
    {"store", "software stores to memory between accesses",
     HasStep<StepKind::kStore>},
    {"linear", "accesses by linear address, through the guest's paging",
     [](const Case& c) { return SomeStep(c, IsLinear); }},
    {"linear_paging_off", "... with CR0.PG = 0",
     LinearIn<GuestPagingMode::kNone>},
    {"linear_32_bit", "... with 32-bit paging",
     LinearIn<GuestPagingMode::k32Bit>},
    {"linear_pae", "... with PAE paging", LinearIn<GuestPagingMode::kPae>},
    {"linear_4_level", "... with 4-level paging",
     LinearIn<GuestPagingMode::kFourLevel>},
    {"linear_5_level", "... with 5-level paging",
     LinearIn<GuestPagingMode::kFiveLevel>},
    {"smep_smap", "linear accesses with CR4.SMEP or CR4.SMAP",
     [](const Case& c) {
       return SomeStep(c, IsLinear) &&
              (Bit(c.guest.cr4, 20) || Bit(c.guest.cr4, 21));
     }},
    {"protection_keys", "linear accesses with CR4.PKE or CR4.PKS",
     [](const Case& c) {
       return SomeStep(c, IsLinear) &&
              (Bit(c.guest.cr4, 22) || Bit(c.guest.cr4, 24));
     }},
    {"lass", "linear accesses with CR4.LASS",
     [](const Case& c) {
       return SomeStep(c, IsLinear) && Bit(c.guest.cr4, 27);
     }},
    {"lam", "linear accesses with CR4.LAM_SUP, CR3.LAM_U57 or CR3.LAM_U48",
     [](const Case& c) {
       return SomeStep(c, IsLinear) &&
              (Bit(c.guest.cr4, 28) || Bit(c.guest.cr3, 61) ||
               Bit(c.guest.cr3, 62));
     }},
    {"cet", "linear accesses and writes to registers with CR4.CET",
     [](const Case& c) {
       return SomeStep(c, [&c](const Step& step) {
         const bool writes = step.kind == StepKind::kRegisterWrite;
         const bool sets =
             writes && step.reg == GuestRegister::kCr4 && Bit(step.value, 23);
         return sets || ((writes || IsLinear(step)) && Bit(c.guest.cr4, 23));
       });
     }},
    {"page_crossing", "an access with bytes in two pages",
     [](const Case& c) { return SomeStep(c, CrossesPages); }},
    {"large_access", "an access of more than 64 bytes",
     [](const Case& c) { return SomeStep(c, IsLarge); }},
    {"read_modify_write", "a read-modify-write",
     [](const Case& c) {
       return SomeStep(c, [](const Step& step) {
         return HasKind(step, AccessKind::kReadModifyWrite);
       });
     }},
    {"shadow_stack_access", "a shadow-stack access, or WRUSS",
     [](const Case& c) {
       return SomeStep(c, [](const Step& step) {
         return HasKind(step, AccessKind::kShadowStackRead) ||
                HasKind(step, AccessKind::kShadowStackWrite) ||
                (IsAccess(step) && step.access.wruss);
       });
     }},
    {"shadow_stack_token", "a read-modify-write of a shadow-stack token",
     [](const Case& c) {
       return SomeStep(c, [](const Step& step) {
         return HasKind(step, AccessKind::kShadowStackReadModifyWrite);
       });
     }},
    {"asynchronous", "an asynchronous access, or one without a linear address",
     [](const Case& c) {
       return SomeStep(c, [](const Step& step) {
         return (IsAccess(step) && step.access.asynchronous) ||
                (step.kind == StepKind::kGuestPhysicalAccess &&
                 !step.page.gla_valid);
       });
     }},
    {"pebs", "a write of architectural PEBS",
     [](const Case& c) {
       return SomeStep(c, [](const Step& step) {
         return step.kind == StepKind::kGuestPhysicalAccess && step.access.pebs;
       });
     }},
    {"event_delivery", "an event is being delivered",
     [](const Case& c) { return c.guest.event_delivery; }},
    {"busy_shadow_stack", "a push onto a shadow stack just marked busy",
     [](const Case& c) { return c.guest.busy_shadow_stack; }},
    {"nmi_unblocking", "an IRET that unblocks NMIs",
     [](const Case& c) { return c.guest.nmi_unblocking; }},
    {"transactional", "a transactional region",
     [](const Case& c) { return c.guest.transactional; }},
};

}  // namespace

std::span<const VectorFlag> AllVectorFlags() { return kFlags; }

bool Needs(const Case& c, const VectorFlag& flag) {
  if (flag.needed(c)) return true;
  if (!HasStep<StepKind::kRegisterWrite>(c) &&
      !HasStep<StepKind::kVmEntry>(c) && !UsesOtherProcessors(c)) {
    return false;
  }
  for (Spine spine(c); !spine.over(); spine.Advance()) {
    if (spine.step() == 0) continue;
    const MachineState& state = spine.before();
    const Case there = {state.processor,
                        state.controls,
                        state.guest,
                        {},
                        {c.steps[spine.step() - 1]}};
    if (flag.needed(there)) return true;
  }
  return false;
}

}  // namespace eptdiff
