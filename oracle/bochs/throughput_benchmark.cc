// Independent walks for writes, engine and Bochs's small form side by side: the
// same tables in one flat image, 512 pages whose translations are asked in the
// order in which they follow each other. Bounds are checked on both sides.
//
//            by guest-physical address:      linear/: 4-level guest, 24 loads
//   walk/    Engine::Translate()             Engine::TranslateLinear()
//   access/  Engine::PerformAccess()         Engine::PerformLinearAccess()
//   bochs/   translate_guest_physical()      translate_linear(), of BX_CPU_C
//
// Neither caches translations here. A walk says whether it may be done as it
// stands, and where it is; an access comes with its event.
//
// For ratios of one run on a noisy machine:
//   --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/benchmarks/benchmark_tables.h"
#include "engine/benchmarks/linear_benchmark_tables.h"
#include "engine/benchmarks/opaque.h"
#include "engine/benchmarks/run_benchmarks.h"
#include "engine/engine.h"
#include "engine/memory.h"
#include "oracle/bochs/machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kCapabilities = 0x6334141;
constexpr std::uint32_t kSecondaryControls = 1u << 31;
constexpr std::uint32_t kEnableEpt = 1u << 1;
constexpr std::uint64_t kAccessedDirty = 1u << 6;

// `memory` as Bochs meets it.
bochs::Memory BochsMemory(FlatMemory& memory) {
  return {.context = &memory,
          .load =
              [](void* context, std::uint64_t address) {
                std::uint64_t word = 0;
                static_cast<FlatMemory*>(context)->Load(Hpa{address}, word);
                return word;
              },
          .store =
              [](void* context, std::uint64_t address, std::uint64_t value) {
                static_cast<FlatMemory*>(context)->Store(Hpa{address}, value);
              }};
}

// Tables with their flags set, if they are in use.
class Bench {
 public:
  Bench(int leaf_level, bool accessed_dirty)
      : tables_(MakeBenchmarkTables(leaf_level, accessed_dirty)),
        image_(BenchmarkTables::kBytes / 8),
        memory_(image_.data(), BenchmarkTables::kBytes) {
    for (const auto& [address, value] : tables_.words) {
      memory_.Store(address, value);
    }
    controls_.primary = kSecondaryControls;
    controls_.secondary = kEnableEpt;
    controls_.eptp =
        tables_.root | 0x1e | (accessed_dirty ? kAccessedDirty : 0);
  }

  const std::vector<Gpa>& pages() const { return tables_.pages; }
  FlatMemory& memory() { return memory_; }
  Engine MakeEngine() const {
    return Engine({.ept_vpid_cap = kCapabilities}, controls_);
  }

  // Puts Bochs before these tables.
  void BeginBochs() {
    const bochs::Setup setup = {.ept_page_1gb = true,
                                .secondary = controls_.secondary,
                                .eptp = controls_.eptp};
    bochs::Begin(setup, {}, BochsMemory(memory_));
  }

 private:
  BenchmarkTables tables_;
  std::vector<std::uint64_t> image_;
  FlatMemory memory_;
  Controls controls_;
};

void Walk(benchmark::State& state, int level, bool accessed_dirty) {
  Bench bench(level, accessed_dirty);
  Engine engine = bench.MakeEngine();
  Translation page;
  for (auto _ : state) {
    for (const Gpa gpa : bench.pages()) {
      if (!engine.Translate(bench.memory(), gpa, Use::kWrite, page)) {
        return state.SkipWithError("the walk fails");
      }
      Hide(page);
    }
  }
  state.SetItemsProcessed(state.iterations() * BenchmarkTables::kPages);
}

void WholeAccess(benchmark::State& state, int level, bool accessed_dirty) {
  Bench bench(level, accessed_dirty);
  Engine engine = bench.MakeEngine();
  const Access write = {.kind = AccessKind::kWrite};
  Event event;
  for (auto _ : state) {
    for (const Gpa gpa : bench.pages()) {
      engine.PerformAccess(bench.memory(), write, gpa, {}, event);
      if (event.kind != EventKind::kCompleted) {
        return state.SkipWithError("the access fails");
      }
      Hide(event);
    }
  }
  state.SetItemsProcessed(state.iterations() * BenchmarkTables::kPages);
}

void Bochs(benchmark::State& state, int level, bool accessed_dirty) {
  Bench bench(level, accessed_dirty);
  bench.BeginBochs();
  bochs::Question write;
  write.access = bochs::Access::kWrite;
  for (auto _ : state) {
    for (const Gpa gpa : bench.pages()) {
      write.gpa = gpa.value;
      const bochs::Answer& answer = bochs::Ask(write);
      if (answer.end != bochs::End::kCompleted) {
        return state.SkipWithError("the access fails");
      }
      benchmark::DoNotOptimize(answer.address);
    }
  }
  state.SetItemsProcessed(state.iterations() * BenchmarkTables::kPages);
}

