#include "engine/table_builder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "engine/test_frames.h"

namespace eptdiff {
namespace {

constexpr EptFlags kRwx =
    EptFlags::kRead | EptFlags::kWrite | EptFlags::kExecute;
constexpr EptFlags kRam = kRwx | EptFlags::kWriteBack;
constexpr EptFlags kReadOnly = EptFlags::kRead | EptFlags::kWriteBack;
constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;

class TableBuilderTest : public testing::Test {
 protected:
  using Builder = TableBuilder<TestFrames>;

  ~TableBuilderTest() override {
    table.reset();
    EXPECT_TRUE(frames.in_use.empty()) << frames.in_use.size() << " leaked";
    EXPECT_TRUE(frames.faults.empty()) << frames.faults.front();
  }
  // The table, made at first use.
  Builder& Table() {
    if (!table.has_value()) {
      TableError error;
      std::optional<Builder> made =
          Builder::Create(frames, processor, controls, error, unused);
      EXPECT_EQ(error, TableError::kNone);
      table.emplace(std::move(*made));
    }
    return *table;
  }
  std::vector<Mapping> All() {
    std::vector<Mapping> all;
    Table().ForEach(Gpa{}, Table().format().gpa_end(),
                    [&](const Mapping& page) { all.push_back(page); });
    return all;
  }
  Mapping At(std::uint64_t gpa) {
    Mapping page;
    EXPECT_TRUE(Table().Query(Gpa{gpa}, page).ok()) << std::hex << gpa;
    return page;
  }
  TableError Error(std::uint64_t gpa) {
    Mapping page;
    return Table().Query(Gpa{gpa}, page).error;
  }
  // The INVEPTs since the last call.
  int Invepts() { return std::exchange(frames.invepts, 0); }
  // The word of the entry that maps `gpa`, or of the one of level `lowest` on
  // the way there, to be tampered with.
  std::uint64_t& Entry(std::uint64_t gpa, int lowest = 1) {
    std::uint64_t entry = Table().eptp();
    for (int level = Table().format().levels();; --level) {
      const std::uint64_t address =
          (entry & bits::kAddress) + (gpa >> (9 * level) & 0xff8);
      std::uint64_t& word = frames.At(address);
      if (level == lowest || (word & 0x80) != 0 || (word & 7) == 0) return word;
      entry = word;
    }
  }

