// How long the fuzzers take to notice each knock-out (knock_outs.h,
// kept_knock_outs.h): libFuzzer with the mutators of walk_fuzzer, linear_fuzzer
// or cache_fuzzer, or, with EPTDIFF_BYTES, its own mutators of bytes. Encoding
// and feedback are those of the targets. It ends once all have been noticed.
// Environment:
//   EPTDIFF_POWER=FILE     gets a line "NAME EXECUTIONS SECONDS" for each
//                          alteration as it is noticed, and at the end one for
//                          the whole run, named "all"
//   EPTDIFF_FOCUS=linear   the mutators of linear_fuzzer
//   EPTDIFF_FOCUS=caches   those of cache_fuzzer, and what may be kept is asked
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "fuzzers/encoding/current_case.h"
#include "fuzzers/feedback/feedback.h"
#include "fuzzers/mutation/custom_mutator.h"
#include "fuzzers/power/kept_knock_outs.h"
#include "fuzzers/power/knock_outs.h"

namespace eptdiff {
namespace {

class PowerFuzzer {
 public:
  // Never destroyed: it closes its file at exit.
  static PowerFuzzer& Get() {
    static PowerFuzzer& fuzzer = *new PowerFuzzer;
    return fuzzer;
  }

  void Run(std::span<const std::uint8_t> bytes) {
    ++executions_;
    const Case& c = current_.Read(bytes);
    PublishQuestions(c);
    const bool done = kept_ != nullptr ? Try(c, *kept_) : Try(c, *plain_);
    if (done) std::exit(0);
  }

  CurrentCase& current() { return current_; }
  Focus focus() const { return focus_; }

 private:
  PowerFuzzer() {
    const char* name = std::getenv("EPTDIFF_FOCUS");
    const std::string_view focus = name == nullptr ? "" : name;
    if (focus == "linear") focus_ = Focus::kLinear;
    if (focus == "caches") {
      focus_ = Focus::kCaches;
      alterations_ = AlterationsOfCaches();
      kept_ = std::make_unique<KeptKnockOuts>(alterations_);
    } else {
      alterations_ = NoticeableAlterations();
      plain_ = std::make_unique<KnockOuts>(alterations_);
    }
    const char* path = std::getenv("EPTDIFF_POWER");
    out_ = std::fopen(path == nullptr ? "/dev/null" : path, "w");
    if (out_ == nullptr) {
      std::perror(path);
      std::_Exit(2);
    }
    std::atexit([] {
      Get().Report("all");
      const bool written = std::fclose(Get().out_) == 0;
      if (!written) std::_Exit(2);
    });
  }

  // Whether nothing is left to notice.
  template <typename Tried>
  bool Try(const Case& c, Tried& tried) {
    for (const std::size_t i : tried.Run(c)) Report(alterations_[i].name);
    PublishConsequences(tried.consequences());
    return tried.remaining() == 0;
  }

  void Report(std::string_view name) {
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start_;
    std::fprintf(out_, "%.*s %llu %.6f\n", static_cast<int>(name.size()),
                 name.data(), static_cast<unsigned long long>(executions_),
                 seconds.count());
    std::fflush(out_);  // a run that is cut short has noticed what it has
  }

  const std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
  Focus focus_ = Focus::kEpt;
  std::FILE* out_ = nullptr;
  std::uint64_t executions_ = 0;
  CurrentCase current_;
  std::vector<Alteration> alterations_;
  // One of the two.
  std::unique_ptr<KnockOuts> plain_;
  std::unique_ptr<KeptKnockOuts> kept_;
};

}  // namespace
}  // namespace eptdiff

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  eptdiff::PowerFuzzer::Get();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  eptdiff::PowerFuzzer::Get().Run({data, size});
  return 0;
}

#ifndef EPTDIFF_BYTES
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data,
                                               std::size_t size,
                                               std::size_t max_size,
                                               unsigned int seed) {
  eptdiff::PowerFuzzer& fuzzer = eptdiff::PowerFuzzer::Get();
  return eptdiff::MutateBytes(data, size, max_size, seed, fuzzer.focus(),
                              fuzzer.current());
}

extern "C" std::size_t LLVMFuzzerCustomCrossOver(
    const std::uint8_t* data1, std::size_t size1, const std::uint8_t* data2,
    std::size_t size2, std::uint8_t* out, std::size_t max_out_size,
    unsigned int seed) {
  eptdiff::PowerFuzzer& fuzzer = eptdiff::PowerFuzzer::Get();
  return eptdiff::CrossOverBytes({data1, size1}, {data2, size2},
                                 {out, max_out_size}, seed, fuzzer.focus(),
                                 fuzzer.current());
}
#endif
