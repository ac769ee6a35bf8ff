// `eptdiff fuzz` as a page: the run over time, what disagreed, who answered.
// Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_FUZZ_PAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_FUZZ_PAGE_H_

#include <string>
#include <vector>

#include "fuzzers/command/fuzz/fuzz_history.h"
#include "fuzzers/command/fuzz/fuzz_run.h"
#include "fuzzers/command/report/fuzz_report.h"

namespace eptdiff {

// A whole page.
std::string FuzzPage(const FuzzOptions& options, const FuzzResult& result,
                     const FuzzHistory& history, const CorpusDecides& decides,
                     const std::vector<Disagreed>& disagreements);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_FUZZ_PAGE_H_
