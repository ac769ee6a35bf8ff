// How often what went right, and in what circumstances; what finds no room is
// left out. Of fixed size, for memory that processes share.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_SYMPTOM_COUNTS_H_
#define EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_SYMPTOM_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "oracle/builder/symptom.h"

namespace eptdiff {

class SymptomCounts {
 public:
  static constexpr std::size_t kCapacity = 1 << 14;

  void Add(Symptom symptom, const Circumstances& at);
  std::vector<CountedSymptom> List() const;

 private:
  static constexpr std::size_t kSlots = 2 * kCapacity;

  // By hash, the number of what has been counted first, second ..., from 1 on;
  // 0: free. What there is lies together, so that a process touches few pages.
  std::uint16_t slots_[kSlots] = {};
  std::size_t size_ = 0;
  CountedSymptom counted_[kCapacity] = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_SYMPTOM_COUNTS_H_
