// Passages of the SDM that several files of shapes quote.
// Thread-safety: constants.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_PASSAGES_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_PASSAGES_H_

#include "fuzzers/command/conformance/caches/shape.h"

namespace eptdiff {

inline const Passage kFlagsAreSticky = {
    "29.3.5",
    "A processor may cache information from the EPT paging-structure entries "
    "in TLBs and paging-structure caches (see Section 29.4). This fact implies "
    "that, if software changes an accessed flag or a dirty flag from 1 to 0, "
    "the processor might not set the corresponding bit in memory on a "
    "subsequent access using an affected guest-physical address."};

inline const Passage kFlagsNeedInvept = {
    "29.4.3.4",
    "Software should use the INVEPT instruction with the “single-context” "
    "INVEPT type after making any of the following changes to an EPT "
    "paging-structure entry [...]: Clearing bit 8 (the accessed flag) if "
    "accessed and dirty flags for EPT will be enabled. [...] clearing bit 9 "
    "(the dirty flag) if accessed and dirty flags for EPT will be enabled."};

inline const Passage kTags = {
    "29.4.2",
    "If EPT is in use, a logical processor may use cached mappings as follows: "
    "For accesses using linear addresses, it may use combined mappings "
    "associated with the current VPID, the current PCID, and the current "
    "EPTRTA. It may also use global TLB entries (combined mappings) associated "
    "with the current VPID, the current EPTRTA, and any PCID. For accesses "
    "using guest-physical addresses, it may use guest-physical mappings "
    "associated with the current EPTRTA."};

inline const Passage kTransitions = {
    "29.4.3.2",
    "VMX transitions are not required to invalidate any guest-physical "
    "mappings. If the “enable VPID” VM-execution control is 1, VMX transitions "
    "are not required to invalidate any linear mappings or combined mappings."};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_PASSAGES_H_
