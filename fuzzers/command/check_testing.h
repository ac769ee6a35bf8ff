// For tests of `eptdiff check`: runs it on an example that makes a mistake, and
// reads its report.
#ifndef EPTDIFF_FUZZERS_COMMAND_CHECK_TESTING_H_
#define EPTDIFF_FUZZERS_COMMAND_CHECK_TESTING_H_

#include <string>
#include <vector>

#include "fuzzers/command/command_testing.h"

namespace eptdiff {

struct Checked {
  Ran ran;
  std::vector<std::string> departures;   // rules
  std::vector<std::string> alterations;  // of the departures, by name
  std::vector<std::string> findings;
};

// A mistake of an example, the rules that `check` then names, and, if it is
// told, the one alteration.
struct Mistake {
  std::string bug;
  std::vector<std::string> rules;
  std::string alteration = {};
};

// Checks `target`, an example, that makes the mistake `bug` ("": none).
Checked Check(const std::string& target, const std::string& bug,
              const std::string& cases = "20000");

// Wrapped lines as one, with single blanks.
std::string Joined(const std::string& text);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CHECK_TESTING_H_
