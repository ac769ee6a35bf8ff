// AD, PML: accessed and dirty flags and the page-modification log (SDM 29.3.5,
// 29.3.6).
#include "engine/walk/flags.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "engine/walk/test_machine.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPml4e = TestMachine::kPml4e;
constexpr std::uint64_t kPdpte = TestMachine::kPdpte;
constexpr std::uint64_t kPde = TestMachine::kPde;
constexpr std::uint64_t kPte = TestMachine::kPte;
const Access kWrite4 = {.kind = AccessKind::kWrite, .size = 4};
// Two bytes in the page of kPte, two in the next.
constexpr Gpa kLastBytes{0x0000008080604ffe};

TEST(FlagsTest, WhatEachAccessSets) {
  constexpr struct {
    AccessKind kind;
    bool dirty;
  } kCases[] = {
      {AccessKind::kRead, false},
      {AccessKind::kWrite, true},
      {AccessKind::kReadModifyWrite, true},
      {AccessKind::kFetch, false},
      {AccessKind::kShadowStackRead, false},
      {AccessKind::kShadowStackWrite, true},
      {AccessKind::kShadowStackReadModifyWrite, true},
  };
  for (const auto& c : kCases) {
    for (const bool control : {false, true}) {
      TestMachine m;
      m.EnableAccessDirty();
      if (control) m.EnableShadowStackControl();
      m.At(kPte) = 0x1000000000009037;
      ASSERT_TRUE(Completed(m.Perform(c.kind)));
      EXPECT_EQ(m.At(kPml4e), 0x2107u);
      EXPECT_EQ(m.At(kPdpte), 0x3107u);
      EXPECT_EQ(m.At(kPde), 0x4107u);
      EXPECT_EQ(m.At(kPte), c.dirty ? 0x1000000000009337 : 0x1000000000009137);
    }
  }
}

TEST(FlagsTest, StructureAccessesSetDirtyToo) {
  for (const bool update : {false, true}) {
    TestMachine m;
    m.EnableAccessDirty();
    ASSERT_TRUE(Completed(update ? m.UpdateStructure() : m.ReadStructure()));
    EXPECT_EQ(m.At(kPde), 0x4107u);
    EXPECT_EQ(m.At(kPte), 0x9337u);
  }
}

TEST(FlagsTest, LargePagesAndFiveLevels) {
  for (const std::uint64_t leaf : {kPdpte, kPde}) {
    TestMachine m;
    m.EnableAccessDirty();
    m.EnableFiveLevels();
    m.At(leaf) = 0x400000b7;
    ASSERT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
    EXPECT_EQ(m.At(TestMachine::kPml5e), 0x1107u);
    EXPECT_EQ(m.At(kPml4e), 0x2107u);
    EXPECT_EQ(m.At(leaf), 0x400003b7u);
    EXPECT_EQ(m.At(kPte), 0x9037u);
  }
}

TEST(FlagsTest, NothingIsWrittenWithoutAccessAndDirtyFlags) {
  TestMachine m;
  const std::vector<std::uint64_t> before = m.words;
  ASSERT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
  ASSERT_TRUE(Completed(m.UpdateStructure()));
  EXPECT_EQ(m.words, before);
}

TEST(FlagsTest, FlagsThatAreSetStayAndNothingElseChanges) {
  TestMachine m;
  m.EnableAccessDirty();
  m.At(kPml4e) = 0xfff0000000002f07;
  m.At(kPte) = 0xfff0000000009ff7;
  const std::vector<std::uint64_t> before = m.words;
  ASSERT_TRUE(Completed(m.Perform(AccessKind::kRead)));
  EXPECT_EQ(m.At(kPml4e), before[kPml4e / 8]);
  EXPECT_EQ(m.At(kPte), before[kPte / 8]);
}

TEST(FlagsTest, RefusedAccessesSetNone) {
  constexpr std::uint64_t kPtes[] = {0x0000, 0x9035, 0x903f};
  for (const std::uint64_t pte : kPtes) {
    TestMachine m;
    m.EnablePml(3);
    m.At(kPte) = pte;
    const std::vector<std::uint64_t> before = m.words;
    EXPECT_NE(ExitReason(m.Perform(AccessKind::kWrite)), 0);
    EXPECT_EQ(m.words, before);
    EXPECT_EQ(m.controls.pml_index, 3);
  }
}

TEST(FlagsTest, EntriesUsedTwiceInOneWalk) {
  // The PML4 table is its own PDPT, page directory and page table: one entry is
  // used four times, last as the leaf.
  TestMachine m;
  m.EnablePml(7);
  m.At(0x1000) = 0x1037;
  m.At(0x1000) = 0x1007;  // UC, so that it is a table entry as well
  ASSERT_TRUE(Completed(m.Perform(AccessKind::kWrite, Gpa{0x123})));
  EXPECT_EQ(m.At(0x1000), 0x1307u);
  EXPECT_EQ(m.controls.pml_index, 6);
}

