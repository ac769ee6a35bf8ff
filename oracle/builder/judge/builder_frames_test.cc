// How a builder deals with frames: how many it has, keeps and needs, and what
// processors log to.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/judge/trial_testing.h"
#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

using Kind = TableOperationKind;

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;

struct BoundedHal : PoolHal {
  std::size_t left = 0, keeps = 0;
  std::vector<Hpa> spare;

  std::optional<Hpa> AllocateFrame() {
    if (left == 0) return std::nullopt;
    --left;
    if (spare.empty()) return PoolHal::AllocateFrame();
    const Hpa frame = spare.back();
    spare.pop_back();
    return frame;
  }
  void FreeFrame(Hpa frame) {
    ++left;
    if (pool != nullptr && spare.size() < keeps) return spare.push_back(frame);
    PoolHal::FreeFrame(frame);
  }
};

// The engine's builder with so many frames, of which it keeps some.
class Bounded : public BuilderOver<BoundedHal> {
 public:
  struct Numbers {
    std::size_t frames, keeps = 0;
  };
  Bounded(Numbers has, Numbers declared) : has_(has), declared_(declared) {}

  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    hal().left = has_.frames;
    hal().keeps = has_.keeps;
    hal().spare.clear();
    return BuilderOver::Create(pool, processor, controls, unused);
  }
  void AddFacts(TableFacts& facts) const override {
    BuilderOver::AddFacts(facts);
    facts.frames = declared_.frames;
    facts.spare_frames = declared_.keeps;
  }
  void Destroy() override {
    BuilderOver::Destroy();
    for (const Hpa frame : hal().spare) hal().pool->FreeFrame(frame);
  }

 private:
  const Numbers has_, declared_;
};

TEST(BuilderFramesTest, WhoRunsOutOfWhatItDeclaresIsNotBlamed) {
  // A root and three tables; and three for a page 512 GBytes higher up.
  const Case maps =
      TableCase().Map(0, k4K, kAll).Map(512 * k1G, k4K, kAll).Build();
  const struct {
    Bounded::Numbers has, declared;
    const char* found;
  } kTests[] = {
      {{7}, {0}, ""},  // that is enough
      {{7}, {7}, ""},
      {{6}, {6}, ""},
      {{4}, {4}, ""},
      {{6}, {0}, "refused at step 2"},  // and nobody knows of any bound
      {{6}, {7}, "refused at step 2"},
      {{7}, {6}, "frames-beyond-limit at step 2"},
      {{7}, {3}, "frames-beyond-limit at step 1"},
  };
  for (const auto& [has, declared, found] : kTests) {
    BuilderStandings all;
    EXPECT_EQ(Found(maps, std::make_unique<Bounded>(has, declared), 0, &all),
              found)
        << has.frames << " of " << declared.frames;
    EXPECT_EQ(all.lacked_frames, *found == 0 && has.frames < 7);
  }
}

// Two frames for each table, of which one is in none.
TEST(BuilderFramesTest, CompanionsComeAndGoWithTheirTables) {
  struct PairedHal : PoolHal {
    bool keeps = false;
    std::map<std::uint64_t, Hpa> companions;

    std::optional<Hpa> AllocateFrame() {
      const auto frame = PoolHal::AllocateFrame();
      if (frame.has_value()) {
        companions[frame->value] = *PoolHal::AllocateFrame();
      }
      return frame;
    }
    void FreeFrame(Hpa frame) {
      if (pool == nullptr) return;
      if (!keeps) PoolHal::FreeFrame(companions.at(frame.value));
      PoolHal::FreeFrame(frame);
    }
  };
  class Paired final : public BuilderOver<PairedHal> {
   public:
    Paired(std::size_t declared, bool keeps) : declared_(declared) {
      hal().keeps = keeps;
    }
    void AddFacts(TableFacts& facts) const override {
      BuilderOver::AddFacts(facts);
      facts.companion_frames = declared_;
    }

   private:
    const std::size_t declared_;
  };
  const Case c = TableCase().Map(0, k4K, kAll).Unmap(0).Build();
  EXPECT_EQ(Found(c, std::make_unique<Paired>(1, false)), "");
  EXPECT_EQ(Found(c, std::make_unique<Paired>(0, false)), "leak at step 0");
  EXPECT_EQ(Found(c, std::make_unique<Paired>(1, true)), "leak at step 2");
}

