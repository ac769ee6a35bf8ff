// How fast the translation cache is: a hit beside one load from the L1 data
// cache, a miss beside the walk of the engine without a cache ("bare" is that
// one then).
//
// hit-latency/   each address is the last one's result; hit-through/ has
//                independent ones. "page" is Translate() or TranslateLinear(),
//                "access" the whole access with its event.
// miss-latency/  the cache has room for fewer pages than come in turn: "upper"
//                finds the entries of paging-structure caches that help,
//                "cold" does not.
//
// A summary of medians and ratios follows the run, as in walk_benchmark.cc.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/benchmarks/benchmark_tables.h"
#include "engine/benchmarks/linear_benchmark_tables.h"
#include "engine/benchmarks/opaque.h"
#include "engine/benchmarks/run_benchmarks.h"
#include "engine/bits.h"
#include "engine/cache/caching_engine.h"
#include "engine/memory.h"

namespace eptdiff {
namespace {

constexpr std::size_t kRoomForAll = 512;
constexpr std::size_t kRoomForFew = 64;

Controls ControlsFor(std::uint64_t root) {
  Controls controls;
  controls.primary = bits::kPrimarySecondary;
  controls.secondary = bits::kSecondaryEpt | bits::kSecondaryVpid;
  controls.vpid = 1;
  controls.eptp = root | bits::kEptpFourLevel | 6 | bits::kEptpAccessDirty;
  return controls;
}

// Not a constant, as no caller's access is.
Access Write() {
  Access access = {.kind = AccessKind::kWrite, .size = 8};
  Hide(access);
  return access;
}

// Tables in memory, an engine with a cache, and one without.
class Bench {
 public:
  // By guest-physical address, or by linear address of a user.
  Bench(std::size_t room, int leaf_level)
      : Bench(room, leaf_level, MakeBenchmarkTables(leaf_level, true)) {}
  explicit Bench(std::size_t room)
      : Bench(room, MakeLinearBenchmarkTables(true)) {}

  FlatMemory& memory() { return memory_; }
  Engine& plain() { return plain_; }
  CachingEngine& caching() { return caching_; }
  const std::vector<std::uint64_t>& addresses() const { return addresses_; }

 private:
  Bench(std::size_t room, int, const BenchmarkTables& tables)
      : image_(BenchmarkTables::kBytes / 8),
        memory_(image_.data(), BenchmarkTables::kBytes),
        cache_(room),
        plain_({.ept_vpid_cap = 0x06334141}, ControlsFor(tables.root)),
        caching_(cache_, plain_.processor(), plain_.controls()) {
    for (const auto& [address, value] : tables.words) {
      memory_.Store(address, value);
    }
    for (const Gpa page : tables.pages) addresses_.push_back(page.value);
  }
  Bench(std::size_t room, const LinearBenchmarkTables& tables)
      : image_(LinearBenchmarkTables::kBytes / 8),
        memory_(image_.data(), LinearBenchmarkTables::kBytes),
        cache_(room),
        plain_({.ept_vpid_cap = 0x06334141}, ControlsFor(tables.ept_root),
               GuestFor(tables.cr3)),
        caching_(cache_, plain_.processor(), plain_.controls(),
                 plain_.guest()) {
    for (const auto& [address, value] : tables.words) {
      memory_.Store(address, value);
    }
    for (const Gla page : tables.pages) addresses_.push_back(page.value);
  }
  static GuestState GuestFor(std::uint64_t cr3) {
    GuestState guest;
    guest.cr0 =
        bits::kCr0Protection | bits::kCr0WriteProtect | bits::kCr0Paging;
    guest.cr3 = cr3;
    guest.cr4 = bits::kCr4Pae | bits::kCr4Smep | bits::kCr4Smap;
    guest.efer = bits::kEferLma | bits::kEferNxe;
    guest.cpl = 3;
    guest.cs_l = true;
    return guest;
  }

