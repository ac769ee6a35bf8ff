// From whoever starts the image to 64-bit code: multiboot 1 and 2 (QEMU's
// -kernel, GRUB), PVH (Cloud Hypervisor, QEMU). All of them come in 32-bit
// protected mode with paging off, and %ebx says where they left their words.
// The program for UEFI (efi_main.cc) comes in 64-bit mode, to efi_entry.S.
//
// Memory below 4 GBytes is mapped one to one; nothing else is, but for a
// framebuffer (screen_window.h).

#define LOAD_ADDRESS 0x200000
#define MULTIBOOT1 0x1badb002
#define MULTIBOOT1_FLAGS 0x00010007  // page-aligned, memory, video; addresses
#define MULTIBOOT2 0xe85250d6

  .section .multiboot, "a"
  .balign 8
  // The image's first words: where the program for UEFI enters.
  .quad start_efi
multiboot1:
  .long MULTIBOOT1
  .long MULTIBOOT1_FLAGS
  .long -(MULTIBOOT1 + MULTIBOOT1_FLAGS)
  // The addresses let it be an ELF file of 64 bits.
  .long multiboot1
  .long LOAD_ADDRESS
  .long image_data_end
  .long image_end
  .long start_multiboot
  .long 1, 80, 25, 0  // text, 80 by 25

  .balign 8
multiboot2:
  .long MULTIBOOT2
  .long 0
  .long multiboot2_end - multiboot2
  .long -(MULTIBOOT2 + (multiboot2_end - multiboot2))
  .balign 8
  .word 2, 0  // the addresses
  .long 24
  .long multiboot2, LOAD_ADDRESS, image_data_end, image_end
  .balign 8
  .word 3, 0  // the entry
  .long 12
  .long start_multiboot
  .balign 8
  .word 4, 1  // text will do
  .long 12
  .long 2
  .balign 8
  .word 5, 1  // and so will any framebuffer, of 32 bits at best
  .long 20
  .long 0, 0, 32
  .balign 8
  .word 0, 0
  .long 8
multiboot2_end:

  .section .note.pvh, "a", @note
  .balign 4
  .long 4, 4, 18  // XEN_ELFNOTE_PHYS32_ENTRY
  .asciz "Xen"
  .long start_pvh

  .text
  .code32
  .globl start_multiboot, start_pvh
start_pvh:
  movl $0, %eax
start_multiboot:
  cli
  cld
  movl $boot_stack_top, %esp
  movl %eax, boot_magic
  movl %ebx, boot_words

  // 64-bit mode and CPUID's leaf for it.
  movl $0x80000000, %eax
  cpuid
  cmpl $0x80000001, %eax
  jb no_long_mode
  movl $0x80000001, %eax
  cpuid
  btl $29, %edx
  jnc no_long_mode

  // 2048 pages of 2 MBytes, one to one.
  movl $page_directories, %edi
  movl $0x83, %eax
1:
  movl %eax, (%edi)
  movl $0, 4(%edi)
  addl $8, %edi
  addl $0x200000, %eax
  jnc 1b
  movl $pdpt, %edi
  movl $page_directories + 3, %eax
  movl $4, %ecx
2:
  movl %eax, (%edi)
  movl $0, 4(%edi)
  addl $8, %edi
  addl $0x1000, %eax
  loop 2b
  movl $pdpt + 3, pml4

  // PAE, OSFXSR, OSXMMEXCPT; LME, and NXE where it is; PE, MP, NE, WP, PG.
  movl $0x620, %eax
  movl %eax, %cr4
  movl $pml4, %eax
  movl %eax, %cr3
  movl $0x80000001, %eax
  cpuid
  movl %edx, %esi
  movl $0xc0000080, %ecx
  rdmsr
  orl $0x100, %eax
  btl $20, %esi
  jnc 3f
  orl $0x800, %eax
3:
  wrmsr
  movl $0x80010023, %eax
  movl %eax, %cr0
  lgdt gdt_pointer
  ljmp $0x08, $start64

// Nothing of C++ can run.
no_long_mode:
  movl $no_long_mode_words, %esi
4:
  lodsb
  testb %al, %al
  jz 6f
  movb %al, %bl
  outb %al, $0xe9
  movw $0x3fd, %dx
  movl $100000, %ecx
5:
  inb %dx, %al
  testb $0x20, %al
  loopz 5b
  movb %bl, %al
  movw $0x3f8, %dx
  outb %al, %dx
  jmp 4b
6:
  hlt
  jmp 6b

  .code64
start64:
  movw $0x10, %ax
  movw %ax, %ds
  movw %ax, %es
  movw %ax, %ss
  movw %ax, %fs
  movw %ax, %gs
  movq $boot_stack_top, %rsp
  // The descriptor of the TSS has its address in pieces.
  movq $task_state, %rax
  movw %ax, gdt_task + 2
  shrq $16, %rax
  movb %al, gdt_task + 4
  movb %ah, gdt_task + 7
  movw $0x18, %ax
  ltr %ax
  movl boot_magic, %edi
  movl boot_words, %esi
  xorl %ebp, %ebp
  call ImageMain
7:
  hlt
  jmp 7b

  .data
  .balign 16
  .globl gdt, gdt_end, gdt_task, gdt_pointer
gdt:
  .quad 0
  .quad 0x00af9b000000ffff  // 08H: 64-bit code
  .quad 0x00cf93000000ffff  // 10H: data
gdt_task:
  .word task_state_end - task_state - 1, 0
  .byte 0, 0x89, 0, 0
  .quad 0
gdt_end:
gdt_pointer:
  .word gdt_end - gdt - 1
  .quad gdt
  .globl task_state
  .balign 16
task_state:
  .space 36
  .quad fault_stack_top, nmi_stack_top  // IST1, IST2 (interrupts.cc)
  .space 52
task_state_end:
boot_magic: .long 0
boot_words: .long 0
no_long_mode_words:
  .asciz "eptdiff: this processor has no 64-bit mode, so it has no EPT\r\n"

  .bss
  .globl pml4, pdpt, page_directories, boot_stack_top
  .balign 4096
pml4: .space 4096
pdpt: .space 4096
page_directories: .space 4 * 4096
  .balign 4096
  .space 4 << 20  // a verdict has half a MByte
boot_stack_top:
  .space 16384
fault_stack_top:
  .space 4096
nmi_stack_top:
