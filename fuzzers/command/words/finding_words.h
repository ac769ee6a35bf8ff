// What came of one oracle in one case, for reports and regression files.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_FINDING_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_FINDING_WORDS_H_

#include <string>

#include "fuzzers/command/words/style.h"
#include "fuzzers/text/case_text.h"
#include "oracle/judgement/trial.h"
#include "oracle/oracle.h"

namespace eptdiff {

// "agrees (3 steps compared)", "DISAGREES at step 2 ..." with a line for each
// field, "no answer: ...". Of what became of `oracle` in `c`.
std::string StandingsText(const Case& c, const Oracle& oracle,
                          const Standings& standings, const Style& style);

// What `oracle` answered in the case that it was asked last: the event, or what
// outside code did instead of answering.
std::string GivenWords(const Oracle& oracle, const Event& event);

// A regression case: `c`, with the signature, the rules and an explanation of
// the finding. `standings` must disagree.
TextCase RegressionCase(const Case& c, const Oracle& oracle,
                        const Standings& standings);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_FINDING_WORDS_H_
