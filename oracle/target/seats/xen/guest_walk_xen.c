/* The half of guest_walk.c that is compiled with Xen's headers: what Xen's walk
 * calls, and the way into it. */
#include "guest_walk.h"

/* In the order that Xen's headers want. */
/* clang-format off */
#include <xen/domain_page.h>
#include <xen/sched.h>
#include <asm/hvm/support.h>
#include <asm/p2m.h>
#include <asm/paging.h>
/* clang-format on */

#include "arch/x86/mm/hap/private.h"

static const struct guest_access *asked;

static struct domain the_domain;
static struct vcpu the_vcpu;
static struct cpu_info the_cpu;
static struct p2m_domain host_p2m;
static struct cpu_policy the_policy;

struct cpuinfo_x86 boot_cpu_data;

struct cpu_info *seat_cpu_info(void) { return &the_cpu; }
unsigned int seat_rdpkru(void) { return asked->pkru; }

/* Frames by their number, without holes. */
unsigned long pfn_pdx_bottom_mask = ~0ul;

/* --------------------------------------------------------- guest's memory */

struct page_info *p2m_get_page_from_gfn(struct p2m_domain *p2m, gfn_t gfn,
                                        p2m_type_t *t, p2m_access_t *a,
                                        p2m_query_t q) {
  unsigned long hpa;
  *t = p2m_ram_rw;
  if (!guest_walk_page(gfn_x(gfn) << PAGE_SHIFT, &hpa)) return NULL;
  return mfn_to_page(_mfn(hpa >> PAGE_SHIFT));
}

void *map_domain_page(mfn_t mfn) {
  return guest_walk_map(mfn_x(mfn) << PAGE_SHIFT);
}

void unmap_domain_page(const void *address) {}
void put_page(struct page_info *page) {}
void paging_mark_dirty(struct domain *d, mfn_t mfn) {}

/* Of the emulator, whose cache is off: each entry is read from memory. */
bool hvmemul_read_cache(const struct vcpu *v, paddr_t gpa, void *buffer,
                        unsigned int size) {
  return false;
}

void hvmemul_write_cache(const struct vcpu *v, paddr_t gpa, const void *buffer,
                         unsigned int size) {}

/* ------------------------------------------------------------ the way in */

static void set_feature(unsigned int feature, int there) {
  const uint32_t bit = 1u << feature % 32;
  uint32_t *const word = &boot_cpu_data.x86_capability[feature / 32];
  *word = there ? *word | bit : *word & ~bit;
}

/* By the mode that hap_paging_get_mode() of mm/hap/hap.c would have chosen. */
static unsigned long walk(uint32_t *pfec) {
  if (the_vcpu.arch.hvm.guest_efer & EFER_LMA) {
    return hap_gva_to_gfn_4_levels(&the_vcpu, &host_p2m, asked->gla, pfec);
  }
  if (the_vcpu.arch.hvm.guest_cr[4] & X86_CR4_PAE) {
    return hap_gva_to_gfn_3_levels(&the_vcpu, &host_p2m, asked->gla, pfec);
  }
  return hap_gva_to_gfn_2_levels(&the_vcpu, &host_p2m, asked->gla, pfec);
}

void guest_walk_access(const struct guest_access *access,
                       struct guest_result *result) {
  uint32_t pfec = PFEC_page_present;
  unsigned long gfn;
  asked = access;
  the_vcpu.domain = &the_domain;
  the_cpu.current_vcpu = &the_vcpu;
  the_cpu.guest_cpu_user_regs.eflags = access->rflags;
  the_domain.arch.paging.mode = PG_translate | PG_external | PG_HAP_enable;
  the_domain.arch.p2m = &host_p2m;
  the_domain.arch.cpuid = &the_policy;
  the_policy.extd.maxphysaddr = access->maxphyaddr;
  host_p2m.domain = &the_domain;
  the_vcpu.arch.hvm.guest_cr[0] = access->cr0;
  the_vcpu.arch.hvm.guest_cr[3] = access->cr3;
  the_vcpu.arch.hvm.guest_cr[4] = access->cr4;
  the_vcpu.arch.hvm.guest_efer = access->efer;
  set_feature(X86_FEATURE_PAGE1GB, access->has_1_gbyte_pages);
  set_feature(X86_FEATURE_PSE36, access->has_pse36);

  if (access->write) pfec |= PFEC_write_access;
  if (access->fetch) pfec |= PFEC_insn_fetch;
  if (access->user) pfec |= PFEC_user_mode;
  if (access->implicit) pfec |= PFEC_implicit;
  gfn = walk(&pfec);
  result->translated = gfn != gfn_x(INVALID_GFN);
  result->gpa = (gfn << PAGE_SHIFT) | (access->gla & ~PAGE_MASK);
  result->error_code = pfec;
}
