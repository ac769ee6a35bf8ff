// Builders that have several tables, of which each processor uses one at a
// time.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/judge/trial_testing.h"
#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

using Kind = TableOperationKind;

constexpr std::uint64_t k4K = 0x1000;
constexpr std::size_t kTables = 3;
using Eptps = std::array<std::uint64_t, kTables>;

// How INVEPT is executed where the tables of `eptp` need it, but at the end.
using Shoot = void (*)(FramePool& pool, std::uint64_t eptp, const Eptps& all);

void Rightly(FramePool& pool, std::uint64_t eptp, const Eptps&) {
  pool.Invept(eptp);
}

struct ViewHal : PoolHal {
  Shoot shoot = nullptr;
  const Eptps* all = nullptr;
  void Invept(std::uint64_t eptp) {
    if (pool != nullptr) shoot(*pool, eptp, *all);
  }
};
class View final : public BuilderOver<ViewHal> {
 public:
  using BuilderOver::hal;
};

// The engine's builder three times, over one pool. What is mapped in all views
// lies in tables that all of them link.
class Views : public BuilderUnderTest {
 public:
  explicit Views(Shoot shoot = Rightly) : shoot_(shoot) {}

  std::string_view name() const override { return "views"; }
  int more_views() const override { return kTables - 1; }
  bool takes_all_views() const override { return true; }
  bool shows_taken() const override { return false; }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    pool_ = &pool;
    for (std::size_t i = 0; i < kTables; ++i) {
      each_[i].hal().shoot = shoot_;
      each_[i].hal().all = &eptps_;
      const TableResult result =
          each_[i].Create(pool, processor, controls, unused);
      if (!result.ok()) return result;
      eptps_[i] = each_[i].eptp();
    }
    return {};
  }
  std::uint64_t eptp() const override { return eptps_[0]; }
  std::uint64_t view_eptp(int view) const override {
    return eptps_[static_cast<std::size_t>(view)];
  }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    if (operation.view != kAllViews) {
      return each_[operation.view].Perform(operation, taken);
    }
    TableResult result = each_[0].Perform(operation, taken);
    for (std::size_t i = 1; i < kTables; ++i) {
      if (operation.kind == Kind::kMapRegion) {
        pool_->Store(Root(i), *pool_->memory().At(Root(0)));
      } else {
        result = each_[i].Perform(operation, taken);
      }
    }
    return result;
  }
  bool List(std::vector<Interval>& pages) override {
    return each_[0].List(pages);
  }
  void Destroy() override {
    for (View& each : each_) {
      each.hal().shoot = Rightly;
      each.Destroy();
    }
  }

 protected:
  FramePool& pool() { return *pool_; }
  // The first entry of a view's root, which leads to all that tests map.
  Hpa Root(std::size_t view) const { return Hpa{AddressIn(eptps_[view])}; }
  TableResult In(std::size_t view, const TableOperation& operation) {
    std::vector<Interval> taken;
    return each_[view].Perform(operation, taken);
  }

 private:
  const Shoot shoot_;
  FramePool* pool_ = nullptr;
  std::array<View, kTables> each_;
  Eptps eptps_ = {};
};

std::string Found(const Case& c, Shoot shoot = Rightly) {
  return Found(c, std::make_unique<Views>(shoot));
}

// In each of two views a page, which a processor has used in both.
TableCase TwoPages() {
  return TableCase()
      .Map(0, 0x9000, kAll)
      .Map(0, 0xa000, kAll)
      .In(1)
      .Write(0)
      .Switch(1)
      .Write(0);
}

TEST(BuilderViewsTest, EachViewIsWhatItWasAskedToBe) {
  EXPECT_EQ(Found(TwoPages().Build()), "");
  EXPECT_EQ(Found(TwoPages()
                      .Protect(0, kNoWrite)
                      .Write(0)
                      .Switch(0)
                      .Read(0)
                      .Unmap(0)
                      .In(1)
                      .Switch(2)
                      .Read(0)
                      .UnmapRegion(0, k4K)
                      .In(kAllViews)
                      .Build()),
            "");
}

