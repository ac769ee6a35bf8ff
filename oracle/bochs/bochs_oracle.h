// Bochs's EPT walker as an oracle, in-process and unmodified.
//
// It answers as Bochs does, mistakes included; what Bochs is known to do
// otherwise than the SDM is a dialect of the reference (BochsDialectName()).
//
// What it fills in: everything but the memory types, since a translation in
// Bochs ends with an address (its memory types are for the host's caches and
// ignore EPT's), and the check that VM entry fails, since entry is not modelled
// (models_entry() is false). The size of a page is that of the last EPT entry
// which Bochs read.
//
// What is asked, and which of Bochs's functions answers:
//   kGuestPhysicalAccess    translate_guest_physical(), for each page in order
//   kLinearAccess           translate_linear(), for each page in order, in
//   every
//                           mode of guest paging
//   kPagingStructureRead    translate_guest_physical() for a page walk
//   kPagingStructureUpdate  the same, as a write. Bochs's own guest walk does
//                           not ask anew before it sets A or D.
//   kPdpteLoad              CheckPDPTR()
//   kStore                  nobody: it is carried out here
// What it cannot answer is skipped by one of the reasons of skips.def. Of the
// VM-execution controls Bochs sees those that a Case has the operands of; the
// others (APIC virtualization, bitmaps) are 0 for it, and of the exception
// bitmap it sees bit 20 alone (VE-5): a page fault is answered as such. With
// CR0.PG = 0 the page is user, writable and executable, as translate_linear()
// takes it. MAXPHYADDR may be 32 to 52, though Bochs's own is a constant, and
// guest and EPT may differ in having 1-GByte pages (see paging.cc). Each
// access walks, or, of the oracle "bochs-tlb", goes by Bochs's own TLB, which
// keeps from step to step what one VM entry lets it keep: VM entry and VM exit
// empty it, the guest's INVLPG ends a page, and so does what is done on another
// logical processor, since Bochs has one here. INVEPT and INVVPID, a
// hypervisor's, are not asked.
//
// A PANIC of Bochs is Skip::kPanic and never ends the process. The one that is
// known has a reason of its own: a supervisor write with CR0.WP = 0 to a page
// that is read-only and not dirty, on a processor with CET.
//
// This folder alone sees Bochs's headers, and shows no other than this one. It
// uses the words of oracle/. Begin with machine.h and paging.cc; small_form.cc
// and full_form.cc are two ways to come back from what Bochs raises.
//
// Thread-safety: none. Bochs has one processor for the process: all such
// oracles belong to one thread.
#ifndef EPTDIFF_ORACLE_BOCHS_BOCHS_ORACLE_H_
#define EPTDIFF_ORACLE_BOCHS_BOCHS_ORACLE_H_

#include <memory>
#include <string_view>

#include "oracle/oracle.h"

namespace eptdiff {

enum class BochsTlb { kNone, kKept };

// The oracle "bochs", or "bochs-tlb"; null where eptdiff was built without
// Bochs.
std::unique_ptr<Oracle> MakeBochsOracle(BochsTlb tlb = BochsTlb::kNone);

// The dialect that the Bochs compiled in speaks, as the build was told
// (EPTDIFF_BOCHS_DIALECT): "bochs-3.0" for the source that ci/setup fetches.
std::string_view BochsDialectName();

// What Bochs said when it last panicked in this process; empty if it never did.
std::string_view LastBochsPanic();

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BOCHS_BOCHS_ORACLE_H_