TEST(LogTest, ADirtyFlagThatIsSetIsLogged) {
  constexpr struct {
    std::uint64_t entry;
    std::uint64_t value;
  } kLeaves[] = {{kPte, 0x9037}, {kPde, 0x002000b7}, {kPdpte, 0x400000b7}};
  for (const auto& leaf : kLeaves) {
    TestMachine m;
    m.EnablePml(511);
    m.At(leaf.entry) = leaf.value;
    ASSERT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
    // The 4-KByte page, whatever the leaf's size.
    EXPECT_EQ(m.At(0x8ff8), 0x0000008080604000u);
    EXPECT_EQ(m.controls.pml_index, 510);
    ASSERT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
    EXPECT_EQ(m.controls.pml_index, 510);
  }
}

TEST(LogTest, AnAccessedFlagAloneIsNot) {
  TestMachine m;
  m.EnablePml(5);
  ASSERT_TRUE(Completed(m.Perform(AccessKind::kRead)));
  EXPECT_EQ(m.At(kPte), 0x9137u);
  EXPECT_EQ(m.controls.pml_index, 5);
  EXPECT_EQ(m.At(0x8028), 0u);
  // A dirty flag that was set before without an accessed one is none to log.
  m.At(kPte) = 0x9237;
  ASSERT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
  EXPECT_EQ(m.At(kPte), 0x9337u);
  EXPECT_EQ(m.controls.pml_index, 5);
}

TEST(LogTest, TheIndexWrapsAndThenTheLogIsFull) {
  TestMachine m;
  m.EnablePml(0);
  ASSERT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
  EXPECT_EQ(m.At(0x8000), 0x0000008080604000u);
  EXPECT_EQ(m.controls.pml_index, 0xffff);

  m.guest.nmi_unblocking = true;
  m.At(kPte) = 0x9037;
  const std::vector<std::uint64_t> before = m.words;
  const Event event = m.Perform(
      {.kind = AccessKind::kWrite, .asynchronous = true}, TestMachine::kGpa);
  Event expected;
  expected.kind = EventKind::kVmExit;
  expected.exit_reason = 62;
  expected.qualification = 0x11000;
  EXPECT_EQ(event, expected);
  EXPECT_EQ(m.words, before);
}

TEST(LogTest, FullMattersOnlyIfAFlagHasToBeSet) {
  constexpr struct {
    std::uint16_t index;
    std::uint64_t pte;
    AccessKind kind;
    int reason;
  } kCases[] = {
      {512, 0x9337, AccessKind::kWrite, 0},
      {512, 0x9137, AccessKind::kRead, 0},
      {512, 0x9137, AccessKind::kWrite, 62},
      {512, 0x9037, AccessKind::kRead, 62},
      {0xffff, 0x9137, AccessKind::kWrite, 62},
      {511, 0x9137, AccessKind::kWrite, 0},
      {512, 0x9135, AccessKind::kWrite, 48},  // rights come first
  };
  for (const auto& c : kCases) {
    TestMachine m;
    m.EnablePml(c.index);
    for (const std::uint64_t entry : {kPml4e, kPdpte, kPde}) {
      m.At(entry) |= 0x100;
    }
    m.At(kPte) = c.pte;
    EXPECT_EQ(ExitReason(m.Perform(c.kind)), c.reason)
        << c.index << ' ' << std::hex << c.pte;
  }
  TestMachine m;
  m.EnablePml(512);
  m.controls.eptp &= ~0x40ull;  // PML without A/D never logs or exits
  EXPECT_TRUE(Completed(m.Perform(AccessKind::kWrite)));
}

TEST(LogTest, BothPagesAreLoggedInOrder) {
  TestMachine m;
  m.EnablePml(9);
  m.At(kPte + 8) = 0xb037;
  ASSERT_EQ(m.Perform(kWrite4, kLastBytes).translation_count, 2);
  EXPECT_EQ(m.At(0x8048), 0x0000008080604000u);
  EXPECT_EQ(m.At(0x8040), 0x0000008080605000u);
  EXPECT_EQ(m.controls.pml_index, 7);
}

TEST(LogTest, TheFirstPageMayFillTheLog) {
  TestMachine m;
  m.EnablePml(0);
  m.At(kPte + 8) = 0xb037;
  EXPECT_EQ(ExitReason(m.Perform(kWrite4, kLastBytes)), 62);
  EXPECT_EQ(m.At(kPte), 0x9337u);
  EXPECT_EQ(m.At(kPte + 8), 0xb037u);
  EXPECT_EQ(m.controls.pml_index, 0xffff);

  // Both pages lie in one large page: there is one dirty flag.
  TestMachine large;
  large.EnablePml(0);
  large.At(kPde) = 0x002000b7;
  EXPECT_TRUE(Completed(large.Perform(kWrite4, kLastBytes)));
  EXPECT_EQ(large.controls.pml_index, 0xffff);
}

