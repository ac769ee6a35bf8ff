#include "fuzzers/command/lint/text_image.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kPageMask = 0xfff;

std::optional<std::uint64_t> HexadecimalIn(absl::string_view word) {
  std::string digits = absl::StrReplaceAll(word, {{"`", ""}, {"_", ""}});
  std::uint64_t value;
  if (digits.empty() || digits[0] == '-' || digits[0] == '+' ||
      !absl::SimpleHexAtoi(digits, &value)) {
    return std::nullopt;
  }
  return value;
}

struct Line {
  std::uint64_t address = 0;
  std::vector<std::uint64_t> words;
};

// What of the line says anything.
absl::string_view Content(absl::string_view line) {
  return absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
}

// None if it is no such line.
std::optional<Line> LineIn(absl::string_view content) {
  Line line;
  bool first = true;
  // gdb says which symbol it is: "0x1000 <tables+16>:".
  std::string text(content);
  const std::size_t open = text.find('<');
  const std::size_t close = text.find('>', open);
  if (open != text.npos && close != text.npos) {
    text.erase(open, close - open + 1);
  }
  for (char& c : text) {
    if (c == ':' || c == '=' || c == ',') c = ' ';
  }
  for (const absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty())) {
    const auto value = HexadecimalIn(word);
    if (!value) return std::nullopt;
    if (first) {
      line.address = *value;
    } else {
      line.words.push_back(*value);
    }
    first = false;
  }
  if (line.words.empty() || line.address % 8 != 0) return std::nullopt;
  return line;
}

}  // namespace

TextImage ReadTextImage(absl::string_view text) {
  TextImage image;
  std::size_t number = 0;
  for (const absl::string_view raw : absl::StrSplit(text, '\n')) {
    ++number;
    const absl::string_view content = Content(raw);
    if (content.empty()) continue;
    const auto line = LineIn(content);
    if (!line) {
      if (image.unread++ == 0) image.first_unread = number;
      continue;
    }
    std::uint64_t at = line->address;
    for (const std::uint64_t word : line->words) {
      image.too_many |= image.pages.size() > kMostTextPages;
      if (image.too_many) return image;
      // New pages are of zeros.
      image.pages.try_emplace(at & ~kPageMask, TablePage{})
          .first->second[(at & kPageMask) / 8] = word;
      ++image.words;
      at += 8;
    }
  }
  return image;
}

bool IsTextImage(absl::string_view text) {
  for (int lines = 0; !text.empty() && lines < 1000; ++lines) {
    const std::size_t end = text.find('\n');
    const absl::string_view raw = text.substr(0, end);
    // No line of text is as long as that.
    if (raw.size() > 4096 || raw.find('\0') != raw.npos) return false;
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    const absl::string_view content = Content(raw);
    if (!content.empty()) return LineIn(content).has_value();
  }
  return false;
}

}  // namespace eptdiff
