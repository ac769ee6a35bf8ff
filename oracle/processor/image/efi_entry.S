// Between UEFI's world and the image's. The firmware calls functions as
// Microsoft's ABI has it: RCX, RDX, R8, R9, 32 bytes of room, and XMM6 to XMM15
// are kept as well.
//
// std::uint64_t start_efi(EfiHandoff*), called by efi_main.cc, returns what
// LeaveToFirmware() is given. Interrupts are the firmware's and are on in its
// world alone.
#define CODE 0x08
#define DATA 0x10
#define TASK 0x18
#define EFI_MAGIC 0x45464921
#define CR4_VMXE 0x2000
// OSFXSR, OSXMMEXCPT on; CET, PCIDE off.
#define CR4_ON 0x600
#define CR4_OFF 0x820000

  .text
  .code64
  .globl start_efi, CallFirmware, LeaveToFirmware

start_efi:
  pushq %rbx
  pushq %rbp
  pushq %rdi
  pushq %rsi
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  subq $168, %rsp
  movdqu %xmm6, 0(%rsp)
  movdqu %xmm7, 16(%rsp)
  movdqu %xmm8, 32(%rsp)
  movdqu %xmm9, 48(%rsp)
  movdqu %xmm10, 64(%rsp)
  movdqu %xmm11, 80(%rsp)
  movdqu %xmm12, 96(%rsp)
  movdqu %xmm13, 112(%rsp)
  movdqu %xmm14, 128(%rsp)
  movdqu %xmm15, 144(%rsp)
  cli
  cld
  movq %rsp, efi_rsp
  movq %cr0, %rax
  movq %rax, efi_cr0
  movq %cr3, %rax
  movq %rax, efi_cr3
  movq %cr4, %rax
  movq %rax, efi_cr4
  sgdt efi_gdt
  sidt efi_idt
  movw %cs, efi_cs
  movw %ds, efi_ds
  movw %ss, efi_ss
  movq $boot_stack_top, %rsp
  movq %rcx, %rbx
  call BuildPageTables
  // PE, MP, NE, WP, PG.
  movl $0x80010023, %eax
  movq %rax, %cr0
  movq efi_cr4, %rax
  orq $CR4_ON, %rax
  andq $~CR4_OFF, %rax
  movq %rax, our_cr4
  call enter_our_world
  // The descriptor of the TSS has its address in pieces.
  movq $task_state, %rax
  movw %ax, gdt_task + 2
  shrq $16, %rax
  movb %al, gdt_task + 4
  movb %ah, gdt_task + 7
  movw $TASK, %ax
  ltr %ax
  movl $EFI_MAGIC, %edi
  movl %ebx, %esi
  xorl %ebp, %ebp
  call ImageMain
  hlt

// RAX alone is changed by these two.
enter_our_world:
  movq our_cr4, %rax
  movq %rax, %cr4
  movq $pml4, %rax
  movq %rax, %cr3
  lgdt gdt_pointer
  movw $DATA, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  popq %rax
  pushq $CODE
  pushq %rax
  lretq

enter_efi_world:
  // In VMX operation CR4.VMXE stays.
  movq %cr4, %rax
  movq %rax, our_cr4
  andq $CR4_VMXE, %rax
  orq efi_cr4, %rax
  movq %rax, %cr4
  movq efi_cr3, %rax
  movq %rax, %cr3
  lgdt efi_gdt
  lidt efi_idt
  movw efi_ds, %ax
  movw %ax, %ds
  movw %ax, %es
  movw efi_ss, %ax
  movw %ax, %ss
  popq %rax
  pushq efi_cs_wide
  pushq %rax
  lretq

// void CallFirmware(function, first, second, third), as the image calls.
CallFirmware:
  pushq %rbp
  movq %rsp, %rbp
  pushq %rbx
  pushq %r12
  sidt our_idt
  call enter_efi_world
  movq %rdi, %rax
  movq %rcx, %r8
  movq %rsi, %rcx
  subq $32, %rsp
  andq $-16, %rsp
  call *%rax
  cli
  cld
  call enter_our_world
  lidt our_idt
  leaq -16(%rbp), %rsp
  popq %r12
  popq %rbx
  popq %rbp
  retq

LeaveToFirmware:
  movq %rdi, %rbx
  call enter_efi_world
  movq efi_cr0, %rax
  movq %rax, %cr0
  movq efi_rsp, %rsp
  movq %rbx, %rax
  movdqu 0(%rsp), %xmm6
  movdqu 16(%rsp), %xmm7
  movdqu 32(%rsp), %xmm8
  movdqu 48(%rsp), %xmm9
  movdqu 64(%rsp), %xmm10
  movdqu 80(%rsp), %xmm11
  movdqu 96(%rsp), %xmm12
  movdqu 112(%rsp), %xmm13
  movdqu 128(%rsp), %xmm14
  movdqu 144(%rsp), %xmm15
  addq $168, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rsi
  popq %rdi
  popq %rbp
  popq %rbx
  sti
  retq

  .bss
  .balign 16
efi_rsp: .quad 0
efi_cr0: .quad 0
efi_cr3: .quad 0
efi_cr4: .quad 0
our_cr4: .quad 0
efi_cs_wide:
efi_cs: .word 0
  .space 6
efi_ds: .word 0
efi_ss: .word 0
  .balign 16
efi_gdt: .space 16
efi_idt: .space 16
our_idt: .space 16
