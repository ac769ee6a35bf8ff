// How much it costs to ask the engine through C: each figure beside the same
// call in C++ (as "bare"), on the tables of walk_benchmark.cc.
//
// latency/   each walk's address is the last one's result; through/ independent
// walks; many/ 512 of them with one call. "cached": translations are kept, and
// hit.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/benchmarks/benchmark_tables.h"
#include "engine/benchmarks/opaque.h"
#include "engine/benchmarks/run_benchmarks.h"
#include "engine/bits.h"
#include "engine/c/eptdiff_engine.h"
#include "engine/cache/caching_engine.h"
#include "engine/engine.h"
#include "engine/memory.h"

namespace eptdiff {
namespace {

// Of 4-KByte pages, with room beside the 512 that are asked for.
constexpr std::size_t kKept = 4096;

class Bench {
 public:
  Bench(int leaf_level, bool cached)
      : tables_(MakeBenchmarkTables(leaf_level, /*flags=*/false)),
        image_(BenchmarkTables::kBytes / 8),
        memory_(image_.data(), BenchmarkTables::kBytes),
        engine_({.ept_vpid_cap = kCapabilities}, MakeControls()),
        cache_(kKept),
        caching_(cache_, {.ept_vpid_cap = kCapabilities}, MakeControls()) {
    for (const auto& [address, value] : tables_.words) {
      memory_.Store(address, value);
    }
    eptdiff_engine_machine machine;
    eptdiff_engine_machine_init(&machine, sizeof(machine));
    const Controls controls = MakeControls();
    machine.ept_vpid_cap = kCapabilities;
    machine.primary = controls.primary;
    machine.secondary = controls.secondary;
    machine.eptp = controls.eptp;
    eptdiff_engine_memory memory = {};
    memory.size = sizeof(memory);
    memory.image = image_.data();
    memory.image_bytes = BenchmarkTables::kBytes;
    eptdiff_engine_create(&machine, &memory, cached ? kKept : 0, &c_);
    for (const Gpa gpa : tables_.pages) gpas_.push_back(gpa.value);
  }
  ~Bench() { eptdiff_engine_destroy(c_); }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  FlatMemory& memory() { return memory_; }
  Engine& engine() { return engine_; }
  CachingEngine& caching() { return caching_; }
  eptdiff_engine* c() { return c_; }
  const std::vector<std::uint64_t>& gpas() const { return gpas_; }

 private:
  static constexpr std::uint64_t kCapabilities = 0x06334141;
  Controls MakeControls() const {
    Controls controls;
    controls.primary = bits::kPrimarySecondary;
    controls.secondary = bits::kSecondaryEpt;
    controls.eptp = tables_.root | bits::kEptpFourLevel | 6;
    return controls;
  }

  BenchmarkTables tables_;
  std::vector<std::uint64_t> image_;
  FlatMemory memory_;
  Engine engine_;
  TranslationCache cache_;
  CachingEngine caching_;
  eptdiff_engine* c_ = nullptr;
  std::vector<std::uint64_t> gpas_;
};

// One walk for a write: the host-physical address.
template <bool kCached>
std::uint64_t InCxx(Bench& bench, std::uint64_t gpa) {
  Translation page;
  const bool found = kCached ? bench.caching().Translate(
                                   bench.memory(), Gpa{gpa}, Use::kWrite, page)
                             : bench.engine().Translate(
                                   bench.memory(), Gpa{gpa}, Use::kWrite, page);
  Hide(page);
  return found ? page.address.value : ~std::uint64_t{0};
}
std::uint64_t InC(Bench& bench, std::uint64_t gpa) {
  eptdiff_engine_translation page;
  const int found = eptdiff_engine_translate(
      bench.c(), gpa, EPTDIFF_ENGINE_USE_WRITE, 0, &page);
  Hide(page);
  return found != 0 ? page.address : ~std::uint64_t{0};
}

template <std::uint64_t (*kWalk)(Bench&, std::uint64_t)>
void Latency(benchmark::State& state, int level, bool cached) {
  Bench bench(level, cached);
  std::uint64_t gpa = 0;
  for (auto _ : state) {
    gpa = kWalk(bench, gpa);
    if (gpa == ~std::uint64_t{0}) {
      state.SkipWithError("the walk fails");
      break;
    }
    benchmark::ClobberMemory();
  }
}

template <std::uint64_t (*kWalk)(Bench&, std::uint64_t)>
void Throughput(benchmark::State& state, int level, bool cached) {
  Bench bench(level, cached);
  std::size_t i = 0;
  for (auto _ : state) {
    const std::uint64_t gpa = bench.gpas()[i++ % bench.gpas().size()];
    benchmark::DoNotOptimize(kWalk(bench, gpa));
    benchmark::ClobberMemory();
  }
}

void Many(benchmark::State& state, int level, bool cached) {
  Bench bench(level, cached);
  const std::vector<std::uint64_t>& gpas = bench.gpas();
  std::vector<eptdiff_engine_translation> pages(gpas.size());
  while (state.KeepRunningBatch(static_cast<std::int64_t>(gpas.size()))) {
    benchmark::DoNotOptimize(eptdiff_engine_translate_many(
        bench.c(), gpas.data(), gpas.size(), EPTDIFF_ENGINE_USE_WRITE, 0,
        pages.data()));
    benchmark::ClobberMemory();
  }
}

void Register(int level, const std::string& size) {
  for (const bool cached : {false, true}) {
    const std::string suffix = size + (cached ? "/cached" : "/walked");
    const auto add = [&](const std::string& name, auto run) {
      benchmark::RegisterBenchmark(
          (name + suffix).c_str(),
          [=](benchmark::State& state) { run(state, level, cached); });
    };
    add("latency/bare/", cached ? Latency<InCxx<true>> : Latency<InCxx<false>>);
    add("latency/c/", Latency<InC>);
    add("through/bare/",
        cached ? Throughput<InCxx<true>> : Throughput<InCxx<false>>);
    add("through/c/", Throughput<InC>);
    add("through/many/", Many);
  }
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) {
  eptdiff::Register(1, "4K");
  eptdiff::Register(2, "2M");
  eptdiff::Register(3, "1G");
  return eptdiff::RunBenchmarks(argc, argv);
}
