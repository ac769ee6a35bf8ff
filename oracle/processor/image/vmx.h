// VT-x as this processor has it: what it can do, switched on, and the
// instructions of a hypervisor.
// Thread-safety: of one processor.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_VMX_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_VMX_H_

#include <cstdint>
#include <string_view>

#include "oracle/processor/image/ept_presence.h"
#include "oracle/processor/machine_limits.h"

namespace eptdiff::image {

struct VmxCapabilities {
  std::uint64_t basic = 0;  // IA32_VMX_BASIC
  std::uint64_t misc = 0;   // IA32_VMX_MISC
  std::uint64_t ept_vpid_cap = 0;
  MachineLimits limits;
};

// Whether EPT can be asked on this machine. Sets and locks IA32_FEATURE_CONTROL
// where that is open.
NoEpt WhyNoEpt();

// Only where EPT can be asked.
VmxCapabilities ReadVmxCapabilities();

// Enters VMX operation and makes the one VMCS current. False, with a sentence,
// if the processor refuses.
bool StartVmx(const VmxCapabilities& capabilities, std::string_view& why);
// If it was entered.
void StopVmx();

// How VMXON, INVEPT and the like end (30.2).
enum class VmResult : std::uint8_t { kSucceed, kFailInvalid, kFailValid };

// A field that the processor does not have reads as 0, and is not written;
// false then.
bool VmWrite(std::uint32_t field, std::uint64_t value);
std::uint64_t VmRead(std::uint32_t field);

VmResult Invept(std::uint64_t type, std::uint64_t eptp, std::uint64_t reserved);
VmResult Invvpid(std::uint64_t type, std::uint64_t vpid, std::uint64_t address);

// The guest's registers that no VMCS has, as guest_entry.S knows them.
struct GuestRegisters {
  std::uint64_t rax = 0, rbx = 0, rcx = 0, rdx = 0, rsi = 0, rdi = 0, rbp = 0;
  std::uint64_t r8_to_r15[8] = {};
};

// One VM entry. After kSucceed a VM exit has come, or a failure that is told
// like one; else the instruction has failed, and kInstructionError says why.
VmResult RunGuest(GuestRegisters& registers);

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_VMX_H_
