/* The half of nested_ept.c that is compiled with Xen's headers: what Xen's parts
 * call, and the way into them. ept_handle_violation() is static, so that its
 * file is included here. */
#include "arch/x86/hvm/vmx/vmx.c"

#include "nested_ept.h"

static const struct nested_access *asked;
static struct nested_result *answer;

static struct domain the_domain;
static struct vcpu the_vcpu;
static struct cpu_info the_cpu;
static struct p2m_domain host_p2m;
static struct p2m_domain nested_p2m;

struct cpu_info *seat_cpu_info(void) { return &the_cpu; }

unsigned int paddr_bits;
#ifdef SEAT_HAS_VMX_CAPS
struct vmx_caps vmx_caps;
#define vmx_secondary_exec_control vmx_caps.secondary_exec_control
#define vmx_ept_vpid_cap vmx_caps.ept
#else
u32 vmx_secondary_exec_control;
u64 vmx_ept_vpid_cap;
#endif

/* ------------------------------------------------------- the processor */

void seat_vmread(unsigned long field, unsigned long *value) {
  switch (field) {
    case EXIT_QUALIFICATION:
      *value = asked->qualification;
      break;
    case GUEST_LINEAR_ADDRESS:
      *value = asked->gla;
      break;
    case GUEST_PHYSICAL_ADDRESS:
      *value = asked->gpa;
      break;
    default:
      seat_fails("a field of the VMCS is read that the seat does not have");
  }
}

void __domain_crash(struct domain *d) { seat_fails("Xen crashes the domain"); }
void printk(const char *format, ...) {}

void vmx_vmcs_enter(struct vcpu *v) {}
void vmx_vmcs_exit(struct vcpu *v) {}

/* ------------------------------------------ the guest hypervisor's memory */

void *map_domain_gfn(struct p2m_domain *p2m, gfn_t gfn, mfn_t *mfn,
                     p2m_query_t q, uint32_t *pfec) {
  const unsigned long address = gfn_x(gfn) << PAGE_SHIFT;
  *pfec = 0;
  if (address >> asked->maxphyaddr != 0) return NULL;
  *mfn = _mfn(gfn_x(gfn));
  return (void *)nested_ept_table(address);
}

void unmap_domain_page(const void *address) {}
void put_page(struct page_info *page) {}

/* As nvmx_vcpu_eptp_base() has it: the field of the guest hypervisor's VMCS. */
static uint64_t base_of_guest_ept(struct vcpu *v) {
  return asked->eptp & PAGE_MASK;
}

/* --------------------------------------------------------- Xen's own EPT */

/* The guest hypervisor has all of the machine's memory, at its address there,
 * and in pages of 1 GByte. */
mfn_t p2m_get_gfn_type_access(struct p2m_domain *p2m, gfn_t gfn, p2m_type_t *t,
                              p2m_access_t *a, p2m_query_t q,
                              unsigned int *page_order, bool locked) {
  *t = p2m_ram_rw;
  *a = p2m_access_rwx;
  if (page_order) *page_order = PAGE_ORDER_1G;
  return _mfn(gfn_x(gfn));
}

void p2m_put_gfn(struct p2m_domain *p2m, gfn_t gfn) {}
void p2m_unlock_and_tlb_flush(struct p2m_domain *p2m) {}
bool __mfn_valid(unsigned long mfn) { return true; }

struct p2m_domain *p2m_get_nestedp2m_locked(struct vcpu *v) {
  return &nested_p2m;
}

/* What Xen's own tables for the guest's guest get. */
int p2m_set_entry(struct p2m_domain *p2m, gfn_t gfn, mfn_t mfn,
                  unsigned int page_order, p2m_type_t p2mt,
                  p2m_access_t access) {
  answer->page = mfn_x(mfn) << PAGE_SHIFT;
  answer->shift = page_order + PAGE_SHIFT;
  answer->rights = access;
  return 0;
}

/* ------------------------------------------------------------ the way in */

/* Of hvm/hvm.c, what it does first where the guest is a guest's guest. */
int hvm_hap_nested_page_fault(paddr_t gpa, unsigned long gla,
                              struct npfec npfec) {
  switch (nestedhvm_hap_nested_page_fault(&the_vcpu, &gpa, npfec)) {
    case NESTEDHVM_PAGEFAULT_DONE:
    case NESTEDHVM_PAGEFAULT_RETRY:
      return 1;
    case NESTEDHVM_PAGEFAULT_INJECT:
      return -1;
    default:
      return 0;
  }
}

int nvmx_hap_walk_L1_p2m(struct vcpu *v, paddr_t L2_gpa, paddr_t *L1_gpa,
                         unsigned int *page_order, uint8_t *p2m_acc,
                         struct npfec npfec);

struct hvm_function_table hvm_funcs = {
    .nhvm_vcpu_p2m_base = base_of_guest_ept,
    .nhvm_hap_walk_L1_p2m = nvmx_hap_walk_L1_p2m,
};

void nested_ept_access(const struct nested_access *access,
                       struct nested_result *result) {
  struct nestedvmx *const nvmx = &vcpu_2_nvmx(&the_vcpu);
  asked = access;
  answer = result;
  the_vcpu.domain = &the_domain;
  the_cpu.current_vcpu = &the_vcpu;
  the_domain.arch.paging.mode = PG_translate;
  the_domain.arch.p2m = &host_p2m;
  host_p2m.domain = nested_p2m.domain = &the_domain;
  paddr_bits = access->maxphyaddr;
  vmx_secondary_exec_control =
      SECONDARY_EXEC_ENABLE_EPT | SECONDARY_EXEC_ENABLE_VPID;
  vmx_ept_vpid_cap = access->execute_only ? VMX_EPT_EXEC_ONLY_SUPPORTED : 0;
  vcpu_nestedhvm(&the_vcpu).nv_vmexit_pending = 0;

  ept_handle_violation((ept_qual_t){.raw = access->qualification},
                       access->gpa);
  result->exits = vcpu_nestedhvm(&the_vcpu).nv_vmexit_pending;
  result->reason = nvmx->ept.exit_reason;
  result->qualification = nvmx->ept.exit_qual;
}
