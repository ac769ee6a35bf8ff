// What a VM exit saves for its handler besides what Event has (SDM 28.2.4,
// 28.2.5, 28.3.3, 28.3.4). Undefined bits and fields are 0.
//
// An Engine does not compute it: most callers keep these fields themselves.
// Thread-safety: pure.
#ifndef EPTDIFF_ENGINE_WALK_SAVED_STATE_H_
#define EPTDIFF_ENGINE_WALK_SAVED_STATE_H_

#include "engine/types.h"

namespace eptdiff {

// Of the VM exit `event`, met in this state. `asynchronous`: of trace output or
// PEBS, whose exits leave pending debug exceptions pending.
SavedState SavedBy(const Event& event, const Controls& controls,
                   const GuestState& guest, bool asynchronous);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_WALK_SAVED_STATE_H_
