// The expectations of a case (oracle/judgement/expectation.h), put to the
// oracles and to the reference. Thread-safety: as Panel.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_EXPECTED_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_EXPECTED_H_

#include <string>
#include <vector>

#include "fuzzers/targets/panel.h"
#include "fuzzers/text/case_text.h"
#include "oracle/judgement/expectation.h"

namespace eptdiff {

// "VM exit 48, qualification 0x181 (bits 0xfff), GPA 0x1000".
std::string ExpectationWords(const Expectation& expectation);

// A line for each expectation of `text_case` that an answer does not fit, that
// the SDM's verdict excludes, or that nobody came to. An oracle that departs
// from the SDM as its dialect says it does is not held to it: that is known.
// Nor is one that abstains. Runs the case; replaces the observer of the panel's
// trial.
std::vector<std::string> UnmetExpectations(const TextCase& text_case,
                                           Panel& panel);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_EXPECTED_H_
