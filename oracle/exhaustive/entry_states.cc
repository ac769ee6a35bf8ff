#include "oracle/exhaustive/entry_states.h"

#include <span>
#include <utility>

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(int position) {
  return std::uint64_t{1} << position;
}

constexpr int kMaxphyaddr = 46;

// Takes choices out of a number.
class Choice {
 public:
  explicit Choice(std::uint64_t number) : number_(number) {}
  std::uint64_t Of(std::uint64_t base) {
    return std::exchange(number_, number_ / base) % base;
  }
  // Each of the bits, or not.
  std::uint64_t Bits(std::span<const int> positions) {
    std::uint64_t bits = 0;
    for (const int position : positions) bits |= Of(2) * Bit(position);
    return bits;
  }
  std::uint64_t Pick(std::span<const std::uint64_t> values) {
    return values[Of(values.size())];
  }

 private:
  std::uint64_t number_;
};

// What VM entry accepts: 4-level EPT, a guest in 64-bit mode.
void SetAccepted(MachineState& state) {
  Processor& p = state.processor;
  p = Processor{};
  p.maxphyaddr = kMaxphyaddr;
  p.ept_vpid_cap = Bit(6) | Bit(7) | Bit(8) | Bit(14) | Bit(21) | Bit(23);
  p.ept_violation_ve = true;
  Controls& k = state.controls;
  k = Controls{};
  k.primary = static_cast<std::uint32_t>(Bit(31));
  k.secondary = static_cast<std::uint32_t>(Bit(1));
  k.eptp = 0x101e;
  GuestState& g = state.guest;
  g = GuestState{};
  g.cr0 = Bit(31) | Bit(16) | Bit(5) | Bit(0);
  g.cr4 = Bit(13) | Bit(5);
  g.efer = Bit(10) | Bit(8);
  g.rflags = Bit(1);
  g.cs_l = true;
}

constexpr int kEptpCapabilities[] = {6, 7, 8, 14, 21, 23};

void SetEptp(std::uint64_t n, MachineState& state) {
  SetAccepted(state);
  Choice choice(n);
  const std::uint64_t high[] = {0x1000, Bit(kMaxphyaddr - 1), Bit(kMaxphyaddr),
                                Bit(51), Bit(63)};
  state.processor.ept_vpid_cap = choice.Bits(kEptpCapabilities);
  state.controls.eptp = choice.Of(1 << 12);
  state.controls.eptp |= choice.Pick(high);
}

constexpr int kPinBits[] = {3, 5};
constexpr int kPrimaryBits[] = {17, 22, 31};
constexpr int kSecondaryBits[] = {1, 5, 7, 13, 17, 18, 22, 23, 24};
constexpr int kTertiaryBits[] = {1, 2, 3, 5, 12};
constexpr int kVmFunctionBits[] = {0, 1, 63};
constexpr int kEntryBits[] = {18};
constexpr int kExitBits[] = {25};

void SetControls(std::uint64_t n, MachineState& state) {
  SetAccepted(state);
  Choice choice(n);
  Controls& k = state.controls;
  k.pin_based = static_cast<std::uint32_t>(choice.Bits(kPinBits));
  k.primary = static_cast<std::uint32_t>(choice.Bits(kPrimaryBits));
  k.secondary = static_cast<std::uint32_t>(choice.Bits(kSecondaryBits));
  k.tertiary = choice.Bits(kTertiaryBits);
  k.vm_functions = choice.Bits(kVmFunctionBits);
  k.entry_controls = static_cast<std::uint32_t>(choice.Bits(kEntryBits));
  k.exit_controls = static_cast<std::uint32_t>(choice.Bits(kExitBits));
  k.vpid = static_cast<std::uint16_t>(choice.Of(2));
}

constexpr int kAddressBits[] = {13, 17, 18, 23};

