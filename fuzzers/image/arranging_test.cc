// Cases as a processor is asked them, put to the engine in its place: what it
// answers is permitted, and most of what is generated can be asked.
#include "oracle/processor/arranging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fuzzers/generation/generator.h"
#include "oracle/engine/engine_cache_oracle.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/processor/inquiry.h"
#include "oracle/processor/moving.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kGigabyte = std::uint64_t{1} << 30;

// What Bochs and today's processors have.
MachineLimits SomeMachine() {
  MachineLimits m;
  m.processor.maxphyaddr = 40;
  // Execute-only, 4 levels, UC, WB, 2 MBytes, 1 GByte, INVEPT, A/D, advanced
  // information, all contexts.
  m.processor.ept_vpid_cap = 0x0000'0f01'0673'4141;
  Processor& p = m.processor;
  p.ept_violation_ve = p.page_1gb = p.nx = p.pse36 = p.smep = p.smap = true;
  p.pku = p.pks = p.cet_ss = p.pcid = true;
  m.pin_based = {0x16, ~std::uint64_t{0}};
  m.primary = {0x0401'e172, 0xffff'ffff & ~(1u << 17)};
  m.secondary = {0, 0xffff'ffff & ~(1u << 23)};
  m.exit = {0x36dff, ~std::uint64_t{0}};
  m.entry = {0x11ff, ~std::uint64_t{0}};
  m.cr0 = {0x8000'0021, 0xffff'ffff};
  m.cr4 = {0x2000, 0x01f7'efff & ~(1u << 12)};
  m.vm_functions = 1;
  m.has_monitor_trap = m.has_shadow_stacks = true;
  return m;
}

// The engine, which answers whatever it is asked; with its cache where a case
// is about what is kept.
class EngineMachine : public Machine {
 public:
  void Load(const ArrangedCase& arranged, const MachineState&) override {
    const bool uses_memory = varies_ && ++loads_ % 2 == 0;
    oracle_ = arranged.keeps && !uses_memory ? static_cast<Oracle*>(&cache_)
                                             : &engine_;
    if (varies_) plants_ = loads_ % 3 == 0;
  }
  Reply Enter(const MachineState& state, bool may_wait,
              Outcome& outcome) override {
    refuses_ = puts_off_ && may_wait;
    return ReplyOf(oracle_->Enter(state, outcome));
  }
  Reply Perform(const MachineState& state, const Step& step, const Verdict&,
                Outcome& outcome, FieldSet&) override {
    if (refuses_) {
      outcome.event = Event();
      outcome.event.kind = EventKind::kVmEntryFailure;
      outcome.saved = SavedState();
      outcome.registers = RegistersOf(state);
      outcome.writes.clear();
      return Reply::kNotEntered;
    }
    const Reply reply = ReplyOf(AskOracle(*oracle_, state, step, outcome));
    if (plants_ && step.kind == StepKind::kLinearAccess &&
        outcome.event.kind == EventKind::kVmExit) {
      outcome.event.qualification ^= 2;
    }
    return reply;
  }
  bool Unload(const MachineState&, bool) override { return true; }
  std::string_view why() const override { return why_; }

  void Plant() { plants_ = true; }
  // Wrong one time in three; what was kept is used every other time.
  void Vary() { varies_ = true; }
  // Entries that may wait for an access fail with that.
  void PutOff() { puts_off_ = true; }
  void PlantInCache(engine::CacheFlaw flaw) { cache_.PlantForTesting(flaw); }

 private:
  Reply ReplyOf(Skip skip) {
    if (skip == Skip::kNone) return Reply::kAnswered;
    why_ = WordsOf(skip);
    return Reply::kHarnessError;
  }
  EngineOracle engine_;
  EngineCacheOracle cache_;
  Oracle* oracle_ = &engine_;
  std::string_view why_;
  bool plants_ = false;
  bool varies_ = false;
  unsigned loads_ = 0;
  bool puts_off_ = false;
  bool refuses_ = false;
};

struct Tried {
  int cases = 0, asked = 0, departs = 0, harness = 0, unreachable = 0,
      unmovable = 0, open = 0, kept = 0, at_entry = 0;
  // Steps that an instruction of the guest's makes.
  int invlpg = 0, invpcid = 0, wrmsr = 0, tokens = 0;
  int impossible = 0;  // a descriptor that is read without CR0.PE
  std::array<int, kHindranceCount> hindered = {};
};

void CountInstructions(const Case& c, Tried& tried) {
  const bool is_real_mode = (c.guest.cr0 & 1) == 0;
  for (const Step& step : c.steps) {
    tried.impossible += is_real_mode && step.access.implicit_supervisor;
    const InvalidationKind kind = step.invalidation.kind;
    const bool invalidates = step.kind == StepKind::kInvalidation;
    const bool writes = step.kind == StepKind::kRegisterWrite;
    tried.invlpg += invalidates && kind == InvalidationKind::kInvlpg;
    tried.invpcid += invalidates && kind == InvalidationKind::kInvpcid;
    tried.wrmsr += writes && (step.reg == GuestRegister::kEfer ||
                              step.reg == GuestRegister::kPat ||
                              step.reg == GuestRegister::kPkrs);
    tried.tokens += step.access.kind == AccessKind::kShadowStackReadModifyWrite;
  }
}

Tried Try(Machine& machine, Focus focus, std::uint64_t cases,
          bool tells = true) {
  const MachineLimits limits = SomeMachine();
  const std::vector<FreeRange> memory = {{Hpa{kGigabyte}, kGigabyte},
                                         {Hpa{1 << 24}, 1 << 28}};
  std::array<Hpa, kArrangedFrames> frames;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i] = Hpa{(1 << 20) + 4096 * i};
  }
  Mover mover(memory);
  Arranger arranger(limits);
  Inquiry inquiry(machine);
  Tried tried;
  Case c, moved;
  ArrangedCase arranged;
  for (std::uint64_t seed = 0; seed < cases; ++seed) {
    GenerateCase(seed, c, focus);
    ++tried.cases;
    if (mover.Move(c, limits.processor, moved) != Unmovable::kNone) {
      ++tried.unmovable;
      continue;
    }
    arranger.Arrange(moved, frames, arranged);
    const InquiryResult& result = inquiry.Ask(arranged);
    if (result.compared > 1) ++tried.asked;
    CountInstructions(arranged.c, tried);
    if (result.code_unreachable) ++tried.unreachable;
    for (const SeenAnswer& answer : result.seen) {
      ++tried.open;
      tried.kept += answer.kept;
    }
    ++tried.hindered[static_cast<std::size_t>(arranged.hindrance)];
    if (result.result == Result::kHarnessError) ++tried.harness;
    tried.at_entry += result.result == Result::kDeparts && result.step == 0 &&
                      result.finding.disagreements[0].field == Field::kEvent;
    if (result.result == Result::kDeparts && ++tried.departs < 5 && tells) {
      ADD_FAILURE() << "seed " << seed << ": "
                    << SignatureOf("engine", result.finding);
    }
  }
  return tried;
}

