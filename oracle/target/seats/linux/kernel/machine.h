/* Processors, modules, messages, static calls, devices. */
#ifndef SEATS_LINUX_KERNEL_MACHINE_H_
#define SEATS_LINUX_KERNEL_MACHINE_H_

struct kmem_cache;
#define NR_CPUS 1
#define HZ 1000
#define NSEC_PER_SEC 1000000000L
#define THIS_MODULE ((struct module*)0)
struct module;
struct cpumask {
  unsigned long bits[1];
};
typedef struct cpumask cpumask_t;
typedef struct cpumask* cpumask_var_t;
#define DEFINE_PER_CPU(type, name) __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name
#define this_cpu_read(name) (name)
#define this_cpu_write(name, value) ((name) = (value))
#define this_cpu_inc(name) (++(name))
#define this_cpu_add(name, n) ((name) += (n))
#define per_cpu(name, cpu) (name)
#define per_cpu_ptr(pointer, cpu) (pointer)
#define this_cpu_ptr(pointer) (pointer)
#define raw_smp_processor_id() 0
#define smp_processor_id() 0
#define get_cpu() 0
#define put_cpu() ((void)0)
#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_GPL(name)
#define EXPORT_SYMBOL_FOR_KVM_INTERNAL(name)
#define EXPORT_SYMBOL_FOR_KVM(name)
#define EXPORT_SYMBOL_FOR_MODULES(name, modules)
#define EXPORT_PER_CPU_SYMBOL_GPL(name)
#define EXPORT_STATIC_CALL_GPL(name)
#define EXPORT_STATIC_CALL_TRAMP_GPL(name)
#define module_param(name, type, mode)
#define module_param_named(name, variable, type, mode)
#define module_param_cb(name, ops, variable, mode)
#define __MODULE_PARM_TYPE(name, type)
#define MODULE_PARM_DESC(name, words)
#define MODULE_LICENSE(words)
#define MODULE_AUTHOR(words)
#define MODULE_DESCRIPTION(words)
#define DEFINE_MUTEX(name) struct mutex name
#define DEFINE_SPINLOCK(name) spinlock_t name
#define DEFINE_RATELIMIT_STATE(name, interval, burst) int name
struct kernel_param;
struct kernel_param_ops {
  int (*set)(const char*, const struct kernel_param*);
  int (*get)(char*, const struct kernel_param*);
};
struct kernel_param {
  void* arg;
};
#define DECLARE_STATIC_CALL(name, function) \
  extern __typeof__(function)* seat_call_##name
#define DEFINE_STATIC_CALL_NULL(name, function) int seat_call_##name
#define static_call(name) (*seat_call_##name)
#define static_call_cond(name) (*seat_call_##name)

void seat_bug(const char* where, int line) __noreturn;
#define BUG() seat_bug(__FILE__, __LINE__)
#define BUG_ON(condition) \
  do {                    \
    if (condition) BUG(); \
  } while (0)
#define WARN_ON(condition)                  \
  ({                                        \
    const bool warn = !!(condition);        \
    if (warn) seat_bug(__FILE__, __LINE__); \
    warn;                                   \
  })
#define WARN_ON_ONCE(condition) WARN_ON(condition)
#define WARN(condition, ...) WARN_ON(condition)
#define WARN_ONCE(condition, ...) WARN_ON(condition)
#define VM_BUG_ON(condition) ((void)0)
#define pr_err(...) ((void)0)
#define pr_info(...) ((void)0)
#define pr_warn(...) ((void)0)
#define pr_debug(...) ((void)0)
#define pr_notice(...) ((void)0)
#define pr_err_ratelimited(...) ((void)0)
#define pr_warn_ratelimited(...) ((void)0)
#define pr_info_ratelimited(...) ((void)0)
#define pr_debug_ratelimited(...) ((void)0)
#define pr_warn_once(...) ((void)0)
#define pr_err_once(...) ((void)0)
#define pr_info_once(...) ((void)0)
#define printk(...) ((void)0)
#define printk_ratelimited(...) ((void)0)
#define printk_ratelimit() 0
#define KERN_ERR
#define KERN_INFO
#define KERN_DEBUG
#define KERN_WARNING
struct ratelimit_state {
  int nothing;
};
#define TRACE_DEFINE_ENUM(name)
#define TP_PROTO(...) __VA_ARGS__
#define TRACE_EVENT(name, parameters, ...) \
  static inline void trace_##name(parameters) {}
