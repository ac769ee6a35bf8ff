#include "oracle/target/session/forked_messages.h"

#include <span>

namespace eptdiff {
namespace {

void PutMachine(const Processor& processor, const Controls& controls,
                const GuestState& guest, ChannelWriter& out) {
  out.Put(processor);
  out.Put(controls);
  out.Put(guest);
}

}  // namespace

void PutState(const MachineState& state, ChannelWriter& out) {
  PutMachine(state.processor, state.controls, state.guest, out);
  out.Put(state.current);
  const std::span<const Hpa> addresses = state.memory.addresses();
  out.Put(static_cast<std::uint32_t>(addresses.size()));
  for (const Hpa address : addresses) {
    out.Put(MemoryWord{address, state.memory.Load(address)});
  }
}

void PutCase(const Case& c, ChannelWriter& out) {
  PutMachine(c.processor, c.controls, c.guest, out);
  out.Put(std::uint8_t{0});
  out.Put(static_cast<std::uint32_t>(c.memory.size()));
  for (const MemoryWord& word : c.memory) out.Put(word);
  out.Put(static_cast<std::uint32_t>(c.steps.size()));
  for (const Step& step : c.steps) out.Put(step);
}

void GetState(ChannelReader& in, MachineState& state) {
  in.Get(state.processor);
  in.Get(state.controls);
  in.Get(state.guest);
  in.Get(state.current);
  state.others.fill({state.controls, state.guest});
  state.memory.Clear();
  for (auto words = in.Get<std::uint32_t>(); words != 0; --words) {
    const auto word = in.Get<MemoryWord>();
    state.memory.Store(word.address, word.value);
  }
}

void PutReply(const Reply& reply, ChannelWriter& out) {
  out.Put(reply.incident);
  out.Put(reply.aside);
  out.Put(reply.declined);
  out.Put(reply.exchange_failed);
  if (reply.incident.kind != IncidentKind::kNone || reply.declined) return;
  out.Put(reply.outcome.event);
  out.Put(reply.outcome.registers);
  out.Put(static_cast<std::uint32_t>(reply.outcome.writes.size()));
  for (const MemoryWord& word : reply.outcome.writes) out.Put(word);
}

void GetReply(ChannelReader& in, Reply& reply) {
  in.Get(reply.incident);
  in.Get(reply.aside);
  in.Get(reply.declined);
  in.Get(reply.exchange_failed);
  if (reply.incident.kind != IncidentKind::kNone || reply.declined) return;
  in.Get(reply.outcome.event);
  in.Get(reply.outcome.registers);
  reply.outcome.writes.clear();
  for (auto writes = in.Get<std::uint32_t>(); writes != 0; --writes) {
    reply.outcome.writes.push_back(in.Get<MemoryWord>());
  }
}

}  // namespace eptdiff
