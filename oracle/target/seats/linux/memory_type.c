/* The seat of the memory types that KVM gives its guests' pages.
 *
 * What is judged: vmx_get_mt_mask() (vmx/vmx.c), the guest's MTRRs as KVM keeps
 * them (mtrr.c: kvm_mtrr_set_msr() and, up to 6.10, what it finds for a page
 * and whether a page may be large).
 *
 * What is stubbed: the virtual processor, which has the guest's MTRRs as WRMSR
 * would have set them; whether a device does not snoop caches.
 *
 * What cannot be judged: which pages KVM takes for a device's, what becomes of
 * pages that are mapped already (kvm_zap_gfn_range() does nothing here). A
 * guest of KVM's has 8 variable ranges, fixed ranges, and no SMRRs; other MTRRs
 * are not asked about. From 6.11 on a guest's MTRRs and CR0.CD have no effect
 * on purpose, which the policy says. */
#include "x86.h"

enum {
  MTRR_TYPE_UNCACHABLE = 0,
  MTRR_TYPE_WRBACK = 6,
  MTRR_TYPE_WRTHROUGH = 4,
};
#define MTRRphysBase_MSR(n) (0x200 + 2 * (n))
#define MTRRphysMask_MSR(n) (0x200 + 2 * (n) + 1)

#include "mmu.h"
#include "mtrr.c"

static bool seat_is_unsnooped;
bool kvm_arch_has_noncoherent_dma(struct kvm* kvm) {
  (void)kvm;
  return seat_is_unsnooped;
}

#include "memory_type_parts.h"
#include "oracle/target/eptdiff_mtrr.h"

EPTDIFF_MTRR_DEFINE_ABI;
#ifdef SEAT_HAS_GUEST_MTRRS
EPTDIFF_PAGE_POLICY(EPTDIFF_RAM_WRITE_BACK);
#else
EPTDIFF_PAGE_POLICY(EPTDIFF_RAM_WRITE_BACK | EPTDIFF_PAT_ALONE);
#endif

void abort(void);
int dprintf(int, const char*, ...);

void seat_bug(const char* file, int line) {
  dprintf(2, "%s:%d: an assertion of KVM's\n", file, line);
  abort();
}

u64 kvm_vcpu_reserved_gpa_bits_raw(struct kvm_vcpu* vcpu) {
  return vcpu->arch.reserved_gpa_bits;
}
#ifdef SEAT_HAS_GUEST_MTRRS
/* The guest's processor has them. */
struct kvm_cpuid_entry2* kvm_find_cpuid_entry_index(struct kvm_vcpu* vcpu,
                                                    u32 function, u32 index) {
  static struct kvm_cpuid_entry2 entry = {.function = 1, .edx = 1u << 12};
  (void)vcpu;
  return function == 1 && index == 0 ? &entry : 0;
}
#endif

static bool seat_set(struct kvm_vcpu* vcpu, const eptdiff_mtrrs* mtrrs) {
  static const u32 others[] = {0x250, 0x258, 0x259, 0x268, 0x269, 0x26a,
                               0x26b, 0x26c, 0x26d, 0x26e, 0x26f, 0x2ff};
  u32 msr;
  unsigned i;

  for (msr = 0x200; msr < 0x200 + 2 * KVM_NR_VAR_MTRR; ++msr) {
    if (kvm_mtrr_set_msr(vcpu, msr, eptdiff_mtrrs_read(mtrrs, msr))) {
      return false;
    }
  }
  for (i = 0; i < ARRAY_SIZE(others); ++i) {
    if (kvm_mtrr_set_msr(vcpu, others[i],
                         eptdiff_mtrrs_read(mtrrs, others[i]))) {
      return false;
    }
  }
  return true;
}

uint32_t eptdiff_page_type(const eptdiff_page* page) {
  static struct kvm kvm;
  static struct kvm_vcpu vcpu;
  const gfn_t gfn = page->gpa >> PAGE_SHIFT;

  if ((page->guest->cap & 0x1ff) != (0x100 | KVM_NR_VAR_MTRR)) {
    return EPTDIFF_PAGE_NO_SUCH_PAGE;
  }
  memset(&kvm, 0, sizeof(kvm));
  memset(&vcpu, 0, sizeof(vcpu));
  vcpu.kvm = &kvm;
  memset(&vcpu.arch.regs_avail, 0xff, sizeof(vcpu.arch.regs_avail));
  vcpu.arch.cr0 = page->guest_cr0;
  vcpu.arch.reserved_gpa_bits = rsvd_bits(page->guest->maxphyaddr, 63);
  /* What CR0.CD means to the guest is for it to say. */
  kvm.arch.disabled_quirks = KVM_X86_QUIRK_CD_NW_CLEARED;
  seat_is_unsnooped = (page->flags & EPTDIFF_PAGE_IS_UNSNOOPED) != 0;
#ifdef SEAT_HAS_GUEST_MTRRS
  kvm_vcpu_mtrr_init(&vcpu);
#endif
  if (!seat_set(&vcpu, page->guest)) return EPTDIFF_PAGE_NO_SUCH_PAGE;
#ifdef SEAT_HAS_GUEST_MTRRS
  /* kvm_tdp_page_fault() */
  if (seat_is_unsnooped && page->bytes > PAGE_SIZE &&
      !kvm_mtrr_check_gfn_range_consistency(&vcpu, gfn,
                                            page->bytes >> PAGE_SHIFT)) {
    return EPTDIFF_PAGE_SMALLER_PAGES;
  }
#endif
  return vmx_get_mt_mask(&vcpu, gfn,
                         (page->flags & EPTDIFF_PAGE_IS_DEVICE) != 0);
}

/* The one symbol that the rest hangs on. */
const void* const seat_entry[] = {eptdiff_page_type, &eptdiff_page_policy,
                                  &eptdiff_mtrr_abi};
