// The fields of the VMCS: what the host, the controls and the guest are.
#include "oracle/processor/guest_bits.h"
#include "oracle/processor/image/exits.h"
#include "oracle/processor/image/guest_machine.h"
#include "oracle/processor/image/interrupts.h"
#include "oracle/processor/image/port.h"
#include "oracle/processor/image/vmcs.h"

extern "C" {
extern const char guest_exit[];   // guest_entry.S
extern char gdt[], task_state[];  // boot.S
}

namespace eptdiff::image {
namespace {

using namespace guest_bits;
using namespace vmcs;

constexpr int kCr4Pke = 22;
// IA32_U_CET, IA32_S_CET: shadow stacks, and WRSS.
constexpr std::uint64_t kShadowStacks = 3;
constexpr std::uint32_t kEferMsr = 0xc0000080, kPatMsr = 0x277;

// No access to an MSR exits.
alignas(4096) constexpr std::uint8_t kMsrBitmapOfNone[4096] = {};

// PKRU is in no VMCS. WRPKRU needs CR4.PKE, and then counts for this program's
// own accesses, too, of which there are none meanwhile.
void LoadPkru(std::uint32_t pkru) {
  const std::uint64_t cr4 = ReadCr4();
  asm volatile("mov %0, %%cr4\n\twrpkru\n\tmov %1, %%cr4"
               :
               : "r"(cr4 | Bit(kCr4Pke)), "r"(cr4), "a"(pkru), "c"(0), "d"(0)
               : "memory");
}

}  // namespace

void GuestMachine::Write(std::uint32_t field, std::uint64_t value) {
  ++counts_.vmwrites;
  VmWrite(field, value);
}

// A field that no guest of ours can change: written if it is another value.
void GuestMachine::WriteNew(std::uint32_t field, std::uint64_t value) {
  const std::size_t i = field / 2;
  if (is_written_[i] && written_[i] == value) return;
  is_written_[i] = true;
  written_[i] = value;
  Write(field, value);
}

std::uint64_t GuestMachine::Read(std::uint32_t field) {
  ++counts_.vmreads;
  return VmRead(field);
}

void GuestMachine::WriteHostState() {
  Write(kHostCr0, ReadCr0());
  Write(kHostCr3, ReadCr3());
  Write(kHostCr4, ReadCr4());
  constexpr std::uint64_t kCode = 0x08, kData = 0x10, kTask = 0x18;
  for (std::uint32_t segment = 0; segment < 7; ++segment) {
    Write(kHostEsSelector + 2 * segment, segment == kCs ? kCode
                                         : segment == 6 ? kTask
                                                        : kData);
  }
  Write(kHostFsBase, 0);
  Write(kHostFsBase + 2, 0);
  Write(kHostTrBase, reinterpret_cast<std::uint64_t>(task_state));
  Write(kHostGdtrBase, reinterpret_cast<std::uint64_t>(gdt));
  Write(kHostIdtrBase, InterruptTableAddress());
  Write(kHostSysenterCs, 0);
  Write(kHostSysenterEsp, 0);
  Write(kHostSysenterEip, 0);
  Write(kHostRip, reinterpret_cast<std::uint64_t>(guest_exit));
  Write(kHostPat, ReadMsr(kPatMsr));
  Write(kHostEfer, ReadMsr(kEferMsr));
  Write(kVmcsLink, ~std::uint64_t{0});
  Write(kMsrBitmaps, reinterpret_cast<std::uint64_t>(kMsrBitmapOfNone));
  if (capabilities_.limits.has_shadow_stacks) {
    for (const std::uint32_t field :
         {kHostSCet, kHostSsp, kHostSspTable, kGuestSspTable, kGuestSsp}) {
      Write(field, 0);
    }
    // At CPL 3, where this program never is.
    constexpr std::uint32_t kUCetMsr = 0x6a0;
    TryWriteMsr(kUCetMsr, kShadowStacks);
  }
  for (const std::uint32_t field :
       {kTscOffset, kXssExitingBitmap, kPageFaultMask, kPageFaultMatch,
        kCr3TargetCount, kExitMsrStoreCount, kExitMsrLoadCount,
        kEntryMsrLoadCount, kEntryInterruption, kGuestDebugctl,
        kGuestSysenterCs, kGuestSysenterEsp, kGuestSysenterEip, kCr0Mask,
        kCr4Mask, kCr0Shadow, kCr4Shadow, kSecondaryExit}) {
    Write(field, 0);
  }
}

void GuestMachine::WriteControls(const Controls& k) {
  // What the processor writes to by itself may lie in a large page.
  if (Has(k.secondary, kSecondaryPml)) Clean(Hpa{k.pml_address});
  if (Has(k.secondary, kSecondaryVe)) Clean(Hpa{k.ve_information_address});
  WriteNew(kPinBased, k.pin_based);
  WriteNew(kPrimary, k.primary);
  WriteNew(kSecondary, k.secondary);
  WriteNew(kExitControls, k.exit_controls);
  WriteNew(kEntryControls, k.entry_controls);
  WriteNew(kExceptionBitmap, k.exception_bitmap);
  // Fields that a processor may not have.
  WriteNew(kTertiary, k.tertiary);
  WriteNew(kVmFunctions, k.vm_functions);
  WriteNew(kPmlAddress, k.pml_address);
  WriteNew(kSpptp, k.spptp);
  WriteNew(kVeInformationAddress, k.ve_information_address);
  WriteNew(kEptpListAddress, k.eptp_list_address);
  WriteNew(kHlatp, k.hlatp);
  WriteNew(kHlatPrefixSize, k.hlat_prefix_size);
  WriteNew(kVpid, k.vpid);
  WriteNew(kApicAccessAddress, k.apic_access_address);
}

void GuestMachine::WriteGuest(const GuestState& g) {
  has_guest_ = true;
  WriteNew(kGuestCr0, g.cr0);
  WriteNew(kGuestCr3, g.cr3);
  WriteNew(kGuestCr4, g.cr4);
  WriteNew(kGuestEfer, g.efer);
  WriteNew(kGuestPat, g.pat);
  WriteNew(kGuestPkrs, g.pkrs);
  if (capabilities_.limits.has_shadow_stacks) {
    WriteNew(kGuestSCet, Has(g.cr4, kCr4Cet) ? kShadowStacks : 0);
  }
  WriteNew(kGuestDr7, 0x400);
  WriteNew(kGuestRsp, 0);
  // Flat segments. Rights: type, S, DPL, P, L, D/B, G.
  const std::uint64_t dpl = std::uint64_t{g.cpl} << 5;
  const std::uint64_t code =
      0x809b | dpl | (g.cs_l ? std::uint64_t{0x2000} : std::uint64_t{0x4000});
  if (segments_ != code) WriteSegments(code, g.cpl);
  segments_ = code;
  if (capabilities_.limits.processor.pku && loaded_pkru_ != g.pkru) {
    LoadPkru(g.pkru);
    loaded_pkru_ = g.pkru;
  }
}

void GuestMachine::WriteSegments(std::uint64_t code, std::uint8_t cpl) {
  const std::uint64_t dpl = std::uint64_t{cpl} << 5;
  for (std::uint32_t segment = kEs; segment <= kGs; ++segment) {
    const std::uint64_t rights = segment == kCs   ? code
                                 : segment == kSs ? 0xc093 | dpl
                                                  : 0xc0f3;
    const std::uint64_t selector = segment == kCs ? 0x08 : 0x10;
    WriteNew(kGuestEsSelector + 2 * segment, selector | cpl);
    WriteNew(kGuestEsBase + 2 * segment, 0);
    WriteNew(kGuestEsLimit + 2 * segment, 0xffffffff);
    WriteNew(kGuestEsRights + 2 * segment, rights);
  }
  WriteNew(kGuestEsSelector + 2 * kLdtr, 0);
  WriteNew(kGuestEsBase + 2 * kLdtr, 0);
  WriteNew(kGuestEsLimit + 2 * kLdtr, 0);
  WriteNew(kGuestEsRights + 2 * kLdtr, 0x10000);  // unusable
  WriteNew(kGuestEsSelector + 2 * kTr, 0x18);
  WriteNew(kGuestEsBase + 2 * kTr, 0);
  WriteNew(kGuestEsLimit + 2 * kTr, 0x67);
  WriteNew(kGuestEsRights + 2 * kTr, 0x8b);
  WriteNew(kGuestGdtrBase, 0);
  WriteNew(kGuestGdtrLimit, 0);
  WriteNew(kGuestIdtrBase, 0);
  WriteNew(kGuestIdtrLimit, 0);
}

void GuestMachine::WriteStep(const MachineState& state, std::uint64_t rip,
                             std::uint32_t timer, bool again) {
  constexpr int kSecondaryPml = 17;
  WriteNew(kEptp, state.controls.eptp);
  WriteNew(kEptpIndex, state.controls.eptp_index);
  if (!again) {
    WriteNew(kPmlIndex, state.controls.pml_index);
    Write(kGuestRip, rip);
    if (ssp_ != 0) Write(kGuestSsp, ssp_);
  }
  if (Has(state.controls.secondary, kSecondaryPml)) {
    is_written_[kPmlIndex / 2] = false;  // logging changes it
  }
  for (std::uint32_t i = 0; has_pdptes_ && i < 4; ++i) {
    Write(kGuestPdpte0 + 2 * i, state.guest.pdpte[i]);
  }
  Write(kGuestRflags, state.guest.rflags);
  Write(kGuestInterruptibility, 0);
  WriteNew(kGuestActivity, 0);
  Write(kGuestPendingDebug, 0);
  WriteNew(kPreemptionTimer, timer);
}

}  // namespace eptdiff::image
