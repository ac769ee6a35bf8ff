/* Xen's way to the machine's MTRRs, where RDMSR is the seat's affair. */
#include <asm/msr.h>

#include "memory_type.h"

#undef rdmsrl
#define rdmsrl(msr, value) ((value) = seat_rdmsr(msr))

#include "arch/x86/cpu/mtrr/generic.c"
