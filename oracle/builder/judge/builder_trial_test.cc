#include "oracle/builder/judge/builder_trial.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/judge/table_witnesses.h"
#include "oracle/builder/judge/trial_testing.h"
#include "oracle/builder/planted/planted_builder.h"
#include "oracle/builder/table_case.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kLarge = 0x200000;

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

// Sets `bits` in all that it maps, and says that `own` are its own.
class Decorator : public EngineBuilder {
 public:
  Decorator(std::uint64_t bits, std::uint64_t own) : bits_(bits), own_(own) {}
  std::uint64_t own_bits() const override { return own_; }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    TableOperation decorated = operation;
    decorated.flags |= bits_;
    return EngineBuilder::Perform(decorated, taken);
  }

 private:
  const std::uint64_t bits_, own_;
};

TEST(BuilderTrialTest, IgnoredBitsThatAreTheBuildersOwnAreItsAffair) {
  constexpr std::uint64_t kBit11 = 1 << 11;
  constexpr std::uint64_t kUserExecute = 1 << 10;
  constexpr std::uint64_t kWrite = 1 << 1;
  const Case plain = TableCase().Map(0, kLarge, kNoWrite).Unmap(0).Build();
  Case mbec = plain;
  mbec.controls.secondary |= 1 << 22;
  const struct {
    const Case& c;
    std::uint64_t bits, own;
    bool found;
  } kCases[] = {
      {plain, kBit11, 0, true},
      {plain, kBit11, kBit11, false},
      {plain, kBit11, kUserExecute, true},
      {mbec, kUserExecute, kUserExecute, true},  // not ignored
      {plain, kWrite, kWrite, true},
  };
  for (const auto& [c, bits, own, found] : kCases) {
    BuilderTrial trial(std::make_unique<Decorator>(bits, own));
    EXPECT_EQ(trial.Run(c).finding.has_value(), found) << bits << " " << own;
  }
}

// Stores to this address with each operation.
class Wild : public EngineBuilder {
 public:
  explicit Wild(std::uint64_t address) : address_(address) {}
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    const TableResult result = EngineBuilder::Perform(operation, taken);
    hal().pool->Store(Hpa{address_}, 0);
    return result;
  }

 private:
  const std::uint64_t address_;
};

TEST(BuilderTrialTest, AStoreIntoALargePageIsCalledThat) {
  const Case c = TableCase().Map(0, 2 * kLarge, kAll, 2).Build();
  BuilderTrial into(std::make_unique<Wild>(2 * kLarge + 0x1008));
  EXPECT_EQ(into.Run(c).finding->rule, BuilderRule::kLargePageData);
  BuilderTrial beside(std::make_unique<Wild>(3 * kLarge));
  EXPECT_EQ(beside.Run(c).finding->rule, BuilderRule::kOwnFrames);
}

TEST(BuilderTrialTest, BothWordsGoWithAPageThatIsWrong) {
  const Case c = TableCase().Map(0, kLarge, kNoWrite).Build();
  BuilderTrial trial(std::make_unique<Decorator>(2, 0));
  const BuilderFinding finding = *trial.Run(c).finding;
  EXPECT_EQ(SdmRuleOf(finding), Rule::kVio3);
  const PageWords& page = finding.facts.page;
  ASSERT_TRUE(page.known);
  EXPECT_EQ(page.asked_level, 1);
  EXPECT_EQ(page.asked, kLarge | kNoWrite);
  EXPECT_EQ(page.found.word, kLarge | kAll);
  EXPECT_EQ(page.above.level, 0);
}

// Has an EPTP of its own: other than asked for in these bits.
class Stubborn : public EngineBuilder {
 public:
  explicit Stubborn(std::uint64_t bits) : bits_(bits) {}
  std::uint64_t eptp() const override { return EngineBuilder::eptp() ^ bits_; }

 private:
  const std::uint64_t bits_;
};

TEST(BuilderTrialTest, TheEptpIsTheOneAskedForButForItsAddress) {
  const Case c = TableCase(kFlags).Map(0, kLarge, kAll).Unmap(0).Build();
  for (const std::uint64_t bits : {0x7, 0x6, 0x8, 0x40, 0x80}) {
    BuilderTrial trial(std::make_unique<Stubborn>(bits));
    const BuilderStandings& standings = trial.Run(c);
    ASSERT_TRUE(standings.finding.has_value()) << bits;
    EXPECT_EQ(standings.finding->rule, BuilderRule::kEptp) << bits;
    EXPECT_EQ(standings.step, 0u);
  }
  BuilderTrial right(std::make_unique<Stubborn>(0));
  EXPECT_FALSE(right.Run(c).finding.has_value());
}