TEST(BuilderViewsTest, WhoHasOneTableIsAskedForNoOther) {
  const Case c = TableCase()
                     .Map(0, 0x9000, kAll)
                     .Unmap(0)
                     .In(1)
                     .UnmapRegion(0, k4K)
                     .In(kAllViews)
                     .Read(0)
                     .Build();
  BuilderStandings all;
  EXPECT_EQ(Found(c, std::make_unique<EngineBuilder>(), 0, &all), "");
  EXPECT_EQ(all.compared, 4u);
}

// What a processor has cached in one view is there when it comes back.
TEST(BuilderViewsTest, ChangingOverInvalidatesNothing) {
  const Shoot kNever = [](FramePool&, std::uint64_t, const Eptps&) {};
  const Case c =
      TwoPages().Protect(0, kNoWrite).Write(0).Switch(0).Write(0).Build();
  EXPECT_EQ(Found(c), "");
  EXPECT_EQ(Found(c, kNever), "stale-right at step 9");
  // It is the view's own: the other one has its right.
  const Case other =
      TwoPages().Protect(0, kNoWrite).In(2).Write(0).Switch(0).Write(0).Build();
  EXPECT_EQ(Found(other), "");
}

// By VMFUNC with an index that the list does not have it exits.
TEST(BuilderViewsTest, AViewThatThereIsNotIsNotChangedTo) {
  EXPECT_EQ(Found(TwoPages().Switch(3).Write(0).Switch(255).Write(0).Build()),
            "");
}

TEST(BuilderViewsTest, EachChangeOverIsReported) {
  BuilderTrial trial(std::make_unique<Views>());
  int changes = 0;
  trial.set_observer([&](const BuilderStepReport& report) {
    changes +=
        report.step != nullptr && report.step->kind == StepKind::kEptpSwitch;
  });
  EXPECT_FALSE(trial.Run(TwoPages().Switch(0).Build()).finding.has_value());
  EXPECT_EQ(changes, 2);
}

TEST(BuilderViewsTest, InveptIsForTheViewThatChanges) {
  const Shoot kFirst = [](FramePool& pool, std::uint64_t, const Eptps& all) {
    pool.Invept(all[0]);
  };
  const Shoot kEach = [](FramePool& pool, std::uint64_t, const Eptps& all) {
    for (const std::uint64_t eptp : all) pool.Invept(eptp);
  };
  const Shoot kContexts = [](FramePool& pool, std::uint64_t, const Eptps&) {
    pool.InveptOn(kAllProcessors,
                  {.kind = InvalidationKind::kInvept, .type = kAllContexts});
  };
  const Shoot kRunning = [](FramePool& pool, std::uint64_t, const Eptps& all) {
    for (std::size_t i = 0; i < kLogicalProcessors; ++i) {
      const auto processor = static_cast<ProcessorSet>(1 << i);
      for (const std::uint64_t eptp : all) {
        if ((pool.RunningIn(eptp) & processor) == 0) continue;
        pool.InveptOn(processor, {.kind = InvalidationKind::kInvept,
                                  .type = kSingleContext,
                                  .first = eptp});
      }
    }
  };
  const Shoot kNobodys = [](FramePool& pool, std::uint64_t eptp, const Eptps&) {
    pool.Invept(eptp ^ 0x40);
  };
  // The first processor runs in view 1, the others in view 0.
  const Case second = TwoPages().Protect(0, kNoWrite).In(1).Build();
  const Case first = TwoPages().Protect(0, kNoWrite).Build();
  const Case third =
      TwoPages().Map(0, 0, kAll).In(2).Protect(0, kNoWrite).In(2).Build();
  const struct {
    const Case& c;
    Shoot shoot;
    const char* found;
  } kTests[] = {
      {first, kFirst, ""},
      {second, kFirst, "invept-other-view at step 6"},
      {second, kRunning, "invept-running-view at step 6"},
      {first, kRunning, "invept-running-view at step 6"},
      {third, kRunning, "invept-running-view at step 7"},
      {first, kContexts, ""},
      {second, kContexts, ""},
      {first, kEach, "invept-needless at step 6"},
      {second, kEach, "invept-needless at step 6"},
      {first, kNobodys, "invept-eptp at step 6"},
  };
  int i = 0;
  for (const auto& [c, shoot, found] : kTests) {
    EXPECT_EQ(Found(c, shoot), found) << i;
    ++i;
  }
  // Needless where it is allowed.
  EXPECT_EQ(
      Found(first, std::make_unique<Views>(kEach),
            SetOf(Waiver::kNeedlessInvept) | SetOf(Waiver::kRepeatedInvept)),
      "");
}

