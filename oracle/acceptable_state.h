// Cases that VM entry accepts: for whoever makes questions, or asks somebody
// who does not know the checks. Nothing here judges. Thread-safety: pure
// functions.
#ifndef EPTDIFF_ORACLE_ACCEPTABLE_STATE_H_
#define EPTDIFF_ORACLE_ACCEPTABLE_STATE_H_

#include "engine/types.h"
#include "oracle/case.h"

namespace eptdiff {

// Mends what VM entry refuses of the controls without EPT itself being
// concerned (SDM 27.2.1.1; CTL-6 to CTL-14), and drops a control that needs
// "enable EPT" since the edition of June 2026.
void MakeControlsAcceptable(Controls& controls);

// Mends what VM entry refuses of the guest's state (27.3.1.1 to .6), with
// "unrestricted guest" where CR0.PG is 0. What the guest's paging does with its
// tables stays, but for what no guest can be in.
void MakeGuestAcceptable(const Processor& processor, Controls& controls,
                         GuestState& guest);

// Whether there is nothing to mend.
bool EntersWithControls(const Controls& controls);
bool EntersWithGuest(const Processor& processor, const Controls& controls,
                     const GuestState& guest);

inline bool EntersAsItIs(const Case& c) {
  Controls controls = c.controls;
  GuestState guest = c.guest;
  MakeControlsAcceptable(controls);
  MakeGuestAcceptable(c.processor, controls, guest);
  return controls == c.controls && guest == c.guest;
}
inline void MakeEntryAcceptable(Case& c) {
  MakeControlsAcceptable(c.controls);
  MakeGuestAcceptable(c.processor, c.controls, c.guest);
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_ACCEPTABLE_STATE_H_
