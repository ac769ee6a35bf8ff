// What TableBuilder refuses, and that nothing is changed then.
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "engine/table/table_builder_testing.h"

namespace eptdiff {
namespace {

// Without 1-GByte pages there is no alignment that would allow one.
TEST_F(TableBuilderTest, RefusesASizeThatTheProcessorLacks) {
  processor.ept_vpid_cap &= ~(3ull << 16);
  EXPECT_EQ(Table().Map(Gpa{}, Hpa{}, PageSize::k1GByte, kRam).error,
            TableError::kUnsupported);
  EXPECT_EQ(Table().Map(Gpa{}, Hpa{}, PageSize::k2MByte, kRam).error,
            TableError::kUnsupported);
  EXPECT_TRUE(Table().Map(Gpa{}, Hpa{}, PageSize::k4KByte, kRam).ok());
}

TEST_F(TableBuilderTest, RefusesWhatCannotBe) {
  Table().Map(Gpa{k2M}, Hpa{k2M}, PageSize::k2MByte, kRam);
  constexpr std::uint64_t kHpaEnd = 1ull << 46, kGpaEnd = 1ull << 48;
  constexpr struct {
    std::uint64_t gpa, hpa, bytes;
    TableError error;
    std::uint64_t at;
  } kCases[] = {
      {1, 0, k4K, TableError::kMisaligned, 1},
      {0, 0x800, k4K, TableError::kMisaligned, 0},
      {0, 0, 0, TableError::kMisaligned, 0},
      {0, 0, k4K + 8, TableError::kMisaligned, 0},
      {kGpaEnd, 0, k4K, TableError::kOutOfRange, kGpaEnd},
      {kGpaEnd - k4K, 0, 2 * k4K, TableError::kOutOfRange, kGpaEnd - k4K},
      {k4K, 0, ~0xfffull, TableError::kOutOfRange, k4K},
      {0, kHpaEnd, k4K, TableError::kOutOfRange, 0},
      {0, kHpaEnd - k4K, 2 * k4K, TableError::kOutOfRange, 0},
      {0, ~0xfffull, 2 * k4K, TableError::kOutOfRange, 0},
      {0, 0, k2M + k4K, TableError::kOverlap, k2M},
      {2 * k2M - k4K, 0, k4K, TableError::kOverlap, k2M},
      {0, 0, k1G, TableError::kOverlap, k2M},
  };
  for (const auto& c : kCases) {
    const TableResult result =
        Table().MapRegion(Gpa{c.gpa}, Hpa{c.hpa}, c.bytes, kRam);
    EXPECT_EQ(result.error, c.error) << std::hex << c.gpa;
    EXPECT_EQ(result.gpa, Gpa{c.at});
  }
  EXPECT_EQ(All().size(), 1u);
  EXPECT_EQ(frames.in_use.size(), 3u);
}

TEST_F(TableBuilderTest, APageIsKnownByItsFirstAddress) {
  Table().Map(Gpa{k2M}, Hpa{0}, PageSize::k2MByte, kRam);
  const std::uint64_t inside = k2M + k4K;
  const TableError errors[] = {
      Table().Unmap(Gpa{inside}).error,
      Table().Remap(Gpa{inside}, Hpa{k2M}, kRam).error,
      Table().Protect(Gpa{inside}, kReadOnly).error,
      Table().Split(Gpa{inside}).error,
      Table().Remap(Gpa{k2M}, Hpa{k4K}, kRam).error,
      Table().Map(Gpa{inside}, Hpa{0}, PageSize::k2MByte, kRam).error};
  for (const TableError error : errors) {
    EXPECT_EQ(error, TableError::kMisaligned);
  }
  EXPECT_EQ(Table().Unmap(Gpa{0}).error, TableError::kNotMapped);
  EXPECT_EQ(Table().Remap(Gpa{k2M}, Hpa{1ull << 46}, kRam).error,
            TableError::kOutOfRange);
  EXPECT_EQ(All().size(), 1u);
}

// With one frame less than an operation needs it is refused and nothing
// changes; with as many as it needs it is done, and none is left over.
TEST_F(TableBuilderTest, TakesExactlyTheFramesThatItNeeds) {
  using Operation = TableResult (*)(Builder&);
  constexpr struct {
    Operation operation;
    std::size_t frames;
    const char* words;
  } kCases[] = {
      {[](Builder& t) {
         return t.MapRegion(Gpa{4 * k1G}, Hpa{}, k1G, kReadOnly);
       },
       0, "a page in a table that is there"},
      {[](Builder& t) {
         return t.MapRegion(Gpa{4 * k1G + k4K}, Hpa{k4K}, k4K, kReadOnly);
       },
       2, "two tables"},
      {[](Builder& t) {
         return t.MapRegion(Gpa{4 * k1G - k4K}, Hpa{k1G - k4K}, 2 * k4K, kRam);
       },
       4, "across 1 GByte"},
      {[](Builder& t) {
         return t.MapRegion(Gpa{512 * k1G - k4K}, Hpa{k1G - k4K}, 2 * k4K,
                            kRam);
       },
       5, "across 512 GBytes"},
      {[](Builder& t) {
         return t.MapRegion(Gpa{4 * k1G}, Hpa{k4K}, k1G, kRam);
       },
       513, "4-KByte pages"},
      {[](Builder& t) {
         return t.MapRegion(Gpa{4 * k1G - k2M}, Hpa{k2M}, k1G + 2 * k2M, kRam);
       },
       3, "2-MByte pages in three directories"},
      {[](Builder& t) { return t.UnmapRegion(Gpa{k2M}, k2M); }, 1,
       "a hole of 2 MBytes"},
      {[](Builder& t) { return t.UnmapRegion(Gpa{k4K}, k1G - 2 * k4K); }, 3,
       "all but both ends"},
      {[](Builder& t) { return t.UnmapRegion(Gpa{k1G - k4K}, 2 * k4K); }, 4,
       "ends of two pages"},
      {[](Builder& t) { return t.UnmapRegion(Gpa{0}, 2 * k1G); }, 0,
       "whole pages"},
      {[](Builder& t) { return t.ProtectRegion(Gpa{k4K}, k4K, kReadOnly); }, 2,
       "other rights for 4 KBytes"},
      {[](Builder& t) { return t.ProtectRegion(Gpa{k4K}, k4K, kRam); }, 0,
       "the same rights"},
      {[](Builder& t) { return t.Split(Gpa{0}); }, 1, "a split"},
  };
  for (const auto& c : kCases) {
    table.reset();
    frames.limit = ~std::size_t{0};
    Table().MapRegion(Gpa{0}, Hpa{k1G}, 2 * k1G, kRam);
    const std::vector<Mapping> before = All();
    ASSERT_EQ(before.size(), 2u);
    const std::size_t in_use = frames.in_use.size();
    if (c.frames > 0) {
      frames.limit = in_use + c.frames - 1;
      EXPECT_EQ(c.operation(Table()).error, TableError::kNoFrames) << c.words;
      EXPECT_EQ(All(), before) << c.words;
      EXPECT_EQ(frames.in_use.size(), in_use) << c.words;
    }
    frames.limit = in_use + c.frames;
    EXPECT_TRUE(c.operation(Table()).ok()) << c.words;
  }
}

TEST_F(TableBuilderTest, RefusesFramesThatNoEntryCanReference) {
  Table();
  frames.next_address = 1ull << 46;
  EXPECT_EQ(Table().Map(Gpa{}, Hpa{}, PageSize::k4KByte, kRam).error,
            TableError::kBadFrame);
  EXPECT_EQ(frames.in_use.size(), 1u);
}

TEST_F(TableBuilderTest, RefusesControlsThatVmEntryWould) {
  const auto error_of = [this](const Controls& c, EptEntry entry) {
    TableError error;
    EXPECT_FALSE(Builder::Create(frames, processor, c, error, entry));
    return error;
  };
  Controls off = controls;
  off.secondary = 0;
  EXPECT_EQ(error_of(off, {}), TableError::kBadControls);
  EXPECT_EQ(error_of(TableControls(0x1d), {}), TableError::kBadControls);
  EXPECT_EQ(error_of(controls, EptEntry(1)), TableError::kMisconfigured);
  frames.limit = 0;
  EXPECT_EQ(error_of(controls, {}), TableError::kNoFrames);
}

}  // namespace
}  // namespace eptdiff
