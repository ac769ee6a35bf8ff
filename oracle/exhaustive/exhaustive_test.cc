// The exhaustive check in the form that every run of the tests has time for,
// and that it notices what it is there to notice. ci/exhaustive is the whole.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "oracle/bochs/bochs_oracle.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/exhaustive/comparison.h"
#include "oracle/exhaustive/entry_classes.h"
#include "oracle/exhaustive/parts.h"
#include "oracle/exhaustive/setting.h"
#include "oracle/exhaustive/shapes.h"
#include "oracle/exhaustive/world.h"
#include "oracle/judgement/judge.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

void Fail(const std::string& where, const Step* step, const Finding& finding) {
  ADD_FAILURE() << SignatureOf("oracle", finding) << ": " << where
                << ", step kind "
                << (step == nullptr ? -1 : static_cast<int>(step->kind))
                << ", access "
                << (step == nullptr ? -1 : static_cast<int>(step->access.kind));
}

// A comparison of `oracle` in which each difference is a failure.
Comparison Strict(Oracle& oracle, const Dialect& dialect,
                  const std::string& where) {
  return Comparison(
      oracle, dialect,
      [where](const MachineState&, const Step* step, const Finding& finding) {
        Fail(where, step, finding);
      });
}

std::string NameOf(const testing::TestParamInfo<int>& info) {
  return std::string(NameOfLevel(static_cast<std::uint8_t>(info.param)));
}

class SingleEntriesTest : public testing::TestWithParam<int> {};

// Every value of bits 11:0 with few patterns above, under each chosen setting.
void CompareAll(int level, std::uint64_t stride, Comparison& comparison) {
  for (const Setting& setting : ChosenSettings()) {
    CompareEntries(level, setting, Patterns::kFew, stride, comparison);
  }
  testing::Test::RecordProperty("situations",
                                std::to_string(comparison.tally().situations));
}

TEST_P(SingleEntriesTest, EngineConformsEverywhere) {
  EngineOracle engine;
  Comparison comparison = Strict(engine, Dialect(), "entries");
  // A PML5E has fewer forms.
  CompareAll(GetParam(), GetParam() == 5 ? 1 : 3, comparison);
  EXPECT_GT(comparison.tally().situations, 1'000'000u);
  EXPECT_EQ(comparison.tally().skipped, 0u);
}

TEST_P(SingleEntriesTest, BochsConformsInItsDialect) {
  const std::unique_ptr<Oracle> bochs = MakeBochsOracle();
  if (bochs == nullptr) GTEST_SKIP() << "built without Bochs";
  if (GetParam() == 5) GTEST_SKIP() << "Bochs has no 5-level EPT";
  const std::optional<Dialect> dialect = FindDialect(BochsDialectName());
  ASSERT_TRUE(dialect.has_value());
  Comparison comparison = Strict(*bochs, *dialect, "entries");
  CompareAll(GetParam(), 3, comparison);
  EXPECT_GT(comparison.tally().situations, 1'000'000u);
  EXPECT_LT(comparison.tally().skipped, comparison.tally().situations / 5);
}

