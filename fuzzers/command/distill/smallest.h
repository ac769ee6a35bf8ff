// The smallest case that still shows a finding, and what to say of it.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_DISTILL_SMALLEST_H_
#define EPTDIFF_FUZZERS_COMMAND_DISTILL_SMALLEST_H_

#include <cstddef>
#include <string>

#include "fuzzers/targets/panel.h"
#include "fuzzers/text/case_text.h"
#include "oracle/case.h"

namespace eptdiff {

// `c` reduced as far as it goes while it shows `signature`, which it must.
Case Smallest(Panel& panel, const Case& c, const std::string& signature);

// `c` with the explanation of its finding of this signature.
TextCase Documented(Panel& panel, const Case& c, const std::string& signature);

// How much there is to read in a case: for choosing among several.
std::size_t SizeOf(const Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_DISTILL_SMALLEST_H_
