// The libFuzzer targets: an EPT walk (walk_fuzzer), linear accesses through the
// guest's own paging (linear_fuzzer: EPTDIFF_FOCUS is kLinear), and accesses
// between which what they use changes (cache_fuzzer: kCaches), put to engine,
// reference and Bochs. They differ in the cases that they begin with, and the
// last in that engine and Bochs keep translations.
//
// Bytes are a case (encoding.h); mutation and cross-over work on the decoded
// case, and features of the reference's trace are libFuzzer's extra counters. A
// disagreement ends the process with "ASSERTION FAILED: <signature>", unless it
// is muted. Environment, beside that of target_host.h:
//   EPTDIFF_ORACLES=LIST   who answers: engine,bochs (cache_fuzzer:
//                          cache,bochs-tlb) unless it says otherwise
//   EPTDIFF_DIALECT=NAME   what Bochs is judged by: sdm, or a dialect
//   EPTDIFF_PLANT=FAULT    a fault of planted.h in the engine, or in its cache
//   EPTDIFF_STUB=1         nobody is asked: what the fuzzer itself costs
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fuzzers/encoding/current_case.h"
#include "fuzzers/feedback/feedback.h"
#include "fuzzers/feedback/statistics.h"
#include "fuzzers/feedback/target_host.h"
#include "fuzzers/generation/machine_generation.h"
#include "fuzzers/generation/shapes_in.h"
#include "fuzzers/mutation/custom_mutator.h"
#include "fuzzers/targets/metamorphic.h"
#include "fuzzers/targets/panel.h"
#include "oracle/judgement/judge.h"

#ifndef EPTDIFF_FOCUS
#define EPTDIFF_FOCUS kEpt
#endif

namespace eptdiff {
namespace {

constexpr Focus kFocus = Focus::EPTDIFF_FOCUS;
constexpr const char* kTarget = kFocus == Focus::kCaches   ? "cache_fuzzer"
                                : kFocus == Focus::kLinear ? "linear_fuzzer"
                                                           : "walk_fuzzer";
constexpr const char* kOracles =
    kFocus == Focus::kCaches ? "cache,bochs-tlb" : "engine,bochs";

// Related cases are made of one case in so many: less than a hundredth of the
// time.
constexpr std::uint32_t kRelationsOneIn = 256;
// In one of so many cases about caches the shapes are looked for.
constexpr std::uint32_t kShapesOneIn = 16;

class WalkFuzzer {
 public:
  // Never destroyed: it reports at exit.
  static WalkFuzzer& Get() {
    static WalkFuzzer& fuzzer = *new WalkFuzzer;
    return fuzzer;
  }

  void Run(std::span<const std::uint8_t> bytes) {
    host_.BeginCase();
    case_ = &current_.Read(bytes);
    statistics_.BeginCase(*case_);
    PublishQuestions(*case_);
    if (kFocus == Focus::kCaches) CountShapes();
    if (!stub_) Try();
    host_.EndCase();
  }

  // What is run, or to be mutated.
  CurrentCase& current() { return current_; }

 private:
  WalkFuzzer();
  static std::unique_ptr<Panel> MakePanel();
  void Observe(const StepReport& report);
  void CountShapes();
  void Try();
  void TryRelations();
  // Whether a finding is muted; counts it if so.
  bool IsMuted(const std::string& signature);

  const bool stub_ = Environment("EPTDIFF_STUB") == "1";
  const std::unique_ptr<Panel> panel_ = MakePanel();
  Statistics statistics_{panel_->names()};
  CurrentCase current_;
  const Case* case_ = nullptr;  // that is run
  TargetHost host_{[this] { return statistics_.Text(); }};
};

WalkFuzzer::WalkFuzzer() {
  panel_->trial().set_keeps_hits(false);
  panel_->trial().set_observer(
      [this](const StepReport& report) { Observe(report); });
}

std::unique_ptr<Panel> WalkFuzzer::MakePanel() {
  PanelOptions options;
  options.oracles = Environment("EPTDIFF_ORACLES", kOracles);
  options.dialect = Environment("EPTDIFF_DIALECT", options.dialect.c_str());
  options.plant = Environment("EPTDIFF_PLANT");
  std::string error;
  std::unique_ptr<Panel> panel = Panel::Make(options, error);
  if (panel == nullptr) {
    std::fprintf(stderr, "%s: %s\n", kTarget, error.c_str());
    std::_Exit(2);
  }
  for (const std::string& name : panel->absent()) {
    std::fprintf(stderr, "%s: built without %s\n", kTarget, name.c_str());
  }
  return panel;
}

void WalkFuzzer::Observe(const StepReport& report) {
  statistics_.Observe(report, *case_);
}

void WalkFuzzer::CountShapes() {
  if (statistics_.cases() % kShapesOneIn != 0) return;
  statistics_.Count("shape.sampled");
  const CacheShapes shapes = ShapesIn(*case_);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    if (!shapes[i]) continue;
    statistics_.Count("shape." +
                      std::string(NameOf(static_cast<CacheShape>(i))));
  }
}

void WalkFuzzer::Try() {
  const std::vector<Standings>& standings = panel_->trial().Run(*case_);
  statistics_.EndCase(standings);
  PublishConsequences(statistics_.consequences());
  for (std::size_t i = 0; i < standings.size(); ++i) {
    if (!standings[i].disagrees) continue;
    const Finding& finding = standings[i].finding;
    const std::string signature = SignatureOf(panel_->names()[i], finding);
    if (IsMuted(signature)) continue;
    const Disagreement& first = finding.disagreements[0];
    char details[128];
    std::snprintf(details, sizeof(details),
                  "step %zu: %s expected %#llx, given %#llx", standings[i].step,
                  std::string(NameOf(first.field)).c_str(),
                  static_cast<unsigned long long>(first.expected),
                  static_cast<unsigned long long>(first.given));
    host_.Fail(signature, details);
  }
  TryRelations();
}

void WalkFuzzer::TryRelations() {
  const auto broken = panel_->BrokenRelation(*case_, kRelationsOneIn);
  if (!broken || IsMuted(*broken)) return;
  host_.Fail(*broken, "");
}

bool WalkFuzzer::IsMuted(const std::string& signature) {
  if (!host_.IsMuted(signature)) return false;
  statistics_.Count("muted." + signature);
  return true;
}

}  // namespace
}  // namespace eptdiff

// ASan's hunt for uses after return costs a third of the speed, in code that
// keeps no pointer to what is on its stack. What was freed stays out of use for
// 2 MByte, hundreds of cases, instead of 256: more than a processor's caches
// hold costs an eighth.
extern "C" const char* __asan_default_options() {
  return "detect_stack_use_after_return=0:quarantine_size_mb=2";
}

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  eptdiff::WalkFuzzer::Get();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  eptdiff::WalkFuzzer::Get().Run({data, size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                               std::size_t size,
                                               std::size_t max_size,
                                               unsigned int seed) {
  return eptdiff::MutateBytes(data, size, max_size, seed, eptdiff::kFocus,
                              eptdiff::WalkFuzzer::Get().current());
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(
    const std::uint8_t* data1, std::size_t size1, const std::uint8_t* data2,
    std::size_t size2, std::uint8_t* out, std::size_t max_out_size,
    unsigned int seed) {
  return eptdiff::CrossOverBytes({data1, size1}, {data2, size2},
                                 {out, max_out_size}, seed, eptdiff::kFocus,
                                 eptdiff::WalkFuzzer::Get().current());
}
