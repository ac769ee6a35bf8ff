// The EPT side of a generated case: the structures that the controls name,
// and regions of guest-physical memory that EPT maps. Which regions, and what
// is done with them, others decide. Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_GENERATION_EPT_GENERATION_H_
#define EPTDIFF_FUZZERS_GENERATION_EPT_GENERATION_H_

#include <cstdint>

#include "fuzzers/entries/random.h"
#include "fuzzers/generation/ept_tables.h"
#include "fuzzers/generation/machine_generation.h"
#include "oracle/case.h"

namespace eptdiff {

class EptGeneration {
 public:
  // All must outlive this object; `c` has its machine already: the tables
  // depend on MAXPHYADDR, and what entries hold on the controls.
  // Of 100 table entries `restricted` may lack a permission.
  EptGeneration(Random& random, const Exotic& exotic, Case& c,
                unsigned restricted = 100)
      : random_(random),
        exotic_(exotic),
        c_(c),
        restricted_(restricted),
        tables_(random, c) {}

  // Gives the root and what else the controls name a page each.
  void PlaceStructures();

  // A page (4-KByte aligned) that shares some of the tables of `page`.
  std::uint64_t NextPage(std::uint64_t page);

  // Maps the region around `gpa` by a leaf of some level, in `neighbours` of
  // 100 cases the next one, too, and gives it a sub-page vector if its leaf
  // asks for one.
  void MapRegion(std::uint64_t gpa, unsigned neighbours);
  // Maps `gpa` to a random page of the host, or to one that is given.
  void MapPage(std::uint64_t gpa, int level, std::uint64_t leaf);
  void MapPage(std::uint64_t gpa, int level, Hpa page, std::uint64_t leaf);

  // Bits of a leaf that reflect the controls of the case.
  std::uint64_t LeafBits();
  std::uint64_t Flags();

  // What the last #VE left in its area, or what nobody cleared.
  void FillVeArea();

  // In half of the cases one or two entries change, and now and then a step is
  // made to write to what it reads.
  void SpoilEntries();

  // Software changes an entry between two accesses, clears flags that the first
  // one set, or makes the #VE area free again.
  Step StoreStep();

  bool AccessedDirtyOn() const;
  Hpa Root() const;
  EptTables& tables() { return tables_; }

 private:
  int LeafLevel();
  std::uint64_t TableBits();
  std::uint64_t FreeBits();
  std::uint64_t Mutate(const BuiltEntry& entry, std::uint64_t value);
  void Alias(const BuiltEntry& entry);

  Random& random_;
  const Exotic& exotic_;
  Case& c_;
  const unsigned restricted_;
  EptTables tables_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_EPT_GENERATION_H_
