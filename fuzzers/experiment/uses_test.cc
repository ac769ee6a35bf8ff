// What entries are taken for in one use alone is learned, bit by bit: a target
// that is the reference with one slot filled otherwise.
#include "fuzzers/experiment/uses.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/experiment/experiments_testing.h"
#include "fuzzers/experiment/taken_entries.h"
#include "gtest/gtest.h"
#include "oracle/judgement/permitted.h"
#include "oracle/reference/reference.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t Bit(unsigned n) { return std::uint64_t{1} << n; }

// The bits that all entries of a path have.
template <typename Path>
std::uint64_t Common(const Path& path) {
  std::uint64_t common = ~std::uint64_t{0};
  for (const auto& used : path) common &= used.value;
  return common;
}

// Answers as the SDM has it with these alterations; steps of one kind.
std::vector<Cause> CausesWith(const std::vector<Alteration>& alterations,
                              StepKind kind, Focus focus) {
  Dialect dialect;
  for (const Alteration& alteration : alterations) {
    dialect = dialect.With(alteration);
  }
  const Reference altered(dialect);
  const auto verdict = std::make_unique<Verdict>();
  const auto trace = std::make_unique<Trace>();
  return CausesOf(
      [&](const Case& question) -> std::optional<Observed> {
        if (question.steps.size() != 1 || !IsCanonical(question)) return {};
        const Step& step = question.steps[0];
        if (step.kind != kind) return {};
        MachineState state;
        state.Load(question);
        altered.JudgeEntry(state, *verdict, *trace);
        if (verdict->standing != Standing::kJudged ||
            verdict->alternatives[0].event.kind != EventKind::kCompleted) {
          return {};
        }
        state.Begin(step);
        altered.Judge(state, step, *verdict, *trace);
        if (verdict->standing != Standing::kJudged) return {};
        return Judged(question, state,
                      PlainOutcome(verdict->alternatives[0], state));
      },
      focus);
}

// The one cause; a failure if there are more.
Cause TheCause(const std::vector<Alteration>& alterations,
               StepKind kind = StepKind::kGuestPhysicalAccess,
               Focus focus = Focus::kEpt) {
  const std::vector<Cause> causes = CausesWith(alterations, kind, focus);
  EXPECT_EQ(causes.size(), 1u) << Told(causes);
  if (causes.empty()) return {};
  EXPECT_EQ(causes[0].contradicted, 0u) << Told(causes);
  EXPECT_TRUE(IsOfEntries(causes[0].effect)) << Told(causes);
  return causes[0];
}

std::uint64_t RefusesWrites(const Situation& s, std::uint64_t) {
  return s.writes && (Common(s.path) & (Bit(2) | Bit(11))) == 0;
}

TEST(UsesTest, WhatAllowsWritesIsLearned) {
  const Cause cause = TheCause({{"", Slot::kVio3, RefusesWrites, ""}});
  EXPECT_EQ(cause.effect.part, Part::kUse);
  EXPECT_EQ(cause.effect.from, Bit(1));
  EXPECT_EQ(UseBits(cause.effect), Bit(2) | Bit(11));
  EXPECT_EQ(cause.consequence, Consequence::kReaches);
}

bool IsReadable(const Situation& s) {
  return (s.entry & (Bit(0) | Bit(9) | Bit(54))) != 0;
}
std::uint64_t IsWriteOnly(const Situation& s, std::uint64_t) {
  return !IsReadable(s) && (s.entry & Bit(1)) != 0;
}
std::uint64_t IsExecuteOnly(const Situation& s, std::uint64_t) {
  return !IsReadable(s) && !s.ExecuteOnlySupported() && (s.entry & Bit(2)) != 0;
}
std::uint64_t IsUserExecuteOnly(const Situation& s, std::uint64_t) {
  return !IsReadable(s) && !s.ExecuteOnlySupported() && s.Mbec() &&
         (s.entry & Bit(10)) != 0;
}

std::uint64_t IsPagingWriteOnly(const Situation& s, std::uint64_t) {
  return !IsReadable(s) && s.EptPagingWrite() && s.leaf &&
         (s.entry & Bit(58)) != 0;
}

TEST(UsesTest, WhatMakesAnEntryReadableWhereItIsCheckedIsLearned) {
  const Cause cause = TheCause({{"", Slot::kCfg1, IsWriteOnly, ""},
                                {"", Slot::kCfg2, IsExecuteOnly, ""},
                                {"", Slot::kCfg3, IsUserExecuteOnly, ""},
                                {"", Slot::kCfg4, IsPagingWriteOnly, ""}});
  EXPECT_EQ(cause.effect.part, Part::kConfiguration);
  EXPECT_EQ(cause.effect.from, Bit(0));
  EXPECT_EQ(UseBits(cause.effect), Bit(0) | Bit(9) | Bit(54));
}

std::uint64_t HasReservedBit(const Situation& s, std::uint64_t) {
  return s.level == 1 && (s.entry & (Bit(11) | Bit(53))) != 0;
}

TEST(UsesTest, IgnoredBitsThatAreTakenForReservedAreLearned) {
  const Cause cause = TheCause({{"", Slot::kWalk7, HasReservedBit, ""}});
  EXPECT_EQ(cause.effect.part, Part::kReserved);
  EXPECT_EQ(cause.effect.mask, Bit(11) | Bit(53));
}

