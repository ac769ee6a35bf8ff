// Variants of VMF and REG.
#include "oracle/reference/dialects/variants.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

using sdm::Bit;
using sdm::Bits;

// MOV to CR4 with PAE paging in use after it.
bool KeepsPaePaging(const Situation& s) {
  return s.PagingEnabled() && Bit(s.operand, 5) && !s.Ia32eModeGuest();
}

bool Changes(std::uint64_t a, std::uint64_t b, int bit) {
  return Bit(a, bit) != Bit(b, bit);
}

constexpr Alteration kVariants[] = {
    {"VMF-1/leaf-low-byte", Slot::kVmf1Leaf,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.operand, 7, 0) > 63;
     },
     "VMFUNC looks at AL alone"},
    {"VMF-1/leaf-above-0", Slot::kVmf1Leaf,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.operand > 0;
     },
     "VMFUNC is an invalid opcode with any EAX but 0"},
    {"VMF-1/leaf-64-accepted", Slot::kVmf1Leaf,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.operand > 64;
     },
     "VMFUNC with EAX = 64 causes a VM exit"},

    {"REG-1/low-reserved-bits-too", Slot::kReg1High,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bits(s.operand, 28, 19) != 0 || Bit(s.operand, 17) ||
              Bits(s.operand, 15, 6) != 0;
     },
     "MOV to CR0 refuses bits 28:19, 17 and 15:6, which are ignored"},
    {"REG-1/cd-without-nw-refused", Slot::kReg1Nw,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.operand, 29) != Bit(s.operand, 30);
     },
     "MOV to CR0 refuses CD without NW"},
    {"REG-2/lma-for-lme", Slot::kReg2Pae,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.operand, 31) && !s.Cr4(5) && s.Ia32eModeGuest();
     },
     "whether paging may begin depends on IA32_EFER.LMA in place of LME"},
    {"REG-2/compatibility-mode-too", Slot::kReg2Leave,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.PagingEnabled() && s.Ia32eModeGuest() && !Bit(s.operand, 31);
     },
     "CR0.PG cannot be cleared in compatibility mode either"},
    {"REG-3/wp-with-pg-off", Slot::kReg3Wp,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bit(s.operand, 31);
     },
     "CR0.WP may be cleared with CR4.CET if CR0.PG is 0"},
    {"REG-4/pe-and-pg-only", Slot::kReg4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !s.UnrestrictedGuest() &&
              !(Bit(s.operand, 0) && Bit(s.operand, 31));
     },
     "MOV to CR0 may clear NE"},
    {"REG-4/ne-only", Slot::kReg4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return !Bit(s.operand, 5);
     },
     "MOV to CR0 may clear PE and PG without \"unrestricted guest\""},
    {"REG-4/unrestricted-guest-ignored", Slot::kReg4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || !(Bit(s.operand, 0) && Bit(s.operand, 31));
     },
     "MOV to CR0 cannot clear PE or PG even with \"unrestricted guest\""},
    {"REG-5/features-unchecked", Slot::kReg5,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.operand, 63, 33) != 0 || Bits(s.operand, 31, 29) != 0 ||
              Bit(s.operand, 26) || Bit(s.operand, 15);
     },
     "MOV to CR4 turns on what the processor has not"},
    {"REG-5/high-half-unchecked", Slot::kReg5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value &&
              (Bits(s.operand, 63, 33) == 0 || Bits(s.operand, 31, 29) != 0 ||
               Bit(s.operand, 26) || Bit(s.operand, 15));
     },
     "bits 63:33 of CR4 are not checked"},
    {"REG-5/lass-and-lam-reserved", Slot::kReg5,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bits(s.operand, 28, 27) != 0;
     },
     "CR4.LASS and CR4.LAM_SUP are refused"},
    {"REG-6/pae-paging-too", Slot::kReg6Pae,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.PagingEnabled() && s.Cr4(5) && !Bit(s.operand, 5);
     },
     "CR4.PAE cannot be cleared with PAE paging either"},
    {"REG-6/la57-set-only", Slot::kReg6La57,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bit(s.operand, 12);
     },
     "CR4.LA57 may be cleared in IA-32e mode"},
    {"REG-6/la57-never", Slot::kReg6La57,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Changes(s.operand, s.state->guest.cr4, 12);
     },
     "CR4.LA57 cannot change outside IA-32e mode either"},
    {"REG-7/whatever-it-was", Slot::kReg7Cr3,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bit(s.operand, 17) && Bits(s.state->guest.cr3, 11, 0) != 0;
     },
     "a PCID is refused by MOV to CR4 although CR4.PCIDE is 1 already"},
    {"REG-7/pwt-and-pcd-only", Slot::kReg7Cr3,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.state->guest.cr3, 4, 3) != 0;
     },
     "CR4.PCIDE may be set although CR3 bits 11:5 or 2:0 are"},
    {"REG-10/bits-63-52", Slot::kReg10,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.operand, 62, 52) != 0 ||
              (Bit(s.operand, 63) && !s.Cr4(17));
     },
     "MOV to CR3 checks against 52 bits, not against the physical-address "
     "width"},
    {"REG-10/bit-63-reserved", Slot::kReg10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bit(s.operand, 63);
     },
     "bit 63 of the operand of MOV to CR3 is refused even with CR4.PCIDE"},
    {"REG-10/bit-63-ignored", Slot::kReg10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Bits(s.operand, 62, s.N()) != 0;
     },
     "bit 63 of the operand of MOV to CR3 is accepted without CR4.PCIDE"},
    {"REG-10/low-bits-reserved", Slot::kReg10,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (!s.Cr4(17) && Bits(s.operand, 11, 5) != 0);
     },
     "MOV to CR3 refuses bits 11:5, which are ignored or part of the address"},
    {"REG-11/no-exit", Slot::kReg11Exits,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "\"CR3-load exiting\" has no effect"},
    {"REG-11/fault-first", Slot::kReg11Order,
     [](const Situation&, std::uint64_t) -> std::uint64_t {
       return static_cast<std::uint64_t>(LoadOrder::kFaultFirst);
     },
     "reserved bits of a CR3 are found before \"CR3-load exiting\" applies"},
    {"REG-11/cr0-reported", Slot::kReg11Qualification,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "the exit qualification does not say that CR3 is loaded"},
    {"REG-11/mov-from-reported", Slot::kReg11Qualification,
     [](const Situation&, std::uint64_t value) -> std::uint64_t {
       return value | 1 << 4;
     },
     "the exit qualification says MOV from CR3"},
    {"REG-12/never", Slot::kReg12Cr3,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "MOV to CR3 loads no PDPTE register"},
    {"REG-12/old-cr3", Slot::kReg12Root,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return s.state->guest.cr3;
     },
     "MOV to CR3 loads the PDPTE registers from the CR3 before it"},
    {"REG-12/not-by-cr0", Slot::kReg12Cr0,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "MOV to CR0 loads no PDPTE register"},
    {"REG-12/pg-only", Slot::kReg12Cr0,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Changes(s.operand, s.state->guest.cr0, 31);
     },
     "a MOV to CR0 that changes CD or NW loads no PDPTE register"},
    {"REG-12/wp-too", Slot::kReg12Cr0,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.PaePaging() && Bit(s.operand, 31) &&
                        Changes(s.operand, s.state->guest.cr0, 16));
     },
     "a MOV to CR0 that changes WP loads the PDPTE registers, too"},
    {"REG-12/by-any-mov-to-cr0", Slot::kReg12Cr0,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || (s.PaePaging() && Bit(s.operand, 31));
     },
     "a MOV to CR0 loads the PDPTE registers, whatever it changes"},
    {"REG-12/ia-32e-mode-too", Slot::kReg12Cr0,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t changed = s.operand ^ s.state->guest.cr0;
       return value || (Bit(s.operand, 31) && s.Cr4(5) && Bit(changed, 31));
     },
     "a MOV to CR0 that begins 4-level paging loads the PDPTE registers"},
    {"REG-12/not-by-cr4", Slot::kReg12Cr4,
     [](const Situation&, std::uint64_t) -> std::uint64_t { return 0; },
     "MOV to CR4 loads no PDPTE register"},
    {"REG-12/pae-only", Slot::kReg12Cr4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && Changes(s.operand, s.state->guest.cr4, 5);
     },
     "a MOV to CR4 that changes PGE, PSE or SMEP loads no PDPTE register"},
    {"REG-12/not-by-smep", Slot::kReg12Cr4,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       const std::uint64_t changed = s.operand ^ s.state->guest.cr4;
       return KeepsPaePaging(s) &&
              (Bit(changed, 5) || Bit(changed, 7) || Bit(changed, 4));
     },
     "a MOV to CR4 that changes SMEP loads no PDPTE register"},
    {"REG-12/smap-too", Slot::kReg12Cr4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value ||
              (KeepsPaePaging(s) && Changes(s.operand, s.state->guest.cr4, 21));
     },
     "a MOV to CR4 that changes SMAP loads the PDPTE registers, too"},
    {"REG-12/by-what-flushes", Slot::kReg12Cr4,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       const std::uint64_t changed = s.operand ^ s.state->guest.cr4;
       return value || (KeepsPaePaging(s) &&
                        (Bit(changed, 17) || Bits(changed, 24, 21) != 0));
     },
     "a MOV to CR4 that changes PCIDE, SMAP, PKE, CET or PKS loads the PDPTE "
     "registers, too"},
    {"REG-13/lma-refused", Slot::kReg13Reserved,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Bit(s.operand, 10);
     },
     "WRMSR of IA32_EFER refuses LMA, which is ignored"},
    {"REG-13/nxe-unchecked", Slot::kReg13Reserved,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.operand, 63, 12) != 0 || Bit(s.operand, 9) ||
              Bits(s.operand, 7, 1) != 0;
     },
     "IA32_EFER.NXE can be set where the processor has it not"},
    {"REG-13/lme-cleared-only", Slot::kReg13Lme,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value && !Bit(s.operand, 8);
     },
     "IA32_EFER.LME can be set with paging"},
    {"REG-13/lme-without-paging-too", Slot::kReg13Lme,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || Changes(s.operand, s.state->guest.efer, 8);
     },
     "IA32_EFER.LME cannot change without paging either"},
    {"REG-14/low-bits-only", Slot::kReg14,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       for (int i = 0; i < 8; ++i) {
         const std::uint64_t type = Bits(s.operand, 8 * i + 2, 8 * i);
         if (type == 2 || type == 3) return true;
       }
       return false;
     },
     "WRMSR does not check bits 7:3 of the bytes of IA32_PAT"},
    {"REG-14/uc-minus-refused", Slot::kReg14,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       for (int i = 0; i < 8; ++i) {
         if (Bits(s.operand, 8 * i + 7, 8 * i) == 7) return true;
       }
       return value;
     },
     "WRMSR refuses the memory type UC- in IA32_PAT"},
    {"REG-15/register-unchecked", Slot::kReg15,
     [](const Situation& s, std::uint64_t) -> std::uint64_t {
       return Bits(s.operand, 63, 32) != 0;
     },
     "WRMSR finds IA32_PKRS on a processor without it"},
    {"REG-15/needs-cr4-pks", Slot::kReg15,
     [](const Situation& s, std::uint64_t value) -> std::uint64_t {
       return value || !s.Cr4(24);
     },
     "WRMSR of IA32_PKRS is refused unless CR4.PKS is 1"},
};

}  // namespace

std::span<const Alteration> RegisterVariants() { return kVariants; }

}  // namespace eptdiff
