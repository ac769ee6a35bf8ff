#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "oracle/processor/report_reader.h"
#include "oracle/processor/report_writer.h"

namespace eptdiff {
namespace {

using Bytes = std::vector<std::uint8_t>;

void Append(void* to, std::string_view text) {
  static_cast<std::string*>(to)->append(text);
}

// A run with two findings, as an image writes it.
class ReportTest : public testing::Test {
 protected:
  ReportTest() : generated_(1300), moved_(1300, 0x5a) {
    for (std::size_t i = 0; i < generated_.size(); ++i) {
      generated_[i] = static_cast<std::uint8_t>(i * 7);
    }
    ReportWriter writer(Append, &log_);
    writer.Begin("0.1.0 commit 1234", 4);
    writer.Machine({.vendor = "GenuineIntel",
                    .hypervisor = {"KVMKVMKVM\0\0\0", 12},
                    .brand = "  11th Gen * 100%",
                    .firmware = "UEFI",
                    .family = 6,
                    .model = 0x8c,
                    .stepping = 1,
                    .microcode = 0xa4,
                    .arch_capabilities = 0x40});
    Processor processor;
    processor.maxphyaddr = 39;
    processor.ept_vpid_cap = 0xf0106f34141;
    processor.nx = processor.pcid = processor.ept_violation_ve = true;
    writer.ProcessorIs(processor);
    writer.Msr(0x48b, 0x1234567800000000);
    writer.Memory(0x100000, 0x3ff00000, 1);
    writer.Run({.module_cases = 7,
                .seed = 9,
                .seconds = 60,
                .repeat = 10,
                .only = "linear",
                .dialect = "bochs-3.0",
                .fields = kAllFields & ~kSavedFields});
    writer.Progress({.cases = 2, .steps = 3, .agrees = 2});
    FindingFacts finding;
    finding.number = 1;
    finding.name = "seeds/vio/a case";
    finding.index = 3;
    finding.step = 2;
    finding.signature = "eptdiff-machine-qualification7-QUAL-6-PDE";
    finding.first = {.field = Field::kQualification,
                     .index = 7,
                     .word = {},
                     .expected = 0x182,
                     .given = 0x102,
                     .why = {Rule::kWalk6, 2}};
    answer_.event.kind = EventKind::kVmExit;
    answer_.event.exit_reason = 48;
    answer_.event.qualification = 0x102;
    answer_.event.gpa = Gpa{0x123000};
    answer_.event.gla = Gla{0xffff800000001000};
    answer_.saved.rflags = 0x10002;
    answer_.saved.interruptibility = 1;
    answer_.registers.eptp = 0x4000105e;
    answer_.registers.pml_index = 510;
    answer_.registers.pdpte = {1, 2, 3, 4};
    answer_.writes.push_back({Hpa{0x40001000}, 0x40002107});
    answer_.writes.push_back({Hpa{0x40002008}, 0x40003107});
    finding.answer = answer_;
    finding.generated = generated_;
    finding.moved = moved_;
    finding.fields = kAllFields & ~SetOf(Field::kAddress);
    finding.seen = 12345;
    finding.of = 1000000;
    writer.Finding(finding);
    finding.number = 2;
    finding.answer = Outcome();
    finding.answer.event.translation_count = 1;
    finding.answer.event.translations[0] = {Hpa{0x40009123}, 21,
                                            MemoryType::kWriteBack,
                                            MemoryType::kUncacheable, 0xe};
    completed_ = finding.answer;
    writer.Finding(finding);
    finding.number = 3;
    writer.Agreed(finding);
    finding.number = 4;
    finding.answer = answer_;
    finding.keeps = true;
    writer.Asked(finding);
    writer.HarnessError("an exit that no step expects", "seeds/x", 5, 1);
    writer.Skips("the step is none of a processor", 12);
    writer.Met(Bytes{1, 2, 0x80});
    writer.Seen("kept", 5, 1000);
    writer.Variant({.name = "caches/a shape",
                    .step = 4,
                    .kept = true,
                    .event = EventKind::kCompleted,
                    .address = Hpa{0x40009123},
                    .times = 12,
                    .of = 1000});
    writer.End(end_);
  }

