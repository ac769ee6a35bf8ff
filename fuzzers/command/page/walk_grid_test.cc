#include "fuzzers/command/page/walk_grid.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "oracle/rules.h"

namespace eptdiff {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

void Read(Trace& trace, Structure structure, int level, int guest_level,
          std::uint64_t address, std::uint64_t value) {
  trace.entries.push_back({structure, static_cast<std::uint8_t>(level),
                           static_cast<std::uint8_t>(guest_level), Hpa{address},
                           value});
}

// 32-bit paging over EPT of three levels: the way to the guest PDE, the PDE,
// and again for its accessed flag; the way to its PTE; the access.
Trace TwoGuestLevels() {
  Trace trace;
  for (int i = 0; i < 2; ++i) {
    Read(trace, Structure::kEpt, 3, 2, 0x1000, 0x2007);
    Read(trace, Structure::kEpt, 2, 2, 0x2000, 0x4000b7);
    if (i == 0) Read(trace, Structure::kGuest, 2, 0, 0x400000, 0x6007);
  }
  Read(trace, Structure::kEpt, 3, 1, 0x1000, 0x2007);
  Read(trace, Structure::kEpt, 2, 1, 0x2008, 0x6000b7);
  Read(trace, Structure::kGuest, 1, 0, 0x600000, 0x7007);
  Read(trace, Structure::kEpt, 3, 0, 0x1000, 0x2007);
  Read(trace, Structure::kEpt, 2, 0, 0x2010, 0x8000b5);
  return trace;
}

TEST(WalkGridTest, ARowForEachEntryOfTheGuestAndOneForTheAccess) {
  const auto rows = GridRowsOf(TwoGuestLevels());
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(rows[0].guest_level, 2);
  EXPECT_EQ(rows[0].across[3], 0u);
  EXPECT_EQ(rows[0].across[2], 1u);
  EXPECT_EQ(rows[0].end, 2u);
  EXPECT_EQ(rows[1].guest_level, 1);
  EXPECT_EQ(rows[1].end, 7u);
  EXPECT_EQ(rows[2].guest_level, 0);
  EXPECT_EQ(rows[2].across[2], 9u);
  EXPECT_FALSE(rows[2].end.has_value());
  EXPECT_THAT(GridRowsOf(Trace()), IsEmpty());
}

TEST(WalkGridTest, ARuleIsAboutTheEntryOfItsWayAndLevel) {
  const Trace trace = TwoGuestLevels();
  const auto entry = [&trace](Rule rule, int level, int guest_level) {
    return EntryOf(trace,
                   {.rule = rule,
                    .level = static_cast<std::uint8_t>(level),
                    .guest_level = static_cast<std::uint8_t>(guest_level),
                    .forbids = true});
  };
  EXPECT_EQ(entry(Rule::kVio3, 2, 0), 9u);
  EXPECT_EQ(entry(Rule::kVio3, 2, 1), 6u);
  EXPECT_EQ(entry(Rule::kVio3, 3, 2), 0u);  // as it was read first
  EXPECT_EQ(entry(Rule::kGw1, 2, 2), 2u);
  EXPECT_EQ(entry(Rule::kVio3, 1, 0), std::nullopt);
  EXPECT_EQ(entry(Rule::kEptp1, 0, 0), std::nullopt);
}

TEST(WalkGridTest, EachEntryThatMayDecideIsMarkedAndOnlyTheLastOfAWalk) {
  Trace trace = TwoGuestLevels();
  for (const int guest_level : {2, 1, 0}) {
    for (const Rule rule : {Rule::kVio3, Rule::kWalk6}) {
      trace.hits.push_back(
          {.rule = rule,
           .level = 2,
           .guest_level = static_cast<std::uint8_t>(guest_level),
           .forbids = rule == Rule::kVio3 && guest_level != 0});
    }
  }
  EXPECT_THAT(DecidingEntries(trace, {Rule::kVio3, 2}), ElementsAre(1, 6));
  EXPECT_THAT(DecidingEntries(trace, {Rule::kWalk6, 2}), ElementsAre(9));
  EXPECT_THAT(DecidingEntries(trace, {Rule::kWalk6, 1}), IsEmpty());
}

TEST(WalkGridTest, TheDecidingEntryIsMarkedAndItsBitsAreLabelled) {
  Trace trace = TwoGuestLevels();
  trace.hits.push_back({.rule = Rule::kVio3, .level = 2, .forbids = true});
  Verdict verdict;
  verdict.standing = Standing::kJudged;
  verdict.alternatives.push_back({});
  verdict.alternatives[0].decided = {Rule::kVio3, 2};
  MachineState before;
  before.controls.eptp = 0x1016;
  const std::string html = WalkGrid(before, verdict, trace, {}, "x");
  EXPECT_THAT(html, HasSubstr("decides: VIO-3 at the PDE"));
  const std::size_t mark = html.find("class=\"decides\"");
  ASSERT_NE(mark, html.npos);
  EXPECT_EQ(html.find("class=\"decides\"", mark + 1), html.npos);
  EXPECT_THAT(html.substr(mark, 400),
              AllOf(HasSubstr("0x8000b5"), HasSubstr("VIO-3 forbids it")));
  EXPECT_THAT(html,
              AllOf(HasSubstr("for the guest PTE"), HasSubstr("for the access"),
                    HasSubstr("<td>no write</td>"), HasSubstr("VIO-3, SDM"),
                    HasSubstr("EPT PDPTE"), Not(HasSubstr("EPT PML4E"))));
  // Each place that is linked to is there.
  for (std::size_t at = 0; (at = html.find("href=\"#", at)) != html.npos;
       ++at) {
    const std::string name =
        html.substr(at + 7, html.find('"', at + 7) - at - 7);
    EXPECT_THAT(html, HasSubstr("id=\"" + name + "\""));
  }
  EXPECT_EQ(WalkGrid(before, verdict, Trace(), {}, "x"), "");
}

}  // namespace
}  // namespace eptdiff
