#include "fuzzers/mutation/custom_mutator.h"

#include "fuzzers/encoding/encoding.h"
#include "fuzzers/generation/generator.h"
#include "fuzzers/mutation/mutator.h"

namespace eptdiff {

std::size_t MutateBytes(std::uint8_t* data, std::size_t size,
                        std::size_t max_size, unsigned seed, Focus focus,
                        CurrentCase& current) {
  current.Read({data, size});
  Case& c = current.Change();
  // One in three is new: a corpus is a few thousand cases, and mutation stays
  // near them. One that is hardly a question (the empty input) is no start.
  if (seed % 3 == 0 || c.steps.empty() || c.memory.empty()) {
    GenerateCase(seed, c, focus);
  } else {
    Mutate(seed, c, focus);
  }
  const std::size_t written = current.Write({data, max_size});
  return written != 0 ? written : size;
}

std::size_t CrossOverBytes(std::span<const std::uint8_t> a,
                           std::span<const std::uint8_t> b,
                           std::span<std::uint8_t> out, unsigned seed,
                           Focus focus, CurrentCase& current) {
  static Case& other = *new Case;
  static Case& child = *new Case;
  DecodeInto(b, other);
  CrossOver(current.Read(a), other, seed, child, focus);
  current.Replace(child);
  return current.Write(out);
}

}  // namespace eptdiff
