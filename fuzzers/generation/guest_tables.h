// Writes the guest's own paging structures into the memory of a case: each at a
// guest-physical address that EPT maps, so that the two dimensions of the walk
// fit together. Remembers the entries so that they can be spoiled afterwards.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_GENERATION_GUEST_TABLES_H_
#define EPTDIFF_FUZZERS_GENERATION_GUEST_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/generation/ept_generation.h"
#include "oracle/case.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {

// A page of guest-physical memory, and where EPT maps it.
struct GuestFrame {
  std::uint64_t gpa = 0;
  std::uint64_t hpa = 0;
};

// An entry that the builder wrote.
struct BuiltGuestEntry {
  std::size_t word = 0;  // index into the memory of the case
  Hpa address;           // of the entry; 4-byte aligned if it has 32 bits
  std::uint64_t gpa = 0;
  int level = 0;
  bool leaf = false;
};

// The entries used for one linear address. `fresh` are those that no earlier
// address uses: they can be changed without consequences for those.
struct BuiltGuestPath {
  FixedVector<std::size_t, 5> entries;  // indices into GuestTables::entries()
  std::size_t fresh = 0;                // the first fresh one, in `entries`
  bool complete = false;                // the last one is a leaf
};

class GuestTables {
 public:
  // All must outlive this object; the controls of `c` have their structures.
  // The tables lie in 2 MBytes of guest-physical memory: one large page of EPT,
  // or pages of their own.
  GuestTables(Random& random, Case& c, EptGeneration& ept);

  // A page of its own, mapped by EPT. Where there is no more room, the last.
  GuestFrame NewFrame();
  // One of those that there are.
  const GuestFrame& SomeFrame();

  // Maps `gla` in the tables whose root is at `root` by a leaf of `level` to
  // the page of `gpa`. Tables on the way are made where there are none. Entries
  // are present, writable, user-mode, and no more.
  BuiltGuestPath Map(const GuestFrame& root, std::uint64_t gla, int level,
                     std::uint64_t gpa);

  // The entry of `gla` in the table of `level` at `table` gets `value`, unless
  // there is one. Returns its index in entries(), or none if there is no room.
  static constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t Put(const GuestFrame& table, std::uint64_t gla, int level,
                  std::uint64_t value);

  std::uint64_t Value(std::size_t entry) const;
  void Set(std::size_t entry, std::uint64_t value);
  void Add(std::size_t entry, std::uint64_t bits) {
    Set(entry, Value(entry) | bits);
  }
  void Remove(std::size_t entry, std::uint64_t bits) {
    Set(entry, Value(entry) & ~bits);
  }

  std::span<const BuiltGuestEntry> entries() const {
    return {entries_.begin(), entries_.size()};
  }
  GuestPagingMode mode() const { return mode_; }
  // Guest-physical addresses that entries can hold have fewer bits than this.
  unsigned address_bits(int leaf_level) const;

 private:
  static constexpr std::size_t kMaxFrames = 24;
  static constexpr std::size_t kMaxEntries = 40;

  std::uint64_t StructureLeafBits();
  const GuestFrame* FrameAt(std::uint64_t gpa) const;
  const BuiltGuestEntry* Find(Hpa address, std::size_t& index) const;

  Random& random_;
  Case& c_;
  EptGeneration& ept_;
  const GuestPagingMode mode_;
  std::uint64_t base_;       // of the 2 MBytes
  std::uint64_t large_ = 0;  // where EPT's large page is; 0: there is none
  bool narrow_ = false;      // EPT may refuse accesses to guest tables
  unsigned next_;
  FixedVector<GuestFrame, kMaxFrames> frames_;
  FixedVector<BuiltGuestEntry, kMaxEntries> entries_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_GUEST_TABLES_H_