TEST(BuilderTrialTest, AMissingInveptIsSeenByAnAccess) {
  const Case c = TableCase()
                     .Map(0, kLarge, kAll)
                     .Write(0)
                     .Protect(0, kNoWrite)
                     .Write(0)
                     .Build();
  EXPECT_EQ(Found(c), "");
  EXPECT_EQ(Found(c, "builder-invept-missing-for-write"),
            "eptdiff-builder-stale-right-CACHE-9-PTE at step 4");
}

TEST(BuilderTrialTest, AMissingInveptThatNobodySeesIsFoundAtTheEnd) {
  const Case c =
      TableCase().Map(0, kLarge, kAll).Protect(0, kNoWrite).Read(0).Build();
  EXPECT_EQ(Found(c, "builder-invept-missing-for-write"),
            "eptdiff-builder-invept-missing-CACHE-9-PTE at step 2");
}

TEST(BuilderTrialTest, WhatIsStaleIsTold) {
  struct {
    Case c;
    const char* found;
  } const kCases[] = {
      {TableCase()
           .Map(0, kLarge, kAll)
           .Read(0)
           .Remap(0, 0x5000, kAll)
           .Read(0)
           .Build(),
       "eptdiff-builder-stale-translation-CACHE-9-PTE at step 4"},
      {TableCase()
           .MapRegion(0, kLarge, 2 * kLarge, kAll)
           .Read(0)
           .UnmapRegion(0, kLarge)
           .Read(0)
           .Build(),
       "eptdiff-builder-stale-translation-CACHE-9-PDE at step 4"},
      {TableCase().Map(0, kLarge, kAll).Read(0).Protect(0, 7).Read(0).Build(),
       "eptdiff-builder-stale-type-CACHE-9-PTE at step 4"},
      // The PDPT's frame is another table of the same address later.
      {TableCase()
           .Map(0, kLarge, kAll)
           .Read(0)
           .Unmap(0)
           .Map(0x40000000, kLarge, kAll)
           .Map(0, kLarge, kAll)
           .Read(0)
           .Build(),
       "eptdiff-builder-stale-translation-CACHE-9-PDE at step 6"},
  };
  for (const auto& [c, found] : kCases) {
    EXPECT_EQ(Found(c), "");
    EXPECT_EQ(Found(c, "builder-invept-never"), found);
  }
}

TEST(BuilderTrialTest, AnAddedRightMayCostAViolation) {
  EXPECT_EQ(Found(TableCase()
                      .Map(0, kLarge, kNoWrite)
                      .Read(0)
                      .Protect(0, kAll)
                      .Write(0)
                      .Build()),
            "");
}

// Once it has met the violation, the processor goes by memory (CACHE-5): the
// right that was cached with it is gone.
TEST(BuilderTrialTest, AViolationForgetsWhatWasCached) {
  const auto found = [](bool violates) {
    TableCase c;
    c.Map(0, kLarge, kNoWrite).Read(0);
    if (violates) c.Write(0);
    c.Protect(0, 0x31).Fetch(0);
    return Found(c.Build(), "builder-invept-never");
  };
  EXPECT_EQ(found(false), "eptdiff-builder-stale-right-CACHE-9-PTE at step 4");
  // It holds what memory says after the violation.
  EXPECT_EQ(found(true), "eptdiff-builder-stale-right-CACHE-9-PTE at step 5");
}

TEST(BuilderTrialTest, FlagsThatProcessorsSetMeanwhileAreKept) {
  // While the page is split, the processor that holds it writes again.
  const Case c = TableCase(kFlags)
                     .Map(0, kLarge, kAll, 2)
                     .Write(0)
                     .Clear(0, kLarge, 0x300)
                     .ProtectRegion(0x1000, 0x1000, kNoWrite)
                     .Build();
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  bool meanwhile = false;
  trial.set_observer([&](const BuilderStepReport& report) {
    meanwhile |= (report.happenings & SetOf(Happening::kFlagsMeanwhile)) != 0;
  });
  EXPECT_FALSE(trial.Run(c).finding.has_value());
  EXPECT_TRUE(meanwhile);
}

