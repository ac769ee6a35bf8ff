// Bochs asked for linear accesses with guest paging, over literal entries. What
// is expected is the SDM's answer, in places where Bochs gives it: what is
// tested is the adapter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "oracle/bochs/bochs_oracle.h"
#include "oracle/machine_state.h"

namespace eptdiff {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// EPT: the first GByte, where the guest's structures lie, is mapped onto itself
// by one entry; in the second, pages 40005000H and 40006000H are data.
constexpr Hpa kEptPml4e{0x1000}, kStructures{0x2000}, kDataPdpte{0x2008};
constexpr Hpa kDataPde{0x3000}, kData{0x4028}, kNextData{0x4030};
constexpr std::uint64_t kEptp = 0x1000 | 3 << 3 | 6;
constexpr std::uint64_t kEptpAd = 1 << 6, kEptpSss = 1 << 7;

// The guest's structures, for indices 1, 2, 3, 4 of 9 bits (4-level), of which
// PAE paging uses the last three, and for 201H, 204H of 10 bits (32-bit).
constexpr Hpa kPml5e{0xf000}, kPml4e{0x10008}, kPdpte{0x11010};
constexpr Hpa kPde{0x12018}, kPte{0x13020}, kNextPte{0x13028};
constexpr Hpa kWordOfPde32{0x20800}, kWordOfPte32{0x21810};
constexpr Gla kGla{0x80'80604abc}, kGla32{0x80604abc};

constexpr std::uint64_t kCr0Wp = 1 << 16;
constexpr std::uint64_t kCr4Pse = 1 << 4, kCr4Pae = 1 << 5, kCr4La57 = 1 << 12;
constexpr std::uint64_t kCr4Smep = 1 << 20, kCr4Smap = 1 << 21;
constexpr std::uint64_t kCr4Pke = 1 << 22, kCr4Cet = 1 << 23;
constexpr std::uint64_t kCr4Pks = 1 << 24;
constexpr std::uint64_t kEferNxe = 1 << 11;
constexpr std::uint64_t kAc = 1 << 18;
constexpr std::uint64_t kXd = 1ull << 63;
constexpr std::uint32_t kEpt = 1 << 1, kPml = 1 << 17, kMbec = 1 << 22;

enum class Mode { k32Bit, kPae, k4Level, k5Level };
constexpr Mode kModes[] = {Mode::k32Bit, Mode::kPae, Mode::k4Level,
                           Mode::k5Level};

std::vector<MemoryWord> WritesOf(const Outcome& outcome) {
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

TEST_F(LinearAccessTest, TranslatesInEveryMode) {
  for (const Mode mode : kModes) {
    Enter(mode);
    const Event event = Read().event;
    ASSERT_EQ(event.kind, EventKind::kCompleted);
    ASSERT_EQ(event.translation_count, 1);
    EXPECT_EQ(event.translations[0].address.value, 0x5678abcu);
    EXPECT_EQ(event.translations[0].page_shift, 12);
  }
}

TEST_F(LinearAccessTest, SetsAccessedFlagsInEveryMode) {
  EXPECT_THAT(
      WritesOf(Read()),
      ElementsAre(MemoryWord{kPml4e, 0x11027}, MemoryWord{kPdpte, 0x12027},
                  MemoryWord{kPde, 0x13027}, MemoryWord{kPte, 0x40005027}));
  Enter(Mode::k5Level);
  EXPECT_THAT(
      WritesOf(Read()),
      ElementsAre(MemoryWord{kPml5e, 0x10027}, MemoryWord{kPml4e, 0x11027},
                  MemoryWord{kPdpte, 0x12027}, MemoryWord{kPde, 0x13027},
                  MemoryWord{kPte, 0x40005027}));
  Enter(Mode::kPae);
  EXPECT_THAT(WritesOf(Read()), ElementsAre(MemoryWord{kPde, 0x13027},
                                            MemoryWord{kPte, 0x40005027}));
  Enter(Mode::k32Bit);
  EXPECT_THAT(WritesOf(Read()),
              ElementsAre(MemoryWord{kWordOfPde32, 0x21027ull << 32},
                          MemoryWord{kWordOfPte32, 0x40005027}));
}

TEST_F(LinearAccessTest, SetsTheDirtyFlagOfALeafThatIsWritten) {
  for (const Hpa entry : {kPml4e, kPdpte, kPde, kPte}) {
    Store(entry, state_.memory.Load(entry) | 0x20);
  }
  EXPECT_THAT(WritesOf(Read()), IsEmpty());
  EXPECT_THAT(WritesOf(Write()), ElementsAre(MemoryWord{kPte, 0x40005067}));
}

TEST_F(LinearAccessTest, MapsLargePages) {
  const struct {
    std::string what;
    Mode mode;
    Hpa entry;
    std::uint64_t value;
    std::uint64_t gpa;
  } kCases[] = {
      {"1 GByte", Mode::k4Level, kPdpte, 0x40000087, 0x40604abc},
      {"2 MByte", Mode::k4Level, kPde, 0x40600087, 0x40604abc},
      {"2 MByte, 5-level", Mode::k5Level, kPde, 0x40600087, 0x40604abc},
      {"2 MByte, PAE", Mode::kPae, kPde, 0x40600087, 0x40604abc},
      {"4 MByte", Mode::k32Bit, kWordOfPde32, 0x40400087ull << 32, 0x40604abc},
      {"4 MByte, bit 36", Mode::k32Bit, kWordOfPde32, 0x40420087ull << 32,
       0x10'40604abc},
  };
  Store(kDataPdpte, 0);
  Store(Hpa{0x2000 + 8 * 0x41}, 0);
  for (const auto& c : kCases) {
    Enter(c.mode);
    state_.guest.cr4 |= kCr4Pse;
    const std::uint64_t table = state_.memory.Load(c.entry);
    Store(c.entry, c.value);
    const Event event = Read().event;
    Store(c.entry, table);
    // Where it went is seen in the EPT violation.
    EXPECT_EQ(event.exit_reason, 48) << c.what;
    EXPECT_EQ(event.gpa.value, c.gpa) << c.what;
    EXPECT_EQ(event.qualification & 0x1ff, 0x181u) << c.what;
  }
}

TEST_F(LinearAccessTest, IgnoresThePageSizeOf32BitPagingWithoutPse) {
  Enter(Mode::k32Bit);
  Store(kWordOfPde32, 0x21087ull << 32);
  EXPECT_EQ(Read().event.translations[0].address.value, 0x5678abcu);
}

TEST_F(LinearAccessTest, TakesTheReservedBitsOf4MBytePagesFromTheWidth) {
  Enter(Mode::k32Bit);
  state_.guest.cr4 |= kCr4Pse;
  for (int width = 32; width <= 52; ++width) {
    state_.processor.maxphyaddr = static_cast<std::uint8_t>(width);
    for (int bit = 13; bit <= 21; ++bit) {
      Store(kWordOfPde32, (0x87ull | 1ull << bit) << 32);
      // Bits 20:13 are address bits 39:32; 21 is none.
      const bool reserved = bit == 21 || bit + 19 >= width;
      const Event event = Read().event;
      ASSERT_EQ(event.kind == EventKind::kPageFault, reserved)
          << width << " " << bit;
      if (reserved) {
        EXPECT_EQ(event.error_code, 0xdu);
      }
    }
  }
}

TEST_F(LinearAccessTest, GuestAndEptDifferInGigabytePages) {
  Store(kPdpte, 0x40000087);
  state_.processor.page_1gb = false;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0xdu);  // user, reserved, present

  state_.processor.page_1gb = true;
  state_.processor.ept_vpid_cap &= ~(1ull << 17);
  EXPECT_EQ(Read().event.exit_reason, 49);  // the structures' own GByte
}

TEST_F(LinearAccessTest, FaultsOnEntriesThatAreNotPresent) {
  for (const Hpa entry : {kPml4e, kPdpte, kPde, kPte}) {
    const std::uint64_t good = state_.memory.Load(entry);
    Store(entry, ~std::uint64_t{1});  // what else it holds does not matter
    EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x4u);
    EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x6u);
    EXPECT_EQ(ErrorCode(AccessKind::kFetch), 0x4u);
    EXPECT_EQ(ErrorCode(AccessKind::kShadowStackWrite), 0x46u);
    Store(entry, good);
  }
  Enter(Mode::kPae);
  state_.guest.pdpte[2] = 0x12000;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x4u);
}

