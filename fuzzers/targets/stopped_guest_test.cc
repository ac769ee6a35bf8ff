// Builders that declare that the guest is stopped while they work: what nobody
// can see is no finding then, and everything else is.
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzzers/generation/table_generation.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/planted/planted_builder.h"
#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000;
constexpr std::uint64_t kAll = 0x37, kNoWrite = 0x35;

// Another builder, and what it declares.
class Declared final : public BuilderUnderTest {
 public:
  Declared(std::unique_ptr<BuilderUnderTest> builder, bool stopped)
      : builder_(std::move(builder)), stopped_(stopped) {}

  std::string_view name() const override { return builder_->name(); }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    return builder_->Create(pool, processor, controls, unused);
  }
  bool guest_stopped() const override { return stopped_; }
  std::uint64_t eptp() const override { return builder_->eptp(); }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    return builder_->Perform(operation, taken);
  }
  bool List(std::vector<Interval>& pages) override {
    return builder_->List(pages);
  }
  void Destroy() override { builder_->Destroy(); }

 private:
  const std::unique_ptr<BuilderUnderTest> builder_;
  const bool stopped_;
};

// Tells nobody of its stores.
struct CarefreeHal : PoolHal {
  void OnStore(Hpa, std::uint64_t, std::uint64_t) {}
};

// To change the rights of a 4-KByte page it takes everything away, executes
// INVEPT, and maps all of it anew.
class Rebuilder final : public BuilderOver<CarefreeHal> {
 public:
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    if (operation.kind != TableOperationKind::kProtect) {
      return BuilderOver::Perform(operation, taken);
    }
    std::vector<Interval> pages;
    List(pages);
    std::vector<Interval> ignored;
    TableOperation step = {.kind = TableOperationKind::kUnmapRegion,
                           .bytes = std::uint64_t{1} << 48};
    BuilderOver::Perform(step, ignored);
    for (const Interval& part : pages) {
      for (std::uint64_t offset = 0; offset < part.bytes; offset += k4K) {
        step = {.kind = TableOperationKind::kMap,
                .gpa = Gpa{part.gpa + offset},
                .hpa = Hpa{part.hpa + offset},
                .flags = part.flags};
        if (step.gpa == operation.gpa) step.flags = operation.flags;
        BuilderOver::Perform(step, ignored);
      }
    }
    return {};
  }
};

template <typename Builder>
std::set<BuilderRule> Broken(std::unique_ptr<Builder> builder, bool stopped,
                             const Case& c) {
  BuilderTrial trial(std::make_unique<Declared>(std::move(builder), stopped));
  const BuilderStandings& standings = trial.Run(c);
  if (!standings.finding.has_value()) return {};
  return {standings.finding->rule};
}

// What generated cases find, up to this rule.
std::set<BuilderRule> BrokenByMany(std::unique_ptr<BuilderUnderTest> builder,
                                   std::optional<BuilderRule> sought = {}) {
  BuilderTrial trial(std::make_unique<Declared>(std::move(builder), true));
  std::set<BuilderRule> broken;
  Case c;
  for (int i = 0; i < 3000; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    if (i % 4 == 0) {
      GenerateTableCase(seed, c);
    } else {
      MutateTableCase(seed, c);
    }
    const BuilderStandings& standings = trial.Run(c);
    if (!standings.finding.has_value()) continue;
    broken.insert(standings.finding->rule);
    if (standings.finding->rule == sought) break;
  }
  return broken;
}

TEST(StoppedGuestTest, NeitherOrderNorReportsOfStoresMatter) {
  EXPECT_TRUE(BrokenByMany(std::make_unique<EngineBuilder>()).empty());
  EXPECT_TRUE(
      BrokenByMany(std::make_unique<BuilderOver<CarefreeHal>>()).empty());
  for (const std::string_view fault :
       {"builder-linked-before-filled", "builder-freed-before-invept"}) {
    EXPECT_TRUE(BrokenByMany(PlantInBuilder(fault)).empty()) << fault;
  }
}

