#include "oracle/target/profile/profile.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "oracle/acceptable_state.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int n) { return std::uint64_t{1} << n; }

// EPTP (SDM table 25-9).
constexpr std::uint64_t kWalkLength = 7 << 3;
constexpr std::uint64_t kFiveLevels = 4 << 3;
constexpr std::uint64_t kAccessedDirty = Bit(6);
constexpr std::uint64_t kShadowStackControl = Bit(7);

// Primary and secondary controls (tables 25-6 and 25-7).
constexpr std::uint64_t kActivateTertiary = Bit(17);
constexpr std::uint64_t kActivateSecondary = Bit(31);
constexpr std::uint64_t kEnableVmFunctions = Bit(13);
constexpr std::uint32_t kEnableVpid = std::uint32_t{1} << 5;

// CR0, CR4, IA32_EFER.
constexpr std::uint64_t kPaging = Bit(31);
constexpr std::uint64_t kPae = Bit(5);
constexpr std::uint64_t kLa57 = Bit(12);
constexpr std::uint64_t kSmepSmap = Bit(20) | Bit(21);
constexpr std::uint64_t kCet = Bit(23);
constexpr std::uint64_t kKeys = Bit(22) | Bit(24);
constexpr std::uint64_t kLass = Bit(27);
constexpr std::uint64_t kLamSup = Bit(28);
constexpr std::uint64_t kLam = Bit(61) | Bit(62);  // of CR3
constexpr std::uint64_t kLongMode = Bit(10);
constexpr std::uint64_t kPcide = Bit(17);

// Bits of IA32_VMX_EPT_VPID_CAP that an answer may depend on (A.10), save those
// that other parts of the profile speak of.
constexpr std::uint64_t kCapabilities =
    Bit(0) | Bit(8) | Bit(14) | Bit(16) | Bit(17) | Bit(22);

// VMCS fields (appendix B).
constexpr std::uint32_t kVmcsVpid = 0x0;
constexpr std::uint32_t kVmcsEptp = 0x201a;
constexpr std::uint32_t kVmcsSecondary = 0x401e;
constexpr std::uint32_t kVmcsGuestCr4 = 0x6804;
constexpr std::uint64_t kEptrta = 0x000f'ffff'ffff'f000;

constexpr std::uint64_t kPageBytes = 4096;

// Without EPTDIFF_MODELS_LARGE_ACCESSES accesses have no more bytes.
constexpr std::uint16_t kSmallAccess = 64;

// A VM-execution control that a feature of the profile stands for.
struct ControlFeature {
  std::uint64_t feature;
  std::uint64_t secondary;
  std::uint64_t tertiary;
  Skip skip;
};
constexpr ControlFeature kControlFeatures[] = {
    {EPTDIFF_MODELS_APIC_PAGE, Bit(0), 0, Skip::kApicPage},
    {EPTDIFF_MODELS_MBEC, Bit(22), 0, Skip::kModeBasedExecute},
    {EPTDIFF_MODELS_PML, Bit(17), 0, Skip::kPml},
    {EPTDIFF_MODELS_SPP, Bit(23), 0, Skip::kSubPage},
    {EPTDIFF_MODELS_VE, Bit(18), 0, Skip::kViolationVe},
    {EPTDIFF_MODELS_HLAT, 0, Bit(1), Skip::kHlat},
    {EPTDIFF_MODELS_PAGING_WRITE, 0, Bit(2) | Bit(3),
     Skip::kPagingWriteControls},
};

bool Has(const eptdiff_profile& profile, std::uint64_t feature) {
  return (profile.models & feature) != 0;
}

bool Takes(const eptdiff_profile& profile, AccessKind kind) {
  return (profile.accesses >> static_cast<unsigned>(kind) & 1) != 0;
}

// Whether this of what is kept, or this tag, is unknown to a target that keeps
// translations.
bool Lacks(const eptdiff_profile& profile, std::uint32_t kept) {
  return Has(profile, EPTDIFF_MODELS_CACHES) && (profile.keeps & kept) == 0;
}

