// What controls and registers can ask for and the engine does not model
// (EngineStatus::kNotModelled). Thread-safety: pure functions.
#ifndef EPTDIFF_ENGINE_WALK_MODELLED_H_
#define EPTDIFF_ENGINE_WALK_MODELLED_H_

#include "engine/types.h"

namespace eptdiff::engine {

// Of accesses in general: not where some of those to the APIC-access page go to
// the virtual-APIC page (30.4), with the guest-physical addresses of SEAM, nor
// while FRED delivers an event.
bool ModelsAccesses(const Controls& controls, const GuestState& guest);

// Of VMFUNC: not where it exits as long as Intel PT is tracing (26.5.6.3).
bool ModelsVmfunc(const Controls& controls);

// Whether Intel PT writes its output to guest-physical addresses: there are
// accesses without a guest-linear one.
bool HasTraceOutput(const Controls& controls);

// Whether architectural PEBS does so.
bool HasGuestPhysicalPebs(const Controls& controls);

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_MODELLED_H_
