// An outside builder, checked: given cases first, then new ones without end,
// and of each signature the smallest case.
//
// Cases are made to fit what the builder has. A finding counts once it shows
// again in a process that knows no other case; what does not is a finding of
// its own. Deterministic in its seed, as far as the builder is.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_BUILDER_TARGET_CHECK_H_
#define EPTDIFF_FUZZERS_BUILDER_TARGET_CHECK_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "fuzzers/random.h"
#include "oracle/case.h"
#include "oracle/target/builder_profile.h"
#include "oracle/target/builder_session.h"

namespace eptdiff {

struct BuilderTargetFinding {
  std::string signature;
  Case c;                   // the smallest case known that shows it
  std::uint64_t cases = 0;  // that showed it
  BuilderReply reply;       // to `c`
  std::string output;       // what the builder printed last, of an incident
};

class BuilderTargetCheck {
 public:
  BuilderTargetCheck(BuilderSession& session, std::uint64_t seed);

  // Puts given cases to the builder, made to fit. Those about walkers, and
  // those that ask for what it does not have, are left out and counted.
  void TryGiven(std::span<const Case> cases);

  // Makes and tries a batch of new cases. False if none can be made that the
  // builder can be asked.
  bool TryNew();

  // Minimises the findings, until about `end`.
  void Conclude(std::chrono::steady_clock::time_point end);

  // By signature.
  const std::map<std::string, BuilderTargetFinding>& findings() const {
    return findings_;
  }
  std::uint64_t cases() const { return cases_; }
  std::uint64_t steps() const { return steps_; }  // judged
  std::uint64_t given() const { return given_; }
  std::uint64_t unfit() const { return unfit_; }           // of the given
  std::uint64_t disagreeing() const { return disagree_; }  // cases

 private:
  bool Make(Case& c);
  void TryBatch();
  void Look(const Case& c, const BuilderReply& reply);
  void Keep(const Case& c);

  BuilderSession& session_;
  BuilderFitting fitting_;
  Random random_;
  std::vector<Case> batch_;
  std::vector<Case> kept_;
  std::map<std::string, BuilderTargetFinding> findings_;
  std::uint64_t cases_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t given_ = 0;
  std::uint64_t unfit_ = 0;
  std::uint64_t disagree_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_BUILDER_TARGET_CHECK_H_
