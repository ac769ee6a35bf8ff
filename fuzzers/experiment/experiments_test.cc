// Experiments on the engine, with a mistake planted into the entries that it
// reads: what is found out is what was planted.
#include "fuzzers/experiment/experiments.h"

#include <bit>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/experiment/answer_fields.h"
#include "fuzzers/experiment/experiments_testing.h"
#include "fuzzers/experiment/write_forms.h"
#include "gtest/gtest.h"
#include "oracle/engine/engine_oracle.h"

namespace eptdiff {
namespace {

// What a mistaken walker takes an EPT entry for.
using Mistake =
    std::function<std::uint64_t(const Case& question, const UsedEntry& entry)>;

// What it says wrongly, after a right walk.
using MistakenAnswer = std::function<void(const Case& question, Outcome&)>;

// Answers of the engine where it reads entries so; nothing for what is no plain
// access.
class Mistaken {
 public:
  // Judged by what is declared. `answer` may change what it says.
  Mistaken(Mistake mistake, const Declared& declared, MistakenAnswer answer)
      : mistake_(std::move(mistake)),
        declared_(declared),
        answer_(std::move(answer)) {}

  std::optional<Observed> Answer(const Case& question) {
    if (question.steps.size() != 1 || !IsCanonical(question)) return {};
    const Step& step = question.steps[0];
    if (step.kind != StepKind::kGuestPhysicalAccess) return {};
    // What these give and take of rights is not left to hardware.
    if (declared_.left != nullptr && question.controls.tertiary != 0) return {};
    Case taken = question;
    UsedEntries used;
    FindUsedEntries(question, step, used);
    for (const UsedEntry& entry : used.list) {
      if (entry.kind != UsedKind::kEpt) continue;
      const std::uint64_t value = mistake_(question, entry);
      if (value != entry.value) {
        taken.memory.push_back({entry.address, value});
      }
    }
    MachineState state;
    state.declared = declared_;
    Outcome outcome;
    state.Load(taken);
    if (engine_.Enter(state, outcome) != Skip::kNone) return {};
    if (IsFailedEntry(outcome.event.kind)) return {};
    state.Begin(step);
    if (engine_.Perform(state, step, outcome) != Skip::kNone) return {};
    // A flag is set in the entry as it is.
    const bool otherwise = taken.memory.size() != question.memory.size();
    if (otherwise && !outcome.writes.empty()) return {};
    if (answer_) answer_(question, outcome);
    state.Load(question);
    auto observed = Judged(question, state, outcome);
    if (observed.has_value()) observed->before = before_;
    before_ = {step, outcome.event, outcome.saved};
    return observed;
  }