int ProcessorsOf(const eptdiff_profile& profile) {
  return Has(profile, EPTDIFF_MODELS_PROCESSORS) ? profile.processors : 1;
}

// The value with which a step may write a register or a field of the VMCS, so
// that no tag comes about that the target lacks; `eptp` is the case's.
std::uint64_t WithoutTags(const eptdiff_profile& profile, std::uint64_t eptp,
                          const Step& step) {
  const bool entry = step.kind == StepKind::kVmEntry;
  const bool write = step.kind == StepKind::kRegisterWrite;
  const bool cr4 = (write && step.reg == GuestRegister::kCr4) ||
                   (entry && step.index == kVmcsGuestCr4);
  std::uint64_t value = step.value;
  if (cr4 && Lacks(profile, EPTDIFF_KEEPS_PCIDS)) value &= ~kPcide;
  if (!entry) return value;
  if (Lacks(profile, EPTDIFF_KEEPS_VPIDS)) {
    if (step.index == kVmcsVpid) value = 0;
    if (step.index == kVmcsSecondary) value &= ~std::uint64_t{kEnableVpid};
  }
  if (step.index == kVmcsEptp && Lacks(profile, EPTDIFF_KEEPS_EPTRTAS)) {
    value = (value & ~kEptrta) | (eptp & kEptrta);
  }
  return value;
}

// Whether the step is about tags that the target lacks.
bool NeedsTags(const eptdiff_profile& profile, const Controls& controls,
               const Step& step) {
  if (step.kind == StepKind::kInvalidation) {
    switch (step.invalidation.kind) {
      case InvalidationKind::kInvvpid:
        return Lacks(profile, EPTDIFF_KEEPS_VPIDS);
      case InvalidationKind::kInvpcid:
        return Lacks(profile, EPTDIFF_KEEPS_PCIDS);
      default:
        return false;
    }
  }
  if (step.kind == StepKind::kEptpSwitch) {
    return Lacks(profile, EPTDIFF_KEEPS_EPTRTAS);
  }
  return WithoutTags(profile, controls.eptp, step) != step.value;
}

// The feature that stands for the mode of guest paging (3A 4.1.1).
std::uint64_t ModeFeature(const GuestState& guest) {
  if ((guest.cr0 & kPaging) == 0) return EPTDIFF_MODELS_LINEAR_PAGING_OFF;
  if ((guest.cr4 & kPae) == 0) return EPTDIFF_MODELS_LINEAR_32_BIT;
  if ((guest.efer & kLongMode) == 0) return EPTDIFF_MODELS_LINEAR_PAE;
  return (guest.cr4 & kLa57) != 0 ? EPTDIFF_MODELS_LINEAR_5_LEVEL
                                  : EPTDIFF_MODELS_LINEAR_4_LEVEL;
}

bool IsAccess(const Step& step) {
  return step.kind == StepKind::kGuestPhysicalAccess ||
         step.kind == StepKind::kLinearAccess;
}

std::uint64_t FirstByte(const Step& step) {
  return step.kind == StepKind::kLinearAccess ? step.gla.value : step.gpa.value;
}

bool CrossesPages(const Step& step) {
  return FirstByte(step) % kPageBytes + step.access.size > kPageBytes;
}

bool IsShadowStack(AccessKind kind) {
  return kind == AccessKind::kShadowStackRead ||
         kind == AccessKind::kShadowStackWrite ||
         kind == AccessKind::kShadowStackReadModifyWrite;
}

