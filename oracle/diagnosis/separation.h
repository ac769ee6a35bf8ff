// Cases that separate explanations: on some step two of them say different
// things, and an answer can show which.
// Thread-safety: as TouchedBy.
#ifndef EPTDIFF_ORACLE_DIAGNOSIS_SEPARATION_H_
#define EPTDIFF_ORACLE_DIAGNOSIS_SEPARATION_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "oracle/case.h"
#include "oracle/declared.h"
#include "oracle/diagnosis/combination.h"
#include "oracle/diagnosis/touched.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/reference/caches/caching_reference.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

// What asking a case would be good for.
enum class Use : std::uint8_t {
  kNone,
  kConfirms,   // the explanations differ from the SDM there, all alike
  kSeparates,  // they differ from one another
};

class Separation {
 public:
  // Between these, of which there is at least one; the oracle's answers show
  // `fields`.
  // `keeps`: of an oracle that may keep translations. `declared` is what else
  // it declares.
  Separation(const std::vector<Combination>& explanations, FieldSet fields,
             bool keeps, const Declared& declared);

  // Goes through `c` as an oracle would that the first explanation describes.
  Use UseOf(const Case& c);

 private:
  Use UseOfStep(const Step* step, const AlterationSet& touched);

  const FieldSet fields_;
  const AlterationSet all_;  // in some explanation
  const TouchedBy first_;
  std::vector<CachingReference> others_;
  const CachingReference sdm_;
  AlterationSet differing_;  // in some explanation and not in all
  // Kept, not made anew: they are large.
  MachineState state_;
  std::unique_ptr<Verdict> verdict_;
  std::unique_ptr<Verdict> other_verdict_;
  std::unique_ptr<Trace> trace_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_DIAGNOSIS_SEPARATION_H_