 private:
  const Mistake mistake_;
  const Declared declared_;
  const MistakenAnswer answer_;
  EngineOracle engine_;
  std::optional<Observed::Before> before_;
};

std::vector<Cause> CausesOfMistake(const Mistake& mistake,
                                   const Declared& declared = Declared(),
                                   const MistakenAnswer& answer = {}) {
  Mistaken target(mistake, declared, answer);
  return CausesOf([&](const Case& question) { return target.Answer(question); },
                  Focus::kEpt, declared);
}

// Whether a condition says that a bit of the entry itself is 1.
bool Needs(const Cause& cause, std::uint64_t bit) {
  for (const Atom& atom : cause.when) {
    if (atom.of == Atom::Of::kItself && atom.word == Word::kEntry &&
        atom.mask == bit && atom.value == bit) {
      return true;
    }
  }
  return false;
}

std::uint64_t LevelsOf(const Cause& cause) {
  for (const Atom& atom : cause.when) {
    if (atom.word == Word::kEntryLevel) return atom.mask;
  }
  return 0x3e;
}

TEST(ExperimentsTest, ABitThatIsTakenOtherwiseIsNamedWithItsLevel) {
  const std::vector<Cause> causes =
      CausesOfMistake([](const Case&, const UsedEntry& entry) {
        return entry.level == 2 ? entry.value | 2 : entry.value;
      });
  ASSERT_EQ(causes.size(), 1u) << Told(causes);
  const Cause& cause = causes[0];
  SCOPED_TRACE(Told(causes));
  EXPECT_EQ(cause.effect.kind, Effect::Kind::kTakes);
  EXPECT_EQ(cause.effect.mask, 2u);
  EXPECT_EQ(cause.effect.value, 2u);
  EXPECT_EQ(LevelsOf(cause), 1u << 2);
  EXPECT_EQ(cause.consequence, Consequence::kReaches);
  EXPECT_EQ(cause.contradicted, 0u);
}

TEST(ExperimentsTest, WhatHoldsAtAllLevelsIsSaidOfAll) {
  const std::vector<Cause> causes =
      CausesOfMistake([](const Case&, const UsedEntry& entry) {
        return entry.value & ~std::uint64_t{2};
      });
  ASSERT_EQ(causes.size(), 1u) << Told(causes);
  EXPECT_EQ(causes[0].effect.mask, 2u);
  EXPECT_GT(std::popcount(LevelsOf(causes[0])), 2);
}

TEST(ExperimentsTest, AConditionIsFoundBesideTheEffect) {
  // Bit 11, which is ignored, makes a page read-only.
  constexpr std::uint64_t kIgnored = 1 << 11;
  const std::vector<Cause> causes =
      CausesOfMistake([](const Case&, const UsedEntry& entry) {
        const bool refuses = entry.level == 1 && (entry.value & kIgnored) != 0;
        return refuses ? entry.value & ~std::uint64_t{2} : entry.value;
      });
  ASSERT_EQ(causes.size(), 1u) << Told(causes);
  SCOPED_TRACE(Told(causes));
  EXPECT_EQ(causes[0].effect.mask, 2u);
  EXPECT_TRUE(Needs(causes[0], kIgnored));
}

TEST(ExperimentsTest, AStudyThatPausesFindsTheSameAndAsksNothingTwice) {
  std::size_t pauses = 0;
  std::size_t asked[2] = {};
  std::string told[2];
  for (const bool paused : {false, true}) {
    Mistaken target(
        [](const Case&, const UsedEntry& entry) {
          return entry.level == 2 ? entry.value | 2 : entry.value;
        },
        Declared(), {});
    told[paused] = Told(CausesOf(
        [&](const Case& question) {
          ++asked[paused];
          return target.Answer(question);
        },
        Focus::kEpt, Declared(), paused ? &pauses : nullptr));
  }
  EXPECT_GT(pauses, 5u);
  EXPECT_EQ(asked[true], asked[false]);
  EXPECT_EQ(told[true], told[false]);
}

TEST(ExperimentsTest, ThreeMistakesAreTakenApart) {
  constexpr std::uint64_t kIgnored = 1 << 11;
  const std::vector<Cause> causes =
      CausesOfMistake([](const Case&, const UsedEntry& entry) {
        const bool refuses = entry.level == 1 && (entry.value & kIgnored) != 0;
        if (refuses) return entry.value & ~std::uint64_t{4};
        if (entry.level == 4) return entry.value | 2;
        return entry.level == 2 ? entry.value & ~std::uint64_t{1 << 13}
                                : entry.value;
      });
  ASSERT_EQ(causes.size(), 3u) << Told(causes);
  SCOPED_TRACE(Told(causes));
  std::map<std::uint64_t, std::uint64_t> levels;  // by mask
  for (const Cause& cause : causes) {
    levels[cause.effect.mask] = LevelsOf(cause);
    // Where one makes up for another, nothing is contradicted.
    EXPECT_EQ(cause.contradicted, 0u);
  }
  EXPECT_EQ(levels[4], 1u << 1);
  EXPECT_EQ(levels[2], 1u << 4);
  EXPECT_EQ(levels[1 << 13], 1u << 2);
}

// An entry whose rights are left to hardware: all that it can grant, if it is
// present and not misconfigured.
std::uint64_t Granted(const Case& question, std::uint64_t value) {
  const bool mbec = (question.controls.secondary >> 22 & 1) != 0;
  const bool execute_only = (question.processor.ept_vpid_cap & 1) != 0;
  const bool present = (value & (mbec ? 0x407 : 7)) != 0;
  const bool readable = (value & 1) != 0;
  const bool writable = (value & 2) != 0;
  if (!present || (!readable && (writable || !execute_only))) return value;
  // Supervisor shadow stacks, too.
  return value | 0x407 | std::uint64_t{1} << 60;
}

// A walker that leaves rights to hardware is judged so, in what is predicted as
// in what is asked.
TEST(ExperimentsTest, WhatIsLeftToHardwareContradictsNothing) {
  SlotSet left;
  for (const Slot slot : {Slot::kVio2, Slot::kVio3, Slot::kVio4, Slot::kVio5,
                          Slot::kVio6, Slot::kVio12, Slot::kVio13, Slot::kSpp4,
                          Slot::kSpp5Entry, Slot::kSpp5Vector, Slot::kSpp7}) {
    left.Add(slot);
  }
  Declared declared;
  declared.left = &left;
  constexpr std::uint64_t kBit = 1 << 12;
  const std::vector<Cause> causes = CausesOfMistake(
      [](const Case& question, const UsedEntry& entry) {
        const std::uint64_t value = Granted(question, entry.value);
        return entry.level == 1 ? value | kBit : value;
      },
      declared);
  ASSERT_EQ(causes.size(), 1u) << Told(causes);
  SCOPED_TRACE(Told(causes));
  EXPECT_EQ(causes[0].effect.mask, kBit);
  EXPECT_EQ(causes[0].effect.value, kBit);
  EXPECT_EQ(causes[0].contradicted, 0u);
}

const Mistake kNoMistake = [](const Case&, const UsedEntry& entry) {
  return entry.value;
};

TEST(ExperimentsTest, BitsThatAreInvertedAreOneCause) {
  const std::vector<Cause> causes = CausesOfMistake(
      kNoMistake, Declared(), [](const Case&, Outcome& outcome) {
        if (outcome.event.kind != EventKind::kCompleted) return;
        outcome.event.translations[0].address.value ^= 0x1000;
      });
  ASSERT_EQ(causes.size(), 1u) << Told(causes);
  SCOPED_TRACE(Told(causes));
  EXPECT_EQ(causes[0].effect.kind, Effect::Kind::kAnswers);
  EXPECT_EQ(causes[0].effect.field, Field::kAddress);
  EXPECT_EQ(causes[0].effect.form, Form::kFlipped);
  EXPECT_EQ(causes[0].effect.given, 0x1000u);
  EXPECT_TRUE(causes[0].when.empty());
  EXPECT_EQ(causes[0].contradicted, 0u);
}

// The cause of a mistaken answer, of `most` at most: one that gives something
// in place of what is right.
Effect AnswerOf(const MistakenAnswer& answer, std::size_t most = 1) {
  const std::vector<Cause> causes =
      CausesOfMistake(kNoMistake, Declared(), answer);
  EXPECT_LE(causes.size(), most) << Told(causes);
  if (causes.empty()) return {};
  EXPECT_EQ(causes[0].effect.kind, Effect::Kind::kAnswers) << Told(causes);
  EXPECT_EQ(causes[0].contradicted, 0u) << Told(causes);
  return causes[0].effect;
}

bool Exits(const Outcome& outcome) {
  return outcome.event.kind == EventKind::kVmExit ||
         outcome.event.kind == EventKind::kVirtualizationException;
}

TEST(ExperimentsTest, AFrameNumberInPlaceOfAnAddressIsNamed) {
  const Effect effect = AnswerOf([](const Case&, Outcome& outcome) {
    if (Exits(outcome)) outcome.event.gpa.value >>= 12;
  });
  EXPECT_EQ(effect.field, Field::kGpa);
  EXPECT_EQ(effect.form, Form::kFrame);
}

TEST(ExperimentsTest, WhatIsOfTheFirstDimensionIsNamed) {
  const Effect effect = AnswerOf([](const Case& question, Outcome& outcome) {
    if (Exits(outcome)) {
      outcome.event.gpa.value = question.steps[0].page.gla.value;
    }
  });
  EXPECT_EQ(effect.field, Field::kGpa);
  EXPECT_EQ(effect.form, Form::kFirstDimension);
}

TEST(ExperimentsTest, WhatIsOfAnotherEntryIsNamed) {
  const Effect effect = AnswerOf([](const Case& question, Outcome& outcome) {
    if (outcome.event.kind != EventKind::kCompleted) return;
    UsedEntries used;
    FindUsedEntries(question, question.steps[0], used);
    for (const UsedEntry& entry : used.list) {
      if (entry.kind != UsedKind::kEpt || entry.level != 3) continue;
      const std::uint64_t type = entry.value >> 3 & 7;
      if (type == 2 || type == 3 || type > 6) return;
      outcome.event.translations[0].memory_type = static_cast<MemoryType>(type);
    }
  });
  EXPECT_EQ(effect.field, Field::kMemoryType);
  EXPECT_EQ(effect.form, Form::kOfEntry);
  EXPECT_EQ(effect.was, 3u);
}

TEST(ExperimentsTest, WhatIsAsItWasBeforeIsNamed) {
  std::uint64_t last = 0;
  const Effect effect = AnswerOf([&](const Case& question, Outcome& outcome) {
    // A write leaves it as it is.
    const bool writes = question.steps[0].access.kind == AccessKind::kWrite;
    if (Exits(outcome) && writes) outcome.event.gpa.value = last;
    last = outcome.event.gpa.value;
  });
  EXPECT_EQ(effect.field, Field::kGpa);
  EXPECT_EQ(effect.form, Form::kPrevious);
}

// The page of the log; none: ~0.
std::uint64_t LogOf(const Case& question) {
  const bool logs = (question.controls.primary >> 31 & 1) != 0 &&
                    (question.controls.secondary >> 17 & 1) != 0;
  return logs ? question.controls.pml_address >> 12 : ~std::uint64_t{0};
}

TEST(ExperimentsTest, AWriteThatIsMissingMisplacedOrDoubledIsNamed) {
  const struct {
    Form form;
    std::uint64_t given;
  } kForms[] = {
      {Form::kMissing, 0}, {Form::kMisplaced, 0x18}, {Form::kDoubled, 8}};
  for (const auto& [form, given] : kForms) {
    const Effect effect = AnswerOf(
        [&](const Case& question, Outcome& outcome) {
          FixedVector<MemoryWord, kMaxStepWrites> writes;
          for (const MemoryWord& write : outcome.writes) {
            const bool log = write.address.value >> 12 == LogOf(question);
            if (!log || form == Form::kDoubled) writes.push_back(write);
            const Hpa next{write.address.value + given};
            if (log && form != Form::kMissing &&
                Before(question, next) != write.value) {
              writes.push_back({next, write.value});
            }
          }
          outcome.writes = writes;
        },
        /*most=*/form == Form::kMissing ? 1 : 2);  // it may meet an entry there
    EXPECT_EQ(effect.field, Field::kMemory);
    EXPECT_EQ(effect.form, form);
    EXPECT_EQ(effect.place, WordPlace::kLog);
    EXPECT_EQ(effect.given, given);
  }
}

TEST(ExperimentsTest, WhatIsOfTheOtherPageIsThatOfItsAnswer) {
  Observed observed;
  Event& event = observed.outcome.event;
  event.translation_count = 2;
  event.translations[0].page_shift = 21;
  event.translations[1].page_shift = 12;
  Effect effect;
  effect.form = Form::kOtherPage;
  effect.field = Field::kPageSize;
  effect.index = 1;
  EXPECT_EQ(GivenFor(effect, observed, 30), 21u);
  effect.index = 0;
  EXPECT_EQ(GivenFor(effect, observed, 30), 12u);
  event.translation_count = 1;
  EXPECT_EQ(GivenFor(effect, observed, 30), std::nullopt);
}

TEST(ExperimentsTest, ABitThatIsTakenForAnotherIsOneCause) {
  const std::vector<Cause> causes =
      CausesOfMistake([](const Case&, const UsedEntry& entry) {
        if (entry.level != 3) return entry.value;
        const std::uint64_t other = entry.value >> 1 & 2;  // bit 2 for bit 1
        return (entry.value & ~std::uint64_t{2}) | other;
      });
  ASSERT_GE(causes.size(), 1u);
  SCOPED_TRACE(Told(causes));
  EXPECT_EQ(causes[0].effect.mask, 2u);
  EXPECT_EQ(causes[0].effect.from, 4u);
  EXPECT_EQ(causes.size(), 1u);
}

}  // namespace
}  // namespace eptdiff
