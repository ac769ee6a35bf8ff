// What a sweep over a tree says, sentence by sentence: the text report lays it
// out in lines, the page in sections. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_LINT_LINT_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_LINT_LINT_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/command/lint/lint_report.h"
#include "fuzzers/command/lint/tree_sweep.h"

namespace eptdiff {

// "image", "EPTP", "assumed", "mapped", "needs", with the words of each.
std::vector<std::pair<std::string, std::string>> LintFacts(
    const LintSubject& subject, const TreeSweep& sweep);

// Things of one kind.
struct LintList {
  std::string lead;   // "MISCONFIGURED"
  std::string title;  // "Misconfigured entries"
  bool bad = false;
  struct Thing {
    std::string words;
    std::uint64_t gpa = 0;  // where in the map it belongs
  };
  std::vector<Thing> things = {};  // at most `most` of them ...
  std::uint64_t count = 0;         // ... of all
};
// Those that have something in them, the worst first.
std::vector<LintList> LintLists(const LintSubject& subject,
                                const TreeSweep& sweep, std::size_t most);

// What else there is to know, in sentences.
std::vector<std::string> LintNotes(const TreeSweep& sweep);

// "0x0 to 0xfff"; and what is mapped there: "identity, 4 KBytes, read; WB".
std::string SpanWords(std::uint64_t begin, std::uint64_t bytes);
std::string RangeWords(const MappedRange& range, bool mbec);
// What is not: "nothing, 128 KBytes".
std::string HoleWords(std::uint64_t bytes);
// "read, write; WB".
std::string AttributeWords(const MappedRange& range, bool mbec);

// "PDPTE" of an EPT entry's level.
std::string EptLevelWords(int level);

// The rules that a misconfigured entry breaks, with the machine as it is known.
std::string RulesBrokenBy(const FoundEntry& entry, DecodeContext context);

// What a processor must have for these tables to mean what they mean here.
std::vector<std::string> NeedsWords(const LintSubject& subject,
                                    const TreeSweep& sweep);

// Whether the map is the identity, and which is the first page that is not
// mapped to itself.
std::string IdentityWords(const TreeSweep& sweep);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_LINT_LINT_WORDS_H_
