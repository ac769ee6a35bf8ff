#include "fuzzers/text/text_printer.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "fuzzers/text/case.pb.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

std::string RoundTrip(const std::string& explanation) {
  CaseFile file;
  file.set_explanation(explanation);
  CaseFile parsed;
  EXPECT_TRUE(
      google::protobuf::TextFormat::ParseFromString(PrintText(file), &parsed));
  return parsed.explanation();
}

TEST(TextPrinterTest, PatternsAreHexadecimalAndCountsDecimal) {
  CaseFile file;
  file.mutable_controls()->set_eptp(0x101e);
  file.mutable_controls()->set_pml_index(511);
  EXPECT_EQ(PrintText(file),
            "controls {\n  eptp: 0x101e\n  pml_index: 511\n}\n");
}

TEST(TextPrinterTest, RepeatedNumbersAreOneList) {
  CaseFile file;
  file.mutable_guest()->add_pdpte(0x1001);
  file.mutable_guest()->add_pdpte(0);
  EXPECT_EQ(PrintText(file), "guest {\n  pdpte: [0x1001, 0x0]\n}\n");
}

TEST(TextPrinterTest, WhatDoesNotFitOnOneLineIsABlock) {
  CaseFile file;
  auto* access = file.add_step()->mutable_guest_physical_access();
  access->set_kind(CaseFile::READ_MODIFY_WRITE);
  access->set_gpa(0xffffffff);
  access->set_size(64);
  EXPECT_EQ(PrintText(file),
            "step {\n"
            "  guest_physical_access { kind: READ_MODIFY_WRITE size: 64 "
            "gpa: 0xffffffff }\n"
            "}\n");
  access->set_gla(0xffff800000000000);
  EXPECT_EQ(PrintText(file),
            "step {\n"
            "  guest_physical_access {\n"
            "    kind: READ_MODIFY_WRITE\n"
            "    size: 64\n"
            "    gpa: 0xffffffff\n"
            "    gla: 0xffff800000000000\n"
            "  }\n"
            "}\n");
}

TEST(TextPrinterTest, LongStringsAreWrappedBetweenWords) {
  std::string text;
  for (int i = 0; i < 60; ++i) text += "word ";
  EXPECT_EQ(RoundTrip(text), text);
  CaseFile file;
  file.set_explanation(text);
  const std::vector<std::string> lines =
      absl::StrSplit(PrintText(file), '\n', absl::SkipEmpty());
  for (const std::string& line : lines) {
    EXPECT_LE(line.size(), 80u);
    EXPECT_TRUE(line.ends_with("word \"") || line == "explanation:") << line;
  }
}

TEST(TextPrinterTest, AnyStringSurvives) {
  std::string bytes;
  for (int i = 0; i < 1024; ++i) bytes.push_back(static_cast<char>(i * 7));
  for (const std::string& text :
       {std::string("\n\n"), std::string(200, 'x'), bytes,
        std::string(100, '\0'), std::string("\"'\\")}) {
    EXPECT_EQ(RoundTrip(text), text);
  }
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "\xc3\xa9";
  EXPECT_EQ(RoundTrip(accents), accents);
}

}  // namespace
}  // namespace eptdiff
