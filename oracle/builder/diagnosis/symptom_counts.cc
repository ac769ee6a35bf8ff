#include "oracle/builder/diagnosis/symptom_counts.h"

#include <algorithm>

namespace eptdiff {

void SymptomCounts::Add(Symptom symptom, const Circumstances& at) {
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;
  const std::uint64_t word = symptom.bits | std::uint64_t{1} << 63;
  std::size_t slot = word * kSpread >> 50;
  static_assert(kCapacity == std::size_t{1} << (64 - 50));
  while (slots_[slot] != 0 && slots_[slot] != word) {
    slot = (slot + 1) % kCapacity;
  }
  if (slots_[slot] == 0) {
    if (size_ + 1 == kCapacity) return;
    ++size_;
    slots_[slot] = word;
  }
  ++counts_[slot];
  seen_[slot].Add(at);
}

std::vector<CountedSymptom> SymptomCounts::List() const {
  std::vector<CountedSymptom> list;
  list.reserve(size_);
  for (std::size_t i = 0; i < kCapacity; ++i) {
    if (slots_[i] == 0) continue;
    list.push_back(
        {{slots_[i] & ~(std::uint64_t{1} << 63)}, counts_[i], seen_[i]});
  }
  std::sort(list.begin(), list.end(),
            [](const CountedSymptom& a, const CountedSymptom& b) {
              return a.symptom < b.symptom;
            });
  return list;
}

}  // namespace eptdiff
