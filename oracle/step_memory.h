// Memory as one oracle sees it during one step: the state's memory, which it
// must not change, under the words that the step has written so far.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_STEP_MEMORY_H_
#define EPTDIFF_ORACLE_STEP_MEMORY_H_

#include <algorithm>
#include <cstdint>

#include "engine/types.h"
#include "oracle/case.h"
#include "oracle/fixed_vector.h"
#include "oracle/outcome.h"
#include "oracle/sparse_memory.h"

namespace eptdiff {

class StepMemory {
 public:
  explicit StepMemory(const SparseMemory& base) : base_(&base) {}
  // Without a base: begins with Begin().
  StepMemory() = default;

  // A step begins, over `base`. An oracle keeps one StepMemory for its steps:
  // on the stack, sanitizers would mark its room out and clear it each time.
  void Begin(const SparseMemory& base) {
    base_ = &base;
    written_.clear();
    overflowed_ = false;
  }

  // The 8-byte word that holds `address`.
  std::uint64_t Load(Hpa address) const {
    const Hpa word{address.value & ~std::uint64_t{7}};
    for (const MemoryWord& written : written_) {
      if (written.address == word) return written.value;
    }
    return base_->Load(word);
  }

  // Stores the word that holds `address`. A step that would write more than
  // kMaxStepWrites words loses the excess and overflowed() says so.
  void Store(Hpa address, std::uint64_t value) {
    const Hpa word{address.value & ~std::uint64_t{7}};
    for (MemoryWord& written : written_) {
      if (written.address != word) continue;
      written.value = value;
      return;
    }
    if (written_.full()) {
      overflowed_ = true;
      return;
    }
    written_.push_back({word, value});
  }

  bool overflowed() const { return overflowed_; }

  // Writes the words that changed into `writes`, as an Outcome lists them.
  void ListChanges(FixedVector<MemoryWord, kMaxStepWrites>& writes) const {
    writes.clear();
    for (const MemoryWord& written : written_) {
      if (base_->Load(written.address) != written.value) {
        writes.push_back(written);
      }
    }
    std::sort(writes.begin(), writes.end(),
              [](const MemoryWord& a, const MemoryWord& b) {
                return a.address.value < b.address.value;
              });
  }

 private:
  const SparseMemory* base_ = nullptr;
  FixedVector<MemoryWord, kMaxStepWrites> written_;
  bool overflowed_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_STEP_MEMORY_H_
