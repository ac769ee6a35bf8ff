#include "fuzzers/command/package/man_page.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace eptdiff {
namespace {

// As it reads, on a line that is no request.
std::string Escaped(absl::string_view text) {
  std::string escaped =
      absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}});
  if (absl::StartsWith(escaped, ".") || absl::StartsWith(escaped, "'")) {
    escaped.insert(0, "\\&");
  }
  return escaped;
}

// An option, a subcommand or an example begins two columns in, and what is said
// of an option far more.
bool IsRow(absl::string_view line) {
  return line.size() > 2 && absl::StartsWith(line, "  ") && line[2] != ' ';
}

HelpRow RowIn(absl::string_view line) {
  line.remove_prefix(2);
  const std::size_t gap = line.find("  ");
  if (gap == line.npos) return {std::string(line), ""};
  return {std::string(line.substr(0, gap)),
          std::string(absl::StripLeadingAsciiWhitespace(line.substr(gap)))};
}

class Writer {
 public:
  explicit Writer(const ManPageHead& head)
      : of_subcommand_(absl::StrContains(head.name, "-")),
        text_(absl::StrCat(".TH ", absl::AsciiStrToUpper(head.name),
                           " 1 \"\" \"eptdiff ", head.version,
                           "\" \"User Commands\"\n.SH NAME\n", head.name,
                           " \\- ", Escaped(head.summary), "\n")) {}

  void Take(absl::string_view line) {
    if (line.empty()) {
      paragraph_ = true;
    } else if (absl::ConsumePrefix(&line, "Usage: ")) {
      Section("SYNOPSIS");
      Line(line);
    } else if (section_ == "SYNOPSIS" && !paragraph_) {
      absl::StrAppend(&text_, ".br\n");
      Line(absl::StripLeadingAsciiWhitespace(line));
    } else if (absl::ConsumePrefix(&line, "Exit: ")) {
      Section("EXIT STATUS");
      Line(line);
    } else if (line == "Example:" || line == "Examples:") {
      Section("EXAMPLES");
      text_ += ".nf\n";
    } else if (section_ == "EXAMPLES") {
      Line(line);
    } else if (IsRow(line)) {
      const HelpRow row = RowIn(line);
      if (absl::StartsWith(row.lead, "-")) {
        Section("OPTIONS");
      } else if (!of_subcommand_) {
        Section("SUBCOMMANDS");
      }
      absl::StrAppend(&text_, ".TP\n.B ", Escaped(row.lead), "\n");
      if (!row.text.empty()) Line(row.text);
    } else {
      Prose(line);
    }
  }

  std::string Finish(const ManPageHead& head) {
    if (section_ == "EXAMPLES") text_ += ".fi\n";
    if (!head.see_also.empty()) Section("SEE ALSO");
    for (const std::string& page : head.see_also) {
      const bool last = &page == &head.see_also.back();
      absl::StrAppend(&text_, ".BR ", Escaped(page), " (1)", last ? "" : ",",
                      "\n");
    }
    return text_;
  }

 private:
  void Section(absl::string_view name) {
    if (section_ != name) absl::StrAppend(&text_, ".SH ", name, "\n");
    section_ = std::string(name);
    paragraph_ = false;
  }

  void Prose(absl::string_view line) {
    const bool of_row = !paragraph_ && absl::StartsWith(line, " ");
    if (section_ == "SYNOPSIS") {
      Section("DESCRIPTION");
    } else if (paragraph_ && !of_row) {
      text_ += ".PP\n";
    }
    paragraph_ = false;
    Line(absl::StripLeadingAsciiWhitespace(line));
  }

  void Line(absl::string_view line) {
    absl::StrAppend(&text_, Escaped(line), "\n");
  }

  const bool of_subcommand_;
  std::string text_;
  std::string section_ = "NAME";
  bool paragraph_ = false;  // the next line begins one
};

}  // namespace

std::string ManPage(const ManPageHead& head, absl::string_view help) {
  Writer writer(head);
  for (absl::string_view line :
       absl::StrSplit(absl::StripTrailingAsciiWhitespace(help), '\n')) {
    writer.Take(line);
  }
  return writer.Finish(head);
}

std::vector<HelpRow> RowsOf(absl::string_view help) {
  std::vector<HelpRow> rows;
  for (absl::string_view line : absl::StrSplit(help, '\n')) {
    if (IsRow(line)) rows.push_back(RowIn(line));
  }
  return rows;
}

}  // namespace eptdiff
