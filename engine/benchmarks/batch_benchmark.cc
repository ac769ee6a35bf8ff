// How fast many translations are whose tables lie in no cache: 64 GBytes of
// 4-KByte pages take 128 MBytes of entries, and each batch is 1,000 addresses
// anywhere in them.
//
// bare/  the walks interleaved, with prefetch, and nothing checked: what nobody
//        can undercut; one/ a loop of Engine::Translate(); many/ one
//        Engine::TranslateMany().
//
// "each" is the time of one. On a noisy machine:
//   --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
#include <benchmark/benchmark.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "engine/benchmarks/run_benchmarks.h"
#include "engine/bits.h"
#include "engine/engine.h"
#include "engine/memory.h"

namespace eptdiff {
namespace {

constexpr std::size_t kBatch = 1000;
constexpr std::uint64_t kGuestBytes = std::uint64_t{64} << 30;
constexpr std::uint64_t kPages = kGuestBytes / 4096;
constexpr std::uint64_t kRights = bits::kRead | bits::kWrite | bits::kExecute;
constexpr std::uint64_t kLeaf = kRights | 6 << bits::kMemoryTypeShift;

// The tables of each level lie behind each other, the leaves first.
constexpr std::uint64_t kPts = 0;
constexpr std::uint64_t kPds = kPts + 8 * kPages;
constexpr std::uint64_t kPdpt = kPds + 8 * kPages / 512;
constexpr std::uint64_t kPml4 = kPdpt + 4096;
constexpr std::uint64_t kBytes = kPml4 + 4096;

class Bench {
 public:
  Bench()
      : image_(kBytes / 8),
        memory_(image_.data(), kBytes),
        engine_({.ept_vpid_cap = 0x06334141}, MakeControls()) {
    for (std::uint64_t i = 0; i < kPages; ++i) {
      image_[kPts / 8 + i] = (i * 4096 ^ 0x5a000) | kLeaf;
    }
    for (std::uint64_t i = 0; i < kPages / 512; ++i) {
      image_[kPds / 8 + i] = (kPts + i * 4096) | kRights;
    }
    for (std::uint64_t i = 0; i < kPages >> 18; ++i) {
      image_[kPdpt / 8 + i] = (kPds + i * 4096) | kRights;
    }
    image_[kPml4 / 8] = kPdpt | kRights;
    std::mt19937_64 random(1);
    for (int i = 0; i < 1000 * static_cast<int>(kBatch); ++i) {
      gpas_.push_back(Gpa{random() % kGuestBytes});
    }
  }

  const std::byte* image() const {
    return reinterpret_cast<const std::byte*>(image_.data());
  }
  const FlatMemory& memory() const { return memory_; }
  const Engine& engine() const { return engine_; }
  // A batch that was not asked for long.
  std::span<const Gpa> Next() {
    next_ = (next_ + kBatch) % gpas_.size();
    return std::span(gpas_).subspan(next_, kBatch);
  }

 private:
  static Controls MakeControls() {
    Controls controls;
    controls.primary = bits::kPrimarySecondary;
    controls.secondary = bits::kSecondaryEpt;
    controls.eptp = kPml4 | bits::kEptpFourLevel | 6;
    return controls;
  }

  std::vector<std::uint64_t> image_;
  FlatMemory memory_;
  Engine engine_;
  std::vector<Gpa> gpas_;
  std::size_t next_ = 0;
};

Bench& TheBench() {
  static Bench bench;
  return bench;
}

void CountPages(benchmark::State& state) {
  state.counters["each"] =
      benchmark::Counter(static_cast<double>(kBatch),
                         benchmark::Counter::kIsIterationInvariantRate |
                             benchmark::Counter::kInvert);
}

// As the engine does it, without a check.
void BareInterleaved(benchmark::State& state) {
  Bench& bench = TheBench();
  const std::byte* image = bench.image();
  std::array<std::uint64_t, kBatch> pages;
  for (auto _ : state) {
    const std::span<const Gpa> gpas = bench.Next();
    constexpr std::size_t kLanes = 64;
    for (std::size_t first = 0; first < kBatch; first += kLanes) {
      const std::size_t lanes = std::min(kBatch - first, kLanes);
      std::array<std::uint64_t, kLanes> at;
      at.fill(kPml4);
      for (std::size_t i = 0; i < lanes; ++i) {
        at[i] += gpas[first + i].value >> 36 & bits::Bits(11, 3);
      }
      for (int level = 3; level > 0; --level) {
        for (std::size_t i = 0; i < lanes; ++i) {
          std::uint64_t entry;
          std::memcpy(&entry, image + at[i], sizeof(entry));
          at[i] = (entry & bits::kAddress) |
                  (gpas[first + i].value >> (9 * level) & bits::Bits(11, 3));
          __builtin_prefetch(image + at[i]);
        }
      }
      for (std::size_t i = 0; i < lanes; ++i) {
        std::uint64_t entry;
        std::memcpy(&entry, image + at[i], sizeof(entry));
        pages[first + i] = (entry & bits::kAddress) |
                           (gpas[first + i].value & bits::Bits(11, 0));
      }
    }
    benchmark::DoNotOptimize(pages.data());
    benchmark::ClobberMemory();
  }
  CountPages(state);
}

void One(benchmark::State& state) {
  Bench& bench = TheBench();
  std::array<Translation, kBatch> pages;
  for (auto _ : state) {
    const std::span<const Gpa> gpas = bench.Next();
    for (std::size_t i = 0; i < kBatch; ++i) {
      if (!bench.engine().Translate(bench.memory(), gpas[i], Use::kWrite,
                                    pages[i])) {
        std::abort();
      }
    }
    benchmark::DoNotOptimize(pages.data());
    benchmark::ClobberMemory();
  }
  CountPages(state);
}

void Many(benchmark::State& state) {
  Bench& bench = TheBench();
  std::array<Translation, kBatch> pages;
  for (auto _ : state) {
    if (bench.engine().TranslateMany(bench.memory(), bench.Next(), Use::kWrite,
                                     pages.data()) != kBatch) {
      state.SkipWithError("a walk fails");
      break;
    }
    benchmark::DoNotOptimize(pages.data());
    benchmark::ClobberMemory();
  }
  CountPages(state);
}

BENCHMARK(BareInterleaved)->Name("batch/bare/64G");
BENCHMARK(One)->Name("batch/one/64G");
BENCHMARK(Many)->Name("batch/many/64G");

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) { return eptdiff::RunBenchmarks(argc, argv); }
