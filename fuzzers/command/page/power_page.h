// `eptdiff power` as a page: how soon the alterations are noticed, all together
// and each by itself; and its plot. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_POWER_PAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_POWER_PAGE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "fuzzers/command/fuzz/power_run.h"

namespace eptdiff {

// A whole page, about these alterations.
std::string PowerPage(const std::vector<std::string>& alterations,
                      const PowerResults& results);

// An SVG image: how large a share of so many alterations has been noticed, over
// executions and over seconds, both logarithmic.
std::string PowerSvg(std::size_t alterations, const PowerResults& results);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_POWER_PAGE_H_
