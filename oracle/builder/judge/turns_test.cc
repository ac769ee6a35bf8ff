#include "oracle/builder/judge/turns.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kAll = 0x37, kReadOnly = 0x31, kNoExecute = 0x33;

// Each stores three times, and loads before the last.
std::string Trail(std::uint8_t schedule) {
  Turns turns;
  std::string trail;
  const auto does = [&](char name) {
    for (int i = 0; i < 2; ++i) {
      turns.BeforeStore();
      trail += name;
    }
    turns.BeforeLoad();
    turns.BeforeStore();
    trail += name;
  };
  const bool at_once = turns.Run(
      Turns::Schedule::Of(schedule), [&] { does('a'); }, [&] { does('b'); });
  return (at_once ? "" : "-") + trail + (turns.other_was_stopped() ? "!" : "");
}

TEST(TurnsTest, AScheduleIsARun) {
  const std::pair<int, const char*> kRuns[] = {
      {0, "bbbaaa"},       {1, "abbbaa"},           {2, "aabbba"},
      {3, "-aaa"},         {0 | 1 << 3, "aaabbb!"}, {1 | 2 << 3, "abaabb!"},
      {3 << 3, "bbaaab!"}, {4 << 3, "bbaaab!"},     {5 << 3, "bbbaaa"}};
  for (int again = 0; again < 20; ++again) {
    for (const auto& [schedule, trail] : kRuns) {
      EXPECT_EQ(Trail(static_cast<std::uint8_t>(schedule)), trail) << schedule;
    }
  }
}

TEST(TurnsTest, WhoWaitsLetsTheOtherGoOn) {
  Turns turns;
  bool locked = false;
  std::string trail;
  const auto does = [&](char name) {
    while (locked) turns.Pause();
    locked = true;
    turns.BeforeStore();
    trail += name;
    turns.BeforeStore();
    trail += name;
    locked = false;
  };
  EXPECT_TRUE(turns.Run(
      Turns::Schedule::Of(1), [&] { does('a'); }, [&] { does('b'); }));
  EXPECT_EQ(trail, "aabb");
}

// A table of one entry, at 0, for the page at 0: protect and unmap load it,
// and store it anew; or exchange it.
class OneEntryBuilder final : public BuilderUnderTest {
 public:
  explicit OneEntryBuilder(bool races) : races_(races) {}
  std::string_view name() const override { return "builder"; }
  bool several_threads() const override { return true; }
  bool shows_taken() const override { return false; }
  TableResult Create(FramePool& pool, const Processor&,
                     const Controls& controls, std::uint64_t) override {
    pool_ = &pool;
    std::uint64_t below = 0;
    for (int level = 4; level >= 1; --level) {  // the root is the first frame
      frames_[level] = pool.AllocateFrame()->value;
    }
    for (int level = 1; level <= 4; ++level) {
      for (std::uint64_t i = 0; i < 512; ++i) {
        pool.Store(Hpa{frames_[level] + 8 * i}, i == 0 ? below : 0);
      }
      below = frames_[level] | 7;
    }
    eptp_ = (controls.eptp & 0xfff) | frames_[4];
    return {};
  }
  std::uint64_t eptp() const override { return eptp_; }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>&) override {
    const Hpa at{frames_[1]};
    for (;;) {
      const std::uint64_t entry = *pool_->Load(at);
      const bool maps = operation.kind == TableOperationKind::kMap;
      if (maps != ((entry & 7) == 0)) {
        return {maps ? TableError::kOverlap : TableError::kNotMapped, Gpa{}};
      }
      const std::uint64_t word =
          maps ? operation.hpa.value | operation.flags
          : operation.kind == TableOperationKind::kUnmap
              ? 0
              : (entry & ~std::uint64_t{0xfff}) | operation.flags;
      if (races_) {
        pool_->Store(at, word);
      } else if (!pool_->CompareExchange(at, entry, word)) {
        continue;
      }
      if (!maps) pool_->Invept(eptp_);
      return {};
    }
  }
  bool List(std::vector<Interval>&) override { return false; }
  void Destroy() override {
    pool_->Invept(eptp_);
    for (int level = 1; level <= 4; ++level) {
      pool_->FreeFrame(Hpa{frames_[level]});
    }
  }

 private:
  const bool races_;
  FramePool* pool_ = nullptr;
  std::uint64_t frames_[5] = {};
  std::uint64_t eptp_ = 0;
};

std::string Found(const Case& c, bool races) {
  BuilderTrial trial(std::make_unique<OneEntryBuilder>(races));
  trial.Allow(kAllWaivers);
  const BuilderStandings& standings = trial.Run(c);
  return standings.finding.has_value()
             ? std::string(NameOf(standings.finding->rule))
             : "";
}

// The second operation begins before the store of the first, in which the page
// has been found; what it does is lost.
TEST(TurnsTest, WhatIsLostBetweenLoadAndStoreIsNamed) {
  const auto beside = [](std::uint8_t schedule) {
    Case c = TableCase()
                 .Map(0, 0x9000, kAll)
                 .Protect(0, kReadOnly)
                 .Unmap(0)
                 .Meanwhile(schedule)
                 .Build();
    c.steps[2].processor = 1;
    return c;
  };
  for (std::uint8_t schedule = 0; schedule < 0x80; ++schedule) {
    EXPECT_EQ(Found(beside(schedule), /*races=*/false), "") << int{schedule};
  }
  EXPECT_EQ(Found(beside(0), /*races=*/true), "operations-raced");
  // The one goes on before the other has loaded anything.
  EXPECT_EQ(Found(beside(1 << 3), /*races=*/true), "");
  // ... and before it stores.
  EXPECT_EQ(Found(beside(2 << 3), /*races=*/true), "");
  // There is no second store before which it could begin.
  EXPECT_EQ(Found(beside(1), /*races=*/true), "");
}