// Who walks is not who looks at the entries: where the two differ, it is seen
// after the operation, before any access.
TEST(BuilderTrialTest, TheReferenceWalksWhatEachOperationLeaves) {
  const Case c = TableCase().Map(0, kLarge, kAll).Protect(0, kNoWrite).Build();
  EXPECT_EQ(Found(c), "");
  BuilderTrial trial(std::make_unique<EngineBuilder>(),
                     *FindDialect("VIO-3/off"));
  const BuilderStandings& standings = trial.Run(c);
  ASSERT_TRUE(standings.finding.has_value());
  EXPECT_EQ(standings.finding->rule, BuilderRule::kWalk);
  EXPECT_EQ(standings.step, 2u);
}

// What it changes in a linked page is absent for a while, and flushed.
struct BreakingHal : PoolHal {
  std::uint64_t eptp = 0x10001e;

  void OnStore(Hpa address, std::uint64_t before, std::uint64_t after) {
    const bool is_page = pool->Pointer(Hpa{after & 0xffffffffff000}) == nullptr;
    const bool changes = (before & 7) != 0 && before != FramePool::kPoison &&
                         (after & 7) != 0 && is_page;
    if (!changes) return PoolHal::OnStore(address, before, after);
    PoolHal::OnStore(address, before, 0);
    PoolHal::Invept(eptp);
    PoolHal::OnStore(address, 0, after);
  }
};

TEST(BuilderTrialTest, WhatIsAllowedIsNoFinding) {
  const WaiverSet breaks = SetOf(Waiver::kBreakBeforeMake);
  const WaiverSet repeats = SetOf(Waiver::kRepeatedInvept);
  const Case c = TableCase()
                     .Map(0, kLarge, kAll)
                     .Map(0x1000, kLarge, kAll)
                     .Write(0)
                     .Protect(0, kNoWrite)
                     .Write(0)
                     .Build();
  struct {
    WaiverSet allowed;
    std::optional<BuilderRule> found;
    WaiverSet waived;
  } const kAllowed[] = {
      {0, BuilderRule::kOldOrNew, 0},
      {repeats, BuilderRule::kOldOrNew, repeats},
      {breaks, BuilderRule::kInveptOnce, breaks},
      {breaks | repeats, {}, breaks | repeats},
  };
  for (const auto& [allowed, found, waived] : kAllowed) {
    BuilderTrial trial(std::make_unique<BuilderOver<BreakingHal>>());
    trial.Allow(allowed);
    const BuilderStandings& standings = trial.Run(c);
    EXPECT_EQ(standings.finding.has_value(), found.has_value()) << allowed;
    if (standings.finding.has_value() && found.has_value()) {
      EXPECT_EQ(standings.finding->rule, *found) << allowed;
    }
    EXPECT_EQ(standings.waived, waived) << allowed;
  }
}

// All of a large page goes where a part of it was to. What is wrong beside
// that, a frame that is forgotten, is found still.
TEST(BuilderTrialTest, PagesMayGoWhereThatIsAllowed) {
  const Case c = TableCase()
                     .Map(0, kLarge, kAll, 2)
                     .UnmapRegion(0, 0x1000)
                     .Read(0x1000)
                     .Build();
  const WaiverSet lossy = SetOf(Waiver::kLossyTables);
  for (const WaiverSet allowed : {kAllWaivers & ~lossy, kAllWaivers}) {
    BuilderTrial trial(PlantInBuilder("builder-unmap-clears-large-page"));
    trial.Allow(allowed);
    const BuilderStandings& standings = trial.Run(c);
    ASSERT_TRUE(standings.finding.has_value());
    EXPECT_EQ(standings.finding->rule, (allowed & lossy) != 0
                                           ? BuilderRule::kLeak
                                           : BuilderRule::kMapsAsAsked);
    EXPECT_EQ(standings.waived & lossy, allowed & lossy);
  }
}

// Executes INVEPT as soon as it has a table, which nobody can have used.
class Cautious : public EngineBuilder {
 public:
  explicit Cautious(bool stopped) : stopped_(stopped) {}
  bool guest_stopped() const override { return stopped_; }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    const TableResult result =
        EngineBuilder::Create(pool, processor, controls, unused);
    if (result.ok()) pool.Invept(eptp());
    return result;
  }

 private:
  const bool stopped_;
};

