#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/memory_types/memory_type_panel.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/number.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/page/explanation_page.h"
#include "fuzzers/command/page/html.h"
#include "fuzzers/command/panel/oracles.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/walk/copied_entry.h"
#include "fuzzers/command/walk/walk_case.h"
#include "fuzzers/command/words/explanation.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/text/case_text.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Tells each case step by step: the entries that are read, their bits in "
    "words, the\nrules that decide, what the SDM permits, and what each oracle "
    "answers; of a .mtrr file, which MTRRs decide a memory type.\nWith --walk, "
    "what stands there are no files but entries as they "
    "were found, the root's first: hexadecimal, as 2007, 0x2007 or PDE=2007. "
    "They become a case. What is missing is asked for by its name and place; "
    "what is taken for granted is said. Through the guest's tables, entries "
    "come in the order in which the processor reads them, each once.\n"
    "Exit: 0, whether they agree or not; 2 bad input.";

std::string Heading(const std::string& file, const std::string& explanation,
                    const std::string& signature, const Style& style) {
  std::string text = absl::StrCat(style.Bold(file), "\n");
  if (!explanation.empty()) text += Wrapped(explanation, 2);
  if (!signature.empty()) absl::StrAppend(&text, "  ", signature, "\n");
  return text + "\n";
}

// What becomes a walk: --walk, the options of it, and the operands.
struct WalkOptions {
  std::string place;  // EPTP:GPA, or EPTP
  std::string access = "read";
  std::string gla;
  std::string cr3;
  std::string paging = "4-level";
  std::string capabilities;
  std::string secondary;
  std::string tertiary;
  std::string save;
  bool mbec = false;
  bool user = false;
  std::uint64_t maxphyaddr = 0;  // not said

  void AddTo(CommandLine& line) {
    line.Text("walk", "EPTP:GPA", &place,
              "explain the walk through these entries, for an access at GPA "
              "under EPTP; EPTP alone for a linear access, with --gla and "
              "--cr3");
    line.Choice("access", {"read", "write", "fetch"}, &access,
                "of --walk (read)");
    line.Text("gla", "NUMBER", &gla,
              "of --walk: the linear address that GPA came of, or that is "
              "accessed");
    line.Text("cr3", "NUMBER", &cr3, "of --walk: the guest's, with --gla");
    line.Choice("paging", {"4-level", "5-level", "pae", "32-bit"}, &paging,
                "of --walk: the guest's, with --cr3 (4-level)");
    line.Flag("user", &user, "of --walk: a user-mode access, to a user page");
    line.Number("maxphyaddr", "N", 32, 52, &maxphyaddr,
                "of --walk: the processor's (52)");
    line.Text("capabilities", "NUMBER", &capabilities,
              "of --walk: IA32_VMX_EPT_VPID_CAP (all there are)");
    line.Flag("mbec", &mbec, "of --walk: mode-based execute control is on");
    line.Text("secondary", "NUMBER", &secondary,
              "of --walk: the secondary controls (EPT alone)");
    line.Text("tertiary", "NUMBER", &tertiary,
              "of --walk: the tertiary controls (0)");
    line.Text("save", "FILE", &save, "of --walk: write the case there");
  }

  // The name of an option that is here without --walk; "" if none is.
  std::string Stray() const {
    if (!place.empty()) return "";
    for (const auto& [name, given] :
         {std::pair("--access", access != "read"),
          std::pair("--gla", !gla.empty()), std::pair("--cr3", !cr3.empty()),
          std::pair("--paging", paging != "4-level"), std::pair("--user", user),
          std::pair("--maxphyaddr", maxphyaddr != 0),
          std::pair("--capabilities", !capabilities.empty()),
          std::pair("--mbec", mbec),
          std::pair("--secondary", !secondary.empty()),
          std::pair("--tertiary", !tertiary.empty()),
          std::pair("--save", !save.empty())}) {
      if (given) return name;
    }
    return "";
  }

  absl::StatusOr<CopiedWalk> Make(const std::vector<std::string>& words) const;
};

