// How fast the walk of both dimensions is: a 4-level guest over 4-level EPT
// beside the 24 loads that nobody can undercut, in the way of
// walk_benchmark.cc. "walk" is Engine::TranslateLinear(), "access" the whole
// Engine::PerformLinearAccess() with its event; both for user-mode writes.
#include "engine/benchmarks/linear_walk_benchmark.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "engine/benchmarks/linear_benchmark_tables.h"
#include "engine/benchmarks/opaque.h"
#include "engine/bits.h"
#include "engine/engine.h"
#include "engine/memory.h"

namespace eptdiff {
namespace {

// Not a constant, as no caller's access is.
Access UserWrite() {
  Access access = {.kind = AccessKind::kWrite, .size = 8};
  Hide(access);
  return access;
}

class LinearBench {
 public:
  explicit LinearBench(bool ept_flags)
      : tables_(MakeLinearBenchmarkTables(ept_flags)),
        image_(LinearBenchmarkTables::kBytes / 8),
        memory_(image_.data(), LinearBenchmarkTables::kBytes),
        engine_(MakeProcessor(), MakeControls(tables_, ept_flags),
                MakeGuest(tables_)) {
    for (const auto& [address, value] : tables_.words) {
      memory_.Store(address, value);
    }
  }

  const LinearBenchmarkTables& tables() const { return tables_; }
  const std::byte* image() const {
    return reinterpret_cast<const std::byte*>(image_.data());
  }
  FlatMemory& memory() { return memory_; }
  Engine& engine() { return engine_; }

 private:
  static Processor MakeProcessor() {
    return {.ept_vpid_cap = 0x0000000006334141};
  }
  static Controls MakeControls(const LinearBenchmarkTables& tables,
                               bool ept_flags) {
    Controls controls;
    controls.primary = bits::kPrimarySecondary;
    controls.secondary = bits::kSecondaryEpt;
    controls.eptp = tables.ept_root | bits::kEptpFourLevel | 6 |
                    (ept_flags ? bits::kEptpAccessDirty : 0);
    return controls;
  }
  // As a modern kernel has them: WP, NXE, SMEP and SMAP on.
  static GuestState MakeGuest(const LinearBenchmarkTables& tables) {
    GuestState guest;
    guest.cr0 =
        bits::kCr0Protection | bits::kCr0WriteProtect | bits::kCr0Paging;
    guest.cr3 = tables.cr3;
    guest.cr4 = bits::kCr4Pae | bits::kCr4Smep | bits::kCr4Smap;
    guest.efer = bits::kEferLma | bits::kEferNxe;
    guest.cpl = 3;
    guest.cs_l = true;
    return guest;
  }

