/* A virtual processor of KVM's that runs a nested guest, as a question has it:
 * mmu/mmu.c of the tree with memory below it. */
#ifndef SEATS_LINUX_KVM_H_
#define SEATS_LINUX_KVM_H_

#include "mmu/mmu.c"
#include "oracle/target/eptdiff_target.h"
#include "vmx.h"

static const eptdiff_question* seat_question;
static const eptdiff_memory* seat_memory;

void abort(void);
char* getenv(const char*);
int dprintf(int, const char*, ...);

void seat_bug(const char* file, int line) {
  dprintf(2, "%s:%d: an assertion of KVM's\n", file, line);
  abort();
}

/* Physical memory of the guest hypervisor is the question's, its frames lie at
 * "user" addresses of the same number, all of it is there and can be written.
 */
static struct kvm_memory_slot seat_slot;

struct kvm_memory_slot* kvm_vcpu_gfn_to_memslot(struct kvm_vcpu* vcpu,
                                                gfn_t gfn) {
  (void)vcpu;
  (void)gfn;
  return &seat_slot;
}
unsigned long gfn_to_hva_memslot_prot(struct kvm_memory_slot* slot, gfn_t gfn,
                                      bool* writable) {
  (void)slot;
  *writable = true;
  return gfn << PAGE_SHIFT;
}
unsigned long kvm_vcpu_gfn_to_hva_prot(struct kvm_vcpu* vcpu, gfn_t gfn,
                                       bool* writable) {
  (void)vcpu;
  return gfn_to_hva_memslot_prot(&seat_slot, gfn, writable);
}
void kvm_vcpu_mark_page_dirty(struct kvm_vcpu* vcpu, gfn_t gfn) {
  (void)vcpu;
  (void)gfn;
}

static u64 part_mask(unsigned bytes) {
  return bytes == 8 ? ~0ull : (1ull << 8 * bytes) - 1;
}

int seat_get_user(const void* address, unsigned bytes, u64* value) {
  const u64 at = (u64)address;
  const unsigned shift = 8 * (at & 7);
  *value = seat_memory->load(seat_memory->context, at & ~7ull) >> shift &
           part_mask(bytes);
  return 0;
}

/* With PML, what other processors do between the load of an entry and the
 * compare-exchange is not put to KVM unless EPTDIFF_SEAT_PML_RACES is set: it
 * logs the page before, and again after a compare-exchange that failed, which
 * no case can say. */
static bool seat_hides_races(void) {
  return nested_cpu_has_pml(&seat_vmcs12) &&
         getenv("EPTDIFF_SEAT_PML_RACES") == 0;
}

int seat_compare_exchange_user(void* address, unsigned bytes, u64* expected,
                               u64 desired) {
  const u64 at = (u64)address;
  const unsigned shift = 8 * (at & 7);
  const u64 mask = part_mask(bytes) << shift;
  const u64 was = seat_memory->load(seat_memory->context, at & ~7ull);
  const u64 old = (was & ~mask) | (*expected << shift & mask);
  const u64 new = (was & ~mask) | (desired << shift & mask);
  if (was == old) {
    if (seat_memory->compare_exchange(seat_memory->context, at & ~7ull, old,
                                      new)) {
      return 0;
    }
    if (seat_hides_races()) {
      seat_memory->store(
          seat_memory->context, at & ~7ull,
          seat_memory->load(seat_memory->context, at & ~7ull) | new);
      return 0;
    }
  }
  *expected = seat_memory->load(seat_memory->context, at & ~7ull) >> shift &
              part_mask(bytes);
  return 1;
}

/* The log of PML. */
int kvm_write_guest_page(struct kvm* kvm, gfn_t gfn, const void* data,
                         int offset, int length) {
  (void)kvm;
  if (length != 8) BUG();
  seat_memory->store(seat_memory->context, (gfn << PAGE_SHIFT) + offset,
                     *(const u64*)data);
  return 0;
}

/* What is asked of the processor. */
struct kvm_x86_ops kvm_x86_ops;
static struct kvm_x86_nested_ops seat_nested_ops;

static unsigned long seat_rflags(struct kvm_vcpu* vcpu) {
  (void)vcpu;
  return seat_question->rflags;
}
unsigned long (*seat_call_kvm_x86_get_rflags)(struct kvm_vcpu*) = seat_rflags;

int seat_cpu_has(int feature) {
  return feature == X86_FEATURE_GBPAGES &&
         (seat_question->cpu & EPTDIFF_CPU_1_GBYTE_PAGES) != 0;
}
#if !defined(SEAT_HAS_GOVERNED_FEATURES) && !defined(SEAT_HAS_GUEST_CPU_CAPS)
struct kvm_cpuid_entry2* kvm_find_cpuid_entry(struct kvm_vcpu* vcpu,
                                              u32 function) {
  (void)vcpu;
  (void)function;
  return 0; /* no AMD processor */
}
#endif

/* IA32_VMX_EPT_VPID_CAP. */
#define CAP_2_MBYTE (1ull << 16)
#define CAP_1_GBYTE (1ull << 17)
#define CAP_ADVANCED_INFORMATION (1ull << 22)