TEST(BuilderTrialTest, WhatIsAllowedIsAllowedFromTheBeginning) {
  const Case c = TableCase().Map(0, kLarge, kAll).Unmap(0).Build();
  for (const bool stopped : {false, true}) {
    BuilderTrial trial(std::make_unique<Cautious>(stopped));
    const BuilderStandings& standings = trial.Run(c);
    ASSERT_TRUE(standings.finding.has_value());
    EXPECT_EQ(standings.finding->rule, BuilderRule::kInveptNeeded);
    EXPECT_EQ(standings.step, 0u);
    trial.Allow(SetOf(Waiver::kNeedlessInvept));
    EXPECT_FALSE(trial.Run(c).finding.has_value());
    EXPECT_EQ(standings.waived, SetOf(Waiver::kNeedlessInvept));
  }
}

// Links a table before it knows that it has no frame for the next one, and
// leaves it there.
class Hasty : public EngineBuilder {
 public:
  explicit Hasty(bool stopped) : stopped_(stopped) {}
  bool guest_stopped() const override { return stopped_; }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    pool_ = &pool;
    return EngineBuilder::Create(pool, processor, controls, unused);
  }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    if (operation.failing_allocation == 0) {
      return EngineBuilder::Perform(operation, taken);
    }
    const std::uint64_t table = pool_->AllocateFrame()->value;
    for (std::uint64_t i = 0; i < 512; ++i) pool_->Store(Hpa{table + 8 * i}, 0);
    const std::uint64_t entry = operation.gpa.value >> 39;
    pool_->Store(Hpa{AddressIn(eptp()) + 8 * entry}, table | 7);
    EXPECT_FALSE(pool_->AllocateFrame().has_value());
    return {TableError::kNoFrames, operation.gpa};
  }

 private:
  const bool stopped_;
  FramePool* pool_ = nullptr;
};

TEST(BuilderTrialTest, AnEmptyTableThatIsAllowedMayStayAfterARefusal) {
  const Case c =
      TableCase().Map(0, kLarge, kAll).Failing(2).Map(0, kLarge, kAll).Build();
  for (const bool stopped : {false, true}) {
    BuilderTrial trial(std::make_unique<Hasty>(stopped));
    const BuilderStandings& standings = trial.Run(c);
    ASSERT_TRUE(standings.finding.has_value());
    EXPECT_EQ(standings.finding->rule, BuilderRule::kUntouched);
    trial.Allow(SetOf(Waiver::kEmptyTables));
    EXPECT_FALSE(trial.Run(c).finding.has_value())
        << standings.finding->sentence;
    EXPECT_EQ(standings.waived, SetOf(Waiver::kEmptyTables));
  }
}

// INVEPT comes with the operation, before the store that needs it; and what is
// stored is the flags that were asked for, none of the page's own.
class Early : public EngineBuilder {
 public:
  explicit Early(std::uint64_t own = 0) : own_(own) {}
  std::uint64_t own_bits() const override { return own_; }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    pool_ = &pool;
    return EngineBuilder::Create(pool, processor, controls, unused);
  }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>&) override {
    if (operation.kind != TableOperationKind::kProtect) {
      std::vector<Interval> taken;
      return EngineBuilder::Perform(operation, taken);
    }
    pool_->Invept(eptp());
    std::uint64_t leaf = AddressIn(eptp());
    for (int level = 4; level > 1; --level) {
      leaf = AddressIn(*pool_->memory().At(Hpa{leaf}));
    }
    const std::uint64_t page = AddressIn(*pool_->memory().At(Hpa{leaf}));
    pool_->Store(Hpa{leaf}, page | operation.flags);
    return {};
  }

 private:
  const std::uint64_t own_;
  FramePool* pool_ = nullptr;
};

TEST(BuilderTrialTest, InveptBeforeTheStoreIsAMissingOneNotANeedlessOne) {
  const Case c = TableCase().Map(0, kLarge, kAll).Protect(0, kNoWrite).Build();
  for (const WaiverSet allowed : {0u, SetOf(Waiver::kNeedlessInvept)}) {
    BuilderTrial trial(std::make_unique<Early>());
    trial.Allow(allowed);
    const BuilderStandings& standings = trial.Run(c);
    ASSERT_TRUE(standings.finding.has_value());
    EXPECT_EQ(standings.finding->rule, BuilderRule::kInvept);
    EXPECT_EQ(standings.step, 2u);
    EXPECT_EQ(standings.waived, 0u);
  }
  // Where no change needs it, it is needless.
  BuilderTrial trial(std::make_unique<Early>());
  const BuilderStandings& standings =
      trial.Run(TableCase().Map(0, kLarge, kNoWrite).Protect(0, kAll).Build());
  ASSERT_TRUE(standings.finding.has_value());
  EXPECT_EQ(standings.finding->rule, BuilderRule::kInveptNeeded);
}

