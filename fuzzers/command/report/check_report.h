// What came of checking a target: for people, and as JSON, JUnit XML, SARIF.
//
// This folder tells what came of a run: of a check here and in check_rules.h,
// of fuzzing in fuzz_report.h, of `eptdiff power` in power_report.h; and a rule
// by itself in rule_description.h. json.h is for machines. It uses words/, and
// the results of those who ran. Begin here; the sentences are in check_words.h.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_REPORT_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/command/report/check_rules.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/text/case_text.h"
#include "fuzzers/text/memory_type_text.h"
#include "oracle/judgement/consequence.h"
#include "oracle/target/object/edge_map.h"

namespace eptdiff {

// One thing that the target does and should not.
struct CheckFinding {
  // Of the rule; of an incident, what happened; of what experiments found out,
  // its effect: "reaches-ept-write".
  std::string identifier;
  std::string breaks;      // the rule that its case breaks, if no other is told
  std::string name;        // of its file and in other tools; "": the signature
  std::string alteration;  // of a departure, by name
  std::string sdm_section;  // "" if the SDM has nothing to do with it
  std::string sentence;     // what it does
  Consequence consequence = Consequence::kUnknown;
  std::set<Protection> protections;  // that fall, where accesses get through
  // Alterations that would explain it as well, in words.
  std::vector<std::string> inseparable;
  std::string signature;
  std::uint64_t cases = 0;
  bool has_case = false;
  TextCase text_case;                          // the smallest case known
  std::optional<MemoryTypeCase> memory_types;  // in place of a case
  std::string step;                            // of it, in words
  std::string expected;                        // what the SDM permits there
  std::string given;
  // What else is known of it: what it is, and that in words.
  std::vector<std::pair<std::string, std::string>> facts;
  bool lacks_frames = false;  // of a builder: it takes an allocation that fails
  // Of what was found out by experiment, its table, a line each.
  std::vector<std::string> experiment;
  // Equal where the same fields of an answer are wrong: one mistake may show
  // under as many signatures as rules lead there. "" if it is like no other.
  std::string likeness;
  std::string output;                 // what the target printed, of an incident
  std::vector<CheckFinding> follows;  // incidents that have the same cause

  const std::string& told_as() const { return name.empty() ? signature : name; }
};

// What a target does.
enum class CheckedKind : std::uint8_t {
  kWalker,
  kBuilder,
  kMemoryTypes,
  kMachine,  // `eptdiff image`: a rule is decided that had a consequence there
};

struct CheckReport {
  // What follows about rules is known of walkers, and of machines in part.
  CheckedKind kind = CheckedKind::kWalker;
  std::string target;  // as the user named it
  std::string name;
  double seconds = 0;
  std::uint64_t cases = 0;
  std::uint64_t given = 0;  // of them, from the corpus
  std::uint64_t unfit = 0;  // of the corpus: ask for what is not modelled
  std::uint64_t steps = 0;  // judged
  std::uint64_t disagreeing = 0;
  double harness_microseconds = 0;  // of a case, without the target's own
  std::string machine;              // kMachine: which one
  std::size_t places = 0;  // kMachine: in how many some rule had a consequence
  EdgeCount edges;         // of the target's own code, if it counts them
  std::vector<RuleReport> rules;
  std::vector<std::pair<std::string, std::uint64_t>> skipped;  // by reason
  std::vector<CheckFinding> departures;  // explained by alterations
  std::vector<CheckFinding> findings;    // incidents, and what nothing explains
  std::vector<CheckFinding> allowed;     // of either, and none of them
  std::vector<std::string> remarks;      // other explanations

  bool agrees() const { return departures.empty() && findings.empty(); }
};

// One, or of an object that is several things: in the order of CheckedKind.
using CheckReports = std::vector<CheckReport>;

bool Agrees(const CheckReports& reports);

// Departures and further findings together, as they are told. Of walkers and
// machines the worst come first, by what follows from them and by which
// protection falls, then the more frequent.
std::vector<const CheckFinding*> Ranked(const CheckReport& report);

// Names what experiments found out by its effect, no two alike, in that order.
void NameByEffect(CheckReport& report);

// Remarks how many of `corpus` cases were not put to the target before the end.
void AddUnasked(std::uint64_t corpus, CheckReport& report);

// Under 80 columns; `whole`: with each rule in each situation. Ends with a
// newline.
std::string CheckText(const CheckReports& reports, bool whole,
                      const Style& style);

// An object; the reports after the first are its members "builder" and
// "memory_types".
std::string CheckJson(const CheckReports& reports);
// Test suites: a test case for each rule, and for each finding.
std::string CheckJUnit(const CheckReports& reports);
// SARIF 2.1.0, with a run for each report.
std::string CheckSarif(const CheckReports& reports);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_CHECK_REPORT_H_
