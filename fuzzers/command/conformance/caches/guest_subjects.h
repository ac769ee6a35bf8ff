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

// Variants of `shape`, by `rule`, which ends what was made of the guest's
// entries, ...
void AddGuestPte(LitmusShape& shape, std::string name, std::string title,
                 const CaseBuilder& moved, const Invalidate& invalidate,
                 std::string rule);
void AddGuestUpper(LitmusShape& shape, const Invalidate& invalidate,
                   std::string rule);
// ... which keeps it, ...
void AddGuestPteKept(LitmusShape& shape, std::string name, std::string title,
                     const CaseBuilder& moved, const Invalidate& invalidate,
                     std::string why);
// ... and which is about the EPT entry of the page, and ends nothing.
void AddEptKept(LitmusShape& shape, const Invalidate& invalidate);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_CACHES_GUEST_SUBJECTS_H_
