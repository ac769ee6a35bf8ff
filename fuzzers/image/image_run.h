// What the image asks: the cases of a module, then such as a seed makes, each
// moved, arranged and put to the machine; and what it tells of that.
//
// This folder is the image's main(): it uses oracle/processor/image, which is
// the machine's side, and generation. Begin with main.cc.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_IMAGE_IMAGE_RUN_H_
#define EPTDIFF_FUZZERS_IMAGE_IMAGE_RUN_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/generation/machine_generation.h"
#include "oracle/case.h"
#include "oracle/processor/arranging.h"
#include "oracle/processor/inquiry.h"
#include "oracle/processor/module.h"
#include "oracle/processor/moving.h"
#include "oracle/processor/report_writer.h"

namespace eptdiff::image {

// The words of the command line; others mean nothing.
struct RunOptions {
  std::uint64_t seed = 1;      // seed=
  std::uint64_t seconds = 60;  // seconds=, of what is generated; 0: nothing is
  std::uint64_t cases = 0;     // cases=, so many at most; 0: no matter
  std::uint64_t repeat = 1;    // repeat=, of each case of the module
  std::string_view only;       // only=ept, only=linear, only=caches; empty: all
  // without=apic-fetch,split-gates,split-tokens,virtual-nmis: no fetches from
  // the APIC-access page, which Bochs does not survive; no gates of 16 bytes
  // across 4 GBytes, of which no dialect says where Bochs reads them; no tokens
  // of shadow stacks that are refused, which Bochs reads and then writes; no
  // virtual NMIs, whose blocking Bochs 2.7 keeps from one guest to the next.
  std::string_view without;
  bool Without(std::string_view what) const {
    return without.find(what) != std::string_view::npos;
  }
  // with=page-sizes: pages that are executed change their size without INVEPT
  // even where the processor does not say that it survives that.
  std::string_view with;
  bool tells_all = false;     // tell=all: each answer is told
  std::string_view troubles;  // troubles= (oracle/processor/image/troubles.h)
  std::string_view dialect = "sdm";  // dialect=, by which answers are judged
};
RunOptions ReadRunOptions(std::string_view command_line);

// Whole seconds since some moment.
using SecondsFunction = std::uint64_t (*)();
// Ticks of whatever clock is fine enough to tell what takes the time.
using TicksFunction = std::uint64_t (*)();
// Shows somebody who is there how far it is, and each new kind of departure.
struct Onlooker {
  void (*progress)(const ReportCounts&);
  void (*finding)(std::string_view signature);
};

class ImageRun final : private Listener {
 public:
  // `memory` is what cases may lie in, `frames` what arranging takes.
  ImageRun(const RunOptions& options, const Processor& processor,
           Machine& machine, Arranger& arranger,
           std::span<const FreeRange> memory, std::span<const Hpa> frames,
           Dialect dialect, SecondsFunction seconds, TicksFunction ticks,
           const Onlooker& onlooker, ReportWriter& report);

  // All cases; true if the machine agreed to all that it was asked.
  bool Run(Module& module);

  const ReportCounts& counts() const { return counts_; }

  // What the time went to.
  struct Ticks {
    std::uint64_t making = 0, moving = 0, arranging = 0, asking = 0,
                  telling = 0;
  };
  const Ticks& ticks() const { return spent_; }

 private:
  // Findings of one signature beyond these are counted, and not told.
  static constexpr std::uint64_t kToldOfEach = 3;
  // Answers that agree are told so many times at most.
  static constexpr std::uint64_t kToldNews = 1000;
  // In how many ways a step of a generated case may have met what was kept: of
  // a hundred steps two have more, and these take two thirds of the time.
  static constexpr std::size_t kWays = 64;
  // An image whose own errors are so many does not go on.
  static constexpr std::uint64_t kMaxHarnessErrors = 20;

  struct Signature {
    std::string text;
    std::uint64_t seen = 0;
  };
  struct Unmodelled {
    std::string_view why;
    std::uint64_t cases = 0;
  };

  // Of a case that is asked again and again, an answer that may vary.
  struct Variant {
    std::string name;
    SeenAnswer answer;
    std::uint64_t times = 0;
  };

  void AskModule(Module& module);
  void Generate();
  // `again`: the case of the call before.
  void Ask(const Case& c, std::string_view name, bool again = false);
  // Whether it could be moved, and is arranged.
  bool Arrange(const Case& c);
  void AskArranged(const Case& c, std::string_view name, bool again);
  void Hear(std::size_t step, const Outcome& answer, FieldSet fields) override;
  void Take(const Case& c, std::string_view name, const InquiryResult& result);
  void ForgetSwitch();
  void Tell(const Case& c, std::string_view name, const InquiryResult& result);
  void CountSkip(const InquiryResult& result);
  void CountSeen(std::string_view name, const InquiryResult& result);
  void TellStrays();
  void TellSkips();
  void TellSeen();
  void TellMet();
  void TellNews(std::string_view name, const InquiryResult& result);
  void TellProgress();
  std::uint64_t& SeenOf(std::string_view signature);

  const RunOptions options_;
  const Processor processor_;
  Machine& machine_;
  Arranger& arranger_;
  const std::span<const Hpa> frames_;
  const SecondsFunction seconds_;
  const TicksFunction ticks_;
  const Onlooker onlooker_;
  ReportWriter& report_;
  Mover mover_;
  Inquiry inquiry_;
  Case moved_;
  ArrangedCase arranged_;
  bool is_arranged_ = false;  // the case that Ask() was given
  ReportCounts counts_;
  bool keeps_ = true;  // what a case's steps leave of translations
  std::size_t ways_ = Kept::kMaxRuns;
  std::uint64_t told_news_ = 0;
  std::string_view name_;  // of the case that is asked
  bool is_told_ = false;   // what of it was moved, to who is told everything
  Ticks spent_;
  std::uint64_t findings_ = 0;
  std::vector<Signature> signatures_;
  std::array<std::uint64_t, kUnmovableCount> unmovable_ = {};
  std::array<std::uint64_t, kHindranceCount> hindered_ = {};
  std::uint64_t undefined_ = 0;
  std::vector<Unmodelled> unmodelled_;
  std::uint64_t code_unreachable_ = 0;
  std::uint64_t own_memory_ = 0;
  std::uint64_t unsafe_ = 0;
  std::uint64_t indistinct_ = 0;
  std::uint64_t in_parts_ = 0;
  std::vector<Variant> variants_;
  std::uint64_t open_answers_ = 0;
  std::uint64_t kept_answers_ = 0;
};

}  // namespace eptdiff::image

#endif  // EPTDIFF_FUZZERS_IMAGE_IMAGE_RUN_H_
