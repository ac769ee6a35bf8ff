// The parts of the minimiser: what a case costs, the search for a cheaper one
// that still fails, and the reductions (minimizer.h lists them).
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_REDUCTION_REDUCTION_H_
#define EPTDIFF_FUZZERS_REDUCTION_REDUCTION_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "fuzzers/reduction/minimizer.h"
#include "oracle/case.h"

namespace eptdiff {

// What a case costs to read, most important first.
struct CaseCost {
  std::size_t steps = 0;
  std::size_t words = 0;
  std::uint64_t addresses = 0;  // the sum of those of words, stores, structures
  std::size_t bits = 0;         // in which it differs from a plain case
  std::size_t positions = 0;    // the sum of those of the bits of words
  std::size_t disorder = 0;  // words below their predecessor in the list, and
                             // words that refer to a page below their own
  auto operator<=>(const CaseCost&) const = default;
};
CaseCost CostOf(const Case& c);

// The cheapest failing case so far.
class Search {
 public:
  Search(Case c, const StillFails& still_fails, const MinimizeOptions& options)
      : still_fails_(still_fails),
        options_(options),
        current_(std::move(c)),
        cost_(CostOf(current_)) {}

  const Case& current() const { return current_; }
  const MinimizeOptions& options() const { return options_; }
  const MinimizeStats& stats() const { return stats_; }

  // Lets `edit` change a copy of the current case, and keeps the copy if it is
  // cheaper and still fails. Returns whether it was kept.
  template <typename Edit>
  bool Try(Edit edit) {
    candidate_ = current_;
    edit(candidate_);
    return Consider();
  }

 private:
  bool Consider();

  const StillFails& still_fails_;
  const MinimizeOptions& options_;
  Case current_;
  CaseCost cost_;
  Case candidate_;
  MinimizeStats stats_;
};

// Each tries its reductions once over, keeping what succeeds.
void ReduceSteps(Search& search);
void ReduceWords(Search& search);
void ReduceMachine(Search& search);
void ReduceValues(Search& search);
void SimplifySteps(Search& search);
void ReduceGuest(Search& search);
void LowerAddresses(Search& search);
void LowerGuestAddresses(Search& search);
void ReduceTableOperations(Search& search);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_REDUCTION_REDUCTION_H_
