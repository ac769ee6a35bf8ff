#include "fuzzers/command/apart.h"

#include <unistd.h>

#include <csignal>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

TEST(ApartTest, WhatTheWorkReturnsComesBack) {
  const std::string large(1 << 20, 'x');
  const auto result = RunApart([&] { return large; }, seconds(30));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(*result, large);
}

TEST(ApartTest, CrashIsAStatus) {
  const auto result = RunApart(
      []() -> std::string {
        raise(SIGKILL);
        return "";
      },
      seconds(30));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("signal 9"));
}

TEST(ApartTest, ExitIsAStatus) {
  const auto result = RunApart([]() -> std::string { _exit(3); }, seconds(30));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kAborted);
}

TEST(ApartTest, HangIsAStatus) {
  const auto result = RunApart(
      []() -> std::string {
        for (;;) pause();
      },
      seconds(1));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace eptdiff
