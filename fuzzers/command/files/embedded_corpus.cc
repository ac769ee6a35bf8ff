#include "fuzzers/command/files/embedded_corpus.h"

#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzzers/encoding/encoding.h"

namespace eptdiff {
namespace {

constexpr std::uint8_t kBytes[] = {
#include "fuzzers/command/files/embedded_corpus.inc"
};

}  // namespace

std::vector<Case> EmbeddedCorpus() {
  std::vector<Case> cases;
  std::span<const std::uint8_t> left = kBytes;
  while (!left.empty()) {
    const std::size_t size = left[0] + 256u * left[1];
    cases.push_back(DecodeCase(left.subspan(2, size)));
    left = left.subspan(2 + size);
  }
  return cases;
}

}  // namespace eptdiff
