#include "oracle/target/object/traced_code.h"

#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Counts = std::vector<std::pair<std::size_t, int>>;

Counts CountsOf(TracedCode& code) {
  Counts counts;
  code.ForEachCounted([&](std::size_t place, std::uint8_t count) {
    counts.emplace_back(place, count);
  });
  return counts;
}

TEST(TracedCodeTest, PlacesAreCountedWhereverTheObjectWasLoaded) {
  for (const std::uintptr_t base : {0x10000, 0x7f0000}) {
    TracedCode code;
    code.Add(base, base + 0x1000);
    code.Add(base + 0x8000, base + 0x9000);
    for (const int offset : {0x8010, 0x20, 0x8010, 0xfff, 0x1000, 0x9000}) {
      code.Count(base + static_cast<std::uintptr_t>(offset));
    }
    code.Count(base - 1);
    EXPECT_THAT(CountsOf(code),
                ElementsAre(Pair(0x1010, 2), Pair(0x20, 1), Pair(0xfff, 1)));
    EXPECT_THAT(CountsOf(code), IsEmpty());
    code.Count(base + 0x20);
    EXPECT_THAT(CountsOf(code), ElementsAre(Pair(0x20, 1)));
  }
}

TEST(TracedCodeTest, LargeCodeFoldsAndManyPlacesAreLeftOut) {
  const auto code = std::make_unique<TracedCode>();
  code->Add(0, 8 * TracedCode::kPlaces);
  code->Count(5);
  code->Count(3 * TracedCode::kPlaces + 5);
  EXPECT_THAT(CountsOf(*code), ElementsAre(Pair(5, 2)));
  for (std::uintptr_t i = 0; i < 2 * TracedCode::kMaxCounted; ++i) {
    code->Count(i);
  }
  EXPECT_EQ(CountsOf(*code).size(), TracedCode::kMaxCounted);
}

TEST(TracedCodeTest, ThreadsThatMeetAPlaceFirstGiveItOneNumber) {
  const auto code = std::make_unique<TracedCode>();
  code->Add(0, 4096);
  const auto run = [&] {
    for (std::uintptr_t i = 0; i < 4096; ++i) code->Count(i);
  };
  std::thread other(run);
  run();
  other.join();
  EXPECT_EQ(CountsOf(*code).size(), 4096u);
}

}  // namespace
}  // namespace eptdiff