// Does in another view what it is asked for.
class Astray : public Views {
 public:
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    if (operation.kind != Kind::kProtect) {
      return Views::Perform(operation, taken);
    }
    return In(operation.view == 0 ? 1 : 0, operation);
  }
};

TEST(BuilderViewsTest, WhatIsDoneInAnotherViewIsFound) {
  EXPECT_EQ(Found(TwoPages().Protect(0, kNoWrite).Build(),
                  std::make_unique<Astray>()),
            "view-wrong at step 6");
}

class Forgetful : public Views {
 public:
  explicit Forgetful(std::size_t view) : view_(view) {}
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    if (operation.view != kAllViews) return Views::Perform(operation, taken);
    for (std::size_t i = 0; i < kTables; ++i) {
      if (i != view_) In(i, operation);
    }
    return {};
  }

 private:
  const std::size_t view_;
};

TEST(BuilderViewsTest, AViewThatIsMissedIsFound) {
  const Case c = TwoPages()
                     .Map(0, 0xb000, kAll)
                     .In(2)
                     .UnmapRegion(0, k4K)
                     .In(kAllViews)
                     .Build();
  EXPECT_EQ(Found(c), "");
  for (std::size_t view = 0; view < kTables; ++view) {
    EXPECT_EQ(Found(c, std::make_unique<Forgetful>(view)),
              "view-missed at step 7")
        << view;
  }
}

// Of tables that all views link: takes them out of a view by its root's entry,
// and frees the first of them, if it is wrong.
class Sharing : public Views {
 public:
  explicit Sharing(bool frees, Shoot shoot = Rightly)
      : Views(shoot), frees_(frees) {}
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    if (operation.kind != Kind::kUnmapRegion || operation.view == 0) {
      return Views::Perform(operation, taken);
    }
    const Hpa entry = Root(operation.view);
    const Hpa table{AddressIn(*pool().memory().At(entry))};
    pool().Store(entry, 0);
    pool().Invept(view_eptp(operation.view));
    if (frees_) pool().FreeFrame(table);
    return {};
  }

 private:
  const bool frees_;
};

TEST(BuilderViewsTest, ASharedTableIsFreedOnceNobodyLinksIt) {
  const Case c = TableCase()
                     .MapRegion(0, 0x9000, k4K, kAll)
                     .In(kAllViews)
                     .Write(0)
                     .UnmapRegion(0, k4K)
                     .In(1)
                     .Read(0)
                     .UnmapRegion(0, k4K)
                     .In(2)
                     .Build();
  EXPECT_EQ(Found(c, std::make_unique<Sharing>(false)), "");
  EXPECT_EQ(Found(c, std::make_unique<Sharing>(true)),
            "freed-shared at step 3");
}

TEST(BuilderViewsTest, AStoreToASharedTableIsFound) {
  const Case c = TableCase()
                     .MapRegion(0, 0x9000, k4K, kAll)
                     .In(kAllViews)
                     .Protect(0, kNoWrite)
                     .In(1)
                     .Build();
  EXPECT_EQ(Found(c), "view-shared at step 2");
}

// A store to a shared table is one to the tables of each view that links it.
TEST(BuilderViewsTest, AChangeOfASharedTableNeedsInveptForEachView) {
  class InPlace : public Sharing {
   public:
    explicit InPlace(Shoot shoot) : Sharing(false, shoot) {}
    TableResult Perform(const TableOperation& operation,
                        std::vector<Interval>& taken) override {
      if (operation.kind != Kind::kProtectRegion) {
        return Sharing::Perform(operation, taken);
      }
      return In(0, operation);
    }
  };
  const Case c = TableCase()
                     .MapRegion(0, 0x9000, k4K, kAll)
                     .In(kAllViews)
                     .ProtectRegion(0, k4K, kNoWrite)
                     .In(kAllViews)
                     .UnmapRegion(0, k4K)
                     .In(1)
                     .UnmapRegion(0, k4K)
                     .In(2)
                     .Build();
  const Shoot kEach = [](FramePool& pool, std::uint64_t, const Eptps& all) {
    for (const std::uint64_t eptp : all) pool.Invept(eptp);
  };
  const WaiverSet needless = SetOf(Waiver::kNeedlessInvept);
  EXPECT_EQ(Found(c, std::make_unique<InPlace>(Rightly), needless),
            "invept-other-view at step 2");
  EXPECT_EQ(Found(c, std::make_unique<InPlace>(kEach), needless), "");
}

