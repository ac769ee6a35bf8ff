// What Diagnosis knows, and what it means; not for others to include.
#ifndef EPTDIFF_ORACLE_DIAGNOSIS_DIAGNOSIS_IMPL_H_
#define EPTDIFF_ORACLE_DIAGNOSIS_DIAGNOSIS_IMPL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "oracle/diagnosis/combination.h"
#include "oracle/diagnosis/diagnosis.h"
#include "oracle/diagnosis/evidence.h"

namespace eptdiff {

class Diagnosis::Impl {
 public:
  explicit Impl(FieldSet fields) : evidence_(fields), candidates_{{}} {}

  void Observe(const std::shared_ptr<const Case>& c, std::size_t number,
               const MachineState& before, const Step* step,
               const Outcome& outcome);
  std::size_t Ask(Oracle& oracle, const Case& c);
  const Explanation& explanation();
  void Separate(Oracle& oracle, const Vary& vary,
                const SeparationLimits& limits);

 private:
  // Takes in what contradicts all candidates.
  void Update();
  void Search();
  void GrowInstead();
  // What has been set aside, and is explained after all, counts again.
  void TakeBack();
  std::vector<Case> Originals();
  std::size_t AskWitnesses(Oracle& oracle, std::size_t limit);
  void AskVariations(Oracle& oracle, const Vary& vary,
                     const SeparationLimits& limits, std::size_t asked);

  std::vector<std::size_t> CountCases(const Combination& combination);
  std::optional<Nearest> FindNearest();

  Evidence evidence_;
  // All smallest explanations of the constraints; at least one.
  std::vector<Combination> candidates_;
  std::vector<std::size_t> constraints_;
  std::vector<std::size_t> fresh_;      // contradict all candidates
  std::vector<std::size_t> set_aside_;  // nothing explains them
  std::set<std::string> inexplicable_;  // their signatures
  // No explanation of the constraints has fewer alterations.
  std::size_t at_least_ = 0;
  bool smallest_ = true;
  std::uint64_t seed_ = 0;
  std::vector<bool> witness_asked_;
  std::optional<Explanation> explanation_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_DIAGNOSIS_DIAGNOSIS_IMPL_H_
