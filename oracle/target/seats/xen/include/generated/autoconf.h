/* The configuration that Xen's parts are compiled in: a hypervisor for HVM
 * guests, without assertions. Stands for what Kconfig generates. */
#define CONFIG_X86 1
#define CONFIG_X86_64 1
#define CONFIG_64BIT 1
#define CONFIG_HVM 1
#define CONFIG_INTEL_VMX 1
#define CONFIG_VM_EVENT 1
#define CONFIG_PAGING 1
#define CONFIG_NR_CPUS 4
#define CONFIG_NR_NUMA_NODES 64
#define CONFIG_NUMA 1
#define CONFIG_PAGING_LEVELS 4
#define CONFIG_ARCH_MAP_DOMAIN_PAGE 1
#define CONFIG_HAS_PDX 1
#define CONFIG_PDX_NONE 1
#define CONFIG_HAS_PASSTHROUGH 1
#define CONFIG_HAS_PCI 1
