// Writes the lines of report.h, to wherever they go: by a function, without
// allocating anything. Each line is handed over whole, with its newline, in as
// many pieces as it takes.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_PROCESSOR_REPORT_WRITER_H_
#define EPTDIFF_ORACLE_PROCESSOR_REPORT_WRITER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "engine/types.h"
#include "oracle/judgement/judge.h"
#include "oracle/outcome.h"
#include "oracle/processor/report.h"

namespace eptdiff {

// CPUID and MSRs that say which machine this is; text may be padded with
// blanks or zeros.
struct MachineFacts {
  std::string_view vendor;      // leaf 0
  std::string_view hypervisor;  // leaf 40000000H; empty: none
  std::string_view brand;       // leaves 80000002H to 80000004H
  std::string_view firmware;    // "BIOS", "UEFI", or what is known
  std::uint32_t family = 0;
  std::uint32_t model = 0;
  std::uint32_t stepping = 0;
  std::uint32_t microcode = 0;
  std::uint64_t arch_capabilities = 0;
};

struct RunFacts {
  std::uint64_t module_cases = 0;
  std::uint64_t seed = 0;  // of what is generated; seconds 0: nothing is
  std::uint64_t seconds = 0;
  std::uint64_t repeat = 1;
  std::string_view only;             // what it was confined to; empty: nothing
  std::string_view dialect = "sdm";  // by which answers are judged
  FieldSet fields = kAllFields;      // that its answers fill in (oracle.h)
};

struct FindingFacts {
  std::uint64_t number = 0;  // from 1 on
  std::string_view name;     // of the case
  std::uint64_t index = 0;   // of the case in the run
  std::uint64_t step = 0;    // 0 is VM entry
  bool keeps = false;        // it may rest on what was kept of translations
  std::string_view signature;
  Disagreement first;
  Outcome answer;
  FieldSet fields = kAllFields;             // that are known of it
  std::span<const std::uint8_t> generated;  // encodings
  std::span<const std::uint8_t> moved;
  std::uint64_t seen = 1;
  std::uint64_t of = 1;
};

// One of the answers that a case of the module was given to a step to which
// several are permitted.
struct VariantFacts {
  std::string_view name;
  std::uint64_t step = 0;
  bool kept = false;  // it rests on what was kept, and not on memory alone
  EventKind event = EventKind::kCompleted;
  std::uint16_t exit_reason = 0;
  Hpa address = {};  // of what completed
  std::uint64_t times = 0;
  std::uint64_t of = 0;  // answers to that step
};

class ReportWriter {
 public:
  using Sink = void (*)(void* context, std::string_view text);

  ReportWriter(Sink sink, void* context) : sink_(sink), context_(context) {}

  void Begin(std::string_view image_version, unsigned encoding_version);
  void Machine(const MachineFacts& facts);
  void ProcessorIs(const Processor& processor);
  void Msr(std::uint32_t index, std::uint64_t value);
  void Memory(std::uint64_t first, std::uint64_t bytes, std::uint32_t type);
  void Run(const RunFacts& facts);
  void Refused(std::string_view words, std::string_view advice);
  void Progress(const ReportCounts& counts);
  void Finding(const FindingFacts& finding);
  // Of an answer that agrees: number, name, index, step, keeps, answer, fields,
  // moved.
  void Agreed(const FindingFacts& agreed);
  // Likewise of any answer; moved: empty if it has been told.
  void Asked(const FindingFacts& asked);
  void HarnessError(std::string_view words, std::string_view name,
                    std::uint64_t index, std::uint64_t step);
  void Skips(std::string_view words, std::uint64_t steps);
  // Of RulePlaces: bit i of byte n is the place 8 * n + i.
  void Met(std::span<const std::uint8_t> places);
  void Seen(std::string_view what, std::uint64_t times, std::uint64_t of);
  void Variant(const VariantFacts& variant);
  void End(const ReportCounts& counts);

 private:
  class Line;  // report_writer.cc

  void Put(std::string_view text);  // counts towards the sum
  void Hold(char c);                // does not
  void SayHeld();
  void Counts(std::string_view kind, const ReportCounts& counts);
  void CaseBytes(std::string_view kind, std::uint64_t number,
                 std::span<const std::uint8_t> bytes);
  void Answer(std::uint64_t number, const Outcome& answer);
  void AnswerOfCase(std::string_view kind, const FindingFacts& facts);

  const Sink sink_;
  void* const context_;
  std::uint32_t sum_ = 0;
  std::array<char, 2048> held_;  // of the line that is written
  std::size_t held_bytes_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_REPORT_WRITER_H_
