// The nearest valid spelling of a word that was mistyped.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_OPTIONS_NEAREST_H_
#define EPTDIFF_FUZZERS_COMMAND_OPTIONS_NEAREST_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace eptdiff {

// How many letters must be inserted, removed, replaced or swapped with their
// neighbour to turn one word into the other. O(|a| |b|).
std::size_t EditDistance(absl::string_view a, absl::string_view b);

// The candidate nearest to `word`, the first of several, upper and lower case
// being alike; "" if no candidate has half of its letters.
std::string NearestTo(absl::string_view word,
                      const std::vector<std::string>& candidates);

// "; did you mean run?", the end of an error message; "" if there is none.
std::string DidYouMean(absl::string_view word,
                       const std::vector<std::string>& candidates);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_OPTIONS_NEAREST_H_
