// What a machine answered, as the report of `eptdiff check`: departures that
// the diagnosis names, what nothing explains, rules that had a say, skips.
//
// Each finding of the machine is judged here once more, by the same reference,
// in the state that the SDM's first alternative leaves; its case becomes small
// with the dialect that explains the answers in the machine's place. Where
// there is none, the case stays as it was moved.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_REPORT_H_
#define EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_REPORT_H_

#include <chrono>
#include <string>
#include <vector>

#include "fuzzers/command/image/boot_files.h"
#include "fuzzers/command/report/check_report.h"
#include "oracle/processor/report_reader.h"

namespace eptdiff {

// "GenuineIntel 6-140-1, a guest of KVMKVMKVM".
std::string MachineWords(const AskedMachine& machine);

// The report; and of each of its departures, then of each of its findings, all
// ways to tell it: by the smallest case, which is in the report, then by larger
// ones, and last by the case as the machine was asked it.
struct MachineReport {
  CheckReport report;
  std::vector<std::vector<CheckFinding>> ways;
};

// `log`: the file it was read from. Minimising ends at `end`.
MachineReport ReportOfMachine(const ImageReport& answers,
                              const std::string& log,
                              std::chrono::steady_clock::time_point end);

// What the machine is to be asked once more: the cases of all ways, by names
// that only TakeAgain() knows.
std::vector<GivenCase> CasesToAskAgain(const MachineReport& report);

// Each finding is told by the smallest case in which the machine, asked again,
// departs.
void TakeAgain(const ImageReport& again, MachineReport& report);

// What an answer was that may vary, and whether it rests on what was kept.
std::string VariantWords(const ImageReport::Variant& variant);

// The machine and what it does, for corpus/machines/: an object. `name` is
// short and without spaces, such as bochs-3.0.
std::string MachineJson(const std::string& name, const ImageReport& answers,
                        const CheckReport& report);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMAGE_MACHINE_REPORT_H_
