// Tables that the engine's builder made, as an image of memory, for tests that
// then plant mistakes. Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_LINT_TEST_TABLES_H_
#define EPTDIFF_FUZZERS_COMMAND_LINT_TEST_TABLES_H_

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "engine/table/table_builder.h"
#include "gtest/gtest.h"

namespace eptdiff {

// Maps to themselves the first 2 MBytes by 4-KByte pages, but for a hole at
// A0000H, the next 2 MBytes by a large page, and the fourth GByte by one.
class TestTables {
 public:
  static constexpr std::uint64_t kFirst = 0x10000000;
  static constexpr std::uint64_t kFrames = 8;

  TestTables() : words_(kFrames * 512) {
    for (std::uint64_t i = kFrames; i-- > 0;) {
      free_.push_back(Hpa{kFirst + i * 4096});
    }
    Processor processor;
    processor.maxphyaddr = 46;
    processor.ept_vpid_cap = 0x6334141;
    Controls controls;
    controls.primary = 0x80000000;
    controls.secondary = 0x2;
    controls.eptp = 0x5e;
    TableError error = TableError::kNone;
    auto table =
        TableBuilder<TestTables>::Create(*this, processor, controls, error);
    EXPECT_TRUE(table.has_value());
    constexpr EptFlags kRam = EptFlags::kRead | EptFlags::kWriteBack |
                              EptFlags::kWrite | EptFlags::kExecute;
    EXPECT_TRUE(table->MapRegion(Gpa{0}, Hpa{0}, 0x400000, kRam).ok());
    EXPECT_TRUE(table->UnmapRegion(Gpa{0xa0000}, 0x20000).ok());
    EXPECT_TRUE(
        table->MapRegion(Gpa{0xc0000000}, Hpa{0xc0000000}, 0x40000000, kRam)
            .ok());
    eptp_ = table->eptp();
  }

  // For the builder.
  std::optional<Hpa> AllocateFrame() {
    if (free_.empty()) return std::nullopt;
    const Hpa frame = free_.back();
    free_.pop_back();
    return frame;
  }
  void FreeFrame(Hpa frame) { free_.push_back(frame); }
  std::uint64_t* Pointer(Hpa frame) {
    const std::uint64_t offset = frame.value - kFirst;
    return offset < kFrames * 4096 ? &words_[offset / 8] : nullptr;
  }
  void Invept(std::uint64_t) {}

  std::uint64_t eptp() const { return eptp_; }

  // The entry of `level` on the way of `gpa`; its host-physical address.
  std::uint64_t PlaceOf(std::uint64_t gpa, int level) {
    std::uint64_t table = eptp_ & ~std::uint64_t{0xfff};
    for (int l = 4;; --l) {
      const std::uint64_t place = table + 8 * (gpa >> (3 + 9 * l) & 511);
      if (l == level) return place;
      table = Entry(place) & 0xffffffffff000;
    }
  }
  std::uint64_t& Entry(std::uint64_t place) {
    return words_[(place - kFirst) / 8];
  }
  std::uint64_t& EntryOf(std::uint64_t gpa, int level) {
    return Entry(PlaceOf(gpa, level));
  }

  std::string Image() const {
    return std::string(reinterpret_cast<const char*>(words_.data()),
                       words_.size() * 8);
  }

 private:
  std::vector<std::uint64_t> words_;
  std::vector<Hpa> free_;
  std::uint64_t eptp_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_LINT_TEST_TABLES_H_
