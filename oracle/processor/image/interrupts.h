// The IDT of the image. Interrupts stay off: what comes all the same is an NMI,
// which is counted, or an error of the image's own, which ends it.
// Thread-safety: of one processor.
#ifndef EPTDIFF_ORACLE_PROCESSOR_IMAGE_INTERRUPTS_H_
#define EPTDIFF_ORACLE_PROCESSOR_IMAGE_INTERRUPTS_H_

#include <cstdint>

namespace eptdiff::image {

void LoadInterruptTable();

// How many NMIs have come.
std::uint64_t NmiCount();

// Has the local APIC send two NMIs to this processor: one is taken, and by that
// the other one is held until IRET or a VM entry unblocks it. False if none
// comes.
bool HoldNmi();

// RDMSR and WRMSR; false if the processor refuses with #GP.
bool TryReadMsr(std::uint32_t msr, std::uint64_t& value);
bool TryWriteMsr(std::uint32_t msr, std::uint64_t value);

// Where the processor finds the tables of this program; for the VMCS.
std::uint64_t InterruptTableAddress();

}  // namespace eptdiff::image

#endif  // EPTDIFF_ORACLE_PROCESSOR_IMAGE_INTERRUPTS_H_
