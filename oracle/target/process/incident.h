// What a target does that is no answer at all: it crashes, hangs, touches
// memory that is not its own, says what means nothing, or says now this and now
// that. Each is a finding with a signature of its own, and never the end.
// Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_ORACLE_TARGET_PROCESS_INCIDENT_H_
#define EPTDIFF_ORACLE_TARGET_PROCESS_INCIDENT_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace eptdiff {

enum class IncidentKind : std::uint8_t {
  kNone,
  kCrash,         // detail: the signal
  kExit,          // it ended its process; detail: the exit status
  kTimeLimit,     // detail: milliseconds
  kStepLimit,     // detail: how many callbacks are allowed
  kBeyondWidth,   // an access at or above 2^MAXPHYADDR; detail: the address
  kMisaligned,    // an access that is no 8-byte word; detail: the address
  kStrayStore,    // a store that no flag, log or #VE explains; detail: address
  kProtocol,      // an answer that means nothing; detail: a ProtocolError
  kVaries,        // asked again, it answered otherwise
  kForeignFrame,  // a builder reads what is no frame; detail: the address
  kLargePage,     // ... but a page of the guest; detail: the address
  kAllocation,    // it takes too much memory; detail: MBytes that it may take
  kSanitizer,     // a sanitizer ends it; detail: what it found
                  // (sanitizer_fault.h)
  kForks,         // it made a process of which it knows nothing more
  kUnplugged,     // it closed what it is asked through
};

// What is wrong with an answer.
enum class ProtocolError : std::uint8_t {
  kStatus,            // the function's result is none
  kEvent,             // no such event, or none that can follow
  kTranslationCount,  // a number of translations that the access cannot have
  kPageShift,
  kMemoryType,
  kFailedCheck,
  kTooManyStores,
  kSyntax,     // a line that cannot be read (pipe_protocol.md)
  kResult,     // of a builder: eptdiff_builder_result has none such
  kProcessor,  // likewise: there is no such logical processor
};

struct Incident {
  IncidentKind kind = IncidentKind::kNone;
  std::uint64_t detail = 0;
  friend bool operator==(const Incident&, const Incident&) = default;
};

// The part of a signature that stands for it: "crash-SIGSEGV", "hang-time",
// "stray-store", "protocol-event" ...
std::string SignaturePart(const Incident& incident);

// In a sentence without a full stop, about "it".
std::string WordsOf(const Incident& incident);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_PROCESS_INCIDENT_H_