#define DECLARE_EVENT_CLASS(name, ...)
#define DEFINE_EVENT(class, name, parameters, ...) \
  static inline void trace_##name(parameters) {}
struct perf_event;
struct perf_event_attr;
struct x86_pmu_capability {
  int version;
};
struct irq_bypass_consumer {
  void* token;
};
struct irq_bypass_producer;
struct desc_ptr {
  unsigned short size;
  unsigned long address;
} __packed;
struct desc_struct {
  u64 raw;
};
struct fpu {
  int nothing;
};
struct fpu_guest {
  u64 xfeatures, xfd_err, perm;
  void* fpstate;
  bool is_confidential;
};
struct cpuinfo_x86 {
  u8 x86_vendor, x86, x86_model, x86_phys_bits;
  u8 x86_cache_bits;
  u32 extended_cpuid_level;
};
extern struct cpuinfo_x86 boot_cpu_data;
struct cpuid_regs;
struct msi_msg;
struct vhost_task;
struct iommu_domain;
struct pvclock_gtod_data;
typedef struct {
  unsigned long bits;
} call_single_data_t;
enum pvclock_stub { PVCLOCK_STUB };
struct bug_entry;
#define _ASM_EXTABLE(a, b)
int seat_cpu_has(int feature);
#define boot_cpu_has(feature) seat_cpu_has(feature)
#define cpu_feature_enabled(feature) 0
#define static_cpu_has(feature) 0
#define boot_cpu_has_bug(bug) 0
#define X86_PMC_IDX_MAX 64
#define DECLARE_KFIFO(name, type, size) type name[size]
typedef void(cpu_emergency_virt_cb)(void);
typedef struct {
  unsigned long sig;
} sigset_t;
typedef unsigned int vm_fault_t;
#define CALLER_ADDR0 0
#define ENOIOCTLCMD 515
#define NR_SECONDARY_PAGETABLE 0
#define TIF_NEED_FPU_LOAD 14
enum cpuid_regs_idx { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };

#define XFEATURE_MASK_USER_DYNAMIC 0x40000ull
#define XFEATURE_MASK_XTILE_CFG 0x20000ull
#define XFEATURE_MASK_XTILE_DATA 0x40000ull
#define XFEATURE_MASK_BNDREGS 8ull
#define XFEATURE_MASK_BNDCSR 16ull
#define TASK_RUNNING 0
#define BUS_MCEERR_AR 4
struct kvm_io_device_stub;
extern struct task_struct {
  struct mm_struct* mm;
  unsigned long flags;
}* current;
int param_get_uint(char*, const struct kernel_param*);
int param_get_bool(char*, const struct kernel_param*);
int param_set_uint(const char*, const struct kernel_param*);
enum { itlb_multihit_kvm_mitigation_stub };
extern bool itlb_multihit_kvm_mitigation;
typedef u8 mtrr_type;
#define MAX_SCHEDULE_TIMEOUT LONG_MAX
#define TASK_INTERRUPTIBLE 1
/* Hyper-V's, which only the structures of KVM need. */
union hv_stimer_config {
  u64 as_uint64;
};
struct hv_message {
  u64 words[32];
};
struct hv_vp_assist_page {
  u64 words[512];
};
#define HV_SYNIC_SINT_COUNT 16
#define HV_SYNIC_STIMER_COUNT 4
#define HV_MAX_SPARSE_VCPU_BANKS 64
#define HV_STATUS_ACCESS_DENIED 6
#define HV_X64_MSR_CRASH_PARAMS 5
struct hv_vmcb_enlightenments {
  u8 bytes[32];
};
struct ms_hyperv_tsc_page {
  u64 words[512];
};
#define E820_TYPE_RAM 1

#endif /* SEATS_LINUX_KERNEL_MACHINE_H_ */
