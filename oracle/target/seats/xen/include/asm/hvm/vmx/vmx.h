/* Xen's, but that VMREAD asks the seat. */
#define __vmread vmread_by_the_instruction
#include_next <asm/hvm/vmx/vmx.h>
#undef __vmread

void seat_vmread(unsigned long field, unsigned long *value);
#define __vmread seat_vmread
