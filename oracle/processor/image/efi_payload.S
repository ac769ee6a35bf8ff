// The image, as a whole ELF file, within the program for UEFI.
  .section .rdata, "dr"
  .balign 4096
  .globl image_file
image_file:
  .incbin EPTDIFF_PAYLOAD
