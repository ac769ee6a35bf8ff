// Reads the lines of report.h out of a log, as far as they go.
//
// A log is cut short, has other lines between, comes from a program of another
// version, or holds several runs: whatever it is, what can be believed is
// read, and the rest is listed with its line. A line that was damaged is none;
// of several runs the last one is read.
//
// For the command; not part of an image. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_PROCESSOR_REPORT_READER_H_
#define EPTDIFF_ORACLE_PROCESSOR_REPORT_READER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/types.h"
#include "oracle/oracle.h"
#include "oracle/outcome.h"
#include "oracle/processor/report.h"

namespace eptdiff {

// What is wrong with a log, and where: "line 12: cut short".
struct LogTrouble {
  std::size_t line = 0;  // from 1 on
  std::string words;
};

struct AskedMachine {
  std::string vendor, hypervisor, brand, firmware;
  std::uint32_t family = 0, model = 0, stepping = 0, microcode = 0;
  std::uint64_t arch_capabilities = 0;
  Processor processor;
  std::map<std::uint32_t, std::uint64_t> msrs;
  struct Range {
    std::uint64_t first = 0, bytes = 0;
    std::uint32_t type = 0;
  };
  std::vector<Range> memory;
};

// Or an answer that agrees, or whatever was told of all that was asked, and
// then without what is about a disagreement.
struct ReportedFinding {
  std::size_t line = 0;
  std::string name;  // of the case
  std::uint64_t index = 0;
  std::uint64_t step = 0;
  std::string signature;
  std::string field, rule;
  std::uint64_t expected = 0, given = 0;
  std::uint64_t seen = 0, of = 0;
  FieldSet fields = kAllFields;  // that are known of the answer
  bool keeps = false;            // it may rest on what was kept of translations
  Outcome answer;
  // Encodings; empty unless they are whole.
  std::vector<std::uint8_t> generated, moved;
};

struct ReportedHarnessError {
  std::size_t line = 0;
  std::string words, name;
  std::uint64_t index = 0, step = 0;
};

struct ImageReport {
  bool begun = false;  // there is a run in the log that this program can read
  bool ended = false;  // it came to its end
  std::string image;   // its version
  unsigned encoding = 0;
  unsigned rules = 0;
  AskedMachine machine;
  std::uint64_t module_cases = 0, seed = 0, seconds = 0, repeat = 1;
  std::string only;
  std::string dialect = "sdm";  // by which the image has judged
  FieldSet fields = kAllFields;
  std::string refused, advice;
  ReportCounts counts;  // the last that were told
  std::vector<ReportedFinding> findings;
  std::vector<ReportedFinding> agreed;
  // All answers, if they were told; the first of a case has what was moved.
  std::vector<ReportedFinding> asked;
  std::vector<ReportedHarnessError> harness_errors;
  std::map<std::string, std::uint64_t> skips;
  std::vector<std::uint8_t> met;
  struct Seen {
    std::string what;
    std::uint64_t times = 0, of = 0;
  };
  std::vector<Seen> seen;
  // Of the answers that are permitted to a step, one that was given.
  struct Variant {
    std::string name;
    std::uint64_t step = 0;
    bool kept = false;
    Event event;  // kind, exit reason, address
    std::uint64_t times = 0, of = 0;
  };
  std::vector<Variant> variants;
  std::vector<LogTrouble> troubles;
};

class ReportReader {
 public:
  // The next bytes of the log; lines may be split anywhere.
  void Add(std::string_view bytes);
  // That there are no more.
  void Finish();

  // So far. Findings are whole only after Finish().
  const ImageReport& report() const { return report_; }

 private:
  using Fields = std::map<std::string, std::string, std::less<>>;
  struct Pieces {
    std::vector<std::uint8_t> bytes;
    std::size_t of = 0;
    bool broken = false;
  };

  void Line(std::string_view line);
  void Marked(std::string_view text);
  void Take(std::string_view kind, const Fields& fields);
  void Begin(const Fields& fields);
  void TakeMachine(std::string_view kind, const Fields& fields);
  using Findings = std::vector<ReportedFinding> ImageReport::*;
  void TakeFinding(const Fields& fields, Findings list);
  void TakeAnswer(std::string_view kind, const Fields& fields);
  void TakeVariant(const Fields& fields);
  void TakeBytes(std::string_view kind, const Fields& fields);
  void EndRun();
  ReportedFinding* FindNumber(std::uint64_t number);
  ReportedFinding* FindingOf(const Fields& fields);
  void Complain(std::string words);

  ImageReport report_;
  std::string pending_;  // of a line
  std::size_t line_ = 0;
  bool other_version_ = false;
  // In which list, and where.
  std::map<std::uint64_t, std::pair<Findings, std::size_t>> numbers_;
  std::map<std::pair<std::uint64_t, bool>, Pieces> pieces_;  // true: moved
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_REPORT_READER_H_
