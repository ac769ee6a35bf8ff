// Collects what is wrong with a text: one line for each mistake, with the
// place, what is wrong and the line that it stands in.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_TEXT_PARSE_ERRORS_H_
#define EPTDIFF_FUZZERS_TEXT_PARSE_ERRORS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/io/tokenizer.h"

namespace eptdiff {

class ParseErrors : public google::protobuf::io::ErrorCollector {
 public:
  // Both must outlive this object.
  ParseErrors(absl::string_view filename, absl::string_view text)
      : filename_(filename), text_(text) {}

  // `line` and `column` count from 0, as protobuf does; line -1: unknown.
  void AddError(int line, int column, const std::string& message) override;

  bool empty() const { return count_ == 0; }

  // Ok, or kInvalidArgument with the first mistakes and how many there are.
  absl::Status ToStatus() const;

 private:
  absl::string_view Line(int line) const;

  absl::string_view filename_;
  absl::string_view text_;
  std::size_t count_ = 0;
  std::vector<std::string> lines_;  // the first few
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TEXT_PARSE_ERRORS_H_
