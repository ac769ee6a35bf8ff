#include "fuzzers/command/distill/apart.h"

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
  Incident incident;
  const auto result = RunApart(
      []() -> std::string {
        raise(SIGKILL);
        return "";
      },
      seconds(30), &incident);
  EXPECT_EQ(SignaturePart(incident), "crash-SIGKILL");
  EXPECT_EQ(result.status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("signal 9"));
}

TEST(ApartTest, ExitIsAStatus) {
  const auto result = RunApart([]() -> std::string { _exit(3); }, seconds(30));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kAborted);
}

TEST(ApartTest, TooMuchMemoryIsAStatus) {
  Incident incident;
  const auto result =
      RunApart([] { return std::string(std::size_t{3} << 30, 'x'); },
               seconds(30), &incident);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(SignaturePart(incident), "memory-limit");
}

TEST(ApartTest, HangIsAStatus) {
  Incident incident;
  const auto result = RunApart(
      []() -> std::string {
        for (;;) pause();
      },
      std::chrono::milliseconds(100), &incident);
  EXPECT_EQ(SignaturePart(incident), "hang-time");
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace eptdiff
