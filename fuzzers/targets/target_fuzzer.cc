// A ready-made main for code under test that is linked in: libFuzzer puts cases
// to the functions of oracle/target/eptdiff_target.h, in this process, and the
// reference judges their answers. eptdiff_add_target_fuzzer() makes one.
//
// Compiled with sanitizers and coverage, the code under test tells libFuzzer
// which of its edges a case reached, and what it does wrong to memory. A
// disagreement, and what is no answer at all, ends the process with
// "ASSERTION FAILED: <signature>". Environment:
//   EPTDIFF_MUTED=FILE    signatures that are not fatal, a line each
//   EPTDIFF_DIALECT=LIST  alterations that are known:
//   "CFG-9/off,PML-2/unaligned"
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "fuzzers/encoding/current_case.h"
#include "fuzzers/feedback/feedback.h"
#include "fuzzers/generation/machine_generation.h"
#include "fuzzers/mutation/custom_mutator.h"
#include "oracle/judgement/judge.h"
#include "oracle/judgement/trial.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/target/process/incident.h"
#include "oracle/target/profile/profile.h"
#include "oracle/target/session/direct_session.h"
#include "oracle/target/session/target_oracle.h"

// Optional for a target.
extern "C" __attribute__((weak)) int eptdiff_target_enter(
    const eptdiff_question* question, const eptdiff_memory* memory,
    eptdiff_answer* answer);

namespace eptdiff {
namespace {

constexpr char kName[] = "target";

[[noreturn]] void Fail(const std::string& signature, const std::string& words) {
  std::fprintf(stderr, "ASSERTION FAILED: %s\n%s\n", signature.c_str(),
               words.c_str());
  std::abort();
}

std::string SignatureOf(std::string_view name, const Incident& incident) {
  return "eptdiff-" + std::string(name) + "-" + SignaturePart(incident);
}

[[noreturn]] void Endless() {
  const Incident incident = {IncidentKind::kStepLimit,
                             GuardedMemory::kMaxCallbacks};
  Fail(SignatureOf(kName, incident), WordsOf(incident));
}

Dialect KnownDialect() {
  const char* list = std::getenv("EPTDIFF_DIALECT");
  std::optional<Dialect> dialect = FindDialect(list == nullptr ? "sdm" : list);
  if (dialect.has_value()) return *std::move(dialect);
  std::fprintf(stderr, "EPTDIFF_DIALECT: there is no dialect \"%s\"\n", list);
  std::_Exit(2);
}

class TargetFuzzer {
 public:
  static TargetFuzzer& Get() {
    static TargetFuzzer& fuzzer = *new TargetFuzzer;
    return fuzzer;
  }

  void Run(std::span<const std::uint8_t> bytes) {
    case_ = current_.Read(bytes);
    if (HasTableOperations(case_) || !FitTo(oracle_.profile(), case_)) return;
    consequences_.Clear();
    const Standings& standings = trial_.Run(case_)[0];
    PublishQuestions(case_);
    PublishConsequences(consequences_);
    const Incident incident = oracle_.incident();
    if (incident.kind != IncidentKind::kNone) {
      if (!standings.disagrees && standings.step != 0) return;
      Report(SignatureOf(oracle_.name(), incident), WordsOf(incident));
    } else if (standings.disagrees) {
      const Disagreement& first = standings.finding.disagreements[0];
      Report(eptdiff::SignatureOf(oracle_.name(), standings.finding),
             "step " + std::to_string(standings.step) + ": " +
                 std::string(NameOf(first.field)) + " expected " +
                 std::to_string(first.expected) + ", given " +
                 std::to_string(first.given));
    }
  }

  CurrentCase& current() { return current_; }
  Focus focus(unsigned seed) const {
    return linear_ && seed % 2 != 0 ? Focus::kLinear : Focus::kEpt;
  }

 private:
  TargetFuzzer() {
    const std::string fault = FaultOf(oracle_.profile());
    if (!fault.empty()) {
      std::fprintf(stderr, "eptdiff_target_describe: %s\n", fault.c_str());
      std::_Exit(2);
    }
    if (const char* path = std::getenv("EPTDIFF_MUTED")) {
      std::ifstream muted(path);
      for (std::string line; std::getline(muted, line);) muted_.insert(line);
    }
    trial_.Add(oracle_, KnownDialect());
    trial_.set_keeps_hits(false);
    trial_.set_observer([this](const StepReport& report) {
      consequences_.Add(report.trace.consequences);
    });
    linear_ = (oracle_.profile().models & kLinearModes) != 0;
  }

  void Report(const std::string& signature, const std::string& words) const {
    if (!muted_.contains(signature)) Fail(signature, words);
  }

  TargetOracle oracle_{
      std::make_unique<DirectSession>(
          TargetFunctions{eptdiff_target_describe, eptdiff_target_answer,
                          eptdiff_target_enter},
          Endless),
      kName};
  Trial trial_;
  std::set<std::string> muted_;
  CurrentCase current_;
  Case case_;  // that is run, made to fit
  RulePlaces consequences_;
  bool linear_ = false;
};

}  // namespace
}  // namespace eptdiff

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  eptdiff::TargetFuzzer::Get();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  eptdiff::TargetFuzzer::Get().Run({data, size});
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                               std::size_t size,
                                               std::size_t max_size,
                                               unsigned int seed) {
  eptdiff::TargetFuzzer& fuzzer = eptdiff::TargetFuzzer::Get();
  return eptdiff::MutateBytes(data, size, max_size, seed, fuzzer.focus(seed),
                              fuzzer.current());
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(
    const std::uint8_t* data1, std::size_t size1, const std::uint8_t* data2,
    std::size_t size2, std::uint8_t* out, std::size_t max_out_size,
    unsigned int seed) {
  eptdiff::TargetFuzzer& fuzzer = eptdiff::TargetFuzzer::Get();
  return eptdiff::CrossOverBytes({data1, size1}, {data2, size2},
                                 {out, max_out_size}, seed, fuzzer.focus(seed),
                                 fuzzer.current());
}
