// What a report of a check says, sentence by sentence: the text report lays it
// out in lines, the page in sections. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_WORDS_H_

#include <string>
#include <utility>
#include <vector>

#include "fuzzers/command/report/check_report.h"

namespace eptdiff {

// What was asked: "386566 cases (710 from the corpus), ... in 3.0 s"; and what
// there is to know about it, a sentence each.
std::string RunWords(const CheckReport& report);
std::vector<std::string> RunNotes(const CheckReport& report);

// "departs", "from the SDM".
struct Conclusion {
  std::string verdict;
  std::string rest;
};
Conclusion ConclusionOf(const CheckReport& report);

// "CFG-9 (SDM table 29-5; ...)", and the sentence with how often it was seen.
std::string FindingHead(const CheckFinding& finding);
std::string FindingSentence(const CheckFinding& finding);
// What it is told by: "step", "expected", "given" and the like, with the words
// of each.
std::vector<std::pair<std::string, std::string>> FindingItems(
    const CheckFinding& finding);
// The case, or the question where there is none; "" if neither is known.
std::string FindingQuestion(const CheckFinding& finding);

// Of findings that are alike, the first is told, and the others are named.
struct ToldFinding {
  const CheckFinding* finding;
  std::string alike;  // "2 more, which have the same fields wrong: ..."; ""
};
std::vector<ToldFinding> ToldFindings(
    const std::vector<const CheckFinding*>& findings);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_WORDS_H_
