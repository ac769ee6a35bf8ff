#include "fuzzers/command/words/style.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace eptdiff {
namespace {

absl::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

bool WantsColour(absl::string_view choice, std::FILE* stream) {
  if (choice != "auto") return choice == "always";
  return Environment("NO_COLOR").empty() && IsTerminal(stream);
}

bool IsTerminal(std::FILE* stream) {
  return isatty(fileno(stream)) == 1 && Environment("TERM") != "dumb";
}

std::string CutToTerminal(absl::string_view line, std::FILE* stream) {
  winsize size = {};
  if (!IsTerminal(stream) || ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 ||
      size.ws_col == 0) {
    return std::string(line);
  }
  // A terminal may go to the next line after its last column.
  return std::string(line.substr(0, size.ws_col - 1u));
}

std::string Style::Marked(absl::string_view code,
                          absl::string_view text) const {
  if (!colour_) return std::string(text);
  return absl::StrCat("\x1b[", code, "m", text, "\x1b[0m");
}

namespace {

std::string WrappedFrom(absl::string_view text, std::size_t first_indent,
                        std::size_t indent) {
  constexpr std::size_t kColumns = 80;
  std::string result;
  std::size_t column = 0;
  for (absl::string_view word :
       absl::StrSplit(text, absl::ByAnyChar(" \n"), absl::SkipEmpty())) {
    if (column > 0 && column + 1 + word.size() > kColumns) {
      result += "\n";
      column = 0;
    }
    if (column == 0) {
      column = result.empty() ? first_indent : indent;
      result.append(column, ' ');
    } else {
      result += " ";
      ++column;
    }
    absl::StrAppend(&result, word);
    column += word.size();
  }
  return result + "\n";
}

}  // namespace

std::string Wrapped(absl::string_view text, std::size_t indent) {
  return WrappedFrom(text, indent, indent);
}

std::string Item(std::size_t indent, absl::string_view lead,
                 absl::string_view styled, absl::string_view text) {
  std::string item =
      WrappedFrom(absl::StrCat(lead, " ", text), indent, indent + 4);
  // The lead is wrapped as it reads and coloured afterwards: what colours has
  // no width.
  const std::string prefix = std::string(indent, ' ') + std::string(lead);
  if (styled.empty() || item.compare(0, prefix.size(), prefix) != 0) {
    return item;
  }
  return absl::StrCat(std::string(indent, ' '), styled,
                      item.substr(prefix.size()));
}

}  // namespace eptdiff
