// A Hal for TableBuilder that records what the builder does, in its order.
//
// A frame is given out full of kPoison: present entries that no processor would
// take. Freed frames are given out again at once, the last one first, so that
// whoever freed too early meets its own tables.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_FRAME_POOL_H_
#define EPTDIFF_ORACLE_BUILDER_FRAME_POOL_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/table_hal.h"
#include "engine/types.h"
#include "oracle/builder/frame_memory.h"

namespace eptdiff {

struct TableEvent {
  enum class Kind : std::uint8_t { kAllocate, kFree, kStore, kInvept };
  Kind kind;
  Hpa address = {};          // of a frame, or of the word that was stored
  std::uint64_t before = 0;  // kStore
  std::uint64_t after = 0;   // kStore; of kInvept: the EPTP
};

class FramePool {
 public:
  // Bits 51:46 are not 0: reserved where MAXPHYADDR is below 48.
  static constexpr std::uint64_t kPoison = 0x000bad0000000037;
  static constexpr std::uint64_t kFirstFrame = 0x100000;

  std::optional<Hpa> AllocateFrame() {
    if (until_failure_ > 0 && --until_failure_ == 0) {
      failed_ = true;
      return std::nullopt;
    }
    Hpa frame{next_};
    if (free_.empty()) {
      next_ += 0x1000;
    } else {
      frame = free_.back();
      free_.pop_back();
    }
    memory_.Fill(frame, kPoison);
    events_.push_back({TableEvent::Kind::kAllocate, frame});
    return frame;
  }
  void FreeFrame(Hpa frame) {
    free_.push_back(frame);
    events_.push_back({TableEvent::Kind::kFree, frame});
  }
  std::uint64_t* Pointer(Hpa frame) {
    FrameMemory::Frame* words = memory_.Find(frame);
    return words == nullptr ? nullptr : words->data();
  }
  void Invept(std::uint64_t eptp) {
    events_.push_back({TableEvent::Kind::kInvept, {}, 0, eptp});
  }
  void OnStore(Hpa address, std::uint64_t before, std::uint64_t after) {
    events_.push_back({TableEvent::Kind::kStore, address, before, after});
  }

  // The n-th allocation from now on fails, n from 1 on, and no other; 0: none.
  void FailAllocation(int n) {
    until_failure_ = n;
    failed_ = false;
  }
  // Whether it has.
  bool failed() const { return failed_; }

  FrameMemory& memory() { return memory_; }
  const FrameMemory& memory() const { return memory_; }
  // What happened since this was called last.
  std::vector<TableEvent> TakeEvents() { return std::exchange(events_, {}); }

 private:
  FrameMemory memory_;
  std::vector<TableEvent> events_;
  std::vector<Hpa> free_;
  std::uint64_t next_ = kFirstFrame;
  int until_failure_ = 0;
  bool failed_ = false;
};

static_assert(TableHal<FramePool> && HasStoreHook<FramePool>);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_FRAME_POOL_H_
