// What follows from a finding, in words, and for machines in one.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_CONSEQUENCE_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_CONSEQUENCE_WORDS_H_

#include <set>
#include <string>
#include <string_view>

#include "oracle/builder/builder_finding.h"
#include "oracle/judgement/consequence.h"

namespace eptdiff {

// Of a builder that breaks a rule.
Consequence ConsequenceOf(BuilderRule broken);

// "accesses get through that the SDM forbids".
std::string_view WordsOf(Consequence consequence);
// "reaches".
std::string_view NameOf(Consequence consequence);

// "EPT's against writes and fetches, and the guest's against reads".
std::string WordsOf(const std::set<Protection>& protections);
// "ept-write".
std::string_view NameOf(Protection protection);
// "ept-write-fetch"; where EPT's falls, the guest's is not named.
std::string NameOf(const std::set<Protection>& protections);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_CONSEQUENCE_WORDS_H_
