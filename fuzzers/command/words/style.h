// Colour and the terminal. Thread-safety: plain values.
#ifndef EPTDIFF_FUZZERS_COMMAND_WORDS_STYLE_H_
#define EPTDIFF_FUZZERS_COMMAND_WORDS_STYLE_H_

#include <cstdio>
#include <string>

#include "absl/strings/string_view.h"

namespace eptdiff {

// Whether to colour what goes to `stream`. `choice` is "always", "never" or
// "auto": on a terminal that understands it, unless NO_COLOR is set.
bool WantsColour(absl::string_view choice, std::FILE* stream);

// Whether a line can be drawn again on `stream`.
bool IsTerminal(std::FILE* stream);

// As much of `line` as one line of the terminal holds, so that it can be drawn
// again; all of it if `stream` is none, or does not know its width.
std::string CutToTerminal(absl::string_view line, std::FILE* stream);

// Marks pieces of text; does nothing without colour.
class Style {
 public:
  explicit Style(bool colour) : colour_(colour) {}

  std::string Bold(absl::string_view text) const { return Marked("1", text); }
  std::string Dim(absl::string_view text) const { return Marked("2", text); }
  std::string Good(absl::string_view text) const { return Marked("32", text); }
  std::string Bad(absl::string_view text) const { return Marked("1;31", text); }
  std::string Rule(absl::string_view text) const { return Marked("33", text); }

 private:
  std::string Marked(absl::string_view code, absl::string_view text) const;

  bool colour_;
};

// `text` in lines of at most 80 columns, each after `indent` spaces.
std::string Wrapped(absl::string_view text, std::size_t indent);

// The same, with `lead` at its beginning and the lines after the first four
// columns further in. `styled` is how the lead is to look, "" for as it is.
std::string Item(std::size_t indent, absl::string_view lead,
                 absl::string_view styled, absl::string_view text);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_WORDS_STYLE_H_