TEST(BuilderTrialTest, IgnoredBitsOfAPageStayUnlessTheyAreTheBuildersAffair) {
  constexpr std::uint64_t kIgnored = 0x49f0000000000800;
  const Case c =
      TableCase().Map(0, kLarge, kNoWrite | kIgnored).Protect(0, kAll).Build();
  EXPECT_EQ(Found(c), "");
  for (const std::uint64_t own : {std::uint64_t{0}, kIgnored}) {
    BuilderTrial trial(std::make_unique<Early>(own));
    trial.Allow(SetOf(Waiver::kNeedlessInvept));
    EXPECT_EQ(trial.Run(c).finding.has_value(), own == 0);
  }
}

// ... and hides nothing else: what stays absent is found.
TEST(BuilderTrialTest, WhatIsAllowedHidesNothingElse) {
  const Case c = TableCase()
                     .Map(0, kLarge, kAll, 2)
                     .UnmapRegion(0, 0x1000)
                     .Read(0x1000)
                     .Build();
  BuilderTrial trial(PlantInBuilder("builder-unmap-clears-large-page"));
  trial.Allow(kAllWaivers & ~SetOf(Waiver::kLossyTables));
  const BuilderStandings& standings = trial.Run(c);
  ASSERT_TRUE(standings.finding.has_value());
  EXPECT_EQ(standings.finding->rule, BuilderRule::kMapsAsAsked);
  BuilderTrial empty(PlantInBuilder("builder-empty-table-stays"));
  empty.Allow(SetOf(Waiver::kEmptyTables));
  EXPECT_FALSE(empty.Run(TableCase().Map(0, kLarge, kAll).Unmap(0).Build())
                   .finding.has_value());
  EXPECT_EQ(empty.Run(c).waived, 0u);
}

// Walks after an operation look at the ends of its region: what is wrong
// between them an access meets.
TEST(BuilderTrialTest, AnAccessHasToGoWhereTheModelHasIt) {
  constexpr std::uint64_t kFirst = kLarge - 0x1000;
  const auto found = [](const Case& c) {
    BuilderTrial trial(std::make_unique<EngineBuilder>(),
                       *FindDialect("WALK-6/offset-truncated"));
    return trial.Run(c).finding;
  };
  TableCase c;
  c.MapRegion(kFirst, kLarge + kFirst, kLarge + 0x2000, kAll);
  EXPECT_FALSE(found(c.Build()).has_value());
  EXPECT_FALSE(found(c.Read(kFirst).Build()).has_value());
  const auto met = found(c.Read(kLarge + 0x3000).Build());
  ASSERT_TRUE(met.has_value());
  EXPECT_EQ(met->rule, BuilderRule::kWalk);
  EXPECT_EQ(met->where, kLarge + 0x3000);
}

// Makes 4-KByte pages of all regions.
class SmallPages : public EngineBuilder {
 public:
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    ++asked;
    TableOperation done = operation;
    if (done.kind == TableOperationKind::kMapRegion) done.level = 1;
    return EngineBuilder::Perform(done, taken);
  }
  int asked = 0;
};

// Not by those that another builder would have: there the page is a large one.
TEST(BuilderTrialTest, WhatHasToBeRefusedIsKnownByTheBuildersOwnTables) {
  const Case c =
      TableCase().MapRegion(0, kLarge, kLarge, kAll).Split(0).Read(0).Build();
  auto small = std::make_unique<SmallPages>();
  const int& asked = small->asked;
  BuilderTrial trial(std::move(small));
  const BuilderStandings& standings = trial.Run(c);
  EXPECT_FALSE(standings.finding.has_value());
  EXPECT_EQ(standings.compared, 5u);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(standings.not_asked, 0u);
  trial.set_refusals(~Only(TableError::kUnsupported));
  std::vector<bool> reported;
  trial.set_observer([&](const BuilderStepReport& report) {
    reported.push_back(report.asked);
  });
  EXPECT_FALSE(trial.Run(c).finding.has_value());
  EXPECT_EQ(standings.compared, 4u);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(standings.not_asked, Only(TableError::kUnsupported));
  EXPECT_EQ(reported, std::vector<bool>({true, true, false, true, true}));
}

