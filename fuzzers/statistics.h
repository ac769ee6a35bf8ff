// What a fuzzing run has done so far, and the file in which it says so.
//
// The file has lines "name value", in a fixed order, numbers that add up over
// processes and restarts:
//   cases, steps, accesses   asked; steps and accesses that were judged
//   leaves                   accesses that reached a leaf
//   alias                    steps that ALIAS-1 leaves undefined
//   seconds                  since the start
//   oracle.<name>.cases, .answered (to the end), .compared (steps),
//   oracle.<name>.skipped.<reason with _ for blanks> (cases)
//   muted.<signature>        findings that were counted and not reported
//   rule.<identifier>        processes in which it had a consequence
//   mix.steps, .words        in all cases together
//   mix.guest_walks          steps that begin with a walk of the guest's tables
//   mix.several_steps, .accessed_dirty, .five_levels, .paging_off   cases
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_STATISTICS_H_
#define EPTDIFF_FUZZERS_STATISTICS_H_

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/case.h"
#include "oracle/oracle.h"
#include "oracle/reference/trace.h"
#include "oracle/rules.h"
#include "oracle/trial.h"

namespace eptdiff {

// The features of a trace, or of all traces of a case.
using Features = decltype(Trace::features);

// Those that are an answer other than 0 (trace.h). That a rule had nothing to
// say is no news.
inline constexpr std::uint64_t kConsequencesOfWord = 0xaaaaaaaaaaaaaaaa;

// Calls `f` with the number of each consequence that is not in `known`, in
// ascending order.
template <typename F>
void ForEachConsequence(const Features& features, const Features& known, F f) {
  for (std::size_t word = 0; word < features.size(); ++word) {
    for (std::uint64_t set =
             features[word] & ~known[word] & kConsequencesOfWord;
         set != 0; set &= set - 1) {
      f(64 * word + static_cast<std::size_t>(std::countr_zero(set)));
    }
  }
}

template <typename F>
void ForEachConsequence(const Features& features, F f) {
  constexpr Features kNone = {};
  ForEachConsequence(features, kNone, f);
}

struct OracleCounts {
  std::string name;
  std::uint64_t cases = 0;
  std::uint64_t answered = 0;
  std::uint64_t compared = 0;
  std::array<std::uint64_t, kSkipCount> skipped = {};
};

class Statistics {
 public:
  explicit Statistics(std::span<const std::string> oracle_names);

  // A case is about to be put to the oracles.
  void BeginCase(const Case& c);
  // A step of it was judged: as Trial's observer reports it.
  void Observe(const StepReport& report, const Case& c);
  // Likewise, an access that no Trial has judged.
  void CountAccess(const Trace& trace);
  // What became of the oracles in it.
  void EndCase(std::span<const Standings> standings);
  void CountMuted(std::string_view signature);

  // The features of the steps of this case so far.
  const Features& features() const { return features_; }

  std::uint64_t cases() const { return cases_; }
  std::uint64_t steps() const { return steps_; }
  std::uint64_t accesses() const { return accesses_; }
  std::uint64_t leaves() const { return leaves_; }
  std::uint64_t alias() const { return alias_; }
  std::span<const OracleCounts> oracles() const { return oracles_; }

  // The file's content.
  std::string Text() const;

  // Writes the file beside `path` and then puts it in its place, so that a
  // reader never sees half of it. False if that fails.
  bool WriteTo(const std::string& path) const;

 private:
  std::chrono::steady_clock::time_point start_;
  std::uint64_t cases_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t accesses_ = 0;
  std::uint64_t leaves_ = 0;
  std::uint64_t alias_ = 0;
  std::uint64_t mix_steps_ = 0;
  std::uint64_t mix_words_ = 0;
  std::uint64_t mix_guest_walks_ = 0;
  std::uint64_t mix_several_steps_ = 0;
  std::uint64_t mix_accessed_dirty_ = 0;
  std::uint64_t mix_five_levels_ = 0;
  std::uint64_t mix_paging_off_ = 0;
  std::size_t last_step_ = 0;  // of this case that was counted
  Features features_ = {};     // of this case
  Features seen_ = {};         // of those before it
  std::vector<OracleCounts> oracles_;
  std::map<std::string, std::uint64_t, std::less<>> muted_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_STATISTICS_H_
