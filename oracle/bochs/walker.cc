#include "oracle/bochs/walker.h"

#include "oracle/bochs/bochs_headers.h"

namespace eptdiff::bochs {

std::uint64_t g_reserved_address_bits = 0;
unsigned g_ept_level = 0;
std::uint32_t g_ept_extensions = 0, g_guest_extensions = 0;
std::uint32_t g_reserved_pde_bits = 0;
Memory g_memory;

static_assert(static_cast<unsigned>(Access::kRead) == BX_READ);
static_assert(static_cast<unsigned>(Access::kWrite) == BX_WRITE);
static_assert(static_cast<unsigned>(Access::kFetch) == BX_EXECUTE);
static_assert(static_cast<unsigned>(Access::kReadModifyWrite) == BX_RW);
static_assert(static_cast<unsigned>(Access::kShadowStackRead) ==
              BX_SHADOW_STACK_READ);
static_assert(static_cast<unsigned>(Access::kShadowStackWrite) ==
              BX_SHADOW_STACK_WRITE);

namespace {

void SetExtension(unsigned extension, bool present) {
  Bit32u& word = bx_cpu.ia_extensions_bitmask[extension / 32];
  const Bit32u bit = Bit32u{1} << (extension % 32);
  word = present ? word | bit : word & ~bit;
}

constexpr std::uint64_t kEferLma = 1 << 10;

// Bochs asks IA32_EFER.LMA alone.
bool InIa32eMode(const Setup& setup) {
  constexpr std::uint64_t kCr0Pg = 1u << 31;
  constexpr std::uint64_t kCr4Pae = 1 << 5;
  return (setup.cr0 & kCr0Pg) && (setup.cr4 & kCr4Pae) &&
         (setup.efer & kEferLma);
}

unsigned CpuModeOf(const Setup& setup) {
  constexpr std::uint64_t kCr0Pe = 1;
  constexpr std::uint64_t kRflagsVm = 1 << 17;
  if (InIa32eMode(setup)) {
    return setup.cs_l ? BX_MODE_LONG_64 : BX_MODE_LONG_COMPAT;
  }
  if (!(setup.cr0 & kCr0Pe)) return BX_MODE_IA32_REAL;
  return setup.rflags & kRflagsVm ? BX_MODE_IA32_V8086 : BX_MODE_IA32_PROTECTED;
}

// With PSE-36: bits 21:(M - 19) for M = min(40, MAXPHYADDR), SDM 4.3.
std::uint32_t ReservedPdeBits(const Setup& setup) {
  constexpr std::uint64_t kCr4Pse = 1 << 4;
  if (!(setup.cr4 & kCr4Pse)) return 0;
  const unsigned m = setup.maxphyaddr < 40 ? setup.maxphyaddr : 40;
  return (1u << 22) - (1u << (m - 19));
}

// Bochs's own TLB, of which a page's size in EPT is no part.
bool g_tlb_used = true;  // it is storage that nobody constructed
std::uint8_t g_data_levels[BX_DTLB_SIZE];

void AskByTlb(const Question& question, unsigned access, Answer& answer) {
  g_tlb_used = true;
  // As set_PKeys() leaves them without protection keys: entries have key 0.
  bx_cpu.rd_pkey[0] = bx_cpu.wr_pkey[0] =
      TLB_SysReadOK | TLB_UserReadOK | TLB_SysWriteOK | TLB_UserWriteOK;
  const bool fetch = access == BX_EXECUTE;
  bx_TLB_entry* const entry = fetch ? bx_cpu.ITLB.get_entry_of(question.gla)
                                    : bx_cpu.DTLB.get_entry_of(question.gla);
  constexpr unsigned kNotWalked = 4;
  g_ept_level = kNotWalked;
  answer.address = bx_cpu.translate_linear(entry, question.gla,
                                           question.user_access, access);
  if (fetch) return;  // nothing of these is kept without a host's pointer
  std::uint8_t& level = g_data_levels[bx_cpu.DTLB.get_index_of(question.gla)];
  if (g_ept_level == kNotWalked) {
    g_ept_level = level;
  } else {
    level = static_cast<std::uint8_t>(g_ept_level);
  }
}

void LoadControls(const Setup& setup, bx_VMCS& vmcs) {
  // What a case says nothing about stays off: the APIC, MSR and I/O controls
  // need addresses that a case does not have.
  constexpr std::uint32_t kSecondary =
      VMX_VM_EXEC_CTRL2_EPT_ENABLE | VMX_VM_EXEC_CTRL2_VPID_ENABLE |
      VMX_VM_EXEC_CTRL2_UNRESTRICTED_GUEST | VMX_VM_EXEC_CTRL2_PML_ENABLE |
      VMX_VM_EXEC_CTRL2_EPT_VIOLATION_EXCEPTION | VMX_VM_EXEC_CTRL2_MBE_CTRL |
      VMX_VM_EXEC_CTRL2_SUBPAGE_WR_PROTECT_CTRL;
  vmcs.pin_vmexec_ctrls = VmxPinBasedVmexecControls(setup.pin_based);
  vmcs.vmexec_ctrls1 = VmxVmexec1Controls(VMX_VM_EXEC_CTRL1_SECONDARY_CONTROLS);
  vmcs.vmexec_ctrls2 = VmxVmexec2Controls(setup.secondary & kSecondary);
  vmcs.vm_exceptions_bitmap = setup.exception_bitmap;
  vmcs.eptptr = setup.eptp;
  vmcs.pml_address = setup.pml_address;
  vmcs.spptp = setup.spptp;
  vmcs.ve_info_addr = setup.ve_information_address;
  vmcs.eptp_index = setup.eptp_index;
}

}  // namespace

void LoadProcessor(const Setup& setup, const Changing& changing) {
  g_reserved_address_bits = ~((std::uint64_t{1} << setup.maxphyaddr) - 1);
  SetExtension(BX_ISA_CET, setup.cet);
  const Bit32u& extensions = bx_cpu.ia_extensions_bitmask[BX_ISA_1G_PAGES / 32];
  SetExtension(BX_ISA_1G_PAGES, setup.guest_page_1gb);
  g_guest_extensions = extensions;
  SetExtension(BX_ISA_1G_PAGES, setup.ept_page_1gb);
  g_ept_extensions = extensions;
  g_reserved_pde_bits = ReservedPdeBits(setup);
  // Bochs has no capability for advanced VM-exit information: it gives that
  // where mode-based execute control exists.
  bx_cpu.vmx_extensions_bitmask =
      setup.advanced_exit_information ? BX_VMX_MBE_CONTROL : 0;

  bx_cpu.in_vmx = true;
  bx_cpu.in_vmx_guest = true;
  LoadControls(setup, bx_cpu.vmcs);

  SetRegister(bx_cpu.cr0, setup.cr0);
  bx_cpu.cr2 = 0;
  // Bits beyond the width are none that a MOV to CR3 or VM entry lets in.
  bx_cpu.cr3 = setup.cr3 & ~g_reserved_address_bits;
  SetRegister(bx_cpu.cr4, setup.cr4);
  SetRegister(bx_cpu.efer,
              InIa32eMode(setup) ? setup.efer : setup.efer & ~kEferLma);
  bx_cpu.eflags = setup.rflags;
  bx_cpu.pkru = setup.pkru;
  bx_cpu.pkrs = setup.pkrs;
  bx_cpu.linaddr_width = bx_cpu.cr4.get_LA57() ? 57 : 48;
  bx_cpu.cpu_mode = CpuModeOf(setup);
  bx_cpu.user_pl = setup.cpl == 3;
  bx_cpu.in_event = setup.event_delivery;
  bx_cpu.nmi_unblocking_iret = setup.nmi_unblocking;
  bx_cpu.EXT = 0;

  bx_cpu.vmcs.pml_index = changing.pml_index;
  for (int i = 0; i < 4; ++i) {
    bx_cpu.PDPTR_CACHE.entry[i] = changing.pdpte[i];
  }
}

Changing ReadChanging() {
  Changing changing;
  changing.pml_index = bx_cpu.vmcs.pml_index;
  for (int i = 0; i < 4; ++i) {
    changing.pdpte[i] = bx_cpu.PDPTR_CACHE.entry[i];
  }
  return changing;
}

void ForgetAll() {
  if (!g_tlb_used) return;  // it takes a few microseconds
  g_tlb_used = false;
  bx_cpu.DTLB.flush();
  bx_cpu.ITLB.flush();
}

void ForgetPage(std::uint64_t gla) {
  bx_cpu.DTLB.invlpg(gla);
  bx_cpu.ITLB.invlpg(gla);
}

void CallBochs(const Question& question, Answer& answer) {
  const unsigned access = static_cast<unsigned>(question.access);
  const bool shadow_stack = access & BX_SHADOW_STACK_READ;
  switch (question.operation) {
    case Operation::kGuestPhysical: {
      bool sub_page = false;
      answer.address = bx_cpu.translate_guest_physical(
          question.gpa, question.gla, question.gla_valid, question.page_walk,
          question.user_page, question.writable_page,
          question.execute_disable_page, access,
          shadow_stack && !question.user_access, &sub_page);
      break;
    }
    case Operation::kLinear: {
      if (question.by_tlb) {
        AskByTlb(question, access, answer);
        break;
      }
      bx_TLB_entry entry;  // invalid: the walk always happens
      answer.address = bx_cpu.translate_linear(&entry, question.gla,
                                               question.user_access, access);
      break;
    }
    case Operation::kPdpteLoad:
      if (!bx_cpu.CheckPDPTR(bx_cpu.cr3)) {
        bx_cpu.exception(BX_GP_EXCEPTION, 0);
      }
      break;
  }
  answer.page_shift = static_cast<std::uint8_t>(12 + 9 * g_ept_level);
}

}  // namespace eptdiff::bochs

// Bochs's own memory has a VGA hole, a BIOS ROM and an allocation that grows
// with the address width; this is the case's instead. Bochs accesses it in
// naturally aligned pieces of 1 to 8 bytes.
void BX_MEM_C::readPhysicalPage(BX_CPU_C*, bx_phy_address address,
                                unsigned size, void* data) {
  using eptdiff::bochs::g_memory;
  const Bit64u word = g_memory.load(g_memory.context, address & ~Bit64u{7});
  const Bit64u value = word >> (8 * (address & 7));
  memcpy(data, &value, size);
}

void BX_MEM_C::writePhysicalPage(BX_CPU_C*, bx_phy_address address,
                                 unsigned size, void* data) {
  using eptdiff::bochs::g_memory;
  Bit64u word = 0;
  const bx_phy_address word_address = address & ~Bit64u{7};
  if (size != 8) word = g_memory.load(g_memory.context, word_address);
  memcpy(reinterpret_cast<char*>(&word) + (address & 7), data, size);
  g_memory.store(g_memory.context, word_address, word);
}

Bit8u* BX_MEM_C::getHostMemAddr(BX_CPU_C*, bx_phy_address, unsigned) {
  return nullptr;  // no direct access: all of it comes through the functions
                   // above
}
