// Bochs asked about literal entries. The answers are Bochs's own, in places
// where it agrees with the SDM: what is tested is the adapter.
#include "oracle/bochs/bochs_oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "oracle/machine_state.h"

namespace eptdiff {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Where the structures of these tests lie.
constexpr Hpa kPml4{0x1000}, kPdpt{0x2000}, kPd{0x3000}, kPt{0x4000};
constexpr Hpa kLog{0x8000}, kVeArea{0x9000};
constexpr Hpa kSppl4{0xa000}, kSppl3{0xb000}, kSppl2{0xc000}, kSppl1{0xd000};

// PML4E 0, PDPTE 1, PDE 3, PTE 5; sub-page 21 of its page.
constexpr Gpa kGpa{0x40605abc};
constexpr Gla kGla{0x7fff12345abc};
constexpr Hpa kPml4e{kPml4.value}, kPdpte{kPdpt.value + 8 * 1};
constexpr Hpa kPde{kPd.value + 8 * 3}, kPte{kPt.value + 8 * 5};

constexpr std::uint64_t kEptp = 0x1000 | 3 << 3 | 6;  // 4 levels, write-back
constexpr std::uint64_t kEptpAd = 1 << 6, kEptpSss = 1 << 7;
constexpr std::uint32_t kPinNmiExiting = 1 << 3;
constexpr std::uint32_t kPrimarySecondary = 1u << 31;
constexpr std::uint32_t kPrimaryTertiary = 1u << 17;
constexpr std::uint32_t kEpt = 1 << 1, kPml = 1 << 17, kVe = 1 << 18;
constexpr std::uint32_t kMbec = 1 << 22, kSpp = 1 << 23;
constexpr std::uint64_t kReadTable = 0x7;  // a table entry that allows all

std::vector<MemoryWord> WritesOf(const Outcome& outcome) {
  return {outcome.writes.begin(), outcome.writes.end()};
}

class BochsOracleTest : public testing::Test {
 protected:
  BochsOracleTest() {
    state_.processor = {.maxphyaddr = 46,
                        .ept_vpid_cap = 0x00e34141,
                        .ept_violation_ve = true,
                        .page_1gb = true,
                        .nx = true,
                        .cet_ss = true};
    state_.controls.pin_based = kPinNmiExiting;
    state_.controls.primary = kPrimarySecondary;
    state_.controls.secondary = kEpt;
    state_.controls.eptp = kEptp;
    state_.controls.pml_address = kLog.value;
    state_.controls.pml_index = 511;
    state_.controls.spptp = kSppl4.value;
    state_.controls.ve_information_address = kVeArea.value;
    state_.controls.eptp_index = 0x1234;
    state_.guest.cr0 = 0x80000001;  // PG, PE
    state_.guest.cr3 = 0x40605000;
    state_.guest.cr4 = 0x20;    // PAE
    state_.guest.efer = 0xd00;  // NXE, LMA, LME
    state_.guest.cs_l = true;
    state_.memory.Store(kPml4e, 0x2000 | kReadTable);
    state_.memory.Store(kPdpte, 0x3000 | kReadTable);
    state_.memory.Store(kPde, 0x4000 | kReadTable);
    state_.memory.Store(kPte, 0x5678000 | 6 << 3 | 7);
  }

  void SetUp() override {
    if (oracle_ == nullptr) GTEST_SKIP() << "built without Bochs";
  }

  static Step AccessStep(AccessKind kind) {
    Step step;
    step.access.kind = kind;
    step.gpa = kGpa;
    step.page = {.gla = kGla, .user = true, .writable = true};
    return step;
  }
  static Step Read() { return AccessStep(AccessKind::kRead); }
  static Step Write() { return AccessStep(AccessKind::kWrite); }

  // Enters and asks; the step must be answered.
  Outcome Ask(const Step& step) {
    Outcome outcome;
    EXPECT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
    EXPECT_EQ(oracle_->Perform(state_, step, outcome), Skip::kNone);
    return outcome;
  }

