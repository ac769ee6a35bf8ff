// How long something has been going on.
// Thread-safety: pure function of the clock.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_SECONDS_SINCE_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_SECONDS_SINCE_H_

#include <chrono>

namespace eptdiff {

inline double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_SECONDS_SINCE_H_