// Bochs is asked for the read of a page alone.
TEST_P(SingleEntriesTest, EngineAndBochsConformForRareAccesses) {
  EngineOracle engine;
  Comparison of_engine = Strict(engine, Dialect(), "accesses");
  const std::unique_ptr<Oracle> bochs = MakeBochsOracle();
  const Dialect dialect =
      bochs == nullptr ? Dialect() : *FindDialect(BochsDialectName());
  Oracle& other = bochs == nullptr ? engine : *bochs;
  Comparison of_bochs = Strict(other, dialect, "accesses");
  for (const Setting& setting : ChosenSettings()) {
    CompareRareAccesses(GetParam(), setting, 7, of_engine);
    CompareRareAccesses(GetParam(), setting, 31, of_bochs);
  }
  EXPECT_GT(of_engine.tally().situations, 100'000u);
  EXPECT_EQ(of_engine.tally().skipped, 0u);
}

INSTANTIATE_TEST_SUITE_P(Levels, SingleEntriesTest, testing::Range(1, 6),
                         NameOf);

// A sample of all settings; its number is prime, so that it meets every choice
// with every other.
TEST(EverySettingTest, EngineConforms) {
  EngineOracle engine;
  for (int level = 5; level >= 1; --level) {
    const std::vector<EntryClass> shapes = ShapesForSettings(
        ClassesOfEntries(level, ChosenSettings(), Patterns::kFew, 5));
    ASSERT_GT(shapes.size(), 10u);
    for (std::uint64_t n = 0; n < kEverySetting; n += 499) {
      const Setting setting = EverySetting(n);
      Comparison comparison = Strict(engine, Dialect(), setting.name);
      CompareShapes(level, setting, shapes, comparison);
    }
  }
}

TEST(EverySettingTest, SettingsHaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (std::uint64_t n = 0; n < kEverySetting; ++n) {
    names.insert(EverySetting(n).name);
  }
  EXPECT_EQ(names.size(), kEverySetting);
  for (const Setting& setting : ChosenSettings()) {
    EXPECT_EQ(names.count(setting.name), 1u) << setting.name;
  }
}

// The classes of a coarse sample, and every seventh of their pairs.
TEST(PairsTest, EngineConforms) {
  const std::vector<Setting> settings = ChosenSettings();
  std::vector<std::vector<EntryClass>> classes(6);
  for (int level = 1; level <= 5; ++level) {
    classes[static_cast<std::size_t>(level)] =
        ClassesOfEntries(level, settings, Patterns::kFew, 3);
  }
  EngineOracle engine;
  Comparison comparison = Strict(engine, Dialect(), "pairs");
  for (int upper = 5; upper >= 2; --upper) {
    for (int lower = upper - 1; lower >= 1; --lower) {
      for (const Setting& setting : settings) {
        ComparePairs(upper, classes[static_cast<std::size_t>(upper)], lower,
                     classes[static_cast<std::size_t>(lower)], setting, 7,
                     comparison);
      }
    }
  }
  RecordProperty("situations", std::to_string(comparison.tally().situations));
  EXPECT_GT(comparison.tally().situations, 1'000'000u);
}

TEST(EntryClassesTest, ShapesInOneClassDifferInNothingThatIsAnswered) {
  const std::vector<Setting> settings = {ChosenSettings()[0]};
  const std::vector<EntryClass> classes =
      ClassesOfEntries(2, settings, Patterns::kFew, 1);
  std::set<std::uint64_t> shapes;
  for (const EntryClass& one : classes) shapes.insert(one.shape);
  EXPECT_EQ(shapes.size(), classes.size());
  // Without A/D flags bits 8 and 9 are ignored, bit 11 always.
  for (const std::uint64_t shape : shapes) EXPECT_EQ(shape & 0xb00, 0u);
  // Absent, and each of the legal combinations of R, W and X in table entries.
  for (const std::uint64_t rights : {0, 1, 3, 4, 5, 7}) {
    EXPECT_EQ(shapes.count(rights), 1u) << rights;
  }
}

TEST(EntryClassesTest, TableEntriesDoNotEndTheWalkAndOthersDo) {
  for (const EntryClass& one :
       ClassesOfEntries(4, ChosenSettings(), Patterns::kFew, 1)) {
    const bool readable = (one.shape & 0xfffffffffffff0f8) == 0 &&
                          (one.shape & 3) != 2 && (one.shape & 7) != 0;
    if (readable) {
      EXPECT_FALSE(one.ends_walk) << std::hex << one.shape;
    }
    if ((one.shape & 0x407) == 0 || (one.shape & 0xf8) != 0) {
      EXPECT_TRUE(one.ends_walk) << std::hex << one.shape;
    }
  }
}

// The digest is the same wherever and whenever it is made. It changes with what
// is enumerated, and with what the engine answers where the SDM lets it choose.
TEST(DigestTest, IsThatOfTheRunsBefore) {
  EngineOracle engine;
  Comparison comparison = Strict(engine, Dialect(), "digest");
  for (const Setting& setting : ChosenSettings()) {
    CompareEntries(2, setting, Patterns::kFew, 61, comparison);
  }
  EXPECT_EQ(comparison.tally().situations, 328'475u);
  EXPECT_EQ(comparison.tally().digest.value(), 12510283819997420781u);
}

// A sample of some 100,000 states. Strides are prime, so that it meets every
// choice with every other.
std::uint64_t StrideOf(const EntryStates& states) {
  return states.count > 10'000'000 ? 509 : 7;
}

TEST(VmEntryTest, EngineConforms) {
  EngineOracle engine;
  for (int space = 0; space < kEntrySpaces; ++space) {
    const EntryStates& states = EntrySpace(space);
    Comparison comparison = Strict(engine, Dialect(), std::string(states.name));
    const std::uint64_t stride = StrideOf(states);
    CompareVmEntry(states, stride, comparison);
    EXPECT_EQ(comparison.tally().situations,
              (states.count + stride - 1) / stride);
    EXPECT_EQ(comparison.tally().skipped, 0u);
  }
}

// Every check, switched off or altered, is missed.
TEST(VmEntryTest, NoticesEveryCheck) {
  EngineOracle engine;
  for (const Alteration& alteration : AllAlterations()) {
    const std::string_view name = IdentifierOf(InfoOf(alteration.slot).rule);
    const bool entry =
        name.starts_with("EPTP-") || name.starts_with("GST-") ||
        (name.starts_with("CTL-") && name != "CTL-4" && name != "CTL-5");
    if (!entry) continue;
    Comparison comparison(engine, Dialect().With(alteration), nullptr);
    // Where it is looked for first: "eptp", "controls", "modes".
    const int first = name.starts_with("EPTP-")  ? 0
                      : name.starts_with("CTL-") ? 1
                                                 : 3;
    for (int i = 0; i < kEntrySpaces && comparison.tally().differing == 0;
         ++i) {
      const EntryStates& states = EntrySpace((first + i) % kEntrySpaces);
      CompareVmEntry(states, StrideOf(states), comparison);
    }
    EXPECT_GT(comparison.tally().differing, 0u) << alteration.name;
  }
}

TEST(PartsTest, HaveNamesOfTheirOwnAndUnknownOnesAreRefused) {
  const std::vector<std::string> names = PartNames();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(),
            names.size());
  EngineOracle engine;
  Comparison comparison = Strict(engine, Dialect(), "parts");
  EXPECT_FALSE(RunPart("entries-6-plain", comparison));
}

// Two that are asked at once: each has the account that it has alone, although
// they share verdicts; and not those that an alteration of the first touched.
TEST(TogetherTest, EachIsJudgedAsItIsAlone) {
  const auto tally_of = [](Comparison& comparison) {
    for (const Setting& setting : ChosenSettings()) {
      CompareEntries(1, setting, Patterns::kFew, 101, comparison);
    }
    return comparison.tally();
  };
  const Dialect altered = *FindDialect("VIO-3/off");
  EngineOracle first;
  EngineOracle second;
  Comparison first_alone(first, altered, nullptr);
  const Tally expected_of_first = tally_of(first_alone);
  Comparison second_alone = Strict(second, Dialect(), "alone");
  const Tally expected_of_second = tally_of(second_alone);
  EXPECT_GT(expected_of_first.differing, 0u);

  Comparison one(first, altered, nullptr);
  Comparison other = Strict(second, Dialect(), "together");
  one.set_also(&other);
  const Tally of_first = tally_of(one);
  const Tally& of_second = other.tally();
  EXPECT_EQ(of_first.differing, expected_of_first.differing);
  EXPECT_EQ(of_first.digest.value(), expected_of_first.digest.value());
  EXPECT_EQ(of_second.situations, expected_of_second.situations);
  EXPECT_EQ(of_second.digest.value(), expected_of_second.digest.value());
}

// The check is worth what it notices: every rule about a single entry, switched
// off or altered in the reference, is missed at the level where it applies.
TEST(SensitivityTest, NoticesEveryRuleOfOneEntry) {
  struct Alteration {
    int level;
    std::string_view name;
  };
  constexpr Alteration kAlterations[] = {
      {1, "CFG-1/off"},
      {1, "CFG-2/off"},
      {1, "CFG-3/off"},
      {1, "CFG-4/off"},
      {4, "CFG-5/off"},
      {2, "CFG-6/off"},
      {2, "CFG-7/off"},
      {3, "CFG-8/off"},
      {2, "CFG-9/off"},
      {1, "CFG-10/off"},
      {1, "CFG-11/off"},
      {3, "CFG-8/bit-12-unchecked"},
      {2, "CFG-9/bit-12-unchecked"},
      {1, "VIO-1/off"},
      {1, "VIO-2/off"},
      {1, "VIO-3/off"},
      {1, "VIO-4/off"},
      {1, "VIO-5/off"},
      {1, "VIO-6/off"},
      {1, "VIO-12/off"},
      {1, "SPP-2/off"},
      {1, "PML-1/off"},
      {1, "PML-1/without-need"},
      {1, "QUAL-0/structure-access-writes-only"},
      {1, "QUAL-6/fetch-only"},
      {1, "QUAL-13/user-execute-permission"},
      {1, "VE-4/index-of-eight-bytes"},
  };
  for (const auto& [level, name] : kAlterations) {
    const std::optional<Dialect> dialect = FindDialect(name);
    ASSERT_TRUE(dialect.has_value()) << name;
    EngineOracle engine;
    Comparison comparison(engine, *dialect, nullptr);
    for (const Setting& setting : ChosenSettings()) {
      CompareEntries(level, setting, Patterns::kFew, 7, comparison);
      if (comparison.tally().differing > 0) break;
    }
    EXPECT_GT(comparison.tally().differing, 0u) << name;
  }
}

// ... and what is true of rare accesses alone.
TEST(SensitivityTest, NoticesEveryRuleOfRareAccesses) {
  for (const char* name :
       {"SPP-2/pebs-eligible", "VE-3/pebs-too", "QUAL-7/pebs-too",
        "QUAL-16/not-of-pebs", "INFO-2/not-of-pebs", "QUAL-13/never",
        "VIO-15/read-only"}) {
    const std::optional<Dialect> dialect = FindDialect(name);
    ASSERT_TRUE(dialect.has_value()) << name;
    EngineOracle engine;
    Comparison comparison(engine, *dialect, nullptr);
    for (const Setting& setting : ChosenSettings()) {
      CompareRareAccesses(1, setting, 7, comparison);
      if (comparison.tally().differing > 0) break;
    }
    EXPECT_GT(comparison.tally().differing, 0u) << name;
  }
}

// Two entries that refuse a read cancel each other out, with one it is judged
// as it should be: nothing that single entries could show.
constexpr Alteration kTwoRefusalsCancel = {
    "VIO-2/two-refusals-cancel", Slot::kVio2,
    [](const Situation& s, std::uint64_t value) -> std::uint64_t {
      int refusals = 0;
      for (const PathEntry& used : s.path) refusals += (used.value & 1) == 0;
      return value != 0 && refusals != 2 ? 1 : 0;
    },
    "two entries that refuse a read allow it"};

TEST(SensitivityTest, PairsNoticeWhatNoSingleEntryShows) {
  const Dialect dialect = Dialect().With(kTwoRefusalsCancel);
  EngineOracle engine;
  const std::vector<Setting> settings = ChosenSettings();
  Comparison single(engine, dialect, nullptr);
  for (int level = 5; level >= 1; --level) {
    for (const Setting& setting : settings) {
      CompareEntries(level, setting, Patterns::kFew, 31, single);
    }
  }
  EXPECT_EQ(single.tally().differing, 0u);
  Comparison pairs(engine, dialect, nullptr);
  for (const Setting& setting : settings) {
    ComparePairs(3, ClassesOfEntries(3, settings, Patterns::kFew, 31), 1,
                 ClassesOfEntries(1, settings, Patterns::kFew, 31), setting, 1,
                 pairs);
    if (pairs.tally().differing > 0) break;
  }
  EXPECT_GT(pairs.tally().differing, 0u);
}

}  // namespace
}  // namespace eptdiff
