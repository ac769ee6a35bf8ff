// What is permitted of whoever keeps translations (29.4), step by step: it
// depends on the answers so far, which say what was kept and what ended it.
//
// So there are several verdicts on a step, and each answer leads to one of the
// next step's. Two are one where nobody could be told by which he is judged,
// then or later. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_VECTORS_CACHED_VERDICTS_H_
#define EPTDIFF_FUZZERS_COMMAND_VECTORS_CACHED_VERDICTS_H_

#include <cstddef>
#include <vector>

#include "oracle/case.h"
#include "oracle/outcome.h"
#include "oracle/verdict.h"

namespace eptdiff {

struct CachedAnswer {
  Alternative alternative;
  bool kept = false;  // memory alone does not permit it
  // The number of the verdict on the next step; or what follows is not said.
  std::size_t then = 0;
  bool last = false;
};

struct CachedVerdict {
  Registers before;
  std::vector<CachedAnswer> answers;  // those by what memory has come first
};

// By step, the first verdict being that on who has always answered by what
// memory has. Empty for a step on which all are judged as who keeps nothing is.
std::vector<std::vector<CachedVerdict>> CachedVerdictsOf(const Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_VECTORS_CACHED_VERDICTS_H_
