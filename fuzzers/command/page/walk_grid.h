// A walk in two dimensions: down, the guest's entries in the order in which the
// processor reads them; across, the EPT entries that lead to each of them, and
// at last to what is accessed. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_WALK_GRID_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_WALK_GRID_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "fuzzers/command/words/explanation.h"
#include "oracle/machine_state.h"
#include "oracle/reference/trace.h"
#include "oracle/verdict.h"

namespace eptdiff {

// One row: numbers of entries of the trace.
struct GridRow {
  Structure structure = Structure::kEpt;  // or kSpp; others end a row
  std::uint8_t guest_level = 0;
  std::array<std::optional<std::size_t>, 6> across;  // by level, 5 to 1
  std::optional<std::size_t> end;  // the entry that all these lead to
};

// A way that was gone again, to set flags, is one row.
std::vector<GridRow> GridRowsOf(const Trace& trace);

// Which entry of the trace a rule at a level is about; none where no entry is
// concerned, or it was not read.
std::optional<std::size_t> EntryOf(const Trace& trace, const RuleHit& hit);
// Likewise, of the rule that decided: all entries at which it forbade
// something, as any of them may come first; or the last one, at which a walk
// completed.
std::vector<std::size_t> DecidingEntries(const Trace& trace, RuleAt decided);

// The table, with the deciding entries marked; then, bit by bit, each EPT entry
// in it, to which its cell has a link. `id` makes the links' names unique. ""
// if nothing was read.
std::string WalkGrid(const MachineState& before, const Verdict& verdict,
                     const Trace& trace, const std::vector<EntryNote>& notes,
                     const std::string& id);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_WALK_GRID_H_
