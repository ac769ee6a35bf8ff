#include "fuzzers/command/page/html.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "fuzzers/command/page/page_style.h"

namespace eptdiff {

std::string Escaped(absl::string_view text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

std::string Element(absl::string_view opening, absl::string_view content) {
  return absl::StrCat("<", opening, ">", content, "</",
                      opening.substr(0, opening.find(' ')), ">");
}

std::string ListOf(const std::vector<std::string>& texts) {
  std::string items;
  for (const std::string& text : texts) items += Element("li", Escaped(text));
  return items.empty() ? "" : Element("ul", items);
}

std::string NamesOf(const std::vector<std::string>& names) {
  std::string items;
  for (const std::string& name : names) items += Element("li", Escaped(name));
  return items.empty() ? "" : Element("ul class=\"names\"", items);
}

namespace {

std::string Cell(absl::string_view opening, const TableCell& cell) {
  return Element(cell.look.empty()
                     ? std::string(opening)
                     : absl::StrCat(opening, " class=\"", cell.look, "\""),
                 cell.html);
}

}  // namespace

std::string ArticleOf(absl::string_view look, absl::string_view name,
                      absl::string_view content) {
  return Element(absl::StrCat("article class=\"", look, "\" aria-label=\"",
                              Escaped(name), "\""),
                 content);
}

std::string TableOf(absl::string_view look, absl::string_view name,
                    const std::vector<TableCell>& heads,
                    const std::vector<std::vector<TableCell>>& rows) {
  std::string head;
  for (const TableCell& cell : heads) {
    head += Cell("th scope=\"col\" role=\"columnheader\"", cell);
  }
  std::string body;
  for (const std::vector<TableCell>& row : rows) {
    std::string cells;
    for (const TableCell& cell : row) {
      cells += Cell(cells.empty() ? "th scope=\"row\" role=\"rowheader\""
                                  : "td role=\"cell\"",
                    cell);
    }
    body += Element("tr role=\"row\"", cells);
  }
  return Element(
      absl::StrCat("table class=\"", look, "\" role=\"table\" aria-label=\"",
                   Escaped(name), "\""),
      absl::StrCat(heads.empty() ? ""
                                 : Element("thead role=\"rowgroup\"",
                                           Element("tr role=\"row\"", head)),
                   Element("tbody role=\"rowgroup\"", body)));
}

std::string Fold(absl::string_view summary, absl::string_view content,
                 bool open) {
  return Element(
      open ? "details class=\"fold\" open" : "details class=\"fold\"",
      absl::StrCat(Element("summary", summary),
                   Element("div class=\"inside\"", content)));
}

std::string SmallFold(absl::string_view summary, absl::string_view content) {
  return Element("details", absl::StrCat(Element("summary", summary), content));
}

std::string Bar(double share, bool bad) {
  return Element(bad ? "span class=\"bar bad\" aria-hidden=\"true\""
                     : "span class=\"bar\" aria-hidden=\"true\"",
                 Element(absl::StrFormat("span style=\"width:%.1f%%\"",
                                         100 * std::clamp(share, 0.0, 1.0)),
                         ""));
}

namespace {

// Where there is no room, a line ends behind `mark` and not within a name.
// `html` is text alone.
std::string BreakableAt(char mark, absl::string_view html) {
  std::string breakable;
  for (const char c : html) {
    breakable += c;
    if (c == mark) breakable += "<wbr>";
  }
  return breakable;
}

}  // namespace

std::string HeadHtml(const PageHead& head) {
  std::string html =
      absl::StrCat(Element("p class=\"kicker\"", Escaped(head.command)),
                   Element("h1", BreakableAt('/', Escaped(head.title))));
  if (!head.verdict.empty()) {
    html +=
        Element(head.bad ? "p class=\"verdict bad\"" : "p class=\"verdict\"",
                Escaped(head.verdict));
  }
  for (const std::string& line : head.lines) {
    html += Element("p", Escaped(line));
  }
  std::string figures;
  for (const PageHead::Figure& figure : head.figures) {
    figures +=
        Element("div", absl::StrCat(Element("dt", Escaped(figure.words)),
                                    Element("dd", Escaped(figure.value))));
  }
  if (!figures.empty()) html += Element("dl class=\"figures\"", figures);
  return Element("header class=\"top\"", html);
}

std::string SectionsHtml(const std::vector<PageSection>& sections) {
  std::string links;
  std::string html;
  for (const PageSection& section : sections) {
    if (section.html.empty()) continue;
    links += Element("li", Element(absl::StrCat("a href=\"#", section.id, "\""),
                                   Escaped(section.title)));
    html += Element(
        absl::StrCat("section id=\"", section.id, "\""),
        absl::StrCat(Element("h2", Escaped(section.title)), section.html));
  }
  return absl::StrCat(
      Element("nav aria-label=\"on this page\"", Element("ul", links)), html);
}

std::string HtmlPage(absl::string_view title, absl::string_view body) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n",
      // Else a browser asks for one.
      "<link rel=\"icon\" href=\"data:,\">\n", Element("title", Escaped(title)),
      "\n", Element("style", kPageStyle), "\n</head>\n<body>\n",
      Element("main", body), "\n</body>\n</html>\n");
}

}  // namespace eptdiff
