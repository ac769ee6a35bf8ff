// A whole tree of EPT paging structures: what it maps, and what is wrong with
// it.
//
// This folder looks at tables in an image of memory (memory_image.h), all of
// them once, by the engine's classification of entries; lint_words.h has the
// words, lint_report.h the report, mtrr_file.h the MTRRs that people have. It
// uses the engine, walk/, decode/ and what the SDM says of MTRRs. Begin here.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_LINT_TREE_SWEEP_H_
#define EPTDIFF_FUZZERS_COMMAND_LINT_TREE_SWEEP_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/types.h"
#include "fuzzers/command/lint/memory_image.h"
#include "oracle/mtrr/mtrrs.h"

namespace eptdiff {

// Pages side by side, in both address spaces, with the same rights and memory
// type.
struct MappedRange {
  std::uint64_t gpa = 0;
  std::uint64_t hpa = 0;
  std::uint64_t bytes = 0;
  std::uint16_t rights = 0;  // bits 2:0 and 10, of all entries on the way
  std::uint8_t type = 0;     // bits 6:3 of the leaf
  friend bool operator==(const MappedRange&, const MappedRange&) = default;
};

// An entry, and the first guest-physical address that it is used for.
struct FoundEntry {
  int level = 0;
  std::uint64_t at = 0;  // host-physical
  std::uint64_t value = 0;
  std::uint64_t gpa = 0;
};

// The same frames at two guest-physical addresses.
struct Alias {
  MappedRange first, second;  // what they have in common of the two
};

// A range whose memory type is another than that which the MTRRs have there.
struct UnlikeMtrrs {
  MappedRange range;
  std::uint8_t type = 0;  // the MTRRs'
};

// A table, for the first guest-physical address that it is used for.
struct SweptTable {
  int level = 0;
  std::uint64_t gpa = 0;  // of its first entry
  std::uint64_t at = 0;   // host-physical
};

struct TreeSweep {
  std::vector<MappedRange> ranges;     // by GPA
  std::vector<SweptTable> table_list;  // by GPA, the higher level first
  // The first of them are kept, all are counted.
  std::vector<FoundEntry> misconfigured;
  std::uint64_t misconfigured_count = 0;
  std::vector<FoundEntry> outside;  // whose table is not in the image
  std::uint64_t outside_count = 0;
  std::vector<FoundEntry> tables_reached;  // `at`: a table that a guest reaches
  std::uint64_t tables_reached_count = 0;  // ... `value`: the rights to it
  bool any_table_written = false;          // by a guest: of all of them
  // Aliases whose rights or memory types differ, and the others.
  std::vector<Alias> aliases;
  std::uint64_t alias_count = 0;
  bool any_types_differ = false;  // of all of them
  std::uint64_t same_alias_bytes = 0;
  bool aliases_ended_early = false;  // some frame is at more than 64 addresses

  // With MTRRs: large pages over several types, with a type of their own that
  // is not the most conservative of them; how many have that.
  std::vector<FoundEntry> mixed;
  std::uint64_t mixed_count = 0;
  std::uint64_t mixed_conservative = 0;
  std::vector<UnlikeMtrrs> unlike;
  std::uint64_t unlike_count = 0;

  // Entries whose address needs so many bits, and the first of them.
  std::array<std::uint64_t, 53> widths = {};
  std::array<FoundEntry, 53> first_of_width = {};
  std::array<FoundEntry, 4> first_leaf = {};  // by level
  FoundEntry first_execute_only;
  FoundEntry first_write_execute;

  std::array<std::uint64_t, 4> leaves = {};  // by level, 1 to 3
  std::uint64_t tables = 0;                  // looked at
  std::uint64_t accessed = 0, dirty = 0;     // leaves with the flag
  std::uint64_t mapped_bytes = 0;
  std::uint64_t write_execute_bytes = 0;  // pages both writable and executable
  std::uint64_t execute_only = 0;  // leaves with rights 100b of their own
  int address_bits = 0;            // of the highest address in an entry
  bool ended_early = false;        // more tables than anybody has
};

inline constexpr std::size_t kMostKept = 1000;

// VM entry takes the controls. `mtrrs` may be null: not known.
TreeSweep SweepTree(const MemoryImage& image, const Processor& processor,
                    const Controls& controls, const Mtrrs* mtrrs = nullptr);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_LINT_TREE_SWEEP_H_
