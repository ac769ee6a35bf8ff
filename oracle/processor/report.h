// What a machine that was asked says: lines of text over a serial line, a file
// or a screen, between whatever else is printed there.
//
//   @eptdiff KIND KEY=VALUE KEY=VALUE ... *SUM
//
// A number is decimal, or hexadecimal after 0x. In text, what is no printable
// character, a blank, '%' or '*' is '%' and two hexadecimal digits. SUM is
// FNV-1a, of 32 bits, of what stands between "@eptdiff " and " *", as eight
// hexadecimal digits: a line that was cut, or in which something else was
// printed, is known. The kinds, in their order:
//
//   begin      protocol, image (its version), encoding (of cases), rules (how
//              many there are)
//   machine    who: vendor, hypervisor, brand, firmware; family, model,
//              stepping, microcode, arch_capabilities
//   processor  maxphyaddr, keyid_bits, ept_vpid_cap, features (bits, in the
//              order of the members of Processor from ept_violation_ve on)
//   msr        index, value: what VMX has
//   memory     first, bytes, type (1: RAM, as by E820)
//   run        what is asked: module (cases in it), seed, seconds, repeat,
//              only, dialect: by which answers are judged; fields: of an
//              answer, those that it fills in (oracle.h)
//   refused    words: a sentence why the machine can be asked nothing, advice:
//              another, what to do
//   progress   cases, steps, agrees, departs, skipped, harness; milliseconds
//   finding    number, case (its name), index (of the case in the run), step,
//              keeps: 1 if the answer may rest on what was kept of translations
//              since the case began, signature; field, part, word, expected,
//              given, rule, level: the first disagreement (judge.h); seen, of:
//              so many times of so many
//   agreed     number (of findings and these), case, index, step, keeps,
//              fields: an answer that agrees, told as evidence for what others
//              show
//   asked      likewise of any answer, if all are to be told; the first of a
//              case has what was moved
//   answer     of the finding `number`: the outcome, event and registers
//   saved      likewise: what a VM exit saved
//   at         likewise: a translation
//   wrote      likewise: a word that the step changed
//   case       likewise: at, of, hex: bytes of the case, from `at` on, of so
//              many; as it was generated
//   moved      likewise, as it was moved
//   harness    words, case, index, step: the image stopped believing itself
//   skips      words, steps: why, and how often, once at the end
//   met        at, hex: bits of rule places where a rule had a consequence
//   seen       what, times, of: of answers that may vary
//   variant    case, step, times, of: to a step to which several answers are
//              permitted, one was given so often; kept: it rests on what was
//              kept; event, exit_reason, address: what it was
//   end        as progress: it is over
//
// report_writer.h writes them, report_reader.h reads them.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_PROCESSOR_REPORT_H_
#define EPTDIFF_ORACLE_PROCESSOR_REPORT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace eptdiff {

inline constexpr std::uint32_t kReportProtocol = 1;
inline constexpr std::string_view kReportMark = "@eptdiff ";
inline constexpr std::size_t kReportSumDigits = 8;

// Of the text between the mark and " *".
constexpr std::uint32_t ReportSum(std::string_view text) {
  std::uint32_t sum = 0x811c9dc5;
  for (const char c : text) {
    sum = (sum ^ static_cast<unsigned char>(c)) * 0x01000193;
  }
  return sum;
}

// What became of cases so far. Every case is one of the four; `steps`, VM entry
// included, were compared.
struct ReportCounts {
  std::uint64_t cases = 0;
  std::uint64_t steps = 0;
  std::uint64_t agrees = 0;
  std::uint64_t departs = 0;
  std::uint64_t skipped = 0;
  std::uint64_t harness = 0;
  std::uint64_t milliseconds = 0;
  friend bool operator==(const ReportCounts&, const ReportCounts&) = default;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_REPORT_H_
