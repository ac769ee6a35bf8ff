// Between the standard's string_view and Abseil's, which Debian 12 builds as a
// type of its own. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_TEXT_VIEW_H_
#define EPTDIFF_FUZZERS_TEXT_VIEW_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace eptdiff {

inline absl::string_view View(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TEXT_VIEW_H_
