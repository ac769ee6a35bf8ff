#include "oracle/target/session/session.h"

namespace eptdiff {

bool SameReply(const Reply& a, const Reply& b) {
  if (a.incident != b.incident || a.aside != b.aside) return false;
  if (a.incident.kind != IncidentKind::kNone) return true;
  return a.declined == b.declined && (a.declined || a.outcome == b.outcome);
}

void DirectlyAsked::Enter(const MachineState& state, Reply& reply) {
  AskEntry(state, nullptr, reply);
}

void DirectlyAsked::AskEntry(const MachineState& state, const Step* step,
                             Reply& reply) {
  if (HearsEntry()) {
    Ask(state, step, reply);
    return;
  }
  reply.incident = Incident();
  reply.aside = Incident();
  reply.declined = false;
  reply.exchange_failed = false;
  reply.outcome.event = Event();
  reply.outcome.registers = RegistersOf(state);
  reply.outcome.writes.clear();
}

void DirectlyAsked::Perform(const MachineState& state, const Step& step,
                            Reply& reply) {
  if (step.kind == StepKind::kVmEntry) {
    AskEntry(state, &step, reply);
  } else {
    Ask(state, &step, reply);
  }
}

void DirectlyAsked::Ask(const MachineState& state, const Step* step,
                        Reply& reply) {
  AskOnce(state, step, reply);
  if (profile().keeps_state != 0) return;
  for (unsigned i = 0; i < repeats_; ++i) {
    AskOnce(state, step, again_);
    if (SameReply(reply, again_)) continue;
    reply.incident = {IncidentKind::kVaries, 0};
    return;
  }
}

}  // namespace eptdiff
