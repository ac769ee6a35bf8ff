#include "engine/walk/entry_checks.h"

#include "engine/bits.h"

namespace eptdiff {
namespace {

using bits::Bits;

// Whether `address` is that of a 4-KByte page below 2^N.
bool IsPageAddress(const Processor& processor, std::uint64_t address) {
  return (address & (Bits(11, 0) | Bits(63, processor.maxphyaddr))) == 0;
}

bool SwitchesEptp(std::uint32_t secondary, const Controls& controls) {
  return (secondary & bits::kSecondaryVmFunctions) != 0 &&
         (controls.vm_functions & bits::kVmFunctionEptpSwitch) != 0;
}

// CTL-1: a control whose 1-setting needs "enable EPT".
bool NeedsEpt(std::uint32_t secondary, std::uint64_t tertiary,
              const Controls& controls) {
  return (secondary & (bits::kSecondaryUnrestricted | bits::kSecondaryPml |
                       bits::kSecondaryMbec | bits::kSecondarySubPage |
                       bits::kSecondaryTraceGuest)) != 0 ||
         (tertiary & (bits::kTertiaryHlat | bits::kTertiaryPagingWrite |
                      bits::kTertiaryVerification)) != 0 ||
         SwitchesEptp(secondary, controls);
}

// CTL-2.
bool HasBadAddress(const Processor& processor, std::uint32_t secondary,
                   const Controls& controls) {
  const struct {
    bool used;
    std::uint64_t address;
  } addresses[] = {
      {(secondary & bits::kSecondaryPml) != 0, controls.pml_address},
      {(secondary & bits::kSecondarySubPage) != 0, controls.spptp},
      {(secondary & bits::kSecondaryViolationVe) != 0,
       controls.ve_information_address},
      {SwitchesEptp(secondary, controls), controls.eptp_list_address},
  };
  for (const auto& [used, address] : addresses) {
    if (used && !IsPageAddress(processor, address)) return true;
  }
  return false;
}

// CTL-3.
bool HasBadHlat(const Processor& processor, const Controls& controls) {
  const std::uint64_t reserved =
      Bits(2, 0) | Bits(11, 5) | Bits(63, processor.maxphyaddr);
  const std::uint64_t largest_prefix =
      processor.ept_vpid_cap >> bits::kCapHlatPrefixShift & 0x3f;
  return (controls.hlatp & reserved) != 0 ||
         controls.hlat_prefix_size > largest_prefix;
}

}  // namespace

std::uint32_t EffectiveSecondary(const Controls& controls) {
  return (controls.primary & bits::kPrimarySecondary) != 0 ? controls.secondary
                                                           : 0;
}

std::uint64_t EffectiveTertiary(const Controls& controls) {
  return (controls.primary & bits::kPrimaryTertiary) != 0 ? controls.tertiary
                                                          : 0;
}

EntryCheck CheckEptp(const Processor& processor, std::uint64_t eptp) {
  const std::uint64_t cap = processor.ept_vpid_cap;
  const auto has = [cap](std::uint64_t bit) { return (cap & bit) != 0; };

  const auto type = static_cast<MemoryType>(eptp & bits::kEptpMemoryType);
  if (!(type == MemoryType::kUncacheable && has(bits::kCapUncacheable)) &&
      !(type == MemoryType::kWriteBack && has(bits::kCapWriteBack))) {
    return EntryCheck::kEptp1;
  }
  const std::uint64_t length = eptp & bits::kEptpWalkLength;
  if (!(length == bits::kEptpFourLevel && has(bits::kCapFourLevel)) &&
      !(length == bits::kEptpFiveLevel && has(bits::kCapFiveLevel))) {
    return EntryCheck::kEptp2;
  }
  if ((eptp & bits::kEptpAccessDirty) != 0 && !has(bits::kCapAccessDirty)) {
    return EntryCheck::kEptp3;
  }
  if ((eptp & bits::kEptpShadowStack) != 0 && !has(bits::kCapShadowStack)) {
    return EntryCheck::kEptp4;
  }
  if ((eptp & (bits::kEptpReserved | Bits(63, processor.maxphyaddr))) != 0) {
    return EntryCheck::kEptp5;
  }
  return EntryCheck::kNone;
}

EntryCheck CheckControls(const Processor& processor, const Controls& controls) {
  const std::uint32_t secondary = EffectiveSecondary(controls);
  const std::uint64_t tertiary = EffectiveTertiary(controls);
  if ((secondary & bits::kSecondaryEpt) != 0) {
    const EntryCheck failed = CheckEptp(processor, controls.eptp);
    if (failed != EntryCheck::kNone) return failed;
  } else if (NeedsEpt(secondary, tertiary, controls)) {
    return EntryCheck::kCtl1;
  }
  if (HasBadAddress(processor, secondary, controls)) return EntryCheck::kCtl2;
  if ((tertiary & bits::kTertiaryHlat) != 0 &&
      HasBadHlat(processor, controls)) {
    return EntryCheck::kCtl3;
  }
  return EntryCheck::kNone;
}

}  // namespace eptdiff
