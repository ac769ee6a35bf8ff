#include "oracle/builder/judge/write_log.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace eptdiff {
namespace {

using Kind = TableOperationKind;
using WrongKind = WriteLog::Wrong::Kind;

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000;

Interval Small(std::uint64_t gpa) { return {gpa, 0, k4K, 0}; }

class Logged {
 public:
  explicit Logged(std::uint64_t page_bytes = k4K) : page_bytes_(page_bytes) {
    Do(Kind::kLogOn);
  }

  Logged& Write(std::uint64_t gpa, bool sure = true, std::size_t view = 0) {
    log_.OnWrite(gpa, PageOf(gpa), sure, view);
    return *this;
  }
  Logged& WriteIn(std::size_t view, std::uint64_t gpa) {
    return Write(gpa, /*sure=*/true, view);
  }
  // As the next operation runs.
  Logged& Meanwhile(std::uint64_t gpa, bool loses = false) {
    meanwhile_.push_back(gpa);
    loses_ = loses;
    return *this;
  }
  Logged& Unmap(std::uint64_t gpa, std::uint64_t bytes, std::size_t view = 0) {
    log_.OnUnmapped(gpa, bytes, view);
    return *this;
  }
  // -1: nothing is wrong.
  int Do(Kind kind, const std::vector<Interval>& told = {},
         std::uint64_t gpa = 0, std::uint64_t bytes = 16 * k4K) {
    log_.Begin();
    for (const std::uint64_t each : meanwhile_) {
      log_.OnWrite(each, PageOf(each), true);
      if (loses_) log_.OnFlagLost(each, k4K);
    }
    meanwhile_.clear();
    const TableOperation operation = {
        .kind = kind, .gpa = Gpa{gpa}, .bytes = bytes};
    const auto wrong = log_.OnDone(
        operation, told, [this](std::uint64_t at) { return PageOf(at); });
    return wrong.has_value() ? static_cast<int>(wrong->kind) : -1;
  }

 private:
  Interval PageOf(std::uint64_t gpa) const {
    return {gpa & ~(page_bytes_ - 1), 0, page_bytes_, 0};
  }

