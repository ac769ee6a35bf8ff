// The last part of a generated case: steps towards regions that are mapped.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_STEP_GENERATION_H_
#define EPTDIFF_FUZZERS_GENERATION_STEP_GENERATION_H_

#include <cstdint>
#include <span>

#include "fuzzers/entries/random.h"
#include "fuzzers/generation/machine_generation.h"
#include "oracle/case.h"

namespace eptdiff {

// An access that the registers of `c` allow to arise.
Access GenerateAccess(Random& random, const Exotic& exotic, const Case& c);

// Where in its page an access begins: sub-pages and the ends are the
// interesting places; one in twenty crosses into the next page.
std::uint64_t GenerateOffset(Random& random, const Access& access);

// A guest-linear address that translates to `gpa`: the same offset, canonical
// in the mode of `c`.
Gla GenerateGla(Random& random, const Case& c, std::uint64_t gpa);

// `gla` with other metadata, mostly, where masking replaces it.
std::uint64_t WithMetadata(Random& random, const GuestState& guest,
                           const Access& access, std::uint64_t gla);

// An access to one of `pages` (their 4-KByte aligned guest-physical
// addresses, at least one), by guest-physical or linear address, or to a guest
// paging structure there.
Step GenerateAccessStep(Random& random, const Exotic& exotic, const Case& c,
                        std::span<const std::uint64_t> pages);

// An access that begins in `page` and ends in the next one, or with its last
// byte; by linear address where there is no paging.
Step GenerateCrossingStep(Random& random, const Exotic& exotic, const Case& c,
                          std::uint64_t page);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_STEP_GENERATION_H_
