#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/writable.h"
#include "fuzzers/command/import/log.h"
#include "fuzzers/command/import/logged_walk.h"
#include "fuzzers/command/import/read_log.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/number.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/report/json.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/walk/walk_case.h"
#include "fuzzers/command/words/bit_words.h"
#include "fuzzers/command/words/style.h"

namespace eptdiff {
namespace {

constexpr std::size_t kMaxLogBytes = std::size_t{256} << 20;

std::string About() {
  std::vector<std::string> names;
  for (const LogFormat& format : LogFormats()) names.push_back(format.name);
  return absl::StrCat(
      "Finds EPT exits, walks and entries in a log and explains them: what the "
      "qualification says, what the SDM makes of the entries, and whether that "
      "is what the log has. It knows ",
      absl::StrJoin(names, ", "),
      ". FILE may be -, the standard input. What is taken for granted is said; "
      "lines that speak of EPT and were not understood are listed.\n"
      "Exit: 0 something was found, 2 nothing was, or bad input, 4 a case "
      "could not be written.");
}

// Something found, and what came of it.
struct Told {
  const Logged* logged;
  ToldLog told;
  std::string file;  // the case; "" without one
};

// What can be shown on a terminal of a line of somebody's log.
std::string Shown(absl::string_view line) {
  constexpr std::size_t kMost = 120;
  std::string shown;
  for (const char c : line.substr(0, kMost)) {
    const auto byte = static_cast<unsigned char>(c);
    shown += absl::ascii_isprint(byte) ? c : c == '\t' ? ' ' : '?';
  }
  return line.size() > kMost ? shown + "..." : shown;
}

// What all walks take for granted, told once.
std::vector<Assumption> CommonAssumptions(const std::vector<Told>& all) {
  std::vector<Assumption> assumed;
  for (const Told& one : all) {
    for (const Assumption& some : one.told.of_machine) {
      if (std::find(assumed.begin(), assumed.end(), some) == assumed.end()) {
        assumed.push_back(some);
      }
    }
  }
  return assumed;
}

std::string AssumedOfMachine(const std::vector<Told>& all) {
  const std::vector<Assumption> assumed = CommonAssumptions(all);
  if (assumed.empty()) return "";
  return Item(0, "Assumed of the machine:", "", AssumedWords(assumed)) + "\n";
}

std::string RestText(const Log& log, const ReadLogResult& result) {
  constexpr std::size_t kListed = 20;
  std::string text;
  if (!result.not_understood.empty()) {
    text = Wrapped("Not understood, though it may be about EPT:", 0);
    std::size_t listed = 0;
    for (const std::size_t line : result.not_understood) {
      if (listed++ == kListed) {
        absl::StrAppend(&text, "  and ", result.not_understood.size() - kListed,
                        " more (--json lists all)\n");
        break;
      }
      absl::StrAppend(&text, "  line ", line + 1, ": ", Shown(log.line(line)),
                      "\n");
    }
  }
  if (result.others > 0) {
    absl::StrAppend(&text, result.others,
                    result.others == 1 ? " line is" : " lines are",
                    " about something else.\n");
  }
  return text;
}

void AddNumber(JsonWriter& json, const char* name,
               const std::optional<std::uint64_t>& value) {
  if (value) json.Key(name).String(Hexadecimal(*value));
}

void AddLines(JsonWriter& json, const char* name,
              const std::vector<std::size_t>& lines) {
  json.Key(name);
  json.OnOneLine();
  json.Array();
  for (const std::size_t line : lines) {
    json.Number(static_cast<double>(line + 1));
  }
  json.End();
}

void AddStrings(JsonWriter& json, const char* name,
                const std::vector<std::string>& strings) {
  json.Key(name).Array();
  for (const std::string& string : strings) json.String(string);
  json.End();
}

void AddEntries(JsonWriter& json, const char* name,
                const std::vector<CopiedEntry>& entries) {
  if (entries.empty()) return;
  json.Key(name).Array();
  for (const CopiedEntry& entry : entries) {
    json.OnOneLine();
    json.Object();
    if (entry.where) json.Key("level").Number(entry.where->level);
    json.Key("value").String(Hexadecimal(entry.value));
    json.End();
  }
  json.End();
}

void AddFound(JsonWriter& json, const Told& one) {
  const Logged& logged = *one.logged;
  json.Object();
  json.Key("what").String(logged.what);
  AddLines(json, "lines", logged.lines);
  AddLines(json, "again", logged.again);
  if (logged.reason) json.Key("exit_reason").Number(*logged.reason);
  AddNumber(json, "qualification", logged.qualification);
  AddNumber(json, "gpa", logged.gpa);
  AddNumber(json, "gla", logged.gla);
  AddNumber(json, "eptp", logged.eptp);
  AddEntries(json, "entries", logged.entries);
  AddEntries(json, "guest_entries", logged.guest_entries);
  AddStrings(json, "notes", logged.notes);
  AddStrings(json, "wrong", one.told.wrong);
  if (!one.told.answer.empty()) json.Key("answer").String(one.told.answer);
  if (one.told.as_logged != AsLogged::kNotSaid) {
    json.Key("as_logged").Bool(one.told.as_logged == AsLogged::kYes);
  }
  if (!one.told.no_walk.empty()) json.Key("no_walk").String(one.told.no_walk);
  if (!one.file.empty()) json.Key("case").String(one.file);
  json.Key("text").String(one.told.text);
  json.End();
}

std::string Json(const Log& log, const ReadLogResult& result,
                 const std::vector<Told>& all) {
  JsonWriter json;
  json.Object();
  json.Key("found").Array();
  for (const Told& one : all) AddFound(json, one);
  json.End();
  std::vector<std::string> assumed;
  for (const Assumption& one : CommonAssumptions(all)) {
    assumed.push_back(one.words);
  }
  AddStrings(json, "assumed", assumed);
  json.Key("not_understood").Array();
  for (const std::size_t line : result.not_understood) {
    json.OnOneLine();
    json.Object();
    json.Key("line").Number(static_cast<double>(line + 1));
    json.Key("text").String(Shown(log.line(line)));
    json.End();
  }
  json.End();
  json.Key("other_lines").Number(static_cast<double>(result.others));
  json.End();
  return std::move(json).Finish();
}

absl::Status MakeDirectory(const std::string& path) {
  if (absl::Status s = CheckDirectoryCanBeMade(path); !s.ok()) return s;
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path, ": ", error.message()));
}

