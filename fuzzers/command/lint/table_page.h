// A table of paging structures as it lies in memory.
#ifndef EPTDIFF_FUZZERS_COMMAND_LINT_TABLE_PAGE_H_
#define EPTDIFF_FUZZERS_COMMAND_LINT_TABLE_PAGE_H_

#include <array>
#include <cstdint>

namespace eptdiff {

using TablePage = std::array<std::uint64_t, 512>;

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_LINT_TABLE_PAGE_H_
