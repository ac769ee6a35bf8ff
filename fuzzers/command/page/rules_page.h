// `eptdiff rules --corpus` as a page: which rules a corpus decides, and where.
// Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_RULES_PAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_RULES_PAGE_H_

#include <cstddef>
#include <string>

#include "fuzzers/command/distill/decided.h"

namespace eptdiff {

// A whole page; `decided` counts, and was given so many cases.
std::string RulesPage(const std::string& corpus, std::size_t cases,
                      const DecidedRules& decided);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_RULES_PAGE_H_
