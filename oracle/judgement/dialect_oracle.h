// An oracle that answers as the reference judges: with an outcome that a
// dialect permits. It stands for an implementation that departs from the SDM in
// known ways, where such a one is wanted: planted faults, and the tests of
// diagnosis.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_JUDGEMENT_DIALECT_ORACLE_H_
#define EPTDIFF_ORACLE_JUDGEMENT_DIALECT_ORACLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "oracle/oracle.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

// Which of the permitted outcomes (permitted.h) it gives.
enum class Manner : std::uint8_t {
  kPlain,   // the first: no optional write, 0 where nothing is defined
  kVaried,  // one after the other, beginning where the case determines
  kKept,  // of what was kept, it uses what it may: the last, and if it can one
          // that the SDM does not permit
};

class DialectOracle final : public Oracle {
 public:
  // Where the dialect leads to something undefined it gives the SDM's answer;
  // if that is undefined, too, nothing happens.
  explicit DialectOracle(const Dialect& dialect,
                         Manner manner = Manner::kPlain);

  std::string_view name() const override { return "dialect"; }
  bool keeps_translations() const override { return manner_ == Manner::kKept; }
  Skip Enter(const MachineState& state, Outcome& outcome) override;
  Skip EnterAgain(const MachineState& state, const Step& step,
                  Outcome& outcome) override;
  Skip Perform(const MachineState& state, const Step& step,
               Outcome& outcome) override;

  // Whether the dialect has a verdict of its own on `step` (null: VM entry).
  bool Departs(const MachineState& state, const Step* step);

 private:
  void Judge(const CachingReference& reference, const MachineState& state,
             const Step* step, Verdict& verdict);
  Skip Answer(const MachineState& state, const Step* step, Outcome& outcome);
  // Of *verdict_, what kKept gives.
  const Alternative& LastOf(const MachineState& state, const Step* step);

  const Manner manner_;
  std::size_t answered_ = 0;  // steps of this case
  const CachingReference altered_;
  const CachingReference sdm_;
  // Kept, not made anew: they are large.
  std::unique_ptr<Verdict> verdict_;
  std::unique_ptr<Verdict> sdm_verdict_;
  std::unique_ptr<Trace> trace_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_JUDGEMENT_DIALECT_ORACLE_H_
