// Cases about builders of tables, for people: what became of them, told step by
// step, and kept as regression cases.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_BUILDER_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_BUILDER_WORDS_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/command/words/style.h"
#include "fuzzers/text/case_text.h"
#include "oracle/builder/builder_finding.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/case.h"

namespace eptdiff {

// What was asked for and what was found, each as what it is and in words: the
// entries of a page, and the one above that takes a right away; an entry; what
// an operation should have come to, and what to say in a profile if it is meant
// to be as it is.
using Facts = std::vector<std::pair<std::string, std::string>>;
Facts FactsOf(const Case& c, const BuilderFinding& finding);

// A step of a case about a builder, as BuilderStandings number them, in words.
std::string BuilderStepWords(const Case& c, std::size_t step);

// "builder agrees (5 answers compared)", or what it does wrong, and where.
std::string BuilderStandingsText(const BuilderUnderTest& builder,
                                 const BuilderStandings& standings,
                                 const Style& style);

// `c`, which shows the finding of `standings`, as it is kept.
TextCase BuilderRegressionCase(const Case& c, const BuilderUnderTest& builder,
                               const BuilderStandings& standings);

// Puts `c` to the builder and tells what happened: of an operation its result,
// the stores in words, frames and INVEPT; of an access what it met. Replaces
// the trial's observer.
std::string ExplainTables(BuilderTrial& trial, const Case& c,
                          const Style& style);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_BUILDER_WORDS_H_
