// What a sanitizer finds in code that was compiled with one, and what becomes
// of it here: the first time it is told in full, as the sanitizer has it; after
// that the process ends at once, for a case is asked many times over while it
// gets smaller, and telling takes a sanitizer a tenth of a second.
//
//   sanitizer --> hook (sanitizer_hooks.cc) --> OnFault() --> FaultReport,
//   shared with the parent, which takes the words out of the output.
//
// AddressSanitizer and UndefinedBehaviorSanitizer, of clang and of gcc.
// Thread-safety: pure functions, but of the process.
#ifndef EPTDIFF_ORACLE_TARGET_PROCESS_SANITIZER_FAULT_H_
#define EPTDIFF_ORACLE_TARGET_PROCESS_SANITIZER_FAULT_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "oracle/target/process/incident.h"

namespace eptdiff {

// In memory that a child shares with its parent.
struct FaultReport {
  std::uint32_t fault = 0;  // its number; 0: none
  std::int64_t begin = 0;   // where in the output its words begin; < 0: nowhere
  std::uint64_t told = 0;   // a bit for each fault that has been told in full
};

// How long a sanitizer may take to tell about a fault.
constexpr std::chrono::seconds kTimeToTell{10};

// Number of the fault that a sanitizer describes so ("heap-buffer-overflow",
// "4-byte-write-heap-use-after-free", "signed-integer-overflow"); one for all
// that are unknown. Never 0.
std::uint32_t FaultNamed(std::string_view description);

// Its name, as it stands in signatures.
std::string_view NameOfFault(std::uint32_t fault);

// In a sentence without a full stop, about the code that has it.
std::string WordsOfFault(std::uint32_t fault);

// A fault is a crash like others where the processor, too, would have noticed.
Incident IncidentOf(std::uint32_t fault);

// In the child: from here on, faults go to `report`; the words about them, to
// standard error.
void TellFaultsTo(FaultReport* report);

// In the child: whether there has been one.
bool HasFault();

// For the hooks: a fault was found. Returns for a sanitizer to tell about it,
// or ends the process.
void OnFault(std::string_view description);

// What a reader needs of `text`, which begins with a sanitizer's report: its
// first lines, down to where the harness comes in, and its summary.
std::string ExcerptOf(std::string_view text);

// In the parent: what was told of each fault.
class FaultTexts {
 public:
  // A child that wrote to `output` has ended: the fault that `report` has, and
  // has no more afterwards; kNone if it has none.
  Incident Take(FaultReport& report, int output);

  // Of the fault that was taken last; "" if there was none at that time.
  std::string last() const;

 private:
  std::map<std::uint32_t, std::string> texts_;
  std::uint32_t last_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROCESS_SANITIZER_FAULT_H_
