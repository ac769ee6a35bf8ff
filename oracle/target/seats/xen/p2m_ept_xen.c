/* The half of p2m_ept.c that is compiled with Xen's headers: what Xen's p2m
 * calls, and the ways into it, each under the p2m's lock as Xen's callers hold
 * it. */
#include "p2m_overrides.h"

#include "arch/x86/mm/mm-locks.h"
#include "arch/x86/mm/p2m.h"
#include "p2m_ept.h"

static struct domain the_domain;
static struct vcpu the_vcpu;
static struct vcpu *vcpus[1];
static struct cpu_info the_cpu;
static struct p2m_domain host_p2m;
static struct cpu_policy the_policy;

/* The type that all MTRRs have at present. */
static unsigned int type_by_mtrrs;

static struct {
  unsigned long mfn;
  struct page_info page;
} pages[128];

unsigned int paddr_bits;

struct cpu_info *seat_cpu_info(void) { return &the_cpu; }
void printk(const char *format, ...) {}
void __domain_crash(struct domain *d) { seat_fails("Xen crashes the domain"); }

/* ----------------------------------------------------------------- frames */

struct page_info *seat_page_of(mfn_t mfn) {
  unsigned int i;
  for (i = 0; i < ARRAY_SIZE(pages); ++i) {
    if (pages[i].mfn == mfn_x(mfn)) return &pages[i].page;
  }
  seat_fails("Xen looks for a page that is no table");
  return NULL;
}

mfn_t seat_mfn_of(const struct page_info *page) {
  return _mfn(container_of(page, typeof(pages[0]), page)->mfn);
}

/* As hap_alloc_p2m_page() and hap_free_p2m_page() of mm/hap/hap.c. */
static struct page_info *allocate_page(struct domain *d) {
  const unsigned long mfn = p2m_ept_allocate();
  unsigned int i;
  if (mfn == -1ul) return NULL;
  for (i = 0; i < ARRAY_SIZE(pages); ++i) {
    if (pages[i].mfn != 0) continue;
    memset(&pages[i], 0, sizeof(pages[i]));
    pages[i].mfn = mfn;
    return &pages[i].page;
  }
  seat_fails("more frames are allocated than there are");
  return NULL;
}

static void free_page_of_p2m(struct domain *d, struct page_info *page) {
  const unsigned long mfn = mfn_x(seat_mfn_of(page));
  container_of(page, typeof(pages[0]), page)->mfn = 0;
  p2m_ept_release(mfn);
}

void *map_domain_page(mfn_t mfn) { return p2m_ept_map(mfn_x(mfn)); }
void unmap_domain_page(const void *address) {}
bool __mfn_valid(unsigned long mfn) { return true; }

/* ------------------------------------------------------------ the machine */

/* The processors on which the domain runs leave the guest, and execute INVEPT
 * before they enter it again: vmx_vmenter_helper() of hvm/vmx/vmx.c. */
void on_selected_cpus(const cpumask_t *selected, void (*function)(void *data),
                      void *data, int wait) {
  p2m_ept_invept();
}

int mtrr_get_type(const struct mtrr_state *m, paddr_t address,
                  unsigned int order) {
  return type_by_mtrrs;
}

int hvm_get_mem_pinned_cacheattr(struct domain *d, gfn_t gfn,
                                 unsigned int order) {
  return -ENXIO; /* none is pinned */
}

bool rangeset_overlaps_range(struct rangeset *r, unsigned long first,
                             unsigned long last) {
  return false; /* of memory that only Xen may write */
}

bool rangeset_contains_range(struct rangeset *r, unsigned long first,
                             unsigned long last) {
  return false;
}

bool rangeset_is_empty(const struct rangeset *r) { return true; }

int iommu_legacy_map(struct domain *d, dfn_t dfn, mfn_t mfn,
                     unsigned long count, unsigned int flags) {
  return 0;
}

int iommu_legacy_unmap(struct domain *d, dfn_t dfn, unsigned long count) {
  return 0;
}

/* No alternative p2m is in use. Older versions have it in p2m.c. */
__attribute__((weak)) int p2m_altp2m_propagate_change(
    struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order,
    p2m_type_t type, p2m_access_t access) {
  return 0;
}

struct hvm_function_table hvm_funcs;