/* KVM offers a guest hypervisor no 1-GByte pages without 2-MByte pages, and has
 * refused page-walk lengths other than 4 and 5 at VM entry. */
static bool seat_models(const eptdiff_question* question) {
  const u64 length = question->eptp & VMX_EPTP_PWL_MASK;

  if (length != VMX_EPTP_PWL_4 && length != VMX_EPTP_PWL_5) return false;
  return (question->ept_vpid_cap & CAP_1_GBYTE) == 0 ||
         (question->ept_vpid_cap & CAP_2_MBYTE) != 0;
}

/* The virtual processor as it is when the nested guest runs. */
static struct kvm_vcpu* seat_vcpu(const eptdiff_question* question,
                                  const eptdiff_memory* memory) {
  static struct kvm kvm;
  struct kvm_vcpu* vcpu = &seat_vmx.vcpu;
  struct kvm_mmu* mmus[] = {&vcpu->arch.root_mmu, &vcpu->arch.guest_mmu,
                            &vcpu->arch.nested_mmu};
  unsigned i, k;

  seat_question = question;
  seat_memory = memory;
  memset(&seat_vmx, 0, sizeof(seat_vmx));
  memset(&seat_vmcs12, 0, sizeof(seat_vmcs12));
  memset(&seat_exit, 0, sizeof(seat_exit));

  tdp_enabled = true;
  kvm_x86_ops.nested_ops = &seat_nested_ops;
  seat_nested_ops.write_log_dirty = nested_vmx_write_pml_buffer;
#ifdef SEAT_HAS_NESTED_TRANSLATE_OP
  seat_nested_ops.translate_nested_gpa = vmx_translate_nested_gpa;
#endif

  vcpu->kvm = &kvm;
  vcpu->arch.hflags = HF_GUEST_MASK;
  memset(&vcpu->arch.regs_avail, 0xff, sizeof(vcpu->arch.regs_avail));
  vcpu->arch.maxphyaddr = question->maxphyaddr;
  vcpu->arch.reserved_gpa_bits = rsvd_bits(question->maxphyaddr, 63);
  vcpu->arch.cr0 = question->cr0;
  vcpu->arch.cr3 = question->cr3;
  vcpu->arch.cr4 = question->cr4;
  vcpu->arch.efer = question->efer;
  vcpu->arch.pkru = question->pkru;
#if defined(SEAT_HAS_GUEST_CPU_CAPS)
  if (seat_cpu_has(X86_FEATURE_GBPAGES)) {
    guest_cpu_cap_set(vcpu, X86_FEATURE_GBPAGES);
  }
#elif defined(SEAT_HAS_GOVERNED_FEATURES)
  if (seat_cpu_has(X86_FEATURE_GBPAGES)) {
    kvm_governed_feature_set(vcpu, X86_FEATURE_GBPAGES);
  }
#endif
  for (i = 0; i < ARRAY_SIZE(mmus); ++i) {
    mmus[i]->root.hpa = INVALID_PAGE;
    for (k = 0; k < KVM_MMU_NUM_PREV_ROOTS; ++k) {
      mmus[i]->prev_roots[k].hpa = INVALID_PAGE;
    }
  }

  seat_vmx.nested.msrs.ept_caps = question->ept_vpid_cap;
  seat_vmcs12.ept_pointer = question->eptp;
  seat_vmcs12.secondary_vm_exec_control = question->secondary;
  seat_vmcs12.cpu_based_vm_exec_control = question->primary;
  seat_vmcs12.pml_address = question->pml_address;
  seat_vmcs12.guest_pml_index = question->pml_index;

  /* nested_ept_init_mmu_context() */
  vcpu->arch.mmu = &vcpu->arch.guest_mmu;
  vcpu->arch.walk_mmu = &vcpu->arch.root_mmu;
  nested_ept_new_eptp(vcpu);
  vcpu->arch.mmu->get_guest_pgd = nested_ept_get_eptp;
  vcpu->arch.mmu->inject_page_fault = nested_ept_inject_page_fault;
  vcpu->arch.mmu->get_pdptr = kvm_pdptr_read;
  vcpu->arch.walk_mmu = &vcpu->arch.nested_mmu;
  return vcpu;
}

static void inject_nested(struct kvm_vcpu* vcpu, struct x86_exception* fault,
                          bool from_hardware) {
#ifdef SEAT_HAS_FROM_HARDWARE
  nested_ept_inject_page_fault(vcpu, fault, from_hardware);
#else
  (void)from_hardware;
  nested_ept_inject_page_fault(vcpu, fault);
#endif
}

/* The VM exit that KVM gives the guest hypervisor, as an answer. */
static void seat_answer_exit(eptdiff_answer* answer) {
  answer->event = EPTDIFF_VM_EXIT;
  answer->exit_reason = (uint16_t)seat_exit.reason;
  answer->qualification = seat_exit.qualification;
  answer->gpa = seat_vmcs12.guest_physical_address;
  answer->pml_index = seat_vmcs12.guest_pml_index;
}

#endif /* SEATS_LINUX_KVM_H_ */