  static ImageReport Read(std::string_view log) {
    ReportReader reader;
    reader.Add(log);
    reader.Finish();
    return reader.report();
  }

  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::string_view rest = log_;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      lines.emplace_back(rest.substr(0, end + 1));
      rest.remove_prefix(end + 1);
    }
    return lines;
  }

  std::string log_;
  Bytes generated_, moved_;
  Outcome answer_, completed_;
  const ReportCounts end_ = {.cases = 10,
                             .steps = 22,
                             .agrees = 5,
                             .departs = 2,
                             .skipped = 2,
                             .harness = 1,
                             .milliseconds = 61000};
};

TEST_F(ReportTest, ReadsWhatWasWritten) {
  const ImageReport report = Read(log_);
  EXPECT_TRUE(report.troubles.empty()) << report.troubles[0].words;
  EXPECT_TRUE(report.begun && report.ended);
  EXPECT_EQ(report.image, "0.1.0 commit 1234");
  EXPECT_EQ(report.encoding, 4u);
  EXPECT_EQ(report.rules, kRuleCount);
  EXPECT_EQ(report.machine.vendor, "GenuineIntel");
  EXPECT_EQ(report.machine.hypervisor, "KVMKVMKVM");
  EXPECT_EQ(report.machine.brand, "11th Gen * 100%");
  EXPECT_EQ(report.machine.model, 0x8cu);
  EXPECT_EQ(report.machine.arch_capabilities, 0x40u);
  EXPECT_EQ(report.machine.processor.maxphyaddr, 39);
  EXPECT_EQ(report.machine.processor.ept_vpid_cap, 0xf0106f34141u);
  EXPECT_TRUE(report.machine.processor.ept_violation_ve);
  EXPECT_TRUE(report.machine.processor.nx);
  EXPECT_FALSE(report.machine.processor.pse36);
  EXPECT_TRUE(report.machine.processor.pcid);
  EXPECT_EQ(report.machine.msrs.at(0x48b), 0x1234567800000000u);
  ASSERT_EQ(report.machine.memory.size(), 1u);
  EXPECT_EQ(report.machine.memory[0].bytes, 0x3ff00000u);
  EXPECT_EQ(report.module_cases, 7u);
  EXPECT_EQ(report.only, "linear");
  EXPECT_EQ(report.dialect, "bochs-3.0");
  EXPECT_EQ(report.fields, kAllFields & ~kSavedFields);
  EXPECT_EQ(report.counts, end_);
  ASSERT_EQ(report.findings.size(), 2u);
  const ReportedFinding& finding = report.findings[0];
  EXPECT_EQ(finding.name, "seeds/vio/a case");
  EXPECT_EQ(finding.index, 3u);
  EXPECT_EQ(finding.step, 2u);
  EXPECT_EQ(finding.signature, "eptdiff-machine-qualification7-QUAL-6-PDE");
  EXPECT_EQ(finding.field, "qualification");
  EXPECT_EQ(finding.rule, "WALK-6");
  EXPECT_EQ(finding.expected, 0x182u);
  EXPECT_EQ(finding.given, 0x102u);
  EXPECT_EQ(finding.fields, kAllFields & ~SetOf(Field::kAddress));
  EXPECT_EQ(finding.seen, 12345u);
  EXPECT_EQ(finding.of, 1000000u);
  EXPECT_EQ(finding.answer, answer_);
  EXPECT_EQ(finding.generated, generated_);
  EXPECT_EQ(finding.moved, moved_);
  EXPECT_FALSE(finding.keeps);
  EXPECT_EQ(report.findings[1].answer, completed_);
  ASSERT_EQ(report.agreed.size(), 1u);
  EXPECT_EQ(report.agreed[0].step, 2u);
  EXPECT_EQ(report.agreed[0].answer, completed_);
  EXPECT_EQ(report.agreed[0].moved, moved_);
  ASSERT_EQ(report.asked.size(), 1u);
  EXPECT_TRUE(report.asked[0].keeps);
  EXPECT_EQ(report.asked[0].answer, answer_);
  EXPECT_EQ(report.asked[0].moved, moved_);
  ASSERT_EQ(report.harness_errors.size(), 1u);
  EXPECT_EQ(report.harness_errors[0].words, "an exit that no step expects");
  EXPECT_EQ(report.skips.at("the step is none of a processor"), 12u);
  EXPECT_EQ(report.met, (Bytes{1, 2, 0x80}));
  ASSERT_EQ(report.seen.size(), 1u);
  EXPECT_EQ(report.seen[0].times, 5u);
  ASSERT_EQ(report.variants.size(), 1u);
  const ImageReport::Variant& variant = report.variants[0];
  EXPECT_EQ(variant.name, "caches/a shape");
  EXPECT_EQ(variant.step, 4u);
  EXPECT_TRUE(variant.kept);
  EXPECT_EQ(variant.event.kind, EventKind::kCompleted);
  EXPECT_EQ(variant.event.translations[0].address, Hpa{0x40009123});
  EXPECT_EQ(variant.times, 12u);
  EXPECT_EQ(variant.of, 1000u);
}

