// The memory of the exhaustive check: EPT that leads one guest-physical address
// to one page, allows everything, and has one entry, or two, replaced.
//
// The accessed and dirty flags of all other entries are set, so that only those
// in question have any to set. Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_WORLD_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_WORLD_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "oracle/case.h"
#include "oracle/exhaustive/setting.h"
#include "oracle/machine_state.h"

namespace eptdiff {

// Frames. Those that entries refer to are 1-GByte aligned, so that no address
// bit of an entry is a reserved one by accident, whatever it is taken for.
inline constexpr std::uint64_t kPage = std::uint64_t{1} << 30;
constexpr std::uint64_t TableOf(int level) {
  return (std::uint64_t{1} << 31) +
         (std::uint64_t{1} << 30) * static_cast<unsigned>(level);
}
constexpr std::uint64_t SubPageTableOf(int level) {
  return 0x20000 + 0x1000 * static_cast<std::uint64_t>(level);
}
inline constexpr std::uint64_t kLogAddress = 0x30000;
inline constexpr std::uint64_t kVeArea = 0x31000;

// The address that every access has; each index is another. Where the PDPTE
// registers are loaded, CR3, which has 32 bits.
Gpa GpaOf(const Choices& choices);

struct NamedStep {
  std::string_view name;
  Step step;
};
// Every kind of access in the modes that the rules tell apart. Sizes: 8 bytes
// or what the kind has; that a page boundary makes two accesses of one is
// VIO-14's and the fuzzers' subject.
std::vector<NamedStep> AccessesOf(const Choices& choices);
// What those leave out: of more than 64 bytes, read-modify-writes of
// shadow-stack tokens, architectural PEBS.
std::vector<NamedStep> RareAccessesOf(const Choices& choices);

class World {
 public:
  explicit World(const Choices& choices);

  int top() const { return top_; }
  const MachineState& state() const { return state_; }

  // The entry of this shape at `level`: the shape with the frame, of the page
  // or of the next table, exclusive-ORed in. So a shape's address bits are
  // those in which the entry departs from the plain frame.
  static std::uint64_t EntryOf(int level, std::uint64_t shape);
  static bool MapsPage(int level, std::uint64_t shape) {
    return level == 1 || ((level == 2 || level == 3) && (shape & 0x80) != 0);
  }

  Hpa AddressOf(int level) const;
  void Set(int level, std::uint64_t shape) {
    state_.memory.Store(AddressOf(level), EntryOf(level, shape));
  }
  void Clear(int level) { state_.memory.Store(AddressOf(level), 0); }
  // The entry that allows everything.
  void Reset(int level);

 private:
  const std::uint64_t gpa_;
  const int top_;
  MachineState state_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_WORLD_H_