// Of a VM entry that waits for the first access, that access tells, too.
TEST(InquiryTest, TellsAnEntryThatFailsWithTheFirstAccess) {
  EngineMachine machine;
  machine.PutOff();
  const Tried tried = Try(machine, Focus::kEpt, 500, false);
  EXPECT_GT(tried.departs, 100);
  EXPECT_EQ(tried.at_entry, tried.departs);
}

std::vector<Event> EventsOf(const Verdict& verdict) {
  std::vector<Event> events;
  for (const Alternative& alternative : verdict.alternatives) {
    events.push_back(alternative.event);
  }
  return events;
}

// What is judged once is judged as it would be each time, though answers vary
// and what was kept is used every other time.
TEST(InquiryTest, AsksAgainAsIfForTheFirstTime) {
  const MachineLimits limits = SomeMachine();
  const std::vector<FreeRange> memory = {{Hpa{kGigabyte}, kGigabyte}};
  std::array<Hpa, kArrangedFrames> frames;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    frames[i] = Hpa{(1 << 20) + 4096 * i};
  }
  EngineMachine steady, varies, varies_too;
  varies.Vary();
  varies_too.Vary();
  Mover mover(memory);
  Arranger arranger(limits);
  Inquiry looks(steady), asks(varies), asks_again(varies_too);
  int departs = 0, agrees = 0, kept = 0;
  Case c, moved;
  ArrangedCase arranged;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    GenerateCase(seed, c, Focus::kCaches);
    if (mover.Move(c, limits.processor, moved) != Unmovable::kNone) continue;
    arranger.Arrange(moved, frames, arranged);
    const auto& seen = looks.Ask(arranged).seen;
    const bool keeps =
        std::any_of(seen.begin(), seen.end(),
                    [](const SeenAnswer& answer) { return answer.kept; });
    if (!keeps && seed % 32 != 0) continue;
    for (int i = 0; i < 6; ++i) {
      const InquiryResult& expected = asks.Ask(arranged);
      const InquiryResult& result =
          i == 0 ? asks_again.Ask(arranged) : asks_again.AskAgain(arranged);
      const std::string at = std::to_string(seed) + ", " + std::to_string(i);
      ASSERT_EQ(result.result, expected.result) << at;
      ASSERT_EQ(result.compared, expected.compared) << at;
      ASSERT_EQ(result.step, expected.step) << at;
      ASSERT_EQ(result.undefined, expected.undefined) << at;
      ASSERT_EQ(result.unmodelled, expected.unmodelled) << at;
      ASSERT_EQ(result.seen, expected.seen) << at;
      ASSERT_EQ(EventsOf(asks_again.verdict()), EventsOf(asks.verdict())) << at;
      departs += result.result == Result::kDeparts;
      agrees += result.result == Result::kAgrees;
    }
    kept += keeps;
  }
  EXPECT_GT(departs, 50);
  EXPECT_GT(agrees, 100);
  EXPECT_GT(kept, 20);
}

