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
//   shape.<name>, .sampled   cases that have it (cache_shapes.h), of so many
//   rule.<identifier>        processes in which it had a consequence
//   mix.steps, .words        in all cases together
//   mix.guest_walks          steps that begin with a walk of the guest's tables
//   mix.several_steps, .accessed_dirty, .five_levels, .paging_off   cases
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_FEEDBACK_STATISTICS_H_
#define EPTDIFF_FUZZERS_FEEDBACK_STATISTICS_H_

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
#include "oracle/judgement/trial.h"
#include "oracle/oracle.h"
#include "oracle/reference/rule_places.h"
#include "oracle/reference/trace.h"
#include "oracle/rules.h"

namespace eptdiff {

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
  // So many cases that somebody else has put to the oracle number `oracle`.
  void AddCases(std::size_t oracle, const OracleCounts& counts);
  // One more of what the file is to call `name`.
  void Count(std::string_view name);

  // Where rules had a consequence in this case so far.
  const RulePlaces& consequences() const { return consequences_; }

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
  RulePlaces consequences_;    // of this case
  RulePlaces seen_;            // of those before it
  std::vector<OracleCounts> oracles_;
  std::map<std::string, std::uint64_t, std::less<>> named_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_FEEDBACK_STATISTICS_H_
