#include "fuzzers/text/parse_errors.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace eptdiff {
namespace {

constexpr std::size_t kMaxReported = 10;
constexpr std::size_t kMaxQuoted = 60;

// A text may be anything: what is quoted must not reach a terminal raw.
std::string Printable(absl::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    if (control) {
      absl::StrAppend(&result, absl::CHexEscape(absl::string_view(&c, 1)));
    } else {
      result += c;
    }
  }
  return result;
}

std::string Quoted(absl::string_view line) {
  line = absl::StripAsciiWhitespace(line);
  if (line.empty()) return "";
  const bool cut = line.size() > kMaxQuoted;
  return absl::StrCat("\n    ", Printable(line.substr(0, kMaxQuoted)),
                      cut ? "..." : "");
}

}  // namespace

void ParseErrors::AddError(int line, int column, const std::string& message) {
  if (++count_ > kMaxReported) return;
  std::string place(filename_);
  if (line >= 0) absl::StrAppend(&place, ":", line + 1, ":", column + 1);
  const bool too_wide = absl::StartsWith(message, "Integer out of range");
  lines_.push_back(
      absl::StrCat(place, ": ", Printable(message),
                   too_wide ? ": no field has more than 64 bits" : "",
                   line >= 0 ? Quoted(Line(line)) : ""));
}

absl::Status ParseErrors::ToStatus() const {
  if (empty()) return absl::OkStatus();
  std::string message = absl::StrJoin(lines_, "\n");
  if (count_ > lines_.size()) {
    absl::StrAppend(&message, "\n", filename_, ": and ", count_ - lines_.size(),
                    " more mistakes");
  }
  return absl::InvalidArgumentError(message);
}

absl::string_view ParseErrors::Line(int line) const {
  absl::string_view rest = text_;
  for (; line > 0; --line) {
    const std::size_t end = rest.find('\n');
    if (end == absl::string_view::npos) return "";
    rest.remove_prefix(end + 1);
  }
  return rest.substr(0, rest.find('\n'));
}

}  // namespace eptdiff