// A log that ends at any byte: what is whole before that byte counts, and that
// it ends is said.
TEST_F(ReportTest, ALogThatIsCutGivesWhatItHas) {
  std::size_t findings = 0;
  for (std::size_t size = 0; size < log_.size(); ++size) {
    const ImageReport report = Read(std::string_view(log_).substr(0, size));
    if (size + 1 < log_.size()) {
      EXPECT_FALSE(report.ended);
      EXPECT_EQ(report.troubles.empty(), !report.begun && size < 9);
    }
    EXPECT_GE(report.findings.size(), findings);
    findings = report.findings.size();
    for (const ReportedFinding& finding : report.findings) {
      EXPECT_TRUE(finding.generated.empty() || finding.generated == generated_);
      EXPECT_TRUE(finding.moved.empty() || finding.moved == moved_);
    }
  }
  EXPECT_EQ(findings, 2u);
}

TEST_F(ReportTest, NoiseBetweenAndWithinLinesIsLeftOut) {
  std::string noisy;
  for (const std::string& line : Lines()) {
    noisy += "[    0.000000] Linux version *\r\n";
    noisy += "BIOS> " + line.substr(0, line.size() - 1) + " trailing\r\n";
    noisy += std::string("\0\xff\x1b[2J", 6) + "\n";
  }
  const ImageReport report = Read(noisy);
  EXPECT_TRUE(report.troubles.empty());
  EXPECT_TRUE(report.ended);
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].generated, generated_);
  EXPECT_EQ(report.findings[0].answer, answer_);
}

TEST_F(ReportTest, LinesMayArriveInAnyPieces) {
  ReportReader reader;
  for (std::size_t at = 0; at < log_.size(); at += 7) {
    reader.Add(std::string_view(log_).substr(at, 7));
  }
  reader.Finish();
  EXPECT_TRUE(reader.report().troubles.empty());
  EXPECT_EQ(reader.report().findings[0].moved, moved_);
}

