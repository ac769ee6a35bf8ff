#include "oracle/builder/builder_trial.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "oracle/builder/engine_builder.h"
#include "oracle/builder/planted_builder.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k2M = 0x200000;
constexpr std::uint64_t kAll = 0x37;  // read, write, execute; WB
constexpr std::uint64_t kNoWrite = 0x35;
constexpr std::uint64_t kFlags = 1 << 6;  // EPTP: accessed and dirty

Case TableCase(std::uint64_t eptp_bits = 0) {
  Case c;
  c.processor.ept_vpid_cap = 0x003f0f0106f341c1;
  c.controls.primary = 0x80000000;
  c.controls.secondary = 2;
  c.controls.eptp = 0x10001e | eptp_bits;
  return c;
}

Case& Add(Case& c, const TableOperation& operation) {
  c.steps.push_back(
      {.kind = StepKind::kTableOperation, .operation = operation});
  return c;
}
Case& Map(Case& c, std::uint64_t gpa, std::uint64_t hpa, std::uint64_t bytes,
          std::uint64_t flags) {
  return Add(c, {.kind = TableOperationKind::kMapRegion,
                 .level = 3,
                 .gpa = Gpa{gpa},
                 .hpa = Hpa{hpa},
                 .bytes = bytes,
                 .flags = flags});
}
Case& Protect(Case& c, std::uint64_t gpa, std::uint64_t bytes,
              std::uint64_t flags) {
  return Add(c, {.kind = TableOperationKind::kProtectRegion,
                 .gpa = Gpa{gpa},
                 .bytes = bytes,
                 .flags = flags});
}
Case& Unmap(Case& c, std::uint64_t gpa, std::uint64_t bytes) {
  return Add(c, {.kind = TableOperationKind::kUnmapRegion,
                 .gpa = Gpa{gpa},
                 .bytes = bytes});
}
Case& Remap(Case& c, std::uint64_t gpa, std::uint64_t hpa,
            std::uint64_t flags) {
  return Add(c, {.kind = TableOperationKind::kRemap,
                 .gpa = Gpa{gpa},
                 .hpa = Hpa{hpa},
                 .flags = flags});
}
Case& Use(Case& c, std::uint64_t gpa, AccessKind kind = AccessKind::kRead) {
  Step& step = c.steps.emplace_back();
  step.access.kind = kind;
  step.gpa = Gpa{gpa};
  return c;
}

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

TEST(BuilderTrialTest, AMissingInveptIsSeenByAnAccess) {
  Case c = TableCase();
  Map(c, 0, k2M, 0x1000, kAll);
  Use(c, 0, AccessKind::kWrite);
  Protect(c, 0, 0x1000, kNoWrite);
  Use(c, 0, AccessKind::kWrite);
  EXPECT_EQ(Found(c), "");
  EXPECT_EQ(Found(c, "builder-invept-missing-for-write"),
            "eptdiff-builder-stale-right-CACHE-9-PTE at step 4");
}

TEST(BuilderTrialTest, AMissingInveptThatNobodySeesIsFoundAtTheEnd) {
  Case c = TableCase();
  Map(c, 0, k2M, 0x1000, kAll);
  Protect(c, 0, 0x1000, kNoWrite);
  EXPECT_EQ(Found(c, "builder-invept-missing-for-write"),
            "eptdiff-builder-invept-missing-CACHE-9-PTE at step 2");
}

TEST(BuilderTrialTest, WhatIsStaleIsTold) {
  constexpr std::string_view kFault = "builder-invept-never";
  Case moved = TableCase();
  Use(Remap(Use(Map(moved, 0, k2M, 0x1000, kAll), 0), 0, 0x5000, kAll), 0);
  EXPECT_EQ(Found(moved, kFault),
            "eptdiff-builder-stale-translation-CACHE-9-PTE at step 4");
  Case gone = TableCase();
  Use(Unmap(Use(Map(gone, 0, k2M, 2 * k2M, kAll), 0), 0, k2M), 0);
  EXPECT_EQ(Found(gone, kFault),
            "eptdiff-builder-stale-translation-CACHE-9-PDE at step 4");
  Case typed = TableCase();
  Use(Protect(Use(Map(typed, 0, k2M, 0x1000, kAll), 0), 0, 0x1000, 7), 0);
  EXPECT_EQ(Found(typed, kFault),
            "eptdiff-builder-stale-type-CACHE-9-PTE at step 4");
  EXPECT_EQ(Found(moved), "");
  EXPECT_EQ(Found(gone), "");
  EXPECT_EQ(Found(typed), "");
}

TEST(BuilderTrialTest, AWalkThroughATableThatWasFreedAndUsedAgainIsSeen) {
  Case c = TableCase();
  Map(c, 0, k2M, 0x1000, kAll);  // through three tables
  Use(c, 0);
  Unmap(c, 0, 0x1000);
  // The same frames, for another address: the first is on the same path again.
  Map(c, 0x40000000, k2M, 0x3000, kAll);
  Map(c, 0x5000, k2M, 0x1000, kAll);
  Use(c, 0x5000);
  EXPECT_EQ(Found(c), "");
  const std::string found = Found(c, "builder-invept-never");
  EXPECT_NE(found.find("-stale-"), std::string::npos) << found;
}

