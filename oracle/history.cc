#include "oracle/history.h"

#include <algorithm>

namespace eptdiff {

void History::Begin(const ProcessorContext& context) {
  past_.clear();
  words_.clear();
  for (std::vector<Change>& changes : contexts_) {
    changes.assign(1, {0, context});
  }
}

void History::Add(const PastStep& past, const ProcessorContext& after,
                  const Outcome& outcome, std::span<const std::uint64_t> old) {
  past_.push_back(past);
  std::vector<Change>& changes = contexts_[past.processor];
  if (changes.back().context != after) changes.push_back({now(), after});
  for (std::size_t i = 0; i < outcome.writes.size(); ++i) {
    const MemoryWord& write = outcome.writes[i];
    auto word = std::find_if(
        words_.begin(), words_.end(),
        [&](const Word& known) { return known.address == write.address; });
    if (word == words_.end()) {
      words_.push_back({write.address, {{0, old[i]}}});
      word = words_.end() - 1;
    }
    word->versions.push_back({now(), write.value});
  }
}

const ProcessorContext& History::ContextAt(std::uint8_t processor,
                                           std::size_t moment) const {
  // Few, and each is large: from the last one on.
  auto change = contexts_[processor].end() - 1;
  while (change->from > moment) --change;
  return change->context;
}

std::span<const History::Version> History::VersionsOf(Hpa word) const {
  for (const Word& known : words_) {
    if (known.address == word) return known.versions;
  }
  return {};
}

}  // namespace eptdiff