// Any one byte of any line changed: the line counts for nothing, and is named.
TEST_F(ReportTest, ADamagedLineIsNamed) {
  const std::vector<std::string> lines = Lines();
  for (std::size_t damaged = 0; damaged < lines.size(); ++damaged) {
    for (std::size_t at = 9; at + 1 < lines[damaged].size(); at += 5) {
      std::string log;
      for (std::size_t i = 0; i < lines.size(); ++i) {
        std::string line = lines[i];
        if (i == damaged) line[at] = static_cast<char>(line[at] ^ 1);
        log += line;
      }
      const ImageReport report = Read(log);
      ASSERT_FALSE(report.troubles.empty()) << damaged << " " << at;
      EXPECT_EQ(report.troubles[0].line, damaged + 1);
      for (const ReportedFinding& finding : report.findings) {
        EXPECT_TRUE(finding.moved.empty() || finding.moved == moved_);
      }
    }
  }
}

TEST_F(ReportTest, ALostLineLosesItsCaseOnly) {
  const std::vector<std::string> lines = Lines();
  std::size_t second = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find("case number=2 at=512") != std::string::npos) second = i;
  }
  ASSERT_NE(second, 0u);
  std::string log;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i != second) log += lines[i];
  }
  const ImageReport report = Read(log);
  ASSERT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.findings[0].generated, generated_);
  EXPECT_TRUE(report.findings[1].generated.empty());
  EXPECT_EQ(report.findings[1].moved, moved_);
  ASSERT_EQ(report.troubles.size(), 1u);
  EXPECT_EQ(report.troubles[0].words, "the case of this finding is not whole");
}

TEST_F(ReportTest, PiecesOutOfTheirOrderAreNoCase) {
  std::vector<std::string> lines = Lines();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].find("case number=1 at=0 ") == std::string::npos) continue;
    std::swap(lines[i], lines[i + 1]);
    break;
  }
  std::string log;
  for (const std::string& line : lines) log += line;
  const ImageReport report = Read(log);
  EXPECT_TRUE(report.findings[0].generated.empty());
  EXPECT_EQ(report.findings[1].generated, generated_);
  EXPECT_EQ(report.troubles.size(), 1u);
}

TEST_F(ReportTest, AnotherVersionIsNotRead) {
  std::string text = "begin protocol=2 image=9 encoding=4 rules=1";
  char sum[9];
  snprintf(sum, sizeof(sum), "%08x", ReportSum(text));
  const std::string log =
      "@eptdiff " + text + " *" + sum + "\n" + log_.substr(log_.find('\n') + 1);
  const ImageReport report = Read(log);
  EXPECT_FALSE(report.begun);
  EXPECT_TRUE(report.findings.empty());
  ASSERT_EQ(report.troubles.size(), 1u);
  EXPECT_EQ(report.troubles[0].line, 1u);
  EXPECT_EQ(report.troubles[0].words,
            "a report of version 2; this program reads version 1");
}

TEST_F(ReportTest, OfSeveralRunsTheLastCounts) {
  const std::string half = log_.substr(0, log_.size() / 2);
  const ImageReport report = Read(half + "\n" + log_);
  EXPECT_TRUE(report.ended);
  EXPECT_EQ(report.findings.size(), 2u);
  EXPECT_EQ(report.counts, end_);
  ASSERT_FALSE(report.troubles.empty());
  EXPECT_EQ(report.troubles.back().words,
            "another run begins; those before it are left out");
}

TEST_F(ReportTest, WithoutItsBeginningARunIsReadAllTheSame) {
  const ImageReport report = Read(log_.substr(log_.find('\n') + 1));
  EXPECT_EQ(report.findings.size(), 2u);
  ASSERT_EQ(report.troubles.size(), 1u);
  EXPECT_EQ(report.troubles[0].words, "the log begins in the middle of a run");
}

TEST_F(ReportTest, WhatIsNoReportHasNone) {
  for (const std::string_view log :
       {"", "\n\n\n", "@eptdiff", "@eptdiff \n", "*@eptdiff * *\n"}) {
    const ImageReport report = Read(log);
    EXPECT_FALSE(report.begun) << log;
    EXPECT_TRUE(report.findings.empty());
  }
}

}  // namespace
}  // namespace eptdiff
