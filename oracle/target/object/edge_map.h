// Which edges of the code under test all cases together went through, and how
// often at once. It lies in memory that a process shares with its children, and
// outlives them.
// Thread-safety: one process writes at a time.
#ifndef EPTDIFF_ORACLE_TARGET_OBJECT_EDGE_MAP_H_
#define EPTDIFF_ORACLE_TARGET_OBJECT_EDGE_MAP_H_

#include <cstddef>
#include <cstdint>

namespace eptdiff {

// How many edges an object has that was compiled with -fsanitize-coverage=, and
// how many of them were reached. All 0: it was not; the total alone: nobody
// knows it.
struct EdgeCount {
  std::uint32_t covered = 0;
  std::uint32_t total = 0;
};

struct EdgeMap {
  // Those beyond are not looked at.
  static constexpr std::size_t kMaxEdges = std::size_t{1} << 22;

  EdgeCount count;
  // Of each edge a bit for each number of times that a case went through it: 1,
  // 2, 3, from 4, 8, 16, 32, 128 on.
  std::uint8_t seen[kMaxEdges];
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_OBJECT_EDGE_MAP_H_