// Bits 38:30 without bits 33 and 32.
std::uint64_t IndexOf(const Situation& s, std::uint64_t value) {
  return s.level == 3 ? value & ~std::uint64_t{0xc} : value;
}

TEST(UsesTest, BitsOfTheIndexAreLearned) {
  const Cause cause = TheCause({{"", Slot::kWalk1, IndexOf, ""}});
  EXPECT_EQ(cause.effect.part, Part::kIndex);
  EXPECT_EQ(cause.effect.mask, Bit(33) | Bit(32));
  EXPECT_EQ(cause.effect.value, 0u);
}

std::uint64_t RefusesGuestWrites(const Situation& s, std::uint64_t) {
  return !s.linear.fetch && !s.linear.shadow_stack && s.linear.write &&
         (s.linear.user_access || s.WriteProtect()) &&
         (Common(s.linear.path) & (Bit(1) | Bit(9))) == 0;
}

TEST(UsesTest, WhatMakesAGuestsEntryWritableIsLearned) {
  const Cause cause = TheCause({{"", Slot::kGw7Write, RefusesGuestWrites, ""}},
                               StepKind::kLinearAccess, Focus::kLinear);
  EXPECT_EQ(cause.effect.structure, Structure::kGuest);
  EXPECT_EQ(cause.effect.part, Part::kUse);
  EXPECT_EQ(cause.effect.from, Bit(1));
  EXPECT_EQ(UseBits(cause.effect), Bit(1) | Bit(9));
}

// Entry by entry, and so in the exit qualification.
bool EachAllowsWrites(const Situation& s) {
  return std::all_of(s.path.begin(), s.path.end(), [](const auto& used) {
    return (used.value & (Bit(1) | Bit(11))) != 0;
  });
}

std::uint64_t RefusesWritesOfEach(const Situation& s, std::uint64_t) {
  return s.writes && !EachAllowsWrites(s);
}

std::uint64_t TellsWrites(const Situation& s, std::uint64_t value) {
  return value != 0 ||
         (!s.not_present && !s.beyond_width && EachAllowsWrites(s));
}

TEST(UsesTest, ARightThatIsToldAsWellIsOneMistake) {
  const Cause cause = TheCause({{"", Slot::kVio3, RefusesWritesOfEach, ""},
                                {"", Slot::kQual4, TellsWrites, ""}});
  EXPECT_EQ(cause.effect.part, Part::kRight);
  EXPECT_EQ(cause.effect.from, Bit(1));
  EXPECT_EQ(cause.effect.mask, Bit(11));
  EXPECT_EQ(cause.effect.value, Bit(11));
  EXPECT_TRUE(cause.when.empty());
}

// What is seen without asking holds when it is asked.
TEST(UsesTest, WhatMayTakeNothingTakesNothing) {
  Dialect dialect;
  for (const Alteration& alteration : ThatSeeAsTaken()) {
    dialect = dialect.With(alteration);
  }
  const Reference reference(dialect);
  const auto verdict = std::make_unique<Verdict>();
  const auto trace = std::make_unique<Trace>();
  std::vector<Effect> effects;
  for (const EntryUse& use : kEntryUses) {
    for (const unsigned bit : {0, 1, 2, 7, 10, 11, 57}) {
      Effect effect{.kind = Effect::Kind::kTakes,
                    .structure = use.structure,
                    .mask = Bit(bit),
                    .from = use.bit,
                    .part = use.part};
      effects.push_back(effect);
      effect.value = effect.mask;
      effects.push_back(effect);
      for (const Part part : {Part::kWhole, Part::kBeyond}) {
        effect.mask = effect.value = Bit(40) | Bit(bit);
        effect.from = 0;
        effect.part = part;
        effects.push_back(effect);
      }
    }
  }
  const std::vector<Atom> when = {AtItself(Word::kEntryLevel, 2)};
  std::size_t nothing = 0;
  std::size_t took = 0;
  const auto try_all = [&](const Case& question,
                           const std::vector<Atom>& atoms) {
    MachineState state;
    state.Load(question);
    state.Begin(question.steps[0]);
    Reference().Judge(state, question.steps[0], *verdict, *trace);
    if (verdict->standing != Standing::kJudged) return;
    const std::vector<EntryRead> entries(trace->entries.begin(),
                                         trace->entries.end());
    for (const Effect& effect : effects) {
      TakenEntries taken(question, entries);
      taken.Add(effect, atoms);
      reference.Judge(state, question.steps[0], *verdict, *trace, &taken);
      took += taken.took();
      if (MayTake(effect, atoms, question, entries)) continue;
      ++nothing;
      EXPECT_FALSE(taken.took()) << static_cast<int>(effect.part) << " mask "
                                 << effect.mask << " from " << effect.from;
    }
  };
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Case c;
    GenerateCase(seed, c, seed % 2 == 0 ? Focus::kEpt : Focus::kLinear);
    if (c.steps.empty()) continue;
    c.steps.resize(1);
    Canonicalise(c);
    try_all(c, {});
    try_all(c, when);
  }
  EXPECT_GT(nothing, 1000u);
  EXPECT_GT(took, 1000u);
}

}  // namespace
}  // namespace eptdiff
