#include <algorithm>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/generation/spoiled_entry.h"
#include "fuzzers/mutation/mutation.h"
#include "oracle/acceptable_state.h"

namespace eptdiff {
namespace {

using namespace bits;

bool ToggleControl(Random& random, Case& c) {
  static constexpr std::uint32_t kToggles[] = {
      kSecondaryPml, kSecondaryPml,          kSecondaryVe,
      kSecondaryVe,  kSecondaryMbec,         kSecondaryMbec,
      kSecondarySpp, kSecondaryUnrestricted, kSecondaryVpid};
  const std::uint32_t toggle = random.Pick(kToggles);
  c.controls.secondary ^= toggle;
  // A structure at 0 is as good as any, but a processor has to know #VE.
  if (toggle == kSecondaryVe) c.processor.ept_violation_ve = true;
  return true;
}

bool ToggleTertiary(Random& random, Case& c) {
  static constexpr std::uint64_t kToggles[] = {kTertiaryPagingWrite,
                                               kTertiaryVerify, kTertiaryHlat};
  c.controls.primary |= kPrimaryTertiary;
  c.controls.tertiary ^= random.Pick(kToggles);
  return true;
}

bool ToggleEptp(Random& random, Case& c) {
  static constexpr std::uint64_t kToggles[] = {kAccessedDirty, kAccessedDirty,
                                               kAccessedDirty,
                                               kShadowStackAware, kWriteBack};
  c.controls.eptp ^= random.Pick(kToggles);
  return true;
}

bool ToggleOtherControl(Random& random, Case& c) {
  switch (random.Below(3)) {
    case 0:
      c.controls.exception_bitmap ^= kExceptionVe;
      break;
    case 1:
      c.controls.pin_based ^= kPinNmiExiting;
      break;
    default:
      c.controls.pin_based ^= kPinVirtualNmis;
      break;
  }
  return true;
}

bool ToggleCapability(Random& random, Case& c) {
  static constexpr std::uint64_t kToggles[] = {
      kCapExecuteOnly, kCap2Mb,          kCap1Gb,
      kCap1Gb,         kCapAdvancedExit, kCapAdvancedExit};
  c.processor.ept_vpid_cap ^= random.Pick(kToggles);
  return true;
}

bool ChangeWidth(Random& random, Case& c) {
  std::uint8_t& n = c.processor.maxphyaddr;
  static constexpr std::uint8_t kWidths[] = {36, 39, 40, 46, 48, 52};
  if (random.OneIn(8)) {
    const unsigned room = std::min<unsigned>(n - 32u, kMaxKeyidBits);
    c.processor.keyid_bits =
        static_cast<std::uint8_t>(random.OneIn(3) ? 0 : random.Below(room + 1));
    return true;
  }
  if (random.OneIn(2)) {
    n = random.Pick(kWidths);
  } else if (n > 36 && (n == 52 || random.OneIn(2))) {
    --n;
  } else {
    ++n;
  }
  return true;
}

bool ChangePmlIndex(Random& random, Case& c) {
  static constexpr std::uint16_t kIndices[] = {0, 1, 511, 512, 0xffff};
  c.controls.pml_index = random.OneIn(4)
                             ? static_cast<std::uint16_t>(random.Bits(16))
                             : random.Pick(kIndices);
  return true;
}

bool ChangeStructureAddress(Random& random, Case& c) {
  std::uint64_t* const kFields[] = {&c.controls.pml_address, &c.controls.spptp,
                                    &c.controls.ve_information_address,
                                    &c.controls.eptp};
  std::uint64_t& field = *random.Pick(kFields);
  field ^= Bit(12 + random.Below(PhysicalWidth(c) - 12u));
  return true;
}

// No such access is part of event delivery.
bool IsAsynchronous(const Case& c) {
  return std::any_of(c.steps.begin(), c.steps.end(), [](const Step& step) {
    return step.access.asynchronous || !step.page.gla_valid;
  });
}

bool ToggleGuest(Random& random, Case& c) {
  GuestState& g = c.guest;
  switch (random.Below(8)) {
    case 0:
      g.cr0 ^= kCr0Wp;
      break;
    case 1:
      g.cr0 ^= kCr0Cd;
      break;
    case 2:
      g.rflags ^= kRflagsAc;
      break;
    case 3:
      g.event_delivery = !g.event_delivery && !IsAsynchronous(c);
      break;
    case 4:
      g.nmi_unblocking = !g.nmi_unblocking;
      break;
    case 5:
      if (g.efer != 0) g.efer ^= kEferNxe;
      break;
    case 6:
      if ((g.cr0 & kCr0Pe) != 0) g.cpl ^= 3;
      break;
    default:
      if ((g.efer & kEferLma) != 0) g.cs_l = !g.cs_l;
      break;
  }
  return true;
}

// What VM exits save for their handlers.
bool ChangeSavedState(Random& random, Case& c) {
  GuestState& g = c.guest;
  switch (random.Below(8)) {
    case 0:
      g.delivered_event ^= 0x80000000;
      break;
    case 1:
      g.delivered_event ^= static_cast<std::uint32_t>(Bit(random.Below(12)));
      break;
    case 2:
      g.delivered_error_code ^=
          static_cast<std::uint32_t>(Bit(random.Below(32)));
      break;
    case 3:
      g.instruction_length = static_cast<std::uint8_t>(random.Bits(4));
      break;
    case 4:
      g.interruptibility ^= static_cast<std::uint8_t>(Bit(random.Below(5)));
      break;
    case 5:
      g.pending_debug ^= static_cast<std::uint32_t>(Bit(random.Below(17)));
      break;
    case 6:
      g.rflags ^= kRflagsRf;
      break;
    default:
      g.busy_shadow_stack = !g.busy_shadow_stack && !IsAsynchronous(c);
      c.controls.exit_controls |= kExitSecondary;
      c.controls.secondary_exit_controls ^= kExitBusyShadowStack;
      break;
  }
  FoldSavedState(g);
  return true;
}

bool ChangePat(Random& random, Case& c) {
  static constexpr std::uint64_t kTypes[] = {0, 1, 4, 5, 6, 7};
  const unsigned shift = 8 * random.Below(8);
  c.guest.pat &= ~(Low(8) << shift);
  c.guest.pat |= random.Pick(kTypes) << shift;
  return true;
}

bool ToggleEntryControl(Random& random, Case& c) {
  static constexpr std::uint32_t kToggles[] = {kEntryLoadPat, kEntryLoadEfer};
  c.controls.entry_controls ^= random.Pick(kToggles);
  return true;
}

bool SpoilEntry(Random& random, Case& c) {
  SpoilEntryControls(random, c);
  return true;
}

bool SpoilGuest(Random& random, Case& c) {
  SpoilGuestState(random, c);
  return true;
}

constexpr Mutation kMutations[] = {
    {"toggle-control", 7, ToggleControl},
    {"toggle-tertiary", 1, ToggleTertiary},
    {"toggle-eptp", 4, ToggleEptp},
    {"toggle-other-control", 2, ToggleOtherControl},
    {"toggle-capability", 2, ToggleCapability},
    {"change-width", 3, ChangeWidth},
    {"change-pml-index", 4, ChangePmlIndex},
    {"change-structure-address", 1, ChangeStructureAddress},
    {"toggle-guest", 5, ToggleGuest},
    {"change-pat", 2, ChangePat},
    {"change-saved-state", 2, ChangeSavedState},
    {"spoil-entry-controls", 1, SpoilEntry},
    {"spoil-guest-state", 1, SpoilGuest},
    {"toggle-entry-control", 1, ToggleEntryControl},
};

}  // namespace

std::span<const Mutation> MachineMutations() { return kMutations; }

void MakeOrdinary(Case& c) {
  Controls& k = c.controls;
  c.processor.keyid_bits = 0;
  c.processor.ept_vpid_cap |= kCapExecuteOnly | kCapFourLevels |
                              kCapUncacheable | kCapWriteBack | kCap2Mb |
                              kCapAccessedDirty;
  const std::uint64_t addresses = Low(PhysicalWidth(c)) & kAddress;
  k.primary |= kPrimarySecondary;
  k.secondary |= kSecondaryEpt;
  k.secondary &= ~kSecondaryApicAccesses;
  k.tertiary = 0;
  k.eptp &= addresses | kAccessedDirty | kWalkLengthMask | kWriteBack;
  if ((k.eptp & kWriteBack) != 0) k.eptp |= kWriteBack;
  if (EptLevels(c) == 4) k.eptp = (k.eptp & ~kWalkLengthMask) | kFourLevels;
  for (std::uint64_t* address :
       {&k.pml_address, &k.spptp, &k.ve_information_address}) {
    *address &= addresses;
  }
  MakeEntryAcceptable(c);
  c.guest.transactional = false;
  c.guest.busy_shadow_stack = false;
  for (Step& step : c.steps) step.access.asynchronous = false;
  std::erase_if(c.steps, [](const Step& step) {
    return step.kind == StepKind::kRegisterWrite ||
           (step.kind == StepKind::kEptpSwitch && step.value != 0);
  });
}

}  // namespace eptdiff
