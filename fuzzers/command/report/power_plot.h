// The plot of `eptdiff power`: how large a share of the alterations has been
// noticed, over executions and over seconds, both logarithmic.
// Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_POWER_PLOT_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_POWER_PLOT_H_

#include <cstddef>
#include <string>

#include "fuzzers/command/fuzz/power_run.h"

namespace eptdiff {

// An SVG image. `alterations` is how many there are to notice.
std::string PowerSvg(std::size_t alterations, const PowerResults& results);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_POWER_PLOT_H_