TEST(BuilderTrialTest, AnAddedRightMayCostAViolation) {
  Case c = TableCase();
  Map(c, 0, k2M, 0x1000, kNoWrite);
  Use(c, 0);
  Protect(c, 0, 0x1000, kAll);
  Use(c, 0, AccessKind::kWrite);
  EXPECT_EQ(Found(c), "");
}

TEST(BuilderTrialTest, AViolationForgetsWhatWasCached) {
  Case c = TableCase();
  Map(c, 0, k2M, 0x1000, kNoWrite);
  Use(c, 0);
  Use(c, 0, AccessKind::kWrite);  // refused
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  std::vector<AccessEnd> ends;
  trial.set_observer([&](const BuilderStepReport& report) {
    if (report.verdict != nullptr) ends.push_back(report.end);
  });
  EXPECT_EQ(trial.Run(c).compared, 5u);
  EXPECT_EQ(ends,
            (std::vector<AccessEnd>{AccessEnd::kDone, AccessEnd::kRefused}));
}

TEST(BuilderTrialTest, FlagsThatProcessorsSetMeanwhileAreKept) {
  Case c = TableCase(kFlags);
  Map(c, 0, k2M, k2M, kAll);
  Use(c, 0, AccessKind::kWrite);
  Add(c, {.kind = TableOperationKind::kClearFlags,
          .gpa = Gpa{0},
          .bytes = k2M,
          .flags = 0x300});
  // While the page is split, the processor that holds it writes again.
  Protect(c, 0x1000, 0x1000, kNoWrite);
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  bool meanwhile = false;
  trial.set_observer([&](const BuilderStepReport& report) {
    meanwhile |= (report.happenings & SetOf(Happening::kFlagsMeanwhile)) != 0;
  });
  const BuilderStandings& standings = trial.Run(c);
  EXPECT_FALSE(standings.finding.has_value()) << standings.finding->sentence;
  EXPECT_TRUE(meanwhile);
}

TEST(BuilderTrialTest, WhatEntryRefusesTheBuilderRefuses) {
  Case c = TableCase();
  c.controls.eptp |= 0x100;  // reserved
  Map(c, 0, k2M, 0x1000, kAll);
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  const BuilderStandings& standings = trial.Run(c);
  EXPECT_FALSE(standings.finding.has_value());
  EXPECT_EQ(standings.compared, 1u);
}

TEST(BuilderTrialTest, WhatIsNotModelledIsSkippedByName) {
  Case c = TableCase();
  Map(c, 0, k2M, 0x1000, kAll);
  c.steps.push_back({.kind = StepKind::kLinearAccess});
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  EXPECT_EQ(trial.Run(c).skip, Skip::kBesideTableOperations);
  c.controls.secondary = 0;
  EXPECT_EQ(trial.Run(c).skip, Skip::kEptOff);
}

TEST(BuilderTrialTest, ACaseLeavesNothingToTheNext) {
  BuilderTrial trial(PlantInBuilder("builder-split-drops-permission"));
  Case bad = TableCase();
  Protect(Map(bad, 0, k2M, k2M, kAll), 0, 0x1000, kNoWrite);
  Case good = TableCase();
  Use(Map(good, 0, k2M, k2M, kAll), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(trial.Run(bad).finding.has_value());
    EXPECT_FALSE(trial.Run(good).finding.has_value());
  }
}

// A page at 5000H, read by the reference in tables that say otherwise.
TEST(ReferenceWalkerTest, EachDifferenceFromTheModelIsSeen) {
  const Case c = TableCase();
  const TableFacts facts = FactsOf(c.processor, c.controls, 0);
  FrameMemory frames;
  for (const std::uint64_t frame : {0x100000, 0x101000, 0x102000, 0x103000}) {
    frames.Fill(Hpa{frame}, 0);
  }
  *frames.At(Hpa{0x100000}) = 0x101007;
  *frames.At(Hpa{0x101000}) = 0x102007;
  *frames.At(Hpa{0x102000}) = 0x103007;
  std::uint64_t& leaf = *frames.At(Hpa{0x103000 + 5 * 8});
  leaf = 0x9035;
  MappingModel model;
  model.Map({0x5000, 0x9000, 0x1000, 0x35});
  ReferenceWalker walker(frames);
  walker.Reset(c);
  walker.Enter(facts, c.controls.eptp);
  EXPECT_TRUE(walker.AgreesWith(model, Gpa{0x5000}));
  EXPECT_TRUE(walker.AgreesWith(model, Gpa{0x6000}));
  for (const std::uint64_t other :
       {std::uint64_t{0}, std::uint64_t{0xa035}, std::uint64_t{0x9037},
        std::uint64_t{0x9031}, std::uint64_t{0x9005}, std::uint64_t{0x9036}}) {
    leaf = other;
    EXPECT_FALSE(walker.AgreesWith(model, Gpa{0x5000})) << std::hex << other;
  }
  leaf = 0x9035;
  *frames.At(Hpa{0x103000 + 6 * 8}) = 0x9035;
  EXPECT_FALSE(walker.AgreesWith(model, Gpa{0x6000}));
}

}  // namespace
}  // namespace eptdiff
