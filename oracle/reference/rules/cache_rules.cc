// CACHE: what may be kept of translations, what ends it, and how INVEPT and
// INVVPID fail (29.4, 31.3; volume 3A, 4.10).
#include "oracle/reference/rules/cache_tags.h"
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {
namespace {

constexpr std::uint16_t kExitEptViolationReason = 48;

bool Completed(const PastStep& past) {
  return past.event.kind == EventKind::kCompleted;
}

// The instruction that `past` has carried out, if it is this one.
const Invalidation* Done(const Situation& s, InvalidationKind kind,
                         std::uint8_t type) {
  const PastStep& past = *s.past;
  const Invalidation& asked = past.step.invalidation;
  const bool is = past.step.kind == StepKind::kInvalidation &&
                  asked.kind == kind && asked.type == type && Completed(past);
  return is ? &asked : nullptr;
}

// What a write of this register, that was carried out, wrote; null: none.
const std::uint64_t* Written(const Situation& s, GuestRegister reg) {
  const PastStep& past = *s.past;
  const bool is = past.step.kind == StepKind::kRegisterWrite &&
                  past.step.reg == reg && Completed(past);
  return is ? &past.step.value : nullptr;
}

// Whether bit `position` differs.
bool Changes(std::uint64_t from, std::uint64_t to, int position) {
  return Bit(from ^ to, position);
}

bool SameFrom(std::uint64_t a, std::uint64_t b, int shift) {
  return a >> shift == b >> shift;
}

// An EPT violation; one that caused #VE is one as well (26.5.7.1).
bool IsViolation(const PastStep& past) {
  const Event& event = past.event;
  return event.kind == EventKind::kVirtualizationException ||
         (event.kind == EventKind::kVmExit &&
          (event.exit_reason == kExitEptViolationReason ||
           (event.exit_reason == 0 &&
            Bits(event.interruption_information, 7, 0) == 20)));
}

bool IsOfCurrentEptrta(const Situation& s) {
  return EptrtaOf(s.mapping->eptp) == EptrtaOf(s.past->before.controls.eptp);
}

// Whether `mapping` is combined, and of the VPID that was current.
bool IsCombinedOfCurrentVpid(const Situation& s) {
  return s.mapping->combined &&
         s.mapping->vpid == VpidOf(s.past->before.controls);
}

bool IsOfCurrentPcid(const Situation& s) {
  return s.mapping->pcid == PcidOf(s.past->before.guest);
}

// What would be used with the PCID that was current: global translations, too.
bool IsUsedWithCurrentPcid(const Situation& s) {
  return s.mapping->global || IsOfCurrentPcid(s);
}

// What is "except global translations": the entries of paging-structure caches
// are no translations.
bool IsSpared(const Situation& s) {
  return s.mapping->whole && s.mapping->global;
}

}  // namespace

// "Associated with the current EPTRTA."
std::uint64_t Cache1Eptrta(const Situation& s) {
  return EptrtaOf(s.then->controls.eptp) == EptrtaOf(s.state->controls.eptp);
}

std::uint64_t Cache1Vpid(const Situation& s) {
  return VpidOf(s.then->controls) == VpidOf(s.state->controls);
}

// "It may also use global TLB entries [...] and any PCID."
std::uint64_t Cache1Pcid(const Situation& s) {
  return s.operand != 0 || PcidOf(s.then->guest) == PcidOf(s.state->guest);
}

// 29.4.2 names tags, and these are none of them; that software "should" execute
// INVEPT between two lengths (29.4.3.4) is for fear of what is used otherwise.
std::uint64_t Cache1Length(const Situation&) { return true; }
std::uint64_t Cache1Mode(const Situation&) { return true; }

// "If CR0.PG = 0, each linear address is treated as a guest-physical address"
// (29.3.1), as with CR0.PG = 1 it is one translated from CR3: of what was kept
// neither says anything. MOV to CR0 that clears it ends all (CACHE-8).
std::uint64_t Cache1Paging(const Situation&) { return true; }
std::uint64_t Cache1Hlat(const Situation&) { return true; }

// "No guest-physical mappings or combined mappings are created with information
// derived from EPT paging-structure entries that are not present or that are
// misconfigured."
std::uint64_t Cache2NotPresent(const Situation&) { return false; }
std::uint64_t Cache2Misconfigured(const Situation&) { return false; }

// "... derived from guest paging-structure entries that are not present or that
// set reserved bits."
std::uint64_t Cache2GuestNotPresent(const Situation&) { return false; }
std::uint64_t Cache2GuestReserved(const Situation&) { return false; }

// 3A 4.10.2.2, 4.10.3.1: only if the accessed flag is 1 in each entry.
std::uint64_t Cache2GuestAccessed(const Situation&) { return false; }

// What is kept of an entry that maps a page is a combined translation, "a
// mapping from a linear page number to the physical page frame" (29.4.1), which
// there is none of if EPT has none: what upper entries allow is kept alone.
std::uint64_t Cache2GuestPage(const Situation&) { return false; }

std::uint64_t Cache3(const Situation&) { return true; }

// "Two classes of mappings [...] may be cached by a processor" (29.4.1): of
// these, what it declares.
std::uint64_t Cache3GuestPhysical(const Situation& s) {
  return s.state->declared.kept.guest_physical;
}
std::uint64_t Cache3Combined(const Situation& s) {
  return s.state->declared.kept.combined;
}

std::uint64_t Cache4(const Situation& s) {
  return s.state->declared.kept.paging_structures;
}

// "An EPT violation invalidates any guest-physical mappings (associated with
// the current EPTRTA) that would be used to translate the guest-physical
// address that caused the EPT violation."
std::uint64_t Cache5GuestPhysical(const Situation& s) {
  const PastStep& past = *s.past;
  return !s.mapping->combined && IsViolation(past) && IsOfCurrentEptrta(s) &&
         SameFrom(s.mapping->gpa.value, past.event.gpa.value, s.mapping->shift);
}

// Global ones, too, since it ends what "would be used by the access"
// (29.4.3.4). "If that guest-physical address was the translation of a linear
// address, the EPT violation also invalidates any combined mappings for that
// linear address associated with the current PCID, the current VPID and the
// current EPTRTA."
std::uint64_t Cache5Combined(const Situation& s) {
  const PastStep& past = *s.past;
  constexpr int kTranslated = 8;
  return IsCombinedOfCurrentVpid(s) && IsViolation(past) &&
         Bit(past.event.qualification, kTranslated) &&
         IsUsedWithCurrentPcid(s) && IsOfCurrentEptrta(s) &&
         SameFrom(s.mapping->gla.value, past.event.gla.value, s.mapping->shift);
}

// "All guest-physical mappings and combined mappings associated with the EPTRTA
// specified in the INVEPT descriptor."
std::uint64_t Cache6Single(const Situation& s) {
  const Invalidation* done = Done(s, InvalidationKind::kInvept, 1);
  return done != nullptr && EptrtaOf(done->first) == EptrtaOf(s.mapping->eptp);
}

std::uint64_t Cache6All(const Situation& s) {
  return Done(s, InvalidationKind::kInvept, 2) != nullptr;
}

// "Associated with the VPID specified in the INVVPID descriptor and that would
// be used to translate the linear address."
std::uint64_t Cache7Address(const Situation& s) {
  const Invalidation* done = Done(s, InvalidationKind::kInvvpid, 0);
  return s.mapping->combined && done != nullptr &&
         done->first == s.mapping->vpid &&
         SameFrom(done->second, s.mapping->gla.value, s.mapping->shift);
}

std::uint64_t Cache7Single(const Situation& s) {
  const Invalidation* done = Done(s, InvalidationKind::kInvvpid, 1);
  return s.mapping->combined && done != nullptr &&
         done->first == s.mapping->vpid;
}

// "All VPIDs except VPID 0000H."
std::uint64_t Cache7All(const Situation& s) {
  return s.mapping->combined && s.mapping->vpid != 0 &&
         Done(s, InvalidationKind::kInvvpid, 2) != nullptr;
}

std::uint64_t Cache7Retaining(const Situation& s) {
  const Invalidation* done = Done(s, InvalidationKind::kInvvpid, 3);
  return s.mapping->combined && done != nullptr &&
         done->first == s.mapping->vpid && !IsSpared(s);
}

// 3A 4.10.4.1: the page of the linear address, with the current PCID or global;
// and all of the paging-structure caches of that PCID.
std::uint64_t Cache8Invlpg(const Situation& s) {
  const Invalidation* done = Done(s, InvalidationKind::kInvlpg, 0);
  if (done == nullptr || !IsCombinedOfCurrentVpid(s)) return false;
  if (!s.mapping->whole) return IsOfCurrentPcid(s);
  return IsUsedWithCurrentPcid(s) &&
         SameFrom(done->second, s.mapping->gla.value, s.mapping->shift);
}

// 3A 4.10.4.1.
std::uint64_t Cache8Invpcid(const Situation& s) {
  if (!IsCombinedOfCurrentVpid(s)) return false;
  if (Done(s, InvalidationKind::kInvpcid, 2) != nullptr) return true;
  if (IsSpared(s)) return false;
  if (Done(s, InvalidationKind::kInvpcid, 3) != nullptr) return true;
  if (const auto* done = Done(s, InvalidationKind::kInvpcid, 1)) {
    return done->first == s.mapping->pcid;
  }
  const auto* done = Done(s, InvalidationKind::kInvpcid, 0);
  return done != nullptr && done->first == s.mapping->pcid &&
         SameFrom(done->second, s.mapping->gla.value, s.mapping->shift);
}

// 3A 4.10.4.1: those of PCID 000H, or with CR4.PCIDE = 1 and bit 63 clear those
// of the PCID in the operand.
std::uint64_t Cache8MovCr3(const Situation& s) {
  const std::uint64_t* written = Written(s, GuestRegister::kCr3);
  if (written == nullptr || !IsCombinedOfCurrentVpid(s) || IsSpared(s)) {
    return false;
  }
  if (!Bit(s.past->before.guest.cr4, 17)) return s.mapping->pcid == 0;
  return !Bit(*written, 63) && s.mapping->pcid == Bits(*written, 11, 0);
}

// 3A 4.10.4.1: CR0.PG from 1 to 0, a change of CR4.PGE, CR4.PCIDE from 1 to 0:
// all; a change of CR4.PAE, CR4.SMEP from 0 to 1: the current PCID.
std::uint64_t Cache8MovCr(const Situation& s) {
  if (!IsCombinedOfCurrentVpid(s)) return false;
  const GuestState& before = s.past->before.guest;
  if (const auto* cr0 = Written(s, GuestRegister::kCr0)) {
    return Bit(before.cr0, 31) && !Bit(*cr0, 31);
  }
  const std::uint64_t* cr4 = Written(s, GuestRegister::kCr4);
  if (cr4 == nullptr) return false;
  if (Changes(before.cr4, *cr4, 7) || (Bit(before.cr4, 17) && !Bit(*cr4, 17))) {
    return true;
  }
  return (Changes(before.cr4, *cr4, 5) ||
          (!Bit(before.cr4, 20) && Bit(*cr4, 20))) &&
         IsOfCurrentPcid(s);
}

// "If the 'enable VPID' VM-execution control is 0, VM entries and VM exits
// invalidate [...] combined mappings associated with VPID 0000H." What software
// does, it does after an exit.
std::uint64_t Cache11Transition(const Situation& s) {
  const PastStep& past = *s.past;
  const bool software =
      past.step.kind == StepKind::kVmEntry ||
      (past.step.kind == StepKind::kInvalidation &&
       (past.step.invalidation.kind == InvalidationKind::kInvept ||
        past.step.invalidation.kind == InvalidationKind::kInvvpid));
  return (software || past.event.kind == EventKind::kVmExit) &&
         s.mapping->combined && s.mapping->vpid == 0 &&
         !EnablesVpid(past.before.controls);
}

// 26.5.6.3: likewise for an EPTP switch.
std::uint64_t Cache11Switch(const Situation& s) {
  const PastStep& past = *s.past;
  return past.step.kind == StepKind::kEptpSwitch && Completed(past) &&
         s.mapping->combined && s.mapping->vpid == 0 &&
         !EnablesVpid(past.before.controls);
}

// 3A 4.10.4.1: what would be used for the linear address, with the current
// PCID. Global translations, too: it "will not recur".
std::uint64_t Cache12(const Situation& s) {
  const PastStep& past = *s.past;
  return past.event.kind == EventKind::kPageFault &&
         IsCombinedOfCurrentVpid(s) && IsUsedWithCurrentPcid(s) &&
         SameFrom(past.event.cr2.value, s.mapping->gla.value, s.mapping->shift);
}

// "Failure to do so may cause an EPT violation that would not otherwise occur"
// (29.4.3.4).
std::uint64_t Cache9(const Situation&) { return true; }

// 29.3.5.
std::uint64_t Cache10(const Situation&) { return true; }

// "Whenever the processor uses an EPT paging-structure entry as part of
// guest-physical-address translation, it sets the accessed flag in that entry
// (if it is not already set)"; a write sets the dirty flag likewise.
std::uint64_t Cache10Clear(const Situation&) { return false; }

// 3A 4.8, of the guest's: "whenever there is a write to a linear address, the
// processor sets the dirty flag (if it is not already set) in the
// paging-structure entry that identifies the final physical address".
std::uint64_t Cache10Guest(const Situation&) { return false; }

// 26.5.6.3: "the logical processor may fail to set those flags".
std::uint64_t Cache14(const Situation&) { return true; }

std::uint64_t Cache15(const Situation&) { return true; }

// A.10: bits 20 and 32.
std::uint64_t Cache13Undefined(const Situation& s) {
  return !s.Capability(s.asked->kind == InvalidationKind::kInvept ? 20 : 32);
}

// A.10: INVEPT types 1 and 2 are bits 25 and 26, INVVPID types bits 43:40.
std::uint64_t Cache13Type(const Situation& s) {
  const int type = s.asked->type;
  if (s.asked->kind == InvalidationKind::kInvept) {
    return (type != 1 && type != 2) || !s.Capability(24 + type);
  }
  return type > 3 || !s.Capability(40 + type);
}

// The operand: does VM entry refuse the EPTP?
std::uint64_t Cache13Eptp(const Situation& s) {
  return s.asked->type == 1 && s.operand != 0;
}

std::uint64_t Cache13Reserved(const Situation& s) {
  return Bits(s.asked->first, 63, 16) != 0;
}

std::uint64_t Cache13Vpid(const Situation& s) {
  return s.asked->type != 2 && Bits(s.asked->first, 15, 0) == 0;
}

// The operand: is the linear address canonical?
std::uint64_t Cache13Address(const Situation& s) {
  return s.asked->type == 0 && s.operand == 0;
}

}  // namespace eptdiff::sdm