Skip LinearNotModelled(const eptdiff_profile& profile,
                       const GuestState& guest) {
  if (!Has(profile, ModeFeature(guest))) return Skip::kGuestMode;
  const bool keys = (guest.cr4 & kKeys) != 0;
  if (keys && !Has(profile, EPTDIFF_MODELS_PROTECTION_KEYS)) {
    return Skip::kGuestFeature;
  }
  const bool prevention = (guest.cr4 & kSmepSmap) != 0;
  if (prevention && !Has(profile, EPTDIFF_MODELS_SMEP_SMAP)) {
    return Skip::kGuestFeature;
  }
  const bool separation = (guest.cr4 & kLass) != 0;
  if (separation && !Has(profile, EPTDIFF_MODELS_LASS)) {
    return Skip::kGuestFeature;
  }
  const bool masking = (guest.cr4 & kLamSup) != 0 || (guest.cr3 & kLam) != 0;
  if (masking && !Has(profile, EPTDIFF_MODELS_LAM)) return Skip::kMasking;
  // It changes what ordinary accesses do to read-only pages, too (GW-12).
  const bool cet = (guest.cr4 & kCet) != 0;
  if (cet && !Has(profile, EPTDIFF_MODELS_SHADOW_STACK_ACCESS)) {
    return Skip::kGuestFeature;
  }
  return Skip::kNone;
}

Skip AccessNotModelled(const eptdiff_profile& profile, const Step& step) {
  const Access& access = step.access;
  if (!Takes(profile, access.kind)) return Skip::kAccessKind;
  if (access.kind == AccessKind::kReadModifyWrite &&
      !Has(profile, EPTDIFF_MODELS_READ_MODIFY_WRITE)) {
    return Skip::kAccessKind;
  }
  if ((IsShadowStack(access.kind) || access.wruss) &&
      !Has(profile, EPTDIFF_MODELS_SHADOW_STACK_ACCESS)) {
    return Skip::kAccessKind;
  }
  if (access.kind == AccessKind::kShadowStackReadModifyWrite &&
      !Has(profile, EPTDIFF_MODELS_SHADOW_STACK_TOKENS)) {
    return Skip::kAccessKind;
  }
  const bool asynchronous =
      access.asynchronous ||
      (step.kind == StepKind::kGuestPhysicalAccess && !step.page.gla_valid);
  if (asynchronous && !Has(profile, EPTDIFF_MODELS_ASYNCHRONOUS)) {
    return Skip::kAsynchronous;
  }
  if (access.pebs && !Has(profile, EPTDIFF_MODELS_PEBS)) {
    return Skip::kAccessKind;
  }
  if (access.size > kSmallAccess &&
      !Has(profile, EPTDIFF_MODELS_LARGE_ACCESSES)) {
    return Skip::kAccessKind;
  }
  if (CrossesPages(step) && !Has(profile, EPTDIFF_MODELS_PAGE_CROSSING)) {
    return Skip::kPageCrossing;
  }
  return Skip::kNone;
}

// The kind of access that is asked in place of one that the target does not
// take: rather one that does the same to memory.
AccessKind TakenFor(const eptdiff_profile& profile, AccessKind kind) {
  if (Takes(profile, kind)) return kind;
  const bool reads = kind == AccessKind::kRead ||
                     kind == AccessKind::kShadowStackRead ||
                     kind == AccessKind::kFetch;
  const AccessKind first = reads ? AccessKind::kRead : AccessKind::kWrite;
  if (Takes(profile, first)) return first;
  const AccessKind second = reads ? AccessKind::kWrite : AccessKind::kRead;
  return Takes(profile, second) ? second : AccessKind::kFetch;
}

