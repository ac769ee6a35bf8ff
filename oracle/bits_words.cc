#include "oracle/bits_words.h"

#include <bit>
#include <cstddef>
#include <vector>

namespace eptdiff {

std::string BitsWords(std::uint64_t mask) {
  std::vector<std::string> runs;
  for (int high = 63; high >= 0; --high) {
    if ((mask >> high & 1) == 0) continue;
    int low = high;
    while (low > 0 && (mask >> (low - 1) & 1) != 0) --low;
    std::string run = std::to_string(high);
    if (high != low) run += ":" + std::to_string(low);
    runs.push_back(std::move(run));
    high = low;
  }
  std::string words = std::has_single_bit(mask) ? "bit " : "bits ";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i != 0) words += i + 1 == runs.size() ? " and " : ", ";
    words += runs[i];
  }
  return words;
}

}  // namespace eptdiff
