#include "fuzzers/command/page/lint_page.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/lint/lint_words.h"
#include "fuzzers/command/page/html.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/word_list.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kEntries = 512;

// How much one entry of a level is about.
constexpr std::uint64_t SpanOf(int level) {
  return std::uint64_t{1} << (3 + 9 * level);
}

// Writes the tree. An entry whose part of the map is one range, or nothing, is
// a line with those beside it that go on likewise; another unfolds.
class TreeWriter {
 public:
  TreeWriter(const LintSubject& subject, const TreeSweep& sweep,
             std::vector<std::uint64_t> found, std::size_t most)
      : subject_(subject),
        sweep_(sweep),
        found_(std::move(found)),
        most_(most) {
    std::sort(found_.begin(), found_.end());
    for (const SweptTable& table : sweep.table_list) {
      tables_.try_emplace({table.level, table.gpa}, table.at);
    }
  }

  std::string Write() {
    const int top = (subject_.eptp >> 3 & 7) == 4 ? 5 : 4;
    std::string html = TableHtml(top, 0);
    if (left_out_) {
      html += Element("p class=\"quiet\"",
                      absl::StrCat("The tree has more than ", most_,
                                   " lines; the rest is not shown (--all)."));
    }
    return Element("div class=\"tree\"", html);
  }

 private:
  // Entries that are one line.
  struct Run {
    std::uint64_t first = 0;  // entry
    std::uint64_t count = 0;
    const MappedRange* range = nullptr;  // null: a hole
    bool by_table = false;               // of the next level
  };

  std::string TableHtml(int level, std::uint64_t gpa) {
    std::string html;
    Run run;
    const std::uint64_t span = SpanOf(level);
    for (std::uint64_t i = 0; i < kEntries; ++i) {
      const std::uint64_t begin = gpa + i * span;
      const bool has_table = level > 1 && tables_.contains({level - 1, begin});
      const MappedRange* const range = RangeAt(begin);
      const bool whole =
          range != nullptr && range->gpa + range->bytes >= begin + span;
      const bool empty = range == nullptr && !AnyIn(begin, span) &&
                         (!has_table || CountFound(begin, span) == 0);
      if (whole || empty) {
        if (run.count != 0 && run.range == range &&
            run.by_table == (has_table && whole)) {
          ++run.count;
          continue;
        }
        html += Line(level, gpa, run);
        run = {i, 1, range, has_table && whole};
        continue;
      }
      html += Line(level, gpa, run);
      run = {};
      html += has_table ? Unfolding(level - 1, begin) : Broken(begin, span);
      if (left_out_) return html;
    }
    return html + Line(level, gpa, run);
  }

  // A table whose entries differ. Those with something found in them are open.
  std::string Unfolding(int level, std::uint64_t gpa) {
    if (!Room()) return "";
    const std::uint64_t bytes = kEntries * SpanOf(level);
    std::uint64_t mapped = 0;
    std::size_t ranges = 0;
    for (auto range = FirstIn(gpa);
         range != sweep_.ranges.end() && range->gpa < gpa + bytes; ++range) {
      mapped += std::min(range->gpa + range->bytes, gpa + bytes) -
                std::max(range->gpa, gpa);
      ++ranges;
    }
    const std::string summary = absl::StrCat(
        Element("span class=\"value\"", SpanWords(gpa, bytes)), " ",
        Escaped(absl::StrCat(EptLevelWords(level), "s at ",
                             Hexadecimal(tables_.at({level, gpa})), ": ",
                             SizeWords(mapped), " in ",
                             Counted(ranges, "range"))),
        Mark(gpa, bytes));
    const std::string content = TableHtml(level, gpa);
    // The way down to the first thing that differs is open; the rest is folded.
    const bool open = CountFound(gpa, bytes) != 0 || level > 2;
    return Element(open ? "details open" : "details",
                   Element("summary", summary) + content);
  }

  std::string Line(int level, std::uint64_t gpa, const Run& run) {
    if (run.count == 0 || !Room()) return "";
    const std::uint64_t begin = gpa + run.first * SpanOf(level);
    const std::uint64_t bytes = run.count * SpanOf(level);
    if (run.range == nullptr) {
      return Element(
          "div class=\"leaf hole\"",
          absl::StrCat(Element("span class=\"value\"", SpanWords(begin, bytes)),
                       " ", HoleWords(bytes), Mark(begin, bytes)));
    }
    MappedRange part = *run.range;
    part.hpa += begin - part.gpa;
    part.gpa = begin;
    part.bytes = bytes;
    std::string pages;
    if (!run.by_table) {
      pages = absl::StrCat(", by ", run.count, " pages of ",
                           SizeWords(SpanOf(level)));
      if (run.count == 1) {
        pages = absl::StrCat(", a page of ", SizeWords(SpanOf(level)));
      }
    } else {
      pages = absl::StrCat(", by ", Counted(run.count, "table"), " of ",
                           EptLevelWords(level - 1), "s");
    }
    return Element(
        "div class=\"leaf\"",
        absl::StrCat(Element("span class=\"value\"", SpanWords(begin, bytes)),
                     " ",
                     Escaped(RangeWords(part, subject_.context.mbec) + pages),
                     Mark(begin, bytes)));
  }

