// The libFuzzer target for builders of tables: operations mixed with accesses,
// put to the engine's builder, and judged by its model, by walks of the
// reference and by a processor that caches what it may (builder_trial.h).
//
// Bytes are a case (encoding.h); mutation and cross-over work on the decoded
// case. What libFuzzer learns from is what happened in an operation of which
// kind, and how accesses ended. A finding ends the process with "ASSERTION
// FAILED: <signature>", unless it is muted. Environment, beside that of
// target_host.h:
//   EPTDIFF_PLANT=FAULT   a fault of planted_builder.h; those of the engine are
//                         for other targets
//   EPTDIFF_STUB=1        nobody is asked: what the fuzzer itself costs
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "fuzzers/encoding/current_case.h"
#include "fuzzers/encoding/encoding.h"
#include "fuzzers/feedback/builder_statistics.h"
#include "fuzzers/feedback/statistics.h"
#include "fuzzers/feedback/target_host.h"
#include "fuzzers/generation/table_generation.h"
#include "fuzzers/targets/planted.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/planted/planted_builder.h"
#include "oracle/engine/engine_oracle.h"

namespace eptdiff {
namespace {

constexpr std::size_t kCounters = (BuilderStatistics::kCounters + 63) / 64 * 64;
// Nobody here reads them: `used` keeps the compiler from leaving them out.
__attribute__((section("__libfuzzer_extra_counters"),
               used)) std::uint8_t extra_counters[kCounters];

class PageTableFuzzer {
 public:
  // Never destroyed: it reports at exit.
  static PageTableFuzzer& Get() {
    static PageTableFuzzer& fuzzer = *new PageTableFuzzer;
    return fuzzer;
  }

  void Run(std::span<const std::uint8_t> bytes) {
    host_.BeginCase();
    const Case& c = current_.Read(bytes);
    statistics_.BeginCase(c);
    // Without an operation there are no tables to ask about.
    if (!stub_ && HasTableOperations(c)) Try(c);
    host_.EndCase();
  }

  // What is run, or to be mutated.
  CurrentCase& current() { return current_; }

 private:
  PageTableFuzzer() {
    trial_.set_observer([this](const BuilderStepReport& report) {
      builder_statistics_.Observe(report);
      BuilderStatistics::ForEach(report,
                                 [](std::size_t n) { extra_counters[n] = 1; });
      if (report.trace == nullptr) return;
      statistics_.CountAccess(*report.trace);
    });
  }

  static std::unique_ptr<BuilderUnderTest> MakeBuilder() {
    const std::string plant = Environment("EPTDIFF_PLANT");
    if (plant.empty()) return std::make_unique<EngineBuilder>();
    std::unique_ptr<BuilderUnderTest> builder = PlantInBuilder(plant);
    // `eptdiff fuzz` hands the same fault to all targets.
    if (builder == nullptr &&
        Plant(plant, std::make_unique<EngineOracle>()) != nullptr) {
      return std::make_unique<EngineBuilder>();
    }
    if (builder == nullptr) {
      std::fprintf(stderr,
                   "page_table_fuzzer: there is no planted fault \"%s\"\n",
                   plant.c_str());
      std::_Exit(2);
    }
    return builder;
  }

  void Try(const Case& c) {
    const BuilderStandings& standings = trial_.Run(c);
    // Else libFuzzer takes what is released in the next case for a leak, and
    // runs one case in three again to see.
    trial_.Forget();
    Standings counted;
    counted.compared = standings.compared;
    counted.undefined = standings.undefined;
    counted.skip = standings.skip;
    statistics_.EndCase({&counted, 1});
    if (!standings.finding.has_value()) return;
    const std::string signature =
        SignatureOf(trial_.builder().name(), *standings.finding);
    if (host_.IsMuted(signature)) {
      statistics_.Count("muted." + signature);
      return;
    }
    host_.Fail(signature, "step " + std::to_string(standings.step) + ": " +
                              standings.finding->sentence);
  }

  const bool stub_ = Environment("EPTDIFF_STUB") == "1";
  BuilderTrial trial_{MakeBuilder()};
  const std::string name_{trial_.builder().name()};
  Statistics statistics_{{&name_, 1}};
  BuilderStatistics builder_statistics_;
  CurrentCase current_;
  TargetHost host_{
      [this] { return statistics_.Text() + builder_statistics_.Text(); }};
};

}  // namespace
}  // namespace eptdiff

// As in walk_fuzzer.cc: uses after return cannot be here, and what was freed
// need not stay out of use for long.
extern "C" const char* __asan_default_options() {
  return "detect_stack_use_after_return=0:quarantine_size_mb=2";
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  eptdiff::PageTableFuzzer::Get();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  eptdiff::PageTableFuzzer::Get().Run({data, size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                               std::size_t size,
                                               std::size_t max_size,
                                               unsigned int seed) {
  eptdiff::CurrentCase& current = eptdiff::PageTableFuzzer::Get().current();
  const bool is_start = eptdiff::HasTableOperations(current.Read({data, size}));
  // One in three is new: a corpus is a few thousand cases, and mutation stays
  // near them.
  if (seed % 3 == 0 || !is_start) {
    eptdiff::GenerateTableCase(seed, current.Change());
  } else {
    eptdiff::MutateTableCase(seed, current.Change());
  }
  const std::size_t written = current.Write({data, max_size});
  return written != 0 ? written : size;
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(
    const std::uint8_t* data1, std::size_t size1, const std::uint8_t* data2,
    std::size_t size2, std::uint8_t* out, std::size_t max_out_size,
    unsigned int seed) {
  static eptdiff::Case& other = *new eptdiff::Case;
  static eptdiff::Case& child = *new eptdiff::Case;
  eptdiff::CurrentCase& current = eptdiff::PageTableFuzzer::Get().current();
  eptdiff::DecodeInto({data2, size2}, other);
  eptdiff::CrossOverTableCases(current.Read({data1, size1}), other, seed,
                               child);
  current.Replace(child);
  return current.Write({out, max_out_size});
}
