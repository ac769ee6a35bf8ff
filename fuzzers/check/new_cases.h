// The new cases of a check. Each is made from its number and from the cases
// that are kept, so that whoever keeps the same makes the same: processes that
// share the work need not send each other cases.
//
//   NewCases cases(profile, seed, ...);
//   cases.Make(n, c);            case number n, of what is kept by now
//   cases.Keep(n, c, edges);     it led somewhere: not yet to be mutated ...
//   news = cases.Advance();      ... but from here on
//   others.Learn(news);          another one now keeps the same
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_NEW_CASES_H_
#define EPTDIFF_FUZZERS_CHECK_NEW_CASES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzzers/entries/random.h"
#include "fuzzers/generation/machine_generation.h"
#include "oracle/case.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {

class NewCases {
 public:
  // Cases that fit `profile`; half of them are `about_caches`, if any are.
  NewCases(const eptdiff_profile& profile, bool about_caches,
           std::uint64_t seed);

  void Make(std::uint64_t number, Case& c) const;

  // What else is drawn for a case, for a batch of cases: whether the case is
  // kept whatever it shows; whether all of the batch are asked twice over.
  bool IsKeptAnyway(std::uint64_t number) const;
  bool IsAskedAgain(std::uint64_t batch) const;

  void Keep(std::uint64_t number, const Case& c, bool new_edges);
  std::vector<std::uint8_t> Advance();
  void Learn(std::span<const std::uint8_t> news);

  const std::vector<Case>& kept() const { return kept_; }
  std::span<const Focus> focuses() const { return focuses_; }

 private:
  // Numbers for the case with this number, for one purpose.
  enum class Purpose : std::uint64_t { kMake, kKeep, kKeepAnyway, kAskAgain };
  Random For(Purpose purpose, std::uint64_t number) const;
  void MakeAny(Random& random, Case& c) const;
  const Case& PickParent(Random& random) const;
  void Add(std::uint64_t number, Case c, bool new_edges);

  const eptdiff_profile profile_;
  const bool inserts_invalidations_;
  const std::uint64_t seed_;
  std::vector<Focus> focuses_;
  std::vector<Case> kept_;
  std::vector<Case> latest_;     // that reached new edges of the target
  std::size_t latest_next_ = 0;  // of them, to be replaced
  std::vector<std::uint8_t> news_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_NEW_CASES_H_
