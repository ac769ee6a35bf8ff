// The instructions that guests run: one for each access that has a kind and a
// size, and one for each other thing that a guest does. In a page of code, each
// has a place of its own, of kCodeBytes, with INT3 behind it; the page begins
// with INT3, and what is fetched to see whether code can be fetched is there.
//
// RBX (EBX) has the address, RAX the data, the value or the type of INVPCID,
// RCX the index of VMFUNC or of the MSR. Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_PROCESSOR_GUEST_CODE_H_
#define EPTDIFF_ORACLE_PROCESSOR_GUEST_CODE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "oracle/case.h"

namespace eptdiff {

inline constexpr std::size_t kCodeBytes = 16;
using GuestCode = std::array<std::uint8_t, kCodeBytes>;

// Of an implicit access, a read of a descriptor by MOV to ES: the selector, in
// AX, whose descriptor is so many bytes behind the base of the GDT.
inline constexpr std::uint16_t kDescriptorOffset = 0x10;

// INVPCID's descriptor lies in the page of code, too.
inline constexpr std::size_t kInvpcidDescriptor = 0x800;

// Whether a step is one that an instruction of its own makes.
bool HasInstruction(const Step& step);

// Where in the page it is. Only if it has one.
std::uint16_t CodeOffset(const Step& step);

// In 64-bit code, or in 32-bit code.
GuestCode CodeOf(const Step& step, bool is_64_bit);

// How long the instruction is.
std::size_t CodeLength(const Step& step, bool is_64_bit);

GuestCode OnlyInt3();

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_GUEST_CODE_H_
