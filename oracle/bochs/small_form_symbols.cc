// What else Bochs's walkers refer to, and no EPT walk ever reaches: the symbols
// that keep libcpu out of the small form. What is reached against all
// expectation panics, and the oracle abstains.
#include "oracle/bochs/bochs_headers.h"

// The processor is storage without construction: its constructor wants the
// whole of Bochs, and its instruction cache (25 MByte) is never touched, so
// that the system never backs it with memory. BX_CPU_C has no virtual function
// that is called here.
alignas(BX_CPU_C) unsigned char eptdiff_bochs_cpu[sizeof(BX_CPU_C)] __asm__(
    "bx_cpu");
alignas(bx_pc_system_c) unsigned char eptdiff_bochs_pc_system[sizeof(
    bx_pc_system_c)] __asm__("bx_pc_system");

bx_address bx_asize_mask[4];  // operand decoding

#define EPTDIFF_UNREACHABLE() bx_cpu.panic("%s was called", __func__)

// The memory types that an MTRR may have; the same as in Bochs's cpu/msr.cc,
// which the comparison with the full form verifies.
bool isMemTypeValidMTRR(unsigned memory_type) {
  constexpr unsigned kValid = 1u << BX_MEMTYPE_UC | 1u << BX_MEMTYPE_WC |
                              1u << BX_MEMTYPE_WT | 1u << BX_MEMTYPE_WP |
                              1u << BX_MEMTYPE_WB;
  return memory_type < 8 && (kValid >> memory_type & 1);
}

// No address belongs to an APIC, real or virtual.
bool BX_CPU_C::is_virtual_apic_page(bx_phy_address) { return false; }
bool bx_local_apic_c::is_selected(bx_phy_address) { return false; }

bx_phy_address BX_CPU_C::VMX_Virtual_Apic_Read(bx_phy_address address, unsigned,
                                               void*) {
  EPTDIFF_UNREACHABLE();
  return address;
}
void BX_CPU_C::VMX_Virtual_Apic_Write(bx_phy_address, unsigned, void*) {
  EPTDIFF_UNREACHABLE();
}
void bx_local_apic_c::read(bx_phy_address, void*, unsigned) {
  EPTDIFF_UNREACHABLE();
}
void bx_local_apic_c::write(bx_phy_address, void*, unsigned) {
  EPTDIFF_UNREACHABLE();
}
void flushSMC(bxICacheEntry_c*) { EPTDIFF_UNREACHABLE(); }
const char* get_bx_opcode_name(Bit16u) { return ""; }
