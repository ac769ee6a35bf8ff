// The live line of `eptdiff check`: redrawn on a terminal, elsewhere one every
// few seconds. On standard error.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_PROGRESS_H_
#define EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_PROGRESS_H_

#include <cstdio>
#include <string>

#include "absl/strings/str_format.h"
#include "fuzzers/command/words/style.h"

namespace eptdiff {

class CheckProgress {
 public:
  ~CheckProgress() {
    if (drawn_) std::fputs("\n", stderr);
  }

  // Shows what `words` says, if it is time for it.
  template <typename Words>
  void Show(double seconds, Words words) {
    if (shown_ >= 0 && seconds - shown_ < (terminal_ ? 0.2 : 5)) return;
    shown_ = seconds;
    const std::string line = CutToTerminal(
        absl::StrFormat("%02d:%02d  %s", static_cast<int>(seconds) / 60,
                        static_cast<int>(seconds) % 60, std::string(words())),
        stderr);
    std::fputs((terminal_ ? "\r\x1b[K" + line : line + "\n").c_str(), stderr);
    drawn_ = terminal_;
  }

 private:
  const bool terminal_ = IsTerminal(stderr);
  bool drawn_ = false;
  double shown_ = -1;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CHECK_CHECK_PROGRESS_H_
