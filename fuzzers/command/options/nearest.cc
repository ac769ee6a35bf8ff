#include "fuzzers/command/options/nearest.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace eptdiff {

std::size_t EditDistance(absl::string_view a, absl::string_view b) {
  // Rows of the usual table: distances of prefixes of a to those of b.
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1),
      row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last = std::exchange(last, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

namespace {

// By which `candidate` is chosen for `word`, whatever the case of letters. Who
// types the beginning of a long word means that word.
std::size_t Farness(absl::string_view word, absl::string_view candidate) {
  const std::size_t distance = EditDistance(absl::AsciiStrToLower(word),
                                            absl::AsciiStrToLower(candidate));
  const bool begins =
      !word.empty() && absl::StartsWithIgnoreCase(candidate, word);
  return begins ? std::min<std::size_t>(distance, 1) : distance;
}

}  // namespace

std::string NearestTo(absl::string_view word,
                      const std::vector<std::string>& candidates) {
  const auto nearest =
      std::min_element(candidates.begin(), candidates.end(),
                       [word](const std::string& a, const std::string& b) {
                         return Farness(word, a) < Farness(word, b);
                       });
  if (nearest == candidates.end()) return "";
  const std::size_t longer = std::max(word.size(), nearest->size());
  return 2 * Farness(word, *nearest) <= longer ? *nearest : "";
}

std::string DidYouMean(absl::string_view word,
                       const std::vector<std::string>& candidates) {
  const std::string nearest = NearestTo(word, candidates);
  return nearest.empty() ? "" : absl::StrCat("; did you mean ", nearest, "?");
}

}  // namespace eptdiff
