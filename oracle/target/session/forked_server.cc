#include "oracle/target/session/forked_server.h"

#include <unistd.h>

#include <cstdint>

#include "oracle/target/process/child_process.h"
#include "oracle/target/profile/profile.h"

namespace eptdiff {

ForkedServer::ForkedServer(ForkedMemory& shared,
                           const TargetFunctions& functions)
    : shared_(shared), session_(functions, Endless) {
  ending_ = &shared_;
  shared_.edges.count.total = static_cast<std::uint32_t>(edges_.edges());
}

void ForkedServer::Work() {
  session_.set_repeats(shared_.repeats);
  ChannelReader in(shared_.request);
  ChannelWriter out(shared_.reply);
  if (shared_.wanted == Wanted::kCases) {
    edges_.Clear();
    for (std::uint32_t i = 0; i < shared_.requested; ++i) {
      if (!AnswerCase(in, out)) return;
    }
    return;
  }
  shared_.offsets[0] = 0;
  GetState(in, state_);
  if (shared_.wanted == Wanted::kEntry) {
    Enter(out);
  } else {
    Perform(in.Get<Step>(), out);
  }
  ++shared_.cases;
}

void ForkedServer::Endless() {
  LookAtProcess();
  ending_->endless = true;
  _exit(0);
}

bool ForkedServer::Enter(ChannelWriter& out) {
  ++shared_.progress;
  session_.Enter(state_, reply_);
  Look();
  return Say(out);
}

bool ForkedServer::Perform(const Step& step, ChannelWriter& out) {
  ++shared_.progress;
  session_.Perform(state_, step, reply_);
  Look();
  return Say(out);
}

void ForkedServer::Look() {
  const Incident incident = LookAtProcess();
  if (incident.kind != IncidentKind::kNone) reply_.incident = incident;
}

bool ForkedServer::Say(ChannelWriter& out) {
  PutReply(reply_, out);
  if (out.overflowed()) return false;
  ++shared_.replies;
  return reply_.incident.kind == IncidentKind::kNone && !reply_.declined;
}

bool ForkedServer::AnswerCase(ChannelReader& in, ChannelWriter& out) {
  const std::uint32_t number = shared_.cases;
  shared_.offsets[number] = static_cast<std::uint32_t>(out.used());
  shared_.replies = 0;
  GetState(in, state_);
  bool more = Enter(out);
  for (auto steps = in.Get<std::uint32_t>(); steps != 0; --steps) {
    const Step step = in.Get<Step>();
    if (!more) continue;
    state_.Begin(step);
    if (step.kind == StepKind::kStore) {
      state_.memory.Store(step.hpa, step.value);
      continue;
    }
    more = IsModelled(step) && Perform(step, out);
    if (more) state_.Apply(&step, reply_.outcome);
  }
  if (out.overflowed()) return false;
  shared_.counts[number] = shared_.replies;
  shared_.news[number] =
      edges_.AddTo(shared_.edges, /*with_counts=*/shared_.repeats == 0);
  ++shared_.cases;
  return true;
}

bool ForkedServer::IsModelled(const Step& step) const {
  return NotModelled(profile(), state_.controls, state_.guest, step) ==
             Skip::kNone &&
         NotModelled(profile(), state_.processor, state_.controls,
                     state_.guest) == Skip::kNone;
}

}  // namespace eptdiff
