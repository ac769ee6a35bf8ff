// A case made of numbers that were copied from somewhere: an EPTP, an address,
// the entries that a walk met. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_DECODE_WALK_CASE_H_
#define EPTDIFF_FUZZERS_COMMAND_DECODE_WALK_CASE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "fuzzers/command/decode/decoding.h"
#include "oracle/case.h"

namespace eptdiff {

// A guest in 64-bit mode whose EPTP is `eptp`, on the processor of the context:
// with all capabilities, unless they are known.
Case CaseUnder(std::uint64_t eptp, const DecodeContext& context);

// The case in which `access` at `gpa` meets `entries`, the root's first, where
// the walk looks for them. An error names the entry that is missing, by the
// address at which it is to be found, or those that the walk does not come to.
absl::StatusOr<Case> WalkCase(std::uint64_t eptp, std::uint64_t gpa,
                              const std::vector<std::uint64_t>& entries,
                              const Access& access, const GuestPage& page,
                              const DecodeContext& context);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_DECODE_WALK_CASE_H_