void SetAddresses(std::uint64_t n, MachineState& state) {
  SetAccepted(state);
  Choice choice(n);
  Controls& k = state.controls;
  const std::uint64_t pages[] = {0x2000, 0x2001, 0x2800,
                                 0x2000 | Bit(kMaxphyaddr)};
  const std::uint64_t hlat[] = {0x2000, 0x2001, 0x2018,
                                0x2020, 0x2800, 0x2000 | Bit(kMaxphyaddr)};
  k.secondary |= static_cast<std::uint32_t>(choice.Bits(kAddressBits));
  k.vm_functions = choice.Of(2);
  k.pml_address = choice.Pick(pages);
  k.spptp = choice.Pick(pages);
  k.ve_information_address = choice.Pick(pages);
  k.eptp_list_address = choice.Pick(pages);
  k.primary |= static_cast<std::uint32_t>(choice.Of(2) * Bit(17));
  k.tertiary = Bit(1);
  k.hlatp = choice.Pick(hlat);
  k.hlat_prefix_size = static_cast<std::uint16_t>(choice.Of(3));
}

constexpr int kCr0Bits[] = {0, 5, 16, 30, 31, 32};
constexpr int kCr4Bits[] = {5, 12, 13, 17, 23};
constexpr int kEferBits[] = {0, 8, 9, 10, 11, 12};
constexpr int kUnrestricted[] = {7};
constexpr int kLoadEfer[] = {15};

void SetModes(std::uint64_t n, MachineState& state) {
  SetAccepted(state);
  Choice choice(n);
  GuestState& g = state.guest;
  g.cr0 = choice.Bits(kCr0Bits);
  const std::uint64_t reserved[] = {0, Bit(15), Bit(26), Bit(63)};
  g.cr4 = choice.Bits(kCr4Bits) | choice.Pick(reserved);
  g.efer = choice.Bits(kEferBits);
  state.controls.secondary |=
      static_cast<std::uint32_t>(choice.Bits(kUnrestricted));
  state.controls.entry_controls =
      static_cast<std::uint32_t>(choice.Bits(kLoadEfer));
  g.cr3 = choice.Of(2) * Bit(63);
  // The second of them fails in PAE paging.
  g.pdpte[1] = choice.Of(2) != 0 ? 0x3003 : 0x3001;
}

constexpr int kRflagsBits[] = {1, 3, 5, 15, 17, 18, 22, 63};
constexpr int kPdpteBits[] = {0,           1, 2, 3, 5, 8, 9, kMaxphyaddr - 1,
                              kMaxphyaddr, 63};
constexpr int kLoadPat[] = {14};

void SetRegisters(std::uint64_t n, MachineState& state) {
  SetAccepted(state);
  Choice choice(n);
  GuestState& g = state.guest;
  const std::uint64_t pat[] = {0x0007040600070406, 0x0007040600070405,
                               0x0307040600070406, 0x0007040610070406};
  const std::uint64_t cr3[] = {0,       Bit(11), Bit(kMaxphyaddr - 1),
                               Bit(61), Bit(62), Bit(kMaxphyaddr),
                               Bit(52), Bit(63)};
  g.pdpte[choice.Of(2) * 3] = choice.Bits(kPdpteBits);
  g.efer = choice.Of(2) != 0 ? Bit(10) | Bit(8) : 0;
  g.rflags = choice.Bits(kRflagsBits);
  g.cr3 = choice.Pick(cr3);
  g.pat = choice.Pick(pat);
  state.controls.entry_controls =
      static_cast<std::uint32_t>(choice.Bits(kLoadPat));
}

constexpr int kFrameControls[] = {0, 17};

