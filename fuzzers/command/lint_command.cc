#include <cstdint>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/decode/decoding.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/lint/lint_report.h"
#include "fuzzers/command/lint/memory_image.h"
#include "fuzzers/command/lint/mtrr_file.h"
#include "fuzzers/command/lint/tree_sweep.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/number.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/page/lint_page.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/walk/walk_case.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/style.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Looks at the whole tree of EPT tables under an EPTP in an image of "
    "host-physical memory, raw, an ELF core (QEMU's dump-guest-memory), LiME's "
    "or text (lines of an address and 64-bit words): each misconfigured entry "
    "with its rule, EPT tables that the guest can reach, frames at two "
    "guest-physical addresses with different rights or memory types, with "
    "--mtrrs large pages over several memory types, what the processor must "
    "support and what one with less would find misconfigured, and the map as "
    "ranges. An image that was cut short is read as far as it goes.\n"
    "Exit: 0 nothing wrong; 1 a misconfiguration, an EPT table that the guest "
    "can write, a frame with two memory types, a large page over several; 2 "
    "bad input, an EPTP that VM entry refuses, a root that is not in the "
    "image; 4 the page cannot be written.";

constexpr std::size_t kListed = 20;
// A page of HTML has more room, but not for all.
constexpr std::size_t kListedInPage = 200;
constexpr std::size_t kMostMtrrBytes = std::size_t{64} << 20;

MemoryImage::Format FormatOf(const std::string& word) {
  return word == "raw"    ? MemoryImage::Format::kRaw
         : word == "elf"  ? MemoryImage::Format::kElf
         : word == "lime" ? MemoryImage::Format::kLime
         : word == "text" ? MemoryImage::Format::kText
                          : MemoryImage::Format::kGuess;
}

std::string HintFor(std::uint64_t eptp) {
  if ((eptp & 0xfff) != 0 || eptp == 0) return "";
  return absl::StrCat(" (of a root table at ", Hexadecimal(eptp),
                      ", WB and 4 levels, it is ", Hexadecimal(eptp | 0x1e),
                      ")");
}

absl::StatusOr<GivenMtrrs> MtrrsIn(const std::string& file,
                                   std::optional<unsigned> maxphyaddr) {
  const auto text = ReadBytes(file, kMostMtrrBytes);
  if (!text.ok()) return text.status();
  auto given = ReadMtrrs(*text, maxphyaddr);
  if (given.ok()) return given;
  return absl::InvalidArgumentError(
      absl::StrCat(file, ": ", given.status().message()));
}

}  // namespace

