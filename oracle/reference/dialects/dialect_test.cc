#include "oracle/reference/dialect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>

#include "oracle/reference/dialects/bochs_dialect.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/dialects/silicon_dialects.h"
#include "oracle/reference/rules/situation.h"

namespace eptdiff {
namespace {

TEST(AlterationsTest, HaveNamesOfTheirOwnThatBeginWithTheRule) {
  std::set<std::string_view> names;
  for (const Alteration& alteration : AllAlterations()) {
    SCOPED_TRACE(alteration.name);
    EXPECT_TRUE(names.insert(alteration.name).second);
    const std::string rule(IdentifierOf(InfoOf(alteration.slot).rule));
    EXPECT_TRUE(alteration.name.starts_with(rule + "/"));
    EXPECT_EQ(alteration.name.find(','), std::string_view::npos);
    EXPECT_EQ(FindAlteration(alteration.name), &alteration);
  }
  EXPECT_EQ(FindAlteration("CFG-9"), nullptr);
  EXPECT_EQ(FindAlteration(""), nullptr);
}

// A clause that a report can put after "the implementation differs:".
TEST(AlterationsTest, SayInWordsWhatTheyDo) {
  std::set<std::string_view> all;
  for (const Alteration& alteration : AllAlterations()) {
    SCOPED_TRACE(alteration.name);
    EXPECT_GT(alteration.words.size(), 15u);
    EXPECT_FALSE(alteration.words.ends_with('.'));
    if (!alteration.name.ends_with("off")) {
      EXPECT_TRUE(all.insert(alteration.words).second) << "said already";
    }
  }
}

TEST(AlterationsTest, FillEverySlot) {
  std::set<Slot> off;
  std::set<Slot> varied;
  for (const Alteration& alteration : AllAlterations()) {
    (alteration.name.ends_with("off") ? off : varied).insert(alteration.slot);
  }
  for (std::size_t i = 0; i < kSlotCount; ++i) {
    const SlotInfo& info = InfoOf(static_cast<Slot>(i));
    SCOPED_TRACE(info.name);
    // Forbids nothing in the SDM; over-strict variants stand there.
    const bool prohibits =
        info.kind == SlotKind::kForbids && info.slot != Slot::kWalk7;
    EXPECT_TRUE((prohibits ? off : varied).contains(info.slot));
  }
}

TEST(DialectTest, SdmAltersNothing) {
  const Dialect sdm;
  EXPECT_EQ(sdm.name(), "sdm");
  EXPECT_TRUE(sdm.alterations().empty());
  for (std::size_t i = 0; i < kSlotCount; ++i) {
    EXPECT_FALSE(sdm.Alters(static_cast<Slot>(i)));
  }
}

TEST(DialectTest, IsFoundByName) {
  EXPECT_TRUE(FindDialect("sdm")->alterations().empty());
  EXPECT_EQ(FindDialect("bochs-3.0")->alterations().size(), 18u);
  EXPECT_EQ(FindDialect("bochs-3.0")->alterations()[12]->name,
            "GW-10/by-access");
  EXPECT_EQ(FindDialect("bochs-2026-08")->alterations().size(), 18u);
  EXPECT_EQ(FindDialect("bochs-2026-08")->alterations()[12]->name,
            "GW-10/by-upper-entries");
  // What a machine does otherwise is what its walker does, and more.
  const Dialect machine = *FindDialect("bochs-3.0-machine");
  const Dialect walker = *FindDialect("bochs-3.0");
  for (const Alteration* alteration : walker.alterations()) {
    EXPECT_TRUE(machine.Alters(alteration->slot)) << alteration->name;
  }
  const Dialect old_machine = *FindDialect("bochs-2.7-machine");
  for (const Alteration* alteration : walker.alterations()) {
    EXPECT_TRUE(old_machine.Alters(alteration->slot)) << alteration->name;
  }
  EXPECT_TRUE(old_machine.Alters(Slot::kPml2Value));
  EXPECT_FALSE(machine.Alters(Slot::kPml2Value));
  EXPECT_TRUE(machine.Alters(Slot::kGst5));
  EXPECT_FALSE(walker.Alters(Slot::kGst5));
  const std::optional<Dialect> silicon = FindDialect("silicon-skylake-sp");
  ASSERT_TRUE(silicon);
  EXPECT_EQ(silicon->name(), "silicon-skylake-sp");
  ASSERT_EQ(silicon->alterations().size(), 1u);
  EXPECT_EQ(silicon->alterations()[0]->name, "VE-1/update-despite-suppress");
  const std::optional<Dialect> listed = FindDialect("CFG-8/off,AD-2/never");
  ASSERT_TRUE(listed);
  EXPECT_EQ(listed->name(), "CFG-8/off,AD-2/never");
  ASSERT_EQ(listed->alterations().size(), 2u);
  EXPECT_EQ(listed->alterations()[1]->name, "AD-2/never");
  EXPECT_TRUE(listed->Alters(Slot::kCfg8));
  EXPECT_FALSE(listed->Alters(Slot::kCfg9));
  for (std::string_view unknown :
       {"", "bochs", "CFG-8", "CFG-8/off,", ",CFG-8/off", "cfg-8/off"}) {
    EXPECT_FALSE(FindDialect(unknown)) << unknown;
  }
}

TEST(DialectTest, OfSiliconAreFoundByTheirNamesAndSources) {
  for (const SiliconErratum& erratum : kSiliconErrata) {
    SCOPED_TRACE(std::string(erratum.dialect));
    const std::optional<Dialect> dialect = FindDialect(erratum.dialect);
    ASSERT_TRUE(dialect);
    EXPECT_FALSE(dialect->alterations().empty());
    EXPECT_NE(erratum.processors, "");
    EXPECT_NE(erratum.source, "");
  }
}

TEST(DialectTest, AlterationsApplyInOrder) {
  const auto answer = [](std::string_view names) {
    Situation s;
    s.level = 3;
    s.leaf = true;
    s.entry = 0x4000'10b7;  // a 1-GByte leaf with bit 12
    return FindDialect(names)->Answer(Slot::kCfg8, s, 1);
  };
  EXPECT_EQ(answer("CFG-8/bit-12-unchecked"), 0u);
  EXPECT_EQ(answer("CFG-8/bit-12-unchecked,CFG-8/bits-30-12"), 1u);
  EXPECT_EQ(answer("CFG-8/bits-30-12,CFG-8/bit-12-unchecked"), 0u);
}

TEST(DialectTest, GrowsAndShrinks) {
  const Dialect one = Dialect().With(*FindAlteration("CFG-8/off"));
  const Dialect two = one.With(*FindAlteration("AD-2/never"));
  EXPECT_EQ(two.alterations().size(), 2u);
  EXPECT_FALSE(two.Without(0).Alters(Slot::kCfg8));
  EXPECT_TRUE(two.Without(0).Alters(Slot::kAd2));
  EXPECT_TRUE(two.Without(1).Without(0).alterations().empty());
}

}  // namespace
}  // namespace eptdiff
