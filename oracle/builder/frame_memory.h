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

  // Frames of [first, end) lie where their addresses, as pointers, say: memory
  // that the caller has mapped, and keeps. None do to begin with.
  void PlaceAtPointers(std::uint64_t first, std::uint64_t end) {
    placed_first_ = first;
    placed_end_ = end;
  }

  // The frame at `frame`, new or again, with `word` everywhere, or as `words`.
  void Fill(Hpa frame, std::uint64_t word) { Make(frame).fill(word); }
  void Copy(Hpa frame, const Frame& words) { Make(frame) = words; }
  // Null if there is none.
  Frame* Find(Hpa frame) {
    const auto found = frames_.find(frame.value);
    return found == frames_.end() ? nullptr : found->second.frame;
  }
  const Frame* Find(Hpa frame) const {
    const auto found = frames_.find(frame.value);
    return found == frames_.end() ? nullptr : found->second.frame;
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
    for (auto& [address, held] : frames_) {
      if (held.own != nullptr) spare_.push_back(std::move(held.own));
    }
    frames_.clear();
  }

 private:
  struct Held {
    Frame* frame = nullptr;
    std::unique_ptr<Frame> own;  // null: it is placed
  };

  Frame& Make(Hpa frame) {
    Held& at = frames_[frame.value];
    if (at.frame != nullptr) return *at.frame;
    if (frame.value >= placed_first_ && frame.value < placed_end_) {
      at.frame = reinterpret_cast<Frame*>(frame.value);
    } else {
      at.own = Spare();
      at.frame = at.own.get();
    }
    return *at.frame;
  }
  std::unique_ptr<Frame> Spare() {
    if (spare_.empty()) return std::make_unique<Frame>();
    std::unique_ptr<Frame> frame = std::move(spare_.back());
    spare_.pop_back();
    return frame;
  }

  std::uint64_t placed_first_ = 0, placed_end_ = 0;
  std::unordered_map<std::uint64_t, Held> frames_;
  std::vector<std::unique_ptr<Frame>> spare_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_FRAME_MEMORY_H_
