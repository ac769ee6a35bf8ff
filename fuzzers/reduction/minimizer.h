// Makes a failing case small enough to be read.
//
// The reductions, tried again and again until none of them succeeds:
//   1. steps: begin later, in the state that the earlier steps left; drop some
//      or one; put a store into the initial memory
//   2. words of memory: drop some or one
//   3. processor, controls, guest registers: the bytes, then the bits, in which
//      they differ from Processor{}, Controls{} and GuestState{}
//   4. values of words and of stores: clear bits; one permission for another
//   5. steps: a simpler kind of step and of access, one byte, one page, no
//      attributes, fewer address bits
//   6. guest paging: none (the access goes to what the address translates to,
//      or to one entry of the guest), 4 levels instead of 5
//   7. addresses: tables move to the lowest pages in the order of the walk,
//      entries to index 0 of their tables, together with what refers to them;
//      words in ascending order; guest tables likewise, in guest-physical
//      memory
//   8. table operations: no failing allocation, one page for a region, smaller
//      pages, fewer bytes, plain flags; addresses lower, together and apart
// A reduction counts only if it lowers the cost (fewer steps, then fewer words,
// then lower addresses, then fewer bits, then order: CaseCost in reduction.h),
// so minimisation ends. The
// result is 1-minimal: no single reduction of the list makes it smaller and
// fails still; and idempotent: minimised again, it stays as it is.
//
// This folder makes cases smaller; it uses entries/ and encoding/, and is told
// whether a case still fails. Begin here; reduction.h is the search.
//
// Thread-safety: pure, as far as the functions given are.
#ifndef EPTDIFF_FUZZERS_REDUCTION_MINIMIZER_H_
#define EPTDIFF_FUZZERS_REDUCTION_MINIMIZER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "oracle/case.h"

namespace eptdiff {

// What the steps before some step have left.
struct StateBefore {
  std::vector<MemoryWord> memory;
  Controls controls;
  GuestState guest;
};

struct MinimizeOptions {
  // The state before step `step` (from 0) of a case, as the oracle that fails
  // left it; none if the case does not come so far. May be empty: then steps
  // are dropped, but not folded into the initial state.
  std::function<std::optional<StateBefore>(const Case& c, std::size_t step)>
      state_before;
  // How often `still_fails` is asked at most.
  std::size_t max_attempts = 200'000;
};

struct MinimizeStats {
  std::size_t attempts = 0;    // how often `still_fails` was asked
  std::size_t reductions = 0;  // how many of them succeeded
  bool exhausted = false;      // max_attempts was reached
};

using StillFails = std::function<bool(const Case&)>;

// Minimises `c`, for which `still_fails` holds; it holds for the result, which
// is canonical. If it does not hold for `c`, or not for its canonical form, `c`
// is returned as it is.
Case Minimize(Case c, const StillFails& still_fails,
              const MinimizeOptions& options, MinimizeStats* stats = nullptr);
Case Minimize(Case c, const StillFails& still_fails,
              MinimizeStats* stats = nullptr);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_REDUCTION_MINIMIZER_H_
