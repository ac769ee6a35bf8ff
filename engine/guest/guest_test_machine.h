// What the tests of guest paging are made of: a TestMachine whose guest has
// tables of its own, for every paging mode, and one mapped page.
//
// EPT maps guest-physical page i of the first 16 to host page 20H + i, and
// guest-physical GByte 1 to host GByte 1, all as WB with all rights. The guest
// has its tables at the guest-physical addresses 1000H (PML5) to 5000H (PT) and
// its page at 9000H. All entries of both dimensions are writable, executable,
// user-mode and accessed, the leaf is dirty: nothing has to be set.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ENGINE_GUEST_GUEST_TEST_MACHINE_H_
#define EPTDIFF_ENGINE_GUEST_GUEST_TEST_MACHINE_H_

#include <cstdint>
#include <ostream>

#include "engine/guest/guest_paging.h"
#include "engine/walk/test_machine.h"

namespace eptdiff {

using engine::PagingMode;

inline constexpr PagingMode kPagingModes[] = {
    PagingMode::k32Bit, PagingMode::kPae, PagingMode::kFourLevel,
    PagingMode::kFiveLevel};

inline const char* NameOf(PagingMode mode) {
  constexpr const char* kNames[] = {"none", "32-bit", "PAE", "4-level",
                                    "5-level"};
  return kNames[static_cast<int>(mode)];
}

class GuestTestMachine : public TestMachine {
 public:
  // Bits 47:39 are 1, 38:30 are 2, 29:21 are 3, 20:12 are 4; as 32 bits,
  // 31:30 are 2, 31:22 are 201H, 21:12 are 204H.
  static constexpr Gla kGla{0x0000008080604abc};
  static constexpr Gla kGla32{0x80604abc};
  static constexpr std::uint64_t kHostPages = 0x20000;
  static constexpr std::uint64_t kEptPt = 0x4000;

  explicit GuestTestMachine(PagingMode mode = PagingMode::kFourLevel)
      : mode_(mode) {
    words.assign(0x40000 / 8, 0);
    processor.page_1gb = true;
    guest.cr0 = 0x80010001;  // PG, WP, PE
    guest.cr3 = 0;
    At(0x5000) = 0x1107;  // EPT, everything accessed and dirty
    At(0x1000) = 0x2107;
    At(0x2000) = 0x3107;
    At(0x2008) = 0x400003b7;
    At(0x3000) = 0x4107;
    for (std::uint64_t i = 0; i < 16; ++i) {
      At(kEptPt + 8 * i) = (kHostPages + 0x1000 * i) | 0x337;
    }
    switch (mode) {
      case PagingMode::kNone:
        guest.cr0 = 1;
        break;
      case PagingMode::k32Bit:
        guest.cr4 = 0;
        guest.efer = 0;
        guest.cs_l = false;
        guest.cr3 = 0x4000;
        break;
      case PagingMode::kPae:
        guest.cr4 = 0x20;
        guest.efer = 0x800;  // NXE
        guest.cs_l = false;
        guest.pdpte = {0, 0, 0x4001, 0};
        break;
      case PagingMode::kFourLevel:
        guest.cr3 = 0x2000;
        break;
      case PagingMode::kFiveLevel:
        guest.cr4 |= 0x1000;
        guest.cr3 = 0x1000;
        break;
    }
    for (int level = top_level(); level > 0; --level) {
      Set(level, level == 1 ? 0x9067 : TableOf(level - 1) | 0x27);
    }
  }

  PagingMode mode() const { return mode_; }
  Gla gla() const { return mode_ >= PagingMode::kFourLevel ? kGla : kGla32; }
  int top_level() const {
    return mode_ == PagingMode::kFiveLevel   ? 5
           : mode_ == PagingMode::kFourLevel ? 4
                                             : 2;
  }

  // The entry of `level` that the translation of gla() uses.
  Gpa AddressOf(int level) const {
    constexpr std::uint64_t kOffsets[] = {0, 0x20, 0x18, 0x10, 0x08, 0};
    constexpr std::uint64_t kOffsets32[] = {0, 0x810, 0x804, 0, 0, 0};
    return Gpa{TableOf(level) + (mode_ == PagingMode::k32Bit
                                     ? kOffsets32[level]
                                     : kOffsets[level])};
  }
  std::uint64_t Get(int level) {
    const std::uint64_t gpa = AddressOf(level).value;
    const std::uint64_t word = Guest(gpa & ~std::uint64_t{7});
    return mode_ == PagingMode::k32Bit ? word >> (8 * (gpa & 4)) & 0xffffffff
                                       : word;
  }
  void Set(int level, std::uint64_t entry) {
    const std::uint64_t gpa = AddressOf(level).value;
    std::uint64_t& word = Guest(gpa & ~std::uint64_t{7});
    if (mode_ != PagingMode::k32Bit) {
      word = entry;
    } else {
      const int shift = static_cast<int>(8 * (gpa & 4));
      word = (word & ~(std::uint64_t{0xffffffff} << shift)) | entry << shift;
    }
  }
  void Flip(int level, std::uint64_t bits) { Set(level, Get(level) ^ bits); }

  // Guest-physical memory below 64 KBytes, and the EPT PTE that maps it.
  std::uint64_t& Guest(std::uint64_t gpa) { return At(kHostPages + gpa); }
  std::uint64_t& EptPteOf(Gpa gpa) {
    return At(kEptPt + 8 * (gpa.value >> 12));
  }

  Event Linear(const Access& access) { return PerformLinear(access, gla()); }
  Event Linear(AccessKind kind) { return Linear(Access{.kind = kind}); }

  // The state of the walk of the last question asked by this.
  Event LinearWithState(const Access& access, GuestWalkState& state) {
    return Ask([&](Engine& engine, FlatMemory& memory, Event& event) {
      const EngineStatus status =
          engine.PerformLinearAccess(memory, access, gla(), event);
      state = engine.last_guest_walk();
      return status;
    });
  }

  static constexpr std::uint64_t TableOf(int level) {
    return static_cast<std::uint64_t>(6 - level) << 12;
  }

 private:
  PagingMode mode_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_GUEST_GUEST_TEST_MACHINE_H_