// A guest with WP, NXE, SMEP and SMAP at CPL 3. EPT's flags as above, the
// guest's are set.
class LinearBench {
 public:
  explicit LinearBench(bool accessed_dirty)
      : tables_(MakeLinearBenchmarkTables(accessed_dirty)),
        image_(LinearBenchmarkTables::kBytes / 8),
        memory_(image_.data(), LinearBenchmarkTables::kBytes) {
    for (const auto& [address, value] : tables_.words) {
      memory_.Store(address, value);
    }
    controls_.primary = kSecondaryControls;
    controls_.secondary = kEnableEpt;
    controls_.eptp =
        tables_.ept_root | 0x1e | (accessed_dirty ? kAccessedDirty : 0);
    guest_.cr0 = 0x80010001;
    guest_.cr3 = tables_.cr3;
    guest_.cr4 = 0x00300020;
    guest_.efer = 0xd00;
    guest_.cpl = 3;
    guest_.cs_l = true;
  }

  const std::vector<Gla>& pages() const { return tables_.pages; }
  FlatMemory& memory() { return memory_; }
  Engine MakeEngine() const {
    return Engine({.ept_vpid_cap = kCapabilities}, controls_, guest_);
  }
  void BeginBochs() {
    const bochs::Setup setup = {.secondary = controls_.secondary,
                                .eptp = controls_.eptp,
                                .cr0 = guest_.cr0,
                                .cr3 = guest_.cr3,
                                .cr4 = guest_.cr4,
                                .efer = guest_.efer,
                                .cpl = 3,
                                .cs_l = true};
    bochs::Begin(setup, {}, BochsMemory(memory_));
  }

 private:
  LinearBenchmarkTables tables_;
  std::vector<std::uint64_t> image_;
  FlatMemory memory_;
  Controls controls_;
  GuestState guest_;
};

void LinearWalk(benchmark::State& state, bool accessed_dirty) {
  LinearBench bench(accessed_dirty);
  const Engine engine = bench.MakeEngine();
  Access write = {.kind = AccessKind::kWrite};
  Hide(write);
  Translation page;
  for (auto _ : state) {
    for (const Gla gla : bench.pages()) {
      if (!engine.TranslateLinear(bench.memory(), write, gla, page)) {
        return state.SkipWithError("the walk fails");
      }
      Hide(page);
    }
  }
  state.SetItemsProcessed(state.iterations() * LinearBenchmarkTables::kPages);
}

void LinearWholeAccess(benchmark::State& state, bool accessed_dirty) {
  LinearBench bench(accessed_dirty);
  Engine engine = bench.MakeEngine();
  Access write = {.kind = AccessKind::kWrite};
  Hide(write);
  Event event;
  for (auto _ : state) {
    for (const Gla gla : bench.pages()) {
      engine.PerformLinearAccess(bench.memory(), write, gla, event);
      if (event.kind != EventKind::kCompleted) {
        return state.SkipWithError("the access fails");
      }
      Hide(event);
    }
  }
  state.SetItemsProcessed(state.iterations() * LinearBenchmarkTables::kPages);
}

void LinearBochs(benchmark::State& state, bool accessed_dirty) {
  LinearBench bench(accessed_dirty);
  bench.BeginBochs();
  bochs::Question write;
  write.operation = bochs::Operation::kLinear;
  write.access = bochs::Access::kWrite;
  write.user_access = true;
  for (auto _ : state) {
    for (const Gla gla : bench.pages()) {
      write.gla = gla.value;
      const bochs::Answer& answer = bochs::Ask(write);
      if (answer.end != bochs::End::kCompleted) {
        return state.SkipWithError("the access fails");
      }
      benchmark::DoNotOptimize(answer.address);
    }
  }
  state.SetItemsProcessed(state.iterations() * LinearBenchmarkTables::kPages);
}

[[maybe_unused]] const bool kRegistered = [] {
  const struct {
    const char* name;
    void (*function)(benchmark::State&, int, bool);
  } kWalkers[] = {{"walk", Walk}, {"access", WholeAccess}, {"bochs", Bochs}};
  const struct {
    const char* name;
    int leaf_level;
    bool accessed_dirty;
  } kTables[] = {{"4K/off", 1, false},
                 {"4K/set", 1, true},
                 {"2M/off", 2, false},
                 {"1G/off", 3, false}};
  for (const auto& tables : kTables) {
    for (const auto& walker : kWalkers) {
      benchmark::RegisterBenchmark(
          (std::string(walker.name) + "/" + tables.name).c_str(),
          walker.function, tables.leaf_level, tables.accessed_dirty);
    }
  }
  const struct {
    const char* name;
    void (*function)(benchmark::State&, bool);
  } kLinearWalkers[] = {{"walk", LinearWalk},
                        {"access", LinearWholeAccess},
                        {"bochs", LinearBochs}};
  for (const bool accessed_dirty : {false, true}) {
    for (const auto& walker : kLinearWalkers) {
      benchmark::RegisterBenchmark((std::string(walker.name) + "/linear/" +
                                    (accessed_dirty ? "set" : "off"))
                                       .c_str(),
                                   walker.function, accessed_dirty);
    }
  }
  return true;
}();

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) { return eptdiff::RunBenchmarks(argc, argv); }
