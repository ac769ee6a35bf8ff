// How fast the walk is: beside the fewest loads that could answer the question.
//
// latency/   each walk's address is the last one's result, as when a processor
//            waits for it; bare/ is the chain of load, mask, index, load that
//            nobody can undercut, walk/ the engine with all checks.
// through/   independent walks, as when many are in flight.
// A/D: "off"; "set", flags in use and set already; "clear", flags in use that
// each walk has to set (they are cleared after each; the bare chain sets them
// with as many atomic operations and nothing checked).
//
// linear_walk_benchmark.cc has the same for linear addresses.
//
// A summary of medians and ratios follows the run. On a noisy machine:
//   --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/benchmarks/benchmark_tables.h"
#include "engine/benchmarks/linear_walk_benchmark.h"
#include "engine/benchmarks/opaque.h"
#include "engine/benchmarks/run_benchmarks.h"
#include "engine/bits.h"
#include "engine/engine.h"
#include "engine/memory.h"

namespace eptdiff {
namespace {

enum class Flags { kOff, kSet, kClear };

class Bench {
 public:
  Bench(int leaf_level, Flags flags)
      : tables_(MakeBenchmarkTables(leaf_level, flags == Flags::kSet)),
        image_(BenchmarkTables::kBytes / 8),
        memory_(image_.data(), BenchmarkTables::kBytes),
        engine_(MakeProcessor(), MakeControls(tables_, flags)) {
    for (const auto& [address, value] : tables_.words) {
      memory_.Store(address, value);
    }
  }

  const BenchmarkTables& tables() const { return tables_; }
  const std::byte* image() const {
    return reinterpret_cast<const std::byte*>(image_.data());
  }
  FlatMemory& memory() { return memory_; }
  Engine& engine() { return engine_; }

  void ClearFlags(Gpa gpa) {
    std::uint64_t table = tables_.root / 8;
    for (int level = 4; level >= tables_.leaf_level; --level, table += 512) {
      std::uint64_t& entry =
          image_[table + (gpa.value >> (3 + 9 * level) & 511)];
      entry &= ~(bits::kAccessed | bits::kDirty);
    }
  }

 private:
  static Processor MakeProcessor() {
    return {.ept_vpid_cap = 0x0000000006334141};
  }
  static Controls MakeControls(const BenchmarkTables& tables, Flags flags) {
    Controls controls;
    controls.primary = bits::kPrimarySecondary;
    controls.secondary = bits::kSecondaryEpt;
    controls.eptp = tables.root | bits::kEptpFourLevel | 6 |
                    (flags == Flags::kOff ? 0 : bits::kEptpAccessDirty);
    return controls;
  }

