#include "engine/benchmarks/benchmark_tables.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "engine/bits.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kRights = bits::kRead | bits::kWrite | bits::kExecute;
constexpr std::uint64_t kWriteBack = 6 << bits::kMemoryTypeShift;

// The order in which the cycle visits pages 0 to kPages - 1.
std::vector<int> ShuffledPages() {
  std::vector<int> order(BenchmarkTables::kPages);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937 random(1);
  for (std::size_t i = order.size() - 1; i > 0; --i) {
    std::swap(order[i], order[random() % (i + 1)]);
  }
  return order;
}

}  // namespace

std::vector<Hpa> BenchmarkTables::EntriesOf(Gpa gpa) const {
  std::vector<Hpa> entries;
  std::uint64_t table = root;
  for (int level = 4; level >= leaf_level; --level, table += 0x1000) {
    const std::uint64_t index = gpa.value >> (3 + 9 * level) & 511;
    entries.push_back(Hpa{table + 8 * index});
  }
  return entries;
}

BenchmarkTables MakeBenchmarkTables(int leaf_level, bool flags) {
  BenchmarkTables tables{.leaf_level = leaf_level, .words = {}, .pages = {}};
  const int shift = 3 + 9 * leaf_level;
  const std::uint64_t accessed = flags ? bits::kAccessed : 0;
  const std::uint64_t dirty = flags ? bits::kDirty : 0;

  // The tables lie behind each other; only the last one has more than an entry.
  std::uint64_t table = tables.root;
  for (int level = 4; level > leaf_level; --level, table += 0x1000) {
    tables.words.emplace_back(Hpa{table},
                              (table + 0x1000) | kRights | accessed);
  }
  const std::vector<int> order = ShuffledPages();
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::uint64_t page = order[i];
    const std::uint64_t next = order[(i + 1) % order.size()];
    const std::uint64_t large = leaf_level > 1 ? bits::kPage : 0;
    tables.pages.push_back(Gpa{page << shift});
    tables.words.emplace_back(Hpa{table + 8 * page}, next << shift | kRights |
                                                         kWriteBack | large |
                                                         accessed | dirty);
  }
  return tables;
}

}  // namespace eptdiff
