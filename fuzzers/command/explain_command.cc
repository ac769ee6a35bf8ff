#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/decode/walk_case.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/number.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/panel/oracles.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/words/explanation.h"
#include "fuzzers/command/words/style.h"
#include "fuzzers/encoding/canonical.h"
#include "fuzzers/text/case_text.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Tells each case step by step: the entries that are read, their bits in "
    "words, the\nrules that decide, what the SDM permits, and what each oracle "
    "answers.\nWith --walk, what stands there are no files but EPT entries as "
    "they were found, the root's first: they become a case.\nExit: 0, whether "
    "they agree or not; 2 bad input.";

std::string Heading(const std::string& file, const TextCase& text_case,
                    const Style& style) {
  std::string text = absl::StrCat(style.Bold(file), "\n");
  if (!text_case.explanation.empty()) {
    text += Wrapped(text_case.explanation, 2);
  }
  if (!text_case.signature.empty()) {
    absl::StrAppend(&text, "  ", text_case.signature, "\n");
  }
  return text + "\n";
}

struct Walk {
  std::string place;  // EPTP:GPA
  std::string access = "read";
  std::string gla;
  std::string save;
  bool mbec = false;
  std::uint64_t maxphyaddr = 52;

  void AddTo(CommandLine& line) {
    line.Text("walk", "EPTP:GPA", &place,
              "explain these entries, met at GPA under EPTP");
    line.Choice("access", {"read", "write", "fetch"}, &access,
                "of --walk (read)");
    line.Text("gla", "NUMBER", &gla,
              "of --walk: the linear address that GPA came of");
    line.Flag("mbec", &mbec, "of --walk: mode-based execute control is on");
    line.Number("maxphyaddr", "N", 32, 52, &maxphyaddr,
                "of --walk: the processor's (52)");
    line.Text("save", "FILE", &save, "of --walk: write the case there");
  }

  absl::StatusOr<TextCase> Make(const std::vector<std::string>& words) const;
};

absl::StatusOr<std::uint64_t> Number(absl::string_view text) {
  if (const auto value = NumberIn(text)) return *value;
  return absl::InvalidArgumentError(absl::StrCat(
      "\"", text, "\" is no number of 64 bits (0x2007, 2007H, 8199)"));
}

absl::StatusOr<TextCase> Walk::Make(
    const std::vector<std::string>& words) const {
  const std::vector<std::string> parts = absl::StrSplit(place, ':');
  if (parts.size() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--walk takes an EPTP and an address, as in 0x101e:0x1234, not \"",
        place, "\""));
  }
  std::vector<std::uint64_t> numbers;
  std::vector<std::string> texts = {parts[0], parts[1],
                                    gla.empty() ? "0" : gla};
  texts.insert(texts.end(), words.begin(), words.end());
  for (const std::string& text : texts) {
    const auto number = Number(text);
    if (!number.ok()) return number.status();
    numbers.push_back(*number);
  }
  Access how;
  if (access == "write") how.kind = AccessKind::kWrite;
  if (access == "fetch") how.kind = AccessKind::kFetch;
  GuestPage page;
  page.gla = Gla{numbers[2]};
  page.writable = true;
  DecodeContext context;
  context.mbec = mbec;
  context.maxphyaddr = static_cast<unsigned>(maxphyaddr);
  auto c = WalkCase(numbers[0], numbers[1],
                    {numbers.begin() + 3, numbers.end()}, how, page, context);
  if (!c.ok()) return c.status();
  TextCase text_case;
  text_case.c = *std::move(c);
  Canonicalise(text_case.c);
  text_case.explanation =
      absl::StrCat("A ", access, " at ", parts[1], " under EPTP ", parts[0],
                   ", with the entries that were found there.");
  return text_case;
}

}  // namespace

int ExplainCommand(const Arguments& arguments) {
  CommandLine line("explain", "FILE...", kAbout);
  Walk walk;
  walk.AddTo(line);
  OracleOptions options;
  options.AddTo(line);
  options.AddTargetTo(line);
  std::string colour = "auto";
  line.Choice("color", {"auto", "always", "never"}, &colour,
              "colour the output (auto: on a terminal)");
  line.Example("--walk 0x101e:0x1234 0x2007 0x3007 0x2010b1");
  line.Example("--target ./libmine.so cases/CASE.textproto");
  line.Example("--dialect sdm corpus/deviations/bochs-3.0/vio-8.textproto");
  if (const auto exit = line.Parse(arguments, 1, SIZE_MAX)) return *exit;
  const auto panel = options.MakePanel();
  if (!panel.ok()) return line.Mistake(panel.status().message());

  const Style style(WantsColour(colour, stdout));
  if (!walk.place.empty()) {
    const auto text_case = walk.Make(line.operands());
    if (!text_case.ok()) return line.Mistake(text_case.status().message());
    if (!walk.save.empty()) {
      const absl::Status saved = WriteFile(walk.save, FormatCase(*text_case));
      if (!saved.ok()) return ReportOutputError(saved);
    }
    std::fputs((MachineText(text_case->c, style) +
                Explain(**panel, text_case->c, style))
                   .c_str(),
               stdout);
    return kExitAgree;
  }
  for (const std::string& file : line.operands()) {
    const auto content = ReadCaseFile(file);
    if (!content.ok()) return ReportInputError(content.status());
    const TextCase& text_case = content->text_case;
    const std::string text = absl::StrCat(
        &file == &line.operands()[0] ? "" : "\n",
        Heading(file, text_case, style), MachineText(text_case.c, style),
        Explain(**panel, text_case.c, style));
    std::fputs(text.c_str(), stdout);
  }
  return kExitAgree;
}

}  // namespace eptdiff
