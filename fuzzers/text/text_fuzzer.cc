// Arbitrary text never crashes the reader of cases, and what it accepts means
// the same when it is written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "fuzzers/text/case_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using eptdiff::FormatCase;
  using eptdiff::ParseCase;
  using eptdiff::TextCase;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<TextCase> parsed = ParseCase(text, "input");
  if (!parsed.ok()) return -1;
  const absl::StatusOr<TextCase> again =
      ParseCase(FormatCase(*parsed), "input");
  if (!again.ok() || *again != *parsed) std::abort();
  return 0;
}
