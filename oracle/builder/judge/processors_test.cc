// Builders that shoot down processor by processor, and the processors that use
// their tables meanwhile.
#include "oracle/builder/judge/processors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/judge/trial_testing.h"
#include "oracle/builder/table_case.h"

namespace eptdiff {
namespace {

using ::testing::HasSubstr;

// How INVEPT is executed where it is needed.
using Shoot = void (*)(FramePool& pool, std::uint64_t eptp);

struct ShootingHal : PoolHal {
  Shoot shoot = nullptr;
  void Invept(std::uint64_t eptp) {
    if (pool != nullptr) shoot(*pool, eptp);
  }
};

class Shooting final : public BuilderOver<ShootingHal> {
 public:
  explicit Shooting(Shoot shoot) { hal().shoot = shoot; }
};

Invalidation Single(std::uint64_t eptp) {
  return {.kind = InvalidationKind::kInvept, .type = 1, .first = eptp};
}

std::string Found(const Case& c, Shoot shoot) {
  BuilderTrial trial(std::make_unique<Shooting>(shoot));
  const BuilderStandings& standings = trial.Run(c);
  if (!standings.finding.has_value()) return "";
  return SignatureOf("builder", *standings.finding) + " at step " +
         std::to_string(standings.step);
}

// A right is taken away, and nobody looks.
Case Quiet() {
  return TableCase().Map(0, 0x9000, kAll).Protect(0, kNoWrite).Build();
}
// A processor has used it, and uses it again.
Case UsedOn(std::uint8_t processor) {
  return TableCase()
      .Map(0, 0x9000, kAll)
      .Write(0)
      .On(processor)
      .Protect(0, kNoWrite)
      .Write(0)
      .On(processor)
      .Build();
}

Case WithVpids(Case c) {
  c.processor.ept_vpid_cap |= std::uint64_t{1} << 32 | std::uint64_t{0xf} << 40;
  c.controls.secondary |= 1 << 5;
  c.controls.vpid = 1;
  return c;
}

TEST(ProcessorsTest, EachWayToReachAllOfThemWillDo) {
  const Shoot kWays[] = {
      [](FramePool& pool, std::uint64_t eptp) { pool.Invept(eptp); },
      [](FramePool& pool, std::uint64_t eptp) {
        for (int i = kLogicalProcessors; i-- > 0;) {
          pool.InveptOn(static_cast<ProcessorSet>(1 << i), Single(eptp));
        }
      },
      [](FramePool& pool, std::uint64_t) {
        pool.InveptOn(kAllProcessors,
                      {.kind = InvalidationKind::kInvept, .type = 2});
      },
      [](FramePool& pool, std::uint64_t eptp) {
        for (std::uint8_t i = 0; i < kLogicalProcessors; ++i) {
          pool.AskInvept(i, Single(eptp));
        }
        pool.AwaitInvept();
      },
      [](FramePool& pool, std::uint64_t eptp) {
        for (std::uint8_t i = 0; i < kLogicalProcessors; ++i) {
          pool.AskInvept(i, Single(eptp));
          pool.LeaveGuest(i);
        }
      },
  };
  for (const Shoot way : kWays) {
    EXPECT_EQ(Found(Quiet(), way), "");
    for (std::uint8_t i = 0; i < kLogicalProcessors; ++i) {
      EXPECT_EQ(Found(UsedOn(i), way), "");
    }
  }
}

TEST(ProcessorsTest, WhereItIsNotExecutedWhatWasCachedStays) {
  const Shoot kOnFirst = [](FramePool& pool, std::uint64_t eptp) {
    pool.InveptOn(1, Single(eptp));
  };
  EXPECT_THAT(Found(Quiet(), kOnFirst), HasSubstr("-invept-elsewhere-CACHE-9"));
  EXPECT_THAT(Found(UsedOn(0), kOnFirst), HasSubstr("-invept-elsewhere-"));
  for (std::uint8_t i = 1; i < kLogicalProcessors; ++i) {
    EXPECT_EQ(Found(UsedOn(i), kOnFirst),
              "eptdiff-builder-stale-right-CACHE-9-PTE at step 4");
  }
}

TEST(ProcessorsTest, WhatIsAskedForIsDoneOnceItIsAwaited) {
  const Shoot kAsks = [](FramePool& pool, std::uint64_t eptp) {
    pool.InveptOn(1, Single(eptp));
    for (std::uint8_t i = 1; i < kLogicalProcessors; ++i) {
      pool.AskInvept(i, Single(eptp));
    }
  };
  EXPECT_THAT(Found(Quiet(), kAsks), HasSubstr("-invept-not-awaited-CACHE-9"));
  EXPECT_THAT(Found(UsedOn(2), kAsks), HasSubstr("-stale-right-"));
  // A processor that exits does it before it enters again.
  Case exits = UsedOn(2);
  Step elsewhere = exits.steps[1];
  elsewhere.gpa = Gpa{0x40000000};
  exits.steps.insert(exits.steps.begin() + 3, elsewhere);
  EXPECT_THAT(Found(exits, kAsks), HasSubstr("-invept-not-awaited-CACHE-9"));
}

TEST(ProcessorsTest, WhatFailsInvalidatesNothingAndIsSaid) {
  const std::pair<Shoot, std::string> kMistakes[] = {
      {[](FramePool& pool, std::uint64_t eptp) {
         pool.InveptOn(kAllProcessors,
                       {.kind = InvalidationKind::kInvept, .first = eptp});
       },
       "-invept-fails-CACHE-13"},
      {[](FramePool& pool, std::uint64_t eptp) {
         pool.InveptOn(kAllProcessors, Single(eptp | 1 << 11));
       },
       "-invept-fails-CACHE-13"},
      {[](FramePool& pool, std::uint64_t eptp) {
         Invalidation invept = Single(eptp);
         invept.second = 1;
         pool.InveptOn(kAllProcessors, invept);
       },
       "-invept-fails-CACHE-13"},
      {[](FramePool& pool, std::uint64_t eptp) {
         pool.InveptOn(kAllProcessors, Single(eptp + 0x1000));
       },
       "-invept-eptp-CACHE-6"},
  };
  for (const auto& [shoot, signature] : kMistakes) {
    EXPECT_THAT(Found(Quiet(), shoot), HasSubstr(signature));
  }
}

constexpr Invalidation kInvvpids[] = {
    {.kind = InvalidationKind::kInvvpid, .type = 0, .first = 1},
    {.kind = InvalidationKind::kInvvpid, .type = 1, .first = 1},
    {.kind = InvalidationKind::kInvvpid, .type = 2},
    {.kind = InvalidationKind::kInvvpid, .type = 3, .first = 1},
};

TEST(ProcessorsTest, InvvpidIsNoInvept) {
  const Shoot kAlone[] = {
      [](FramePool& pool, std::uint64_t) {
        pool.InvvpidOn(kAllProcessors, kInvvpids[0]);
      },
      [](FramePool& pool, std::uint64_t) {
        pool.InvvpidOn(kAllProcessors, kInvvpids[1]);
      },
      [](FramePool& pool, std::uint64_t) {
        pool.InvvpidOn(kAllProcessors, kInvvpids[2]);
      },
      [](FramePool& pool, std::uint64_t) {
        pool.InvvpidOn(kAllProcessors, kInvvpids[3]);
      },
      // On the first INVEPT is enough.
      [](FramePool& pool, std::uint64_t eptp) {
        pool.InvvpidOn(kAllProcessors, kInvvpids[1]);
        pool.InveptOn(1, Single(eptp));
      },
  };
  for (const Shoot shoot : kAlone) {
    EXPECT_THAT(Found(WithVpids(Quiet()), shoot),
                HasSubstr("-invvpid-for-invept-CACHE-7"));
    EXPECT_THAT(Found(WithVpids(UsedOn(2)), shoot),
                HasSubstr("-stale-right-CACHE-9-PTE at step 4"));
  }
}

TEST(ProcessorsTest, InvvpidBesideInveptIsNothing) {
  const Shoot kBoth = [](FramePool& pool, std::uint64_t eptp) {
    for (const Invalidation& invvpid : kInvvpids) {
      pool.InvvpidOn(kAllProcessors, invvpid);
    }
    pool.Invept(eptp);
  };
  EXPECT_EQ(Found(WithVpids(Quiet()), kBoth), "");
  EXPECT_EQ(Found(WithVpids(UsedOn(2)), kBoth), "");
  // What is missing where there was no INVVPID either is not for INVVPID.
  const Shoot kOnFirst = [](FramePool& pool, std::uint64_t eptp) {
    pool.InvvpidOn(1, kInvvpids[1]);
    pool.InveptOn(1, Single(eptp));
  };
  EXPECT_THAT(Found(WithVpids(Quiet()), kOnFirst),
              HasSubstr("-invept-elsewhere-CACHE-9"));
}

// SDM 31.3.
TEST(ProcessorsTest, InvvpidThatFailsIsSaid) {
  const Shoot kFailing[] = {
      [](FramePool& pool, std::uint64_t eptp) {
        pool.Invept(eptp);
        pool.InvvpidOn(1, {.kind = InvalidationKind::kInvvpid, .type = 1});
      },
      [](FramePool& pool, std::uint64_t eptp) {
        pool.Invept(eptp);
        pool.InvvpidOn(1, {.kind = InvalidationKind::kInvvpid,
                           .type = 0,
                           .first = 1,
                           .second = std::uint64_t{1} << 60});
      },
      [](FramePool& pool, std::uint64_t eptp) {
        pool.Invept(eptp);
        pool.InvvpidOn(1, {.kind = InvalidationKind::kInvvpid, .type = 4});
      },
      [](FramePool& pool, std::uint64_t eptp) {
        pool.Invept(eptp);
        pool.InvvpidOn(
            1,
            {.kind = InvalidationKind::kInvvpid, .type = 2, .first = 0x10000});
      },
  };
  for (const Shoot shoot : kFailing) {
    EXPECT_THAT(Found(WithVpids(Quiet()), shoot),
                HasSubstr("-invvpid-fails-CACHE-13"));
  }
  const Shoot kGlobals = [](FramePool& pool, std::uint64_t eptp) {
    pool.Invept(eptp);
    pool.InvvpidOn(1, kInvvpids[3]);
  };
  Case without = WithVpids(Quiet());
  EXPECT_EQ(Found(without, kGlobals), "");
  without.processor.ept_vpid_cap &= ~(std::uint64_t{1} << 43);
  EXPECT_THAT(Found(without, kGlobals), HasSubstr("-invvpid-fails-CACHE-13"));
}

// Bits 25 and 26 of IA32_VMX_EPT_VPID_CAP.
TEST(ProcessorsTest, ATypeThatTheProcessorDoesNotHaveFails) {
  const Shoot kSingle = [](FramePool& pool, std::uint64_t eptp) {
    pool.InveptOn(kAllProcessors, Single(eptp));
  };
  const Shoot kAllContexts = [](FramePool& pool, std::uint64_t) {
    pool.InveptOn(kAllProcessors,
                  {.kind = InvalidationKind::kInvept, .type = 2});
  };
  const Shoot kWhichever = [](FramePool& pool, std::uint64_t eptp) {
    pool.Invept(eptp);
  };
  Case single_alone = Quiet(), all_alone = Quiet();
  single_alone.processor.ept_vpid_cap &= ~(std::uint64_t{1} << 26);
  all_alone.processor.ept_vpid_cap &= ~(std::uint64_t{1} << 25);
  EXPECT_EQ(Found(single_alone, kSingle), "");
  EXPECT_EQ(Found(all_alone, kAllContexts), "");
  EXPECT_THAT(Found(all_alone, kSingle), HasSubstr("-invept-fails-CACHE-13"));
  EXPECT_THAT(Found(single_alone, kAllContexts),
              HasSubstr("-invept-fails-CACHE-13"));
  EXPECT_EQ(Found(single_alone, kWhichever), "");
  EXPECT_EQ(Found(all_alone, kWhichever), "");
}

TEST(ProcessorsTest, MemoryIsReleasedOnceNobodyReachesIt) {
  const Case unmapped = TableCase().Map(0, 0x9000, kAll).Unmap(0).Build();
  const Shoot kFirst = [](FramePool& pool, std::uint64_t eptp) {
    pool.Invept(eptp);
    pool.ReleasePage(Hpa{0x9000}, 0x1000);
  };
  EXPECT_EQ(Found(unmapped, kFirst), "");
  // It is mapped still.
  EXPECT_THAT(Found(Quiet(), kFirst), HasSubstr("-page-released-mapped-"));
  const Shoot kAfter = [](FramePool& pool, std::uint64_t eptp) {
    pool.ReleasePage(Hpa{0x9000}, 0x1000);
    pool.Invept(eptp);
  };
  EXPECT_THAT(Found(unmapped, kAfter),
              HasSubstr("-page-released-early-CACHE-9"));
  const Shoot kBetween = [](FramePool& pool, std::uint64_t eptp) {
    pool.InveptOn(3, Single(eptp));
    pool.ReleasePage(Hpa{0x9000}, 0x1000);
    pool.InveptOn(kAllProcessors - 3, Single(eptp));
  };
  EXPECT_THAT(Found(unmapped, kBetween), HasSubstr("-page-released-early-"));
  // Others are none of it.
  const Shoot kOther = [](FramePool& pool, std::uint64_t eptp) {
    pool.ReleasePage(Hpa{0xa000}, 0x1000);
    pool.Invept(eptp);
  };
  EXPECT_EQ(Found(unmapped, kOther), "");
  // What is mapped twice is released of the page that goes.
  EXPECT_EQ(Found(TableCase()
                      .Map(0, 0x9000, kAll)
                      .Map(0x40000000, 0x9000, kAll)
                      .Unmap(0)
                      .Unmap(0x40000000)
                      .Build(),
                  kFirst),
            "");
}

}  // namespace
}  // namespace eptdiff
