/* Xen's walk of a guest's tables, once for each GUEST_PAGING_LEVELS, as Xen
 * compiles it; but that RDPKRU, which it executes, asks the seat. */

/* In the order that Xen's headers want. */
/* clang-format off */
#include <xen/domain_page.h>
#include <xen/paging.h>
#include <xen/sched.h>
#include <asm/guest_pt.h>
#include <asm/hvm/emulate.h>
#include <asm/p2m.h>
#if __has_include(<asm/prot-key.h>)
#include <asm/prot-key.h>
#endif
/* clang-format on */

unsigned int seat_rdpkru(void);
#define rdpkru seat_rdpkru

#include "arch/x86/mm/guest_walk.c"
#include "arch/x86/mm/hap/guest_walk.c"
