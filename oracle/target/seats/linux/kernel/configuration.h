/* Which of the kernel's options are on, and how they are asked for. */
#ifndef SEATS_LINUX_KERNEL_CONFIGURATION_H_
#define SEATS_LINUX_KERNEL_CONFIGURATION_H_

#define CONFIG_X86_64 1
#define CONFIG_64BIT 1
#define CONFIG_KVM 1
#define CONFIG_KVM_INTEL 1
#define CONFIG_SMP 1
#define CONFIG_X86_LOCAL_APIC 1
#define CONFIG_KVM_MMU_LOCKLESS_AGING 1
#define CONFIG_KVM_GENERIC_MMU_NOTIFIER 1
#define CONFIG_MMU_NOTIFIER 1
#define CONFIG_HAVE_KVM_MMU_NOTIFIER 1
#define CONFIG_KVM_SMM 1
#define __KERNEL__ 1
#define __x86_64__ 1
#define SEAT_ZERO_1 0,
#define SEAT_SECOND(a, b, ...) b
#define SEAT_ENABLED_2(zero) SEAT_SECOND(zero 1, 0, 0)
#define SEAT_ENABLED_1(value) SEAT_ENABLED_2(SEAT_ZERO_##value)
#define IS_ENABLED(option) SEAT_ENABLED_1(option)
#define IS_BUILTIN(option) IS_ENABLED(option)
#define IS_REACHABLE(option) IS_ENABLED(option)
#define IS_MODULE(option) 0
#define CONFIG_KVM_ASYNC_PF 1
#define CONFIG_KVM_MAX_NR_VCPUS 1024
#define CONFIG_KVM_MMIO 1
#define CONFIG_HAS_IOMEM 1
#define CONFIG_HAVE_KVM_IRQCHIP 1
#define CONFIG_HAVE_KVM_IRQ_ROUTING 1
#define CONFIG_HAVE_KVM_EVENTFD 1

#endif /* SEATS_LINUX_KERNEL_CONFIGURATION_H_ */
