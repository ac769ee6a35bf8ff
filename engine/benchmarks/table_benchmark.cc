// How long it takes to map guest memory with 4-KByte pages, to look at every
// page, and to unmap it; for each page, against writing or reading as many
// 8-byte words one after the other in memory that is already there.
//
// The argument is GBytes of guest memory. 64 take 128 MBytes of tables, far
// more than any cache, so that the limit is the memory's: a page is one word.
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "engine/benchmarks/run_benchmarks.h"
#include "engine/engine.h"
#include "engine/memory.h"
#include "engine/table/table_builder.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k1G = 0x40000000;
constexpr EptFlags kRam = EptFlags::kRead | EptFlags::kWrite |
                          EptFlags::kExecute | EptFlags::kWriteBack;

// Words of memory, all touched.
class Memory {
 public:
  explicit Memory(std::uint64_t words) : bytes_(8 * words) {
    void* base = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) std::abort();
    words_ = static_cast<std::uint64_t*>(base);
    for (std::uint64_t i = 0; i < words; i += 512) words_[i] = 1;
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { munmap(words_, bytes_); }
  std::uint64_t* words() { return words_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::uint64_t bytes_;
  std::uint64_t* words_;
};

// A VMM that has set memory aside for tables.
class Frames {
 public:
  explicit Frames(std::uint64_t frames) : memory_(512 * frames) {
    for (std::uint64_t i = frames; i-- > 0;) free_.push_back(Hpa{i << 12});
  }
  std::optional<Hpa> AllocateFrame() {
    if (free_.empty()) return std::nullopt;
    const Hpa frame = free_.back();
    free_.pop_back();
    return frame;
  }
  void FreeFrame(Hpa frame) { free_.push_back(frame); }
  std::uint64_t* Pointer(Hpa frame) {
    return memory_.words() + frame.value / 8;
  }
  void Invept(std::uint64_t) {}
  FlatMemory memory() { return FlatMemory(memory_.words(), memory_.bytes()); }

 private:
  Memory memory_;
  std::vector<Hpa> free_;
};

class Bench {
 public:
  explicit Bench(benchmark::State& state)
      : bytes(state.range(0) * k1G),
        pages(bytes / 4096),
        frames(pages / 512 + state.range(0) + 8) {
    processor.maxphyaddr = 46;
    processor.ept_vpid_cap = 0x003f0f0106f341c1;
    Controls controls;
    controls.primary = 0x80000000;
    controls.secondary = 0x2;
    controls.eptp = 0x1e;
    TableError error;
    table.emplace(std::move(
        *TableBuilder<Frames>::Create(frames, processor, controls, error)));
  }
  void Map() {
    const TableResult result =
        table->MapRegion(Gpa{k1G}, Hpa{4096}, bytes, kRam, PageSize::k4KByte);
    if (!result.ok()) std::abort();
  }
  void Unmap() {
    if (!table->UnmapRegion(Gpa{k1G}, bytes).ok()) std::abort();
  }

  std::uint64_t bytes, pages;
  Processor processor;
  Frames frames;
  std::optional<TableBuilder<Frames>> table;
};

// Time for each page, or word.
void PerPage(benchmark::State& state, std::uint64_t pages) {
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(pages),
                         benchmark::Counter::kIsIterationInvariantRate |
                             benchmark::Counter::kInvert);
}

void WriteWords(benchmark::State& state) {
  const std::uint64_t words = state.range(0) * k1G / 4096;
  Memory memory(words);
  for (auto _ : state) {
    std::uint64_t* word = memory.words();
    std::iota(word, word + words, state.iterations());
    benchmark::ClobberMemory();
  }
  PerPage(state, words);
}

void ReadWords(benchmark::State& state) {
  const std::uint64_t words = state.range(0) * k1G / 4096;
  Memory memory(words);
  for (auto _ : state) {
    const std::uint64_t* word = memory.words();
    benchmark::DoNotOptimize(
        std::accumulate(word, word + words, std::uint64_t{0}));
    benchmark::ClobberMemory();
  }
  PerPage(state, words);
}

void MapRegion(benchmark::State& state) {
  Bench bench(state);
  for (auto _ : state) {
    bench.Map();
    state.PauseTiming();
    bench.Unmap();
    state.ResumeTiming();
  }
  PerPage(state, bench.pages);
}

void UnmapRegion(benchmark::State& state) {
  Bench bench(state);
  for (auto _ : state) {
    state.PauseTiming();
    bench.Map();
    state.ResumeTiming();
    bench.Unmap();
  }
  PerPage(state, bench.pages);
}

