// VM-entry checks of the controls that EPT depends on (SDM 27.2.1.1).
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

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_WALK_ENTRY_CHECKS_H_
