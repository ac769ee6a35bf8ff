// Questions about memory types as text: reading and writing textproto of
// memory_type.proto, as case_text.h does it with cases.
//
// What is accepted is within every limit. ParseMemoryTypeCase() of what
// FormatMemoryTypeCase() gives is the same again.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_TEXT_MEMORY_TYPE_TEXT_H_
#define EPTDIFF_FUZZERS_TEXT_MEMORY_TYPE_TEXT_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "oracle/mtrr/mtrrs.h"

namespace eptdiff {

// A question and what people say about it.
struct MemoryTypeCase {
  MtrrQuestion question;
  std::string explanation = {};  // why it is kept
  std::string signature = {};    // of the finding that it came from
  std::string sdm_section = {};  // where the SDM settles it
  std::string expected = {};     // what the SDM permits, in words
  friend bool operator==(const MemoryTypeCase&,
                         const MemoryTypeCase&) = default;
};

// Otherwise kInvalidArgument, with a line "<filename>:<line>:<column>: <what>"
// for each mistake.
absl::StatusOr<MemoryTypeCase> ParseMemoryTypeCase(std::string_view text,
                                                   std::string_view filename);

std::string FormatMemoryTypeCase(const MemoryTypeCase& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TEXT_MEMORY_TYPE_TEXT_H_
