// Frames of 512 words in a sparse host-physical memory.
// Thread-safety: thread-compatible. Pointers stay until Clear().
#ifndef EPTDIFF_ORACLE_BUILDER_FRAME_MEMORY_H_
#define EPTDIFF_ORACLE_BUILDER_FRAME_MEMORY_H_

#include <array>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/types.h"

namespace eptdiff {

class FrameMemory {
 public:
  // Where a page would be: code finds the table of an entry by a mask.
  struct alignas(4096) Frame : std::array<std::uint64_t, 512> {};

  // The frame at `frame`, new or again, with `word` everywhere, or as `words`.
  void Fill(Hpa frame, std::uint64_t word) { Make(frame).fill(word); }
  void Copy(Hpa frame, const Frame& words) { Make(frame) = words; }
  // Null if there is none.
  Frame* Find(Hpa frame) {
    const auto found = frames_.find(frame.value);
    return found == frames_.end() ? nullptr : found->second.get();
  }
  const Frame* Find(Hpa frame) const {
    const auto found = frames_.find(frame.value);
    return found == frames_.end() ? nullptr : found->second.get();
  }
  // The word at `address`, any multiple of 8; null where no frame is.
  std::uint64_t* At(Hpa address) {
    Frame* frame = Find(Hpa{address.value & ~std::uint64_t{0xfff}});
    return frame == nullptr ? nullptr : &(*frame)[address.value / 8 % 512];
  }
  const std::uint64_t* At(Hpa address) const {
    return const_cast<FrameMemory*>(this)->At(address);
  }
  // No frame is there any more; what they took is kept for the next ones.
  void Clear() {
    for (auto& [address, frame] : frames_) spare_.push_back(std::move(frame));
    frames_.clear();
  }

 private:
  Frame& Make(Hpa frame) {
    std::unique_ptr<Frame>& at = frames_[frame.value];
    if (at == nullptr) at = Spare();
    return *at;
  }
  std::unique_ptr<Frame> Spare() {
    if (spare_.empty()) return std::make_unique<Frame>();
    std::unique_ptr<Frame> frame = std::move(spare_.back());
    spare_.pop_back();
    return frame;
  }

  std::unordered_map<std::uint64_t, std::unique_ptr<Frame>> frames_;
  std::vector<std::unique_ptr<Frame>> spare_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_FRAME_MEMORY_H_
