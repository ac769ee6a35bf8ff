// Whether EPT can be asked on a machine, by what that says of itself.
// Thread-safety: pure function.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_EPT_PRESENCE_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_EPT_PRESENCE_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace eptdiff::image {

// What follows `vmx` is 0 without that.
struct VmxFacts {
  bool of_amd = false;        // the vendor: AMD's, or Hygon's
  bool vmx = false;           // CPUID.1:ECX[5]
  bool in_a_machine = false;  // CPUID.1:ECX[31]: under a hypervisor
  // IA32_FEATURE_CONTROL after an attempt to set it; none: there is no such
  // MSR.
  std::optional<std::uint64_t> feature_control;
  // Of the controls, those that may be 1.
  std::uint32_t pin_based = 0;
  std::uint32_t primary = 0;
  std::uint32_t secondary = 0;
  std::uint64_t ept_vpid_cap = 0;
};

// Whether EPT can be asked here (then both are empty); else a sentence that
// says what is missing, and one what to do about it, each without its full
// stop.
struct NoEpt {
  std::string_view words;
  std::string_view advice;
};
NoEpt WhyNoEpt(const VmxFacts& facts);

// Whether VMXON may be executed, outside of SMX operation (24.7).
bool EnablesVmx(const std::optional<std::uint64_t>& feature_control);

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_EPT_PRESENCE_H_
