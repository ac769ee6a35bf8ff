// Writes EPT and SPP tables into the memory of a case, each table in a page of
// its own, and remembers the entries so that they can be spoiled afterwards.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_GENERATION_EPT_TABLES_H_
#define EPTDIFF_FUZZERS_GENERATION_EPT_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzzers/entries/random.h"
#include "oracle/case.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {

// An entry that the builder wrote.
struct BuiltEntry {
  std::size_t word = 0;  // index into the memory of the case
  int level = 0;         // 5 (PML5E, or 4 for SPP) to 1
  bool spp = false;
};

class EptTables {
 public:
  // Both must outlive the builder; `c` has its MAXPHYADDR.
  EptTables(Random& random, Case& c);

  // A page that no earlier call returned, below 2^MAXPHYADDR.
  Hpa NewFrame();

  // Maps `gpa` in the tables under `root`, whose entries have level `levels`
  // (4 or 5), by a leaf at `leaf_level` (1 to 3) with `leaf` as its low and
  // high bits and a page at `page`. Tables on the way are made where there are
  // none, their entries with the bits of `table`. Where a larger page is in
  // the way, or there is no more room, it stays as it is.
  void Map(Hpa root, int levels, std::uint64_t gpa, int leaf_level, Hpa page,
           std::uint64_t table, std::uint64_t leaf);

  // Gives the page of `gpa` the sub-page vector `vector`, under SPPTP `root`.
  void MapSubPages(Hpa root, std::uint64_t gpa, std::uint64_t vector);

  std::span<const BuiltEntry> entries() const {
    return {entries_.begin(), entries_.size()};
  }

  // A page that holds a table; the page of the root if there is no other.
  Hpa SomeTable();

 private:
  static constexpr std::size_t kMaxFrames = 64;
  static constexpr std::size_t kMaxEntries = 96;

  bool Put(Hpa address, std::uint64_t value, int level, bool spp);

  Random& random_;
  Case& c_;
  unsigned frame_bits_;
  std::uint64_t next_frame_;
  FixedVector<std::uint64_t, kMaxFrames> frames_;
  FixedVector<BuiltEntry, kMaxEntries> entries_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_EPT_TABLES_H_
