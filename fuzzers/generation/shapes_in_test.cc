#include "fuzzers/generation/shapes_in.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/generator.h"
#include "fuzzers/generation/machine_generation.h"

namespace eptdiff {
namespace {

CacheShapes Only(CacheShape shape) {
  return CacheShapes().set(static_cast<std::size_t>(shape));
}

// One page at 0x1000, by way of the PTE at 0x4008.
Case Reads(std::uint64_t was) {
  Case c;
  c.controls.secondary = 2;
  c.controls.eptp = 0x101e;
  c.memory = {{Hpa{0x1000}, 0x2007},
              {Hpa{0x2000}, 0x3007},
              {Hpa{0x3000}, 0x4007},
              {Hpa{0x4008}, was}};
  Step read;
  read.gpa = Gpa{0x1000};
  c.steps = {read};
  return c;
}

void Store(std::uint64_t address, std::uint64_t value, Case& c) {
  Step step;
  step.kind = StepKind::kStore;
  step.hpa = Hpa{address};
  step.value = value;
  c.steps.push_back(step);
}

TEST(ShapesInTest, AreWhatBecomesOfAnEntryBetweenTwoAccesses) {
  struct Row {
    std::uint64_t was, is;
    CacheShape shape;
  };
  constexpr Row kRows[] = {
      {0x9037, 0xa037, CacheShape::kMoved},
      {0x9037, 0x9031, CacheShape::kRightRemoved},
      {0x9031, 0x9037, CacheShape::kRightAdded},
      {0x9037, 0x9007, CacheShape::kMemoryType},
      {0x9037, 0x90b7, CacheShape::kPageSize},
      {0x9037, 0, CacheShape::kRemoved},
      {0, 0x9037, CacheShape::kMapped},
      {0x9032, 0x9037, CacheShape::kRepaired},
      {0x9337, 0x9137, CacheShape::kFlagsCleared},
      {0x9037, 0x8000000000009037, CacheShape::kAnything},
  };
  for (const Row& row : kRows) {
    Case c = Reads(row.was);
    Store(0x4008, row.is, c);
    EXPECT_TRUE(ShapesIn(c).none()) << "nobody looks again";
    c.steps.push_back(c.steps[0]);
    EXPECT_EQ(ShapesIn(c), Only(row.shape)) << NameOf(row.shape);
    c.steps.erase(c.steps.begin());
    EXPECT_TRUE(ShapesIn(c).none()) << "nothing can have been kept";
  }
}

TEST(ShapesInTest, WhatNoAccessUsedIsNone) {
  Case c = Reads(0x9037);
  Store(0x4010, 0x9037, c);
  Store(0x4008, 0x9037, c);  // as it was
  c.steps.push_back(c.steps[0]);
  EXPECT_TRUE(ShapesIn(c).none());
}

TEST(ShapesInTest, AnotherVpidIsAShapeOfItsOwn) {
  Case c = Reads(0x9037);
  Step enter;
  enter.kind = StepKind::kVmEntry;
  enter.value = 2;
  c.steps.push_back(enter);
  c.steps.push_back(c.steps[0]);
  EXPECT_EQ(ShapesIn(c), Only(CacheShape::kVpidChanged));
}

TEST(ShapesInTest, AnotherPcidIsAShapeOfItsOwn) {
  for (const bool pcids : {false, true}) {
    Case c = Reads(0x9037);
    if (pcids) c.guest.cr4 |= 1 << 17;
    Step to;
    to.kind = StepKind::kRegisterWrite;
    to.reg = GuestRegister::kCr3;
    to.value = std::uint64_t{1} << 63 | 3;
    c.steps.push_back(to);
    c.steps.push_back(c.steps[0]);
    EXPECT_EQ(ShapesIn(c), Only(pcids ? CacheShape::kPcidChanged
                                      : CacheShape::kTagsChanged));
    c.guest.cr3 = 3;
    EXPECT_TRUE(ShapesIn(c).none()) << "it is that already";
  }
}

TEST(ShapesInTest, WhatLeadsToATableIsOfAnUpperLevel) {
  Case c = Reads(0x9037);
  Store(0x3000, 0x5007, c);
  c.steps.push_back(c.steps[0]);
  EXPECT_EQ(ShapesIn(c),
            Only(CacheShape::kMoved) | Only(CacheShape::kUpperLevel));
}

// A share for each: none is drawn and then lost on the way.
TEST(ShapesInTest, EachIsGenerated) {
  constexpr std::size_t kCases = 5'000;
  std::array<std::size_t, kCacheShapeCount> seen = {};
  std::size_t any = 0;
  Case c;
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    GenerateCase(seed, c, Focus::kCaches);
    const CacheShapes shapes = ShapesIn(c);
    any += shapes.any();
    for (std::size_t i = 0; i < kCacheShapeCount; ++i) seen[i] += shapes[i];
  }
  EXPECT_GT(any, kCases * 7 / 10);
  for (std::size_t i = 0; i < kCacheShapeCount; ++i) {
    RecordProperty(std::string(NameOf(static_cast<CacheShape>(i))),
                   static_cast<int>(seen[i]));
    EXPECT_GT(seen[i], kCases / 50) << NameOf(static_cast<CacheShape>(i));
  }
}

// A vector of sub-page permissions says whether a write goes through, and is
// stored to behind it.
TEST(CacheShapesTest, ChangeVectorsThatMatter) {
  int changed = 0;
  UsedEntries used;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Case c;
    GenerateCase(seed, c, Focus::kCaches);
    for (std::size_t i = 0; i < c.steps.size(); ++i) {
      if (c.steps[i].access.kind != AccessKind::kWrite) continue;
      FindUsedEntries(c, c.steps[i], used);
      std::uint64_t page = 0;  // the EPT entry that maps it
      for (const UsedEntry& entry : used.list) {
        if (entry.kind == UsedKind::kEpt && entry.leaf) page = entry.value;
        if (entry.kind != UsedKind::kSpp || entry.level != 1) continue;
        if ((page & bits::kWrite) != 0) continue;
        changed += std::any_of(c.steps.begin() + static_cast<std::ptrdiff_t>(i),
                               c.steps.end(), [&](const Step& step) {
                                 return step.kind == StepKind::kStore &&
                                        step.hpa == entry.address;
                               });
      }
    }
  }
  EXPECT_GT(changed, 15);
  RecordProperty("changed", changed);
}

}  // namespace
}  // namespace eptdiff