// Two orders: refused or done, what comes of it is right.
TEST(TurnsTest, EitherOrderWillDo) {
  Case c = TableCase().Map(0, 0x9000, kAll).Map(0, 0xa000, kAll).Build();
  c.steps[1].processor = 1;
  EXPECT_EQ(Found(c, /*races=*/false), "");
  EXPECT_EQ(Found(c, /*races=*/true), "operations-raced");
}

// The flags of a page go with it; one that is mapped in its place has those of
// its own mapping.
TEST(TurnsTest, WhoMapsAfterAnUnmapBeginsWithoutFlags) {
  constexpr std::uint64_t kAccessedDirty = 0x10005e;  // EPTP bit 6
  for (std::uint8_t schedule = 0; schedule < 0x80; ++schedule) {
    Case c = TableCase(kAccessedDirty)
                 .Map(0, 0x9000, kAll)
                 .Write(0)
                 .Unmap(0)
                 .Map(0, 0x9000, kAll)
                 .Meanwhile(schedule)
                 .Build();
    c.steps[3].processor = 1;
    EXPECT_EQ(Found(c, /*races=*/false), "") << int{schedule};
  }
}

// Two such tables, and an operation on both of them does one after the other.
class TwoTables final : public BuilderUnderTest {
 public:
  explicit TwoTables(bool locks) : locks_(locks) {}
  std::string_view name() const override { return "builder"; }
  bool several_threads() const override { return true; }
  bool shows_taken() const override { return false; }
  int more_views() const override { return 1; }
  bool takes_all_views() const override { return true; }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    pool_ = &pool;
    is_locked_ = false;
    for (OneEntryBuilder& each : each_) {
      each.Create(pool, processor, controls, unused);
    }
    return {};
  }
  std::uint64_t eptp() const override { return each_[0].eptp(); }
  std::uint64_t view_eptp(int view) const override {
    return each_[static_cast<std::size_t>(view)].eptp();
  }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    while (locks_ && is_locked_) pool_->Pause();
    is_locked_ = true;
    TableResult result = {};
    for (std::size_t i = 0; i < each_.size(); ++i) {
      if (operation.view != kAllViews && operation.view != i) continue;
      result = each_[i].Perform(operation, taken);
    }
    is_locked_ = false;
    return result;
  }
  bool List(std::vector<Interval>&) override { return false; }
  void Destroy() override {
    for (OneEntryBuilder& each : each_) each.Destroy();
  }

 private:
  const bool locks_;
  bool is_locked_ = false;
  FramePool* pool_ = nullptr;
  std::array<OneEntryBuilder, 2> each_ = {OneEntryBuilder(false),
                                          OneEntryBuilder(false)};
};

std::string FoundInTwo(Case c, bool locks) {
  c.steps.back().processor = 1;
  BuilderTrial trial(std::make_unique<TwoTables>(locks));
  trial.Allow(kAllWaivers);
  int done = 0;
  trial.set_observer(
      [&](const BuilderStepReport& report) { done += report.result.ok(); });
  const BuilderStandings& standings = trial.Run(c);
  EXPECT_GE(done, 4);
  return standings.finding.has_value()
             ? std::string(NameOf(standings.finding->rule))
             : "";
}

// Each is about tables of its own, and both are done.
TEST(TurnsTest, TwoOperationsMayBeAboutTwoViews) {
  for (std::uint8_t schedule = 0; schedule < 0x80; ++schedule) {
    const Case c = TableCase()
                       .Map(0, 0x9000, kAll)
                       .Map(0, 0x9000, kAll)
                       .In(1)
                       .Protect(0, kReadOnly)
                       .Unmap(0)
                       .In(1)
                       .Meanwhile(schedule)
                       .Build();
    EXPECT_EQ(FoundInTwo(c, /*locks=*/false), "") << int{schedule};
  }
}

// What is done in each in another order is done in none.
TEST(TurnsTest, TheOrderIsOneInAllViews) {
  bool raced = false;
  for (std::uint8_t schedule = 0; schedule < 0x80; ++schedule) {
    const Case c = TableCase()
                       .Map(0, 0x9000, kAll)
                       .Map(0, 0x9000, kAll)
                       .In(1)
                       .ProtectRegion(0, 0x1000, kReadOnly)
                       .In(kAllViews)
                       .ProtectRegion(0, 0x1000, kNoExecute)
                       .In(kAllViews)
                       .Meanwhile(schedule)
                       .Build();
    EXPECT_EQ(FoundInTwo(c, /*locks=*/true), "") << int{schedule};
    const std::string found = FoundInTwo(c, /*locks=*/false);
    raced = raced || found == "operations-raced";
    EXPECT_TRUE(found.empty() || found == "operations-raced") << found;
  }
  EXPECT_TRUE(raced);
}

}  // namespace
}  // namespace eptdiff
