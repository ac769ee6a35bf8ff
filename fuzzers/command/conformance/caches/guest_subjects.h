// What is asked of each way to invalidate combined mappings: the guest's own
// tables have changed, or EPT's have.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_GUEST_SUBJECTS_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_GUEST_SUBJECTS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "fuzzers/command/conformance/caches/shape.h"

namespace eptdiff {

// Adds the steps that invalidate.
using Invalidate = std::function<void(CaseBuilder&)>;

// Under VPID 5 kGla is read, at 20234H, and the guest's page is then another,
// at 26000H.
CaseBuilder GuestMoved();
// The same under PCID 1, with these bits in the PTE; global ones need 100H.
CaseBuilder GuestMovedUnderPcid(std::uint64_t bits);
// The PDE of kGla becomes not present, and a page table that was its gets an
// entry for the next page, after `between`. Its last step reads that.
CaseBuilder GuestUnlinked(const Invalidate& between);

// Variants of `shape`, by `rule`, which ends what was made of the guest's
// entries, ...
void AddGuestPte(CacheShape& shape, std::string name, std::string title,
                 const CaseBuilder& moved, const Invalidate& invalidate,
                 std::string rule);
void AddGuestUpper(CacheShape& shape, const Invalidate& invalidate,
                   std::string rule);
// ... which keeps it, ...
void AddGuestPteKept(CacheShape& shape, std::string name, std::string title,
                     const CaseBuilder& moved, const Invalidate& invalidate,
                     std::string why);
// ... and which is about the EPT entry of the page, and ends nothing.
void AddEptKept(CacheShape& shape, const Invalidate& invalidate);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_GUEST_SUBJECTS_H_
