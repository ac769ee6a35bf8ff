// Outside code, checked: given cases first, then new ones without end; what it
// does otherwise than the SDM, as few alterations as explain it, and what it
// does instead of answering.
//
// 1. Cases are made to fit the target's profile, put to it in batches, and
//    judged by the reference in the dialect that explains the target so far.
// 2. An answer that the dialect does not explain goes to the diagnosis, and the
//    dialect grows: a mistake that is known hides no other. What no combination
//    of alterations explains is a finding by its signature.
//    What no combination of alterations explains is varied until it is known
//    what decides (experiment/experiments.h), and is muted from then on.
// 3. Crashes, hangs and the like are findings by theirs. Now and then, and
//    before it is called wrong, a target is asked the same again: answers that
//    vary are a finding of their own.
// 4. A case in which the reference goes where no case went before, or the
//    target's own code if it tells (edge_counters.h), is kept and mutated, as a
//    fuzzer's corpus.
// 5. New cases are made and put to the target by scouts (scout.h), on as many
//    processors as are wanted, a round of batches at a time; what they name is
//    asked for again and judged here, in the order of the cases' numbers.
// Deterministic in its seed, as far as the target is, and whatever the number
// of scouts.
//
// This folder asks outside code, for `eptdiff check`; it uses generation/,
// mutation/, reduction/, sessions and diagnosis, and prints nothing. Begin
// here; builder_target_check.h and mtrr_target_check.h are the other kinds of
// code, rule_answers.h and proven_rules.h what was proved.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_CHECK_TARGET_CHECK_H_
#define EPTDIFF_FUZZERS_CHECK_TARGET_CHECK_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "fuzzers/check/case_answers.h"
#include "fuzzers/check/cause_search.h"
#include "fuzzers/check/effort.h"
#include "fuzzers/check/known_departures.h"
#include "fuzzers/check/new_cases.h"
#include "fuzzers/check/rule_answers.h"
#include "fuzzers/check/scout.h"
#include "fuzzers/check/scouts.h"
#include "fuzzers/check/target_table.h"
#include "fuzzers/feedback/statistics.h"
#include "oracle/case.h"
#include "oracle/diagnosis/diagnosis.h"
#include "oracle/judgement/trial.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {

// Something that the target does and should not, by one signature.
struct TargetFinding {
  std::string signature;
  Case c;                        // the smallest case known that shows it
  std::uint64_t cases = 0;       // that showed it
  Incident incident;             // kNone: an answer that nothing explains
  std::string output;            // what the target printed last, of an incident
  bool exchange_failed = false;  // there, a compare-exchange of the target's
  bool diagnosed = false;        // that nothing explains it was found out
};

// A departure from the SDM that the diagnosis names, and a case of it.
struct TargetDeparture {
  Departure departure;
  std::uint64_t cases = 0;  // that showed it, as far as they were counted
  std::optional<Case> c;    // minimised; none if no recorded case shows it
};

class TargetCheck {
 public:
  TargetCheck(TargetOracle& oracle, std::uint64_t seed);
  ~TargetCheck();

  // Puts given cases to the target, made to fit; those that cannot are counted.
  void TryGiven(std::span<const Case> cases);

  // From the next round on, `count` scouts are at work, each with a target that
  // `open` opens, and this process only decides. Without them it does all.
  void SendScouts(TargetOpener open, unsigned count);

  // A round: makes and tries at most `most` new cases, in larger and larger
  // numbers up to kMostInRound batches. It ends early once `goes_on`, which is
  // asked now and then, says so.
  void TryNew(
      std::uint64_t most,
      const std::function<bool()>& goes_on = [] { return true; });
  void set_most_in_round(std::size_t batches) { most_in_round_ = batches; }

  // Once there is no more time for new cases: cases that separate what explains
  // the target equally well, then minimisation, until about `end`.
  void Conclude(std::chrono::steady_clock::time_point end);

  // A run that began then, and asks until `end`: all that is asked for causes
  // has to be at its end, but for what Conclude() does, and the share of
  // diagnosis is one of the time as well. Unless told, what is found does not
  // depend on the time.
  void BoundInTime(std::chrono::steady_clock::time_point began,
                   std::chrono::steady_clock::time_point end);

  // How much of what it does may be diagnosis, in percent; 25 unless told.
  void set_effort(unsigned percent) { effort_ = Effort(percent); }

  // By signature; of answers, only those that nothing explains.
  std::vector<TargetFinding> findings() const;
  // What experiments found out, the worst first.
  std::vector<TargetCause> causes() const { return causes_->causes(); }
  const CauseSearch& cause_search() const { return *causes_; }
  // The cause, of those, that an incident follows from: what it does beside its
  // answer, or an answer that means nothing. None of what ends its process.
  std::optional<std::size_t> CauseOf(const TargetFinding& incident,
                                     const std::vector<TargetCause>& causes);
  const std::vector<TargetDeparture>& departures() const { return departures_; }
  // As the diagnosis tells it.
  const Explanation& explanation() { return diagnosis_->explanation(); }
  bool agrees() const {
    return findings_.empty() && causes_->empty() &&
           dialect_.alterations().empty();
  }

  // Whether all that departs is explained, and Conclude() has no more to study.
  bool is_settled() const;

  const Statistics& statistics() const { return statistics_; }
  const std::vector<Case>& kept() const { return cases_.kept(); }
  // Of the scouts, once it is concluded: time without the target's, how often
  // their targets' processes were replaced; and how long this process waited.
  const ScoutTotals& scouts() const { return scouted_; }
  std::chrono::nanoseconds idle() const { return idle_; }
  std::uint64_t given() const { return given_; }
  std::uint64_t unfit() const { return unfit_; }  // of the given
  // Cases with an answer that the SDM forbids, or none.
  std::uint64_t disagreeing() const { return disagreeing_; }
  // Answers by rule and situation. At fault is the rule of the departure that
  // an answer shows; or else the one that the comparison names.
  const RuleAnswers& answers() const { return answers_; }
  // Steps that would have been refused by what the target leaves to hardware.
  std::uint64_t left() const { return left_; }
  // (rule, level, guest entry or final access) with a consequence so far.
  std::size_t situations() const;

