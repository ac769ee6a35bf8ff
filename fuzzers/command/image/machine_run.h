// A machine of this computer that an image is started in: Debian's Bochs, the
// whole of Bochs 3.0, or QEMU.
//
// What the image says there goes to a file, which is read while it grows. The
// machine ends by itself, or when its time is over, or on an Interrupt.
//
// Thread-safety: one run at a time, in the main thread.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_RUN_H_
#define EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_RUN_H_

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace eptdiff {

// "bochs", "bochs-3.0", "qemu", "qemu-uefi".
std::vector<std::string> MachineNames();

// What an image that is to run there leaves out, as BootOptions::without, and
// what it need not leave out, as BootOptions::with.
std::string NotSurvivedBy(const std::string& machine);
std::string SurvivedBy(const std::string& machine);

struct MachineRun {
  std::string machine;  // one of MachineNames()
  std::string model;    // of its processor; "" for the default
  int memory = 0;       // MBytes; 0 for the default
  std::string iso;
  std::chrono::seconds limit{600};
  std::string room;  // a directory, for files of its own
};

struct MachineEnd {
  bool in_time = true;  // it ended by itself
  std::string how;      // "exit status 1"
  std::string said;     // what the program printed last, a few lines
  std::vector<std::string> panics;  // of its own, that it went on after
};

// Starts it, and hands over what the image says as it comes, with whatever the
// machine's program prints between.
// kFailedPrecondition, with the packages, if something is not installed.
absl::StatusOr<MachineEnd> RunMachine(
    const MachineRun& run,
    const std::function<void(absl::string_view)>& serial);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_RUN_H_