// The highest bit of CPUID's width, a key identifier's or not, wherever there
// is an address; and the APIC-access page.
void SetWidths(std::uint64_t n, MachineState& state) {
  SetAccepted(state);
  Choice choice(n);
  constexpr std::uint64_t kTop = Bit(kMaxphyaddr - 1);
  const std::uint64_t pages[] = {0x2000, 0x2008, kTop, kTop << 1};
  state.processor.keyid_bits = static_cast<std::uint8_t>(choice.Of(2));
  Controls& k = state.controls;
  k.secondary |= static_cast<std::uint32_t>(choice.Bits(kFrameControls));
  k.eptp |= choice.Of(2) * kTop;
  k.pml_address = choice.Pick(pages);
  k.apic_access_address = choice.Pick(pages);
  k.primary |= static_cast<std::uint32_t>(choice.Of(2) * Bit(17));
  k.tertiary = Bit(1);
  k.hlatp = choice.Of(2) * kTop;
  GuestState& g = state.guest;
  g.efer = choice.Of(2) != 0 ? Bit(10) | Bit(8) : 0;
  g.cr3 = choice.Of(2) * kTop;
  g.pdpte[2] = choice.Of(2) * kTop | 1;
}

constexpr int kApicPinBits[] = {0, 7};
constexpr int kApicPrimaryBits[] = {17, 21, 31};
constexpr int kApicSecondaryBits[] = {0, 1, 4, 8, 9};
constexpr int kApicTertiaryBits[] = {4};
constexpr int kApicExitBits[] = {15};

void SetVirtualApic(std::uint64_t n, MachineState& state) {
  SetAccepted(state);
  Choice choice(n);
  Controls& k = state.controls;
  k.pin_based = static_cast<std::uint32_t>(choice.Bits(kApicPinBits));
  k.primary = static_cast<std::uint32_t>(choice.Bits(kApicPrimaryBits));
  k.secondary = static_cast<std::uint32_t>(choice.Bits(kApicSecondaryBits));
  k.tertiary = choice.Bits(kApicTertiaryBits);
  k.exit_controls = static_cast<std::uint32_t>(choice.Bits(kApicExitBits));
}

constexpr int kPrivilegeCr0Bits[] = {0, 31};
constexpr int kPrivilegeRflagsBits[] = {8, 9, 17};
constexpr int kBlockingBits[] = {0, 1, 2, 3, 4};
constexpr int kPendingBits[] = {0, 4, 11, 12, 13, 14, 15, 16};

// The modes that a CPL needs, what blocks events, and the debug exceptions that
// wait.
void SetPrivilege(std::uint64_t n, MachineState& state) {
  SetAccepted(state);
  Choice choice(n);
  state.controls.secondary |= static_cast<std::uint32_t>(Bit(7));
  GuestState& g = state.guest;
  g.cr0 = Bit(16) | Bit(5) | choice.Bits(kPrivilegeCr0Bits);
  g.efer = choice.Of(2) != 0 ? Bit(10) | Bit(8) : 0;
  g.rflags = Bit(1) | choice.Bits(kPrivilegeRflagsBits);
  g.cs_l = choice.Of(2) != 0;
  g.cpl = static_cast<std::uint8_t>(choice.Of(4));
  g.interruptibility = static_cast<std::uint8_t>(choice.Bits(kBlockingBits));
  g.pending_debug = static_cast<std::uint32_t>(choice.Bits(kPendingBits));
}

constexpr EntryStates kSpaces[kEntrySpaces] = {
    {"eptp", (1 << 6) * (1 << 12) * 5, SetEptp},
    {"controls", 1 << 25, SetControls},
    {"addresses", (1 << 5) * 4 * 4 * 4 * 4 * 2 * 6 * 3, SetAddresses},
    {"modes", (1 << 21) * 4, SetModes},
    {"registers", (1 << 20) * 8 * 4 * 2, SetRegisters},
    {"widths", (1 << 9) * 4 * 4, SetWidths},
    {"virtual-apic", 1 << 12, SetVirtualApic},
    {"privilege", (1 << 20) * 4, SetPrivilege},
};

}  // namespace

const EntryStates& EntrySpace(int number) { return kSpaces[number]; }

}  // namespace eptdiff
