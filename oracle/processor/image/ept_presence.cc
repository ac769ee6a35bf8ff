#include "oracle/processor/image/ept_presence.h"

namespace eptdiff::image {
namespace {

constexpr bool Has(std::uint64_t value, int n) { return (value >> n & 1) != 0; }

constexpr int kPinTimer = 6;
constexpr int kPrimarySecondary = 31;
constexpr int kSecondaryEpt = 1;
constexpr int kSecondaryUnrestricted = 7;
constexpr int kCapInvept = 20;
constexpr int kCapInveptAll = 26;

}  // namespace

bool EnablesVmx(const std::optional<std::uint64_t>& feature_control) {
  constexpr int kVmxOutsideSmx = 2;
  // Bochs's older models have VT-x without the MSR.
  return !feature_control.has_value() || Has(*feature_control, kVmxOutsideSmx);
}

NoEpt WhyNoEpt(const VmxFacts& facts) {
  if (facts.of_amd) {
    return {
        "this is a processor of AMD's kind, which has nested paging and no "
        "EPT",
        "start it on one of Intel's"};
  }
  if (!facts.vmx) {
    if (!facts.in_a_machine) {
      return {"this processor has no VT-x", "start it on another"};
    }
    return {"there is no VT-x in this virtual machine",
            "switch nested virtualization on; QEMU: kvm_intel nested=1 and "
            "-enable-kvm -cpu host, for without KVM it has none"};
  }
  if (!EnablesVmx(facts.feature_control)) {
    return {"VT-x is switched off, and IA32_FEATURE_CONTROL (3AH) is locked",
            "look for \"Intel Virtualization Technology\", \"VT-x\" or "
            "\"VMX\" in the firmware's setup, and switch the machine off and "
            "on again"};
  }
  constexpr std::string_view kOther =
      "start it on a processor since Westmere, or under a hypervisor that lets "
      "its guests have that";
  if (!Has(facts.primary, kPrimarySecondary) ||
      !Has(facts.secondary, kSecondaryEpt)) {
    return {"there is VT-x and no EPT", kOther};
  }
  if (!Has(facts.secondary, kSecondaryUnrestricted)) {
    return {
        "there is EPT and no \"unrestricted guest\", so that no guest runs "
        "without paging",
        kOther};
  }
  if (!Has(facts.ept_vpid_cap, kCapInvept) ||
      !Has(facts.ept_vpid_cap, kCapInveptAll)) {
    return {
        "there is EPT and no INVEPT of all contexts, without which nobody "
        "knows what an answer rests on",
        kOther};
  }
  if (!Has(facts.pin_based, kPinTimer)) {
    return {
        "there is no VMX-preemption timer, which bounds what a guest may "
        "take",
        kOther};
  }
  return {};
}

}  // namespace eptdiff::image