// Makes an access one that the profile knows.
void Simplify(const eptdiff_profile& profile, Step& step) {
  Access& access = step.access;
  if (access.kind == AccessKind::kReadModifyWrite &&
      !Has(profile, EPTDIFF_MODELS_READ_MODIFY_WRITE)) {
    access.kind = AccessKind::kWrite;
  }
  if (access.kind == AccessKind::kShadowStackReadModifyWrite &&
      !Has(profile, EPTDIFF_MODELS_SHADOW_STACK_TOKENS)) {
    access.kind = AccessKind::kShadowStackWrite;
  }
  if (!Has(profile, EPTDIFF_MODELS_SHADOW_STACK_ACCESS)) {
    access.wruss = false;
    if (access.kind == AccessKind::kShadowStackRead) {
      access.kind = AccessKind::kRead;
    } else if (IsShadowStack(access.kind)) {
      access.kind = AccessKind::kWrite;
    }
  }
  if (!Takes(profile, access.kind)) {
    access.kind = TakenFor(profile, access.kind);
    access.wruss = false;
  }
  if (!Has(profile, EPTDIFF_MODELS_ASYNCHRONOUS)) {
    access.asynchronous = access.pebs = false;
    if (step.kind == StepKind::kGuestPhysicalAccess) step.page.gla_valid = true;
  }
  if (access.pebs && !Has(profile, EPTDIFF_MODELS_PEBS)) {
    access.pebs = false;
    step.page.gla_valid = true;
  }
  if (!Has(profile, EPTDIFF_MODELS_LARGE_ACCESSES)) {
    access.size = std::min(access.size, kSmallAccess);
  }
  if (CrossesPages(step) && !Has(profile, EPTDIFF_MODELS_PAGE_CROSSING)) {
    access.size =
        static_cast<std::uint16_t>(kPageBytes - FirstByte(step) % kPageBytes);
  }
}

// Without 1-GByte pages, or PSE-36, bits are reserved that are then part of the
// translation; who leaves reserved bits to hardware does not ask which it is.
bool NeedsLargePages(const eptdiff_profile& profile) {
  return (profile.leaves & EPTDIFF_LEAVES_GUEST_RESERVED_BITS) != 0;
}

std::uint64_t SetCapabilities(const eptdiff_profile& profile) {
  return kCapabilities & ~profile.capabilities_clear;
}
std::uint64_t ClearCapabilities(const eptdiff_profile& profile) {
  return kCapabilities & ~profile.capabilities_set;
}

}  // namespace

eptdiff_profile BlankProfile() {
  eptdiff_profile profile;
  std::memset(&profile, 0, sizeof(profile));
  profile.size = sizeof(profile);
  profile.fills = EPTDIFF_FILLS_ALL;
  profile.capabilities_set = ~std::uint64_t{0};
  profile.capabilities_clear = ~std::uint64_t{0};
  profile.min_maxphyaddr = 32;
  profile.max_maxphyaddr = 52;
  profile.keeps = EPTDIFF_KEEPS_ALL;
  profile.accesses = EPTDIFF_ACCESSES_ALL;
  profile.processors = kLogicalProcessors;
  return profile;
}

