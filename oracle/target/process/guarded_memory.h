// The memory of a step as a target gets it: every access is looked at, and the
// first that no EPT code may make is remembered.
//
// An access beyond the physical-address width is carried out all the same,
// since it may follow from a reserved bit that was overlooked; one that is no
// word does nothing. The target goes on to an end of its own.
//
// Now and then another processor is quicker: just before a compare-exchange
// that sets accessed flags it sets one of them itself, so that this one fails,
// once in a step. What the step has to leave stays the same. It happens in the
// words 3, 7, 11 ... of a page, so that a question is always the same question.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_TARGET_PROCESS_GUARDED_MEMORY_H_
#define EPTDIFF_ORACLE_TARGET_PROCESS_GUARDED_MEMORY_H_

#include <cstddef>
#include <cstdint>

#include "oracle/fixed_vector.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"
#include "oracle/step_memory.h"
#include "oracle/target/process/incident.h"

namespace eptdiff {

class GuardedMemory {
 public:
  // Loads and stores that one step may make. The longest linear access reads
  // some 70 tables: two pages, HLAT and ordinary paging, each entry through
  // EPT. Code that works on pointers to tables copies each of them whole.
  static constexpr std::uint32_t kMaxCallbacks = 65'536;

  // What to do with a target that makes more; never returns.
  using Endless = void (*)();

  explicit GuardedMemory(Endless endless) : endless_(endless) {}

  // A step begins, in `state`, which outlives it.
  void Begin(const MachineState& state);

  std::uint64_t Load(std::uint64_t address);
  void Store(std::uint64_t address, std::uint64_t value);
  bool CompareExchange(std::uint64_t address, std::uint64_t expected,
                       std::uint64_t desired);

  // The step is over: what it changed, as an Outcome lists it, and the first
  // objection. A store counts as stray by what it leaves, so that code which
  // writes back what it read is at peace.
  Incident End(FixedVector<MemoryWord, kMaxStepWrites>& writes) const;
  // Whether another processor was quicker.
  bool exchange_failed() const { return exchange_failed_; }
  // The first access beyond the width; kNone if there was none.
  Incident aside() const { return aside_; }

 private:
  bool Objects(std::uint64_t address);
  bool IsQuicker(std::uint64_t address, std::uint64_t expected,
                 std::uint64_t desired);
  bool WasLoaded(Hpa word) const;
  bool IsExplained(const MemoryWord& word) const;

  Endless endless_;
  const MachineState* state_ = nullptr;
  StepMemory memory_;
  std::uint32_t callbacks_ = 0;
  bool exchange_failed_ = false;
  Incident incident_;
  Incident aside_;
  // What a step that can be right loads fits in; of others, the first.
  FixedVector<Hpa, 512> loaded_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROCESS_GUARDED_MEMORY_H_
