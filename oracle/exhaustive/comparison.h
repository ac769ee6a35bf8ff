// One oracle against the reference, or two that are asked the same, situation
// by situation, and the account of it. A situation is one step in one state.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_COMPARISON_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_COMPARISON_H_

#include <cstdint>
#include <functional>

#include "oracle/case.h"
#include "oracle/judgement/judge.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

// Takes numbers into a 64-bit digest, which depends on their order.
class Digest {
 public:
  void Add(std::uint64_t number) {
    value_ = (value_ ^ number) * 0x9e3779b97f4a7c15;
    value_ ^= value_ >> 32;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0;
};

// Adds all of an answer. Each word written is XORed with `old` first if it is
// at `word`, and each host address translated to with `address`: what depends
// on the shape of one entry alone can be made to disappear.
void AddOutcome(const Outcome& outcome, Digest& digest, Hpa word = {},
                std::uint64_t old = 0, std::uint64_t address = 0);

struct Tally {
  std::uint64_t situations = 0;  // compared
  std::uint64_t skipped = 0;     // the oracle gave no answer
  std::uint64_t differing = 0;
  Digest digest;  // of all answers
};

class Comparison {
 public:
  // Called for each finding, until there have been kMaxFindings, which end the
  // comparison. The step is null for VM entry.
  using Report = std::function<void(const MachineState& state, const Step* step,
                                    const Finding& finding)>;
  static constexpr std::uint64_t kMaxFindings = 20;

  // `oracle` must outlive this.
  Comparison(Oracle& oracle, const Dialect& dialect, Report report);

  // Asks `other`, which outlives this and is judged by the SDM itself, the
  // same: a verdict that no alteration touched is that of both. Not of VM entry
  // alone (CompareVmEntry).
  void set_also(Comparison* other) { also_ = other; }

  // Whether the oracle models VM entry, so that its answer there is compared.
  bool compares_entry() const { return oracle_.models_entry(); }

  // VM entry. Whether steps may follow: an oracle answers under these controls,
  // and its comparison goes on.
  bool Enter(const MachineState& state);
  void Ask(const MachineState& state, const Step& step);

  // Of all that are asked.
  bool over() const { return IsOver() && (also_ == nullptr || also_->over()); }
  const Tally& tally() const { return tally_; }

 private:
  bool IsOver() const { return tally_.differing >= kMaxFindings; }
  bool EnterAlone(const MachineState& state);
  // `known`: what the SDM permits, if somebody has found out.
  void AskAlone(const MachineState& state, const Step& step,
                const Verdict* known);
  void Account(const MachineState& state, const Step* step, Skip skip,
               const Verdict& verdict);

  Oracle& oracle_;
  const Reference reference_;
  const Report report_;
  Comparison* also_ = nullptr;
  bool asks_ = true;      // since VM entry
  bool has_sdm_ = false;  // the verdict is the SDM's, of the last step
  Tally tally_;
  Outcome outcome_;
  Verdict verdict_;
  Trace trace_;
  Finding finding_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_COMPARISON_H_
