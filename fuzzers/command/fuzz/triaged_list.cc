#include "fuzzers/command/fuzz/triaged_list.h"

#include <cstddef>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/fuzz/triage.h"

namespace eptdiff {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

}  // namespace

TriagedList::TriagedList(std::string path) : path_(std::move(path)) {
  const auto text = ReadBytes(path_, kMaxBytes);
  if (!text.ok()) return;
  for (const absl::string_view name :
       absl::StrSplit(*text, '\n', absl::SkipEmpty())) {
    names_.emplace(name);
  }
}

std::vector<std::string> TriagedList::NotYet(
    const std::string& directory) const {
  std::vector<std::string> artifacts;
  const auto all = ArtifactsIn(directory);
  if (!all.ok()) return artifacts;
  for (const std::string& artifact : *all) {
    if (names_.count(artifact) == 0) artifacts.push_back(artifact);
  }
  return artifacts;
}

absl::Status TriagedList::Add(const std::vector<std::string>& artifacts) {
  names_.insert(artifacts.begin(), artifacts.end());
  return WriteFile(path_, absl::StrCat(absl::StrJoin(names_, "\n"), "\n"));
}

}  // namespace eptdiff
