// What libFuzzer learns from: which rules of the reference had a consequence,
// and what was asked. The targets' mutators work on cases, so that the edges of
// engine and decoder tell little that these do not.
//
// This folder is what a run tells of itself: to libFuzzer (here), to the report
// (statistics.h), to whoever started it (target_host.h). It uses the
// reference's trace. Begin here.
//
// Thread-safety: none; one for each process.
#ifndef EPTDIFF_FUZZERS_FEEDBACK_FEEDBACK_H_
#define EPTDIFF_FUZZERS_FEEDBACK_FEEDBACK_H_

#include "oracle/case.h"
#include "oracle/reference/rule_places.h"

namespace eptdiff {

// That case `c` is asked. libFuzzer's extra counters get it.
void PublishQuestions(const Case& c);

// That rules had a consequence in these places of it. How often does not count:
// numbers of times would make every combination of steps a case to keep.
void PublishConsequences(const RulePlaces& consequences);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_FEEDBACK_FEEDBACK_H_
