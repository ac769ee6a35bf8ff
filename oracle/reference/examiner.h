// The reference at work on one step: the situation, the dialect that answers,
// the trace of what was asked, and the memory words that were touched.
// Thread-safety: thread-compatible; lives as long as one step.
#ifndef EPTDIFF_ORACLE_REFERENCE_EXAMINER_H_
#define EPTDIFF_ORACLE_REFERENCE_EXAMINER_H_

#include <cstdint>

#include "engine/types.h"
#include "oracle/fixed_vector.h"
#include "oracle/machine_state.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/sdm.h"
#include "oracle/reference/situation.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

// What a word of memory is to the step that touches it. A word that is two
// things at once, one of them written, is ALIAS-1.
enum class Role : std::uint8_t {
  kEptEntry,
  kGuestEntry,  // of several levels at once, too: their flags are one flag
  kSppEntry,
  kPdpte,
  kLog,
  kVeArea,
};

class Examiner {
 public:
  Examiner(const Dialect& dialect, const MachineState& state, Trace& trace)
      : dialect_(dialect), state_(state), trace_(trace) {
    s.state = &state;
    s.pml_index = state.controls.pml_index;
  }

  // What the next slot is asked about. Callers keep it up to date.
  Situation s;

  // Asks a slot, in the dialect, and records the answer.
  // Inlined wherever it stands: the slot is a constant there, and so are its
  // function and its rule.
  [[gnu::always_inline]] std::uint64_t Ask(Slot slot,
                                           std::uint64_t operand = 0) {
    s.operand = operand;
    std::uint64_t answer = kSdm[static_cast<std::size_t>(slot)](s);
    if (dialect_.Alters(slot)) [[unlikely]] {
      const std::uint64_t altered = dialect_.Answer(slot, s, answer);
      if (altered != answer) trace_.altered = true;
      answer = altered;
    }
    const SlotInfo& info = InfoOf(slot);
    const std::size_t feature =
        (static_cast<std::size_t>(info.rule) * 6 + s.level) * 4 +
        (s.linear.level != 0) * 2 + (answer != 0);
    trace_.features[feature / 64] |= std::uint64_t{1} << (feature % 64);
    if (trace_.keeps_hits) [[unlikely]] {
      Keep(info, answer);
    }
    return answer;
  }

  // The slot's rule at the entry that is looked at.
  RuleAt At(Slot slot) const { return {InfoOf(slot).rule, s.level}; }

  const MachineState& state() const { return state_; }
  Trace& trace() { return trace_; }

  // Reads a word that the translation depends on, and notes it in the trace.
  std::uint64_t Read(Role role, std::uint8_t level, Hpa address);

  // Reads a guest paging-structure entry of 4 or 8 bytes.
  std::uint64_t ReadGuestEntry(std::uint8_t level, Hpa address, int bytes);

  // Notes that a word is written (or read, outside of translation) as `role`.
  void Touch(Role role, std::uint8_t level, Hpa address);

  // Whether some word was written in one role and touched in another.
  bool aliased() const { return aliased_; }

 private:
  struct Touched {
    Hpa word;
    Role role;
    std::uint8_t level;
    bool written;
  };
  void Note(Touched touched);

  using SdmFunction = std::uint64_t (*)(const Situation&);
  static constexpr SdmFunction kSdm[kSlotCount] = {
#define EPTDIFF_SLOT(name, rule, kind) sdm::name,
#include "oracle/reference/slots.def"
#undef EPTDIFF_SLOT
  };
  void Keep(const SlotInfo& info, std::uint64_t answer);

  const Dialect& dialect_;
  const MachineState& state_;
  Trace& trace_;
  // Two walks over HLAT and ordinary paging, an SPP lookup, logs, the #VE area.
  FixedVector<Touched, 192> touched_;
  std::uint64_t maybe_touched_ = 0;  // a bit for each word's hash
  bool aliased_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_EXAMINER_H_