TEST_F(LinearAccessTest, FaultsOnReservedBits) {
  const struct {
    std::string what;
    Mode mode;
    Hpa entry;
    std::uint64_t bits;
  } kCases[] = {
      {"PML5E, PS", Mode::k5Level, kPml5e, 0x80},
      {"PML4E, PS", Mode::k4Level, kPml4e, 0x80},
      {"PML4E, address bit 46", Mode::k4Level, kPml4e, 1ull << 46},
      {"PDPTE, bit 13 of a 1-GByte page", Mode::k4Level, kPdpte, 0x2080},
      {"PDE, bit 20 of a 2-MByte page", Mode::k4Level, kPde, 0x100080},
      {"PTE, bit 63 without NXE", Mode::k4Level, kPte, kXd},
      {"PTE, bit 62 in PAE", Mode::kPae, kPte, 1ull << 62},
      {"PDE, bit 20 of a 2-MByte page in PAE", Mode::kPae, kPde, 0x100080},
  };
  for (const auto& c : kCases) {
    Enter(c.mode);
    const std::uint64_t good = state_.memory.Load(c.entry);
    Store(c.entry, good | c.bits);
    EXPECT_EQ(ErrorCode(AccessKind::kRead), 0xdu) << c.what;
    EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0xfu) << c.what;
    Store(c.entry, good);
  }
}

