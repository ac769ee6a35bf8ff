// The fewest mistakes that explain what a builder did wrong.
//
// A cause is a mistake and the situations in which it is made: some features of
// a symptom fixed, the others free ("pages lose write permission, when a page
// is split"). It explains a failing case if it matches one of its symptoms.
//
//   1. For each symptom seen, the most general causes that match it and hardly
//      anything that went right: at most a tenth as many times. Where nothing
//      sets it apart: the mistake alone, or with one feature; and with a bit of
//      the circumstances that is the same wherever it went wrong, and was
//      another wherever it went right.
//   2. Of these the cheapest set that explains every case: as few as can be,
//      one that nothing sets apart counting as two and a half; then the most
//      telling mistakes (in the order of Mistake), then the fewest features.
//      Several ways of one mistake, set apart by one feature and never right,
//      are told as such where it went right in another way: "in split" and "in
//      protect", if not in unmap.
//   3. Which bits, or which reason, is named where it is the same in all cases.
//   4. What was found by experiment to be a mistake under a condition, of
//      several circumstances maybe, is a cause like those of step 1.
//   5. What is refused or not against expectation, only ever in the situations
//      of another cause, goes with that; and so does what comes of the bits
//      that another cause takes from what was asked for.
//
// The search is exact up to a bound on its length, and then the best found.
//
// This folder uses the words of oracle/builder/: symptoms come in, causes go
// out. Begin with ../symptom.h, then read this.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_BUILDER_DIAGNOSIS_H_
#define EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_BUILDER_DIAGNOSIS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oracle/builder/circumstances.h"
#include "oracle/builder/diagnosis/page_difference.h"
#include "oracle/builder/symptom.h"

namespace eptdiff {

// Cases that failed alike.
struct FailingCases {
  std::vector<Symptom> symptoms;  // of the failing step, sorted; at least one
  std::uint64_t cases = 0;
  CircumstancesSeen seen = {};
  PageDifference difference = {};  // all of them together
};

struct BuilderCause {
  Symptom value;
  std::uint64_t fixed = 0;         // features that count, Mistake among them
  std::vector<Circumstance> when;  // and where these hold alone
  std::uint64_t right = 0;         // so often it went right in such situations
  std::vector<std::size_t> explains;  // indices of FailingCases
  std::uint64_t cases = 0;
  PageDifference difference = {};  // all that was seen

  bool Matches(Symptom symptom) const {
    return ((symptom.bits ^ value.bits) & fixed) == 0;
  }
  bool HoldsAt(const Circumstances& at) const;
  // ... always, in many cases.
  bool HoldsIn(const CircumstancesSeen& seen) const;
  bool IsFixed(Feature feature) const {
    return (fixed & Symptom::MaskOf(feature)) != 0;
  }
};

// Without order among them but that of Mistake. Of those that were `studied`
// the value counts, what is fixed of it, `when` and `right`.
std::vector<BuilderCause> DiagnoseBuilder(
    std::span<const FailingCases> failing,
    std::span<const CountedSymptom> right,
    std::span<const BuilderCause> studied = {});

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_BUILDER_DIAGNOSIS_H_