  std::vector<std::uint64_t> image_;
  FlatMemory memory_;
  TranslationCache cache_;
  Engine plain_;
  CachingEngine caching_;
  std::vector<std::uint64_t> addresses_;
};

// The two kinds of address.
template <int kLeafLevel>
struct GuestPhysical {
  static Bench Make(std::size_t room) { return Bench(room, kLeafLevel); }
  template <typename AnyEngine>
  [[gnu::always_inline]] static bool Translate(AnyEngine& engine,
                                               FlatMemory& memory,
                                               const Access&,
                                               std::uint64_t address,
                                               Translation& page) {
    return engine.Translate(memory, Gpa{address}, Use::kWrite, page);
  }
  [[gnu::always_inline]] static EngineStatus Perform(CachingEngine& engine,
                                                     FlatMemory& memory,
                                                     const Access& access,
                                                     std::uint64_t address,
                                                     Event& event) {
    return engine.PerformAccess(memory, access, Gpa{address}, GuestPage(),
                                event);
  }
  static void DropUpper(TranslationCache& cache, std::uint64_t address) {
    for (const int level : {2, 3}) cache.Keep(Gpa{address}, level, 0);
  }
};
struct Linear {
  static Bench Make(std::size_t room) { return Bench(room); }
  template <typename AnyEngine>
  [[gnu::always_inline]] static bool Translate(AnyEngine& engine,
                                               FlatMemory& memory,
                                               const Access& access,
                                               std::uint64_t address,
                                               Translation& page) {
    return engine.TranslateLinear(memory, access, Gla{address}, page);
  }
  [[gnu::always_inline]] static EngineStatus Perform(CachingEngine& engine,
                                                     FlatMemory& memory,
                                                     const Access& access,
                                                     std::uint64_t address,
                                                     Event& event) {
    return engine.PerformLinearAccess(memory, access, Gla{address}, event);
  }
  static void DropUpper(TranslationCache& cache, std::uint64_t address) {
    for (const int level : {2, 3}) cache.Keep(Gla{address}, level, 0, 0);
  }
};

// One load for each translation, from an array of addresses.
template <typename Kind>
void BareLatency(benchmark::State& state) {
  Bench bench = Kind::Make(kRoomForAll);
  std::vector<std::uint64_t> next(kRoomForAll);
  const auto& addresses = bench.addresses();
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    next[addresses[i] >> 12] = addresses[(i + 1) % addresses.size()];
  }
  std::uint64_t address = 0;
  for (auto _ : state) {
    address = next[address >> 12 & (kRoomForAll - 1)] | (address & 0xfff);
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(address);
}

template <typename Kind>
void BareThroughput(benchmark::State& state) {
  Bench bench = Kind::Make(kRoomForAll);
  const auto& addresses = bench.addresses();
  std::size_t i = 0;
  for (auto _ : state) {
    const std::uint64_t address = addresses[i++ % kRoomForAll];
    benchmark::DoNotOptimize(addresses[address >> 12 & (kRoomForAll - 1)] |
                             (address & 0xfff));
    benchmark::ClobberMemory();
  }
}

template <typename Kind>
void HitLatency(benchmark::State& state) {
  Bench bench = Kind::Make(kRoomForAll);
  CachingEngine& engine = bench.caching();
  const Access access = Write();
  Translation page;
  std::uint64_t address = 0;
  for (auto _ : state) {
    if (!Kind::Translate(engine, bench.memory(), access, address, page)) {
      state.SkipWithError("the walk fails");
      break;
    }
    address = page.address.value;
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(address);
}

template <typename Kind>
void HitThroughput(benchmark::State& state) {
  Bench bench = Kind::Make(kRoomForAll);
  CachingEngine& engine = bench.caching();
  const auto& addresses = bench.addresses();
  const Access access = Write();
  Translation page;
  std::size_t i = 0;
  for (auto _ : state) {
    if (!Kind::Translate(engine, bench.memory(), access,
                         addresses[i++ % kRoomForAll], page)) {
      state.SkipWithError("the walk fails");
      break;
    }
    Hide(page);
    benchmark::ClobberMemory();
  }
}

template <typename Kind>
void HitAccessThroughput(benchmark::State& state) {
  Bench bench = Kind::Make(kRoomForAll);
  CachingEngine& engine = bench.caching();
  const auto& addresses = bench.addresses();
  const Access access = Write();
  Event event;
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(Kind::Perform(
        engine, bench.memory(), access, addresses[i++ % kRoomForAll], event));
    Hide(event);
    benchmark::ClobberMemory();
  }
}

enum class Miss { kBare, kUpper, kCold };

template <typename Kind, Miss kMiss>
void MissLatency(benchmark::State& state) {
  Bench bench = Kind::Make(kRoomForFew);
  const Access access = Write();
  Translation page;
  std::uint64_t address = 0;
  for (auto _ : state) {
    bool found = false;
    if constexpr (kMiss == Miss::kBare) {
      found =
          Kind::Translate(bench.plain(), bench.memory(), access, address, page);
    } else {
      if constexpr (kMiss == Miss::kCold) {
        Kind::DropUpper(bench.caching().cache(), address);
      }
      found = Kind::Translate(bench.caching(), bench.memory(), access, address,
                              page);
    }
    if (!found) {
      state.SkipWithError("the walk fails");
      break;
    }
    address = page.address.value;
    benchmark::ClobberMemory();
  }
  benchmark::DoNotOptimize(address);
}

void Add(const std::string& name, void (*run)(benchmark::State&)) {
  benchmark::RegisterBenchmark(name.c_str(), run);
}

template <typename Kind>
void RegisterHits(const std::string& kind) {
  Add("hit-latency/bare/" + kind, BareLatency<Kind>);
  Add("hit-latency/page/" + kind, HitLatency<Kind>);
  Add("hit-through/bare/" + kind, BareThroughput<Kind>);
  Add("hit-through/page/" + kind, HitThroughput<Kind>);
  Add("hit-through/access/" + kind, HitAccessThroughput<Kind>);
}

template <typename Kind>
void RegisterMisses(const std::string& kind) {
  Add("miss-latency/bare/" + kind, MissLatency<Kind, Miss::kBare>);
  Add("miss-latency/upper/" + kind, MissLatency<Kind, Miss::kUpper>);
  Add("miss-latency/cold/" + kind, MissLatency<Kind, Miss::kCold>);
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) {
  using eptdiff::GuestPhysical;
  using eptdiff::Linear;
  eptdiff::RegisterHits<GuestPhysical<1>>("guest-physical");
  eptdiff::RegisterHits<Linear>("linear");
  eptdiff::RegisterMisses<GuestPhysical<1>>("4K");
  eptdiff::RegisterMisses<GuestPhysical<2>>("2M");
  eptdiff::RegisterMisses<GuestPhysical<3>>("1G");
  eptdiff::RegisterMisses<Linear>("linear");
  return eptdiff::RunBenchmarks(argc, argv);
}
