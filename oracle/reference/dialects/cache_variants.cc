// Variants of CACHE. Some end less than the SDM does, or keep more: whoever
// does so uses what is stale. Others end more, or keep less: no implementation
// is wrong that does so, but an oracle that insists on it is. Of two that
// explain the same stale answer the one that keeps less comes first.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/cache_tags.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Field;

std::uint64_t Never(const Situation&, std::uint64_t) { return 0; }
std::uint64_t Always(const Situation&, std::uint64_t) { return 1; }
std::uint64_t Not(const Situation&, std::uint64_t value) { return value == 0; }

// Whole translations are ended, paging-structure-cache entries are not.
std::uint64_t OfWholes(const Situation& s, std::uint64_t value) {
  return value && s.mapping->whole;
}

// Global translations are not.
std::uint64_t NotOfGlobals(const Situation& s, std::uint64_t value) {
  return value && !(s.mapping->whole && s.mapping->global);
}

// Of a large page the 4 KBytes at the linear address of the instruction are.
std::uint64_t OfOnePart(const Situation& s, std::uint64_t value) {
  return value &&
         (!s.mapping->whole ||
          s.past->step.invalidation.second >> 12 == s.mapping->gla.value >> 12);
}

// What is of the PCID that was current is.
std::uint64_t OfCurrentPcid(const Situation& s, std::uint64_t value) {
  return value && s.mapping->pcid == sdm::PcidOf(s.past->before.guest);
}

bool Did(const Situation& s, InvalidationKind kind, int type) {
  const PastStep& past = *s.past;
  return past.step.kind == StepKind::kInvalidation &&
         past.event.kind == EventKind::kCompleted &&
         past.step.invalidation.kind == kind &&
         past.step.invalidation.type == type;
}

bool Exited(const Situation& s, int reason) {
  return s.past->event.kind == EventKind::kVmExit &&
         s.past->event.exit_reason == reason;
}
bool IsViolation(const Situation& s) { return Exited(s, 48); }

// Whether the guest has written to the register.
bool Wrote(const Situation& s, GuestRegister reg) {
  const PastStep& past = *s.past;
  return past.step.kind == StepKind::kRegisterWrite && past.step.reg == reg &&
         past.event.kind == EventKind::kCompleted;
}

