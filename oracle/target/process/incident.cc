#include "oracle/target/process/incident.h"

#include <csignal>
#include <cstdio>

#include "oracle/target/process/sanitizer_fault.h"

namespace eptdiff {
namespace {

struct SignalName {
  int number;
  std::string_view name;
};
constexpr SignalName kSignals[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
    {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"}, {SIGTRAP, "SIGTRAP"},
    {SIGKILL, "SIGKILL"}, {SIGTERM, "SIGTERM"}, {SIGSYS, "SIGSYS"},
    {SIGALRM, "SIGALRM"}, {SIGHUP, "SIGHUP"},   {SIGUSR1, "SIGUSR1"},
    {SIGPIPE, "SIGPIPE"}, {SIGXCPU, "SIGXCPU"}, {SIGUSR2, "SIGUSR2"},
};

std::string NameOfSignal(std::uint64_t number) {
  for (const SignalName& signal : kSignals) {
    if (static_cast<std::uint64_t>(signal.number) == number) {
      return std::string(signal.name);
    }
  }
  return "signal" + std::to_string(number);
}

struct ProtocolWords {
  std::string_view part;
  std::string_view words;
};
// In the order of ProtocolError.
constexpr ProtocolWords kProtocol[] = {
    {"status", "it returned neither EPTDIFF_ANSWERED nor EPTDIFF_NOT_MODELLED"},
    {"event", "its event is none that can follow here"},
    {"translations", "an access has not as many translations"},
    {"page-shift", "its page_shift is neither 12 nor 21 nor 30"},
    {"memory-type", "its memory type is none"},
    {"failed-check", "its failed_check is none, or there is none"},
    {"stores", "it stored to more words than any access can change"},
    {"syntax", "its answer cannot be read"},
    {"result", "no operation has such a result"},
    {"processor", "it names a logical processor that there is not"},
};
const ProtocolWords& ProtocolOf(const Incident& incident) {
  return kProtocol[incident.detail];
}

std::string Hexadecimal(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof(text), "0x%llx",
                static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

std::string SignaturePart(const Incident& incident) {
  switch (incident.kind) {
    case IncidentKind::kNone:
      break;
    case IncidentKind::kCrash:
      return "crash-" + NameOfSignal(incident.detail);
    case IncidentKind::kExit:
      return "crash-exit" + std::to_string(incident.detail);
    case IncidentKind::kTimeLimit:
      return "hang-time";
    case IncidentKind::kStepLimit:
      return "hang-loads";
    case IncidentKind::kBeyondWidth:
      return "memory-beyond-MAXPHYADDR";
    case IncidentKind::kMisaligned:
      return "memory-misaligned";
    case IncidentKind::kStrayStore:
      return "stray-store";
    case IncidentKind::kProtocol:
      return "protocol-" + std::string(ProtocolOf(incident).part);
    case IncidentKind::kVaries:
      return "varies";
    case IncidentKind::kForeignFrame:
      return "memory-foreign";
    case IncidentKind::kLargePage:
      return "memory-of-a-large-page";
    case IncidentKind::kAllocation:
      return "memory-limit";
    case IncidentKind::kSanitizer:
      return "crash-" + std::string(NameOfFault(
                            static_cast<std::uint32_t>(incident.detail)));
    case IncidentKind::kForks:
      return "forks";
    case IncidentKind::kUnplugged:
      return "closes-descriptors";
  }
  return "none";
}

std::string WordsOf(const Incident& incident) {
  switch (incident.kind) {
    case IncidentKind::kNone:
      break;
    case IncidentKind::kCrash:
      return "it crashes (" + NameOfSignal(incident.detail) + ")";
    case IncidentKind::kExit:
      return "it ends its process, with status " +
             std::to_string(incident.detail);
    case IncidentKind::kTimeLimit:
      return "it hangs: no answer after " + std::to_string(incident.detail) +
             " milliseconds";
    case IncidentKind::kStepLimit:
      return "it does not end: more than " + std::to_string(incident.detail) +
             " loads and stores for one step";
    case IncidentKind::kBeyondWidth:
      return "it accesses memory at " + Hexadecimal(incident.detail) +
             ", at or above 2^MAXPHYADDR";
    case IncidentKind::kMisaligned:
      return "it accesses memory at " + Hexadecimal(incident.detail) +
             ", which is no 8-byte word";
    case IncidentKind::kStrayStore:
      return "it stores at " + Hexadecimal(incident.detail) +
             " what is no accessed or dirty flag, log entry or #VE information";
    case IncidentKind::kProtocol:
      return "its answer means nothing: " +
             std::string(ProtocolOf(incident).words);
    case IncidentKind::kForeignFrame:
      return "it reads memory at " + Hexadecimal(incident.detail) +
             ", where it has no frame";
    case IncidentKind::kLargePage:
      return "it reads memory at " + Hexadecimal(incident.detail) +
             " as a table, which is the data of a large page that is mapped: "
             "it walks on from the page's entry (bit 7)";
    case IncidentKind::kAllocation:
      return "it takes more than " + std::to_string(incident.detail) +
             " MBytes of memory";
    case IncidentKind::kSanitizer:
      return WordsOfFault(static_cast<std::uint32_t>(incident.detail));
    case IncidentKind::kForks:
      return "it forks, and does not wait for the other process";
    case IncidentKind::kUnplugged:
      return "it closes file descriptors that it has not opened";
    case IncidentKind::kVaries:
      return "its answers vary: asked the same again, it says something else";
  }
  return "nothing";
}

}  // namespace eptdiff
