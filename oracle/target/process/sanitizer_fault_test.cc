#include "oracle/target/process/sanitizer_fault.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "gtest/gtest.h"

namespace eptdiff {
namespace {

TEST(SanitizerFaultTest, AFaultHasTheNameOfItsKind) {
  struct Described {
    std::string_view description;
    std::string_view part;
  };
  const Described kDescribed[] = {
      {"heap-buffer-overflow", "crash-heap-buffer-overflow"},
      {"4-byte-write-heap-use-after-free", "crash-heap-use-after-free"},
      {"dynamic-stack-buffer-overflow", "crash-dynamic-stack-buffer-overflow"},
      {"1-byte-read-stack-buffer-overflow", "crash-stack-buffer-overflow"},
      {"stack-overflow", "crash-stack-overflow"},
      {"memcpy-param-overlap", "crash-param-overlap"},
      {"signed-integer-overflow", "crash-signed-integer-overflow"},
      {"unsigned-integer-overflow", "crash-unsigned-integer-overflow"},
      {"invalid-shift-exponent", "crash-invalid-shift-exponent"},
      {"of-a-kind-yet-to-come", "crash-unknown"},
      {"", "crash-unknown"},
      // As without a sanitizer.
      {"null-deref", "crash-SIGSEGV"},
      {"wild-addr-write", "crash-SIGSEGV"},
  };
  for (const Described& described : kDescribed) {
    EXPECT_EQ(SignaturePart(IncidentOf(FaultNamed(described.description))),
              described.part)
        << described.description;
  }
}

TEST(SanitizerFaultTest, AnExcerptEndsWhereTheHarnessBegins) {
  constexpr char kReport[] = R"(=====================
==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x50 at pc 0x7f
WRITE of size 1 at 0x50 thread T0
    #0 0x7f in walk walker.c:11:93 (BuildId: 0123)
    #1 0x7f in eptdiff_target_answer adapter.c:5
    #2 0x55 in eptdiff::DirectSession::AskOnce(eptdiff::Step const*) (x+0x1)
    #3 0x55 in unknown (x+0x1)

0x50 is located 0 bytes after 10-byte region [0x46,0x50)
allocated by thread T0 here:
    #0 0x7f in malloc (libasan.so+0x1)
    #1 0x7f in walk walker.c:10:5
    #2 0x101  (<unknown module>)

SUMMARY: AddressSanitizer: heap-buffer-overflow walker.c:11 in walk
Shadow bytes around the buggy address:
  0x00: fa fa
)";
  EXPECT_EQ(
      ExcerptOf(kReport),
      R"(==7==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x50 at pc 0x7f
WRITE of size 1 at 0x50 thread T0
    #0 0x7f in walk walker.c:11:93
    #1 0x7f in eptdiff_target_answer adapter.c:5
0x50 is located 0 bytes after 10-byte region [0x46,0x50)
allocated by thread T0 here:
    #0 0x7f in malloc (libasan.so+0x1)
    #1 0x7f in walk walker.c:10:5
SUMMARY: AddressSanitizer: heap-buffer-overflow walker.c:11 in walk
)");
  EXPECT_EQ(ExcerptOf("no end"), "no end\n");
}

TEST(SanitizerFaultTest, AFaultIsToldOnceAndNamedEachTime) {
  std::string path = testing::TempDir() + "fault-XXXXXX";
  const int output = mkstemp(path.data());
  ASSERT_GE(output, 0);
  unlink(path.c_str());
  const auto report = [&](FaultReport& fault) {
    fault.fault = FaultNamed("double-free");
    fault.begin = lseek(output, 0, SEEK_END);
    fault.told = 1;
    return write(output, "words\n", 6);
  };
  FaultReport fault;
  FaultTexts texts;
  EXPECT_EQ(texts.Take(fault, output).kind, IncidentKind::kNone);
  ASSERT_EQ(write(output, "before\n", 7), 7);
  ASSERT_EQ(report(fault), 6);
  const Incident incident = texts.Take(fault, output);
  EXPECT_EQ(SignaturePart(incident), "crash-double-free");
  EXPECT_EQ(texts.last(), "words\n");
  // Another time it ended at once.
  fault.fault = FaultNamed("double-free");
  fault.begin = -1;
  EXPECT_EQ(texts.Take(fault, output), incident);
  EXPECT_EQ(texts.last(), "words\n");
  // What ends otherwise has other last words.
  EXPECT_EQ(texts.Take(fault, output).kind, IncidentKind::kNone);
  EXPECT_EQ(texts.last(), "");
  close(output);
}

}  // namespace
}  // namespace eptdiff