static void set_capabilities(int has_2_mbyte_pages, int has_1_gbyte_pages) {
#ifdef SEAT_HAS_HAP_CAPABILITIES
  hvm_funcs.hap_capabilities =
      (has_2_mbyte_pages ? HVM_HAP_SUPERPAGE_2MB : 0) |
      (has_1_gbyte_pages ? HVM_HAP_SUPERPAGE_1GB : 0);
#else
  hvm_funcs.caps.hap_superpage_2mb = has_2_mbyte_pages;
  hvm_funcs.caps.hap_superpage_1gb = has_1_gbyte_pages;
#endif
}

/* ------------------------------------------------------------- the ways in */

int p2m_ept_create(int has_2_mbyte_pages, int has_1_gbyte_pages,
                   unsigned int maxphyaddr, unsigned long *root) {
  mfn_t mfn;
  memset(pages, 0, sizeof(pages));
  memset(&host_p2m, 0, sizeof(host_p2m));
  memset(&the_domain, 0, sizeof(the_domain));
  set_capabilities(has_2_mbyte_pages, has_1_gbyte_pages);
  paddr_bits = maxphyaddr;
  the_cpu.current_vcpu = vcpus[0] = &the_vcpu;
  the_vcpu.domain = &the_domain;
  the_domain.vcpu = vcpus;
  the_domain.options = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap |
                       XEN_DOMCTL_CDF_iommu;
  the_domain.arch.paging.mode = PG_translate | PG_external | PG_HAP_enable;
  the_domain.arch.paging.alloc_page = allocate_page;
  the_domain.arch.paging.free_page = free_page_of_p2m;
  the_domain.arch.p2m = &host_p2m;
  the_domain.arch.cpuid = &the_policy;
  the_domain.arch.hvm.vmx.exec_sp = true;
  the_policy.extd.maxphysaddr = maxphyaddr;
  host_p2m.domain = &the_domain;
  host_p2m.default_access = p2m_access_rwx;
  host_p2m.p2m_class = p2m_host;
  INIT_PAGE_LIST_HEAD(&host_p2m.pages);
  /* Held by this processor from the beginning, so that locking counts. */
  mm_rwlock_init(&host_p2m.lock);
  host_p2m.lock.locker = smp_processor_id();
  host_p2m.lock.recurse_count = 1;
  if (ept_p2m_init(&host_p2m) != 0) seat_fails("ept_p2m_init() fails");
  mfn = p2m_alloc_ptp(&host_p2m, 4);
  if (mfn_eq(mfn, INVALID_MFN)) return P2M_NO_FRAMES;
  host_p2m.phys_table = pagetable_from_mfn(mfn);
  host_p2m.ept.mfn = mfn_x(mfn);
  *root = mfn_x(mfn);
  return P2M_DONE;
}

static int set(unsigned long gfn, mfn_t mfn, unsigned int order,
               p2m_type_t type, p2m_access_t access) {
  int result;
  p2m_lock(&host_p2m);
  result = p2m_set_entry(&host_p2m, _gfn(gfn), mfn, order, type, access);
  p2m_unlock(&host_p2m);
  return result == 0 ? P2M_DONE
                     : result == -ENOMEM ? P2M_NO_FRAMES : P2M_REFUSED;
}

int p2m_ept_set(unsigned long gfn, unsigned long mfn, unsigned int order,
                unsigned int access, unsigned int memory_type) {
  type_by_mtrrs = memory_type;
  return set(gfn, _mfn(mfn), order, p2m_ram_rw, access);
}

/* As p2m_remove_entry() of mm/p2m.c. */
int p2m_ept_remove(unsigned long gfn, unsigned int order) {
  return set(gfn, INVALID_MFN, order, p2m_invalid, host_p2m.default_access);
}

unsigned long p2m_ept_get(unsigned long gfn, unsigned int *order) {
  p2m_type_t type;
  p2m_access_t access;
  mfn_t mfn;
  p2m_lock(&host_p2m);
  mfn = host_p2m.get_entry(&host_p2m, _gfn(gfn), &type, &access, 0, order,
                           NULL);
  p2m_unlock(&host_p2m);
  return mfn_eq(mfn, INVALID_MFN) ? -1ul : mfn_x(mfn);
}
