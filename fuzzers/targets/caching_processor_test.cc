// The processors by which builders are judged are a special case of the
// reference's model of caches: whatever they come to by what they have cached,
// the model permits. On generated cases, what becomes of the tables is told to
// the model store by store, and each answer is looked for among its own.
//
// The converse is not so: the model lets a processor cache what it never used.
// For that builders are judged without any processor, too (builder_check.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fuzzers/generation/table_generation.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/planted/planted_builder.h"
#include "oracle/judgement/permitted.h"
#include "oracle/machine_state.h"
#include "oracle/reference/caches/caching_reference.h"

namespace eptdiff {
namespace {

// The state that the model judges from, with the history of a builder's tables.
class Mirror {
 public:
  // The tables of `c` begin, under `eptp`.
  void Begin(const Case& c, std::uint64_t eptp) {
    constexpr std::uint8_t kWidest = 52;  // as ReferenceWalker has it
    constexpr std::uint64_t kVerification = 1 << 3;
    Case begun = c;
    Processor& p = begun.processor;
    p.keyid_bits += kWidest - p.maxphyaddr;
    p.maxphyaddr = kWidest;
    begun.controls.eptp = eptp;
    begun.controls.tertiary &= ~kVerification;
    state_ = std::make_unique<MachineState>();
    state_->records_history = true;
    state_->Load(begun);
    used_.clear();
    for (const Step& step : c.steps) used_.insert(step.processor);
  }

  // Whether all that happened so far fits into a history.
  bool fits() const { return state_ != nullptr && !state_->history.full(); }
  void GiveUp() { state_.reset(); }

  void Hear(const std::vector<TableEvent>& events) {
    // What is in a frame that is taken and given back nobody reports.
    std::set<std::uint64_t> taken;
    for (const TableEvent& event : events) {
      if (event.kind == TableEvent::Kind::kAllocate) {
        taken.insert(event.address.value);
      } else if (event.kind == TableEvent::Kind::kFree &&
                 taken.contains(event.address.value)) {
        return GiveUp();
      }
    }
    Outcome outcome = Nothing();
    TableEvent::Kind kind = TableEvent::Kind::kAllocate;
    const auto flush = [&] {
      if (!outcome.writes.empty()) Store(outcome);
      outcome = Nothing();
    };
    for (const TableEvent& event : events) {
      const bool fills =
          event.kind == TableEvent::Kind::kStore && event.level == 0;
      const bool gathers = fills || event.kind == TableEvent::Kind::kFlags;
      // Between stores that nobody can see nothing happens.
      if (!gathers || event.kind != kind || outcome.writes.full()) flush();
      kind = event.kind;
      if (event.kind == TableEvent::Kind::kStore ||
          event.kind == TableEvent::Kind::kFlags) {
        Write(event.address, event.after, outcome);
      } else if (event.kind == TableEvent::Kind::kInvept && !event.failed) {
        Invalidate(event, InvalidationKind::kInvept);
      } else if (event.kind == TableEvent::Kind::kInvvpid && !event.failed) {
        Invalidate(event, InvalidationKind::kInvvpid);
      }
      if (!gathers) flush();
    }
    flush();
  }

  // All that was cached is gone, or is said to be.
  void ForgetAll() {
    TableEvent event;
    event.kind = TableEvent::Kind::kInvept;
    event.type = kAllContexts;
    Invalidate(event, InvalidationKind::kInvept);
  }

  void Access(const Step& step, const Outcome& outcome) {
    state_->Begin(step);
    state_->Apply(&step, outcome);
  }

  // What the model permits to this access.
  bool Judge(const Step& step, Verdict& verdict) {
    state_->Begin(step);
    reference_.Judge(*state_, &step, verdict, trace_);
    return verdict.standing == Standing::kJudged;
  }
  Event PlainEvent(const Alternative& alternative) const {
    return PlainOutcome(alternative, *state_).event;
  }

 private:
  Outcome Nothing() const {
    Outcome outcome;
    outcome.registers = RegistersOf(*state_);
    return outcome;
  }
  void Write(Hpa address, std::uint64_t value, Outcome& outcome) const {
    for (MemoryWord& word : outcome.writes) {
      if (word.address == address) {
        word.value = value;
        return;
      }
    }
    if (state_->memory.Load(address) == value) return;
    outcome.writes.push_back({address, value});
  }
  void Store(const Outcome& outcome) {
    Step step;
    step.kind = StepKind::kStore;
    if (fits()) state_->Apply(&step, outcome);
  }
  void Invalidate(const TableEvent& event, InvalidationKind kind) {
    for (const std::uint8_t processor : used_) {
      if ((event.processors >> processor & 1) == 0 || !fits()) continue;
      Step step;
      step.kind = StepKind::kInvalidation;
      step.processor = processor;
      const bool invvpid = kind == InvalidationKind::kInvvpid;
      step.invalidation = {.kind = kind,
                           .type = event.type,
                           .first = event.after,
                           .second = invvpid ? event.address.value : 0};
      state_->Begin(step);
      state_->Apply(&step, Nothing());
    }
  }

