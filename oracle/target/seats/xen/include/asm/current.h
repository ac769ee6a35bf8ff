/* Xen's, but that it finds the current vCPU in a variable of the seat, where
 * Xen looks at the bottom of its stack. */
#include_next <asm/current.h>

struct cpu_info *seat_cpu_info(void);
#define get_cpu_info seat_cpu_info
