// What a machine boots from: the program that `eptdiff image` comes with, and
// the cases that it is given, as one file or two.
//
// This folder is what image_command.cc leaves to others: files (here), machines
// that are started here (machine_run.h), and what came of it (machine_report.h,
// machine_json.h). It uses oracle/processor/, which has the forms of both, and
// report/. Begin with image_command.cc.
//
// Thread-safety: these functions may be called from several threads.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMAGE_BOOT_FILES_H_
#define EPTDIFF_FUZZERS_COMMAND_IMAGE_BOOT_FILES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "oracle/case.h"

namespace eptdiff {

struct GivenCase {
  std::string name;
  Case c;
};

// What the image is told, as on the command line of a kernel.
struct BootOptions {
  std::uint64_t seconds = 60;  // of cases that it generates; 0: none
  std::uint64_t seed = 1;
  std::uint64_t repeat = 1;
  std::string only;     // "" for everything
  std::string without;  // what the machine does not survive; "" for nothing
  std::string with;     // what it survives without saying so; likewise
  std::string words;    // further ones, as they are
  std::string dialect;  // by which answers are judged; "" for the SDM
};
// "seed=7 seconds=60 only=linear".
std::string KernelArguments(const BootOptions& options);

// The file `name` ("eptdiff.elf", "eptdiff.efi") that was built or installed
// with this command; in EPTDIFF_IMAGE_DIR, if that is set. kNotFound with where
// it was looked for, and what to do.
absl::StatusOr<std::string> FindBootProgram(const std::string& name);

// The module of these cases (oracle/processor/module.h). Cases about builders
// are left out: no processor builds tables.
std::string ModuleBytes(const std::vector<GivenCase>& cases);

// Writes an image to `path`, which ends in
//   .iso  a disc or stick that boots by BIOS and by UEFI, made by grub-mkrescue
//   .elf  the program, for boot loaders; the module is `path`.cases
//   .efi  the program for UEFI; beside it likewise, and its command line is
//         `path`.words
// kFailedPrecondition if something that this needs is not installed.
absl::Status WriteBootFile(const std::string& path, const std::string& module,
                           const BootOptions& options);

// Whether WriteBootFile knows the ending.
bool IsBootFile(const std::string& path);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMAGE_BOOT_FILES_H_
