#include "oracle/history.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace eptdiff {
namespace {

constexpr Hpa kWord{0x4008};

ProcessorContext WithEptp(std::uint64_t eptp) {
  ProcessorContext context;
  context.controls.eptp = eptp;
  return context;
}

// A step of `processor` that leaves `after` there and stores `value`.
void Add(History& history, std::uint8_t processor,
         const ProcessorContext& after, Hpa word, std::uint64_t value,
         std::uint64_t old) {
  PastStep past;
  past.processor = processor;
  Outcome outcome;
  outcome.writes.push_back({word, value});
  history.Add(past, after, outcome, {{old}});
}

TEST(HistoryTest, AWordHasTheVersionThatTheStepBeforeAMomentLeft) {
  History history;
  history.Begin({});
  EXPECT_TRUE(history.VersionsOf(kWord).empty());
  Add(history, 0, {}, kWord, 7, 5);
  Add(history, 0, {}, Hpa{0x5000}, 1, 0);
  Add(history, 1, {}, kWord, 9, 7);
  EXPECT_EQ(history.now(), 3u);
  const auto versions = history.VersionsOf(kWord);
  ASSERT_EQ(versions.size(), 3u);
  EXPECT_EQ(versions[0].from, 0u);
  EXPECT_EQ(versions[0].value, 5u);
  EXPECT_EQ(versions[1].from, 1u);
  EXPECT_EQ(versions[1].value, 7u);
  EXPECT_EQ(versions[2].from, 3u);
  EXPECT_EQ(versions[2].value, 9u);
  ASSERT_EQ(history.VersionsOf(Hpa{0x5000}).size(), 2u);
  EXPECT_EQ(history.VersionsOf(Hpa{0x5000})[1].from, 2u);
}

TEST(HistoryTest, EachProcessorHasItsOwnContexts) {
  History history;
  history.Begin(WithEptp(0x1000));
  Add(history, 0, WithEptp(0x2000), kWord, 1, 0);
  Add(history, 1, WithEptp(0x3000), kWord, 2, 1);
  Add(history, 0, WithEptp(0x1000), kWord, 3, 2);
  const std::vector<std::uint64_t> kOfTheFirst = {0x1000, 0x2000, 0x2000,
                                                  0x1000};
  const std::vector<std::uint64_t> kOfTheSecond = {0x1000, 0x1000, 0x3000,
                                                   0x3000};
  for (std::size_t moment = 0; moment <= history.now(); ++moment) {
    EXPECT_EQ(history.ContextAt(0, moment).controls.eptp, kOfTheFirst[moment]);
    EXPECT_EQ(history.ContextAt(1, moment).controls.eptp, kOfTheSecond[moment]);
  }
  EXPECT_EQ(history.StepTo(2).processor, 1);
}

TEST(HistoryTest, BeginsAnewAndIsFullBeforeItsMomentsEnd) {
  History history;
  history.Begin({});
  for (std::size_t i = 1; i < History::kMaxMoments; ++i) {
    ASSERT_FALSE(history.full()) << i;
    Add(history, 0, WithEptp(i << 12), kWord, i, i - 1);
  }
  EXPECT_TRUE(history.full());
  history.Begin(WithEptp(0x7000));
  EXPECT_FALSE(history.full());
  EXPECT_EQ(history.now(), 0u);
  EXPECT_TRUE(history.VersionsOf(kWord).empty());
  EXPECT_EQ(history.ContextAt(0, 0).controls.eptp, 0x7000u);
}

}  // namespace
}  // namespace eptdiff