// A builder that is about to be refused has four frames, and declares so many
// that it may just be.
TEST(BuilderFramesTest, WhatAnOperationTakesIsKnown) {
  const Case has_table = TableCase().Map(0, k4K, kAll).Build();
  const Case has_large = TableCase().Map(0, k2M, kAll, 2).Build();
  const Case has_huge = TableCase(0x100026).Map(0, k1G, kAll, 3).Build();
  const auto then = [](Case c, const TableOperation& operation) {
    c.steps.push_back(
        {.kind = StepKind::kTableOperation, .operation = operation});
    return c;
  };
  const auto map = [](std::uint64_t gpa, std::uint64_t hpa, std::uint64_t bytes,
                      std::uint8_t level) {
    return TableOperation{.kind = Kind::kMapRegion,
                          .level = level,
                          .gpa = Gpa{gpa},
                          .hpa = Hpa{hpa},
                          .bytes = bytes,
                          .flags = kAll};
  };
  const auto on = [](Kind kind, std::uint64_t gpa, std::uint64_t bytes) {
    return TableOperation{
        .kind = kind, .gpa = Gpa{gpa}, .bytes = bytes, .flags = 0x35};
  };
  const struct {
    Case c;
    std::size_t has;
    std::size_t takes;
  } kTests[] = {
      // Beside a page, in the next table, and two in two of them.
      {then(has_table, map(k2M, 0, k4K, 1)), 4, 1},
      {then(has_table, map(2 * k2M - k4K, 0, 2 * k4K, 1)), 4, 2},
      {then(has_table, map(k1G, 0, k4K, 1)), 4, 2},
      // In large pages; where addresses or `level` do not allow them.
      {then(has_table, map(k1G, 0, 3 * k2M, 2)), 4, 1},
      {then(has_table, map(k1G, k4K, 3 * k2M, 2)), 4, 4},
      {then(has_table, map(k1G, 0, 3 * k2M, 1)), 4, 4},
      {then(has_table, map(k1G, 0, 3 * k2M + k4K, 3)), 4, 2},
      // A large page is split, by whatever means.
      {then(has_large, on(Kind::kSplit, 0, 0)), 3, 1},
      {then(has_large, on(Kind::kUnmapRegion, k4K, k4K)), 3, 1},
      {then(has_large, on(Kind::kProtectRegion, 0, k4K)), 3, 1},
      {then(has_huge, on(Kind::kUnmapRegion, k4K, k4K)), 3, 2},
      {then(has_huge, on(Kind::kUnmapRegion, k2M - k4K, 2 * k4K)), 3, 3},
  };
  int i = 0;
  for (const auto& [c, has, takes] : kTests) {
    // `has` and what it takes, less one: refused in the last step.
    const std::size_t few = has + takes - 1;
    EXPECT_EQ(Found(c, std::make_unique<Bounded>(Bounded::Numbers{few},
                                                 Bounded::Numbers{few})),
              "")
        << i;
    EXPECT_EQ(Found(c, std::make_unique<Bounded>(Bounded::Numbers{few},
                                                 Bounded::Numbers{few + 1})),
              "refused at step 2")
        << i;
    EXPECT_EQ(Found(c, std::make_unique<Bounded>(Bounded::Numbers{few + 1},
                                                 Bounded::Numbers{few + 1})),
              "")
        << i;
    ++i;
  }
}

// Of operations that take no table there is none that may be refused.
TEST(BuilderFramesTest, WhatIsInPlaceTakesNoFrame) {
  class Refuses : public Bounded {
   public:
    Refuses() : Bounded({4}, {4}) {}
    TableResult Perform(const TableOperation& operation,
                        std::vector<Interval>& taken) override {
      if (operation.kind == Kind::kMap)
        return Bounded::Perform(operation, taken);
      return {TableError::kNoFrames, operation.gpa};
    }
  };
  const Case cases[] = {
      TableCase().Map(0, k4K, kAll).Unmap(0).Build(),
      TableCase().Map(0, k4K, kAll).UnmapRegion(0, k2M).Build(),
      TableCase().Map(0, k4K, kAll).Protect(0, 0x35).Build(),
      TableCase().Map(0, k4K, kAll).Remap(0, 0, kAll).Build(),
      TableCase().Map(0, k4K, kAll).MapRegion(k4K, 0, k4K, kAll).Build(),
  };
  for (const Case& c : cases) {
    EXPECT_EQ(Found(c, std::make_unique<Refuses>()), "refused at step 2");
  }
}

// Maps what an access exits for, as it was asked for before.
class Lazy : public Bounded {
 public:
  using Bounded::Bounded;
  bool handles_exits() const override { return true; }
  void AddFacts(TableFacts& facts) const override {
    Bounded::AddFacts(facts);
    facts.on_demand = true;
  }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>&) override {
    asked_.push_back(operation);
    return {};
  }
  ExitResult HandleExit(std::uint8_t, const Event& event) override {
    std::vector<Interval> taken;
    for (const TableOperation& each : asked_) {
      if (each.gpa.value != event.gpa.value) continue;
      return Bounded::Perform(each, taken).ok() ? ExitResult::kRetry
                                                : ExitResult::kNoFrames;
    }
    return ExitResult::kNotOurs;
  }

 private:
  std::vector<TableOperation> asked_;
};