TEST_F(LinearAccessTest, JudgesUserAccesses) {
  Store(kPde, 0x13005);  // not writable
  EXPECT_TRUE(Completes(AccessKind::kRead));
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x7u);
  EXPECT_EQ(ErrorCode(AccessKind::kReadModifyWrite), 0x7u);
  state_.guest.cr0 &= ~kCr0Wp;  // says nothing for user accesses
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x7u);
  Store(kPde, 0x13003);  // supervisor
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x5u);
  EXPECT_EQ(ErrorCode(AccessKind::kFetch), 0x5u);
}

TEST_F(LinearAccessTest, JudgesSupervisorWritesByWp) {
  state_.guest.cpl = 2;
  Store(kPte, 0x40005005);
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x3u);
  state_.guest.cr0 &= ~kCr0Wp;
  EXPECT_TRUE(Completes(AccessKind::kWrite));
}

TEST_F(LinearAccessTest, JudgesFetches) {
  state_.guest.efer |= kEferNxe;
  Store(kPdpte, 0x12007 | kXd);
  EXPECT_TRUE(Completes(AccessKind::kRead));
  EXPECT_EQ(ErrorCode(AccessKind::kFetch), 0x15u);

  Store(kPdpte, 0x12007);
  state_.guest.efer &= ~kEferNxe;
  state_.guest.cr4 |= kCr4Smep;
  EXPECT_TRUE(Completes(AccessKind::kFetch));
  state_.guest.cpl = 0;
  EXPECT_EQ(ErrorCode(AccessKind::kFetch), 0x11u);
  Store(kPde, 0x13003);
  EXPECT_TRUE(Completes(AccessKind::kFetch));
}

TEST_F(LinearAccessTest, JudgesSupervisorAccessesToUserPages) {
  state_.guest.cpl = 0;
  state_.guest.cr4 |= kCr4Smap;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x1u);
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x3u);
  EXPECT_TRUE(Completes(AccessKind::kFetch));
  state_.guest.rflags = kAc;
  EXPECT_TRUE(Completes(AccessKind::kRead));

  // An implicit access is a supervisor one at CPL 3 also. (With EFLAGS.AC set
  // it must fault all the same, and does not in Bochs.)
  state_.guest.rflags = 0;
  state_.guest.cpl = 3;
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.gla = gla_;
  EXPECT_EQ(Ask(step).event.kind, EventKind::kCompleted);
  step.access.implicit_supervisor = true;
  EXPECT_EQ(Ask(step).event.error_code, 0x1u);
}

TEST_F(LinearAccessTest, JudgesProtectionKeys) {
  Store(kPte, 0x40005007 | 5ull << 59);
  state_.guest.cr4 |= kCr4Pke;
  state_.guest.pkru = 1 << 10;  // no access
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x25u);
  EXPECT_TRUE(Completes(AccessKind::kFetch));
  state_.guest.pkru = 1 << 11;  // no writes
  EXPECT_TRUE(Completes(AccessKind::kRead));
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x27u);
  state_.guest.cpl = 0;
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x23u);

  Store(kPte, 0x40005003 | 5ull << 59);
  state_.guest.cr4 |= kCr4Pks;
  state_.guest.pkru = 0;
  EXPECT_TRUE(Completes(AccessKind::kWrite));
  state_.guest.pkrs = 1 << 11;
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x23u);
  state_.guest.cr0 &= ~kCr0Wp;
  EXPECT_TRUE(Completes(AccessKind::kWrite));
  state_.guest.pkrs = 1 << 10;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x21u);
  state_.guest.efer = 0;  // not in PAE paging, where bit 59 is reserved
  gla_ = kGla32;
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x9u);
}

