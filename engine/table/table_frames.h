// Frames for an operation's new tables, all taken before it changes anything:
// if one cannot be had, everything is still as it was.
//
// Frames that wait are a list through their own first words, which nobody else
// reads yet. Frames that are to be freed never are: processors may walk them
// until INVEPT, and would find the list.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_FRAMES_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_FRAMES_H_

#include <cstdint>
#include <optional>

#include "engine/table/table_error.h"
#include "engine/table/table_hal.h"
#include "engine/types.h"

namespace eptdiff::engine {

template <TableHal Hal>
class TableFrames {
 public:
  // `hpa_end`: one beyond the last address that an entry can hold.
  TableFrames(Hal& hal, std::uint64_t hpa_end)
      : hal_(&hal), hpa_end_(hpa_end) {}
  TableFrames(const TableFrames&) = delete;
  TableFrames& operator=(const TableFrames&) = delete;
  ~TableFrames() {
    while (count_ > 0) hal_->FreeFrame(Take());
  }

  // Takes `count` frames. If it fails it has given back all of them.
  TableError Reserve(std::uint64_t count) {
    while (count_ < count) {
      const std::optional<Hpa> frame = hal_->AllocateFrame();
      TableError error = TableError::kNone;
      if (!frame.has_value()) {
        error = TableError::kNoFrames;
      } else if (!IsUsable(*frame)) {
        hal_->FreeFrame(*frame);
        error = TableError::kBadFrame;
      }
      if (error != TableError::kNone) {
        while (count_ > 0) hal_->FreeFrame(Take());
        return error;
      }
      __atomic_store_n(hal_->Pointer(*frame), next_.value, __ATOMIC_RELAXED);
      next_ = *frame;
      ++count_;
    }
    return TableError::kNone;
  }

  // One of those that were reserved.
  Hpa Take() {
    const Hpa frame = next_;
    next_.value = __atomic_load_n(hal_->Pointer(frame), __ATOMIC_RELAXED);
    --count_;
    return frame;
  }

 private:
  bool IsUsable(Hpa frame) const {
    return frame.value % 4096 == 0 && frame.value < hpa_end_ &&
           hal_->Pointer(frame) != nullptr;
  }

  Hal* hal_;
  std::uint64_t hpa_end_;
  std::uint64_t count_ = 0;
  Hpa next_ = {};
};

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_FRAMES_H_