// Unmaps and says what was there.
void UnmapRegionAndShow(benchmark::State& state) {
  Bench bench(state);
  for (auto _ : state) {
    state.PauseTiming();
    bench.Map();
    state.ResumeTiming();
    std::uint64_t sum = 0;
    (void)bench.table->UnmapRegion(
        Gpa{k1G}, bench.bytes,
        [&](const Mapping& page) { sum += page.hpa.value; });
    benchmark::DoNotOptimize(sum);
  }
  PerPage(state, bench.pages);
}

void ProtectRegion(benchmark::State& state) {
  Bench bench(state);
  bench.Map();
  EptFlags flags = kRam;
  for (auto _ : state) {
    flags.bits ^= EptFlags::kWrite.bits;
    (void)bench.table->ProtectRegion(Gpa{k1G}, bench.bytes, flags);
  }
  PerPage(state, bench.pages);
}

// Every page's translation, in one sweep.
void Sweep(benchmark::State& state) {
  Bench bench(state);
  bench.Map();
  for (auto _ : state) {
    std::uint64_t sum = 0;
    (void)bench.table->ForEach(Gpa{k1G}, bench.bytes, [&](const Mapping& page) {
      sum += page.gpa.value ^ page.hpa.value;
    });
    benchmark::DoNotOptimize(sum);
  }
  PerPage(state, bench.pages);
}

// The same, as ranges: here there is one.
void SweepRanges(benchmark::State& state) {
  Bench bench(state);
  bench.Map();
  for (auto _ : state) {
    std::uint64_t ranges = 0;
    (void)bench.table->ForEachRange(Gpa{k1G}, bench.bytes,
                                    [&](const Mapping&) { ++ranges; });
    if (ranges != 1) state.SkipWithError("not one range");
  }
  PerPage(state, bench.pages);
}

// By the engine, which knows nothing of the builder: the ranges that may be
// read, by as many threads, each of which has a part. In real time.
void SweepByEngine(benchmark::State& state) {
  Bench bench(state);
  bench.Map();
  const FlatMemory memory = bench.frames.memory();
  const Engine engine(bench.processor, bench.table->controls());
  const std::uint64_t part = bench.bytes / state.range(1);
  const auto sweep = [&](std::uint64_t gpa, std::uint64_t& swept) {
    engine.SweepRanges(memory, Gpa{gpa}, part, Use::kRead,
                       [&](const SweptRange& range) { swept += range.bytes; });
  };
  for (auto _ : state) {
    std::vector<std::uint64_t> swept(state.range(1));
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < swept.size(); ++i) {
      threads.emplace_back(sweep, k1G + i * part, std::ref(swept[i]));
    }
    sweep(k1G, swept[0]);
    for (std::thread& thread : threads) thread.join();
    if (std::accumulate(swept.begin(), swept.end(), std::uint64_t{0}) !=
        bench.bytes) {
      state.SkipWithError("a page is not reached");
    }
  }
  PerPage(state, bench.pages);
}

// Every page's translation, each from the root.
void TranslateEach(benchmark::State& state) {
  Bench bench(state);
  bench.Map();
  for (auto _ : state) {
    std::uint64_t sum = 0;
    Translation translation;
    for (std::uint64_t gpa = k1G; gpa < k1G + bench.bytes; gpa += 4096) {
      (void)bench.table->Translate(Gpa{gpa}, Use::kRead, translation);
      sum += translation.address.value;
    }
    benchmark::DoNotOptimize(sum);
  }
  PerPage(state, bench.pages);
}

// Single pages, each mapped and unmapped from the root.
void MapAndUnmapEach(benchmark::State& state) {
  Bench bench(state);
  const std::uint64_t bytes = bench.bytes;
  for (auto _ : state) {
    for (std::uint64_t gpa = k1G; gpa < k1G + bytes; gpa += 4096) {
      (void)bench.table->Map(Gpa{gpa}, Hpa{gpa}, PageSize::k4KByte, kRam);
    }
    for (std::uint64_t gpa = k1G; gpa < k1G + bytes; gpa += 4096) {
      (void)bench.table->Unmap(Gpa{gpa});
    }
  }
  PerPage(state, bench.pages);
}

BENCHMARK(WriteWords)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(MapRegion)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(UnmapRegion)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(ReadWords)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(Sweep)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(SweepRanges)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(SweepByEngine)
    ->Args({64, 1})
    ->Args({64, 2})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(UnmapRegionAndShow)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(ProtectRegion)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(TranslateEach)->Arg(64)->Unit(benchmark::kMillisecond);
BENCHMARK(MapAndUnmapEach)->Arg(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) { return eptdiff::RunBenchmarks(argc, argv); }
