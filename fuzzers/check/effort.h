// How much of a check may be diagnosis: a share of what is done, in percent.
// Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_FUZZERS_CHECK_EFFORT_H_
#define EPTDIFF_FUZZERS_CHECK_EFFORT_H_

#include <chrono>
#include <cstdint>

namespace eptdiff {

class Effort {
 public:
  // At most 90.
  explicit Effort(unsigned percent) : percent_(percent) {}

  // Whether experiments may go on that have taken so many verdicts beside so
  // many cases.
  bool AllowsVerdicts(std::uint64_t judged, std::uint64_t cases) const {
    return judged < kFree + cases * kOfCase * percent_ / (100 - percent_);
  }

  // How long diagnosis may go on that took so long of a run, which lasts so
  // long by now; not positive: it may not.
  std::chrono::nanoseconds TimeLeft(std::chrono::nanoseconds taken,
                                    std::chrono::nanoseconds lasted) const {
    return lasted / 100 * percent_ - taken;
  }

 private:
  // Verdicts before the share is looked at, and for which a case counts.
  static constexpr std::uint64_t kFree = 400'000;
  static constexpr std::uint64_t kOfCase = 4;
  unsigned percent_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_CHECK_EFFORT_H_
