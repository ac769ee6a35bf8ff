// What becomes of INVEPT, INVVPID, INVLPG and INVPCID (SDM 31.3; volume 2A): an
// event, kCompleted if they invalidate something. What that is, is for whoever
// keeps translations (cache/translation_cache.h).
//
// INVEPT and INVVPID are software's, in VMX root operation, 64-bit mode and at
// CPL 0; the others the guest's, at CPL 0 (CACHE-13, CACHE-8).
//
// A linear address is canonical if it is so with 57 bits: which width counts
// for an operand, the paging mode does not say. Bits 127:64 of an INVEPT
// descriptor, which are reserved, are not looked at.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_ENGINE_WALK_INVALIDATION_H_
#define EPTDIFF_ENGINE_WALK_INVALIDATION_H_

#include <cstdint>

#include "engine/types.h"

namespace eptdiff {

// INVEPT with this register operand and bits 63:0 of its descriptor. Otherwise
// kInvalidOpcode or kInvalidOperand.
Event CheckInvept(const Processor& processor, std::uint64_t type,
                  std::uint64_t eptp);

// INVVPID, likewise; the linear address is the descriptor's bits 127:64.
Event CheckInvvpid(const Processor& processor, std::uint64_t type,
                   std::uint64_t descriptor, Gla gla);

// INVLPG: or the VM exit that "INVLPG exiting" asks for.
Event CheckInvlpg(const Controls& controls, Gla gla);

// INVPCID: or kInvalidOpcode, the VM exit (the displacement, which would be its
// qualification, is left out), or kGeneralProtection.
Event CheckInvpcid(const Controls& controls, const GuestState& guest,
                   std::uint64_t type, std::uint64_t descriptor, Gla gla);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_WALK_INVALIDATION_H_
