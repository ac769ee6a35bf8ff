// The memory of a case as a list: cases are small, so a scan beats an index.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_ENCODING_CASE_MEMORY_H_
#define EPTDIFF_FUZZERS_ENCODING_CASE_MEMORY_H_

#include <cstdint>

#include "oracle/case.h"

namespace eptdiff {

// The word that holds `address`: the last one listed; null if there is none.
inline MemoryWord* FindWord(Case& c, Hpa address) {
  const std::uint64_t word = address.value & ~7ull;
  MemoryWord* const first = c.memory.data();
  for (MemoryWord* at = first + c.memory.size(); at != first;) {
    if ((--at)->address.value == word) return at;
  }
  return nullptr;
}
inline const MemoryWord* FindWord(const Case& c, Hpa address) {
  return FindWord(const_cast<Case&>(c), address);
}

inline std::uint64_t LoadWord(const Case& c, Hpa address) {
  const MemoryWord* word = FindWord(c, address);
  return word == nullptr ? 0 : word->value;
}

// Appends or overwrites. Nothing happens if the case is full.
inline void StoreWord(Case& c, Hpa address, std::uint64_t value) {
  if (MemoryWord* word = FindWord(c, address)) {
    word->value = value;
  } else if (c.memory.size() + c.steps.size() < kMaxRecords) {
    c.memory.push_back({Hpa{address.value & ~7ull}, value});
  }
}

// An entry of 4 or 8 bytes, aligned.
inline std::uint64_t LoadEntry(const Case& c, Hpa address, unsigned bytes) {
  const std::uint64_t word = LoadWord(c, address);
  return bytes == 8 ? word : word >> (8 * (address.value & 4)) & 0xffffffff;
}

// The word that holds it, with the entry in its place.
inline std::uint64_t WithEntry(std::uint64_t word, Hpa address, unsigned bytes,
                               std::uint64_t value) {
  if (bytes == 8) return value;
  const unsigned shift = 8 * (address.value & 4);
  return (word & ~(0xffffffffull << shift)) | (value & 0xffffffff) << shift;
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENCODING_CASE_MEMORY_H_
