#include "fuzzers/command/files/writable.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace eptdiff {
namespace {

namespace fs = std::filesystem;

absl::Status Cannot(const std::string& path, const fs::path& where,
                    absl::string_view why) {
  return absl::PermissionDeniedError(
      absl::StrCat("cannot write ", path,
                   where == path ? "" : ": " + where.string(), ": ", why));
}

absl::Status CheckAccess(const std::string& path, const fs::path& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return Cannot(path, directory, std::strerror(ENOTDIR));
  }
  if (access(directory.c_str(), W_OK | X_OK) != 0) {
    return Cannot(path, directory, std::strerror(errno));
  }
  return absl::OkStatus();
}

fs::path ParentOf(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

}  // namespace

absl::Status CheckFileCanBeWritten(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::is_directory(status)) {
    return Cannot(path, path, std::strerror(EISDIR));
  }
  // A device, a pipe: written in place.
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    return access(path.c_str(), W_OK) == 0
               ? absl::OkStatus()
               : Cannot(path, path, std::strerror(errno));
  }
  const fs::path parent = ParentOf(path);
  if (!fs::exists(parent, error)) {
    return Cannot(path, parent, std::strerror(ENOENT));
  }
  return CheckAccess(path, parent);
}

absl::Status CheckDirectoryCanBeMade(const std::string& path) {
  if (path.empty()) return absl::OkStatus();
  std::error_code error;
  fs::path there = fs::path(path).lexically_normal();
  while (!fs::exists(there, error) && there != ParentOf(there)) {
    there = ParentOf(there);
  }
  return CheckAccess(path, there);
}

}  // namespace eptdiff
