// Whoever answers questions: the engine, Bochs, outside code.
//
// An oracle never changes the state that it is shown. It says what the step
// does (Outcome), or that it cannot answer, and why. Steps of one case are
// asked in order; each is asked in the state that this oracle's own answers,
// where they conformed, have left.
// Thread-safety: an oracle is used by one thread.
#ifndef EPTDIFF_ORACLE_ORACLE_H_
#define EPTDIFF_ORACLE_ORACLE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "oracle/case.h"
#include "oracle/declared.h"
#include "oracle/machine_state.h"
#include "oracle/outcome.h"

namespace eptdiff {

// Why an oracle gives no answer. Every skip is counted under one of these.
enum class Skip : std::uint8_t {
  kNone,  // it answered
#define EPTDIFF_SKIP(enumerator, words) enumerator,
#include "oracle/skips.def"
#undef EPTDIFF_SKIP
};

// The reason in words, as reports print it.
std::string_view WordsOf(Skip skip);

inline constexpr std::size_t kSkipCount = 1
#define EPTDIFF_SKIP(enumerator, words) +1
#include "oracle/skips.def"
#undef EPTDIFF_SKIP
    ;

// The parts of an answer, in the order in which the comparison looks at them.
// A qualification bit is a part of its own, so that signatures tell them apart.
enum class Field : std::uint8_t {
  kEvent,
  kFailedCheck,
  kExitReason,
  kInterruptionInformation,
  kErrorCode,
  kQualification,
  kGpa,
  kGla,
  kCr2,
  kAddress,
  kPageSize,
  kMemoryType,
  kStructureMemoryType,
  kPdpte,
  kEptp,
  kEptpIndex,
  kPmlIndex,
  kMemory,
  kExitReasonFlags,  // SavedState, from here on
  kVectoringInformation,
  kVectoringErrorCode,
  kInstructionLength,
  kInterruptibility,
  kRflags,
  kPendingDebug,
};
inline constexpr std::size_t kFieldCount = 25;

// A set of fields, as bits 1 << Field; above them, parts of fields that are
// left out although the field is in.
using FieldSet = std::uint64_t;
inline constexpr FieldSet kAllFields = (FieldSet{1} << kFieldCount) - 1;
constexpr FieldSet SetOf(Field field) {
  return FieldSet{1} << static_cast<unsigned>(field);
}
// Of SavedState.
inline constexpr FieldSet kSavedFields =
    kAllFields & ~(SetOf(Field::kExitReasonFlags) - 1);
// Bit `bit` (0 to 16) of the exit qualification; bit `bit` (0 to 7) of the
// error code of a #PF.
constexpr FieldSet WithoutQualification(int bit) {
  return FieldSet{1} << (kFieldCount + bit);
}
constexpr FieldSet WithoutErrorCode(int bit) {
  return FieldSet{1} << (kFieldCount + 17 + bit);
}
// Bits 11:0 of an address: only its page is compared.
inline constexpr FieldSet kWithoutGpaOffset = FieldSet{1} << (kFieldCount + 25);
inline constexpr FieldSet kWithoutGlaOffset = FieldSet{1} << (kFieldCount + 26);
inline constexpr FieldSet kWithoutCr2Offset = FieldSet{1} << (kFieldCount + 27);

class Oracle {
 public:
  virtual ~Oracle() = default;

  // Short and without spaces; stands in signatures ("engine", "bochs").
  virtual std::string_view name() const = 0;

  // The fields that its answers fill in, always; the others are not compared.
  virtual FieldSet fields() const { return kAllFields; }

  // Whether it models the checks of VM entry. If not, Enter() only prepares:
  // its outcome is not compared, and where the reference says that entry fails
  // the case is skipped as kVmEntryNotModelled.
  virtual bool models_entry() const { return true; }

  // Whether it may use translations that it has kept (29.4): it is judged by
  // what the SDM permits then. If not, by what memory has.
  virtual bool keeps_translations() const { return false; }

  // What else it declares, and is judged by.
  virtual Declared declared() const { return {}; }

  // VM entry, step 0. `outcome.event.kind` is kCompleted or kVmEntryFailure.
  // A reason other than kNone means that it cannot answer this case at all.
  virtual Skip Enter(const MachineState& state, Outcome& outcome) = 0;

  // VM entry in a case that was entered, after a VM exit on this processor.
  virtual Skip EnterAgain(const MachineState& state, const Step& step,
                          Outcome& outcome) {
    (void)step;
    return Enter(state, outcome);
  }

  // One step of the case that was last entered. Leaves `outcome` unspecified
  // unless it answers (kNone).
  virtual Skip Perform(const MachineState& state, const Step& step,
                       Outcome& outcome) = 0;
};

// A step of the case that was entered, in the state after Begin(step).
inline Skip AskOracle(Oracle& oracle, const MachineState& state,
                      const Step& step, Outcome& outcome) {
  return step.kind == StepKind::kVmEntry
             ? oracle.EnterAgain(state, step, outcome)
             : oracle.Perform(state, step, outcome);
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_ORACLE_H_
