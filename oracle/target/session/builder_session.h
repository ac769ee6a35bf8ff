// An outside builder, and its judge with it, in child processes: a crash or a
// hang costs the child and is what became of the case; the next case gets a new
// one. A child judges a batch of cases and says over shared memory where it is.
//
//   cases --> fork --> child: loads the builder, BuilderTrial judges it
//                        |  case 0, case 1, ... --> shared memory: replies
//                        '- ends early --> case n: an incident; fork again
//
// The builder could overwrite its judge as well. So each finding should be
// asked for again, alone: a child knows no case but its own.
// Thread-safety: thread-compatible; only in a process with one thread.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_BUILDER_SESSION_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_BUILDER_SESSION_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "oracle/builder/builder_finding.h"
#include "oracle/builder/builder_operation.h"
#include "oracle/builder/diagnosis/symptom_log.h"
#include "oracle/builder/finding_facts.h"
#include "oracle/builder/waivers.h"
#include "oracle/case.h"
#include "oracle/target/process/incident.h"
#include "oracle/target/process/sanitizer_fault.h"
#include "oracle/target/session/outside_builder.h"

namespace eptdiff {

// What became of a case.
struct BuilderReply {
  Incident incident;           // kNone: it was judged
  std::uint64_t compared = 0;  // steps that were judged
  std::uint64_t step = 0;      // as BuilderStandings have it
  std::optional<BuilderRule> broken;
  std::uint64_t where = 0;
  int level = 0;
  std::optional<Rule> sdm;  // as BuilderFinding has it, and its facts
  FindingFacts facts;
  SymptomLog::Symptoms symptoms;  // of the step
  Circumstances circumstances;
  PageDifference difference = {};
  SymptomLog::Passed passed;   // of a mistake that is watched
  WaiverSet waived = 0;        // what happened that is allowed
  RefusalSet not_asked = 0;    // for want of these
  bool not_modelled = false;   // it declined something
  bool lacked_frames = false;  // an allocation failed

  bool IsFine() const {
    return incident.kind == IncidentKind::kNone && !broken.has_value();
  }
  // Of what is broken.
  BuilderFinding Finding() const;
  // "eptdiff-<name>-...", of what is wrong; "" if nothing is.
  std::string Signature(std::string_view name) const;
  // In words, without a full stop.
  std::string Words() const;
};

class BuilderSession {
 public:
  // Finds the functions, in the child.
  using Loader = std::function<bool(BuilderFunctions&, bool& is_builder,
                                    std::string& error)>;
  struct Options {
    // Without a step done for so long it hangs. Once it has, an eighth of it
    // will do.
    std::chrono::milliseconds limit{2000};
  };
  // Cases that a child gets at most.
  static constexpr std::size_t kMaxBatch = 256;

  // Null if it is no builder, with no `error`; or if it cannot be had, with
  // one. `name` serves where it has none.
  static std::unique_ptr<BuilderSession> Make(Loader loader,
                                              const Options& options,
                                              const std::string& name,
                                              std::string& error);
  ~BuilderSession();
  BuilderSession(const BuilderSession&) = delete;
  BuilderSession& operator=(const BuilderSession&) = delete;

  const eptdiff_builder_profile& profile() const { return profile_; }
  const std::string& name() const { return name_; }
  // Whether its tables are its own (eptdiff_builder_read).
  bool reads_tables() const { return reads_tables_; }

  // What is no finding, beside what the profile waives.
  void Allow(WaiverSet waivers) { allowed_ = waivers; }

  // Of this mistake each reply tells what went right, and nothing is counted
  // of it; none: the reverse.
  void Watch(std::optional<Mistake> mistake) { watched_ = mistake; }

  // Puts cases to it, whatever they ask for, up to the first that it does not
  // survive, and kMaxBatch at most; a reply for each, and at least one.
  std::vector<BuilderReply> Run(std::span<const Case> cases);
  BuilderReply Run(const Case& c) { return Run({&c, 1})[0]; }

  // The same in two parts, between which the child works: other sessions may
  // begin, too. Nothing else is asked meanwhile, and the cases stay.
  void Begin(std::span<const Case> cases);
  std::vector<BuilderReply> End();

  // What went right in all cases so far, but those that were watched.
  std::vector<CountedSymptom> Right() const;

  // What it printed last, for reports; may be empty.
  std::string LastOutput() const;

 private:
  struct Shared;  // what both processes see

  BuilderSession(Loader loader, const Options& options);
  // Forks a child that does `work`; then waits until it has ended.
  void Fork(const std::function<void()>& work);
  Incident Await();
  Incident AwaitChild(pid_t child, int pipe);
  Incident EndOf(int status) const;
  // In the child.
  void Describe();
  void Judge(std::span<const Case> cases);
  [[noreturn]] void Abandon(const Incident& incident);

  const Loader loader_;
  std::chrono::milliseconds limit_;
  Shared* const shared_;
  const int output_;  // the child's standard output and error
  pid_t child_ = -1;  // that works, and the pipe that it closes at its end
  int pipe_ = -1;
  std::size_t begun_ = 0;  // cases that it was given
  FaultTexts faults_;
  eptdiff_builder_profile profile_;
  std::string name_;
  bool reads_tables_ = false;
  WaiverSet allowed_ = 0;
  std::optional<Mistake> watched_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_BUILDER_SESSION_H_