  // An entry that is misconfigured, or whose table is not in the image, and
  // shares its part of the map with nothing.
  std::string Broken(std::uint64_t begin, std::uint64_t bytes) {
    if (!Room()) return "";
    return Element(
        "div class=\"leaf hole\"",
        absl::StrCat(Element("span class=\"value\"", SpanWords(begin, bytes)),
                     " nothing", Mark(begin, bytes)));
  }

  // "2 found", of what the lists above have there.
  std::string Mark(std::uint64_t begin, std::uint64_t bytes) const {
    const std::size_t count = CountFound(begin, bytes);
    if (count == 0) return "";
    return " " + Element("span class=\"bad\"",
                         absl::StrCat("\xe2\x97\x86 ", count, " found"));
  }

  std::size_t CountFound(std::uint64_t begin, std::uint64_t bytes) const {
    return static_cast<std::size_t>(
        std::lower_bound(found_.begin(), found_.end(), begin + bytes) -
        std::lower_bound(found_.begin(), found_.end(), begin));
  }

  // The first range that ends behind `gpa`.
  std::vector<MappedRange>::const_iterator FirstIn(std::uint64_t gpa) const {
    return std::upper_bound(sweep_.ranges.begin(), sweep_.ranges.end(), gpa,
                            [](std::uint64_t at, const MappedRange& range) {
                              return at < range.gpa + range.bytes;
                            });
  }
  const MappedRange* RangeAt(std::uint64_t gpa) const {
    const auto range = FirstIn(gpa);
    return range != sweep_.ranges.end() && range->gpa <= gpa ? &*range
                                                             : nullptr;
  }
  bool AnyIn(std::uint64_t begin, std::uint64_t bytes) const {
    const auto range = FirstIn(begin);
    return range != sweep_.ranges.end() && range->gpa < begin + bytes;
  }

  bool Room() {
    left_out_ |= lines_ >= most_;
    ++lines_;
    return !left_out_;
  }

  const LintSubject& subject_;
  const TreeSweep& sweep_;
  std::vector<std::uint64_t> found_;  // GPAs
  const std::size_t most_;
  std::map<std::pair<int, std::uint64_t>, std::uint64_t> tables_;
  std::size_t lines_ = 0;
  bool left_out_ = false;
};

// "1.9 GBytes": for a glance.
std::string AboutWords(std::uint64_t bytes) {
  constexpr std::pair<int, const char*> kUnits[] = {
      {40, "TBytes"}, {30, "GBytes"}, {20, "MBytes"}};
  for (const auto& [shift, unit] : kUnits) {
    if (bytes >> shift == 0) continue;
    return absl::StrFormat("%.1f %s",
                           static_cast<double>(bytes) /
                               static_cast<double>(std::uint64_t{1} << shift),
                           unit);
  }
  return SizeWords(bytes);
}

std::string ListHtml(const LintList& list) {
  std::string items;
  for (const LintList::Thing& thing : list.things) {
    items += Element("li", Escaped(thing.words));
  }
  std::string html = absl::StrCat(
      Element(
          list.bad ? "h3 class=\"bad\"" : "h3",
          Escaped(absl::StrCat(list.title, " (", Grouped(list.count), ")"))),
      Element("ul", items));
  if (list.count > list.things.size()) {
    html += Element("p", absl::StrCat("and ", list.count - list.things.size(),
                                      " more of these"));
  }
  return Element(list.bad ? "div class=\"finding\"" : "div", html);
}

}  // namespace

std::string LintPage(const std::string& file, const LintSubject& subject,
                     const TreeSweep& sweep, std::size_t most) {
  std::string findings;
  std::string others;
  std::vector<std::uint64_t> found;
  for (const LintList& list : LintLists(subject, sweep, most)) {
    (list.bad ? findings : others) += ListHtml(list);
    if (list.lead == "elsewhere") continue;
    for (const LintList::Thing& thing : list.things) {
      found.push_back(thing.gpa);
    }
  }
  const std::vector<std::string> notes = LintNotes(sweep);
  if (!notes.empty()) others += Element("h3", "Notes") + ListOf(notes);
  PageHead head;
  head.command = "eptdiff lint";
  head.title = file;
  head.bad = IsWrong(sweep);
  head.verdict = head.bad ? "something is wrong" : "nothing wrong";
  head.figures = {
      {AboutWords(sweep.mapped_bytes), "mapped"},
      {Grouped(sweep.tables), "tables"},
      {Grouped(sweep.ranges.size()), "ranges"},
      {Grouped(sweep.misconfigured_count), "misconfigured entries"}};
  std::string facts;
  for (const auto& [lead, words] : LintFacts(subject, sweep)) {
    facts += Element("dt", Escaped(lead)) + Element("dd", Escaped(words));
  }
  const std::size_t lines = most > most * 10 ? most : most * 10;
  return HtmlPage(
      absl::StrCat("eptdiff lint: ", file),
      HeadHtml(head) + Element("dl", facts) +
          SectionsHtml(
              {{"findings", "What is wrong", findings},
               {"others", "What else was found", others},
               {"map", "The map",
                TreeWriter(subject, sweep, std::move(found), lines).Write()}}));
}

}  // namespace eptdiff
