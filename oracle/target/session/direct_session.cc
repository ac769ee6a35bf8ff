#include "oracle/target/session/direct_session.h"

#include "oracle/target/profile/profile.h"
#include "oracle/target/session/question.h"

namespace eptdiff {
namespace {

GuardedMemory& Of(void* context) {
  return *static_cast<GuardedMemory*>(context);
}
std::uint64_t Load(void* context, std::uint64_t address) {
  return Of(context).Load(address);
}
void Store(void* context, std::uint64_t address, std::uint64_t value) {
  Of(context).Store(address, value);
}
int CompareExchange(void* context, std::uint64_t address,
                    std::uint64_t expected, std::uint64_t desired) {
  return Of(context).CompareExchange(address, expected, desired) ? 1 : 0;
}

}  // namespace

DirectSession::DirectSession(const TargetFunctions& functions,
                             GuardedMemory::Endless endless)
    : functions_(functions), profile_(BlankProfile()), memory_(endless) {
  functions_.describe(&profile_);
}

void DirectSession::AskOnce(const MachineState& state, const Step* step,
                            Reply& reply) {
  memory_.Begin(state);
  SetMachine(state, question_);
  if (step != nullptr) SetStep(*step, question_);
  eptdiff_memory memory = {sizeof(eptdiff_memory), 0, &memory_, Load, Store,
                           CompareExchange};
  eptdiff_answer answer;
  ClearAnswer(state, answer);
  const bool enters = step == nullptr || step->kind == StepKind::kVmEntry;
  const auto function = enters ? functions_.enter : functions_.answer;
  const int status = function(&question_, &memory, &answer);
  reply.incident = memory_.End(reply.outcome.writes);
  reply.aside = memory_.aside();
  reply.exchange_failed = memory_.exchange_failed();
  reply.declined = status == EPTDIFF_NOT_MODELLED;
  if (reply.incident.kind != IncidentKind::kNone || reply.declined) return;
  if (status != EPTDIFF_ANSWERED) {
    reply.incident = {IncidentKind::kProtocol,
                      static_cast<std::uint64_t>(ProtocolError::kStatus)};
    return;
  }
  reply.incident = ReadAnswer(answer, enters ? nullptr : step,
                              FieldsOf(profile_), reply.outcome);
}

}  // namespace eptdiff