int LintCommand(const Arguments& arguments) {
  CommandLine line("lint", "IMAGE", kAbout);
  std::string eptp_text;
  std::string offset_text = "0";
  std::string capabilities_text;
  std::string format = "auto";
  std::string colour = "auto";
  std::string mtrrs_file;
  std::string html;
  std::uint64_t maxphyaddr = 0;  // not said
  bool mbec = false;
  bool all = false;
  bool json = false;
  line.Text("eptp", "NUMBER", &eptp_text, "where the tables are; needed");
  line.Text("offset", "NUMBER", &offset_text,
            "the host-physical address at which a raw image begins (0)");
  line.Choice("format", {"auto", "raw", "elf", "lime", "text"}, &format,
              "of the image (auto: by its first bytes)");
  line.Number("maxphyaddr", "N", 32, 52, &maxphyaddr, "of the processor (52)");
  line.Text("capabilities", "NUMBER", &capabilities_text,
            "IA32_VMX_EPT_VPID_CAP (all there are)");
  line.Text("mtrrs", "FILE", &mtrrs_file,
            "the host's MTRRs: Linux's log of its start, /proc/mtrr, or lines "
            "such as IA32_MTRR_DEF_TYPE 0xc06");
  line.Flag("mbec", &mbec, "mode-based execute control is on");
  line.Flag("all", &all, "list everything, and not the first 20 of a kind");
  line.Flag("json", &json, "as JSON");
  line.Text("html", "FILE", &html,
            "write the same there as a page to look at, the map as a tree");
  line.Colour(&colour);
  line.Example("memory.bin --eptp 0x10005e --offset 0x100000");
  line.Example("vmcore --eptp 0x1f4e05e --maxphyaddr 46 --html map.html");
  line.Example("memory.lime --eptp 0x1f4e05e --mtrrs dmesg.txt");
  if (const auto exit = line.Parse(arguments, 1, 1)) return *exit;
  std::optional<std::uint64_t> eptp, offset, capabilities;
  absl::Status status = TakeNumber("--eptp", eptp_text, eptp);
  status.Update(TakeNumber("--offset", offset_text, offset));
  status.Update(TakeNumber("--capabilities", capabilities_text, capabilities));
  if (!status.ok()) return line.Mistake(status.message());
  if (!eptp) return line.Mistake("--eptp is missing: where are the tables?");
  if (!offset) return line.Mistake("--offset needs a number");
  if (absl::Status s = CheckFileCanBeWritten(html); !s.ok()) {
    return ReportOutputError(s);
  }
  const auto image =
      MemoryImage::Open(line.operands()[0], FormatOf(format), Hpa{*offset});
  if (!image.ok()) return ReportInputError(image.status());

  KnownMachine machine;
  machine.capabilities = capabilities;
  machine.mbec = mbec;
  LintSubject subject;
  subject.image = image->words();
  subject.eptp = *eptp;
  if (maxphyaddr != 0) {
    machine.maxphyaddr = static_cast<unsigned>(maxphyaddr);
    subject.context.maxphyaddr = *machine.maxphyaddr;
  } else {
    subject.assumed.push_back("MAXPHYADDR 52 (--maxphyaddr)");
  }
  if (!capabilities) {
    subject.assumed.push_back("every EPT capability (--capabilities)");
  }
  if (!mbec) {
    subject.assumed.push_back("no mode-based execute control (--mbec)");
  }
  subject.context.capabilities = capabilities;
  subject.context.mbec = mbec;
  subject.context.eptp = eptp;
  const std::vector<std::string> refused =
      DecodeEptp(*eptp, subject.context).wrong;
  if (!refused.empty()) {
    return ReportInputError(absl::InvalidArgumentError(absl::StrCat(
        "EPTP ", Hexadecimal(*eptp), ": ", refused[0], HintFor(*eptp))));
  }
  std::optional<Mtrrs> mtrrs;
  if (!mtrrs_file.empty()) {
    const auto given = MtrrsIn(mtrrs_file, machine.maxphyaddr);
    if (!given.ok()) return ReportInputError(given.status());
    mtrrs = given->mtrrs;
    subject.mtrrs = absl::StrCat(mtrrs_file, ": ", given->words);
    subject.assumed.insert(subject.assumed.end(), given->assumed.begin(),
                           given->assumed.end());
  }
  const Case c = CaseUnder(*eptp, machine);
  const TreeSweep sweep =
      SweepTree(*image, c.processor, c.controls, mtrrs ? &*mtrrs : nullptr);
  if (sweep.tables == 0) {
    return ReportInputError(absl::InvalidArgumentError(absl::StrCat(
        "the root table at ", Hexadecimal(*eptp & ~std::uint64_t{0xfff}),
        " is not in the image (", image->words(), "; --offset)")));
  }
  const Style style(!json && WantsColour(colour, stdout));
  std::fputs(
      (json ? LintJson(subject, sweep)
            : LintText(subject, sweep,
                       all ? std::numeric_limits<std::size_t>::max() : kListed,
                       style))
          .c_str(),
      stdout);
  if (!html.empty()) {
    const std::size_t most =
        all ? std::numeric_limits<std::size_t>::max() : kListedInPage;
    const absl::Status written =
        WriteFile(html, LintPage(line.operands()[0], subject, sweep, most));
    if (!written.ok()) return ReportOutputError(written);
  }
  return IsWrong(sweep) ? kExitDisagree : kExitAgree;
}

}  // namespace eptdiff
