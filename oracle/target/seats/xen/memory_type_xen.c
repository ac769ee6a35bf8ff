/* The half of memory_type.c that is compiled with Xen's headers: a domain with
 * the guest's MTRRs, and what Xen calls on the way to a type. */
#include "p2m_overrides.h"

#include "memory_type.h"

/* No frame is one that Xen has mapped into the guest. */
#undef mfn_valid
#define mfn_valid(mfn) true

#include "arch/x86/mm/p2m-ept.c"

static struct domain the_domain;
static struct vcpu the_vcpu;
static struct cpu_info the_cpu;
static struct cpu_policy the_policy;
static struct mtrr_var_range ranges_of_machine[16], ranges_of_guest[16];

unsigned int paddr_bits;
u32 num_var_ranges; /* of cpu/mtrr/main.c */
void get_mtrr_state(void);

struct cpu_info *seat_cpu_info(void) { return &the_cpu; }
void printk(const char *format, ...) {}

/* Of hvm_vcpu_cacheattr_init() alone. */
void *_xzalloc(unsigned long size, unsigned long align) {
  memset(ranges_of_guest, 0, sizeof(ranges_of_guest));
  return size <= sizeof(ranges_of_guest) ? ranges_of_guest : NULL;
}

bool rangeset_overlaps_range(struct rangeset *r, unsigned long first,
                             unsigned long last) {
  return false; /* of memory that only Xen may write */
}

bool rangeset_is_empty(const struct rangeset *r) { return true; }

/* As at boot; `overlapped` with Xen's first WRMSR to a MTRR (prepare_set()). */
static void read_machines_mtrrs(void) {
  memset(&mtrr_state, 0, sizeof(mtrr_state));
  num_var_ranges = seat_rdmsr(MSR_MTRRcap) & 0xff;
  mtrr_state.var_ranges = ranges_of_machine;
  get_mtrr_state();
  mtrr_state.overlapped = is_var_mtrr_overlapped(&mtrr_state);
}

/* As hvm_msr_write_intercept() of hvm/hvm.c has it. */
static bool set_guests_mtrrs(void) {
  struct mtrr_state *m = &the_vcpu.arch.hvm.mtrr;
  static const unsigned int fixed[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                                       0x26b, 0x26c, 0x26d, 0x26e, 0x26f};
  unsigned int i;
  if (hvm_vcpu_cacheattr_init(&the_vcpu) != 0) return false;
  for (i = 0; i < 16; ++i) {
    if (!mtrr_var_range_msr_set(&the_domain, m, 0x200 + i,
                                seat_guests_msr(0x200 + i))) {
      return false;
    }
  }
  for (i = 0; i < ARRAY_SIZE(fixed); ++i) {
    if (!mtrr_fix_range_msr_set(&the_domain, m, i, seat_guests_msr(fixed[i]))) {
      return false;
    }
  }
  return mtrr_def_type_msr_set(&the_domain, m, seat_guests_msr(0x2ff));
}

int memory_type_of_page(unsigned long gfn, unsigned long mfn,
                        unsigned int order, int is_device, int has_iommu) {
  bool ignores_pat = false;
  int type;
  memset(&the_domain, 0, sizeof(the_domain));
  memset(&the_vcpu, 0, sizeof(the_vcpu));
  the_cpu.current_vcpu = &the_vcpu;
  the_vcpu.domain = &the_domain; /* nothing of which is mapped yet */
  the_domain.options = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap |
                       (has_iommu ? XEN_DOMCTL_CDF_iommu : 0);
  the_domain.arch.paging.mode = PG_translate | PG_external | PG_HAP_enable;
  the_domain.arch.cpuid = &the_policy;
  the_policy.extd.maxphysaddr = seat_guests_maxphyaddr();
  paddr_bits = seat_maxphyaddr();
  INIT_LIST_HEAD(&the_domain.pdev_list); /* whoever has one has an IOMMU */
  hvm_init_cacheattr_region_list(&the_domain);
  read_machines_mtrrs();
  if (!set_guests_mtrrs()) return -2;
  type = epte_get_entry_emt(&the_domain, _gfn(gfn), _mfn(mfn), order,
                            &ignores_pat,
                            is_device ? p2m_mmio_direct : p2m_ram_rw);
  return type < 0 ? -1 : type << 3 | ignores_pat << 6;
}
