// A running target, however it is reached: in this process, in a child that
// loaded it, or over a pipe. It answers, or what it did instead is an incident;
// a session survives its target.
//
// This folder makes outside code answer; it uses process/, profile/ and
// object/, and the judge of builders. Begin here; direct_session.h,
// forked_session.h and pipe_session.h are the three ways, open_target.h
// chooses, target_oracle.h makes an Oracle of a walker. builder_session.h and
// mtrr_session.h are for the other kinds of code.
//
// Thread-safety: a session is used by one thread.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_SESSION_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_SESSION_H_

#include <chrono>
#include <span>
#include <string>

#include "oracle/case.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"
#include "oracle/target/eptdiff_target.h"
#include "oracle/target/object/edge_map.h"
#include "oracle/target/process/incident.h"

namespace eptdiff {

struct Reply {
  Incident incident;  // if its kind is not kNone, all else is unspecified
  // A load at or above 2^MAXPHYADDR on the way to the answer: what it read
  // there is what the state's memory has.
  Incident aside;
  bool declined = false;  // EPTDIFF_NOT_MODELLED
  // A compare-exchange of its failed (guarded_memory.h).
  bool exchange_failed = false;
  Outcome outcome;
};

// Whether a target said the same twice.
bool SameReply(const Reply& a, const Reply& b);

class TargetSession {
 public:
  virtual ~TargetSession() = default;

  virtual const eptdiff_profile& profile() const = 0;

  // A case begins: VM entry in `state`. Must come before Perform().
  virtual void Enter(const MachineState& state, Reply& reply) = 0;

  // A step of the case that was entered, kVmEntry too; it is no kStore. `state`
  // is what the steps before, as the target answered them, have left.
  virtual void Perform(const MachineState& state, const Step& step,
                       Reply& reply) = 0;

  // Announces cases that are entered next, in this order, so that they can be
  // answered together. They stay as they are until the last of them is over. A
  // hint: whatever is asked is answered all the same.
  virtual void Prepare(std::span<const Case> cases) { (void)cases; }
  // The case that is asked next; one of them if it is the same object. Null,
  // as at first: whichever of them begins as what is entered does.
  virtual void Expect(const Case* c) { (void)c; }

  // Whether what is asked now is none of them, although it may begin as one
  // does. False at first.
  virtual void set_digresses(bool digresses) { (void)digresses; }

  // Ask each question so many times more, and take it for an incident
  // (kVaries) if the answers are not the same. 0 at first.
  virtual void set_repeats(unsigned repeats) = 0;

  // Whether the case that was entered last, if it was announced by Prepare(),
  // went through edges of the target's code as none did before.
  virtual bool reached_new_edges() const { return false; }
  // Those of all announced cases so far.
  virtual EdgeCount edges() const { return {}; }

  // For how long this process has waited for the target's.
  virtual std::chrono::nanoseconds waited() const { return {}; }

  // How often its process was replaced for the memory that it had kept from
  // case to case.
  virtual unsigned leaks() const { return 0; }

  // What the target printed last, for reports; may be empty.
  virtual std::string LastOutput() { return ""; }
};

// One that asks a question at a time, at once.
class DirectlyAsked : public TargetSession {
 public:
  void Enter(const MachineState& state, Reply& reply) final;
  void Perform(const MachineState& state, const Step& step, Reply& reply) final;
  void set_repeats(unsigned repeats) final { repeats_ = repeats; }

 private:
  // Whether VM entry is a question for the target.
  virtual bool HearsEntry() const = 0;
  // A null step is VM entry as a case begins.
  virtual void AskOnce(const MachineState& state, const Step* step,
                       Reply& reply) = 0;

  void Ask(const MachineState& state, const Step* step, Reply& reply);
  void AskEntry(const MachineState& state, const Step* step, Reply& reply);

  unsigned repeats_ = 0;
  Reply again_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_SESSION_H_
