// What a log tells of exits, walks and tables.
//
// This folder turns the logs that people paste into walks and explanations. It
// has a parser for each form of log, in a file of its own that says whose form
// it is; logged_walk.h makes a case and words of what one found. None guesses
// in silence: what it takes for granted it notes, and what looks like EPT and
// was not understood is listed. It uses walk/, decode/ and words/. Begin here.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMPORT_READ_LOG_H_
#define EPTDIFF_FUZZERS_COMMAND_IMPORT_READ_LOG_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fuzzers/command/import/log.h"
#include "fuzzers/command/walk/copied_entry.h"

namespace eptdiff {

// One exit, walk or entry that a log tells of. What it does not say is absent.
struct Logged {
  std::string what;                // "EPT violation (Xen)"
  std::vector<std::size_t> lines;  // where, from 0
  std::optional<std::uint16_t> reason;
  std::optional<std::uint64_t> qualification;
  std::optional<std::uint64_t> gpa;
  std::optional<std::uint64_t> gla;
  std::optional<std::uint64_t> eptp;
  std::optional<std::uint32_t> secondary;
  std::optional<std::uint64_t> tertiary;
  std::vector<CopiedEntry> entries;        // of EPT, the root's first
  std::size_t entries_above = 0;           // of them, of other lines
  std::vector<CopiedEntry> guest_entries;  // of the guest's own tables
  std::vector<std::string> notes;          // what was taken for granted
  std::vector<std::size_t> again;  // first lines of others that say the same
};

struct LogFormat {
  const char* name;  // "KVM's messages", for --help
  // What begins at line `at`, with all lines that it is told by; none if
  // nothing does that this parser knows.
  std::optional<Logged> (*parse)(const Log& log, std::size_t at);
};

// In the order in which they are asked.
std::span<const LogFormat> LogFormats();

struct ReadLogResult {
  std::vector<Logged> found;
  // Lines that speak of EPT, and that no parser made anything of.
  std::vector<std::size_t> not_understood;
  std::size_t others = 0;  // lines that do not
};

// Marks the lines that were used. Of several things that say the same (the same
// exit with the same qualification, entries with the same bits) the first is
// kept.
ReadLogResult ReadLog(Log& log);

// A VM entry that failed late (27.8): what its exit reason and qualification
// say, as a note. None if the basic reason is that of an exit.
std::optional<std::string> FailedEntryNote(
    std::uint64_t reason, std::optional<std::uint64_t> qualification);

// After a list of entries was read, opens it for what follows.
void OpenForMore(Log& log, const Logged& list);

// The parsers.
std::optional<Logged> ParseKvmMessages(const Log& log, std::size_t at);
std::optional<Logged> ParseKvmTrace(const Log& log, std::size_t at);
std::optional<Logged> ParseXenMessages(const Log& log, std::size_t at);
std::optional<Logged> ParseVmcsDump(const Log& log, std::size_t at);
std::optional<Logged> ParseVmcsFields(const Log& log, std::size_t at);
std::optional<Logged> ParseBochsLog(const Log& log, std::size_t at);
std::optional<Logged> ParseVirtualBoxLog(const Log& log, std::size_t at);
std::optional<Logged> ParseDebuggerEntries(const Log& log, std::size_t at);
std::optional<Logged> ParseFailedEntry(const Log& log, std::size_t at);
std::optional<Logged> ParseEntryList(const Log& log, std::size_t at);
std::optional<Logged> ParseExitFields(const Log& log, std::size_t at);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMPORT_READ_LOG_H_
