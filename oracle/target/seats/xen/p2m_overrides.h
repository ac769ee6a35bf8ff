/* Before p2m.c and p2m-ept.c of Xen: all headers of theirs in which something
 * is the seat's affair, and what it is instead.
 *
 * Pages of Xen's are looked up in the seat, as its table of all the machine's
 * frames lies where a process has no memory; and stores to entries are plain
 * stores, which the compiler announces (oracle/target/eptdiff_stores.h), where
 * Xen has assembly. */
#ifndef EPTDIFF_SEATS_XEN_P2M_OVERRIDES_H_
#define EPTDIFF_SEATS_XEN_P2M_OVERRIDES_H_

/* In the order that Xen's headers want. */
/* clang-format off */
#include <xen/domain_page.h>
#include <xen/iommu.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <asm/altp2m.h>
#include <asm/hvm/nestedhvm.h>
#include <asm/hvm/vmx/vmcs.h>
#include <asm/hvm/vmx/vmx.h>
#include <asm/mem_sharing.h>
#include <asm/mtrr.h>
#include <asm/p2m.h>
#include <asm/paging.h>
/* clang-format on */

struct page_info *seat_page_of(mfn_t mfn);
mfn_t seat_mfn_of(const struct page_info *page);

#undef mfn_to_page
#undef page_to_mfn
#define mfn_to_page seat_page_of
#define page_to_mfn seat_mfn_of

/* The p2m's list of its pages, which are numbers in that table; the seat has a
 * list of its own. */
#define page_list_add_tail(page, head) ((void)0)
#define page_list_del(page, head) ((void)0)

/* No page of a guest's here is Xen's own. */
#undef is_special_page
#define is_special_page(page) false

#undef read_atomic
#undef write_atomic
#define read_atomic(from) (*(const volatile __typeof__(*(from)) *)(from))
#define write_atomic(to, value) \
  ((void)(*(volatile __typeof__(*(to)) *)(to) = (value)))

#endif /* EPTDIFF_SEATS_XEN_P2M_OVERRIDES_H_ */