constexpr Alteration kVariants[] = {
    {"CACHE-1/eptrta-ignored", Slot::kCache1Eptrta, Always,
     "what was kept under another EPTP is used"},
    {"CACHE-1/vpid-ignored", Slot::kCache1Vpid, Always,
     "what was kept under another VPID is used"},
    {"CACHE-1/pcid-ignored", Slot::kCache1Pcid, Always,
     "what was kept under another PCID is used"},
    {"CACHE-1/globals-need-the-pcid", Slot::kCache1Pcid,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bit(s.then->guest.cr3 ^ s.state->guest.cr3, 0) == 0;
     },
     "global pages are taken not to be used under another PCID"},
    {"CACHE-1/whole-eptp-told-apart", Slot::kCache1Eptrta,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.then->controls.eptp == s.state->controls.eptp;
     },
     "what was kept with other bits of EPTP is taken not to be used"},
    {"CACHE-1/walk-lengths-told-apart", Slot::kCache1Length,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && sdm::Bits(s.then->controls.eptp ^ s.state->controls.eptp,
                                 5, 3) == 0;
     },
     "what was kept with another page-walk length is taken not to be used"},
    {"CACHE-1/paging-modes-told-apart", Slot::kCache1Mode,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value &&
              PagingModeOf(s.then->guest) == PagingModeOf(s.state->guest);
     },
     "what was kept in another mode of paging is taken not to be used"},
    {"CACHE-1/paging-told-apart", Slot::kCache1Paging,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bit(s.then->guest.cr0 ^ s.state->guest.cr0, 31) == 0;
     },
     "what was kept with another CR0.PG is taken not to be used"},
    {"CACHE-1/hlat-told-apart", Slot::kCache1Hlat,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const Controls& then = s.then->controls;
       const Controls& now = s.state->controls;
       return value && EnablesHlat(then) == EnablesHlat(now) &&
              then.hlatp == now.hlatp &&
              then.hlat_prefix_size == now.hlat_prefix_size;
     },
     "what was kept from another HLATP, or with another HLAT prefix, is taken "
     "not to be used"},
    {"CACHE-2/not-present-kept", Slot::kCache2NotPresent, Always,
     "that an entry was not present is remembered"},
    {"CACHE-2/misconfigured-kept", Slot::kCache2Misconfigured, Always,
     "that an entry was misconfigured is remembered"},
    {"CACHE-2/guest-not-present-kept", Slot::kCache2GuestNotPresent, Always,
     "that a guest entry was not present is remembered"},
    {"CACHE-2/guest-reserved-kept", Slot::kCache2GuestReserved, Always,
     "that a guest entry had a reserved bit is remembered"},
    {"CACHE-2/guest-accessed-clear-kept", Slot::kCache2GuestAccessed, Always,
     "guest entries are kept whose accessed flag is 0"},
    {"CACHE-2/guest-leaf-without-page-kept", Slot::kCache2GuestPage, Always,
     "guest entries are kept that map a page which EPT does not find"},
    {"CACHE-3/never", Slot::kCache3, Never,
     "no translation is taken to be kept"},
    {"CACHE-3/guest-physical-not-as-declared", Slot::kCache3GuestPhysical, Not,
     "guest-physical mappings are kept if, and only if, its profile does not "
     "declare that"},
    {"CACHE-3/combined-not-as-declared", Slot::kCache3Combined, Not,
     "combined mappings are kept if, and only if, its profile does not declare "
     "that"},
    {"CACHE-4/not-as-declared", Slot::kCache4, Not,
     "upper levels are kept apart from whole translations if, and only if, its "
     "profile does not declare that"},
    {"CACHE-5/gpa-not-ended", Slot::kCache5GuestPhysical, Never,
     "an EPT violation leaves what was kept of its GPA"},
    {"CACHE-5/gla-not-ended", Slot::kCache5Combined, Never,
     "an EPT violation leaves what was kept of its linear address"},
    {"CACHE-5/every-gpa-ended", Slot::kCache5GuestPhysical,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (!s.mapping->combined && IsViolation(s));
     },
     "an EPT violation is taken to end what was kept of every GPA"},
    {"CACHE-5/misconfiguration-ends-too", Slot::kCache5GuestPhysical,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (!s.mapping->combined && Exited(s, 49));
     },
     "an EPT misconfiguration is taken to end what was kept"},
    {"CACHE-5/every-gla-ended", Slot::kCache5Combined,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.mapping->combined && IsViolation(s));
     },
     "an EPT violation is taken to end what was kept of every linear address"},
    {"CACHE-6/single-leaves-upper-levels", Slot::kCache6Single, OfWholes,
     "INVEPT of type 1 leaves what was kept of upper levels"},
    {"CACHE-6/whole-eptp-compared", Slot::kCache6Single,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.past->step.invalidation.first == s.mapping->eptp;
     },
     "INVEPT of type 1 compares all of EPTP, not bits 51:12"},
    {"CACHE-6/single-ends-nothing", Slot::kCache6Single, Never,
     "INVEPT of type 1 leaves what was kept"},
    {"CACHE-6/all-leaves-upper-levels", Slot::kCache6All, OfWholes,
     "INVEPT of type 2 leaves what was kept of upper levels"},
    {"CACHE-6/all-ends-nothing", Slot::kCache6All, Never,
     "INVEPT of type 2 leaves what was kept"},
    {"CACHE-6/single-ends-all", Slot::kCache6Single,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Did(s, InvalidationKind::kInvept, 1);
     },
     "INVEPT of type 1 is taken to end what was kept of every EPTP"},
    {"CACHE-6/failing-ends-too", Slot::kCache6All,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.past->step.kind == StepKind::kInvalidation &&
               s.past->step.invalidation.kind == InvalidationKind::kInvept &&
               s.past->event.kind != EventKind::kCompleted);
     },
     "INVEPT that fails is taken to end what was kept"},
    {"CACHE-7/one-part-of-a-large-page", Slot::kCache7Address, OfOnePart,
     "INVVPID of type 0 ends 4 KBytes of a large page"},
    {"CACHE-7/address-leaves-upper-levels", Slot::kCache7Address, OfWholes,
     "INVVPID of type 0 leaves what was kept of upper levels"},
    {"CACHE-7/address-of-32-bits", Slot::kCache7Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.past->step.invalidation.second >> 32 == 0;
     },
     "INVVPID of type 0 ignores bits 63:32 of its linear address"},
    {"CACHE-7/address-ends-nothing", Slot::kCache7Address, Never,
     "INVVPID of type 0 leaves what was kept"},
    {"CACHE-7/single-leaves-upper-levels", Slot::kCache7Single, OfWholes,
     "INVVPID of type 1 leaves what was kept of upper levels"},
    {"CACHE-7/single-leaves-globals", Slot::kCache7Single, NotOfGlobals,
     "INVVPID of type 1 leaves global translations"},
    {"CACHE-7/single-ends-nothing", Slot::kCache7Single, Never,
     "INVVPID of type 1 leaves what was kept"},
    {"CACHE-7/all-ends-the-current-vpid", Slot::kCache7All,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && s.mapping->vpid == sdm::VpidOf(s.past->before.controls);
     },
     "INVVPID of type 2 ends what was kept under the current VPID alone"},
    {"CACHE-7/all-ends-nothing", Slot::kCache7All, Never,
     "INVVPID of type 2 leaves what was kept"},
    {"CACHE-7/retaining-leaves-upper-levels", Slot::kCache7Retaining, OfWholes,
     "INVVPID of type 3 leaves what was kept of upper levels"},
    {"CACHE-7/retaining-ends-nothing", Slot::kCache7Retaining, Never,
     "INVVPID of type 3 leaves what was kept"},
    {"CACHE-7/retaining-ends-globals", Slot::kCache7Retaining,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.mapping->combined && Did(s, InvalidationKind::kInvvpid, 3));
     },
     "INVVPID of type 3 is taken to end global translations"},
    {"CACHE-7/address-ends-every-address", Slot::kCache7Address,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.mapping->combined && Did(s, InvalidationKind::kInvvpid, 0));
     },
     "INVVPID of type 0 is taken to end what was kept of every address"},
    {"CACHE-7/single-ends-every-vpid", Slot::kCache7Single,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.mapping->combined && Did(s, InvalidationKind::kInvvpid, 1));
     },
     "INVVPID of type 1 is taken to end what was kept under every VPID"},
    {"CACHE-7/guest-physical-too", Slot::kCache7Single,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Did(s, InvalidationKind::kInvvpid, 1);
     },
     "INVVPID is taken to end guest-physical mappings"},
    {"CACHE-8/invlpg-upper-levels-of-the-address", Slot::kCache8Invlpg,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const KeptMapping& m = *s.mapping;
       const std::uint64_t address = s.past->step.invalidation.second;
       return value &&
              (m.whole || address >> m.shift == m.gla.value >> m.shift);
     },
     "INVLPG ends what was kept of upper levels for its address alone"},
    {"CACHE-8/invlpg-leaves-upper-levels", Slot::kCache8Invlpg, OfWholes,
     "INVLPG leaves what was kept of upper levels"},
    {"CACHE-8/invlpg-one-part-of-a-large-page", Slot::kCache8Invlpg, OfOnePart,
     "INVLPG ends 4 KBytes of a large page"},
    {"CACHE-8/invlpg-leaves-globals", Slot::kCache8Invlpg, NotOfGlobals,
     "INVLPG leaves global translations"},
    {"CACHE-8/invlpg-leaves-dirty-pages", Slot::kCache8Invlpg,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !s.mapping->dirty;
     },
     "INVLPG leaves translations of pages that were dirty"},
    {"CACHE-8/invlpg-ends-pcid-0", Slot::kCache8Invlpg,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && (s.mapping->pcid == 0 || s.mapping->global);
     },
     "INVLPG ends what was kept under PCID 000H in place of the current one"},
    {"CACHE-8/invlpg-ends-nothing", Slot::kCache8Invlpg, Never,
     "INVLPG leaves what was kept"},
    {"CACHE-8/invlpg-guest-physical-too", Slot::kCache8Invlpg,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Did(s, InvalidationKind::kInvlpg, 0);
     },
     "INVLPG is taken to end guest-physical mappings"},
    {"CACHE-8/invlpg-ends-every-address", Slot::kCache8Invlpg,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.mapping->combined && Did(s, InvalidationKind::kInvlpg, 0));
     },
     "INVLPG is taken to end what was kept of every address"},
    {"CACHE-8/invpcid-one-part-of-a-large-page", Slot::kCache8Invpcid,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return Did(s, InvalidationKind::kInvpcid, 0) ? OfOnePart(s, value)
                                                    : value;
     },
     "INVPCID of type 0 ends 4 KBytes of a large page"},
    {"CACHE-8/invpcid-ends-the-current-pcid", Slot::kCache8Invpcid,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const bool named = s.past->step.invalidation.type < 2;
       return named ? OfCurrentPcid(s, value) : value;
     },
     "INVPCID of types 0 and 1 ends nothing but of the current PCID"},
    {"CACHE-8/invpcid-leaves-globals", Slot::kCache8Invpcid, NotOfGlobals,
     "INVPCID of type 2 leaves global translations"},
    {"CACHE-8/invpcid-ends-nothing", Slot::kCache8Invpcid, Never,
     "INVPCID leaves what was kept"},
    {"CACHE-8/invpcid-ends-every-address", Slot::kCache8Invpcid,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.mapping->combined && Did(s, InvalidationKind::kInvpcid, 0));
     },
     "INVPCID of type 0 is taken to end what was kept of every address"},
    {"CACHE-8/invpcid-ends-globals", Slot::kCache8Invpcid,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.mapping->combined && (Did(s, InvalidationKind::kInvpcid, 1) ||
                                       Did(s, InvalidationKind::kInvpcid, 3)));
     },
     "INVPCID of types 1 and 3 is taken to end all combined mappings"},
    {"CACHE-8/invpcid-guest-physical-too", Slot::kCache8Invpcid,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Did(s, InvalidationKind::kInvpcid, 2);
     },
     "INVPCID of type 2 is taken to end guest-physical mappings"},
    {"CACHE-8/mov-cr3-leaves-upper-levels", Slot::kCache8MovCr3, OfWholes,
     "MOV to CR3 leaves what was kept of upper levels"},
    {"CACHE-8/mov-cr3-ends-the-old-pcid", Slot::kCache8MovCr3, OfCurrentPcid,
     "MOV to CR3 ends what was kept under the PCID before it alone"},
    {"CACHE-8/mov-cr3-ends-nothing-with-pcids", Slot::kCache8MovCr3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !Bit(s.past->before.guest.cr4, 17);
     },
     "MOV to CR3 leaves what was kept with CR4.PCIDE = 1"},
    {"CACHE-8/mov-cr3-ends-nothing", Slot::kCache8MovCr3, Never,
     "MOV to CR3 leaves what was kept"},
    {"CACHE-8/mov-cr3-ends-globals", Slot::kCache8MovCr3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.mapping->combined &&
                        s.past->step.kind == StepKind::kRegisterWrite &&
                        s.past->step.reg == GuestRegister::kCr3);
     },
     "MOV to CR3 is taken to end all combined mappings"},
    {"CACHE-8/mov-cr3-whatever-bit-63", Slot::kCache8MovCr3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const KeptMapping& m = *s.mapping;
       return value ||
              (m.combined && Wrote(s, GuestRegister::kCr3) &&
               Bit(s.past->before.guest.cr4, 17) && !(m.whole && m.global) &&
               m.pcid == sdm::Bits(s.past->step.value, 11, 0));
     },
     "MOV to CR3 with bit 63 is taken to end what was kept under the PCID"},
    {"CACHE-8/mov-cr3-guest-physical-too", Slot::kCache8MovCr3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (!s.mapping->combined && Wrote(s, GuestRegister::kCr3));
     },
     "MOV to CR3 is taken to end guest-physical mappings"},
    {"CACHE-8/mov-cr-whatever-it-changes", Slot::kCache8MovCr,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.mapping->combined && (Wrote(s, GuestRegister::kCr0) ||
                                                Wrote(s, GuestRegister::kCr4)));
     },
     "MOV to CR0 and CR4 is taken to end what was kept, whatever it changes"},
    {"CACHE-8/mov-cr-leaves-globals", Slot::kCache8MovCr, NotOfGlobals,
     "MOV to CR0 and CR4 leaves global translations"},
    {"CACHE-8/mov-cr-ends-nothing", Slot::kCache8MovCr, Never,
     "MOV to CR0 and CR4 leaves what was kept"},
    {"CACHE-9/never", Slot::kCache9, Never,
     "what was kept is taken to refuse nothing that memory allows"},
    {"CACHE-10/never", Slot::kCache10, Never,
     "flags are taken to be set whatever was kept"},
    {"CACHE-10/clear-stays-clear", Slot::kCache10Clear, Always,
     "an access by what was kept does not set flags that were clear in it"},
    {"CACHE-10/guest-dirty-stays-clear", Slot::kCache10Guest, Always,
     "a write by what was kept does not set the guest's dirty flag"},
    {"CACHE-11/transition-ends-nothing", Slot::kCache11Transition, Never,
     "without VPIDs VM exits and VM entries leave what was kept"},
    {"CACHE-11/transition-always-ends", Slot::kCache11Transition,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.mapping->combined && s.past->step.kind == StepKind::kVmEntry);
     },
     "VM entry is taken to end what was kept, whatever the VPID"},
    {"CACHE-11/exit-always-ends", Slot::kCache11Transition,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (s.mapping->combined && s.past->event.kind == EventKind::kVmExit);
     },
     "a VM exit is taken to end what was kept, whatever the VPID"},
    {"CACHE-11/switch-always-ends", Slot::kCache11Switch,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.mapping->combined &&
                        s.past->step.kind == StepKind::kEptpSwitch);
     },
     "an EPTP switch is taken to end what was kept, whatever the VPID"},
    {"CACHE-11/switch-ends-nothing", Slot::kCache11Switch, Never,
     "without VPIDs an EPTP switch leaves what was kept"},
    {"CACHE-12/leaves-upper-levels", Slot::kCache12, OfWholes,
     "a page fault leaves what was kept of upper levels for its address"},
    {"CACHE-12/leaves-globals", Slot::kCache12, NotOfGlobals,
     "a page fault leaves global translations of its address"},
    {"CACHE-12/ends-nothing", Slot::kCache12, Never,
     "a page fault leaves what was kept of its address"},
    {"CACHE-12/every-address-ended", Slot::kCache12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.mapping->combined &&
                        s.past->event.kind == EventKind::kPageFault);
     },
     "a page fault is taken to end what was kept of every address"},
    {"CACHE-12/guest-physical-too", Slot::kCache12,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (!s.mapping->combined &&
                        s.past->event.kind == EventKind::kPageFault);
     },
     "a page fault is taken to end guest-physical mappings"},
    {"CACHE-13/eptp-whatever-the-type", Slot::kCache13Eptp,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.operand != 0;
     },
     "INVEPT of type 2 refuses an EPTP that VM entry refuses"},
    {"CACHE-14/never", Slot::kCache14, Never,
     "flags are taken to be set though EPTP bit 6 was 0 before"},
    {"CACHE-15/never", Slot::kCache15, Never,
     "nothing is taken to be kept of SPP tables"},
};

}  // namespace

std::span<const Alteration> CacheVariants() { return kVariants; }

}  // namespace eptdiff