TEST_F(LinearAccessTest, JudgesShadowStackAccesses) {
  state_.guest.cr4 |= kCr4Cet;
  Store(kPte, 0x40005065);  // read-only and dirty: a shadow stack
  EXPECT_TRUE(Completes(AccessKind::kShadowStackRead));
  EXPECT_TRUE(Completes(AccessKind::kShadowStackWrite));
  EXPECT_EQ(ErrorCode(AccessKind::kWrite), 0x7u);
  Store(kPte, 0x40005067);
  EXPECT_EQ(ErrorCode(AccessKind::kShadowStackRead), 0x45u);
  Store(kPte, 0x40005025);
  EXPECT_EQ(ErrorCode(AccessKind::kShadowStackWrite), 0x47u);
  Store(kPte, 0x40005065);
  Store(kPde, 0x13005);  // must be writable
  EXPECT_EQ(ErrorCode(AccessKind::kShadowStackRead), 0x45u);
  Store(kPde, 0x13003);  // a supervisor's
  EXPECT_EQ(ErrorCode(AccessKind::kShadowStackRead), 0x45u);
  state_.guest.cpl = 0;
  EXPECT_TRUE(Completes(AccessKind::kShadowStackRead));
  Step wruss;
  wruss.kind = StepKind::kLinearAccess;
  wruss.access = {.kind = AccessKind::kShadowStackWrite, .wruss = true};
  wruss.gla = gla_;
  EXPECT_EQ(Ask(wruss).event.error_code, 0x47u);
  Store(kPde, 0x13007);
  EXPECT_EQ(Ask(wruss).event.kind, EventKind::kCompleted);
}

TEST_F(LinearAccessTest, KnowsSupervisorShadowStacksOfEpt) {
  state_.guest.cr4 |= kCr4Cet;
  state_.guest.cpl = 0;
  state_.controls.eptp |= kEptpSss;
  Store(kPde, 0x13003);
  Store(kPte, 0x40005061);
  EXPECT_EQ(Ask(AccessKind::kShadowStackRead).event.qualification & 0x61ff,
            0x21b9u);
  Store(kData, 0x5678037 | 1ull << 60);
  EXPECT_TRUE(Completes(AccessKind::kShadowStackRead));
}

TEST_F(LinearAccessTest, ExitsForEntriesThatEptDoesNotMap) {
  const struct {
    Mode mode;
    std::uint64_t gpa;
  } kCases[] = {{Mode::k32Bit, 0x20804},
                {Mode::kPae, 0x12018},
                {Mode::k4Level, 0x10008},
                {Mode::k5Level, 0xf000}};
  Store(kStructures, 0);
  for (const auto& c : kCases) {
    Enter(c.mode);
    const Event event = Write().event;
    EXPECT_EQ(event.exit_reason, 48);
    EXPECT_EQ(event.gpa.value, c.gpa);
    EXPECT_EQ(event.gla, gla_);
    EXPECT_EQ(event.qualification & 0x1bf, 0x81u);  // a read, not of the GLA
  }
}

TEST_F(LinearAccessTest, TheFirstOfTheWalksEventsWins) {
  // A #PF on an entry comes before the EPT access to the next one.
  Store(kPde, 0x80000006);
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x4u);
  Store(kPde, 0x80000007);
  EXPECT_EQ(Read().event.gpa.value, 0x80000020u);
  // The guest's rights come before the EPT access to the page, but after those
  // to the entries.
  Store(kPde, 0x13003);
  Store(kData, 0);
  EXPECT_EQ(ErrorCode(AccessKind::kRead), 0x5u);
  Store(kPde, 0x80000003);
  EXPECT_EQ(Read().event.gpa.value, 0x80000020u);
}

TEST_F(LinearAccessTest, DescribesThePageThatTheGuestMaps) {
  Store(kData, 0);
  state_.guest.efer |= kEferNxe;
  EXPECT_EQ(Read().event.qualification, 0x781u);  // user, writable
  Store(kPde, 0x13005 | kXd);
  EXPECT_EQ(Read().event.qualification, 0xb81u);  // user, execute-disable
  Store(kPml4e, 0x11003);
  state_.guest.cpl = 0;
  EXPECT_EQ(Read().event.qualification, 0x981u);
  EXPECT_EQ(Read().event.gpa.value, 0x40005abcu);
  EXPECT_EQ(Read().event.gla, kGla);
}