TEST(BuilderFramesTest, AnExitThatFindsNoFrameIsNotBlamedEither) {
  const Case c = TableCase()
                     .Map(0, k4K, kAll)
                     .Map(512 * k1G, k4K, kAll)
                     .Read(0)
                     .Read(512 * k1G)
                     .Build();
  const auto found = [&](std::size_t has, std::size_t declared) {
    return Found(c, std::make_unique<Lazy>(Bounded::Numbers{has},
                                           Bounded::Numbers{declared}));
  };
  EXPECT_EQ(found(7, 7), "");
  EXPECT_EQ(found(6, 6), "");
  EXPECT_EQ(found(4, 6), "");
  EXPECT_EQ(found(6, 0), "exit-not-handled at step 4");
  EXPECT_EQ(found(6, 7), "exit-not-handled at step 4");
}

// Of two operations at once each takes what it takes.
TEST(BuilderFramesTest, TwoOperationsAtOnceMayBothLackFrames) {
  class Threads : public Bounded {
   public:
    using Bounded::Bounded;
    bool several_threads() const override { return true; }
  };
  Case c = TableCase()
               .Map(0, k4K, kAll)
               .Map(k2M, k4K, kAll)
               .Map(2 * k2M, k4K, kAll)
               .Build();
  c.steps[2].processor = 1;
  const auto found = [&](std::size_t has, std::size_t declared) {
    return Found(c, std::make_unique<Threads>(Bounded::Numbers{has},
                                              Bounded::Numbers{declared}));
  };
  EXPECT_EQ(found(6, 6), "");
  EXPECT_EQ(found(5, 5), "");
  EXPECT_EQ(found(4, 4), "");
  EXPECT_EQ(found(5, 0), "operations-raced at step 3");
  EXPECT_EQ(found(5, 6), "operations-raced at step 3");
}

TEST(BuilderFramesTest, FramesThatAreKeptForLaterAreDeclared) {
  // Three tables go.
  const Case c =
      TableCase().Map(0, k4K, kAll).Unmap(0).Map(k1G, k4K, kAll).Build();
  const auto found = [&](std::size_t keeps, std::size_t declared) {
    return Found(c, std::make_unique<Bounded>(Bounded::Numbers{96, keeps},
                                              Bounded::Numbers{0, declared}));
  };
  EXPECT_EQ(found(0, 0), "");
  EXPECT_EQ(found(2, 2), "");
  EXPECT_EQ(found(9, 3), "");
  EXPECT_EQ(found(1, 0), "leak at step 2");
  EXPECT_EQ(found(3, 2), "leak at step 2");
}

// Unmaps the page at 0, the only one of its table, and a page of the large page
// behind it, whose table that one becomes: before INVEPT, or after it.
class Reuses : public EngineBuilder {
 public:
  explicit Reuses(bool early) : early_(early) {}

  bool shows_taken() const override { return false; }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    pool_ = &pool;
    return EngineBuilder::Create(pool, processor, controls, unused);
  }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    if (operation.kind != Kind::kUnmapRegion) {
      return EngineBuilder::Perform(operation, taken);
    }
    const Hpa directory = TableAt(TableAt(Hpa{AddressIn(eptp())}));
    const Hpa table = TableAt(directory);
    const Hpa place{directory.value + 8};
    const std::uint64_t large = *pool_->memory().At(place);
    pool_->Store(directory, 0);
    if (!early_) pool_->Invept(eptp());
    for (std::uint64_t i = 0; i < 512; ++i) {
      const std::uint64_t page = (large & ~0x80ull) + k4K * i;
      pool_->Store(Hpa{table.value + 8 * i}, i == 0 ? 0 : page);
    }
    pool_->Store(place, table.value | 7);
    pool_->Invept(eptp());
    return {};
  }

 private:
  Hpa TableAt(Hpa entry) const {
    return Hpa{AddressIn(*pool_->memory().At(entry))};
  }

  const bool early_;
  FramePool* pool_ = nullptr;
};

TEST(BuilderFramesTest, AFrameIsAnotherTableAfterInveptAlone) {
  const auto found = [](bool early) {
    const Case c = TableCase()
                       .Map(0, k4K, kAll)
                       .Map(k2M, k2M, kAll, 2)
                       .UnmapRegion(0, k2M + k4K)
                       .Build();
    return Found(c, std::make_unique<Reuses>(early),
                 SetOf(Waiver::kRepeatedInvept));
  };
  EXPECT_EQ(found(false), "");
  EXPECT_EQ(found(true), "freed-early at step 3");
}