  BenchmarkTables tables_;
  std::vector<std::uint64_t> image_;
  FlatMemory memory_;
  Engine engine_;
};

// The bare chain: nothing is checked, nothing looked at but addresses.
template <int kLeafLevel, bool kSetsFlags>
[[gnu::always_inline]] inline std::uint64_t BareWalk(const std::byte* image,
                                                     std::uint64_t root,
                                                     std::uint64_t gpa) {
  std::uint64_t entry = root;
  for (int level = 4; level >= kLeafLevel; --level) {
    const std::uint64_t address =
        (entry & bits::Bits(51, 12)) | (gpa >> (9 * level) & bits::Bits(11, 3));
    std::memcpy(&entry, image + address, sizeof(entry));
    if constexpr (kSetsFlags) {
      using Word [[gnu::may_alias]] = std::uint64_t;
      auto* word =
          const_cast<Word*>(reinterpret_cast<const Word*>(image + address));
      __atomic_fetch_or(word, level == kLeafLevel ? 0x300 : 0x100,
                        __ATOMIC_SEQ_CST);
    }
  }
  constexpr int kShift = 3 + 9 * kLeafLevel;
  return (entry & bits::Bits(51, kShift)) | (gpa & bits::Bits(kShift - 1, 0));
}

template <int kLeafLevel, Flags kFlags>
void BareLatency(benchmark::State& state) {
  Bench bench(kLeafLevel, kFlags);
  const std::byte* image = bench.image();
  const std::uint64_t root = bench.tables().root;
  std::uint64_t gpa = 0;
  for (auto _ : state) {
    const std::uint64_t next = BareWalk < kLeafLevel,
                        kFlags == Flags::kClear > (image, root, gpa);
    if constexpr (kFlags == Flags::kClear) bench.ClearFlags(Gpa{gpa});
    gpa = next;
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(gpa);
}

// ClobberMemory makes each walk read the precomputed values anew, as it would
// between other work.
template <int kLeafLevel, Flags kFlags>
void WalkLatency(benchmark::State& state) {
  Bench bench(kLeafLevel, kFlags);
  FlatMemory& memory = bench.memory();
  Engine& engine = bench.engine();
  Translation page;
  Gpa gpa{0};
  for (auto _ : state) {
    if (!engine.Translate(memory, gpa, Use::kWrite, page)) {
      state.SkipWithError("the walk fails");
      break;
    }
    gpa = Gpa{page.address.value};
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(gpa.value);
}

// A whole access, with its event; the only way to set flags.
template <int kLeafLevel, Flags kFlags>
void AccessLatency(benchmark::State& state) {
  Bench bench(kLeafLevel, kFlags);
  FlatMemory& memory = bench.memory();
  Engine& engine = bench.engine();
  Access access = {.kind = AccessKind::kWrite, .size = 8};
  GuestPage guest_page;
  Hide(access);  // not constants, as no caller's are
  Hide(guest_page);
  Event event;
  Gpa gpa{0};
  for (auto _ : state) {
    if (engine.PerformAccess(memory, access, gpa, guest_page, event) !=
            EngineStatus::kAnswered ||
        event.kind != EventKind::kCompleted) {
      state.SkipWithError("the access fails");
      break;
    }
    if constexpr (kFlags == Flags::kClear) bench.ClearFlags(gpa);
    gpa = Gpa{event.translations[0].address.value};
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(gpa.value);
}

template <int kLeafLevel, Flags kFlags>
void BareThroughput(benchmark::State& state) {
  Bench bench(kLeafLevel, kFlags);
  const std::byte* image = bench.image();
  const std::uint64_t root = bench.tables().root;
  const std::vector<Gpa>& pages = bench.tables().pages;
  std::size_t i = 0;
  for (auto _ : state) {
    const std::uint64_t gpa = pages[i++ % pages.size()].value;
    benchmark::DoNotOptimize(BareWalk<kLeafLevel, false>(image, root, gpa));
    benchmark::ClobberMemory();
  }
}

template <int kLeafLevel, Flags kFlags>
void WalkThroughput(benchmark::State& state) {
  Bench bench(kLeafLevel, kFlags);
  FlatMemory& memory = bench.memory();
  Engine& engine = bench.engine();
  const std::vector<Gpa>& pages = bench.tables().pages;
  Translation page;
  std::size_t i = 0;
  for (auto _ : state) {
    if (!engine.Translate(memory, pages[i++ % pages.size()], Use::kWrite,
                          page)) {
      state.SkipWithError("the walk fails");
      break;
    }
    Hide(page);
    benchmark::ClobberMemory();
  }
}

template <int kLeafLevel, Flags kFlags>
void AccessThroughput(benchmark::State& state) {
  Bench bench(kLeafLevel, kFlags);
  FlatMemory& memory = bench.memory();
  Engine& engine = bench.engine();
  const std::vector<Gpa>& pages = bench.tables().pages;
  Access access = {.kind = AccessKind::kWrite, .size = 8};
  GuestPage guest_page;
  Hide(access);  // not constants, as no caller's are
  Hide(guest_page);
  Event event;
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(engine.PerformAccess(
        memory, access, pages[i++ % pages.size()], guest_page, event));
    Hide(event);
    benchmark::ClobberMemory();
  }
}

template <int kLeafLevel, Flags kFlags>
void RegisterFor(const std::string& suffix) {
  const auto add = [&suffix](const char* name, void (*run)(benchmark::State&)) {
    benchmark::RegisterBenchmark((name + suffix).c_str(), run);
  };
  add("latency/bare/", BareLatency<kLeafLevel, kFlags>);
  add("latency/access/", AccessLatency<kLeafLevel, kFlags>);
  if constexpr (kFlags != Flags::kClear) {
    add("latency/walk/", WalkLatency<kLeafLevel, kFlags>);
    add("through/bare/", BareThroughput<kLeafLevel, kFlags>);
    add("through/walk/", WalkThroughput<kLeafLevel, kFlags>);
    add("through/access/", AccessThroughput<kLeafLevel, kFlags>);
  }
}

template <int kLeafLevel>
void RegisterLevel(const std::string& size) {
  RegisterFor<kLeafLevel, Flags::kOff>(size + "/ad-off");
  RegisterFor<kLeafLevel, Flags::kSet>(size + "/ad-set");
  RegisterFor<kLeafLevel, Flags::kClear>(size + "/ad-clear");
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) {
  eptdiff::RegisterLevel<1>("4K");
  eptdiff::RegisterLevel<2>("2M");
  eptdiff::RegisterLevel<3>("1G");
  eptdiff::RegisterLinearWalks();
  return eptdiff::RunBenchmarks(argc, argv);
}
