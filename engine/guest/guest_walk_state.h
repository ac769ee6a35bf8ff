// What the walk of the guest's paging structures was doing when an access by
// linear address ended in a VM exit, a #VE or a #PF.
// Thread-safety: plain values.
#ifndef EPTDIFF_ENGINE_GUEST_GUEST_WALK_STATE_H_
#define EPTDIFF_ENGINE_GUEST_GUEST_WALK_STATE_H_

#include <cstdint>

#include "engine/types.h"

namespace eptdiff {

struct GuestWalkState {
  // The guest-physical access under way, or the last one before a #PF: to the
  // guest entry of this level (5 to 1), or to what the linear address
  // translates to (0; with CR0.PG = 0 always).
  std::uint8_t level = 0;
  bool update = false;  // it was to set the entry's accessed or dirty flag
  bool hlat = false;    // the entry was one of HLAT paging, before a restart
  // The access by linear address that needs the translation.
  bool user_mode = false;  // a user-mode access, whatever the CPL
  bool write = false;
  bool fetch = false;
  // Of the first byte of the access in the page concerned.
  Gla gla = {};
  // The address of the entry; of the final access, if `level` is 0.
  Gpa gpa = {};
  // The top-level table in use, as CR3, HLATP or a PDPTE register has it
  // (PAE paging: the page directory). 0 with CR0.PG = 0.
  Gpa top_table = {};

  bool final_access() const { return level == 0; }
  friend bool operator==(const GuestWalkState&,
                         const GuestWalkState&) = default;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_GUEST_GUEST_WALK_STATE_H_
