// A stub for each vector. One that nothing expects ends in UnexpectedInterrupt
// (interrupts.cc) with what is known of it; where an instruction may fault, the
// stub goes on at the place that was named for it (fault_recovery).
  .text
  .macro STUB vector, has_error
stub_\vector:
  .if \has_error == 0
  pushq $0
  .endif
  pushq $\vector
  jmp common
  .endm

  .irp vector, 0, 1, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 20, 22, 23, 24, 25
  STUB \vector, 0
  .endr
  .irp vector, 26, 27, 28, 31, 32
  STUB \vector, 0
  .endr
  .irp vector, 8, 10, 11, 12, 13, 14, 17, 21, 29, 30
  STUB \vector, 1
  .endr
stub_2:  // NMI: counted
  incq nmi_count
  cmpq $0, nmi_recovery
  jne 1f
  iretq
1:  // HoldNmi(): back to its stack, without IRET
  movq 24(%rsp), %rsp
  jmp *nmi_recovery

common:
  // Vector, error code, RIP ... on the stack.
  pushq %rax
  movq fault_recovery, %rax
  testq %rax, %rax
  jz 1f
  movq $0, fault_recovery
  movq %rax, 24(%rsp)
  popq %rax
  addq $16, %rsp
  iretq
1:
  popq %rax
  cld
  movq (%rsp), %rdi
  movq 8(%rsp), %rsi
  movq 16(%rsp), %rdx
  movq %cr2, %rcx
  andq $-16, %rsp
  call UnexpectedInterrupt

  .section .rodata
  .balign 8
  .globl interrupt_stubs
interrupt_stubs:
  .irp vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
  .quad stub_\vector
  .endr
  .irp vector, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32
  .quad stub_\vector
  .endr

  .bss
  .balign 8
  .globl fault_recovery, nmi_recovery, nmi_count
fault_recovery: .quad 0
nmi_recovery: .quad 0
nmi_count: .quad 0
