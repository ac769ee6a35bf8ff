// Questions about memory types by the MTRRs, and smaller ones.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_MTRR_GENERATION_H_
#define EPTDIFF_FUZZERS_GENERATION_MTRR_GENERATION_H_

#include <cstdint>
#include <functional>

#include "oracle/mtrr/mtrrs.h"

namespace eptdiff {

// The same seed gives the same question: MTRRs as firmware might set them, with
// overlaps and leftovers, and a page in or next to some range.
MtrrQuestion GenerateMtrrQuestion(std::uint64_t seed);
// Likewise, of a guest's page: of each kind, next to ranges of both MTRRs.
MtrrQuestion GeneratePageQuestion(std::uint64_t seed);

// The smallest question that `shows` still holds for, as far as leaving out one
// thing at a time leads. It holds for `question`.
MtrrQuestion MinimizeMtrrQuestion(
    const MtrrQuestion& question,
    const std::function<bool(const MtrrQuestion&)>& shows);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_MTRR_GENERATION_H_
