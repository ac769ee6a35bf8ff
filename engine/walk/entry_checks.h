// VM-entry checks of what EPT and the guest's paging depend on: the controls
// (SDM 27.2.1.1), and the guest's state (27.3.1).
// Thread-safety: pure functions.
#ifndef EPTDIFF_ENGINE_WALK_ENTRY_CHECKS_H_
#define EPTDIFF_ENGINE_WALK_ENTRY_CHECKS_H_

#include <cstdint>

#include "engine/types.h"

namespace eptdiff {

// The controls as the processor takes them: the secondary ones count only with
// primary bit 31, the tertiary ones only with primary bit 17 (25.6.2).
std::uint32_t EffectiveSecondary(const Controls& controls);
std::uint64_t EffectiveTertiary(const Controls& controls);

// The first of EPTP-1 to EPTP-5 that `eptp` fails; kNone if VM entry, and so
// an EPTP switch, would accept it.
EntryCheck CheckEptp(const Processor& processor, std::uint64_t eptp);

// The first check that fails, in the order of EntryCheck; kNone if VM entry
// accepts the controls.
EntryCheck CheckControls(const Processor& processor, const Controls& controls);

// The first check of the guest's state that fails, as the exit qualification
// tells them apart (27.8). kPdpte only if nothing else fails.
enum class GuestStateCheck : std::uint8_t { kNone, kOther, kPdpte };
GuestStateCheck CheckGuestState(const Processor& processor,
                                const Controls& controls,
                                const GuestState& guest);

// Whether each byte of IA32_PAT is a memory type (GST-9, REG-14).
bool AcceptsPat(std::uint64_t pat);

// VM entry: a completed event, or the failure that it gives.
Event EnterGuest(const Processor& processor, const Controls& controls,
                 const GuestState& guest);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_WALK_ENTRY_CHECKS_H_
