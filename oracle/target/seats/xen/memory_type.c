/* The memory types that Xen gives the pages of an HVM guest.
 *
 * Judged: epte_get_entry_emt() of mm/p2m-ept.c; of hvm/mtrr.c mtrr_get_type()
 * and the guest's MTRRs as Xen keeps them (mtrr_var_range_msr_set() and its
 * neighbours); of cpu/mtrr/generic.c how Xen reads the machine's.
 *
 * Stubbed: RDMSR; the domain, which has an IOMMU if it has a device that does
 * not snoop caches; ranges that are pinned to a type, of which there are none.
 *
 * Not judged: a guest with an IOMMU whose devices all snoop, for Xen treats it
 * as it does the others with one; which pages are a device's, grants, or Xen's
 * own; what becomes of pages that are mapped already. A guest of Xen's has 8
 * variable ranges, fixed ranges, and no SMRRs; other MTRRs of a guest are not
 * asked about, nor machines without fixed ranges.
 *
 * Xen's policy: the guest's MTRRs and the machine's decide together, and its
 * PAT; while its CR0.CD is 1, Xen gives it an IA32_PAT that is UC throughout
 * (vmx_handle_cd() of hvm/vmx/vmx.c). A guest without an IOMMU has WB. */
#include "memory_type.h"

#include <stdint.h>

#include "oracle/target/eptdiff_mtrr.h"

EPTDIFF_MTRR_DEFINE_ABI;
EPTDIFF_PAGE_POLICY(EPTDIFF_RAM_WRITE_BACK | EPTDIFF_AND_MACHINE |
                    EPTDIFF_CD_IN_PAT);

#define FRAME_SHIFT 12
#define CAP_FIXED 0x100u

static const eptdiff_mtrrs *machine;
static const eptdiff_mtrrs *guest;

unsigned long seat_rdmsr(unsigned int msr) {
  return eptdiff_mtrrs_read(machine, msr);
}
unsigned long seat_guests_msr(unsigned int msr) {
  return eptdiff_mtrrs_read(guest, msr);
}
unsigned int seat_maxphyaddr(void) { return machine->maxphyaddr; }
unsigned int seat_guests_maxphyaddr(void) { return guest->maxphyaddr; }

uint32_t eptdiff_page_type(const eptdiff_page *page) {
  unsigned int order = 0;
  int type;
  machine = page->host;
  guest = page->guest;
  if ((guest->cap & 0x1ff) != (CAP_FIXED | 8) ||
      (machine->cap & CAP_FIXED) == 0) {
    return EPTDIFF_PAGE_NO_SUCH_PAGE;
  }
  while (page->bytes >> FRAME_SHIFT >> order > 1) ++order;
  type = memory_type_of_page(page->gpa >> FRAME_SHIFT,
                             page->hpa >> FRAME_SHIFT, order,
                             (page->flags & EPTDIFF_PAGE_IS_DEVICE) != 0,
                             (page->flags & EPTDIFF_PAGE_IS_UNSNOOPED) != 0);
  if (type == -2) return EPTDIFF_PAGE_NO_SUCH_PAGE;
  return type == -1 ? EPTDIFF_PAGE_SMALLER_PAGES : (uint32_t)type;
}
