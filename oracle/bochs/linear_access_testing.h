// What tests ask Bochs linear accesses with: literal entries of guest paging in
// every mode and of EPT, and a machine around them. What is expected is the
// SDM's answer, in places where Bochs gives it: what is tested is the adapter.
#ifndef EPTDIFF_ORACLE_BOCHS_LINEAR_ACCESS_TESTING_H_
#define EPTDIFF_ORACLE_BOCHS_LINEAR_ACCESS_TESTING_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "oracle/bochs/bochs_oracle.h"
#include "oracle/machine_state.h"

namespace eptdiff::bochs_testing {

// EPT: the first GByte, where the guest's structures lie, is mapped onto itself
// by one entry; in the second, pages 40005000H and 40006000H are data.
inline constexpr Hpa kEptPml4e{0x1000}, kStructures{0x2000}, kDataPdpte{0x2008};
inline constexpr Hpa kDataPde{0x3000}, kData{0x4028}, kNextData{0x4030};
inline constexpr std::uint64_t kEptp = 0x1000 | 3 << 3 | 6;
inline constexpr std::uint64_t kEptpAd = 1 << 6, kEptpSss = 1 << 7;

// The guest's structures, for indices 1, 2, 3, 4 of 9 bits (4-level), of which
// PAE paging uses the last three, and for 201H, 204H of 10 bits (32-bit).
inline constexpr Hpa kPml5e{0xf000}, kPml4e{0x10008}, kPdpte{0x11010};
inline constexpr Hpa kPde{0x12018}, kPte{0x13020}, kNextPte{0x13028};
inline constexpr Hpa kWordOfPde32{0x20800}, kWordOfPte32{0x21810};
inline constexpr Gla kGla{0x80'80604abc}, kGla32{0x80604abc};

inline constexpr std::uint64_t kCr0Wp = 1 << 16;
inline constexpr std::uint64_t kCr4Pse = 1 << 4, kCr4Pae = 1 << 5,
                               kCr4La57 = 1 << 12;
inline constexpr std::uint64_t kCr4Smep = 1 << 20, kCr4Smap = 1 << 21;
inline constexpr std::uint64_t kCr4Pke = 1 << 22, kCr4Cet = 1 << 23;
inline constexpr std::uint64_t kCr4Pks = 1 << 24;
inline constexpr std::uint64_t kEferNxe = 1 << 11;
inline constexpr std::uint64_t kAc = 1 << 18;
inline constexpr std::uint64_t kXd = 1ull << 63;
inline constexpr std::uint32_t kEpt = 1 << 1, kPml = 1 << 17, kMbec = 1 << 22;

enum class Mode { k32Bit, kPae, k4Level, k5Level };
inline constexpr Mode kModes[] = {Mode::k32Bit, Mode::kPae, Mode::k4Level,
                                  Mode::k5Level};

inline std::vector<MemoryWord> WritesOf(const Outcome& outcome) {
  return {outcome.writes.begin(), outcome.writes.end()};
}

class LinearAccessTest : public testing::Test {
 protected:
  LinearAccessTest() {
    state_.processor = {.maxphyaddr = 46,
                        .ept_vpid_cap = 0x00e34141,
                        .page_1gb = true,
                        .pse36 = true};
    state_.controls.pin_based = 1 << 3;  // NMI exiting
    state_.controls.primary = 1u << 31;
    state_.controls.secondary = kEpt;
    state_.controls.eptp = kEptp;
    state_.controls.pml_address = 0x8000;
    state_.controls.pml_index = 511;
    Store(kEptPml4e, 0x2007);
    Store(kStructures, 0xb7);
    Store(kDataPdpte, 0x3007);
    Store(kDataPde, 0x4007);
    Store(kData, 0x5678037);
    Store(kNextData, 0x9999037);
    // Writable user pages throughout; no flag is set.
    Store(kPml5e, 0x10007);
    Store(kPml4e, 0x11007);
    Store(kPdpte, 0x12007);
    Store(kPde, 0x13007);
    Store(kPte, 0x40005007);
    Store(kWordOfPde32, 0x21007ull << 32);  // the PDE is at 20804H
    Store(kWordOfPte32, 0x40005007);
    Enter(Mode::k4Level);
  }

  void SetUp() override {
    if (oracle_ == nullptr) GTEST_SKIP() << "built without Bochs";
  }

  void Store(Hpa address, std::uint64_t value) {
    state_.memory.Store(address, value);
  }

  void Enter(Mode mode) {
    GuestState& guest = state_.guest;
    guest = {};
    guest.cr0 = 0x80000001 | kCr0Wp;
    guest.cr3 = mode == Mode::k32Bit    ? 0x20000
                : mode == Mode::k5Level ? 0xf000
                                        : 0x10000;
    guest.cr4 = mode == Mode::k32Bit    ? 0
                : mode == Mode::k5Level ? kCr4Pae | kCr4La57
                                        : kCr4Pae;
    guest.pdpte = {0, 0, 0x12001, 0};
    guest.cpl = 3;
    gla_ = kGla32;
    if (mode == Mode::k32Bit || mode == Mode::kPae) return;
    guest.efer = 0x500;  // LMA, LME
    guest.cs_l = true;
    gla_ = kGla;
  }

  Outcome Ask(const Step& step) {
    Outcome outcome;
    EXPECT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), Skip::kNone);
    return outcome;
  }
  Outcome Ask(AccessKind kind) {
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.access.kind = kind;
    step.gla = gla_;
    return Ask(step);
  }
  Outcome Read() { return Ask(AccessKind::kRead); }
  Outcome Write() { return Ask(AccessKind::kWrite); }
  Outcome Fetch() { return Ask(AccessKind::kFetch); }

  // The error code of the page fault that must come, for the first byte.
  std::uint32_t ErrorCode(AccessKind kind) {
    const Outcome outcome = Ask(kind);
    EXPECT_EQ(outcome.event.kind, EventKind::kPageFault);
    EXPECT_EQ(outcome.event.cr2, gla_);
    EXPECT_EQ(outcome.event.translation_count, 0);
    return outcome.event.error_code;
  }
  bool Completes(AccessKind kind) {
    return Ask(kind).event.kind == EventKind::kCompleted;
  }

  const std::unique_ptr<Oracle> oracle_ = MakeBochsOracle();
  MachineState state_;
  Gla gla_ = kGla;
};

}  // namespace eptdiff::bochs_testing

#endif  // EPTDIFF_ORACLE_BOCHS_LINEAR_ACCESS_TESTING_H_
