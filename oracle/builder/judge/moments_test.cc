// Processors that come in between the load of an entry and the store to it.
#include "oracle/builder/judge/moments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/planted/planted_builder.h"
#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kLarge = 0x200000;
constexpr std::uint64_t kAll = 0x37;  // read, write, execute; WB
constexpr std::uint64_t kNoWrite = 0x35;
constexpr std::uint64_t kFlags = 0x10005e;  // EPTP with accessed and dirty

// What a builder with this fault, or without one, is found out by; "" if it is
// not.
std::string Found(const Case& c, std::string_view fault = "") {
  BuilderTrial trial(fault.empty() ? std::make_unique<EngineBuilder>()
                                   : PlantInBuilder(fault));
  const BuilderStandings& standings = trial.Run(c);
  if (!standings.finding.has_value()) return "";
  return SignatureOf("builder", *standings.finding) + " at step " +
         std::to_string(standings.step);
}

// A processor that uses a page just before the store that changes it: what it
// sets stays, or is shown as removed.
TEST(MomentsTest, WhatIsSetBetweenLoadAndStoreIsKept) {
  const auto begin = [] { return TableCase(kFlags).Map(0, kLarge, kAll, 2); };
  const Case kCases[] = {
      begin().Protect(0, kNoWrite).Meanwhile(1).Build(),
      begin().Map(kLarge, kLarge, kAll, 2).Unmap(0).Meanwhile(1).Build(),
      begin().Split(0).Meanwhile(1).Build(),
      begin().Remap(0, 3 * kLarge, kAll).Meanwhile(1).Build(),
      begin().Read(0).Clear(0, kLarge, 0x300).Meanwhile(1).Build(),
      // Dirty alone is cleared: accessed has to stay.
      TableCase(kFlags)
          .Map(0, kLarge, kAll | 0x200, 2)
          .Clear(0, kLarge, 0x200)
          .Meanwhile(1)
          .Build(),
      begin().UnmapRegion(0x1000, 0x1000).Meanwhile(1).Build(),
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Found(c), "");
    const std::string step = " at step " + std::to_string(c.steps.size());
    EXPECT_THAT(Found(c, "builder-flags-raced"),
                testing::AllOf(testing::HasSubstr("flags-raced-AD-4"),
                               testing::EndsWith(step)));
    // At no moment, nothing is lost.
    Case quiet = c;
    for (Step& s : quiet.steps) s.operation.meanwhile = 0;
    EXPECT_EQ(Found(quiet, "builder-flags-raced"), "");
  }
}

// Each store of an operation, however often it is tried, and those from the
// seventh on.
TEST(MomentsTest, ABitOfMeanwhileIsAStoreOfTheOperation) {
  constexpr int kPages = 9;
  for (int moment = 0; moment < kPages; ++moment) {
    BuilderTrial trial(std::make_unique<EngineBuilder>());
    std::vector<std::uint64_t> used;
    trial.set_observer([&](const BuilderStepReport& report) {
      for (const TableEvent& event : report.events) {
        if (event.kind == TableEvent::Kind::kBetween) {
          used.push_back(event.after);
        }
      }
    });
    trial.Run(
        TableCase(kFlags)
            .MapRegion(0, 0x9000, kPages * 0x1000, kAll)
            .ProtectRegion(0, kPages * 0x1000, kNoWrite)
            .Meanwhile(static_cast<std::uint8_t>(1 << std::min(moment, 6)))
            .Build());
    std::vector<std::uint64_t> expected;
    const auto first = static_cast<std::uint64_t>(std::min(moment, 6));
    for (std::uint64_t i = first; i < (moment < 6 ? first + 1 : kPages); ++i) {
      expected.push_back(i * 0x1000);
    }
    EXPECT_EQ(used, expected) << moment;
  }
}

// What is set in a table that pages are merged from is in the large page in the
// end, whenever before INVEPT it was set.
TEST(MomentsTest, MergedPagesKeepWhatIsSetMeanwhile) {
  const Case c = TableCase(kFlags)
                     .Map(0, kLarge, kAll, 2)
                     .Split(0)
                     .Merge(0, kLarge)
                     .Meanwhile(1)
                     .Build();
  EXPECT_EQ(Found(c), "");
  // Takes them away again once the operation is over.
  class Forgetful : public EngineBuilder {
   public:
    TableResult Create(FramePool& pool, const Processor& processor,
                       const Controls& controls,
                       std::uint64_t unused) override {
      pool_ = &pool;
      return EngineBuilder::Create(pool, processor, controls, unused);
    }
    TableResult Perform(const TableOperation& operation,
                        std::vector<Interval>& taken) override {
      const TableResult result = EngineBuilder::Perform(operation, taken);
      if (operation.kind != TableOperationKind::kMergeRegion) return result;
      Hpa table{AddressIn(eptp())};
      for (int level = 4; level > 2; --level) {
        table = Hpa{AddressIn(*pool_->memory().At(table))};
      }
      pool_->Store(table, *pool_->memory().At(table) & ~kAccessedDirty);
      pool_->Invept(eptp());
      return result;
    }

   private:
    FramePool* pool_ = nullptr;
  };
  BuilderTrial trial(std::make_unique<Forgetful>());
  trial.Allow(kAllWaivers);
  const BuilderStandings& standings = trial.Run(c);
  ASSERT_TRUE(standings.finding.has_value());
  EXPECT_EQ(standings.finding->rule, BuilderRule::kFlagsRaced);
}

}  // namespace
}  // namespace eptdiff
