// Host-physical memory of a case: 8-byte words, all others 0.
//
// Open addressing over a table that grows, and stays; Clear() costs what was
// stored, not the size of the table, so that a fuzzer can reuse one object for
// millions of cases. Capacity: kMaxWords distinct words, enough for a case
// within its limits and everything that its steps may write.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_SPARSE_MEMORY_H_
#define EPTDIFF_ORACLE_SPARSE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/types.h"

namespace eptdiff {

class SparseMemory {
 public:
  static constexpr std::size_t kMaxWords = 1 << 17;

  SparseMemory();
  // Copies what is stored, not the table.
  SparseMemory(const SparseMemory& other);
  SparseMemory& operator=(const SparseMemory& other);

  // The word at `address`, whose low three bits are ignored.
  std::uint64_t Load(Hpa address) const {
    const std::uint64_t key = address.value >> 3;
    for (std::size_t i = Hash(key);; ++i) {
      const Slot& slot = slots_[i & mask_];
      if (slot.generation != generation_) return 0;
      if (slot.key == key) return slot.value;
    }
  }

  // Stores the word. Storing more than kMaxWords distinct words between two
  // calls of Clear() ends the process: the limits of a case exclude it.
  void Store(Hpa address, std::uint64_t value);

  // Forgets all words.
  void Clear();

  // The addresses stored to since Clear(), each once, oldest first.
  std::span<const Hpa> addresses() const { return addresses_; }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint64_t value = 0;
    std::uint32_t generation = 0;
  };
  static std::size_t Hash(std::uint64_t key) {
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15u) >> 40);
  }
  void Grow();

  std::vector<Slot> slots_;
  std::size_t mask_;
  std::uint32_t generation_ = 1;
  std::vector<Hpa> addresses_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_SPARSE_MEMORY_H_
