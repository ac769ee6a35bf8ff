// A VMM's frames for the tests of the table builder: it counts, refuses, and
// notices what must not happen. What it notices it adds to `faults`.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ENGINE_TABLE_TEST_FRAMES_H_
#define EPTDIFF_ENGINE_TABLE_TEST_FRAMES_H_

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/table/table_hal.h"
#include "engine/types.h"

namespace eptdiff {

class TestFrames {
 public:
  using Frame = std::array<std::uint64_t, 512>;

  std::optional<Hpa> AllocateFrame() {
    if (in_use.size() >= limit) return std::nullopt;
    Hpa frame{next_address};
    if (free_.empty()) {
      next_address += 0x1000;
    } else {
      frame = free_.back();
      free_.pop_back();
    }
    if (moves) MoveAll();
    // A present entry wherever the builder forgets to write.
    auto& memory = frames_[frame.value];
    if (memory == nullptr) memory = std::make_unique<Frame>();
    memory->fill(0x0badf00000000037);
    in_use.insert(frame.value);
    return frame;
  }
  void FreeFrame(Hpa frame) {
    if (in_use.erase(frame.value) == 0) faults.push_back("freed, not in use");
    frames_[frame.value]->fill(0xdead000000000037);
    free_.push_back(frame);
    if (on_free) on_free(frame);
  }
  std::uint64_t* Pointer(Hpa frame) {
    const auto found = frames_.find(frame.value);
    return found == frames_.end() ? nullptr : found->second->data();
  }
  void Invept(std::uint64_t eptp) {
    ++invepts;
    last_eptp = eptp;
    if (on_invept) on_invept();
  }
  void OnStore(Hpa address, std::uint64_t before, std::uint64_t word) {
    if (on_store) on_store(address, before, word);
  }

  std::uint64_t& At(std::uint64_t address) {
    return frames_.at(address & ~std::uint64_t{0xfff})
        ->at((address & 0xfff) / 8);
  }

  std::size_t limit = ~std::size_t{0};  // of frames in use
  bool moves = false;  // pointers are good until the next allocation
  std::uint64_t next_address = 0x100000;
  std::set<std::uint64_t> in_use;
  int invepts = 0;
  std::uint64_t last_eptp = 0;
  std::vector<std::string> faults;
  std::function<void(Hpa, std::uint64_t, std::uint64_t)> on_store;
  std::function<void()> on_invept;
  std::function<void(Hpa)> on_free;

 private:
  // What goes to where a frame was is lost, and what comes from there is wrong.
  void MoveAll() {
    for (auto& [address, memory] : frames_) {
      left_.push_back(std::exchange(memory, std::make_unique<Frame>(*memory)));
      left_.back()->fill(0xdead000000000037);
    }
  }

  std::map<std::uint64_t, std::unique_ptr<Frame>> frames_;
  std::vector<std::unique_ptr<Frame>> left_;
  std::vector<Hpa> free_;
};

static_assert(TableHal<TestFrames> && HasStoreHook<TestFrames>);

// A processor that has everything, with EPT switched on: 4 levels, WB.
inline Processor TableProcessor() {
  Processor processor;
  processor.maxphyaddr = 46;
  processor.ept_vpid_cap = 0x003f0f0106f341c1;
  return processor;
}
inline Controls TableControls(std::uint64_t eptp = 0x1e) {
  Controls controls;
  controls.primary = 0x80020000;    // secondary and tertiary controls
  controls.secondary = 0x00000002;  // EPT
  controls.eptp = eptp;
  return controls;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_TEST_FRAMES_H_
