#include "fuzzers/command/image/boot_files.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/fuzz/worker.h"
#include "fuzzers/command/image/programs.h"
#include "fuzzers/encoding/encoding.h"
#include "oracle/processor/module.h"

namespace eptdiff {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxProgramBytes = std::size_t{1} << 28;
constexpr std::chrono::seconds kTimeForGrub{120};

// GRUB's modules that an image needs: the rest is ten times as large.
constexpr char kGrubModules[] =
    "multiboot2 multiboot normal part_gpt part_msdos fat iso9660 all_video "
    "gfxterm serial echo halt reboot configfile search test";

std::string GrubConfiguration(const BootOptions& options, bool has_module) {
  return absl::StrCat(
      "set timeout=0\n"
      "insmod all_video\n"
      "menuentry \"eptdiff\" {\n"
      "  multiboot2 /boot/eptdiff.elf ",
      KernelArguments(options), "\n",
      has_module ? "  module2 /boot/eptdiff.cases\n" : "",
      // A BIOS has text; UEFI has a framebuffer alone.
      "  if [ \"$grub_platform\" = pc ]; then set gfxpayload=text; fi\n"
      "  boot\n"
      "}\n");
}

absl::Status CopyFile(const std::string& from, const std::string& to) {
  const auto bytes = ReadBytes(from, kMaxProgramBytes);
  if (!bytes.ok()) return bytes.status();
  return WriteFile(to, *bytes);
}

// Runs grub-mkrescue on `tree`; what it says is shown if it fails.
absl::Status MakeIso(const fs::path& tree, const fs::path& room,
                     const std::string& path) {
  const auto grub = FindProgram("grub-mkrescue");
  if (!grub.ok()) return grub.status();
  // It would say less of what it misses.
  for (const char* needed : {"xorriso", "mformat"}) {
    if (const auto there = FindProgram(needed); !there.ok()) {
      return there.status();
    }
  }
  const std::string made = (room / "made.iso").string();
  WorkerCommand command;
  command.arguments = {*grub,
                       "--output=" + made,
                       absl::StrCat("--install-modules=", kGrubModules),
                       "--locales=",
                       "--fonts=",
                       "--themes=",
                       tree.string()};
  command.environment = {{"TMPDIR", room.string()}};
  command.log = (room / "log").string();
  auto worker = Worker::Start(command);
  if (!worker.ok()) return worker.status();
  const auto end = std::chrono::steady_clock::now() + kTimeForGrub;
  while (!worker->HasEnded()) {
    if (std::chrono::steady_clock::now() > end) {
      return absl::DeadlineExceededError("grub-mkrescue does not end");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (worker->HowItEnded() != "exit status 0" || !fs::exists(made)) {
    const auto log = ReadBytes(command.log, std::size_t{1} << 20);
    return absl::InternalError(absl::StrCat("grub-mkrescue made no image (",
                                            worker->HowItEnded(), "):\n",
                                            log.ok() ? *log : ""));
  }
  return CopyFile(made, path);
}

}  // namespace

std::string KernelArguments(const BootOptions& options) {
  std::vector<std::string> words = {absl::StrCat("seed=", options.seed),
                                    absl::StrCat("seconds=", options.seconds)};
  if (options.repeat != 1) {
    words.push_back(absl::StrCat("repeat=", options.repeat));
  }
  if (!options.only.empty()) {
    words.push_back(absl::StrCat("only=", options.only));
  }
  if (!options.without.empty()) {
    words.push_back(absl::StrCat("without=", options.without));
  }
  if (!options.with.empty()) {
    words.push_back(absl::StrCat("with=", options.with));
  }
  if (!options.dialect.empty()) {
    words.push_back(absl::StrCat("dialect=", options.dialect));
  }
  if (!options.words.empty()) words.push_back(options.words);
  return absl::StrJoin(words, " ");
}

absl::StatusOr<std::string> FindBootProgram(const std::string& name) {
  std::vector<fs::path> places;
  if (const char* given = std::getenv("EPTDIFF_IMAGE_DIR");
      given != nullptr && *given != '\0') {
    places = {given};
  } else {
    std::error_code error;
    const fs::path self = fs::read_symlink("/proc/self/exe", error);
    const fs::path folder = self.parent_path();
    // Where it is installed, and where it is built.
    places = {folder.parent_path() / "lib" / "eptdiff",
              folder.parent_path() / "image"};
  }
  for (const fs::path& place : places) {
    std::error_code error;
    if (fs::is_regular_file(place / name, error)) return place / name;
  }
  std::string looked;
  for (const fs::path& place : places) {
    absl::StrAppend(&looked, "\n  ", (place / name).string());
  }
  return absl::NotFoundError(absl::StrCat(
      "there is no ", name, " beside this command; it was looked for at",
      looked,
      "\nIt is built by clang on x86-64 (the target eptdiff_image); "
      "EPTDIFF_IMAGE_DIR may name another place."));
}

std::string ModuleBytes(const std::vector<GivenCase>& cases) {
  std::vector<std::vector<std::uint8_t>> encoded;
  std::vector<ModuleCase> list;
  encoded.reserve(cases.size());
  for (const GivenCase& named : cases) {
    if (HasTableOperations(named.c)) continue;
    encoded.push_back(EncodeCase(named.c));
    list.push_back({named.name, encoded.back()});
  }
  const std::vector<std::uint8_t> bytes = WriteModule(list);
  return std::string(bytes.begin(), bytes.end());
}

bool IsBootFile(const std::string& path) {
  return absl::EndsWith(path, ".iso") || absl::EndsWith(path, ".elf") ||
         absl::EndsWith(path, ".efi");
}

absl::Status WriteBootFile(const std::string& path, const std::string& module,
                           const BootOptions& options) {
  const bool efi = absl::EndsWith(path, ".efi");
  const auto program = FindBootProgram(efi ? "eptdiff.efi" : "eptdiff.elf");
  if (!program.ok()) return program.status();
  if (!absl::EndsWith(path, ".iso")) {
    if (absl::Status s = CopyFile(*program, path); !s.ok()) return s;
    if (efi) {
      const absl::Status s =
          WriteFile(path + ".words", KernelArguments(options));
      if (!s.ok()) return s;
    }
    if (module.empty()) return absl::OkStatus();
    return WriteFile(path + ".cases", module);
  }
  std::string room = (fs::temp_directory_path() / "eptdiff-XXXXXX").string();
  if (mkdtemp(room.data()) == nullptr) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot make ", room));
  }
  const absl::Cleanup remove = [&] {
    std::error_code ignored;
    fs::remove_all(room, ignored);
  };
  const fs::path tree = fs::path(room) / "tree";
  std::error_code error;
  fs::create_directories(tree / "boot" / "grub", error);
  if (error) return absl::InternalError("cannot make a folder: " + room);
  absl::Status s = CopyFile(*program, tree / "boot" / "eptdiff.elf");
  if (s.ok() && !module.empty()) {
    s = WriteFile(tree / "boot" / "eptdiff.cases", module);
  }
  if (s.ok()) {
    s = WriteFile(tree / "boot" / "grub" / "grub.cfg",
                  GrubConfiguration(options, !module.empty()));
  }
  if (s.ok()) s = MakeIso(tree, room, path);
  return s;
}

}  // namespace eptdiff