TEST(BuilderTrialTest, FramesRunOutOnlyWhereThatIsLookedAt) {
  const Case c = TableCase()
                     .MapRegion(0, kLarge, 100 * kLarge, kAll)
                     .Map(kLarge * 512, kLarge, kAll)
                     .Failing(1)
                     .Build();
  BuilderTrial trial(std::make_unique<SmallPages>());
  std::vector<TableError> errors;
  trial.set_observer([&](const BuilderStepReport& report) {
    errors.push_back(report.result.error);
  });
  EXPECT_FALSE(trial.Run(c).finding.has_value());
  using enum TableError;
  EXPECT_EQ(errors,
            std::vector<TableError>({kNone, kNoFrames, kNoFrames, kNone}));
  errors.clear();
  trial.set_refusals(~Only(kNoFrames));
  EXPECT_FALSE(trial.Run(c).finding.has_value());
  EXPECT_EQ(errors, std::vector<TableError>({kNone, kNone, kNone, kNone}));
}

TEST(BuilderTrialTest, ControlsThatEntryRefusesAreAskedOfThoseWhoLook) {
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  trial.set_refusals(~Only(TableError::kBadControls));
  const Case c =
      TableCase(0x10011e).Map(0, kLarge, kAll).Build();  // reserved bit
  EXPECT_EQ(trial.Run(c).compared, 0u);
  EXPECT_EQ(trial.Run(c).not_asked, Only(TableError::kBadControls));
}

// Code masks a pointer into a table to find where it begins.
TEST(FramePoolTest, FramesLieWherePagesWould) {
  FramePool pool;
  for (int i = 0; i < 96; ++i) {
    const std::optional<Hpa> frame = pool.AllocateFrame();
    ASSERT_TRUE(frame.has_value());
    const auto at = reinterpret_cast<std::uintptr_t>(pool.Pointer(*frame));
    EXPECT_EQ(at % 4096, 0u);
  }
}

TEST(BuilderTrialTest, WhatEntryRefusesTheBuilderRefuses) {
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  const Case c =
      TableCase(0x10011e).Map(0, kLarge, kAll).Build();  // reserved bit
  const BuilderStandings& standings = trial.Run(c);
  EXPECT_FALSE(standings.finding.has_value());
  EXPECT_EQ(standings.compared, 1u);
}

TEST(BuilderTrialTest, WhatIsNotModelledIsSkippedByName) {
  Case c = TableCase().Map(0, kLarge, kAll).Build();
  c.steps.push_back({.kind = StepKind::kLinearAccess});
  BuilderTrial trial(std::make_unique<EngineBuilder>());
  EXPECT_EQ(trial.Run(c).skip, Skip::kBesideTableOperations);
  c.controls.secondary = 0;
  EXPECT_EQ(trial.Run(c).skip, Skip::kEptOff);
}

TEST(BuilderTrialTest, ACaseLeavesNothingToTheNext) {
  BuilderTrial trial(PlantInBuilder("builder-split-drops-permission"));
  const Case bad = TableCase()
                       .Map(0, kLarge, kAll, 2)
                       .ProtectRegion(0, 0x1000, kNoWrite)
                       .Build();
  const Case good = TableCase().Map(0, kLarge, kAll, 2).Read(0).Build();
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(trial.Run(bad).finding.has_value());
    EXPECT_FALSE(trial.Run(good).finding.has_value());
  }
}

TEST(TableWitnessTest, EachTellsItsFaultFromTheEngine) {
  std::set<std::string_view> faults, names;
  for (const TableWitness& witness : TableWitnesses()) {
    EXPECT_TRUE(names.insert(witness.name).second) << witness.name;
    faults.insert(witness.fault);
    EXPECT_EQ(Found(witness.c), "") << witness.name;
    BuilderTrial trial(PlantInBuilder(witness.fault));
    const BuilderStandings& standings = trial.Run(witness.c);
    ASSERT_TRUE(standings.finding.has_value()) << witness.name;
    EXPECT_EQ(standings.finding->rule, witness.rule)
        << witness.name << ": " << standings.finding->sentence;
  }
  for (const BuilderFault& fault : AllBuilderFaults()) {
    EXPECT_TRUE(faults.contains(fault.name)) << fault.name;
  }
}

// A page at 5000H, read by the reference in tables that say otherwise.
TEST(ReferenceWalkerTest, EachDifferenceFromTheModelIsSeen) {
  const Case c = TableCase().Build();
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