// Right only if nobody looks: pages go and come back, in another table.
TEST(StoppedGuestTest, TablesMayBeBuiltAnew) {
  const Case c = TableCase()
                     .MapRegion(0, k2M, 2 * k4K, kAll)
                     .Write(k4K)
                     .Protect(k4K, kNoWrite)
                     .Write(k4K)
                     .Read(0)
                     .Build();
  EXPECT_TRUE(Broken(std::make_unique<Rebuilder>(), true, c).empty());
  EXPECT_FALSE(Broken(std::make_unique<Rebuilder>(), false, c).empty());
}

TEST(StoppedGuestTest, WhatIsWrongInTheEndIsFoundAllTheSame) {
  constexpr struct {
    std::string_view fault;
    BuilderRule rule;
  } kBroken[] = {
      {"builder-split-drops-permission", BuilderRule::kMapsAsAsked},
      {"builder-split-not-stored", BuilderRule::kMapsAsAsked},
      {"builder-unmap-clears-large-page", BuilderRule::kMapsAsAsked},
      {"builder-invept-missing-for-write", BuilderRule::kInvept},
      {"builder-invept-never", BuilderRule::kStaleTranslation},
      {"builder-freed-by-first-entry", BuilderRule::kMapsAsAsked},
      {"builder-address-32-bits", BuilderRule::kMapsAsAsked},
      {"builder-protect-skips-large-pages", BuilderRule::kMapsAsAsked},
      {"builder-hole-ends-region", BuilderRule::kMapsAsAsked},
      {"builder-overlap-accepted", BuilderRule::kRefused},
      {"builder-refused-after-change", BuilderRule::kUntouched},
      {"builder-iteration-skips-last", BuilderRule::kIteration},
      {"builder-linked-twice", BuilderRule::kTree},
      {"builder-empty-table-stays", BuilderRule::kEmptyTable},
      {"builder-ignored-bits-lost", BuilderRule::kIgnoredBits},
      {"builder-store-after-free", BuilderRule::kOwnFrames},
      {"builder-end-keeps-root", BuilderRule::kLeak},
      {"builder-end-without-invept", BuilderRule::kInvept},
      {"builder-removed-skips-last", BuilderRule::kTakenOut},
  };
  for (const auto& [fault, rule] : kBroken) {
    EXPECT_TRUE(BrokenByMany(PlantInBuilder(fault), rule).contains(rule))
        << fault;
  }
}

// What it has cached is stale without INVEPT ...
TEST(StoppedGuestTest, AfterAnOperationTheGuestUsesWhatItHasCached) {
  const Case c = TableCase()
                     .Map(0x5000, 0x9000, kAll)
                     .Write(0x5000)
                     .Protect(0x5000, kNoWrite)
                     .Write(0x5000)
                     .Build();
  EXPECT_EQ(Broken(PlantInBuilder("builder-invept-missing-for-write"), true, c),
            std::set<BuilderRule>{BuilderRule::kStaleRight});
}

// ... and the flags that it has set are kept.
TEST(StoppedGuestTest, FlagsOfTheGuestAreKept) {
  constexpr std::uint64_t kFlags = 0x10005e;
  const Case c = TableCase(kFlags)
                     .MapRegion(0, k2M, 2 * k4K, kAll)
                     .Write(0)
                     .Protect(k4K, kNoWrite)
                     .Build();
  // Clears flags of another page than the one that it is asked for.
  class Forgetful final : public BuilderOver<PoolHal> {
   public:
    TableResult Perform(const TableOperation& operation,
                        std::vector<Interval>& taken) override {
      const TableResult result = BuilderOver::Perform(operation, taken);
      if (operation.kind == TableOperationKind::kProtect) {
        BuilderOver::Perform({.kind = TableOperationKind::kClearFlags,
                              .bytes = k4K,
                              .flags = kAccessedDirty},
                             taken);
        taken.clear();
      }
      return result;
    }
  };
  EXPECT_EQ(Broken(std::make_unique<Forgetful>(), true, c),
            std::set<BuilderRule>{BuilderRule::kFlagsKept});
}

}  // namespace
}  // namespace eptdiff
