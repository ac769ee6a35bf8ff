#include "oracle/builder/diagnosis/symptom_counts.h"

#include <algorithm>

namespace eptdiff {

void SymptomCounts::Add(Symptom symptom, const Circumstances& at) {
  constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;
  std::size_t slot = symptom.bits * kSpread >> 49;
  static_assert(kSlots == std::size_t{1} << (64 - 49));
  while (slots_[slot] != 0 &&
         counted_[slots_[slot] - 1].symptom.bits != symptom.bits) {
    slot = (slot + 1) % kSlots;
  }
  if (slots_[slot] == 0) {
    if (size_ == kCapacity) return;
    counted_[size_].symptom = symptom;
    slots_[slot] = static_cast<std::uint16_t>(++size_);
  }
  CountedSymptom& counted = counted_[slots_[slot] - 1];
  ++counted.count;
  counted.seen.Add(at);
}

std::vector<CountedSymptom> SymptomCounts::List() const {
  std::vector<CountedSymptom> list(counted_, counted_ + size_);
  std::sort(list.begin(), list.end(),
            [](const CountedSymptom& a, const CountedSymptom& b) {
              return a.symptom < b.symptom;
            });
  return list;
}

}  // namespace eptdiff
