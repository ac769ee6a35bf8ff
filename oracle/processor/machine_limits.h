// What the machine that is asked can do, as far as it decides what a case may
// be there. Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_PROCESSOR_MACHINE_LIMITS_H_
#define EPTDIFF_ORACLE_PROCESSOR_MACHINE_LIMITS_H_

#include <cstdint>

#include "engine/types.h"

namespace eptdiff {

// Which settings of a field VM entry accepts (SDM appendix A.3 to A.8).
struct AllowedBits {
  std::uint64_t must = 0;  // 1 here: has to be 1
  std::uint64_t may = 0;   // 0 here: has to be 0
  constexpr std::uint64_t Fit(std::uint64_t wanted) const {
    return (wanted & may) | must;
  }
};

struct MachineLimits {
  Processor processor;
  AllowedBits pin_based, primary, secondary, tertiary, exit, entry;
  AllowedBits cr0, cr4;            // in VMX operation
  std::uint64_t vm_functions = 0;  // those that it has
  // The monitor trap flag, and MOV to CR3 that does not cause a VM exit.
  bool has_monitor_trap = false;
  bool has_shadow_stacks = false;  // and a VMCS with their state
  bool lam = false;                // linear-address masking, by CR3 bits 62:61
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_MACHINE_LIMITS_H_
