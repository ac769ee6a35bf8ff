// An outside builder, checked: given cases first, then new ones without end,
// and in the end the fewest mistakes that explain them, each with a smallest
// case.
//
// Cases are made to fit what the builder has. What breaks a rule counts once it
// shows again in a process that knows no other case; what does not is a finding
// of its own. An operation that has hung three times is asked for no more.
// Deterministic in its seed, as far as the builder is.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_BUILDER_TARGET_CHECK_H_
#define EPTDIFF_FUZZERS_CHECK_BUILDER_TARGET_CHECK_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/table/table_error.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/experiment/builder_experiments.h"
#include "oracle/builder/diagnosis/builder_diagnosis.h"
#include "oracle/builder/waivers.h"
#include "oracle/case.h"
#include "oracle/target/profile/builder_profile.h"
#include "oracle/target/session/builder_session.h"

namespace eptdiff {

struct BuilderTargetFinding {
  std::string signature;
  std::optional<BuilderCause> cause;  // none: an incident
  Case c;                             // the smallest case known that shows it
  std::uint64_t cases = 0;            // that showed it
  BuilderReply reply;                 // to `c`
  std::string output;  // what the builder printed last, of an incident
};

class BuilderTargetCheck {
 public:
  BuilderTargetCheck(BuilderSession& session, std::uint64_t seed);

  // These are asked at the same time as the other, each about a part of every
  // batch, which makes no difference to what is found.
  void Add(std::vector<std::unique_ptr<BuilderSession>> helpers);

  // Puts given cases to the builder, made to fit. Those about walkers, and
  // those that ask for what it does not have, are left out and counted.
  void TryGiven(std::span<const Case> cases);

  // Makes and tries a batch of new cases. False if none can be made that the
  // builder can be asked.
  bool TryNew();

  // Finds the causes, and minimises their cases and those of incidents, until
  // about `end`.
  void Conclude(std::chrono::steady_clock::time_point end);

  // Once concluded: causes first, and those last whose case needs an allocation
  // that fails (`reply.lacked_frames`).
  const std::vector<BuilderTargetFinding>& findings() const {
    return findings_;
  }
  // Different signatures of cases that failed.
  std::size_t signatures() const { return signatures_.size(); }
  // Cases in which something happened that is allowed.
  std::uint64_t waived(Waiver waiver) const {
    return waived_[static_cast<std::size_t>(waiver)];
  }
  // Cases in which something was not asked for, since the builder does not
  // refuse for that reason.
  std::uint64_t not_asked(TableError reason) const {
    return not_asked_[static_cast<std::size_t>(reason)];
  }
  // Cases in which it declined something.
  std::uint64_t not_modelled() const { return not_modelled_; }
  // What is not asked for any more; kNone: nothing is.
  const std::set<Work>& given_up() const { return given_up_; }
  std::uint64_t cases() const { return cases_; }
  std::uint64_t steps() const { return steps_; }  // judged
  std::uint64_t given() const { return given_; }
  std::uint64_t unfit() const { return unfit_; }           // of the given
  std::uint64_t disagreeing() const { return disagree_; }  // cases

 private:
  // Cases that failed alike.
  struct Alike {
    std::uint64_t cases = 0;
    Case c;  // the shortest of them
    BuilderReply reply;
    CircumstancesSeen seen;
    PageDifference difference = {};
  };

  bool Make(Case& c);
  void BringIn(Case& c);
  void AddFull();
  void TryBatch();
  std::vector<BuilderReply> AskAll();
  std::vector<CountedSymptom> Right() const;
  void Look(const Case& c, const BuilderReply& reply);
  void LookAtIncident(const Case& c, const BuilderReply& reply);
  void CountHang(const Case& c, std::uint64_t step);
  void Keep(const Case& c);
  void FindCauses(std::chrono::steady_clock::time_point end);
  std::vector<BuilderTargetFinding> FindingsOf(
      const std::vector<BuilderCause>& causes) const;
  std::vector<BuilderAnswer> Ask(std::span<const Case> cases, Mistake mistake);
  std::string SignatureFor(const BuilderTargetFinding& finding) const;
  void Shrink(BuilderTargetFinding& finding,
              std::chrono::steady_clock::time_point end);

  BuilderSession& session_;
  std::vector<std::unique_ptr<BuilderSession>> helpers_;
  BuilderFitting fitting_;
  std::optional<BuilderFitting> asking_;  // less what hangs
  Random random_;
  Random full_random_;
  std::vector<Case> batch_;
  std::size_t full_ = 0;  // so many at its end are no beginnings of others
  std::vector<Case> kept_;
  std::set<std::string> signatures_;
  std::map<std::vector<Symptom>, Alike> alike_;
  std::map<std::string, BuilderTargetFinding> incidents_;
  std::vector<BuilderTargetFinding> findings_;
  std::map<Work, int> hangs_;
  std::set<Work> given_up_;
  std::array<std::uint64_t, kWaiverCount> waived_ = {};
  std::array<std::uint64_t, EPTDIFF_BAD_CONTROLS + 1> not_asked_ = {};
  std::uint64_t not_modelled_ = 0;
  std::uint64_t cases_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t given_ = 0;
  std::uint64_t unfit_ = 0;
  std::uint64_t disagree_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_BUILDER_TARGET_CHECK_H_
