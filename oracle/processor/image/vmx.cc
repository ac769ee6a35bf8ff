#include "oracle/processor/image/vmx.h"

#include <cstring>

#include "oracle/processor/image/interrupts.h"
#include "oracle/processor/image/port.h"
#include "oracle/processor/image/vmcs.h"

extern "C" {
std::uint64_t EnterGuest(eptdiff::image::GuestRegisters*, bool launched);
}

namespace eptdiff::image {
namespace {

constexpr std::uint64_t Bit(int n) { return std::uint64_t{1} << n; }
constexpr bool Has(std::uint64_t value, int n) { return (value >> n & 1) != 0; }

enum Msr : std::uint32_t {
  kFeatureControl = 0x3a,
  kBasic = 0x480,
  kPinBased = 0x481,
  kPrimary = 0x482,
  kExit = 0x483,
  kEntry = 0x484,
  kMisc = 0x485,
  kCr0Fixed0 = 0x486,
  kCr0Fixed1 = 0x487,
  kCr4Fixed0 = 0x488,
  kCr4Fixed1 = 0x489,
  kSecondary = 0x48b,
  kEptVpidCap = 0x48c,
  kTruePinBased = 0x48d,
  kVmFunc = 0x491,
  kTertiary = 0x492,
};
constexpr int kPrimaryTertiary = 17;
constexpr int kPrimaryMonitorTrap = 27;
constexpr int kPrimaryCr3LoadExiting = 15;
constexpr int kPrimarySecondary = 31;
constexpr int kSecondaryEpt = 1;
constexpr int kSecondaryVmFunctions = 13;
constexpr std::uint64_t kCr4Vmxe = Bit(13);

alignas(4096) std::uint8_t vmxon_region[4096];
alignas(4096) std::uint8_t vmcs_region[4096];
bool launched = false;
bool in_operation = false;

VmResult ResultOf(bool carry, bool zero) {
  if (carry) return VmResult::kFailInvalid;
  return zero ? VmResult::kFailValid : VmResult::kSucceed;
}

// 32 bits of what has to be 1, and 32 of what may be.
AllowedBits Allowed(std::uint32_t msr) {
  const std::uint64_t value = ReadMsr(msr);
  return {value & 0xffffffff, value >> 32};
}

bool IsVendor(const CpuidResult& leaf0, const char* words) {
  return std::memcmp(&leaf0.ebx, words, 4) == 0 &&
         std::memcmp(&leaf0.edx, words + 4, 4) == 0 &&
         std::memcmp(&leaf0.ecx, words + 8, 4) == 0;
}

// What may be 1.
std::uint32_t MayBe(std::uint32_t msr) {
  return static_cast<std::uint32_t>(ReadMsr(msr) >> 32);
}

// Sets IA32_FEATURE_CONTROL where the firmware has left it open.
std::optional<std::uint64_t> FeatureControl() {
  constexpr std::uint64_t kLock = 1 << 0, kVmxOutsideSmx = 1 << 2;
  std::uint64_t value = 0;
  if (!TryReadMsr(kFeatureControl, value)) return std::nullopt;
  if ((value & kLock) == 0) {
    TryWriteMsr(kFeatureControl, value | kLock | kVmxOutsideSmx);
    TryReadMsr(kFeatureControl, value);
  }
  return value;
}

}  // namespace

NoEpt WhyNoEpt() {
  VmxFacts facts;
  const CpuidResult leaf0 = Cpuid(0);
  facts.of_amd =
      IsVendor(leaf0, "AuthenticAMD") || IsVendor(leaf0, "HygonGenuine");
  const std::uint32_t features = Cpuid(1).ecx;
  facts.vmx = Has(features, 5);
  facts.in_a_machine = Has(features, 31);
  if (facts.of_amd || !facts.vmx) return WhyNoEpt(facts);
  facts.feature_control = FeatureControl();
  facts.pin_based = MayBe(kPinBased);
  facts.primary = MayBe(kPrimary);
  if (Has(facts.primary, kPrimarySecondary)) {
    facts.secondary = MayBe(kSecondary);
  }
  if (Has(facts.secondary, kSecondaryEpt)) {
    facts.ept_vpid_cap = ReadMsr(kEptVpidCap);
  }
  return WhyNoEpt(facts);
}

namespace {

// What a case says of a processor, for this one.
Processor ReadProcessor(std::uint64_t ept_vpid_cap, bool has_ve) {
  constexpr std::uint32_t kTmeActivate = 0x982;
  const CpuidResult leaf1 = Cpuid(1);
  const CpuidResult leaf7 = Cpuid(0).eax >= 7 ? Cpuid(7) : CpuidResult{};
  const CpuidResult extended = Cpuid(0x80000001);
  Processor p;
  p.maxphyaddr = Cpuid(0x80000000).eax >= 0x80000008
                     ? static_cast<std::uint8_t>(Cpuid(0x80000008).eax)
                     : std::uint8_t{36};
  std::uint64_t tme = 0;
  if (Has(leaf7.ecx, 13) && TryReadMsr(kTmeActivate, tme) && Has(tme, 1)) {
    p.keyid_bits = tme >> 36 & 15;
  }
  p.ept_vpid_cap = ept_vpid_cap;
  p.ept_violation_ve = has_ve;
  p.page_1gb = Has(extended.edx, 26);
  p.nx = Has(extended.edx, 20);
  p.pse36 = Has(leaf1.edx, 17);
  p.smep = Has(leaf7.ebx, 7);
  p.smap = Has(leaf7.ebx, 20);
  p.pku = Has(leaf7.ecx, 3);
  p.pks = Has(leaf7.ecx, 31);
  p.cet_ss = Has(leaf7.ecx, 7);
  p.la57 = Has(leaf7.ecx, 16);
  p.pcid = Has(leaf1.ecx, 17);
  return p;
}

}  // namespace

VmxCapabilities ReadVmxCapabilities() {
  VmxCapabilities c;
  c.basic = ReadMsr(kBasic);
  c.misc = ReadMsr(kMisc);
  MachineLimits& l = c.limits;
  // The MSRs of the true controls lie in the same order.
  const std::uint32_t base = Has(c.basic, 55) ? std::uint32_t{kTruePinBased}
                                              : std::uint32_t{kPinBased};
  l.pin_based = Allowed(base);
  l.primary = Allowed(base + (kPrimary - kPinBased));
  l.exit = Allowed(base + (kExit - kPinBased));
  l.entry = Allowed(base + (kEntry - kPinBased));
  l.secondary = Allowed(kSecondary);
  if (Has(l.primary.may, kPrimaryTertiary)) l.tertiary.may = ReadMsr(kTertiary);
  if (Has(l.secondary.may, kSecondaryVmFunctions)) {
    l.vm_functions = ReadMsr(kVmFunc);
  }
  l.has_monitor_trap = Has(l.primary.may, kPrimaryMonitorTrap) &&
                       !Has(l.primary.must, kPrimaryCr3LoadExiting);
  l.lam = Cpuid(0).eax >= 7 && Cpuid(7).eax >= 1 && Has(Cpuid(7, 1).eax, 26);
  c.ept_vpid_cap = ReadMsr(kEptVpidCap);
  l.cr0 = {ReadMsr(kCr0Fixed0), ReadMsr(kCr0Fixed1)};
  l.cr4 = {ReadMsr(kCr4Fixed0), ReadMsr(kCr4Fixed1)};
  constexpr int kEntryLoadCet = 20, kExitLoadCet = 28;
  l.processor = ReadProcessor(c.ept_vpid_cap, Has(l.secondary.may, 18));
  l.has_shadow_stacks = l.processor.cet_ss && Has(l.entry.may, kEntryLoadCet) &&
                        Has(l.exit.may, kExitLoadCet);
  return c;
}

bool StartVmx(const VmxCapabilities& capabilities, std::string_view& why) {
  WriteCr0(capabilities.limits.cr0.Fit(ReadCr0()));
  WriteCr4(capabilities.limits.cr4.Fit(ReadCr4() | kCr4Vmxe));
  const auto revision =
      static_cast<std::uint32_t>(capabilities.basic & 0x7fffffff);
  std::memcpy(vmxon_region, &revision, sizeof revision);
  std::memcpy(vmcs_region, &revision, sizeof revision);
  std::uint64_t address = reinterpret_cast<std::uint64_t>(vmxon_region);
  bool carry, zero;
  asm volatile("vmxon %2"
               : "=@ccc"(carry), "=@ccz"(zero)
               : "m"(address)
               : "memory");
  if (ResultOf(carry, zero) != VmResult::kSucceed) {
    why = "VMXON fails";
    return false;
  }
  in_operation = true;
  address = reinterpret_cast<std::uint64_t>(vmcs_region);
  asm volatile("vmclear %2"
               : "=@ccc"(carry), "=@ccz"(zero)
               : "m"(address)
               : "memory");
  if (ResultOf(carry, zero) != VmResult::kSucceed) {
    why = "VMCLEAR fails";
    return false;
  }
  asm volatile("vmptrld %2"
               : "=@ccc"(carry), "=@ccz"(zero)
               : "m"(address)
               : "memory");
  why = "VMPTRLD fails";
  return ResultOf(carry, zero) == VmResult::kSucceed;
}

void StopVmx() {
  if (!in_operation) return;
  in_operation = false;
  asm volatile("vmxoff" : : : "cc", "memory");
  WriteCr4(ReadCr4() & ~kCr4Vmxe);
}

bool VmWrite(std::uint32_t field, std::uint64_t value) {
  bool carry, zero;
  asm volatile("vmwrite %3, %2"
               : "=@ccc"(carry), "=@ccz"(zero)
               : "r"(std::uint64_t{field}), "r"(value));
  return !carry && !zero;
}

std::uint64_t VmRead(std::uint32_t field) {
  std::uint64_t value = 0;
  asm volatile("vmread %1, %0"
               : "+r"(value)
               : "r"(std::uint64_t{field})
               : "cc");
  return value;
}

namespace {

struct Descriptor {
  std::uint64_t first;
  std::uint64_t second;
};

}  // namespace

VmResult Invept(std::uint64_t type, std::uint64_t eptp,
                std::uint64_t reserved) {
  const Descriptor descriptor = {eptp, reserved};
  bool carry, zero;
  asm volatile("invept %2, %3"
               : "=@ccc"(carry), "=@ccz"(zero)
               : "m"(descriptor), "r"(type)
               : "memory");
  return ResultOf(carry, zero);
}

VmResult Invvpid(std::uint64_t type, std::uint64_t vpid,
                 std::uint64_t address) {
  const Descriptor descriptor = {vpid, address};
  bool carry, zero;
  asm volatile("invvpid %2, %3"
               : "=@ccc"(carry), "=@ccz"(zero)
               : "m"(descriptor), "r"(type)
               : "memory");
  return ResultOf(carry, zero);
}

VmResult RunGuest(GuestRegisters& registers) {
  const std::uint64_t end = EnterGuest(&registers, launched);
  if (end == 1) return VmResult::kFailInvalid;
  if (end == 2) return VmResult::kFailValid;
  // A VM entry that fails while it loads the guest's state leaves the VMCS as
  // it was (27.8).
  if (!launched) launched = !Has(VmRead(vmcs::kExitReason), 31);
  return VmResult::kSucceed;
}

}  // namespace eptdiff::image
