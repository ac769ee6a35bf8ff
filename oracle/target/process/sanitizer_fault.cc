#include "oracle/target/process/sanitizer_fault.h"

#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <iterator>

#include "oracle/target/process/child_process.h"

namespace eptdiff {
namespace {

// As the sanitizers' own descriptions have them.
constexpr std::string_view kFaults[] = {
    "",
    "unknown",
    // The processor notices, too: SIGSEGV.
    "null-deref",
    "wild-addr",
    "wild-jump",
    // AddressSanitizer.
    "heap-buffer-overflow",
    "heap-use-after-free",
    "dynamic-stack-buffer-overflow",
    "stack-buffer-overflow",
    "stack-buffer-underflow",
    "stack-use-after-return",
    "stack-use-after-scope",
    "stack-overflow",
    "global-buffer-overflow",
    "initialization-order-fiasco",
    "use-after-poison",
    "intra-object-overflow",
    "container-overflow",
    "double-free",
    "bad-free",
    "alloc-dealloc-mismatch",
    "new-delete-type-mismatch",
    "param-overlap",
    "negative-size-param",
    "calloc-overflow",
    "reallocarray-overflow",
    "allocation-size-too-big",
    "out-of-memory",
    "odr-violation",
    // UndefinedBehaviorSanitizer.
    "signed-integer-overflow",
    "unsigned-integer-overflow",
    "integer-divide-by-zero",
    "float-divide-by-zero",
    "float-cast-overflow",
    "invalid-shift-base",
    "invalid-shift-exponent",
    "out-of-bounds-index",
    "null-pointer-use",
    "misaligned-pointer-use",
    "insufficient-object-size",
    "pointer-overflow",
    "nullptr-with-nonzero-offset",
    "nullptr-after-nonzero-offset",
    "nullptr-with-offset",
    "implicit-signed-integer-truncation",
    "implicit-unsigned-integer-truncation",
    "implicit-integer-sign-change",
    "invalid-bool-load",
    "invalid-enum-load",
    "invalid-builtin-use",
    "invalid-null-argument",
    "invalid-null-return",
    "invalid-objc-cast",
    "function-type-mismatch",
    "dynamic-type-mismatch",
    "non-positive-vla-index",
    "alignment-assumption",
    "missing-return",
    "unreachable-call",
};
constexpr std::uint32_t kUnknown = 1;
constexpr std::uint32_t kFirstNotASignal = 5;
static_assert(std::size(kFaults) <= 64);
static_assert(kFaults[kFirstNotASignal] == "heap-buffer-overflow");

FaultReport* told_to = nullptr;

// Who reads about a fault has no use for frames of this program, or of none.
bool IsFrameOfHarness(std::string_view line) {
  return line.find(" in eptdiff::") != line.npos ||
         line.find(" in main ") != line.npos ||
         line.find("libc_start") != line.npos ||
         line.find(" in _start ") != line.npos ||
         line.find("(<unknown module>)") != line.npos;
}

bool IsFrame(std::string_view line) {
  const std::size_t at = line.find_first_not_of(' ');
  return at != line.npos && at != 0 && line[at] == '#';
}

}  // namespace

std::uint32_t FaultNamed(std::string_view description) {
  // One is part of another: the longest it is.
  std::uint32_t found = kUnknown;
  std::size_t length = 0;
  for (std::uint32_t i = kUnknown + 1; i < std::size(kFaults); ++i) {
    if (kFaults[i].size() <= length) continue;
    if (description.find(kFaults[i]) == description.npos) continue;
    found = i;
    length = kFaults[i].size();
  }
  return found;
}

std::string_view NameOfFault(std::uint32_t fault) {
  return kFaults[fault < std::size(kFaults) ? fault : kUnknown];
}

std::string WordsOfFault(std::uint32_t fault) {
  const std::string name(NameOfFault(fault));
  // That is seen without a sanitizer, too.
  return name == "stack-overflow" ? "it runs out of stack"
                                  : "the sanitizer that it was compiled with "
                                    "stops it (" +
                                        name + ")";
}

Incident IncidentOf(std::uint32_t fault) {
  if (fault > kUnknown && fault < kFirstNotASignal) {
    return {IncidentKind::kCrash, SIGSEGV};
  }
  return {IncidentKind::kSanitizer, fault};
}

void TellFaultsTo(FaultReport* report) { told_to = report; }

bool HasFault() { return told_to != nullptr && told_to->fault != 0; }

void OnFault(std::string_view description) {
  if (told_to == nullptr) return;
  // One leads to another while it is told.
  if (told_to->fault != 0) return;
  told_to->fault = FaultNamed(description);
  const std::uint64_t bit = std::uint64_t{1} << told_to->fault;
  told_to->begin = -1;
  if ((told_to->told & bit) != 0) _exit(1);
  told_to->told |= bit;
  told_to->begin = lseek(STDERR_FILENO, 0, SEEK_END);
}

std::string ExcerptOf(std::string_view text) {
  constexpr std::size_t kMaxLines = 32;
  std::string excerpt;
  std::size_t lines = 0;
  bool in_harness = false;  // the rest of a stack
  while (!text.empty() && lines < kMaxLines) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (const std::size_t id = line.find(" (BuildId: "); id != line.npos) {
      line = line.substr(0, id);
    }
    if (line.find_first_not_of("= \r") == line.npos) continue;
    in_harness = IsFrame(line) && (in_harness || IsFrameOfHarness(line));
    if (in_harness) continue;
    excerpt.append(line).append("\n");
    ++lines;
    if (line.starts_with("SUMMARY: ")) break;
  }
  return excerpt;
}

Incident FaultTexts::Take(FaultReport& report, int output) {
  last_ = report.fault;
  report.fault = 0;
  if (last_ == 0) return Incident();
  if (report.begin >= 0) {
    texts_[last_] = ExcerptOf(PrintedFrom(output, report.begin));
  }
  return IncidentOf(last_);
}

std::string FaultTexts::last() const {
  const auto found = texts_.find(last_);
  return found == texts_.end() ? "" : found->second;
}

}  // namespace eptdiff
