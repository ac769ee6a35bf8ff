// Bochs's headers, in the order that its own files include them. Only for the
// translation units of this folder that are compiled as Bochs's own are: they
// define macros such as CPL, AL, u16 and likely. Include it last.
#ifndef EPTDIFF_ORACLE_BOCHS_BOCHS_HEADERS_H_
#define EPTDIFF_ORACLE_BOCHS_BOCHS_HEADERS_H_

#define NEED_CPU_REG_SHORTCUTS 1
// clang-format off: they depend on what stands before them.
#include "bochs.h"
#include "cpu.h"
#include "cpuid.h"
#include "msr.h"
#include "apic.h"
#include "memory/memory-bochs.h"
#include "pc_system.h"
#include "bx_debug/debug.h"
// clang-format on

namespace eptdiff::bochs {

// A control register has 32 bits in Bochs 3.0, and is a number in a VMCS; later
// trees have 64 bits in CR4, in both places.
template <typename Register>
void SetRegister(Register& destination, Bit64u value) {
  if constexpr (requires { destination.set(value); }) {
    destination.set(value);
  } else if constexpr (requires { destination.set32(Bit32u{0}); }) {
    destination.set32(static_cast<Bit32u>(value));
  } else {
    destination = value;
  }
}

}  // namespace eptdiff::bochs

#endif  // EPTDIFF_ORACLE_BOCHS_BOCHS_HEADERS_H_
