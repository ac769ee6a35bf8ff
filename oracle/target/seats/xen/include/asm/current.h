/* Xen's, but that it finds the current vCPU in a variable of the seat, where
 * Xen looks at the bottom of its stack. Xen's may come here again before it has
 * ended. */
#ifndef SEATS_XEN_ASM_CURRENT_H_
#define SEATS_XEN_ASM_CURRENT_H_
#include_next <asm/current.h>

struct cpu_info *seat_cpu_info(void);
#define get_cpu_info seat_cpu_info

#endif /* SEATS_XEN_ASM_CURRENT_H_ */
