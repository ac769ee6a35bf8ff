#include "fuzzers/command/report/json.h"

#include "gtest/gtest.h"

namespace eptdiff {
namespace {

TEST(JsonTest, ValuesNest) {
  JsonWriter json;
  json.Object();
  json.Key("a").Number(1);
  json.Key("b").Array();
  json.Number(0.5);
  json.String("x");
  json.Bool(true);
  json.End();
  json.Key("c").Object();
  json.End();
  json.End();
  EXPECT_EQ(std::move(json).Finish(),
            "{\n  \"a\": 1,\n  \"b\": [\n    0.5,\n    \"x\",\n    true\n  ],\n"
            "  \"c\": {}\n}\n");
}

TEST(JsonTest, StringsAreEscaped) {
  JsonWriter json;
  json.String("\"\\\n\x01");
  EXPECT_EQ(std::move(json).Finish(), "\"\\\"\\\\\\u000a\\u0001\"\n");
}

TEST(JsonTest, LargeWholeNumbersStayExact) {
  JsonWriter json;
  json.Number(123456789012.0);
  EXPECT_EQ(std::move(json).Finish(), "123456789012\n");
}

}  // namespace
}  // namespace eptdiff
