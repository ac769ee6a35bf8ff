// Frames of 512 words in a sparse host-physical memory.
// Thread-safety: thread-compatible. Pointers stay until the memory goes.
#ifndef EPTDIFF_ORACLE_BUILDER_FRAME_MEMORY_H_
#define EPTDIFF_ORACLE_BUILDER_FRAME_MEMORY_H_

#include <array>
#include <cstdint>
#include <unordered_map>

#include "engine/types.h"

namespace eptdiff {

class FrameMemory {
 public:
  using Frame = std::array<std::uint64_t, 512>;

  // The frame at `frame`, new or again, with `word` everywhere.
  void Fill(Hpa frame, std::uint64_t word) { frames_[frame.value].fill(word); }
  // Null if there is none.
  Frame* Find(Hpa frame) {
    const auto found = frames_.find(frame.value);
    return found == frames_.end() ? nullptr : &found->second;
  }
  const Frame* Find(Hpa frame) const {
    const auto found = frames_.find(frame.value);
    return found == frames_.end() ? nullptr : &found->second;
  }
  // The word at `address`, any multiple of 8; null where no frame is.
  std::uint64_t* At(Hpa address) {
    Frame* frame = Find(Hpa{address.value & ~std::uint64_t{0xfff}});
    return frame == nullptr ? nullptr : &(*frame)[address.value / 8 % 512];
  }

 private:
  std::unordered_map<std::uint64_t, Frame> frames_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_FRAME_MEMORY_H_