// A dirty flag that a processor sets in a shared table is all views'.
TEST(BuilderViewsTest, FlagsAreThoseOfATable) {
  class Clears : public Sharing {
   public:
    explicit Clears(bool flushes_all) : Sharing(false), flushes_(flushes_all) {}
    TableResult Perform(const TableOperation& operation,
                        std::vector<Interval>& taken) override {
      const TableResult result = Sharing::Perform(operation, taken);
      if (operation.kind == Kind::kClearFlags && flushes_) {
        pool().Invept(view_eptp(1));
        pool().Invept(view_eptp(2));
      }
      return result;
    }

   private:
    const bool flushes_;
  };
  TableCase made(kFlags);
  made.MapRegion(0, 0x9000, k4K, kAll).In(kAllViews).Switch(1).Write(0);
  made.Clear(0, k4K, 0x300).UnmapRegion(0, k4K).In(1);
  const Case c = made.UnmapRegion(0, k4K).In(2).Build();
  EXPECT_EQ(Found(c, std::make_unique<Clears>(true)), "");
  EXPECT_EQ(Found(c, std::make_unique<Clears>(false)),
            "invept-other-view at step 4");
}

// Says that the page at 9000H may be reused when it unmaps something.
class Releases : public Views {
 public:
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    const TableResult result = Views::Perform(operation, taken);
    if (operation.kind == Kind::kUnmap ||
        operation.kind == Kind::kUnmapRegion) {
      pool().ReleasePage(Hpa{0x9000}, k4K);
    }
    return result;
  }
};

TEST(BuilderViewsTest, MemoryIsReleasedOnceNoViewHasIt) {
  const auto found = [](const TableCase& c) {
    return Found(c.Build(), std::make_unique<Releases>());
  };
  const TableCase mapped = TableCase().Map(0, 0x9000, kAll).In(1);
  EXPECT_EQ(found(TableCase(mapped).Unmap(0).In(1)), "");
  EXPECT_EQ(found(TableCase(mapped).Map(0, 0xa000, kAll).Unmap(0).In(1)), "");
  EXPECT_EQ(found(TableCase(mapped).Map(0, 0x9000, kAll).Unmap(0).In(1)),
            "page-released-mapped at step 3");
  EXPECT_EQ(found(TableCase(mapped)
                      .Map(0, 0x9000, kAll)
                      .UnmapRegion(0, k4K)
                      .In(kAllViews)),
            "");
}

// Logs what the guest writes to of two pages, by the dirty flags of the first
// `asked` views, and clears those of the first `armed`; if it is careless by a
// load and a store.
class Logging : public Views {
 public:
  explicit Logging(std::size_t asked = kTables, std::size_t armed = kTables,
                   bool is_careful = true)
      : asked_(asked), armed_(armed), is_careful_(is_careful) {}
  bool logs() const override { return true; }
  const std::vector<Interval>& told() const override { return told_; }
  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    facts_ = FactsOf(processor, controls, unused);
    logging_ = false;
    return Views::Create(pool, processor, controls, unused);
  }
  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    if (!IsAboutLog(operation.kind)) return Views::Perform(operation, taken);
    told_.clear();
    for (std::uint64_t gpa = 0; gpa < 2 * k4K; gpa += k4K) {
      if (operation.kind == Kind::kLogOn) {
        Clear(gpa, kTables);
      } else if (logging_ && gpa - operation.gpa.value < operation.bytes) {
        if (IsDirty(gpa)) told_.push_back({gpa, 0, k4K, 0});
        if (operation.kind == Kind::kLogClear) Clear(gpa, armed_);
      }
    }
    logging_ = operation.kind == Kind::kLogOn ||
               (logging_ && operation.kind != Kind::kLogOff);
    return {};
  }

 private:
  FoundEntry Leaf(std::size_t view, std::uint64_t gpa) {
    const auto path = PathOf(facts_, pool().memory(), Root(view), gpa);
    return path.size() == 4 ? path[3] : FoundEntry();
  }
  bool IsDirty(std::uint64_t gpa) {
    for (std::size_t view = 0; view < asked_; ++view) {
      if ((Leaf(view, gpa).word & kDirty) != 0) return true;
    }
    return false;
  }
  void Clear(std::uint64_t gpa, std::size_t views) {
    for (std::size_t view = 0; view < views; ++view) {
      FoundEntry leaf = Leaf(view, gpa);
      if (!is_careful_ && leaf.level != 0) {
        pool().Store(leaf.address, (leaf.word & ~kDirty) | kAccessed);
        pool().Invept(view_eptp(static_cast<int>(view)));
        continue;
      }
      for (; (leaf.word & kDirty) != 0; leaf = Leaf(view, gpa)) {
        if (!pool().CompareExchange(leaf.address, leaf.word,
                                    leaf.word & ~kDirty)) {
          continue;
        }
        pool().Invept(view_eptp(static_cast<int>(view)));
      }
    }
  }

  static constexpr std::uint64_t kAccessed = 0x100, kDirty = 0x200;
  const std::size_t asked_, armed_;
  const bool is_careful_;
  TableFacts facts_;
  bool logging_ = false;
  std::vector<Interval> told_;
};

