// Cases as text: reading and writing textproto of case.proto.
//
// What ParseCase() accepts is within every limit of a Case, so that nobody
// checks again. FormatCase() writes what a person would: hexadecimal patterns,
// decimal counts, defaults left out, a word of memory on a line, 80 columns.
// For a canonical case (oracle/case.h) ParseCase(FormatCase(c)) is c.
//
// This folder is a case as people read it, with Protocol Buffers and Abseil: no
// fuzz target but its own may use it. Begin with case.proto; memory_type_text.h
// has questions about memory types.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_TEXT_CASE_TEXT_H_
#define EPTDIFF_FUZZERS_TEXT_CASE_TEXT_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "oracle/case.h"
#include "oracle/judgement/expectation.h"

namespace eptdiff {

// A larger text is refused before it is looked at. A case of kMaxRecords
// records takes about a tenth of this.
inline constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;

// A case and what people say about it.
struct TextCase {
  Case c;
  std::string explanation = {};         // why it is kept
  std::string signature = {};           // of the finding that it came from
  std::string sdm_section = {};         // where the SDM settles it
  std::vector<std::string> rules = {};  // identifiers in rules.def
  std::string expected = {};            // what the SDM demands, in words
  std::vector<std::string> alterations = {};  // of a dialect, by name
  // By the number of the step; 0 is VM entry.
  std::map<std::size_t, Expectation> expectations = {};
  friend bool operator==(const TextCase&, const TextCase&) = default;
};

// The case that `text` describes. Otherwise kInvalidArgument, with a line
// "<filename>:<line>:<column>: <what, the field, its limit>" for each mistake.
absl::StatusOr<TextCase> ParseCase(std::string_view text,
                                   std::string_view filename);

std::string FormatCase(const TextCase& text_case);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TEXT_CASE_TEXT_H_