class ArrangingTest : public testing::TestWithParam<Focus> {};

TEST(ArrangingOfShadowStacksTest, AsksForTokens) {
  EngineMachine machine;
  EXPECT_GT(Try(machine, Focus::kLinear, 3000).tokens, 0);
}

TEST_P(ArrangingTest, LeavesQuestionsThatTheEngineAnswersAsPermitted) {
  EngineMachine machine;
  const Tried tried = Try(machine, GetParam(), 20000);
  EXPECT_EQ(tried.departs, 0);
  EXPECT_EQ(tried.harness, 0);
  EXPECT_GT(tried.asked, tried.cases / 4);
  for (std::size_t i = 1; i < kHindranceCount; ++i) {
    if (tried.hindered[i] == 0) continue;
    RecordProperty(std::string(WordsOf(static_cast<Hindrance>(i))),
                   tried.hindered[i]);
  }
  RecordProperty("unmovable", tried.unmovable);
  RecordProperty("asked", tried.asked);
  EXPECT_LT(tried.unreachable, tried.cases / 5);
  EXPECT_EQ(tried.impossible, 0);
}

TEST(ArrangingOfDescriptorsTest, LeavesOutModesThatReadNone) {
  EngineMachine machine;
  const Tried tried = Try(machine, Focus::kLinear, 5000);
  EXPECT_GT(tried.hindered[static_cast<std::size_t>(Hindrance::kRealMode)], 0);
}

// What was kept is used now and then, and seen to be.
TEST(ArrangingOfCachesTest, TellsAnswersThatRestOnWhatWasKept) {
  EngineMachine machine;
  const Tried tried = Try(machine, Focus::kCaches, 3000);
  EXPECT_GT(tried.kept, 20);
  EXPECT_GT(tried.open, tried.kept);
  EXPECT_GT(tried.invlpg, 0);
  EXPECT_GT(tried.invpcid, 0);
  EXPECT_GT(tried.wrmsr, 0);
}

TEST(ArrangingOfCachesTest, ShowsWhatIsKeptTooLong) {
  for (const char* flaw : {"cache-invept-single", "cache-invept-all"}) {
    const auto planted = CacheFlawNamed(flaw);
    ASSERT_TRUE(planted.has_value()) << flaw;
    EngineMachine machine;
    machine.PlantInCache(*planted);
    EXPECT_GT(Try(machine, Focus::kCaches, 3000, false).departs, 0) << flaw;
  }
}

TEST_P(ArrangingTest, ShowsAnAnswerThatIsWrong) {
  EngineMachine machine;
  machine.Plant();
  EXPECT_GT(Try(machine, GetParam(), 2000, false).departs, 100);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ArrangingTest,
                         testing::Values(Focus::kEpt, Focus::kLinear,
                                         Focus::kCaches));

}  // namespace
}  // namespace eptdiff