std::string FaultOf(const eptdiff_profile& profile) {
  const auto levels = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_5_LEVELS;
  if (!Has(profile, levels)) {
    return "models: neither EPTDIFF_MODELS_4_LEVELS nor "
           "EPTDIFF_MODELS_5_LEVELS is declared";
  }
  if (Has(profile,
          EPTDIFF_MODELS_ENTRY_CONTROLS | EPTDIFF_MODELS_GUEST_STATE) &&
      !Has(profile, EPTDIFF_MODELS_VM_ENTRY)) {
    return "models: EPTDIFF_MODELS_ENTRY_CONTROLS and "
           "EPTDIFF_MODELS_GUEST_STATE need EPTDIFF_MODELS_VM_ENTRY";
  }
  if (Has(profile, EPTDIFF_MODELS_CACHES) && profile.keeps_state == 0) {
    return "models: EPTDIFF_MODELS_CACHES needs keeps_state";
  }
  constexpr auto kMappings =
      EPTDIFF_KEEPS_GUEST_PHYSICAL | EPTDIFF_KEEPS_COMBINED;
  if (Has(profile, EPTDIFF_MODELS_CACHES) && (profile.keeps & kMappings) == 0) {
    return "keeps: neither EPTDIFF_KEEPS_GUEST_PHYSICAL nor "
           "EPTDIFF_KEEPS_COMBINED is declared";
  }
  if ((profile.keeps & ~EPTDIFF_KEEPS_ALL) != 0) {
    return "keeps: a bit that is no EPTDIFF_KEEPS_*";
  }
  if ((profile.leaves & ~EPTDIFF_LEAVES_ALL) != 0) {
    return "leaves: a bit that is no EPTDIFF_LEAVES_*";
  }
  constexpr auto kPlain =
      1u << EPTDIFF_READ | 1u << EPTDIFF_WRITE | 1u << EPTDIFF_FETCH;
  if ((profile.accesses & kPlain) == 0 ||
      (profile.accesses & ~EPTDIFF_ACCESSES_ALL) != 0) {
    return "accesses: neither a read nor a write nor a fetch, or a bit that is "
           "no kind of access";
  }
  if (profile.processors < 1 || profile.processors > kLogicalProcessors) {
    return "processors: not 1 to 4";
  }
  if (profile.min_maxphyaddr < 32 || profile.max_maxphyaddr > 52 ||
      profile.min_maxphyaddr > profile.max_maxphyaddr) {
    return "min_maxphyaddr, max_maxphyaddr: not a range within 32 to 52";
  }
  const std::uint64_t neither =
      kCapabilities & ~profile.capabilities_set & ~profile.capabilities_clear;
  if (neither != 0) {
    return "capabilities_set, capabilities_clear: a bit may be neither 1 nor 0";
  }
  if ((profile.fills & EPTDIFF_FILLS_EVENT) == 0) {
    return "fills: EPTDIFF_FILLS_EVENT is missing";
  }
  if (profile.qualification_left_out >> 17 != 0) {
    return "qualification_left_out: a bit above 16, which is never compared";
  }
  if (profile.error_code_left_out >> 8 != 0) {
    return "error_code_left_out: a bit above 7";
  }
  if (profile.offsets_left_out >> 3 != 0) {
    return "offsets_left_out: a bit that is no EPTDIFF_OFFSET_OF_*";
  }
  const auto* end = static_cast<const char*>(
      std::memchr(profile.name, 0, sizeof(profile.name)));
  if (end == nullptr) return "name: longer than 31 characters";
  const bool clean = std::all_of(profile.name, end, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.';
  });
  if (!clean) return "name: letters, digits, '_' and '.' only";
  return "";
}