TEST_F(LinearAccessTest, ModeBasedExecutionGoesByTheGuestsPage) {
  state_.controls.secondary |= kMbec;
  state_.guest.cpl = 0;  // and not by the CPL
  for (const Hpa entry : {kEptPml4e, kDataPdpte, kDataPde}) {
    Store(entry, state_.memory.Load(entry) | 0x400);
  }
  Store(kData, 0x5678431);  // for users
  EXPECT_TRUE(Completes(AccessKind::kFetch));
  Store(kData, 0x5678035);  // for supervisors
  EXPECT_EQ(Fetch().event.exit_reason, 48);
  Store(kPdpte, 0x12003);
  EXPECT_TRUE(Completes(AccessKind::kFetch));
}

TEST_F(LinearAccessTest, GuestStructuresAreWrittenIfEptHasFlags) {
  state_.controls.eptp |= kEptpAd;
  state_.controls.secondary |= kPml;
  for (const Hpa entry : {kPml4e, kPdpte, kPde, kPte}) {
    Store(entry, state_.memory.Load(entry) | 0x20);
  }
  const Outcome outcome = Read();
  EXPECT_THAT(
      WritesOf(outcome),
      ElementsAre(MemoryWord{kEptPml4e, 0x2107}, MemoryWord{kStructures, 0x3b7},
                  MemoryWord{kDataPdpte, 0x3107}, MemoryWord{kDataPde, 0x4107},
                  MemoryWord{kData, 0x5678137},
                  MemoryWord{Hpa{0x8ff8}, 0x10000}));
  EXPECT_EQ(outcome.registers.pml_index, 510);

  Store(kStructures, 0xb5);
  const Event event = Read().event;
  EXPECT_EQ(event.exit_reason, 48);
  // A write to what may be read and executed. (Bit 0 belongs with it, and is
  // missing in Bochs.)
  EXPECT_EQ(event.qualification & 0x1be, 0xaau);
  EXPECT_EQ(event.gpa.value, kPml4e.value);
}

