// One who goes ahead: puts batches of new cases to a target, counts those that
// show nothing that is not known, and names the others. What these come to,
// whoever decides finds out by asking again.
//
// It may name a case too many, never one too few: what is new to all is new to
// each. So it does not matter how batches are dealt out to how many scouts.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_SCOUT_H_
#define EPTDIFF_FUZZERS_CHECK_SCOUT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "fuzzers/check/case_answers.h"
#include "fuzzers/check/known_departures.h"
#include "fuzzers/check/new_cases.h"
#include "fuzzers/check/rule_answers.h"
#include "fuzzers/check/target_table.h"
#include "oracle/case.h"
#include "oracle/oracle.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/rule_places.h"
#include "oracle/target/process/incident.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {

// What became of a batch; a plain value, which passes between processes.
struct ScoutedBatch {
  // Cases that are put to a target at once.
  static constexpr std::size_t kCases = 64;
  // Of a larger dialect, who shows the rest is named.
  static constexpr std::size_t kMaxShown = 64;

  bool done = false;
  // Bits of the cases that are named, and of those of them whose answers are
  // not explained, or that reached edges of the target which none had.
  std::uint64_t named = 0;
  std::uint64_t wrong = 0;
  std::uint64_t new_edges = 0;
  std::array<Incident, kCases> incidents = {};  // of the wrong ones

  // Of all others: cases, and in them the steps that were compared ...
  std::uint32_t cases = 0;
  std::uint32_t compared = 0;
  std::uint32_t left = 0;         // ... or are left to hardware
  std::uint32_t disagreeing = 0;  // cases that show known departures,
  std::array<std::uint32_t, kMaxShown> shown = {};  // by alteration
  std::array<std::uint32_t, kSkipCount> skipped = {};
};

class Scout {
 public:
  // `oracle` and `cases` outlive this object. What was seen by now is no news.
  Scout(TargetOracle& oracle, const NewCases& cases, const Dialect& dialect,
        const RulePlaces& seen);

  // What answers are judged by from now on.
  void SetDialect(const Dialect& dialect);

  // The first `count` cases of batch number `batch`.
  void Go(std::uint64_t batch, std::size_t count, ScoutedBatch& result);

  // Of the cases that were counted.
  const RuleAnswers& answers() const { return answers_; }

 private:
  void Judge(std::uint64_t number, std::size_t place, ScoutedBatch& result);
  bool IsNews(std::uint64_t number);
  void Count(const Standings& standings, ScoutedBatch& result);

  TargetOracle& oracle_;
  const NewCases& cases_;
  Dialect dialect_;
  std::unique_ptr<TargetTable> table_;
  std::unique_ptr<KnownDepartures> known_;
  std::vector<Case> batch_;
  RulePlaces seen_;
  RulePlaces consequences_;  // of the case that is being judged
  std::uint32_t left_ = 0;   // likewise
  CaseAnswers of_case_{/*keeps_wrong=*/false};
  RuleAnswers answers_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_SCOUT_H_
