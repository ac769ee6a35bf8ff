#include "fuzzers/command/files/corpus.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace eptdiff {
namespace {

bool IsCaseName(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return !name.starts_with('.') &&
         (!path.has_extension() || path.extension() == ".textproto");
}

bool IsMemoryTypeName(const std::filesystem::path& path) {
  return !path.filename().string().starts_with('.') &&
         path.extension() == ".mtrr";
}

absl::StatusOr<std::vector<std::string>> FilesUnder(
    const std::string& directory,
    bool (*is_wanted)(const std::filesystem::path&)) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return absl::FailedPreconditionError(absl::StrCat(
        directory, error ? ": " + error.message() : " is not a directory"));
  }
  std::vector<std::string> files;
  fs::recursive_directory_iterator entry(directory, error);
  for (; !error && entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    std::error_code gone;  // while we look: a fuzzer may be at work
    if (entry->is_regular_file(gone) && is_wanted(entry->path())) {
      files.push_back(entry->path().string());
    }
  }
  if (error) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot read ", directory, ": ", error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

absl::StatusOr<std::vector<std::string>> CasesUnder(
    const std::string& directory) {
  return FilesUnder(directory, IsCaseName);
}

absl::StatusOr<std::vector<std::string>> MemoryTypeCasesUnder(
    const std::string& directory) {
  return FilesUnder(directory, IsMemoryTypeName);
}

}  // namespace eptdiff
