// VMF: VMFUNC in general. REG: what a write to a register of the guest may do.
// `operand` is EAX, or the value that is written.
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {

namespace {

// WRMSR of IA32_EFER finds LME as LMA is, with paging (27.3.2.1 loads it so).
bool LongModeEnable(const Situation& s) {
  return s.PagingEnabled() ? s.Ia32eModeGuest() : Bit(s.state->guest.efer, 8);
}

// Whether paging is to begin.
bool BeginsPaging(const Situation& s) {
  return !s.PagingEnabled() && Bit(s.operand, 31);
}

bool IsMemoryType(std::uint64_t type) {
  return type <= 7 && type != 2 && type != 3;
}

}  // namespace

// "An invalid-opcode exception (#UD) if the 'enable VM functions' VM-execution
// controls is 0 ..."
std::uint64_t Vmf1Control(const Situation& s) { return !s.EnableVmFunctions(); }

// "... or the value of EAX is greater than 63".
std::uint64_t Vmf1Leaf(const Situation& s) { return s.operand > 63; }

// "A VM exit if the bit at position EAX is 0 in the VM-function controls".
std::uint64_t Vmf2(const Situation& s) {
  return s.operand > 63 ||
         !Bit(s.state->controls.vm_functions, static_cast<int>(s.operand));
}

// "Attempting to set any reserved bits in CR0[63:32] results in a
// general-protection exception".
std::uint64_t Reg1High(const Situation& s) {
  return Bits(s.operand, 63, 32) != 0;
}

// "Setting the PG flag when the PE flag is clear causes a general-protection
// exception".
std::uint64_t Reg1Pg(const Situation& s) {
  return Bit(s.operand, 31) && !Bit(s.operand, 0);
}

// MOV to CR: "setting the CD flag to 0 when the NW flag is set to 1".
std::uint64_t Reg1Nw(const Situation& s) {
  return Bit(s.operand, 29) && !Bit(s.operand, 30);
}

// "If it would result in CR0.PG = 1, CR4.PAE = 0, and IA32_EFER.LME = 1."
std::uint64_t Reg2Pae(const Situation& s) {
  return Bit(s.operand, 31) && !s.Cr4(5) && LongModeEnable(s);
}

// MOV to CR: "to activate IA-32e mode and [...] the current CS has the L-bit
// set".
std::uint64_t Reg2Code(const Situation& s) {
  return BeginsPaging(s) && LongModeEnable(s) && s.state->guest.cs_l;
}

// MOV to CR, 64-bit mode: "to clear CR0.PG[bit 31]".
std::uint64_t Reg2Leave(const Situation& s) {
  return s.SixtyFourBitMode() && !Bit(s.operand, 31);
}

// "It cannot be cleared as long as CR4.CET = 1."
std::uint64_t Reg3Wp(const Situation& s) {
  return s.Cr4(23) && !Bit(s.operand, 16);
}

// "If it would clear CR0.PG to 0 while CR4.PCIDE = 1."
std::uint64_t Reg3Pg(const Situation& s) {
  return s.Cr4(17) && s.PagingEnabled() && !Bit(s.operand, 31);
}

// "To set any bit in CR0 to a value not supported in VMX operation"; with
// "unrestricted guest" "other than bit 0 (PE) or bit 31 (PG)".
std::uint64_t Reg4(const Situation& s) {
  if (!Bit(s.operand, 5)) return true;
  return !s.UnrestrictedGuest() && !(Bit(s.operand, 0) && Bit(s.operand, 31));
}

// "Attempting to set any reserved bits in CR4 results in a general-protection
// exception"; so are those of features that CPUID does not enumerate.
std::uint64_t Reg5(const Situation& s) {
  const Processor& processor = s.state->processor;
  const struct {
    int bit;
    bool supported;
  } kFeatures[] = {
      {12, processor.la57}, {17, processor.pcid}, {20, processor.smep},
      {21, processor.smap}, {22, processor.pku},  {23, processor.cet_ss},
      {24, processor.pks},
  };
  for (const auto& [bit, supported] : kFeatures) {
    if (Bit(s.operand, bit) && !supported && !s.Cr4(bit)) return true;
  }
  return HasReservedBitOfCr4(s.operand);
}

// "CR4.PAE and CR4.LA57 cannot be modified while either 4-level paging or
// 5-level paging is in use".
std::uint64_t Reg6Pae(const Situation& s) {
  return s.PagingEnabled() && s.Ia32eModeGuest() && !Bit(s.operand, 5);
}
std::uint64_t Reg6La57(const Situation& s) {
  return s.PagingEnabled() && s.Ia32eModeGuest() &&
         Bit(s.operand, 12) != s.Cr4(12);
}

// "If it would change CR4.PCIDE from 0 to 1 and either IA32_EFER.LMA = 0 ...
std::uint64_t Reg7Mode(const Situation& s) {
  return Bit(s.operand, 17) && !s.Cr4(17) && !s.Ia32eModeGuest();
}

// ... or CR3[11:0] is not 000H."
std::uint64_t Reg7Cr3(const Situation& s) {
  return Bit(s.operand, 17) && !s.Cr4(17) &&
         Bits(s.state->guest.cr3, 11, 0) != 0;
}

// "This flag can be set only if CR0.WP is set".
std::uint64_t Reg8(const Situation& s) {
  return Bit(s.operand, 23) && !s.WriteProtect();
}

// 24.8: CR4.VMXE.
std::uint64_t Reg9(const Situation& s) { return !Bit(s.operand, 13); }

// "Bits in CR3 in the range 63:MAXPHYADDR that are reserved must be zero." Of
// these LAM has bits 62:61; nothing but CR4.LAM_SUP, or the bits themselves,
// says that the processor has it.
std::uint64_t Reg10(const Situation& s) {
  std::uint64_t reserved = Bits(s.operand, 62, s.N());
  const std::uint64_t lam = std::uint64_t{3}
                            << (61 - s.N());  // of what `reserved` holds
  const bool has_lam = s.Cr4(28) || Bits(s.state->guest.cr3, 62, 61) != 0;
  if (has_lam) reserved &= ~lam;
  return reserved != 0 || (Bit(s.operand, 63) && !s.Cr4(17));
}

// "If the 'CR3-load exiting' VM-execution control is 1 and the CR3-target count
// is 0, MOV to CR3 always causes a VM exit."
std::uint64_t Reg11Exits(const Situation& s) {
  return Bit(s.state->controls.primary, 15);
}

// 26.1.1: "Fault-like VM exits have priority over exceptions other than those
// mentioned above", such as those that concern the privilege level.
std::uint64_t Reg11Order(const Situation&) {
  return static_cast<std::uint64_t>(LoadOrder::kExitFirst);
}

std::uint64_t Reg11Qualification(const Situation&) { return 3; }

// "If PAE paging would be in use following an execution of MOV to CR0 or MOV to
// CR4 [...] and the instruction is modifying any of CR0.CD, CR0.NW, CR0.PG ...
std::uint64_t Reg12Cr0(const Situation& s) {
  const std::uint64_t changed = s.operand ^ s.state->guest.cr0;
  return Bit(s.operand, 31) && s.Cr4(5) && !LongModeEnable(s) &&
         Bits(changed, 31, 29) != 0;
}

// ... CR4.PAE, CR4.PGE, CR4.PSE, or CR4.SMEP".
std::uint64_t Reg12Cr4(const Situation& s) {
  const std::uint64_t changed = s.operand ^ s.state->guest.cr4;
  return s.PagingEnabled() && Bit(s.operand, 5) && !s.Ia32eModeGuest() &&
         (Bit(changed, 5) || Bit(changed, 7) || Bit(changed, 4) ||
          Bit(changed, 20));
}

// "If MOV to CR3 is executed while the logical processor is using PAE paging,
// the PDPTEs are loaded from the address being loaded into CR3."
std::uint64_t Reg12Cr3(const Situation& s) { return s.PaePaging(); }
std::uint64_t Reg12Root(const Situation& s) { return s.operand; }

// 3A table 2-1; CPUID.80000001H:EDX[20] says whether NXE may be 1.
std::uint64_t Reg13Reserved(const Situation& s) {
  const bool nx = s.state->processor.nx || s.ExecuteDisableEnabled();
  return Bits(s.operand, 63, 12) != 0 || Bit(s.operand, 9) ||
         Bits(s.operand, 7, 1) != 0 || (Bit(s.operand, 11) && !nx);
}

// "IA32_EFER.LME cannot be modified while paging is enabled."
std::uint64_t Reg13Lme(const Situation& s) {
  return s.PagingEnabled() && Bit(s.operand, 8) != LongModeEnable(s);
}

std::uint64_t Reg14(const Situation& s) {
  for (int i = 0; i < 8; ++i) {
    if (!IsMemoryType(Bits(s.operand, 8 * i + 7, 8 * i))) return true;
  }
  return false;
}

std::uint64_t Reg15(const Situation& s) {
  const bool has_register = s.state->processor.pks || s.Cr4(24);
  return !has_register || Bits(s.operand, 63, 32) != 0;
}

}  // namespace eptdiff::sdm
