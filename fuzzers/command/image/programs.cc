#include "fuzzers/command/image/programs.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace eptdiff {
namespace {

absl::Status Missing(const std::string& what, const std::string& package) {
  return absl::FailedPreconditionError(
      absl::StrCat(what,
                   " is not installed: ci/setup --image, or\n  "
                   "apt-get install --no-install-recommends ",
                   package));
}

std::string PackageOf(const std::string& program) {
  static const std::map<std::string, std::string> packages = {
      {"bochs", "bochs bochsbios vgabios"},
      {"qemu-system-x86_64", "qemu-system-x86 ovmf"},
      {"grub-mkrescue",
       "grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools"},
      {"xorriso", "xorriso"},
      {"mformat", "mtools"}};
  const auto at = packages.find(program);
  return at == packages.end() ? program : at->second;
}

}  // namespace

absl::StatusOr<std::string> FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  for (const absl::string_view folder :
       absl::StrSplit(path == nullptr ? "" : path, ':')) {
    std::string file = absl::StrCat(folder, "/", name);
    if (!folder.empty() && access(file.c_str(), X_OK) == 0) return file;
  }
  return Missing(name, PackageOf(name));
}

absl::StatusOr<std::string> FindFileOf(const std::string& package,
                                       const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    std::error_code error;
    if (std::filesystem::is_regular_file(file, error)) return file;
  }
  return Missing(files.front(), package);
}

}  // namespace eptdiff
