// How TableBuilder changes and takes away what is mapped, and when it executes
// INVEPT.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "engine/table/table_builder_testing.h"

namespace eptdiff {
namespace {

// CACHE-9 through one page's changes.
// Each kind of change to a region, in a table below the root.
TEST_F(TableBuilderTest, FramesMayMoveWhenOneIsAllocated) {
  frames.moves = true;
  ASSERT_TRUE(Table().MapRegion(Gpa{}, Hpa{}, k4K, kRam).ok());
  ASSERT_TRUE(Table().MapRegion(Gpa{k1G}, Hpa{k1G}, k1G + k2M, kRam).ok());
  ASSERT_TRUE(Table().ProtectRegion(Gpa{k1G}, k4K, kReadOnly).ok());
  ASSERT_TRUE(Table().UnmapRegion(Gpa{2 * k1G}, k4K).ok());
  EXPECT_EQ(At(0).hpa, Hpa{});
  EXPECT_EQ(At(k1G).flags, kReadOnly);
  EXPECT_EQ(At(k1G + k4K).flags, kRam);
  EXPECT_EQ(Error(2 * k1G), TableError::kNotMapped);
  EXPECT_EQ(At(2 * k1G + k4K).hpa, Hpa{2 * k1G + k4K});
}

TEST_F(TableBuilderTest, InveptWhereACachedTranslationWouldBeWrong) {
  constexpr EptFlags kR = EptFlags::kRead, kW = EptFlags::kWrite,
                     kX = EptFlags::kExecute, kWb = EptFlags::kWriteBack,
                     kA = EptFlags::kAccessed, kD = EptFlags::kDirty;
  constexpr struct {
    EptFlags before, after;
    std::uint64_t hpa;
    int invepts;
    const char* words;
  } kCases[] = {
      {kR | kWb, kR | kWb, 0, 0, "nothing changes"},
      {kR | kWb, kR | kW | kWb, 0, 0, "write is granted"},
      {kR | kW | kWb, kR | kWb, 0, 1, "write is taken"},
      {kR | kX | kWb, kR | kWb, 0, 1, "execute is taken"},
      {kR | kX | kWb, kX | kWb, 0, 1, "read is taken"},
      {kR | kW | kWb, kR | kX | kWb, 0, 1, "one granted, one taken"},
      {kR | kWb, kR, 0, 1, "memory type"},
      {kR | kWb, kR | kWb | EptFlags::kIgnorePat, 0, 1, "ignore PAT"},
      {kR | kWb, kR | kWb, k4K, 1, "address"},
      {kR | kWb | kA | kD, kR | kWb, 0, 1, "flags cleared"},
      {kR | kWb, kR | kWb | kA | kD, 0, 0, "flags set"},
      {kR | kWb, kR | kWb | EptFlags::kSuppressVe, 0, 0, "suppress #VE"},
  };
  controls = TableControls(/*eptp=*/0x5e);
  for (const auto& c : kCases) {
    table.reset();
    Invepts();
    Table().Map(Gpa{}, Hpa{}, PageSize::k4KByte, c.before);
    EXPECT_TRUE(Table().Remap(Gpa{}, Hpa{c.hpa}, c.after).ok()) << c.words;
    EXPECT_EQ(Invepts(), c.invepts) << c.words;
    EXPECT_EQ(At(0), (Mapping{Gpa{}, Hpa{c.hpa}, k4K, c.after})) << c.words;
  }
}

TEST_F(TableBuilderTest, RemapGivesThePageAsItWas) {
  controls = TableControls(/*eptp=*/0x5e);
  Table().Map(Gpa{k2M}, Hpa{k2M}, PageSize::k2MByte,
              kRam | EptFlags{1ull << 52});
  Entry(k2M) |= 0x300;
  Mapping replaced;
  ASSERT_TRUE(Table().Remap(Gpa{k2M}, Hpa{2 * k2M}, kReadOnly, &replaced).ok());
  EXPECT_EQ(replaced, (Mapping{Gpa{k2M}, Hpa{k2M}, k2M,
                               kRam | EptFlags{1ull << 52} | EptFlags{0x300}}));
  // Another page, not written yet; the software's bits belong to the GPA.
  EXPECT_EQ(Entry(k2M), 0x00100000004000b1u);
}

TEST_F(TableBuilderTest, ProtectKeepsWhatIsNotItsOwn) {
  controls = TableControls(/*eptp=*/0x5e);
  Table().Map(Gpa{}, Hpa{0x5000}, PageSize::k4KByte, kRam);
  Entry(0) |= 0x49f0000000000b00;  // 62, 59, 56:52, 11, dirty, accessed
  ASSERT_TRUE(Table().Protect(Gpa{}, kReadOnly).ok());
  EXPECT_EQ(Entry(0), 0x49f0000000005b31u);
}

TEST_F(TableBuilderTest, UnmapGivesThePageAndFreesEmptyTables) {
  controls = TableControls(/*eptp=*/0x5e);
  Table().Map(Gpa{0}, Hpa{0x5000}, PageSize::k4KByte, kRam);
  Table().Map(Gpa{511 * k4K}, Hpa{0x6000}, PageSize::k4KByte, kRam);
  Entry(511 * k4K) |= 0x300;
  ASSERT_TRUE(Table().Unmap(Gpa{0}).ok());
  EXPECT_EQ(frames.in_use.size(), 4u);
  Mapping removed;
  // Set after the tables are unlinked, and before INVEPT.
  std::uint64_t* entry = &Entry(511 * k4K);
  *entry &= ~0x300ull;
  frames.on_invept = [&] { *entry |= 0x300; };
  ASSERT_TRUE(Table().Unmap(Gpa{511 * k4K}, &removed).ok());
  EXPECT_EQ(frames.in_use.size(), 1u);
  EXPECT_EQ(removed, (Mapping{Gpa{511 * k4K}, Hpa{0x6000}, k4K,
                              kRam | EptFlags{0x300}}));
  frames.on_invept = nullptr;
}

TEST_F(TableBuilderTest, UnmapShowsEachPieceThatGoes) {
  Table().MapRegion(Gpa{0}, Hpa{k1G}, k1G + 2 * k4K, kRam);
  std::vector<Mapping> gone;
  const auto show = [&](const Mapping& piece) { gone.push_back(piece); };
  ASSERT_TRUE(Table().UnmapRegion(Gpa{k2M + k4K}, 2 * k4K, show).ok());
  ASSERT_TRUE(Table().UnmapRegion(Gpa{k1G}, k1G, show).ok());
  const std::vector<Mapping> expected = {
      {Gpa{k2M + k4K}, Hpa{k1G + k2M + k4K}, 2 * k4K, kRam},
      {Gpa{k1G}, Hpa{2 * k1G}, k4K, kRam},
      {Gpa{k1G + k4K}, Hpa{2 * k1G + k4K}, k4K, kRam}};
  EXPECT_EQ(gone, expected);
}

TEST_F(TableBuilderTest, UnmapOfNothingIsNothing) {
  ASSERT_TRUE(Table().UnmapRegion(Gpa{}, 1ull << 48).ok());
  EXPECT_EQ(Invepts(), 0);
}

TEST_F(TableBuilderTest, ClearFlagsShowsThePagesThatHadThem) {
  controls = TableControls(/*eptp=*/0x5e);
  Table().MapRegion(Gpa{}, Hpa{}, 3 * k4K, kRam);
  Entry(0) |= 0x300;
  Entry(k4K) |= 0x100;
  std::vector<Mapping> shown;
  const auto show = [&](const Mapping& page) { shown.push_back(page); };
  Table().ClearFlags(Gpa{}, k2M, EptFlags::kDirty, show);
  EXPECT_EQ(Invepts(), 1);
  EXPECT_EQ(
      shown,
      (std::vector<Mapping>{{Gpa{}, Hpa{}, k4K, kRam | EptFlags{0x300}}}));
  EXPECT_EQ(At(0).flags, kRam | EptFlags::kAccessed);
  Table().ClearFlags(Gpa{}, k2M, EptFlags::kDirty);
  EXPECT_EQ(Invepts(), 0);
}

TEST_F(TableBuilderTest, InveptBeforeAccessedAndDirtyFlagsAreEnabled) {
  Table().Map(Gpa{}, Hpa{}, PageSize::k4KByte, kRam);
  ASSERT_TRUE(Table().SetAccessedDirty(true).ok());
  EXPECT_EQ(Invepts(), 1);
  EXPECT_EQ(Table().eptp() & 0xfff, 0x5eu);
  ASSERT_TRUE(Table().SetAccessedDirty(true).ok());
  ASSERT_TRUE(Table().SetAccessedDirty(false).ok());
  EXPECT_EQ(Invepts(), 0);
  EXPECT_EQ(Table().eptp() & 0xfff, 0x1eu);
  table.reset();
  processor.ept_vpid_cap &= ~(1ull << 21);
  EXPECT_EQ(Table().SetAccessedDirty(true).error, TableError::kUnsupported);
}

}  // namespace
}  // namespace eptdiff
