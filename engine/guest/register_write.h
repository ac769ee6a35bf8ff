// Writes to the guest's registers: what the processor makes of one before it
// accesses memory (SDM Volume 3A, 2.5, 4.1.2, 4.4.1; 24.8, 26.1.3, 26.3).
// Thread-safety: pure functions.
#ifndef EPTDIFF_ENGINE_GUEST_REGISTER_WRITE_H_
#define EPTDIFF_ENGINE_GUEST_REGISTER_WRITE_H_

#include <cstdint>

#include "engine/types.h"

namespace eptdiff::engine {

enum class WriteEffect : std::uint8_t {
  kCompletes,
  kLoadsPdptes,  // and completes if that does
  kFaults,       // #GP(0)
  kExits,        // "CR3-load exiting"
  kNone,         // no instruction does this here
};

WriteEffect EffectOf(const Processor& processor, const Controls& controls,
                     const GuestState& guest, GuestRegister reg,
                     std::uint64_t value);

// Carries out a write that completes: the register, and IA32_EFER.LMA, which is
// LME and CR0.PG.
void SetRegister(GuestRegister reg, std::uint64_t value, GuestState& guest);

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_GUEST_REGISTER_WRITE_H_
