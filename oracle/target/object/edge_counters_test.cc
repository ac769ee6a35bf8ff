#include "oracle/target/object/edge_counters.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace eptdiff {
namespace {

TEST(EdgeCountersTest, HowOftenAnEdgeIsTakenCountsByPowersOfTwo) {
  struct Step {
    std::uint8_t count;
    bool news;
  };
  const Step kSteps[] = {{1, true},   {1, false},  {2, true},  {3, true},
                         {4, true},   {7, false},  {8, true},  {15, false},
                         {16, true},  {31, false}, {32, true}, {127, false},
                         {128, true}, {255, false}};
  EdgeCounters counters;
  std::vector<std::uint8_t> bytes(21);
  counters.Listen(true);
  counters.Announce(bytes);
  const auto map = std::make_unique<EdgeMap>();
  for (const Step& step : kSteps) {
    bytes[20] = step.count;
    EXPECT_EQ(counters.AddTo(*map, true), step.news) << int{step.count};
    EXPECT_EQ(bytes[20], 0) << "it is set back";
  }
  EXPECT_EQ(map->count.covered, 1u);
}

TEST(EdgeCountersTest, WithoutCountsAnEdgeIsNewOnce) {
  EdgeCounters counters;
  std::vector<std::uint8_t> bytes(9);
  counters.Listen(true);
  counters.Announce(bytes);
  const auto map = std::make_unique<EdgeMap>();
  for (const std::uint8_t count : {2, 4, 1}) {
    bytes[3] = count;
    EXPECT_EQ(counters.AddTo(*map, false), count == 2) << int{count};
  }
}

TEST(EdgeCountersTest, GuardsAndCountersOfSeveralModulesAreApart) {
  EdgeCounters counters;
  std::vector<std::uint8_t> own(4);
  std::vector<std::uint8_t> first(8);
  std::vector<std::uint8_t> second(8);
  std::vector<std::uint32_t> guards(3);
  counters.Announce(own);  // of this program: nobody listens
  counters.Listen(true);
  counters.Announce(first);
  counters.Announce(guards);
  counters.Announce(guards);
  counters.Announce(second);
  EXPECT_EQ(counters.edges(), 19u);
  const auto map = std::make_unique<EdgeMap>();
  first[7] = second[7] = 1;
  counters.Count(guards[2]);
  counters.Count(0);  // a guard of a module that nobody listened to
  EXPECT_TRUE(counters.AddTo(*map, true));
  EXPECT_EQ(map->count.covered, 3u);
  second[0] = 1;
  counters.Clear();
  EXPECT_FALSE(counters.AddTo(*map, true));
}

}  // namespace
}  // namespace eptdiff
