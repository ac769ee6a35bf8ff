// One self-contained page of HTML: no script, nothing fetched, light and dark
// as the reader has it, on paper light.
//
// This folder is what people look at instead of reading: the parts of a page
// here, its looks in style.css, curves in chart.h, rules as a heat map in
// heat_map.h, a walk as a grid in walk_grid.h; and a page for each command that
// has one, in <command>_page.h. What is said comes from words/, decode/,
// report/ and lint/; only how it looks is decided here. Begin with
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

// Names beside each other; "" for none.
std::string NamesOf(const std::vector<std::string>& names);

// A table whose roles are written out, as its rows may stand as blocks where
// there is no room. The first cell of a row is its header.
struct TableCell {
  std::string html;
  std::string look = {};  // a class of style.css
};
// `name` is for who listens.
std::string TableOf(absl::string_view look, absl::string_view name,
                    const std::vector<TableCell>& heads,
                    const std::vector<std::vector<TableCell>>& rows);

// A part of a page that says for itself what it is about.
std::string ArticleOf(absl::string_view look, absl::string_view name,
                      absl::string_view content);

// What unfolds: `summary` and `content` are HTML.
std::string Fold(absl::string_view summary, absl::string_view content,
                 bool open = false);
// The same, for what is smaller than a section: without a frame.
std::string SmallFold(absl::string_view summary, absl::string_view content);

// A bar that has `share` (0 to 1) of its room; for the eye alone, the number
// stands beside it.
std::string Bar(double share, bool bad = false);

// The head of a page.
struct PageHead {
  struct Figure {
    std::string value;  // "12,345"
    std::string words;  // "cases"
  };
  std::string command;  // "eptdiff check"
  std::string title;
  std::string verdict;  // "" for none
  bool bad = false;     // the verdict
  std::vector<std::string> lines;
  std::vector<Figure> figures;
};
std::string HeadHtml(const PageHead& head);

// A part of a page, with what leads to it.
struct PageSection {
  std::string id;
  std::string title;
  std::string html;
};
// Links to those that are not empty, then these.
std::string SectionsHtml(const std::vector<PageSection>& sections);

// The whole page. `body` is HTML.
std::string HtmlPage(absl::string_view title, absl::string_view body);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PAGE_HTML_H_