// Logs to a frame of its own on processor 0.
class Logger : public EngineBuilder {
 public:
  enum class Way { kRight, kFreesFirst, kFreesOn, kNeverAllocates };
  explicit Logger(Way way) : way_(way) {}

  bool logs() const override { return true; }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    pool_ = &pool;
    controls_ = controls.secondary;
    return EngineBuilder::Create(pool, processor, controls, unused);
  }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    if (operation.kind == Kind::kLogOn) {
      Hpa frame{0x7000};
      if (way_ != Way::kNeverAllocates) frame = *pool_->AllocateFrame();
      log_ = frame;
      logs().Write(0, PageLogs::kAddressField, frame.value);
      logs().Write(0, PageLogs::kIndexField, 511);
      Enable(true);
      return {};
    }
    if (operation.kind == Kind::kLogOff) {
      if (way_ == Way::kFreesFirst) pool_->FreeFrame(log_);
      if (way_ != Way::kFreesOn) Enable(false);
      if (way_ != Way::kFreesFirst) pool_->FreeFrame(log_);
      logs().Write(0, PageLogs::kAddressField, 0);
      return {};
    }
    return EngineBuilder::Perform(operation, taken);
  }

 private:
  PageLogs& logs() { return pool_->logs(); }
  void Enable(bool enables) {
    logs().Write(0, PageLogs::kSecondaryField,
                 enables ? controls_ | PageLogs::kEnablePml : controls_);
  }

  const Way way_;
  FramePool* pool_ = nullptr;
  std::uint64_t controls_ = 0;
  Hpa log_ = {};
};

// A log takes a frame for each processor, and may split what is mapped.
TEST(BuilderFramesTest, WhatALogTakesIsBounded) {
  class Refuses : public Bounded {
   public:
    explicit Refuses(std::size_t declared) : Bounded({96}, {declared}) {}
    bool logs() const override { return true; }
    TableResult Perform(const TableOperation& operation,
                        std::vector<Interval>& taken) override {
      if (!IsAboutLog(operation.kind)) {
        return Bounded::Perform(operation, taken);
      }
      return {TableError::kNoFrames, operation.gpa};
    }
  };
  const struct {
    Case c;
    std::size_t has, takes;
  } kTests[] = {
      {TableCase(kFlags).LogOn().Build(), 1, 4},
      {TableCase(kFlags).Map(0, k4K, kAll).LogOn().Build(), 4, 4},
      {TableCase(kFlags).Map(0, k2M, kAll, 2).LogOn().Build(), 3, 5},
      {TableCase(kFlags).Map(0, k1G, kAll, 3).LogOn().Build(), 2, 4 + 1 + 512},
      {TableCase(kFlags)
           .MapRegion(k2M, k2M, 3 * k2M, kAll)
           .Map(k1G, k2M, kAll, 2)
           .LogAsk(0, k4K)
           .Build(),
       4, 4 + 3 + 1},
  };
  for (const auto& [c, has, takes] : kTests) {
    EXPECT_EQ(Found(c, std::make_unique<Refuses>(has + takes - 1)), "")
        << takes;
    EXPECT_EQ(Found(c, std::make_unique<Refuses>(has + takes)),
              "refused at step " + std::to_string(c.steps.size()))
        << takes;
  }
}

TEST(BuilderFramesTest, WhatProcessorsLogToIsNotFreed) {
  Case c = TableCase(kFlags).Map(0, k4K, kAll).Build();
  for (const Kind kind : {Kind::kLogOn, Kind::kLogOff}) {
    c.steps.push_back(
        {.kind = StepKind::kTableOperation, .operation = {.kind = kind}});
  }
  using Way = Logger::Way;
  const auto found = [&](Way way) {
    return Found(c, std::make_unique<Logger>(way));
  };
  EXPECT_EQ(found(Way::kRight), "");
  EXPECT_EQ(found(Way::kFreesFirst), "log-freed at step 3");
  EXPECT_EQ(found(Way::kFreesOn), "log-freed at step 3");
  EXPECT_EQ(found(Way::kNeverAllocates), "log-freed at step 2");
  // Controls that had a log before the builder came are no doing of its.
  c.controls.secondary |= PageLogs::kEnablePml;
  c.controls.pml_address = 0x7000;
  c.steps.resize(1);
  EXPECT_EQ(found(Way::kRight), "");
}

}  // namespace
}  // namespace eptdiff
