// A 4-level guest over 4-level EPT, all in 4-KByte pages, for benchmarks: 512
// pages, small enough for the L1 data cache, whose translations form one cycle.
//
// Each translation takes 24 loads: 4 guest entries with 4 EPT entries before
// each, and 4 more for the page. The host-physical address of a page is the
// linear address of the next. The words are plain, so that other walkers than
// the engine can be given them.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ENGINE_BENCHMARKS_LINEAR_BENCHMARK_TABLES_H_
#define EPTDIFF_ENGINE_BENCHMARKS_LINEAR_BENCHMARK_TABLES_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/types.h"

namespace eptdiff {

struct LinearBenchmarkTables {
  static constexpr int kPages = 512;
  static constexpr std::uint64_t kBytes = 10 * 4096;  // from address 0

  std::uint64_t ept_root = 0x1000;  // host-physical
  std::uint64_t cr3 = 0x1000;       // guest-physical
  std::vector<std::pair<Hpa, std::uint64_t>> words;
  std::vector<Gla> pages;  // in the order of the cycle
};

// `ept_flags`: EPT's accessed and dirty flags are set. The guest's always are.
LinearBenchmarkTables MakeLinearBenchmarkTables(bool ept_flags);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_BENCHMARKS_LINEAR_BENCHMARK_TABLES_H_