Skip NotModelled(const eptdiff_profile& profile, const Processor& processor,
                 const Controls& controls, const GuestState& guest) {
  if (!Has(profile, EPTDIFF_MODELS_ENTRY_CONTROLS) &&
      !EntersWithControls(controls)) {
    return Skip::kVmEntryNotModelled;
  }
  if (!Has(profile, EPTDIFF_MODELS_LAM) && (guest.cr3 & kLam) != 0) {
    return Skip::kMasking;
  }
  if (!Has(profile, EPTDIFF_MODELS_GUEST_STATE) &&
      !EntersWithGuest(processor, controls, guest)) {
    return Skip::kGuestState;
  }
  const bool five = (controls.eptp & kWalkLength) == kFiveLevels;
  if (five && !Has(profile, EPTDIFF_MODELS_5_LEVELS)) {
    return Skip::kFiveLevelEpt;
  }
  if (!five && !Has(profile, EPTDIFF_MODELS_4_LEVELS)) {
    return Skip::kFourLevelEpt;
  }
  if ((controls.eptp & kAccessedDirty) != 0 &&
      !Has(profile, EPTDIFF_MODELS_ACCESSED_DIRTY)) {
    return Skip::kAccessedDirty;
  }
  if ((controls.eptp & kShadowStackControl) != 0 &&
      !Has(profile, EPTDIFF_MODELS_SHADOW_STACK_CONTROL)) {
    return Skip::kShadowStackControl;
  }
  const std::uint64_t secondary =
      (controls.primary & kActivateSecondary) != 0 ? controls.secondary : 0;
  const std::uint64_t tertiary =
      (controls.primary & kActivateTertiary) != 0 ? controls.tertiary : 0;
  for (const ControlFeature& feature : kControlFeatures) {
    const bool on =
        ((secondary & feature.secondary) | (tertiary & feature.tertiary)) != 0;
    if (on && !Has(profile, feature.feature)) return feature.skip;
  }
  if (((secondary & kEnableVpid) != 0 && Lacks(profile, EPTDIFF_KEEPS_VPIDS)) ||
      ((guest.cr4 & kPcide) != 0 && Lacks(profile, EPTDIFF_KEEPS_PCIDS))) {
    return Skip::kTags;
  }
  if (NeedsLargePages(profile) && !(processor.page_1gb && processor.pse36)) {
    return Skip::kCapability;
  }
  const std::uint64_t capabilities = processor.ept_vpid_cap;
  if ((~capabilities & SetCapabilities(profile)) != 0 ||
      (capabilities & ClearCapabilities(profile)) != 0) {
    return Skip::kCapability;
  }
  if (processor.maxphyaddr < profile.min_maxphyaddr ||
      processor.maxphyaddr > profile.max_maxphyaddr) {
    return Skip::kMaxphyaddr;
  }
  if (processor.keyid_bits != 0 && !Has(profile, EPTDIFF_MODELS_KEYIDS)) {
    return Skip::kKeyids;
  }
  if (guest.transactional && !Has(profile, EPTDIFF_MODELS_TRANSACTIONS)) {
    return Skip::kTransactional;
  }
  if ((guest.event_delivery || guest.nmi_unblocking) &&
      !Has(profile, EPTDIFF_MODELS_EVENTS)) {
    return Skip::kEvents;
  }
  if (guest.busy_shadow_stack &&
      !Has(profile, EPTDIFF_MODELS_BUSY_SHADOW_STACK)) {
    return Skip::kBusyShadowStack;
  }
  return Skip::kNone;
}

Skip NotModelled(const eptdiff_profile& profile, const Controls& controls,
                 const GuestState& guest, const Step& step) {
  if (step.processor >= ProcessorsOf(profile)) return Skip::kProcessors;
  if (NeedsTags(profile, controls, step)) return Skip::kTags;
  switch (step.kind) {
    case StepKind::kLinearAccess: {
      const Skip skip = LinearNotModelled(profile, guest);
      return skip != Skip::kNone ? skip : AccessNotModelled(profile, step);
    }
    case StepKind::kGuestPhysicalAccess:
      return AccessNotModelled(profile, step);
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      return Has(profile, EPTDIFF_MODELS_STRUCTURE_ACCESS)
                 ? Skip::kNone
                 : Skip::kStructureAccess;
    case StepKind::kPdpteLoad:
      return Has(profile, EPTDIFF_MODELS_PDPTE_LOAD) ? Skip::kNone
                                                     : Skip::kPdpteLoad;
    case StepKind::kEptpSwitch: {
      const bool enabled = (controls.primary & kActivateSecondary) != 0 &&
                           (controls.secondary & kEnableVmFunctions) != 0;
      const bool modelled =
          Has(profile, EPTDIFF_MODELS_EPTP_SWITCHING) &&
          ((step.value == 0 && enabled) || Has(profile, EPTDIFF_MODELS_VMFUNC));
      return modelled ? Skip::kNone : Skip::kEptpSwitch;
    }
    case StepKind::kRegisterWrite:
      return Has(profile, EPTDIFF_MODELS_REGISTER_WRITES)
                 ? Skip::kNone
                 : Skip::kRegisterWrite;
    case StepKind::kInvalidation:
      return Has(profile, EPTDIFF_MODELS_INVALIDATION) ? Skip::kNone
                                                       : Skip::kInvalidation;
    case StepKind::kStore:
    case StepKind::kVmEntry:
      return Skip::kNone;
    case StepKind::kTableOperation:
      return Skip::kTableOperation;
  }
  return Skip::kCallerError;
}

