// One self-contained page of HTML: no script, nothing fetched, light and dark
// as the reader has it, on paper light.
//
// This folder is what people look at instead of reading: the page here, a walk
// as a grid in walk_grid.h, a case told in explanation_page.h. What is said
// comes from words/ and decode/; only how it looks is decided here. Begin with
// explanation_page.h. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_PAGE_HTML_H_
#define EPTDIFF_FUZZERS_COMMAND_PAGE_HTML_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace eptdiff {

// As it reads, in an element or an attribute.
std::string Escaped(absl::string_view text);

// <name>content</name>; `opening` may hold attributes: "td class=\"a\"".
std::string Element(absl::string_view opening, absl::string_view content);

// A list of texts; "" for none.
std::string ListOf(const std::vector<std::string>& texts);

std::string HtmlPage(absl::string_view title, absl::string_view body);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_HTML_H_