  WriteLog log_;
  std::uint64_t page_bytes_;
  std::vector<std::uint64_t> meanwhile_;
  bool loses_ = false;
};

constexpr int kLost = static_cast<int>(WrongKind::kLost);
constexpr int kRaced = static_cast<int>(WrongKind::kRaced);
constexpr int kLostInView = static_cast<int>(WrongKind::kLostInView);
constexpr int kStaysInView = static_cast<int>(WrongKind::kStaysInView);
constexpr int kTooMuch = static_cast<int>(WrongKind::kTooMuch);

TEST(WriteLogTest, WhatIsWrittenIsTold) {
  EXPECT_EQ(Logged().Write(k4K).Do(Kind::kLogAsk), kLost);
  EXPECT_EQ(Logged().Write(k4K).Do(Kind::kLogAsk, {Small(k4K)}), -1);
  EXPECT_EQ(Logged().Write(k4K).Do(Kind::kLogClear), kLost);
  EXPECT_EQ(Logged().Do(Kind::kLogAsk, {Small(k4K)}), kTooMuch);
}

TEST(WriteLogTest, AskingForgetsNothingAndClearingDoes) {
  Logged log;
  log.Write(k4K);
  EXPECT_EQ(log.Do(Kind::kLogAsk, {Small(k4K)}), -1);
  EXPECT_EQ(log.Do(Kind::kLogAsk, {Small(k4K)}), -1);
  EXPECT_EQ(log.Do(Kind::kLogClear, {Small(k4K)}), -1);
  EXPECT_EQ(log.Do(Kind::kLogAsk), -1);
  EXPECT_EQ(log.Do(Kind::kLogAsk, {Small(k4K)}), kTooMuch);
  EXPECT_EQ(log.Write(k4K).Do(Kind::kLogAsk), kLost);
}

TEST(WriteLogTest, OnlyTheRegionIsAskedFor) {
  Logged log;
  log.Write(k4K).Write(3 * k4K);
  EXPECT_EQ(log.Do(Kind::kLogClear, {Small(k4K)}, k4K, k4K), -1);
  EXPECT_EQ(log.Do(Kind::kLogAsk, {Small(3 * k4K)}, k4K, k4K), kTooMuch);
  EXPECT_EQ(log.Do(Kind::kLogAsk, {}, 3 * k4K, k4K), kLost);
}

TEST(WriteLogTest, WhatIsWrittenMeanwhileIsToldNowOrNext) {
  Logged now;
  EXPECT_EQ(now.Meanwhile(k4K).Do(Kind::kLogClear, {Small(k4K)}), -1);
  EXPECT_EQ(now.Do(Kind::kLogAsk), -1);
  Logged next;
  EXPECT_EQ(next.Meanwhile(k4K).Do(Kind::kLogClear), -1);
  EXPECT_EQ(next.Do(Kind::kLogAsk), kLost);
  Logged raced;
  EXPECT_EQ(raced.Meanwhile(k4K, true).Do(Kind::kLogClear), -1);
  EXPECT_EQ(raced.Do(Kind::kLogAsk), kRaced);
}

TEST(WriteLogTest, NothingIsLoggedBeforeItIsOnNorAfterItIsOff) {
  Logged log;
  log.Write(k4K);
  EXPECT_EQ(log.Do(Kind::kLogOff), -1);
  EXPECT_EQ(log.Write(k4K).Do(Kind::kLogAsk), -1);
  EXPECT_EQ(log.Do(Kind::kLogAsk, {Small(k4K)}), kTooMuch);
  // What is written while it is turned on may be told.
  EXPECT_EQ(log.Meanwhile(k4K).Do(Kind::kLogOn), -1);
  EXPECT_EQ(log.Do(Kind::kLogAsk), -1);
  EXPECT_EQ(log.Do(Kind::kLogAsk, {Small(k4K)}), -1);
}

TEST(WriteLogTest, PagesAreToldAsTheTablesHaveThem) {
  EXPECT_EQ(Logged(k2M).Write(k4K).Do(Kind::kLogAsk, {{0, 0, k2M, 0}}, 0, k2M),
            -1);
  EXPECT_EQ(
      Logged(k2M).Write(k4K).Do(Kind::kLogAsk, {{k2M, 0, k2M, 0}}, 0, 2 * k2M),
      kTooMuch);
}

TEST(WriteLogTest, WhatIsMappedNoMoreMayBeToldOrNot) {
  EXPECT_EQ(Logged().Write(k4K).Unmap(0, 2 * k4K).Do(Kind::kLogAsk), -1);
  EXPECT_EQ(
      Logged().Write(k4K).Unmap(0, 2 * k4K).Do(Kind::kLogAsk, {Small(k4K)}),
      -1);
  EXPECT_EQ(Logged().Write(k4K).Unmap(0, k4K).Do(Kind::kLogAsk), kLost);
}

// One log for all views: whichever a page is written to in.
TEST(WriteLogTest, EachViewFeedsTheLog) {
  EXPECT_EQ(Logged().WriteIn(2, k4K).Do(Kind::kLogAsk), kLostInView);
  EXPECT_EQ(Logged().WriteIn(2, k4K).Do(Kind::kLogAsk, {Small(k4K)}), -1);
  // Of one that is lost in the first, too, that is no matter.
  EXPECT_EQ(Logged().WriteIn(2, k4K).Write(k4K).Do(Kind::kLogAsk), kLost);
  EXPECT_EQ(Logged().WriteIn(2, k4K).Write(0).Do(Kind::kLogAsk, {Small(0)}),
            kLostInView);
}

TEST(WriteLogTest, WhatIsForgottenIsForgottenInAllViews) {
  Logged log;
  log.WriteIn(0, k4K).WriteIn(1, k4K);
  EXPECT_EQ(log.Do(Kind::kLogClear, {Small(k4K)}), -1);
  Logged other = log;
  EXPECT_EQ(other.Do(Kind::kLogAsk, {Small(k4K)}), kTooMuch);
  EXPECT_EQ(log.Do(Kind::kLogAsk), -1);
  // Written to again it is told again.
  EXPECT_EQ(log.WriteIn(1, k4K).Do(Kind::kLogAsk), kStaysInView);
  EXPECT_EQ(log.Do(Kind::kLogAsk, {Small(k4K)}), -1);
  EXPECT_EQ(log.WriteIn(1, 0).Do(Kind::kLogAsk, {Small(k4K)}), kLostInView);
}

TEST(WriteLogTest, WhatOneViewUnmapsIsDueForAnother) {
  EXPECT_EQ(Logged().Write(0).Unmap(0, k4K, 1).Do(Kind::kLogAsk), kLost);
  EXPECT_EQ(Logged().WriteIn(1, 0).Unmap(0, k4K, 0).Do(Kind::kLogAsk),
            kLostInView);
  EXPECT_EQ(Logged().WriteIn(1, 0).Unmap(0, k4K, 1).Do(Kind::kLogAsk), -1);
}

TEST(WriteLogTest, WhatMayBeNoWriteMayBeToldOrNot) {
  EXPECT_EQ(Logged().Write(k4K, /*sure=*/false).Do(Kind::kLogAsk), -1);
  EXPECT_EQ(Logged().Write(k4K, /*sure=*/false).Do(Kind::kLogAsk, {Small(k4K)}),
            -1);
}

}  // namespace
}  // namespace eptdiff
