/* Of KVM's VMX half, what its functions in vmx_parts.h use: the structures are
 * ours, with the members that these functions name, and what they call of the
 * rest is answered here. To be included after mmu/mmu.c. */
#ifndef SEATS_LINUX_VMX_H_
#define SEATS_LINUX_VMX_H_

/* Headers of the tree's that stand for the rest of that half. */
#define __KVM_X86_VMX_H
#define __KVM_X86_VMX_VMCS_H
#ifndef SEAT_HAS_VMCS_HDR
struct vmcs_hdr {
  u32 revision_id;
};
#endif
enum { /* bits 14:13 of a field's encoding */
       VMCS_FIELD_WIDTH_U16,
       VMCS_FIELD_WIDTH_U64,
       VMCS_FIELD_WIDTH_U32,
       VMCS_FIELD_WIDTH_NATURAL_WIDTH
};
int vmcs_field_width(unsigned long field);
#include "vmx/vmcs12.h"

#ifndef PML_ENTITY_NUM
#define PML_ENTITY_NUM 512
#endif
#ifndef PML_LOG_NR_ENTRIES
#define PML_LOG_NR_ENTRIES 512
#endif

union seat_exit_reason {
  u32 full;
  u16 basic;
};

struct seat_vmx_msrs {
  u32 secondary_ctls_high;
  u64 ept_caps;
};

struct vcpu_vmx {
  struct kvm_vcpu vcpu;
  u32 idt_vectoring_info;
  union seat_exit_reason exit_reason;
  struct {
    union seat_exit_reason exit_reason;
  } vt;
  struct {
    struct seat_vmx_msrs msrs;
    bool pml_full;
  } nested;
};

/* What an exit of the nested guest looks like to KVM, and what KVM makes of it
 * for the guest hypervisor. */
struct seat_exit {
  u64 hardware_qualification;
  u64 hardware_gpa;
  bool happened;
  u32 reason;
  u64 qualification;
};

static struct vcpu_vmx seat_vmx;
static struct vmcs12 seat_vmcs12;
static struct seat_exit seat_exit;
static const bool enable_vnmi = true;

/* Why the nested guest is not running. */
static void seat_exit_reason(u32 reason) {
  seat_vmx.exit_reason.full = reason;
  seat_vmx.vt.exit_reason.full = reason;
}

static struct vcpu_vmx* to_vmx(struct kvm_vcpu* vcpu) {
  return container_of(vcpu, struct vcpu_vmx, vcpu);
}
static struct vmcs12* get_vmcs12(struct kvm_vcpu* vcpu) {
  (void)vcpu;
  return &seat_vmcs12;
}
static unsigned long vmx_get_exit_qual(struct kvm_vcpu* vcpu) {
  (void)vcpu;
  return seat_exit.hardware_qualification;
}
/* Of fields, these functions read one, and set bits in one that is nothing to
 * EPT. */
static u64 vmcs_read64(unsigned long field) {
  if (field != GUEST_PHYSICAL_ADDRESS) BUG();
  return seat_exit.hardware_gpa;
}
static void vmcs_set_bits(unsigned long field, u32 bits) {
  if (field != GUEST_INTERRUPTIBILITY_INFO) BUG();
  (void)bits;
}
static void nested_vmx_vmexit(struct kvm_vcpu* vcpu, u32 reason,
                              u32 interruption, unsigned long qualification) {
  (void)vcpu;
  (void)interruption;
  seat_exit.happened = true;
  seat_exit.reason = reason;
  seat_exit.qualification = qualification;
}
/* A guest whose memory is encrypted. */
static bool vt_is_tdx_private_gpa(struct kvm* kvm, gpa_t gpa) {
  (void)kvm;
  (void)gpa;
  return false;
}
/* Shadow tables are not kept here. */
static void nested_ept_invalidate_addr(struct kvm_vcpu* vcpu, gpa_t eptp,
                                       gpa_t address) {
  (void)vcpu;
  (void)eptp;
  (void)address;
}

/* kvm_mmu_page_fault() goes on to shadow tables; here it ends with the walk. */
static int seat_page_fault(struct kvm_vcpu* vcpu, gpa_t gpa, u64 error_code,
                           void* instruction, int length);
#define kvm_mmu_page_fault seat_page_fault
#include "vmx_parts.h"
#undef kvm_mmu_page_fault

#endif /* SEATS_LINUX_VMX_H_ */