  std::unique_ptr<MachineState> state_;
  std::set<std::uint8_t> used_;
  CachingReference reference_;
  Trace trace_;
};

struct Compared {
  int answers = 0;    // by what was cached
  int other = 0;      // of these, not what memory says
  int accesses = 0;   // at which there was one
  int elsewhere = 0;  // of these, not on the first processor
  int forbidden = 0;  // of the answers, by the model
  std::string first;  // one of those
};

// The answers of a builder's processors in generated cases, against the model.
// `forgets`: it is told that INVEPT follows each operation.
Compared Compare(std::unique_ptr<BuilderUnderTest> builder, int cases,
                 bool forgets = false) {
  BuilderTrial trial(std::move(builder));
  Mirror mirror;
  Compared compared;
  std::vector<Verdict> cached;
  const Case* running = nullptr;
  int number = 0;
  trial.set_stale_observer([&](const Step&, const Verdict& verdict) {
    if (mirror.fits() && verdict.standing == Standing::kJudged) {
      cached.push_back(verdict);
    }
  });
  Verdict permitted;
  trial.set_observer([&](const BuilderStepReport& report) {
    if (report.number == 0 && report.result.ok()) {
      mirror.Begin(*running, trial.builder().eptp());
    }
    if (!mirror.fits()) return;
    if (report.verdict == nullptr) {
      mirror.Hear(report.events);
      if (forgets && mirror.fits()) mirror.ForgetAll();
      return;
    }
    const bool judged = cached.empty() || mirror.Judge(*report.step, permitted);
    if (!judged) cached.clear();
    if (!cached.empty()) {
      ++compared.accesses;
      if (report.step->processor != 0) ++compared.elsewhere;
    }
    for (const Verdict& verdict : cached) {
      const Event event = mirror.PlainEvent(verdict.alternatives[0]);
      ++compared.answers;
      if (!(event == report.outcome->event)) ++compared.other;
      const Alternative& answer = verdict.alternatives[0];
      const bool known = std::any_of(
          permitted.alternatives.begin(), permitted.alternatives.end(),
          [&](const Alternative& a) {
            return mirror.PlainEvent(a) == event || Permits(a, answer);
          });
      if (known) continue;
      ++compared.forbidden;
      compared.first = "case " + std::to_string(number) + ", step " +
                       std::to_string(report.number);
    }
    cached.clear();
    mirror.Access(*report.step, *report.outcome);
  });
  Case c;
  for (; number < cases; ++number) {
    const auto seed = static_cast<std::uint64_t>(number);
    if (number % 4 == 0) {
      GenerateTableCase(seed, c);
    } else {
      MutateTableCase(seed, c);
    }
    mirror.GiveUp();
    cached.clear();
    running = &c;
    const bool stores = std::any_of(
        c.steps.begin(), c.steps.end(),
        [](const Step& step) { return step.kind == StepKind::kStore; });
    if (!stores) trial.Run(c);
  }
  return compared;
}

TEST(CachingProcessorTest, WhateverItUsesTheModelOfCachesPermits) {
  const Compared right = Compare(std::make_unique<EngineBuilder>(), 5000);
  EXPECT_EQ(right.forbidden, 0) << right.first;
  // Where INVEPT is right little is left but rights that were added.
  EXPECT_GT(right.answers, 20);
  EXPECT_GT(right.other, 20);
  int answers = 0, other = 0, elsewhere = 0;
  for (const char* fault :
       {"builder-invept-never", "builder-invept-missing-for-write",
        "builder-freed-before-invept"}) {
    const Compared faulty = Compare(PlantInBuilder(fault), 2000);
    EXPECT_EQ(faulty.forbidden, 0) << fault << ", " << faulty.first;
    answers += faulty.answers;
    other += faulty.other;
    elsewhere += faulty.elsewhere;
  }
  EXPECT_GT(answers, 500);
  EXPECT_GT(other, 200);
  EXPECT_GT(elsewhere, 5);
}

struct InvvpidHal : PoolHal {
  void Invept(std::uint64_t) {
    if (pool == nullptr) return;
    pool->InvvpidOn(kAllProcessors,
                    {.kind = InvalidationKind::kInvvpid, .type = 2});
  }
};

// Of INVVPID, too, which leaves the guest-physical mappings.
TEST(CachingProcessorTest, SoItIsWithInvvpidInPlaceOfInvept) {
  const Compared faulty =
      Compare(std::make_unique<BuilderOver<InvvpidHal>>(), 2000);
  EXPECT_EQ(faulty.forbidden, 0) << faulty.first;
  EXPECT_GT(faulty.answers, 100);
  EXPECT_GT(faulty.other, 50);
}

// Told of INVEPT where there was none, the model permits no such thing.
TEST(CachingProcessorTest, WhatNothingEndedTheModelForbidsOnceItIsEnded) {
  const Compared forgotten =
      Compare(PlantInBuilder("builder-invept-never"), 1000, /*forgets=*/true);
  EXPECT_GT(forgotten.forbidden, 100);
}

}  // namespace
}  // namespace eptdiff
