// The counters that clang's -fsanitize-coverage= puts into an object, one for
// each edge of its control flow. The object announces them when it is loaded,
// to functions of fixed names (edge_hooks.cc); here they are kept, read after
// each case, and set back. gcc's has none, and says where it is: blocks of code
// stand for edges (traced_code.h).
//
//   EdgeCounters& counters = EdgeCounters::Get();
//   counters.Listen(true);  load the object;  counters.Listen(false);
//   counters.Clear();
//   run a case;  if (counters.AddTo(map)) it went where none went before
//
// Whether a program has the hooks is its own affair: without them no object
// that was compiled so can be loaded at all.
// Thread-safety: none; code under test runs in one thread.
#ifndef EPTDIFF_ORACLE_TARGET_OBJECT_EDGE_COUNTERS_H_
#define EPTDIFF_ORACLE_TARGET_OBJECT_EDGE_COUNTERS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "oracle/target/object/edge_map.h"
#include "oracle/target/object/traced_code.h"

namespace eptdiff {

class EdgeCounters {
 public:
  // The process's: the hooks know no other.
  static EdgeCounters& Get();

  // Counters that are announced meanwhile, and code that is loaded, are the
  // target's; others, such as this program's own, are left alone.
  void Listen(bool listen);

  // Inline counters, of a byte for each edge (or a flag that is 0 or 1).
  void Announce(std::span<std::uint8_t> counters);
  // Guards, of which each gets the number of a counter here. An object may
  // announce the same ones twice.
  void Announce(std::span<std::uint32_t> guards);
  void Count(std::uint32_t guard) {
    if (guard != 0) ++guarded_[guard];
  }

  // The target runs at an address, and has no counter for it.
  void CountAt(std::uintptr_t address) { traced_.Count(address); }

  // Those that have counters.
  std::size_t edges() const;

  void Clear();

  // Adds what was counted since to `map`, and clears it. Whether any of it is
  // new there. What was asked several times over has counts that mean nothing:
  // then only that an edge was reached is looked at.
  bool AddTo(EdgeMap& map, bool with_counts);

 private:
  bool listening_ = false;
  std::vector<std::uintptr_t> modules_;  // when it began to listen
  std::vector<std::span<std::uint8_t>> inline_;
  // Of all guards. Nobody has number 0; it never moves once code runs.
  std::vector<std::uint8_t> guarded_ = {0};
  TracedCode traced_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_OBJECT_EDGE_COUNTERS_H_
