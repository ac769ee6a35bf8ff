// The EPT that benchmarks walk: 512 pages of one size, small enough for the L1
// data cache, whose translations form one cycle.
//
// Page i maps to the address of another page of the same range, so that each
// walk's result is the next walk's address, and 512 walks visit every page. The
// words are plain, so that other walkers than the engine can be given them.
//
// This folder measures engine and builder, each figure beside the loads or
// stores that it cannot do without; it may use all of the engine. Begin with
// walk_benchmark.cc and table_benchmark.cc; the figures are in
// engine/README.md.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_ENGINE_BENCHMARKS_BENCHMARK_TABLES_H_
#define EPTDIFF_ENGINE_BENCHMARKS_BENCHMARK_TABLES_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/types.h"

namespace eptdiff {

struct BenchmarkTables {
  static constexpr int kPages = 512;
  static constexpr std::uint64_t kBytes = 5 * 4096;  // from address 0

  int leaf_level;  // 1: 4-KByte pages, 2: 2-MByte, 3: 1-GByte
  std::uint64_t root = 0x1000;
  std::vector<std::pair<Hpa, std::uint64_t>> words;
  std::vector<Gpa> pages;  // in the order of the cycle

  // The addresses of the entries that a walk for `gpa` uses, root first.
  std::vector<Hpa> EntriesOf(Gpa gpa) const;
};

// `flags` are the accessed flag of every entry, and the dirty flag of leaves.
BenchmarkTables MakeBenchmarkTables(int leaf_level, bool flags);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_BENCHMARKS_BENCHMARK_TABLES_H_