absl::StatusOr<CopiedWalk> WalkOptions::Make(
    const std::vector<std::string>& words) const {
  CopiedWalk walk;
  const std::vector<std::string> parts = absl::StrSplit(place, ':');
  std::optional<std::uint64_t> eptp;
  if (parts.size() > 2 || parts[0].empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--walk takes an EPTP and an address, as in 0x101e:0x1234, not \"",
        place, "\""));
  }
  absl::Status status = TakeNumber("EPTP", parts[0], eptp);
  if (parts.size() == 2 && parts[1].empty()) {
    status.Update(absl::InvalidArgumentError(
        "the guest-physical address after the colon is missing"));
  }
  if (parts.size() == 2) {
    status.Update(TakeNumber("GPA", parts[1], walk.gpa));
    if (!cr3.empty()) {
      status.Update(absl::InvalidArgumentError(
          "--cr3 is of a linear access: --walk EPTP --gla ADDRESS, without a "
          "guest-physical address"));
    }
  }
  status.Update(TakeNumber("--gla", gla, walk.gla));
  status.Update(TakeNumber("--cr3", cr3, walk.cr3));
  KnownMachine& machine = walk.machine;
  status.Update(
      TakeNumber("--capabilities", capabilities, machine.capabilities));
  status.Update(TakeNumber("--secondary", secondary, machine.secondary));
  status.Update(TakeNumber("--tertiary", tertiary, machine.tertiary));
  if (!status.ok()) return status;
  walk.eptp = *eptp;
  if (maxphyaddr != 0) machine.maxphyaddr = static_cast<unsigned>(maxphyaddr);
  machine.mbec = mbec;
  walk.user = user;
  if (access == "write") walk.access.kind = AccessKind::kWrite;
  if (access == "fetch") walk.access.kind = AccessKind::kFetch;
  if (paging == "5-level") walk.paging = GuestPaging::k5Level;
  if (paging == "pae") walk.paging = GuestPaging::kPae;
  if (paging == "32-bit") walk.paging = GuestPaging::k32Bit;
  for (const std::string& word : words) {
    const auto entry = CopiedEntryIn(word);
    if (!entry.ok()) return entry.status();
    walk.entries.push_back(*entry);
  }
  return walk;
}

// What was told, as a page, where that is asked for.
int WritePage(const std::string& file, absl::string_view title,
              absl::string_view body) {
  if (file.empty()) return kExitAgree;
  const absl::Status written =
      WriteFile(file, HtmlPage(absl::StrCat("eptdiff explain: ", title), body));
  return written.ok() ? kExitAgree : ReportOutputError(written);
}

// Tells the walk, and saves it where that is asked for.
int ExplainWalk(const CommandLine& line, const WalkOptions& options,
                Panel& panel, const Style& style, const std::string& html) {
  const auto walk = options.Make(line.operands());
  if (!walk.ok()) return line.Mistake(walk.status().message());
  const auto made = MakeWalkCase(*walk);
  if (!made.ok()) return line.Mistake(made.status().message());
  const TextCase text_case = CaseOfWalk(*walk, *made);
  if (!options.save.empty()) {
    const absl::Status saved = WriteFile(options.save, FormatCase(text_case));
    if (!saved.ok()) return ReportOutputError(saved);
  }
  std::fputs(absl::StrCat(AssumedText(*made), MachineText(text_case.c, style),
                          Explain(panel, text_case.c, style))
                 .c_str(),
             stdout);
  if (html.empty()) return kExitAgree;
  return WritePage(
      html, options.place,
      ExplanationHtml(panel, text_case, absl::StrCat("--walk ", options.place),
                      made->notes, 0));
}

// Tells files, with those at the table that they want.
class FileTeller {
 public:
  FileTeller(const OracleOptions& options, Style style, bool as_page)
      : options_(options), style_(style), as_page_(as_page) {}

