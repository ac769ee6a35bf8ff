// A case moved to where a machine has memory.
//
// What a case says of host-physical memory are the pages of its structures:
// tables of EPT, what leaves map, the log, the list of EPTPs, and so on. Each
// is given a place in the machine's free memory that is aligned to its size,
// and wherever such an address stands it is changed: in VMCS fields, entries of
// EPT and of sub-page-permission tables, EPTPs, stores, descriptors of INVEPT.
// All else is left, guest-physical addresses above all: what the guest's own
// tables say, too, though they lie in memory that was moved.
//
// An address that is too wide for the case's processor is too wide for the
// machine's. Entries that are not present are left. The case's processor
// becomes the machine's, so the reference has to be asked about the moved case:
// with another MAXPHYADDR or other capabilities it may mean something else. If
// the processor is the same, every verdict is that on the original with the
// addresses moved; unless the guest takes entries of EPT for its own, which say
// something else then.
//
// Every address that a walk of any step could follow leads to free memory,
// whether permissions let the step get there or not.
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_PROCESSOR_MOVING_H_
#define EPTDIFF_ORACLE_PROCESSOR_MOVING_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/types.h"
#include "oracle/case.h"
#include "oracle/outcome.h"

namespace eptdiff {

// Memory that nothing else uses; any bytes, page-aligned.
struct FreeRange {
  Hpa first = {};
  std::uint64_t bytes = 0;
  friend bool operator==(const FreeRange&, const FreeRange&) = default;
};

// Why a case cannot be moved.
enum class Unmovable : std::uint8_t {
  kNone,
  kTableOperations,
  kEptOff,
  kTwoRoles,
  kApicStructures,
  kNoReservedBits,
  kNoRoomFor4Kb,
  kNoRoomFor2Mb,
  kNoRoomFor1Gb,
};
inline constexpr std::size_t kUnmovableCount = 9;

// As reports count them: a sentence without capital and full stop.
std::string_view WordsOf(Unmovable why);

// 2^shift bytes that were at `from` and are at `to`.
struct MovedRegion {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint8_t shift = 12;  // 12, 21 or 30
  friend bool operator==(const MovedRegion&, const MovedRegion&) = default;
};

class Mover {
 public:
  // `free` are disjoint and within the machine's physical addresses.
  explicit Mover(std::span<const FreeRange> free);

  // Overwrites `moved` with `c` as it is on a machine with this processor.
  // Unless it returns kNone, `moved` is not specified.
  Unmovable Move(const Case& c, const Processor& machine, Case& moved);

  // Where everything of the case last moved has gone, by ascending `from`;
  // disjoint, and so are the places.
  std::span<const MovedRegion> regions() const { return regions_; }

  // Whether some page that the guest may reach has tables of EPT in it: an
  // access that stores anything but what is there changes them.
  bool guest_reaches_tables() const;
  // Whether a word of the moved case holds, or would hold after a store, an
  // address that was changed.
  bool HoldsAddress(Hpa to) const;

  // The address there, or here; false if it is in no region.
  bool Forward(Hpa from, Hpa& to) const;
  bool Back(Hpa to, Hpa& from) const;

  // Makes of the answer to a step of the case last moved what it would have
  // been for the original. False if it has an address that the case has
  // nothing at: what is in `outcome` then is not specified.
  bool MoveBack(Outcome& outcome) const;

 private:
  // What may hold an address: a word of memory, or the value of a store.
  struct Value {
    std::uint64_t address = 0;
    std::uint64_t value = 0;
  };
  // A page, and what the case's structures use it for (moving.cc), as bits.
  struct Frame {
    std::uint64_t address = 0;
    std::uint32_t roles = 0;
    std::uint64_t to = 0;  // where it has gone
  };
  // A value with an address that is too wide.
  struct TooWide {
    std::uint64_t original = 0;
    std::uint64_t changed = 0;
  };

  void Begin(const Case& c, const Processor& machine);
  void AddFields(const Case& c);
  void AddFrame(std::uint64_t address, std::uint32_t role);
  void AddTables(std::uint64_t eptp);
  void Follow(std::uint32_t role, std::uint64_t value);
  void FollowAll();
  bool IsTooWide(std::uint64_t address) const;
  bool IsLive(std::uint32_t role, std::uint64_t value) const;
  bool IsLiveEntry(std::uint64_t address, std::uint64_t value) const;
  std::uint8_t LeafShift(std::uint32_t role, std::uint64_t value) const;
  // The frame with this byte; null if there is none.
  const Frame* FrameAt(std::uint64_t address) const;
  std::uint32_t RolesAt(std::uint64_t address) const;
  bool IsLiveIn(std::uint32_t roles, std::uint64_t value) const;
  bool HasTwoRoles() const;
  bool HasStructureOf(std::uint32_t role) const;
  void MergeRegions();
  Unmovable Place();
  void PlaceFrames();
  bool TakePlace(std::uint8_t shift, std::uint64_t& place);
  std::uint64_t Change(std::uint64_t value);
  std::uint64_t ChangeBack(std::uint64_t value) const;
  void ChangeFields(Controls& k);
  void ChangeStep(Step& step);

  std::vector<FreeRange> free_;
  std::vector<FreeRange> left_;   // of them, while places are given
  std::vector<Value> values_;     // by address
  std::vector<Frame> frames_;     // by address
  std::vector<Frame> to_follow_;  // one role each
  std::vector<MovedRegion> leaves_;
  std::vector<MovedRegion> regions_;
  std::vector<TooWide> too_wide_;
  unsigned width_ = 52;          // of the case's physical addresses,
  unsigned machine_width_ = 52;  // of the machine's
  bool large_2mb_ = false;
  bool large_1gb_ = false;
  bool mode_based_ = false;
  bool lacks_reserved_bits_ = false;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_PROCESSOR_MOVING_H_