TEST_F(LinearAccessTest, TranslatesBothPagesOfAnAccess) {
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access = {.kind = AccessKind::kWrite, .size = 16};
  step.gla = Gla{kGla.value | 0xff8};
  const Outcome fault = Ask(step);
  EXPECT_EQ(fault.event.kind, EventKind::kPageFault);
  EXPECT_EQ(fault.event.cr2.value, 0x80'80605000u);
  EXPECT_EQ(fault.event.error_code, 0x6u);
  EXPECT_EQ(fault.event.translation_count, 0);
  // What the first page's walk set stays.
  EXPECT_EQ(fault.writes[3].value, 0x40005067u);

  Store(kNextPte, 0x40006007);
  const Event event = Ask(step).event;
  ASSERT_EQ(event.translation_count, 2);
  EXPECT_EQ(event.translations[0].address.value, 0x5678ffcu);
  EXPECT_EQ(event.translations[1].address.value, 0x9999000u);

  Store(kNextData, 0);
  const Event exit = Ask(step).event;
  EXPECT_EQ(exit.exit_reason, 48);
  EXPECT_EQ(exit.gpa.value, 0x40006000u);
  EXPECT_EQ(exit.gla.value, 0x80'80605000u);
}

TEST_F(LinearAccessTest, LinearAddressesOf32BitsWrapAround) {
  for (const Mode mode : {Mode::k32Bit, Mode::kPae}) {
    Enter(mode);
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.gla = Gla{kGla32.value | 0xabc'00000000};
    EXPECT_EQ(Ask(step).event.translations[0].address.value, 0x5678abcu);
    step.access.size = 2;
    step.gla = Gla{0xffffffff};
    state_.guest.pdpte[3] = 0x14001;
    Store(Hpa{0x14ff8}, 0x13007);     // PDE 1FFH
    Store(Hpa{0x13ff8}, 0x40005007);  // PTE 1FFH
    Store(Hpa{0x20ff8}, 0x21007ull << 32);
    Store(Hpa{0x21ff8}, 0x40005007ull << 32);
    const Event event = Ask(step).event;
    EXPECT_EQ(event.kind, EventKind::kPageFault);
    EXPECT_EQ(event.cr2.value, 0u);
  }
}

TEST_F(LinearAccessTest, RefusesAddressesThatAreNotCanonical) {
  const struct {
    Mode mode;
    std::uint64_t gla;
    Skip skip;
  } kCases[] = {
      {Mode::k4Level, 0x7fff'ffffffff, Skip::kNone},
      {Mode::k4Level, 0x8000'00000000, Skip::kCallerError},
      {Mode::k4Level, 0xffff7fff'ffffffff, Skip::kCallerError},
      {Mode::k4Level, 0xffff8000'00000000, Skip::kNone},
      {Mode::k5Level, 0x8000'00000000, Skip::kNone},
      {Mode::k5Level, 0x01000000'00000000, Skip::kCallerError},
      {Mode::k32Bit, 0x01000000'00000000, Skip::kNone},
  };
  for (const auto& c : kCases) {
    Enter(c.mode);
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.gla = Gla{c.gla};
    Outcome outcome;
    ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), c.skip) << c.gla;
  }
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.gla = Gla{0x7fff'ffffffff};
  step.access.size = 2;
  Enter(Mode::k4Level);
  Outcome outcome;
  EXPECT_EQ(oracle_->Perform(state_, step, outcome), Skip::kCallerError);
}

TEST_F(LinearAccessTest, AlwaysHasPse36) {
  state_.processor.pse36 = false;
  const struct {
    Mode mode;
    std::uint64_t cr4;
    Skip skip;
  } kCases[] = {{Mode::k32Bit, kCr4Pse, Skip::kPse36Always},
                {Mode::k32Bit, 0, Skip::kNone},
                {Mode::kPae, kCr4Pse, Skip::kNone},
                {Mode::k4Level, kCr4Pse, Skip::kNone}};
  for (const auto& c : kCases) {
    Enter(c.mode);
    state_.guest.cr4 |= c.cr4;
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.gla = gla_;
    Outcome outcome;
    ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), c.skip);
  }
}

TEST_F(LinearAccessTest, Ia32eModeNeedsPae) {
  Enter(Mode::k32Bit);
  state_.guest.efer = 0x500;
  state_.guest.cs_l = true;
  EXPECT_EQ(Read().event.translations[0].address.value, 0x5678abcu);
}

TEST_F(LinearAccessTest, CountsThePanicThatIsKnown) {
  state_.processor.cet_ss = true;
  state_.guest.cpl = 0;
  state_.guest.cr0 &= ~kCr0Wp;
  Store(kPte, 0x40005005);
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access.kind = AccessKind::kWrite;
  step.gla = gla_;
  Outcome outcome;
  ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
  EXPECT_EQ(oracle_->Perform(state_, step, outcome), Skip::kReadOnlyDirty);
  EXPECT_NE(LastBochsPanic(), "");
}

TEST_F(LinearAccessTest, AnswersWhereHlatDoesNotApply) {
  constexpr std::uint64_t kHigh = 0xffff8000'00000000;
  const struct {
    Mode mode;
    std::uint16_t prefix_size;
    std::uint64_t gla;
    Skip skip;
  } kCases[] = {{Mode::k4Level, 0, kGla.value, Skip::kHlat},
                {Mode::k5Level, 1, kHigh, Skip::kHlat},
                {Mode::k4Level, 1, kGla.value, Skip::kNone},
                {Mode::kPae, 0, kGla32.value, Skip::kNone},
                {Mode::k32Bit, 0, kGla32.value, Skip::kNone}};
  state_.controls.primary |= 1 << 17;  // tertiary controls
  state_.controls.tertiary = 2 | 8;    // HLAT, verification
  for (const auto& c : kCases) {
    Enter(c.mode);
    state_.controls.hlat_prefix_size = c.prefix_size;
    Step step;
    step.kind = StepKind::kLinearAccess;
    step.gla = Gla{c.gla};
    Outcome outcome;
    ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), c.skip) << c.gla;
  }
}

TEST_F(LinearAccessTest, RemembersNothing) {
  const Outcome first = Read();
  Store(kPte, 0);
  EXPECT_EQ(Read().event.kind, EventKind::kPageFault);
  Store(kPte, 0x40005007);
  EXPECT_EQ(Read(), first);
  Store(kData, 0);
  EXPECT_EQ(Read().event.exit_reason, 48);
}

}  // namespace
}  // namespace eptdiff
