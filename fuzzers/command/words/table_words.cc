#include "fuzzers/command/words/table_words.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/encoding/canonical.h"
#include "oracle/builder/judge/turns.h"

namespace eptdiff {
namespace {

const char* Verb(TableOperationKind kind) {
  switch (kind) {
    case TableOperationKind::kMap:
    case TableOperationKind::kMapRegion:
      return "map";
    case TableOperationKind::kUnmap:
    case TableOperationKind::kUnmapRegion:
      return "unmap";
    case TableOperationKind::kRemap:
      return "remap";
    case TableOperationKind::kProtect:
    case TableOperationKind::kProtectRegion:
      return "protect";
    case TableOperationKind::kSplit:
      return "split";
    case TableOperationKind::kMergeRegion:
      return "merge";
    case TableOperationKind::kClearFlags:
      return "clear the flags of";
    case TableOperationKind::kLogOn:
      return "begin to log which pages are written to";
    case TableOperationKind::kLogOff:
      return "log no more which pages are written to";
    case TableOperationKind::kLogAsk:
      return "tell what the log has of";
    case TableOperationKind::kLogClear:
      return "tell and clear what the log has of";
  }
  return "?";
}

const char* PageWords(unsigned level) {
  constexpr const char* kNames[] = {"?", "4 KByte", "2 MByte", "1 GByte"};
  return level <= 3 ? kNames[level] : kNames[0];
}

// Before which stores a processor comes in between.
std::string MomentWords(unsigned moments) {
  constexpr unsigned kLast = 6;
  std::string words;
  for (unsigned i = 0; i <= kLast; ++i) {
    if ((moments >> i & 1) == 0) continue;
    absl::StrAppend(&words, words.empty() ? "" : ", ", i + 1,
                    i == kLast ? " and later" : "");
  }
  return absl::StrCat("a processor uses the page before store ", words);
}

// When an operation and the one before it change over.
std::string ScheduleWords(std::uint8_t bits) {
  const auto schedule = Turns::Schedule::Of(bits);
  std::string words =
      absl::StrCat("by another thread, which begins before store ",
                   schedule.store, " of the operation before");
  if (schedule.access != 0) {
    absl::StrAppend(&words, ", and waits for its end before access ",
                    schedule.access);
  }
  return words;
}

}  // namespace

std::string TableOperationWords(const Step& step) {
  const TableOperation& operation = step.operation;
  const TableOperationFields fields = FieldsOf(operation.kind);
  std::string words = Verb(operation.kind);
  if (fields.bytes) {
    absl::StrAppend(&words, " ", Hexadecimal(operation.bytes), " bytes");
  } else if (fields.gpa) {
    absl::StrAppend(&words, " the page");
  }
  if (fields.gpa) {
    absl::StrAppend(&words, " at guest-physical ",
                    Hexadecimal(operation.gpa.value));
  }
  if (fields.hpa) {
    absl::StrAppend(&words, " to host-physical ",
                    Hexadecimal(operation.hpa.value));
  }
  if (fields.level) {
    absl::StrAppend(&words, ", ",
                    fields.bytes ? "pages of at most " : "a page of ",
                    PageWords(operation.level));
  }
  if (fields.flags) {
    absl::StrAppend(&words, ", flags ", Hexadecimal(operation.flags));
  }
  if (operation.view == kAllViews) {
    absl::StrAppend(&words, "; in all views");
  } else if (operation.view != 0) {
    absl::StrAppend(&words, "; in view ", operation.view);
  }
  if (operation.failing_allocation != 0) {
    absl::StrAppend(&words, "; frame ", operation.failing_allocation,
                    " is not to be had");
  }
  if (step.processor != 0) {
    absl::StrAppend(&words, "; ", ScheduleWords(operation.meanwhile));
  } else if (operation.meanwhile != 0) {
    absl::StrAppend(&words, "; ", MomentWords(operation.meanwhile));
  }
  return words;
}

}  // namespace eptdiff
