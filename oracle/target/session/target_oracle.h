// Outside code as an oracle: asked what its profile declares, and watched.
//
// What a target does instead of answering (Incident) is given as Skip::kPanic:
// where the SDM knows an answer, it is a finding; incident() says what
// happened. A store by software is carried out here: targets see memory, not
// who wrote it. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_TARGET_ORACLE_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_TARGET_ORACLE_H_

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "oracle/declared.h"
#include "oracle/oracle.h"
#include "oracle/reference/dialect.h"
#include "oracle/target/process/incident.h"
#include "oracle/target/session/session.h"

namespace eptdiff {

class TargetOracle final : public Oracle {
 public:
  // `name` stands in signatures where the profile has none.
  TargetOracle(std::unique_ptr<TargetSession> session, std::string_view name);

  std::string_view name() const override { return name_; }
  FieldSet fields() const override { return fields_; }
  bool keeps_translations() const override {
    return (profile().models & EPTDIFF_MODELS_CACHES) != 0;
  }
  Declared declared() const override { return declared_; }
  bool models_entry() const override { return models_entry_; }
  Skip Enter(const MachineState& state, Outcome& outcome) override;
  Skip EnterAgain(const MachineState& state, const Step& step,
                  Outcome& outcome) override;
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override;

  // In the case that was last entered; kNone if there was none.
  const Incident& incident() const { return reply_.incident; }
  // The first access at or above 2^MAXPHYADDR in it, if the target answered all
  // the same. Whether that follows from another mistake the caller may know.
  const Incident& aside() const { return aside_; }
  // Whether a compare-exchange of its failed in the step that was last asked.
  bool exchange_failed() const { return reply_.exchange_failed; }

  // As TargetSession has them.
  const eptdiff_profile& profile() const { return session_->profile(); }
  void Prepare(std::span<const Case> cases) { session_->Prepare(cases); }
  void Expect(const Case* c) { session_->Expect(c); }
  void set_digresses(bool digresses) { session_->set_digresses(digresses); }
  void set_repeats(unsigned repeats) { session_->set_repeats(repeats); }
  bool reached_new_edges() const { return session_->reached_new_edges(); }
  EdgeCount edges() const { return session_->edges(); }
  unsigned leaks() const { return session_->leaks(); }
  std::chrono::nanoseconds waited() const { return session_->waited(); }
  std::string LastOutput() { return session_->LastOutput(); }

 private:
  Skip Take(Outcome& outcome);

  const std::unique_ptr<TargetSession> session_;
  const std::string name_;
  const FieldSet fields_;
  const bool models_entry_;
  const SlotSet left_;
  const Declared declared_;  // with left_
  Reply reply_;
  Incident aside_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_TARGET_ORACLE_H_