  TestFrames frames;
  Processor processor = TableProcessor();
  Controls controls = TableControls();
  EptEntry unused;
  std::optional<Builder> table;
};

TEST_F(TableBuilderTest, MapsOnePageOfEachSize) {
  ASSERT_TRUE(
      Table().Map(Gpa{0x1000}, Hpa{0x5000}, PageSize::k4KByte, kRam).ok());
  ASSERT_TRUE(
      Table().Map(Gpa{k2M}, Hpa{3 * k2M}, PageSize::k2MByte, kReadOnly).ok());
  ASSERT_TRUE(
      Table().Map(Gpa{k1G}, Hpa{5 * k1G}, PageSize::k1GByte, kRam).ok());
  const std::vector<Mapping> expected = {
      {Gpa{0x1000}, Hpa{0x5000}, k4K, kRam},
      {Gpa{k2M}, Hpa{3 * k2M}, k2M, kReadOnly},
      {Gpa{k1G}, Hpa{5 * k1G}, k1G, kRam}};
  EXPECT_EQ(All(), expected);
  EXPECT_EQ(At(0x1abc), expected[0]);
  EXPECT_EQ(At(k1G + 0x12345678), expected[2]);
  EXPECT_EQ(Error(0), TableError::kNotMapped);
  EXPECT_EQ(Invepts(), 0);
  // Tables, and pages, as the SDM has them.
  EXPECT_EQ(Entry(0x1000), 0x5037u);
  EXPECT_EQ(Entry(k2M), 0x6000b1u);
  EXPECT_EQ(Entry(k1G), 0x1400000b7u);
  EXPECT_EQ(frames.At(Table().eptp() & ~0xfffull) & 0xfff, 0x7u);
}

TEST_F(TableBuilderTest, TablesGrantUserExecutionUnderMbec) {
  controls.secondary |= 1u << 22;
  Table().Map(Gpa{}, Hpa{}, PageSize::k4KByte,
              EptFlags::kRead | EptFlags::kExecuteForUser);
  EXPECT_EQ(frames.At(Table().eptp() & ~0xfffull) & 0xfff, 0x407u);
  Translation translation;
  EXPECT_TRUE(Table().Translate(Gpa{}, Use::kUserFetch, translation).ok());
  EXPECT_EQ(Table().Translate(Gpa{}, Use::kSupervisorFetch, translation).error,
            TableError::kNotAllowed);
}

TEST_F(TableBuilderTest, FiveLevelsReachWhatTheArchitectureDoes) {
  controls = TableControls(/*eptp=*/0x26);
  const std::uint64_t last = (1ull << 52) - k4K;
  ASSERT_TRUE(
      Table().Map(Gpa{last}, Hpa{0x7000}, PageSize::k4KByte, kRam).ok());
  EXPECT_EQ(frames.in_use.size(), 5u);
  EXPECT_EQ(At(last).hpa, Hpa{0x7000});
  EXPECT_EQ(Table().Map(Gpa{1ull << 52}, Hpa{}, PageSize::k4KByte, kRam).error,
            TableError::kOutOfRange);
}

TEST_F(TableBuilderTest, RegionTakesTheLargestPages) {
  // 4 KBytes before a 2-MByte boundary to 4 KBytes after 3 GBytes.
  const std::uint64_t begin = k1G - k2M - k4K;
  const std::uint64_t end = 3 * k1G + k4K;
  ASSERT_TRUE(
      Table().MapRegion(Gpa{begin}, Hpa{begin + k1G}, end - begin, kRam).ok());
  const std::vector<Mapping> expected = {
      {Gpa{begin}, Hpa{begin + k1G}, k4K, kRam},
      {Gpa{k1G - k2M}, Hpa{2 * k1G - k2M}, k2M, kRam},
      {Gpa{k1G}, Hpa{2 * k1G}, k1G, kRam},
      {Gpa{2 * k1G}, Hpa{3 * k1G}, k1G, kRam},
      {Gpa{3 * k1G}, Hpa{4 * k1G}, k4K, kRam}};
  EXPECT_EQ(All(), expected);
}

TEST_F(TableBuilderTest, PagesAreNoLargerThanAskedForAndThanTheProcessorHas) {
  constexpr struct {
    std::uint64_t hpa;
    PageSize largest;
    std::uint64_t missing;
    EptFlags more;
    std::uint64_t pages;  // of 1 GByte
    const char* words;
  } kCases[] = {
      {0, PageSize::k1GByte, 0, {}, 1, "1-GByte pages"},
      {k2M, PageSize::k1GByte, 0, {}, 512, "not aligned"},
      {0, PageSize::k2MByte, 0, {}, 512, "not wanted"},
      {0, PageSize::k1GByte, 1 << 17, {}, 512, "not there"},
      {k4K, PageSize::k1GByte, 0, {}, 512 * 512, "aligned to 4 KBytes"},
      {0, PageSize::k1GByte, 3 << 16, {}, 512 * 512, "only 4 KBytes there"},
      {0, PageSize::k1GByte, 0, EptFlags::kSubPageWrite, 512 * 512, "SPP"},
  };
  for (const auto& c : kCases) {
    table.reset();
    processor = TableProcessor();
    processor.ept_vpid_cap &= ~c.missing;
    controls.secondary |= 1u << 23;  // SPP
    ASSERT_TRUE(
        Table()
            .MapRegion(Gpa{}, Hpa{c.hpa}, k1G, kReadOnly | c.more, c.largest)
            .ok());
    EXPECT_EQ(All().size(), c.pages) << c.words;
  }
}

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

// CACHE-9 through one page's changes.
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

TEST_F(TableBuilderTest, WhatWasAccessedAsAPageIsAccessedAsTables) {
  controls = TableControls(/*eptp=*/0x5e);
  Table().Map(Gpa{0}, Hpa{0}, PageSize::k1GByte, kRam);
  Entry(0) |= 0x100;
  ASSERT_TRUE(Table().ProtectRegion(Gpa{0}, k4K, kReadOnly).ok());
  for (const int level : {3, 2, 1}) {
    EXPECT_EQ(Entry(0, level) & 0x300, 0x100u) << level;
  }
}

TEST_F(TableBuilderTest, SplitKeepsFlagsAndThoseSetMeanwhile) {
  controls = TableControls(/*eptp=*/0x5e);
  Table().Map(Gpa{}, Hpa{k1G}, PageSize::k1GByte, kRam);
  // A processor writes to the page after most parts have been made.
  std::uint64_t* entry = &Entry(0);
  int stores = 0;
  frames.on_store = [&](Hpa, std::uint64_t, std::uint64_t) {
    if (++stores == 1000) *entry |= 0x300;
  };
  ASSERT_TRUE(Table().ProtectRegion(Gpa{k2M}, k4K, kReadOnly).ok());
  frames.on_store = nullptr;
  EXPECT_EQ(Invepts(), 1);
  EXPECT_EQ(*entry & 0x307, 0x107u);  // a table has an accessed flag only
  const std::vector<Mapping> all = All();
  ASSERT_EQ(all.size(), 511u + 512u);
  for (const Mapping& page : all) {
    EXPECT_EQ(page.flags,
              (page.gpa == Gpa{k2M} ? kReadOnly : kRam) | EptFlags{0x300});
    EXPECT_EQ(page.hpa.value, page.gpa.value + k1G);
  }
}

TEST_F(TableBuilderTest, MergeKeepsFlagsAndThoseSetMeanwhile) {
  controls = TableControls(/*eptp=*/0x5e);
  for (const std::uint64_t early : {0x100, 0x200}) {
    table.reset();
    Table().MapRegion(Gpa{}, Hpa{k1G}, k1G, kRam, PageSize::k4KByte);
    Entry(5 * k4K) |= early;
    std::uint64_t* last = &Entry(k1G - k4K);
    // A processor that has read the old tables uses the last page.
    frames.on_invept = [&] {
      EXPECT_EQ(Entry(0) & 0x300, early);
      *last |= 0x300 - early;
    };
    Invepts();
    ASSERT_TRUE(Table().MergeRegion(Gpa{}, k1G).ok());
    frames.on_invept = nullptr;
    EXPECT_EQ(Invepts(), 1);
    EXPECT_EQ(
        All(),
        (std::vector<Mapping>{{Gpa{}, Hpa{k1G}, k1G, kRam | EptFlags{0x300}}}));
    EXPECT_EQ(frames.in_use.size(), 2u);
  }
}

TEST_F(TableBuilderTest, MergesNothingThatIsNotAlike) {
  const std::uint64_t page = 0x40005000;
  constexpr struct {
    std::uint64_t bits;  // that differ in the entry of GPA 5000H
    const char* words;
  } kCases[] = {
      {0x2, "a right"},
      {0x8, "memory type"},
      {0x40, "ignore PAT"},
      {0x800, "software's"},
      {0x1000, "address"},
      {1ull << 63, "bit 63"},
      {0x100, "bit 8, which is the software's with A/D flags off"},
      {0x7, "not present"},
  };
  for (const auto& c : kCases) {
    table.reset();
    Table().MapRegion(Gpa{}, Hpa{k1G}, k2M, kRam, PageSize::k4KByte);
    ASSERT_EQ(Entry(0x5000), page | 0x37);
    Entry(0x5000) ^= c.bits;
    Invepts();
    EXPECT_TRUE(Table().MergeRegion(Gpa{}, k1G).ok());
    EXPECT_EQ(Invepts(), 0) << c.words;
    EXPECT_EQ(frames.in_use.size(), 4u) << c.words;
  }
}

TEST_F(TableBuilderTest, MergesOnlyWhatAProcessorCanMap) {
  constexpr struct {
    std::uint64_t hpa, missing, region;
    const char* words;
  } kCases[] = {
      {k1G + k4K, 0, k2M, "not aligned"},
      {k1G, 3 << 16, k2M, "no 2-MByte pages"},
      {k1G, 0, k2M - k4K, "the region ends before"},
  };
  for (const auto& c : kCases) {
    table.reset();
    processor = TableProcessor();
    processor.ept_vpid_cap &= ~c.missing;
    Table().MapRegion(Gpa{}, Hpa{c.hpa}, k2M, kRam, PageSize::k4KByte);
    EXPECT_TRUE(Table().MergeRegion(Gpa{}, c.region).ok());
    EXPECT_EQ(All().size(), 512u) << c.words;
  }
}

TEST_F(TableBuilderTest, SubPagePermissionsNeedSmallPages) {
  controls.secondary |= 1u << 23;
  const EptFlags sub_page = kReadOnly | EptFlags::kSubPageWrite;
  Table().Map(Gpa{}, Hpa{}, PageSize::k2MByte, kRam);
  EXPECT_EQ(Table().Protect(Gpa{}, sub_page).error, TableError::kUnsupported);
  EXPECT_EQ(Table().Remap(Gpa{}, Hpa{}, sub_page).error,
            TableError::kUnsupported);
  ASSERT_TRUE(Table().ProtectRegion(Gpa{}, k2M, sub_page).ok());
  EXPECT_EQ(All().size(), 512u);
  EXPECT_EQ(At(k4K).flags, sub_page);
  Table().MergeRegion(Gpa{}, k2M);
  EXPECT_EQ(All().size(), 512u);
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

TEST_F(TableBuilderTest, AbsentEntriesHoldWhatTheVmmWants) {
  unused = EptEntry(1ull << 63);
  Table().Map(Gpa{k1G}, Hpa{}, PageSize::k1GByte, kRam);
  Table().UnmapRegion(Gpa{k1G + k2M}, k2M);
  EXPECT_EQ(Entry(0), 1ull << 63);
  EXPECT_EQ(Entry(k1G + k2M), 1ull << 63);
  Table().UnmapRegion(Gpa{k1G}, k1G);
  EXPECT_EQ(frames.At(Table().eptp() & ~0xfffull), 1ull << 63);
}

TEST_F(TableBuilderTest, IterationStopsWhereItIsTold) {
  Table().MapRegion(Gpa{}, Hpa{}, 8 * k4K, kRam);
  int visited = 0;
  Table().ForEach(Gpa{k4K}, k1G, [&](const Mapping&) { return ++visited < 3; });
  EXPECT_EQ(visited, 3);
}

TEST_F(TableBuilderTest, TranslatesAsTheProcessorWould) {
  controls.tertiary = 1u << 2;  // paging-write control
  const EptFlags type = EptFlags::kWriteThrough;
  Table().Map(Gpa{k2M}, Hpa{k1G}, PageSize::k2MByte, EptFlags::kExecute | type);
  Table().Map(Gpa{}, Hpa{k4K}, PageSize::k4KByte,
              EptFlags::kRead | EptFlags::kPagingWrite | type);
  constexpr struct {
    std::uint64_t gpa;
    Use use;
    TableError error;
    std::uint64_t hpa;
    int shift;
  } kCases[] = {
      {0x123, Use::kRead, TableError::kNone, 0x1123, 12},
      {0x123, Use::kWrite, TableError::kNotAllowed, 0, 0},
      {0x123, Use::kPagingUpdate, TableError::kNone, 0x1123, 12},
      {k2M + 1, Use::kSupervisorFetch, TableError::kNone, k1G + 1, 21},
      {k2M + 1, Use::kRead, TableError::kNotAllowed, 0, 0},
      {k4K, Use::kRead, TableError::kNotMapped, 0, 0},
      {1ull << 48, Use::kRead, TableError::kOutOfRange, 0, 0},
  };
  for (const auto& c : kCases) {
    Translation translation;
    EXPECT_EQ(Table().Translate(Gpa{c.gpa}, c.use, translation).error, c.error);
    if (c.error != TableError::kNone) continue;
    EXPECT_EQ(translation.address, Hpa{c.hpa});
    EXPECT_EQ(translation.page_shift, c.shift);
    EXPECT_EQ(translation.memory_type, MemoryType::kWriteThrough);
    EXPECT_EQ(translation.structure_memory_type, MemoryType::kWriteBack);
  }
}

TEST_F(TableBuilderTest, MovesAndIsDestroyedAfterInvept) {
  Table().Map(Gpa{}, Hpa{}, PageSize::k4KByte, kRam);
  Builder moved = std::move(Table());
  table.reset();
  EXPECT_EQ(frames.in_use.size(), 4u);
  frames.on_free = [&](Hpa) { EXPECT_EQ(frames.invepts, 1); };
  {
    const Builder last = std::move(moved);
  }
  frames.on_free = nullptr;
  EXPECT_EQ(Invepts(), 1);
  EXPECT_TRUE(frames.in_use.empty());
}

}  // namespace
}  // namespace eptdiff
