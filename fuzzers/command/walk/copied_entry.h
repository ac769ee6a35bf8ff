// An entry of a paging structure as people copy it. Thread-safety: pure.
#ifndef EPTDIFF_FUZZERS_COMMAND_WALK_COPIED_ENTRY_H_
#define EPTDIFF_FUZZERS_COMMAND_WALK_COPIED_ENTRY_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace eptdiff {

struct EntryLevel {
  int level = 0;       // 5 (PML5E) to 1 (PTE)
  bool guest = false;  // of the guest's own tables
  friend bool operator==(const EntryLevel&, const EntryLevel&) = default;
};

struct CopiedEntry {
  std::uint64_t value = 0;
  std::optional<EntryLevel> where;  // none: wherever it comes
};

// "PDE", "guest PML4E", "PDPE", "PXE", "L3", "level 3", in any case of letters.
std::optional<EntryLevel> EntryLevelIn(absl::string_view name);

// A hexadecimal number, with 0x or H or without; `_` and the ` of debuggers are
// passed over. None if it is no number, or one of more than 64 bits.
std::optional<std::uint64_t> HexadecimalIn(absl::string_view text);

// "2007", "0x2007", "PDE=0x2007", "level 2: 2007", "guest PTE = 0x9037".
absl::StatusOr<CopiedEntry> CopiedEntryIn(absl::string_view text);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WALK_COPIED_ENTRY_H_