  // Those that the files want; kInvalidArgument for bad options.
  absl::Status Seat(const std::vector<std::string>& files) {
    for (const std::string& file : files) {
      if (IsMemoryTypeFile(file) && memory_types_ == nullptr) {
        auto made = MemoryTypePanel::Make(options_.target);
        if (!made.ok()) return made.status();
        memory_types_ = *std::move(made);
      }
      if (!IsMemoryTypeFile(file) && panel_ == nullptr) {
        auto made = options_.MakePanel();
        if (!made.ok()) return made.status();
        panel_ = *std::move(made);
      }
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> Tell(const std::string& file) {
    return IsMemoryTypeFile(file) ? TellMemoryTypes(file) : TellCase(file);
  }

  // All that was told.
  const std::string& page() const { return page_; }

 private:
  absl::StatusOr<std::string> TellMemoryTypes(const std::string& file) {
    const auto c = ReadMemoryTypeCase(file);
    if (!c.ok()) return c.status();
    if (as_page_) {
      page_ += ExplanationHtml(
          *c, file, memory_types_->Explain(c->question, Style(false)));
    }
    return absl::StrCat(Heading(file, c->explanation, c->signature, style_),
                        memory_types_->Explain(c->question, style_));
  }

  absl::StatusOr<std::string> TellCase(const std::string& file) {
    const auto content = ReadCaseFile(file);
    if (!content.ok()) return content.status();
    const TextCase& c = content->text_case;
    std::string text =
        absl::StrCat(Heading(file, c.explanation, c.signature, style_),
                     MachineText(c.c, style_), Explain(*panel_, c.c, style_));
    if (as_page_) page_ += ExplanationHtml(*panel_, c, file, {}, cases_++);
    return text;
  }

  const OracleOptions& options_;
  const Style style_;
  const bool as_page_;
  std::unique_ptr<Panel> panel_;
  std::unique_ptr<MemoryTypePanel> memory_types_;
  std::string page_;
  std::size_t cases_ = 0;
};

}  // namespace

int ExplainCommand(const Arguments& arguments) {
  CommandLine line("explain", "FILE... | --walk EPTP:GPA ENTRY...", kAbout);
  WalkOptions walk;
  walk.AddTo(line);
  OracleOptions options;
  options.AddTo(line);
  options.AddTargetTo(line);
  std::string colour = "auto";
  line.Colour(&colour);
  std::string html;
  line.Text("html", "FILE", &html,
            "write the same there as a page to look at, which needs nothing "
            "but a browser");
  line.Example("--walk 0x101e:0x1234 2007 3007 2010b1");
  line.Example("--html page.html cases/CASE.textproto");
  line.Example("--walk 0x101e:0x1234 PML4E=2007 PDPTE=0 --access write");
  line.Example(
      "--walk 0x101e --gla 0x1234 --cr3 0x5000 2007 400000b1 6067 ...");
  line.Example("--target ./libmine.so cases/CASE.textproto");
  line.Example("--dialect sdm corpus/deviations/bochs-3.0/vio-8.textproto");
  if (const auto exit = line.Parse(arguments, 0, SIZE_MAX)) return *exit;
  if (const std::string stray = walk.Stray(); !stray.empty()) {
    return line.Mistake(absl::StrCat(stray, " is of --walk EPTP:GPA"));
  }
  if (walk.place.empty() && line.operands().empty()) {
    return line.Mistake("what to work on is missing: FILE...");
  }
  if (absl::Status s = CheckFileCanBeWritten(html); !s.ok()) {
    return ReportOutputError(s);
  }
  const Style style(WantsColour(colour, stdout));
  if (!walk.place.empty()) {
    const auto panel = options.MakePanel();
    if (!panel.ok()) return line.Mistake(panel.status().message());
    return ExplainWalk(line, walk, **panel, style, html);
  }
  FileTeller teller(options, style, !html.empty());
  if (absl::Status s = teller.Seat(line.operands()); !s.ok()) {
    return line.Mistake(s.message());
  }
  for (const std::string& file : line.operands()) {
    const auto text = teller.Tell(file);
    if (!text.ok()) return ReportInputError(text.status());
    std::fputs(&file == &line.operands()[0] ? "" : "\n", stdout);
    std::fputs(text->c_str(), stdout);
  }
  return WritePage(html, absl::StrJoin(line.operands(), " "), teller.page());
}

}  // namespace eptdiff