TEST(LogTest, PdpteLoadsMayFindItFullButNeverLog) {
  TestMachine m;
  m.EnablePml(512);
  m.guest.cr3 = 0;
  for (const std::uint64_t table : {0x1000, 0x2000, 0x3000}) {
    m.At(table) = (table + 0x1000) | 7;
  }
  m.At(0x4000) = 0x9037;
  EXPECT_EQ(ExitReason(m.LoadPdptes()), 62);
  m.controls.pml_index = 5;
  EXPECT_TRUE(Completed(m.LoadPdptes()));
  EXPECT_EQ(m.At(0x4000), 0x9137u);
  EXPECT_EQ(m.controls.pml_index, 5);
}

TEST(LogTest, WithoutMemoryForItNothingIsChanged) {
  TestMachine m;
  m.EnablePml(5);
  m.controls.pml_address = 0x100000;
  const std::vector<std::uint64_t> before = m.words;
  m.Perform(AccessKind::kWrite);
  EXPECT_EQ(m.status, EngineStatus::kNoMemory);
  EXPECT_EQ(m.words, before);
}

// Memory in which another processor is always a little faster: before the
// first compare-exchange it writes `value` at `address`.
class RacingMemory {
 public:
  RacingMemory(TestMachine& m, Hpa address, std::uint64_t value)
      : flat_(m.words.data(), m.words.size() * 8),
        address_(address),
        value_(value) {}
  bool Load(Hpa address, std::uint64_t& word) const {
    return flat_.Load(address, word);
  }
  bool Store(Hpa address, std::uint64_t value) {
    return flat_.Store(address, value);
  }
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    if (!done_) flat_.Store(address_, value_);
    done_ = true;
    return flat_.CompareExchange(address, expected, desired);
  }

 private:
  FlatMemory flat_;
  Hpa address_;
  std::uint64_t value_;
  bool done_ = false;
};

TEST(RaceTest, AnotherProcessorChangesAnEntry) {
  constexpr struct {
    std::uint64_t pte;
    int reason;
    Hpa address;
    std::uint64_t pte_after;
    int logged;
  } kCases[] = {
      {0x9137, 0, Hpa{0x9abc}, 0x9337, 1},  // has set the accessed flag
      {0x9337, 0, Hpa{0x9abc}, 0x9337, 0},  // both: the log entry is its own
      {0xb037, 0, Hpa{0xbabc}, 0xb337, 1},  // has mapped another page
      {0x9035, 48, Hpa{0}, 0x9035, 0},      // has taken a right away
      {0x0000, 48, Hpa{0}, 0x0000, 0},
  };
  for (const auto& c : kCases) {
    TestMachine m;
    m.EnablePml(5);
    Engine engine(m.processor, m.controls, m.guest);
    RacingMemory memory(m, Hpa{kPte}, c.pte);
    Event event;
    ASSERT_EQ(engine.PerformAccess(memory, {.kind = AccessKind::kWrite},
                                   TestMachine::kGpa, {}, event),
              EngineStatus::kAnswered);
    EXPECT_EQ(ExitReason(event), c.reason) << std::hex << c.pte;
    EXPECT_EQ(event.translations[0].address, c.address) << std::hex << c.pte;
    EXPECT_EQ(m.At(kPte), c.pte_after);
    EXPECT_EQ(engine.controls().pml_index, 5 - c.logged);
  }
}

TEST(RaceTest, AnotherProcessorChangesTheSecondPage) {
  constexpr struct {
    std::uint64_t pte;
    int reason;
  } kCases[] = {{0xd037, 0}, {0xb035, 48}};
  for (const auto& c : kCases) {
    TestMachine m;
    m.EnableAccessDirty();
    m.At(kPte + 8) = 0xb037;
    Engine engine(m.processor, m.controls, m.guest);
    RacingMemory memory(m, Hpa{kPte + 8}, c.pte);
    Event event;
    ASSERT_EQ(engine.PerformAccess(memory, kWrite4, kLastBytes, {}, event),
              EngineStatus::kAnswered);
    EXPECT_EQ(ExitReason(event), c.reason);
    EXPECT_EQ(event.translations[1].address,
              Hpa{c.reason == 0 ? 0xd000ull : 0});
  }
}

TEST(RaceTest, AnotherProcessorChangesWhatOnlyTheJudgementAllows) {
  TestMachine m;
  m.EnableAccessDirty();
  m.At(kPte) = 0x9034;  // execute-only: not for the hot walk
  Engine engine(m.processor, m.controls, m.guest);
  RacingMemory memory(m, Hpa{kPte}, 0xb034);
  Event event;
  ASSERT_EQ(engine.PerformAccess(memory, {.kind = AccessKind::kFetch},
                                 TestMachine::kGpa, {}, event),
            EngineStatus::kAnswered);
  EXPECT_EQ(event.translations[0].address, Hpa{0xbabc});
  EXPECT_EQ(m.At(kPte), 0xb134u);
}

}  // namespace
}  // namespace eptdiff