bool FitTo(const eptdiff_profile& profile, Case& c) {
  Processor& processor = c.processor;
  processor.maxphyaddr = std::clamp(
      processor.maxphyaddr, profile.min_maxphyaddr, profile.max_maxphyaddr);
  if (!Has(profile, EPTDIFF_MODELS_KEYIDS)) processor.keyid_bits = 0;
  processor.ept_vpid_cap |= SetCapabilities(profile);
  if (NeedsLargePages(profile)) processor.page_1gb = processor.pse36 = true;
  processor.ept_vpid_cap &= ~ClearCapabilities(profile);

  Controls& controls = c.controls;
  for (const ControlFeature& feature : kControlFeatures) {
    if (Has(profile, feature.feature)) continue;
    controls.secondary &= ~static_cast<std::uint32_t>(feature.secondary);
    controls.tertiary &= ~feature.tertiary;
  }
  if (Lacks(profile, EPTDIFF_KEEPS_VPIDS)) controls.secondary &= ~kEnableVpid;
  if (!Has(profile, EPTDIFF_MODELS_EPTP_SWITCHING)) {
    controls.secondary &= ~static_cast<std::uint32_t>(kEnableVmFunctions);
  }
  if (!Has(profile, EPTDIFF_MODELS_ACCESSED_DIRTY)) {
    controls.eptp &= ~kAccessedDirty;
  }
  if (!Has(profile, EPTDIFF_MODELS_SHADOW_STACK_CONTROL)) {
    controls.eptp &= ~kShadowStackControl;
  }

  GuestState& guest = c.guest;
  if (!Has(profile, EPTDIFF_MODELS_ENTRY_CONTROLS)) {
    MakeControlsAcceptable(controls);
  }
  if (!Has(profile, EPTDIFF_MODELS_GUEST_STATE)) {
    MakeGuestAcceptable(processor, controls, guest);
  }
  if (!Has(profile, EPTDIFF_MODELS_TRANSACTIONS)) guest.transactional = false;
  if (!Has(profile, EPTDIFF_MODELS_EVENTS)) {
    guest.event_delivery = false;
    guest.nmi_unblocking = false;
  }
  if (!Has(profile, EPTDIFF_MODELS_BUSY_SHADOW_STACK)) {
    guest.busy_shadow_stack = false;
  }
  if (!Has(profile, EPTDIFF_MODELS_PROTECTION_KEYS)) guest.cr4 &= ~kKeys;
  if (Lacks(profile, EPTDIFF_KEEPS_PCIDS)) guest.cr4 &= ~kPcide;
  if (!Has(profile, EPTDIFF_MODELS_SMEP_SMAP)) guest.cr4 &= ~kSmepSmap;
  if (!Has(profile, EPTDIFF_MODELS_LASS)) guest.cr4 &= ~kLass;
  if (!Has(profile, EPTDIFF_MODELS_LAM)) {
    guest.cr4 &= ~kLamSup;
    guest.cr3 &= ~kLam;
  }
  if (!Has(profile, EPTDIFF_MODELS_SHADOW_STACK_ACCESS)) guest.cr4 &= ~kCet;

  const std::uint64_t width = Bit(processor.maxphyaddr) - 1;
  for (Step& step : c.steps) {
    step.gpa.value &= width;
    if (IsAccess(step)) Simplify(profile, step);
    step.processor = static_cast<std::uint8_t>(
        std::min(step.processor + 1, ProcessorsOf(profile)) - 1);
    step.value = WithoutTags(profile, controls.eptp, step);
  }
  std::erase_if(c.steps, [&](const Step& step) {
    return NotModelled(profile, controls, guest, step) != Skip::kNone;
  });
  // Tables of the other depth stay what they are.
  if (NotModelled(profile, processor, controls, guest) != Skip::kNone) {
    return false;
  }
  return !c.steps.empty() || Has(profile, EPTDIFF_MODELS_VM_ENTRY);
}

}  // namespace eptdiff
