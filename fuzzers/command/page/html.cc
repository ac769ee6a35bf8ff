#include "fuzzers/command/page/html.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace eptdiff {
namespace {

// Each colour of a text keeps 4.5 to 1 on each of the grounds that it stands
// on. Where a table has no room it stands as blocks, row by row; its roles are
// written out, as a browser forgets them then.
constexpr char kStyle[] = R"css(
:root { color-scheme: light dark; --ground: #fff; --text: #1b1f24;
  --quiet: #57606a; --line: #c4cad1; --cell: #f5f7f9; --mark: #fff1c2;
  --bad: #a40e26; --good: #0f5f28; --link: #0b4fc0; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a;
  --text: #e6e8ea; --quiet: #a9b2bb; --line: #444c54; --cell: #1e2327;
  --mark: #3d2f00; --bad: #ffa198; --good: #7ee2a0; --link: #8ab8ff; } }
@media print { :root { color-scheme: light; --ground: #fff; --text: #000;
  --quiet: #444; --line: #888; --cell: #fff; --mark: #eee; --bad: #000;
  --good: #000; --link: #000; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 90rem; padding: 1rem; background: var(--ground);
  color: var(--text); font: 1rem/1.45 system-ui, sans-serif;
  overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.2rem; margin-top: 2rem; }
h3 { font-size: 1rem; margin-bottom: .3rem; }
code, pre, .value { font-family: ui-monospace, monospace; }
pre { white-space: pre-wrap; }
a { color: var(--link); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; }
ul { margin: .2rem 0; padding-left: 1.2rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; }
caption { text-align: left; color: var(--quiet); padding: .3rem 0; }
th, td { border: 1px solid var(--line); padding: .4rem .5rem; text-align: left;
  vertical-align: top; }
thead th { color: var(--quiet); font-weight: 600; }
.walk { table-layout: fixed; }
.walk thead th:first-child { width: 9rem; }
.walk td { background: var(--cell); }
.walk td.none { background: none; }
.walk td.decides { background: var(--mark); border: 3px solid var(--text); }
.walk td p { margin: 0 0 .2rem; }
.walk td p.mark { font-weight: 600; }
.bits { width: auto; min-width: min(100%, 40rem); }
.bits th, .bits .value { white-space: nowrap; }
.quiet { color: var(--quiet); } .good { color: var(--good); }
.bad, .forbids { color: var(--bad); font-weight: 600; }
section, tr { break-inside: avoid-page; }
@media screen and (max-width: 60rem) {
  .walk, .walk caption, .walk tbody, .walk tr, .walk th, .walk td {
    display: block; border: 0; }
  .walk thead { position: absolute; width: 1px; height: 1px; overflow: hidden;
    clip-path: inset(50%); }
  .walk td { border: 1px solid var(--line); margin: .3rem 0 .3rem 1rem; }
  .walk td.none { display: none; }
  .bits { min-width: 0; width: 100%; font-size: .85rem; }
  .bits th, .bits td { padding: .2rem .3rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin: 0 0 .5rem; }
}
)css";

}  // namespace

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

std::string HtmlPage(absl::string_view title, absl::string_view body) {
  return absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n",
      // Else a browser asks for one.
      "<link rel=\"icon\" href=\"data:,\">\n", Element("title", Escaped(title)),
      "\n", Element("style", kStyle), "\n</head>\n<body>\n",
      Element("main", body), "\n</body>\n</html>\n");
}

}  // namespace eptdiff
