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
    while (!frames_.empty()) spare_.push_back(frames_.extract(frames_.begin()));
  }

 private:
  struct Held {
    Frame* frame = nullptr;
    std::unique_ptr<Frame> own;  // null: it never was but placed
  };

  using Frames = std::unordered_map<std::uint64_t, Held>;

  Frame& Make(Hpa frame) {
    Held& at = HeldAt(frame.value);
    if (frame.value >= placed_first_ && frame.value < placed_end_) {
      at.frame = reinterpret_cast<Frame*>(frame.value);
    } else {
      if (at.own == nullptr) at.own = std::make_unique<Frame>();
      at.frame = at.own.get();
    }
    return *at.frame;
  }
  Held& HeldAt(std::uint64_t address) {
    if (const auto found = frames_.find(address); found != frames_.end()) {
      return found->second;
    }
    if (spare_.empty()) return frames_[address];
    Frames::node_type spare = std::move(spare_.back());
    spare_.pop_back();
    spare.key() = address;
    return frames_.insert(std::move(spare)).position->second;
  }

  std::uint64_t placed_first_ = 0, placed_end_ = 0;
  Frames frames_;
  std::vector<Frames::node_type> spare_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_FRAME_MEMORY_H_
