// Which of libFuzzer's artifacts have been triaged, in a file. A run that was
// killed leaves artifacts that have not; the next one takes them along, so that
// nothing found is lost.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_TRIAGED_LIST_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_TRIAGED_LIST_H_

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace eptdiff {

class TriagedList {
 public:
  // The list in the file `path`; empty if there is none.
  explicit TriagedList(std::string path);

  // The artifacts in the directory that are not in the list.
  std::vector<std::string> NotYet(const std::string& directory) const;

  // Adds to the list, and to the file.
  absl::Status Add(const std::vector<std::string>& artifacts);

 private:
  const std::string path_;
  std::set<std::string> names_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_TRIAGED_LIST_H_
