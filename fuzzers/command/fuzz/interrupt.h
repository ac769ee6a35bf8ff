// Ctrl-C and SIGTERM, asked for instead of obeyed: a run ends in order and
// keeps what it found. The second one ends the process at once. Thread-safety:
// one object at a time, in the main thread.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_INTERRUPT_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_INTERRUPT_H_

#include <string>

namespace eptdiff {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Whether a signal came since this object was made.
  static bool Came();

  // "ended early, by SIGINT, after 3 seconds"; "" if none came.
  static std::string Words(double seconds);
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_INTERRUPT_H_