  LinearBenchmarkTables tables_;
  std::vector<std::uint64_t> image_;
  FlatMemory memory_;
  Engine engine_;
};

[[gnu::always_inline]] inline std::uint64_t BareLoad(const std::byte* image,
                                                     std::uint64_t address) {
  std::uint64_t word;
  std::memcpy(&word, image + address, sizeof(word));
  return word;
}

[[gnu::always_inline]] inline std::uint64_t BareEptWalk(const std::byte* image,
                                                        std::uint64_t root,
                                                        std::uint64_t gpa) {
  std::uint64_t entry = root;
  for (int level = 4; level > 0; --level) {
    entry = BareLoad(image, (entry & bits::kAddress) |
                                (gpa >> (9 * level) & bits::Bits(11, 3)));
  }
  return (entry & bits::kAddress) | (gpa & bits::Bits(11, 0));
}

[[gnu::always_inline]] inline std::uint64_t BareWalk(
    const std::byte* image, const LinearBenchmarkTables& tables,
    std::uint64_t gla) {
  std::uint64_t entry = tables.cr3;
  for (int level = 4; level > 0; --level) {
    const std::uint64_t gpa =
        (entry & bits::kAddress) | (gla >> (9 * level) & bits::Bits(11, 3));
    entry = BareLoad(image, BareEptWalk(image, tables.ept_root, gpa));
  }
  return BareEptWalk(image, tables.ept_root,
                     (entry & bits::kAddress) | (gla & bits::Bits(11, 0)));
}

template <bool kEptFlags>
void BareLatency(benchmark::State& state) {
  LinearBench bench(kEptFlags);
  std::uint64_t gla = 0;
  for (auto _ : state) {
    gla = BareWalk(bench.image(), bench.tables(), gla);
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(gla);
}

template <bool kEptFlags>
void WalkLatency(benchmark::State& state) {
  LinearBench bench(kEptFlags);
  FlatMemory& memory = bench.memory();
  Engine& engine = bench.engine();
  const Access access = UserWrite();
  Translation page;
  Gla gla{0};
  for (auto _ : state) {
    if (!engine.TranslateLinear(memory, access, gla, page)) {
      state.SkipWithError("the walk fails");
      break;
    }
    gla = Gla{page.address.value};
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(gla.value);
}

template <bool kEptFlags>
void AccessLatency(benchmark::State& state) {
  LinearBench bench(kEptFlags);
  FlatMemory& memory = bench.memory();
  Engine& engine = bench.engine();
  const Access access = UserWrite();
  Event event;
  Gla gla{0};
  for (auto _ : state) {
    if (engine.PerformLinearAccess(memory, access, gla, event) !=
            EngineStatus::kAnswered ||
        event.kind != EventKind::kCompleted) {
      state.SkipWithError("the access fails");
      break;
    }
    gla = Gla{event.translations[0].address.value};
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(gla.value);
}

template <bool kEptFlags>
void BareThroughput(benchmark::State& state) {
  LinearBench bench(kEptFlags);
  const std::vector<Gla>& pages = bench.tables().pages;
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(BareWalk(bench.image(), bench.tables(),
                                      pages[i++ % pages.size()].value));
    benchmark::ClobberMemory();
  }
}

template <bool kEptFlags>
void WalkThroughput(benchmark::State& state) {
  LinearBench bench(kEptFlags);
  FlatMemory& memory = bench.memory();
  Engine& engine = bench.engine();
  const Access access = UserWrite();
  const std::vector<Gla>& pages = bench.tables().pages;
  Translation page;
  std::size_t i = 0;
  for (auto _ : state) {
    if (!engine.TranslateLinear(memory, access, pages[i++ % pages.size()],
                                page)) {
      state.SkipWithError("the walk fails");
      break;
    }
    Hide(page);
    benchmark::ClobberMemory();
  }
}

template <bool kEptFlags>
void AccessThroughput(benchmark::State& state) {
  LinearBench bench(kEptFlags);
  FlatMemory& memory = bench.memory();
  Engine& engine = bench.engine();
  const Access access = UserWrite();
  const std::vector<Gla>& pages = bench.tables().pages;
  Event event;
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(engine.PerformLinearAccess(
        memory, access, pages[i++ % pages.size()], event));
    Hide(event);
    benchmark::ClobberMemory();
  }
}

template <bool kEptFlags>
void RegisterFor(const std::string& suffix) {
  const auto add = [&suffix](const char* name, void (*run)(benchmark::State&)) {
    benchmark::RegisterBenchmark((name + suffix).c_str(), run);
  };
  add("latency/bare/", BareLatency<kEptFlags>);
  add("latency/walk/", WalkLatency<kEptFlags>);
  add("latency/access/", AccessLatency<kEptFlags>);
  add("through/bare/", BareThroughput<kEptFlags>);
  add("through/walk/", WalkThroughput<kEptFlags>);
  add("through/access/", AccessThroughput<kEptFlags>);
}

}  // namespace

void RegisterLinearWalks() {
  RegisterFor<false>("linear/ad-off");
  RegisterFor<true>("linear/ad-set");
}

}  // namespace eptdiff