// The log in `path`, which is a file or "-".
absl::StatusOr<std::string> ReadLogFile(const std::string& path) {
  struct stat info;
  if (path != "-" && stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is a directory: name the log in it"));
  }
  auto text = ReadBytes(path, kMaxLogBytes);
  if (text.ok() && absl::StripAsciiWhitespace(*text).empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(InputWords(path), ": it is empty"));
  }
  return text;
}

}  // namespace

int ImportCommand(const Arguments& arguments) {
  CommandLine line("import", "FILE", About());
  std::string out;
  std::string eptp;
  std::string gpa;
  std::string capabilities;
  std::string secondary;
  std::string tertiary;
  std::uint64_t maxphyaddr = 0;  // not said
  bool json = false;
  std::string colour = "auto";
  BesideLog beside;
  line.Text("out", "DIR", &out, "write a case for each walk there");
  line.Text("eptp", "NUMBER", &eptp, "where the log does not say it");
  line.Text("gpa", "NUMBER", &gpa, "where the log does not say it");
  line.Number("maxphyaddr", "N", 32, 52, &maxphyaddr, "of the processor (52)");
  line.Text("capabilities", "NUMBER", &capabilities,
            "IA32_VMX_EPT_VPID_CAP (all there are)");
  line.Text("secondary", "NUMBER", &secondary,
            "the secondary controls (EPT alone)");
  line.Text("tertiary", "NUMBER", &tertiary, "the tertiary controls (0)");
  line.Flag("mbec", &beside.machine.mbec, "mode-based execute control is on");
  line.Flag("json", &json, "as JSON");
  line.Colour(&colour);
  line.Example("dmesg.txt");
  line.Example("--maxphyaddr 46 --out cases xen.log");
  if (const auto exit = line.Parse(arguments, 1, 1)) return *exit;
  KnownMachine& machine = beside.machine;
  absl::Status status = TakeNumber("--eptp", eptp, beside.eptp);
  status.Update(TakeNumber("--gpa", gpa, beside.gpa));
  status.Update(
      TakeNumber("--capabilities", capabilities, machine.capabilities));
  status.Update(TakeNumber("--secondary", secondary, machine.secondary));
  status.Update(TakeNumber("--tertiary", tertiary, machine.tertiary));
  if (!status.ok()) return line.Mistake(status.message());
  if (maxphyaddr != 0) machine.maxphyaddr = static_cast<unsigned>(maxphyaddr);
  const auto text = ReadLogFile(line.operands()[0]);
  if (!text.ok()) return ReportInputError(text.status());
  if (!out.empty()) {
    if (absl::Status s = MakeDirectory(out); !s.ok()) {
      return ReportOutputError(s);
    }
  }

  Log log(*text);
  const ReadLogResult result = ReadLog(log);
  const Style style(!json && WantsColour(colour, stdout));
  std::vector<Told> all;
  for (const Logged& logged : result.found) {
    Told one = {&logged, TellLogged(logged, beside, style), ""};
    if (!out.empty() && one.told.text_case) {
      one.file =
          absl::StrCat(out, "/line-", logged.lines.front() + 1, ".textproto");
      const absl::Status saved =
          WriteFile(one.file, FormatCase(*one.told.text_case));
      if (!saved.ok()) return ReportOutputError(saved);
    }
    all.push_back(std::move(one));
  }
  if (json) {
    std::fputs(Json(log, result, all).c_str(), stdout);
  } else {
    for (const Told& one : all) {
      std::fputs(one.told.text.c_str(), stdout);
      if (!one.file.empty()) std::printf("  case: %s\n", one.file.c_str());
      std::fputs("\n", stdout);
    }
    if (all.empty()) {
      std::fputs("Nothing was found that eptdiff understands.\n", stdout);
    }
    std::fputs(AssumedOfMachine(all).c_str(), stdout);
    std::fputs(RestText(log, result).c_str(), stdout);
  }
  return all.empty() ? kExitBadInput : kExitAgree;
}

}  // namespace eptdiff
