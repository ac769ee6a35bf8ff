// What tables in memory map, read entry by entry as the SDM has it.
// Thread-safety: functions without state.
#ifndef EPTDIFF_ORACLE_BUILDER_JUDGE_TABLE_IMAGE_H_
#define EPTDIFF_ORACLE_BUILDER_JUDGE_TABLE_IMAGE_H_

#include <cstdint>
#include <vector>

#include "engine/types.h"
#include "oracle/builder/builder_finding.h"
#include "oracle/builder/finding_facts.h"
#include "oracle/builder/frame_map.h"
#include "oracle/builder/frame_memory.h"
#include "oracle/builder/mapping_model.h"
#include "oracle/builder/table_facts.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {

// Where a table, or an entry, stands in the tree.
struct TreePlace {
  int level;             // of the entry, or of the table's entries
  std::uint64_t gpa;     // the first that it controls
  std::uint64_t rights;  // that the entries above grant
};

// Of a tree or a part of it. `pages` are in order; neighbours that go on alike
// are one. Rights are those of all entries on the way. What cannot be read is a
// finding (kEntry, kTree, kUnusedEntry), and reading ends with it.
struct TableImage {
  std::vector<Interval> pages;
  FrameMap<TreePlace> tables;
  std::vector<std::uint64_t> empty_tables;  // map nothing
  BuilderFindings findings;

  void Clear() {
    pages.clear();
    tables.clear();
    empty_tables.clear();
    findings.clear();
  }
};

// The whole tree; what `image` held goes, its room is used again.
void ReadTree(const TableFacts& facts, const FrameMemory& memory, Hpa root,
              TableImage& image);
// What `entry` at `place` says, likewise; `at` is its address, for findings.
void ReadEntry(const TableFacts& facts, const FrameMemory& memory,
               std::uint64_t entry, const TreePlace& place, Hpa at,
               TableImage& image);

// The entries that a walk of `gpa` goes through, the last of which ends it.
FixedVector<FoundEntry, 5> PathOf(const TableFacts& facts,
                                  const FrameMemory& memory, Hpa root,
                                  std::uint64_t gpa);
// Whether a page of 2 MBytes or 1 GByte is mapped to `hpa`.
bool IsInLargePage(const TableFacts& facts, const FrameMemory& memory, Hpa root,
                   Hpa hpa);

// The leaf that maps `gpa`, and its level; false if there is none.
bool FindLeaf(const TableFacts& facts, const FrameMemory& memory, Hpa root,
              std::uint64_t gpa, std::uint64_t& entry, int& level);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_JUDGE_TABLE_IMAGE_H_
