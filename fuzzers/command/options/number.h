// Numbers as people copy them from logs and manuals. Thread-safety: pure.
#ifndef EPTDIFF_FUZZERS_COMMAND_OPTIONS_NUMBER_H_
#define EPTDIFF_FUZZERS_COMMAND_OPTIONS_NUMBER_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace eptdiff {

// "0x83", "83H", "0x1234_5678", "0x0000`1234", "131". None if it is no number,
// or one of more than 64 bits.
std::optional<std::uint64_t> NumberIn(absl::string_view text);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_OPTIONS_NUMBER_H_