  const std::unique_ptr<Oracle> oracle_ = MakeBochsOracle();
  MachineState state_;
};

TEST_F(BochsOracleTest, TranslatesAtEachLeafSize) {
  const struct {
    Hpa entry;
    std::uint64_t value;
    std::uint64_t address;
    int page_shift;
  } kCases[] = {
      {kPdpte, 0x1'80000000 | 1 << 7 | 6 << 3 | 1, 0x1'80605abc, 30},
      {kPde, 0x12400000 | 1 << 7 | 6 << 3 | 1, 0x12405abc, 21},
      {kPte, 0x5678000 | 6 << 3 | 1, 0x5678abc, 12},
  };
  for (const auto& c : kCases) {
    const std::uint64_t table = state_.memory.Load(c.entry);
    state_.memory.Store(c.entry, c.value);
    const Outcome outcome = Ask(Read());
    state_.memory.Store(c.entry, table);

    ASSERT_EQ(outcome.event.kind, EventKind::kCompleted) << c.page_shift;
    ASSERT_EQ(outcome.event.translation_count, 1);
    EXPECT_EQ(outcome.event.translations[0].address.value, c.address);
    EXPECT_EQ(outcome.event.translations[0].page_shift, c.page_shift);
    EXPECT_THAT(WritesOf(outcome), IsEmpty());
    EXPECT_EQ(outcome.registers, RegistersOf(state_));
  }
}

TEST_F(BochsOracleTest, ReportsViolationsWithWhatWasAllowed) {
  // Qualification bits 7 to 11: a GLA, its translation, to a page that is user,
  // read/write and, where it says so, execute-disable.
  const struct {
    std::string what;
    AccessKind kind;
    std::uint64_t pte;
    std::uint64_t qualification;
  } kCases[] = {
      {"read, not present", AccessKind::kRead, 0, 0x781},
      {"write, read-only", AccessKind::kWrite, 0x5678031, 0x78a},
      {"RMW, read-only", AccessKind::kReadModifyWrite, 0x5678031, 0x78a},
      {"fetch, read/write", AccessKind::kFetch, 0x5678033, 0x79c},
      {"read, execute-only", AccessKind::kRead, 0x5678034, 0x7a1},
      {"shadow-stack read, execute-only", AccessKind::kShadowStackRead,
       0x5678034, 0x27a1},
  };
  for (const auto& c : kCases) {
    state_.memory.Store(kPte, c.pte);
    const Outcome outcome = Ask(AccessStep(c.kind));
    ASSERT_EQ(outcome.event.kind, EventKind::kVmExit) << c.what;
    EXPECT_EQ(outcome.event.exit_reason, 48) << c.what;
    EXPECT_EQ(outcome.event.qualification, c.qualification) << c.what;
    EXPECT_EQ(outcome.event.gpa, kGpa) << c.what;
    EXPECT_EQ(outcome.event.gla, kGla) << c.what;
    EXPECT_THAT(WritesOf(outcome), IsEmpty()) << c.what;
  }
}

TEST_F(BochsOracleTest, DescribesThePageInTheQualification) {
  state_.memory.Store(kPte, 0);
  Step step = Read();
  step.page = {.gla = kGla, .execute_disable = true};
  EXPECT_EQ(Ask(step).event.qualification,
            0x981u);  // neither user nor writable

  state_.guest.efer &= ~0x800;  // NXE: no page is execute-disable
  EXPECT_EQ(Ask(step).event.qualification, 0x181u);

  state_.guest.cr0 = 1;  // no paging: user, writable, executable
  state_.guest.efer = 0;
  const Outcome outcome = Ask(step);
  EXPECT_EQ(outcome.event.qualification, 0x781u);
  EXPECT_EQ(outcome.event.gla.value, kGla.value & 0xffffffff);

  state_.processor.ept_vpid_cap &= ~(1 << 22);  // no advanced information
  EXPECT_EQ(Ask(step).event.qualification, 0x181u);

  state_.guest.nmi_unblocking = true;
  EXPECT_EQ(Ask(step).event.qualification, 0x1181u);
}

TEST_F(BochsOracleTest, ReportsMisconfigurations) {
  const struct {
    std::string what;
    Hpa entry;
    std::uint64_t value;
  } kCases[] = {
      {"PTE: write-only", kPte, 0x5678032},
      {"PTE: write and execute", kPte, 0x5678036},
      {"PTE: memory type 3", kPte, 0x567801f},
      {"PDE: bit 3 of a table entry", kPde, 0x400f},
      {"PDE: bit 13 of a 2-MByte leaf", kPde, 0x124020b7},
      {"PDPTE: bit 29 of a 1-GByte leaf", kPdpte, 0x1'a00000b7},
      {"PML4E: bit 7", kPml4e, 0x2087},
      {"PML4E: bit 46", kPml4e, 0x4000'00002007},
  };
  for (const auto& c : kCases) {
    const std::uint64_t good = state_.memory.Load(c.entry);
    state_.memory.Store(c.entry, c.value);
    const Outcome outcome = Ask(Read());
    state_.memory.Store(c.entry, good);
    ASSERT_EQ(outcome.event.kind, EventKind::kVmExit) << c.what;
    EXPECT_EQ(outcome.event.exit_reason, 49) << c.what;
    EXPECT_EQ(outcome.event.gpa, kGpa) << c.what;
  }
}

TEST_F(BochsOracleTest, RefusesGigabytePagesWithoutTheCapability) {
  state_.memory.Store(kPdpte, 0x1'800000b1);
  EXPECT_EQ(Ask(Read()).event.kind, EventKind::kCompleted);
  state_.processor.ept_vpid_cap &= ~(1 << 17);
  EXPECT_EQ(Ask(Read()).event.exit_reason, 49);
}

TEST_F(BochsOracleTest, TakesMaxphyaddrFromTheCase) {
  for (int width = 32; width <= 52; ++width) {
    state_.processor.maxphyaddr = static_cast<std::uint8_t>(width);
    const std::uint64_t highest = std::uint64_t{1} << (width - 1);
    state_.memory.Store(kPte, highest | 0x5678031);
    const Outcome inside = Ask(Read());
    EXPECT_EQ(inside.event.kind, EventKind::kCompleted) << width;
    EXPECT_EQ(inside.event.translations[0].address.value, highest | 0x5678abc);

    state_.memory.Store(kPte, highest << 1 | 0x5678031);
    const Outcome outside = Ask(Read());
    EXPECT_EQ(outside.event.kind == EventKind::kVmExit, width < 52) << width;
  }
}

TEST_F(BochsOracleTest, SetsAccessedAndDirty) {
  state_.controls.eptp |= kEptpAd;
  EXPECT_THAT(
      WritesOf(Ask(Read())),
      ElementsAre(MemoryWord{kPml4e, 0x2107}, MemoryWord{kPdpte, 0x3107},
                  MemoryWord{kPde, 0x4107}, MemoryWord{kPte, 0x5678137}));
  state_.memory.Store(kPml4e, 0x2107);
  state_.memory.Store(kPdpte, 0x3107);
  state_.memory.Store(kPde, 0x4107);
  EXPECT_THAT(WritesOf(Ask(Write())), ElementsAre(MemoryWord{kPte, 0x5678337}));
}

TEST_F(BochsOracleTest, LogsThePageThatBecomesDirty) {
  state_.controls.eptp |= kEptpAd;
  state_.controls.secondary |= kPml;
  state_.controls.pml_index = 0;
  for (const Hpa entry : {kPml4e, kPdpte, kPde}) {
    state_.memory.Store(entry, state_.memory.Load(entry) | 0x100);
  }
  const Outcome outcome = Ask(Write());
  EXPECT_THAT(WritesOf(outcome), ElementsAre(MemoryWord{kPte, 0x5678337},
                                             MemoryWord{kLog, 0x40605000}));
  EXPECT_EQ(outcome.registers.pml_index, 0xffff);

  state_.controls.pml_index = 512;
  const Outcome full = Ask(Write());
  EXPECT_EQ(full.event.exit_reason, 62);
  EXPECT_EQ(full.registers.pml_index, 512);
  EXPECT_THAT(WritesOf(full), IsEmpty());
}

TEST_F(BochsOracleTest, DeliversVirtualizationExceptions) {
  state_.controls.secondary |= kVe;
  state_.memory.Store(kPte, 0);
  const Outcome outcome = Ask(Write());
  EXPECT_EQ(outcome.event.kind, EventKind::kVirtualizationException);
  EXPECT_EQ(outcome.event.qualification, 0x782u);
  EXPECT_EQ(outcome.event.gpa, kGpa);
  EXPECT_EQ(outcome.event.gla, kGla);
  EXPECT_THAT(WritesOf(outcome),
              ElementsAre(MemoryWord{kVeArea, 0xffffffff'00000030},
                          MemoryWord{Hpa{0x9008}, 0x782},
                          MemoryWord{Hpa{0x9010}, kGla.value},
                          MemoryWord{Hpa{0x9018}, kGpa.value},
                          MemoryWord{Hpa{0x9020}, 0x1234}));

  // Bit 20 of the exception bitmap: a hardware exception with vector 20.
  state_.controls.exception_bitmap = 1 << 20;
  const Outcome exit = Ask(Write());
  EXPECT_EQ(exit.event.kind, EventKind::kVmExit);
  EXPECT_EQ(exit.event.exit_reason, 0);
  EXPECT_EQ(exit.event.interruption_information, 0x80000314);
  EXPECT_EQ(exit.writes, outcome.writes);
}

TEST_F(BochsOracleTest, ExitsWhereAVirtualizationExceptionMayNotBe) {
  state_.controls.secondary |= kVe;
  state_.memory.Store(kPte, 0);
  EXPECT_EQ(Ask(Read()).event.kind, EventKind::kVirtualizationException);

  state_.memory.Store(kVeArea, 1ull << 32);  // the area is in use
  EXPECT_EQ(Ask(Read()).event.kind, EventKind::kVmExit);
  state_.memory.Store(kVeArea, 0);
  state_.guest.event_delivery = true;
  EXPECT_EQ(Ask(Read()).event.kind, EventKind::kVmExit);
  state_.guest.event_delivery = false;
  state_.memory.Store(kPte, 1ull << 63);  // suppressed
  EXPECT_EQ(Ask(Read()).event.kind, EventKind::kVmExit);
}

TEST_F(BochsOracleTest, AsksTheSubPageTable) {
  state_.controls.secondary |= kSpp;
  state_.memory.Store(kPte, 0x5678031 | 1ull << 61);
  state_.memory.Store(kSppl4, 0xb001);
  state_.memory.Store(Hpa{kSppl3.value + 8 * 1}, 0xc001);
  const Hpa l2{kSppl2.value + 8 * 3}, vector{kSppl1.value + 8 * 5};
  state_.memory.Store(l2, 0xd001);
  const struct {
    std::string what;
    std::uint64_t l2;
    std::uint64_t vector;
    int exit_reason;  // 0: the write completes
    std::uint64_t qualification;
  } kCases[] = {
      {"allowed", 0xd001, 1ull << 42, 0, 0},
      {"another sub-page", 0xd001, 1ull << 44, 48, 0x78a},
      {"miss", 0xd000, 0, 66, 0x800},
      {"misconfigured entry", 0xd003, 0, 66, 0},
      {"misconfigured vector", 0xd001, 2, 66, 0},
  };
  for (const auto& c : kCases) {
    state_.memory.Store(l2, c.l2);
    state_.memory.Store(vector, c.vector);
    const Event event = Ask(Write()).event;
    ASSERT_EQ(event.kind,
              c.exit_reason == 0 ? EventKind::kCompleted : EventKind::kVmExit)
        << c.what;
    EXPECT_EQ(event.exit_reason, c.exit_reason) << c.what;
    EXPECT_EQ(event.qualification, c.qualification) << c.what;
  }
}

TEST_F(BochsOracleTest, TellsUserFetchesApart) {
  state_.controls.secondary |= kMbec;
  state_.memory.Store(kPml4e, 0x2407);
  state_.memory.Store(kPdpte, 0x3407);
  state_.memory.Store(kPde, 0x4407);
  state_.memory.Store(kPte, 0x5678431);  // user-mode execution alone
  Step step = AccessStep(AccessKind::kFetch);
  EXPECT_EQ(Ask(step).event.kind, EventKind::kCompleted);
  step.page.user = false;
  EXPECT_EQ(Ask(step).event.exit_reason, 48);
}

TEST_F(BochsOracleTest, TellsSupervisorShadowStacksApart) {
  state_.controls.eptp |= kEptpSss;
  state_.memory.Store(kPte, 0x5678031 | 1ull << 60);
  Step step = AccessStep(AccessKind::kShadowStackWrite);
  EXPECT_EQ(Ask(step).event.kind, EventKind::kCompleted);
  step.access.wruss = true;
  EXPECT_EQ(Ask(step).event.exit_reason, 48);
  step.access.wruss = false;
  state_.guest.cpl = 3;
  EXPECT_EQ(Ask(step).event.exit_reason, 48);
  step.access.implicit_supervisor = true;
  EXPECT_EQ(Ask(step).event.kind, EventKind::kCompleted);
}

TEST_F(BochsOracleTest, JudgesBothPagesOfAnAccess) {
  Step step = Write();
  step.gpa = Gpa{0x40605ff8};
  step.page.gla = Gla{0x7fff12345ff8};
  step.access.size = 8;
  EXPECT_EQ(Ask(step).event.translation_count, 1);

  step.access.size = 9;
  const Event second = Ask(step).event;
  EXPECT_EQ(second.exit_reason, 48);
  EXPECT_EQ(second.gpa.value, 0x40606000u);
  EXPECT_EQ(second.gla.value, 0x7fff12346000u);

  state_.memory.Store(Hpa{kPt.value + 8 * 6}, 0x9999037);
  const Event event = Ask(step).event;
  ASSERT_EQ(event.translation_count, 2);
  EXPECT_EQ(event.translations[0].address.value, 0x5678ff8u);
  EXPECT_EQ(event.translations[1].address.value, 0x9999000u);
}

TEST_F(BochsOracleTest, TranslatesLinearAddressesWithoutPaging) {
  state_.guest.cr0 = 1;
  state_.guest.efer = 0;
  Step step = Read();
  step.kind = StepKind::kLinearAccess;
  step.gla = Gla{kGpa.value};
  step.access.size = 4;
  EXPECT_EQ(Ask(step).event.translations[0].address.value, 0x5678abcu);

  state_.memory.Store(kPte, 0);
  const Event event = Ask(step).event;
  EXPECT_EQ(event.qualification, 0x781u);
  EXPECT_EQ(event.gpa, kGpa);
  EXPECT_EQ(event.gla.value, kGpa.value);
}

TEST_F(BochsOracleTest, AccessesGuestPagingStructures) {
  state_.controls.eptp |= kEptpAd;
  Step step = Read();
  step.kind = StepKind::kPagingStructureRead;
  step.gpa.value &= ~7ull;
  // A write as far as EPT goes: the dirty flag too.
  EXPECT_EQ(Ask(step).writes[3].value, 0x5678337u);

  state_.controls.eptp &= ~kEptpAd;
  state_.memory.Store(kPte, 0x5678031);
  EXPECT_EQ(Ask(step).event.kind, EventKind::kCompleted);
  step.kind = StepKind::kPagingStructureUpdate;
  const Event event = Ask(step).event;
  EXPECT_EQ(event.exit_reason, 48);
  EXPECT_EQ(event.qualification, 0x8au);
}

TEST_F(BochsOracleTest, LoadsThePdpteRegisters) {
  Step step;
  step.kind = StepKind::kPdpteLoad;
  state_.guest.efer = 0;
  state_.guest.pdpte = {1, 2, 3, 4};
  for (int i = 0; i < 4; ++i) {
    state_.memory.Store(Hpa{0x5678000u + 8 * i}, 0x1000u * i | (i & 1));
  }
  const Outcome loaded = Ask(step);
  EXPECT_EQ(loaded.event.kind, EventKind::kCompleted);
  EXPECT_THAT(loaded.registers.pdpte, ElementsAre(0, 0x1001, 0x2000, 0x3001));

  state_.memory.Store(Hpa{0x5678018}, 0x3003);  // a reserved bit
  state_.controls.exception_bitmap = 1 << 13;   // says nothing here
  const Outcome refused = Ask(step);
  EXPECT_EQ(refused.event.kind, EventKind::kGeneralProtection);
  EXPECT_THAT(refused.registers.pdpte, ElementsAre(1, 2, 3, 4));

  state_.memory.Store(kPte, 0);
  EXPECT_EQ(Ask(step).event.qualification, 0x1u);
}

TEST_F(BochsOracleTest, CarriesOutStores) {
  Step step;
  step.kind = StepKind::kStore;
  step.hpa = kPte;
  step.value = 0x77;
  EXPECT_THAT(WritesOf(Ask(step)), ElementsAre(MemoryWord{kPte, 0x77}));
}

TEST_F(BochsOracleTest, ForgetsEachStep) {
  state_.controls.secondary |= kVe;
  state_.memory.Store(kPte, 0);
  const Outcome first = Ask(Write());
  Ask(Read());
  EXPECT_EQ(Ask(Write()), first);
}

TEST_F(BochsOracleTest, SaysWhichCasesItCannotAnswer) {
  const struct {
    Skip skip;
    void (*change)(MachineState&);
  } kCases[] = {
      {Skip::kNone, [](MachineState&) {}},
      {Skip::kEptOff, [](MachineState& s) { s.controls.secondary = 0; }},
      {Skip::kEptOff, [](MachineState& s) { s.controls.primary = 0; }},
      {Skip::kFiveLevelEpt,
       [](MachineState& s) { s.controls.eptp = 0x1000 | 4 << 3 | 6; }},
      {Skip::kExecuteOnlyAlways,
       [](MachineState& s) { s.processor.ept_vpid_cap &= ~1ull; }},
      {Skip::kLargePagesAlways,
       [](MachineState& s) { s.processor.ept_vpid_cap &= ~(1ull << 16); }},
      {Skip::kPagingWriteControls,
       [](MachineState& s) {
         s.controls.primary |= kPrimaryTertiary;
         s.controls.tertiary = 1 << 2;
       }},
      {Skip::kMaxphyaddr, [](MachineState& s) { s.processor.maxphyaddr = 53; }},
      {Skip::kTransactional,
       [](MachineState& s) { s.guest.transactional = true; }},
  };
  for (const auto& c : kCases) {
    MachineState state;
    state.processor = state_.processor;
    state.controls = state_.controls;
    c.change(state);
    Outcome outcome;
    EXPECT_EQ(oracle_->Enter(state, outcome), c.skip) << WordsOf(c.skip);
  }
}

TEST_F(BochsOracleTest, SaysWhichStepsItCannotAnswer) {
  Step asynchronous = Read();
  asynchronous.access.asynchronous = true;
  Step eptp_switch;
  eptp_switch.kind = StepKind::kEptpSwitch;
  const Step token = AccessStep(AccessKind::kShadowStackReadModifyWrite);
  Step empty = Read();
  empty.access.size = 0;
  Outcome outcome;
  ASSERT_EQ(oracle_->Enter(state_, outcome), Skip::kNone);
  EXPECT_EQ(oracle_->Perform(state_, asynchronous, outcome),
            Skip::kAsynchronous);
  EXPECT_EQ(oracle_->Perform(state_, eptp_switch, outcome), Skip::kEptpSwitch);
  EXPECT_EQ(oracle_->Perform(state_, token, outcome), Skip::kAccessKind);
  EXPECT_EQ(oracle_->Perform(state_, empty, outcome), Skip::kCallerError);
}

// It makes them piece by piece, which matters to sub-pages alone.
TEST_F(BochsOracleTest, AnswersLargeAccessesButWritesToSubPages) {
  Step write = Write();
  write.gpa = Gpa{kGpa.value & ~0xfffull};
  write.access.size = 4096;
  const Event event = Ask(write).event;
  ASSERT_EQ(event.translation_count, 1);
  EXPECT_EQ(event.translations[0].address.value, 0x5678000u);
  state_.controls.secondary |= 1 << 23;
  Step read = write;
  read.access.kind = AccessKind::kRead;
  EXPECT_EQ(Ask(read).event, event);
  write.access.size = 64;
  EXPECT_EQ(Ask(write).event, event);
  write.access.size = 65;
  Outcome outcome;
  EXPECT_EQ(oracle_->Perform(state_, write, outcome), Skip::kLargeSubPageWrite);
}

}  // namespace
}  // namespace eptdiff
