// The reference at work on one step: the situation, the dialect that answers,
// the trace of what was asked, and the memory words that were touched.
// Thread-safety: thread-compatible; lives as long as one step.
#ifndef EPTDIFF_ORACLE_REFERENCE_EXAMINER_H_
#define EPTDIFF_ORACLE_REFERENCE_EXAMINER_H_

#include <cstdint>

#include "engine/types.h"
#include "oracle/machine_state.h"
#include "oracle/reference/chooser.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/rules/sdm.h"
#include "oracle/reference/rules/situation.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

class Examiner {
 public:
  // Without a chooser nothing is kept: every read sees memory.
  Examiner(const Dialect& dialect, const MachineState& state, Trace& trace,
           Chooser* chooser = nullptr)
      : chooser(chooser),
        dialect_(dialect),
        watched_(trace.keeps_hits ? SlotSet::All()
                                  : Union(dialect, state.declared.left)),
        state_(state),
        trace_(trace) {
    s.state = &state;
    s.pml_index = state.controls.pml_index;
  }

  Chooser* const chooser;

  // What the next slot is asked about. Callers keep it up to date.
  Situation s;

  // Asks a slot, in the dialect, and records the answer.
  // Inlined wherever it stands: the slot is a constant there, and so are its
  // function, its rule, and its bit of `watched_`.
  [[gnu::always_inline]] std::uint64_t Ask(Slot slot) {
    std::uint64_t answer = AskSdm(slot);
    if (watched_.Contains(slot)) [[unlikely]] {
      answer = AnswerWatched(slot, answer);
    }
    if (answer != 0) trace_.consequences.Add(PlaceOf(slot));
    return answer;
  }
  // The same for a slot with an operand (slots.def).
  [[gnu::always_inline]] std::uint64_t Ask(Slot slot, std::uint64_t operand) {
    s.operand = operand;
    return Ask(slot);
  }

  // The slot's rule at the entry that is looked at.
  RuleAt At(Slot slot) const { return {InfoOf(slot).rule, s.level}; }

  const MachineState& state() const { return state_; }
  Trace& trace() { return trace_; }

  // Reads a word that the translation depends on, and notes it in the trace.
  std::uint64_t Read(Role role, std::uint8_t level, Hpa address);

  // Reads a guest paging-structure entry of 4 or 8 bytes.
  std::uint64_t ReadGuestEntry(std::uint8_t level, Hpa address, int bytes);

  // Whether memory has another value than the guest entry read last.
  bool read_what_was_kept() const { return read_what_was_kept_; }

  // Notes that a word is written (or read, outside of translation) as `role`.
  void Touch(Role role, std::uint8_t level, Hpa address);

  // Notes an access to what the VMCS or an EPT entry references (30.4.6.2).
  void NotePhysical(Hpa address) {
    reaches_apic_page_ |=
        sdm::Bits(address.value ^ state_.controls.apic_access_address, 63,
                  12) == 0;
  }
  // Whether one of these lies in the page of the APIC-access address, whatever
  // the control says.
  bool reaches_apic_page() const { return reaches_apic_page_; }

  // Whether some word was written in one role and touched in another.
  bool aliased() const { return aliased_; }

 private:
  void Note(const Touched& touched);

  // A switch, not a table of functions: the sanitizers check each call through
  // a pointer.
  [[gnu::always_inline]] std::uint64_t AskSdm(Slot slot) const {
    switch (slot) {
#define EPTDIFF_SLOT(name, rule, kind) \
  case Slot::k##name:                  \
    return sdm::name(s);
#include "oracle/reference/rules/slots.def"
#undef EPTDIFF_SLOT
    }
    __builtin_unreachable();
  }
  static SlotSet Union(const Dialect& dialect, const SlotSet* left) {
    SlotSet all = dialect.altered();
    if (left != nullptr) [[unlikely]] {
      all.Add(*left);
    }
    return all;
  }
  // The number of the place where the slot is asked.
  [[gnu::always_inline]] std::size_t PlaceOf(Slot slot) const {
    return RulePlace{InfoOf(slot).rule, s.level, s.linear.level != 0}.number();
  }
  // What the dialect makes of the answer, if the slot is not left to hardware;
  // and keeps of it in the trace.
  std::uint64_t AnswerWatched(Slot slot, std::uint64_t answer);

  const Dialect& dialect_;
  // The slots that the dialect alters, or whoever answers leaves to hardware;
  // all if the trace keeps hits.
  const SlotSet watched_;
  const MachineState& state_;
  Trace& trace_;
  std::uint64_t maybe_touched_ = 0;  // a bit for each word's hash
  bool read_what_was_kept_ = false;
  bool aliased_ = false;
  bool reaches_apic_page_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_EXAMINER_H_