  // The dialect that the target is judged by now.
  const Dialect& dialect() const { return dialect_; }

  // The signature of what `c` shows, in the SDM itself; "" if nothing. For
  // whoever wants to tell about a case.
  std::string SignatureOfCase(const Case& c, Standings* standings = nullptr);

 private:
  using Shown = std::set<const Alteration*>;
  // Batches in a round at most.
  static constexpr std::size_t kMostInRound = 64;
  // How often a case is asked again before it is called a disagreement.
  static constexpr unsigned kConfirmations = 8;

  void TryBatch();
  // `scouted`: what a scout saw of case number `place` in its batch.
  struct Seen {
    const ScoutedBatch* batch;  // null: there was none
    std::size_t place;
  };
  void Judge(std::uint64_t number, const Case& c, Seen seen = {nullptr, 0});
  // A scout saw something wrong in `c`, and there is nothing now.
  void LookAgain(const Case& c, const Incident& incident);
  void ScoutRound(std::size_t last_count, const std::function<bool()>& goes_on);
  void AddScouted(const ScoutedBatch& scouted);
  void JudgeNamed(std::uint64_t batch, const ScoutedBatch& scouted);
  bool IsKnown(const ScoutedBatch& scouted, std::size_t place);
  void RecallScouts();
  bool IsAskedAlone(const Case& question);
  bool MayBeReconsidered() const;
  void CountUnexplained(const Finding& finding);
  bool IsAllowed() const;
  // How long diagnosis may go on; of a run that is bounded in time, before the
  // first study is over, this part is for that.
  std::chrono::nanoseconds TimeLeft(int first_part) const;
  bool MayDiagnose() const;
  void DiagnoseTheRest(std::chrono::steady_clock::time_point end);
  void set_end(std::chrono::steady_clock::time_point end);
  void StudyCauses();
  void ObserveWhatAgrees(Diagnosis& diagnosis);
  void DropExplained();
  void Reconsider(std::chrono::steady_clock::time_point pause,
                  bool last = false);
  void StudyUnexplained();
  static bool IsOfARegister(const CauseSearch& search);
  std::optional<Observed> DepartureIn(TargetTable& table, const Case& c);
  std::size_t UnexplainedFindings() const;
  void Look(const Case& c, const Standings& standings);
  void FindCause(const Case& c, const Standings& standings);
  void Record(const std::string& signature, const Case& c);
  void Record(const std::string& signature, const Case& c,
              const Incident& incident);
  void Explain(const Case& c);
  void SetDialect(const Dialect& dialect);
  bool Varies(const Case& c);
  void Keep(std::uint64_t number, const Case& c, bool new_edges);
  void MinimizeFindings(std::chrono::steady_clock::time_point end);
  void FindDepartures(std::chrono::steady_clock::time_point end);

  TargetOracle& oracle_;
  NewCases cases_;
  std::unique_ptr<Diagnosis> diagnosis_;
  Dialect dialect_;
  std::unique_ptr<TargetTable> table_;      // in dialect_
  std::unique_ptr<KnownDepartures> known_;  // of dialect_
  std::unique_ptr<TargetTable> sdm_table_;  // in the SDM
  Statistics statistics_;

  std::unique_ptr<CauseSearch> causes_;
  Effort effort_{25};
  std::optional<std::chrono::steady_clock::time_point> began_;
  bool studied_ = false;                    // by experiment, once, to the end
  std::chrono::nanoseconds diagnosing_{0};  // how long it took so far
  std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::time_point::max();
  unsigned reconsidered_ = 0;         // how often; at the last time:
  std::size_t considered_size_ = 0;   // of the dialect
  std::size_t considered_cases_ = 0;  // that disagreed
  std::uint64_t diagnosed_ = 0;       // cases that nothing explained after all

  std::vector<Case> batch_;
  std::vector<std::size_t> places_;  // in the scouted batch, of those in batch_
  std::vector<Case> given_cases_;    // that fit
  RulePlaces seen_;

  TargetOpener open_;
  unsigned scout_count_ = 0;
  std::unique_ptr<Scout> scout_;    // this process itself, ...
  std::unique_ptr<Scouts> scouts_;  // ... or others
  bool new_dialect_ = false;        // that they have not been told of
  std::uint64_t next_batch_ = 0;
  std::size_t in_round_ = 1;  // batches
  std::size_t most_in_round_ = kMostInRound;
  std::vector<ScoutedBatch> round_;
  Dialect scouted_in_;  // what scouts judged the round by
  // Of alterations that explain what others did before.
  std::map<const Alteration*, const Alteration*> instead_;
  ScoutTotals scouted_;
  std::chrono::nanoseconds idle_{0};

  std::map<std::string, TargetFinding, std::less<>> findings_;
  std::vector<TargetDeparture> departures_;
  std::vector<Case> disagreed_;  // that the dialect was made from
  std::uint64_t given_ = 0;
  std::uint64_t unfit_ = 0;
  std::uint64_t disagreeing_ = 0;
  std::uint64_t left_ = 0;
  RuleAnswers answers_;
  CaseAnswers of_case_{/*keeps_wrong=*/true};
  Shown shown_;  // by the case that is being judged
  std::map<const Alteration*, std::uint64_t> cases_showing_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_TARGET_CHECK_H_