// In each of two views two pages; the log is on, and the second view runs.
TableCase LoggedPages() {
  TableCase made(kFlags);
  for (const std::uint8_t view : {0, 1}) {
    made.Map(0, 0x9000, kAll).In(view).Map(k4K, 0xa000, kAll).In(view);
  }
  return made.LogOn().Switch(1);
}

TEST(BuilderViewsTest, AWriteInWhicheverViewIsTold) {
  const auto found = [](const TableCase& c, std::size_t asked,
                        std::size_t armed = kTables) {
    return Found(c.Build(), std::make_unique<Logging>(asked, armed));
  };
  const TableCase written = LoggedPages().Write(k4K).LogAsk(0, 2 * k4K);
  EXPECT_EQ(found(written, kTables), "");
  EXPECT_EQ(found(written, 1), "log-view-lost at step 8");
  const TableCase first = LoggedPages().Switch(0).Write(k4K).LogAsk(0, 2 * k4K);
  EXPECT_EQ(found(first, 1), "");
  EXPECT_EQ(found(first, 0), "log-lost at step 9");
  const TableCase again =
      LoggedPages().Write(0).LogClear(0, k4K).LogAsk(0, 2 * k4K);
  EXPECT_EQ(found(again, kTables), "");
  EXPECT_EQ(found(again, kTables, 1), "log-too-much at step 9");
  // What one view unmaps another has still.
  const TableCase unmapped =
      LoggedPages().Write(0).Unmap(0).Read(0).LogAsk(0, k4K);
  EXPECT_EQ(found(unmapped, kTables), "");
  EXPECT_EQ(found(unmapped, 1), "log-view-lost at step 10");
}

// Just before the store that clears a view's flag a processor writes there.
TEST(BuilderViewsTest, AWriteBetweenLoadAndStoreIsOneInTheViewThatChanges) {
  for (const std::uint8_t moments : {0, 1, 2, 4}) {
    const Case c = LoggedPages()
                       .LogClear(0, k4K)
                       .Meanwhile(moments)
                       .LogAsk(0, 2 * k4K)
                       .Build();
    EXPECT_EQ(Found(c, std::make_unique<Logging>()), "");
    const auto careless = [] {
      return std::make_unique<Logging>(kTables, kTables, /*is_careful=*/false);
    };
    EXPECT_EQ(
        Found(c, careless(),
              SetOf(Waiver::kNeedlessInvept) | SetOf(Waiver::kRepeatedInvept)),
        moments == 1 || moments == 2 ? "log-raced at step 8" : "")
        << moments;
  }
}

TEST(BuilderViewsTest, AnEptpThatIsNoneIsFound) {
  class Other : public Views {
   public:
    std::uint64_t view_eptp(int view) const override {
      return Views::view_eptp(view) ^ (view == 2 ? 8 : 0);
    }
  };
  EXPECT_EQ(Found(TwoPages().Build(), std::make_unique<Other>()),
            "eptp at step 0");
}

}  // namespace
}  // namespace eptdiff
