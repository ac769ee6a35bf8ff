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

#endif  // EPTDIFF_ORACLE_BOCHS_BOCHS_HEADERS_H_
