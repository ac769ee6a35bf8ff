// Which words of memory a step looks at: a walk that ignores permissions,
// reserved bits and whatever else would end it. It tells the mutator where a
// changed bit will be noticed, and is no judge of anything.
//
// This folder is what those who make cases know of entries: which a step uses
// (here), how one is changed (entry_mutation.h, guest_entry_mutation.h), where
// bits lie (bits.h, ept_layout.h, guest_mode.h), what registers mean
// (registers.h), and chance (random.h). It uses encoding/.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_ENTRIES_USED_ENTRIES_H_
#define EPTDIFF_FUZZERS_ENTRIES_USED_ENTRIES_H_

#include <cstdint>

#include "oracle/case.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {

enum class UsedKind : std::uint8_t { kEpt, kGuest, kSpp, kOther };

struct UsedEntry {
  Hpa address;              // 4-byte aligned for a guest entry of 32 bits
  std::uint64_t value = 0;  // before the first step
  UsedKind kind = UsedKind::kEpt;
  int level = 0;      // kEpt, kGuest: 5 to 1; kSpp: 4 to 1 (the vector)
  bool leaf = false;  // kEpt, kGuest: it maps a page
  // kEpt: the level of the guest entry that it translates the address of; 0
  // for the address that the step is about.
  int guest_level = 0;
  std::uint64_t gpa = 0;  // kGuest: its own; kEpt: that it translates
};

struct UsedEntries {
  // Of each page of an access, guest entries after the EPT entries that lead
  // there; at most two pages, each through HLAT paging and then ordinary
  // paging. kOther: a dword of the #VE area, a PDPTE, an EPTP of the list.
  FixedVector<UsedEntry, 140> list;
  bool reached_leaf = false;  // an EPT leaf, for each page of the access
  // A linear access through the guest's paging: where its first page went.
  bool reached_guest_leaf = false;
  std::uint64_t gpa = 0;
};

// The entries that `step` uses in the memory with which `c` begins.
void FindUsedEntries(const Case& c, const Step& step, UsedEntries& used);

// The guest-physical address that a step begins with, and how many bytes it
// takes; no bytes if the step accesses none, or one that the guest's paging
// gives.
struct GpaRange {
  std::uint64_t first = 0;
  unsigned bytes = 0;
};
GpaRange AccessedRange(const Case& c, const Step& step);

// Whether the step accesses memory by any address of the guest.
bool IsAccess(const Step& step);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENTRIES_USED_ENTRIES_H_
