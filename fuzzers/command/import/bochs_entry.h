// An entry as Bochs's debugger prints it. Thread-safety: pure.
#ifndef EPTDIFF_FUZZERS_COMMAND_IMPORT_BOCHS_ENTRY_H_
#define EPTDIFF_FUZZERS_COMMAND_IMPORT_BOCHS_ENTRY_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "fuzzers/command/walk/copied_entry.h"

namespace eptdiff {

struct BochsEntry {
  CopiedEntry entry;       // with its level
  std::uint64_t at = 0;    // host-physical; of the guest's, guest-physical
  bool is_access = false;  // of a trace of accesses, not of a walk
};

// "page" prints the first two, a trace of memory accesses the third:
//
//   EPT PML4: 0x0000000000001000 : 0x0000000000002007     X W R
//    PML4: 0x0000000000009000 : 0x0000000000005067    ps        A pcd pwt U W P
//   [CPU0 RD]: PHY 0x1000 (len=8, WB): 0x00000000 0x00002007 ; EPT PML4E
std::optional<BochsEntry> BochsEntryIn(absl::string_view line);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_IMPORT_BOCHS_ENTRY_H_
