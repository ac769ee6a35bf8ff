// The comparison: does an outcome conform to a verdict, and if not, in what?
//
// It has no opinions of its own: everything that it knows about EPT stands in
// the verdict. An outcome conforms if it fits one alternative whole, in all
// fields that the oracle fills in. If it fits none, the alternative that it
// agrees with longest, in the order of the enumeration Field, is the one it is
// held against (the first of several), and the disagreements are listed in that
// order. Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_JUDGEMENT_JUDGE_H_
#define EPTDIFF_ORACLE_JUDGEMENT_JUDGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "oracle/fixed_vector.h"
#include "oracle/machine_state.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/verdict.h"

namespace eptdiff {

// One field in which an outcome does not fit an alternative.
struct Disagreement {
  Field field = Field::kEvent;
  // kQualification: the lowest differing bit. kMemory: the lowest differing bit
  // of the word. kAddress to kStructureMemoryType: the page (0 or 1). kPdpte:
  // the register.
  std::uint8_t index = 0;
  Hpa word;                    // kMemory: which word
  std::uint64_t expected = 0;  // the values as numbers, for reports
  std::uint64_t given = 0;
  RuleAt why;  // what the expectation rests on
};

inline constexpr std::size_t kMaxDisagreements = 16;

using Disagreements = FixedVector<Disagreement, kMaxDisagreements>;

struct Finding {
  bool conforms = true;
  std::size_t alternative = 0;  // the one it fits, or was held against
  Disagreements disagreements;
};

// Judges `outcome`, given in `before`, by `verdict`, whose standing must be
// kJudged. At most kMaxDisagreements are listed.
Finding Judge(const Verdict& verdict, const MachineState& before,
              const Outcome& outcome, FieldSet fields);
// The same, overwriting `finding`.
void Judge(const Verdict& verdict, const MachineState& before,
           const Outcome& outcome, FieldSet fields, Finding& finding);

// "eptdiff-<oracle>-<field>-<rule>-<level>" of the first disagreement, such as
// eptdiff-engine-event-CFG-9-PDE or eptdiff-bochs-qualification6-QUAL-6-none.
// Of an oracle that gave up the field is "panic".
std::string SignatureOf(std::string_view oracle, const Finding& finding);

// "event", "qualification" ... as signatures and reports spell them.
std::string_view NameOf(Field field);

// "PML5E" ... "PTE"; "none" for level 0.
std::string_view NameOfLevel(std::uint8_t level);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_JUDGEMENT_JUDGE_H_
