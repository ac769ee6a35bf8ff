// eptdiff's engine behind the target's header: an implementation to which every
// vector can be put, and an example of one in C++.
// Thread-safety: one thread.
#include <algorithm>
#include <cstdint>

#include "engine/engine.h"
#include "engine/engine_inl.h"
#include "engine/types.h"
#include "oracle/target/engine_values.h"
#include "oracle/target/eptdiff_target.h"

namespace eptdiff {
namespace {

class CallbackMemory {
 public:
  explicit CallbackMemory(const eptdiff_memory& memory) : memory_(memory) {}

  bool Load(Hpa address, std::uint64_t& word) const {
    word = memory_.load(memory_.context, address.value);
    return true;
  }
  bool Store(Hpa address, std::uint64_t value) {
    memory_.store(memory_.context, address.value, value);
    return true;
  }
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    return memory_.compare_exchange(memory_.context, address.value, expected,
                                    desired) != 0;
  }

 private:
  const eptdiff_memory& memory_;
};

// It has kept nothing that could be invalidated.
Event CheckInvalidation(const Engine& engine, const eptdiff_question& q) {
  const Gla gla{q.descriptor[1]};
  switch (q.invalidation) {
    case EPTDIFF_INVEPT:
      return CheckInvept(engine.processor(), q.invalidation_type,
                         q.descriptor[0]);
    case EPTDIFF_INVVPID:
      return CheckInvvpid(engine.processor(), q.invalidation_type,
                          q.descriptor[0], gla);
    case EPTDIFF_INVLPG:
      return CheckInvlpg(engine.controls(), gla);
    default:
      return CheckInvpcid(engine.controls(), engine.guest(),
                          q.invalidation_type, q.descriptor[0], gla);
  }
}

EngineStatus Ask(Engine& engine, const eptdiff_question& q,
                 CallbackMemory& memory, Event& event) {
  const Access access = AccessOf(q);
  const GuestPage page = PageOf(q);
  switch (q.step) {
    case EPTDIFF_STEP_GUEST_PHYSICAL:
      return engine.PerformAccess(memory, access, Gpa{q.gpa}, page, event);
    case EPTDIFF_STEP_LINEAR:
      return engine.PerformLinearAccess(memory, access, Gla{q.gla}, event);
    case EPTDIFF_STEP_STRUCTURE_READ:
      return engine.ReadPagingStructure(memory, Gpa{q.gpa}, Gla{q.gla},
                                        q.page_pat_index, event);
    case EPTDIFF_STEP_STRUCTURE_UPDATE:
      return engine.UpdatePagingStructure(memory, Gpa{q.gpa}, Gla{q.gla},
                                          q.page_pat_index, event);
    case EPTDIFF_STEP_PDPTE_LOAD:
      return engine.LoadPdptes(memory, event);
    case EPTDIFF_STEP_EPTP_SWITCH:
      return engine.Vmfunc(memory, q.function, q.index, event);
    case EPTDIFF_STEP_REGISTER_WRITE:
      return engine.WriteRegister(
          memory, static_cast<GuestRegister>(q.guest_register), q.value, event);
    case EPTDIFF_STEP_INVALIDATION:
      event = CheckInvalidation(engine, q);
      return EngineStatus::kAnswered;
    default:
      return EngineStatus::kCallerError;
  }
}

void SetSavedBy(const eptdiff_question& q, const Event& event,
                eptdiff_answer& answer) {
  if (event.kind != EventKind::kVmExit) return;
  const bool access =
      q.step == EPTDIFF_STEP_GUEST_PHYSICAL || q.step == EPTDIFF_STEP_LINEAR;
  const bool trace = q.step == EPTDIFF_STEP_GUEST_PHYSICAL && q.gla_valid == 0;
  SetSaved(SavedBy(event, ControlsOf(q), GuestOf(q),
                   (access && q.asynchronous != 0) || trace),
           answer);
}

}  // namespace
}  // namespace eptdiff

extern "C" {

EPTDIFF_TARGET_DEFINE_ABI;

void eptdiff_target_describe(eptdiff_profile* profile) {
  profile->models = ~std::uint64_t{EPTDIFF_MODELS_CACHES};
  profile->fills |= EPTDIFF_FILLS_SAVED_STATE;
}

int eptdiff_target_enter(const eptdiff_question* question,
                         const eptdiff_memory*, eptdiff_answer* answer) {
  eptdiff::SetEvent(eptdiff::EnterGuest(eptdiff::ProcessorOf(*question),
                                        eptdiff::ControlsOf(*question),
                                        eptdiff::GuestOf(*question)),
                    *answer);
  return EPTDIFF_ANSWERED;
}

int eptdiff_target_answer(const eptdiff_question* question,
                          const eptdiff_memory* memory,
                          eptdiff_answer* answer) {
  eptdiff::Engine engine(eptdiff::ProcessorOf(*question),
                         eptdiff::ControlsOf(*question),
                         eptdiff::GuestOf(*question));
  eptdiff::CallbackMemory words(*memory);
  eptdiff::Event event;
  if (eptdiff::Ask(engine, *question, words, event) !=
      eptdiff::EngineStatus::kAnswered) {
    return EPTDIFF_NOT_MODELLED;
  }
  eptdiff::SetEvent(event, *answer);
  eptdiff::SetSavedBy(*question, event, *answer);
  answer->eptp = engine.controls().eptp;
  answer->pml_index = engine.controls().pml_index;
  answer->eptp_index = engine.controls().eptp_index;
  std::copy(engine.guest().pdpte.begin(), engine.guest().pdpte.end(),
            answer->pdpte);
  return EPTDIFF_ANSWERED;
}

}  // extern "C"
