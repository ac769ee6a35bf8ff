#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "fuzzers/command/distill/distillate.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/encoding/encoding.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Of all cases under the directories, the smallest for each consequence of "
    "a rule\nthat the reference draws, by level, dimension and mode of guest "
    "paging, for each\nalteration of a rule that it tells from the SDM, and "
    "for each kind of step and\nanswer. Writes them to OUT as bytes, named by "
    "their content (what is there stays),\nor removes the others where they "
    "are: files of the last minute excepted, so that\nothers may fuzz or "
    "distil in the same folder.";

constexpr std::chrono::seconds kSettled{60};

// The same content has the same name, on every machine: FNV-1a, twice.
std::string NameOf(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t hashes[] = {0xcbf29ce484222325, 0x84222325cbf29ce4};
  for (const std::uint8_t byte : bytes) {
    for (std::uint64_t& hash : hashes) hash = (hash ^ byte) * 0x100000001b3;
    hashes[1] ^= hashes[1] >> 29;
  }
  return absl::StrFormat("%016x%016x", hashes[0], hashes[1]);
}

int Report(const Distilled& distilled) {
  absl::PrintF("%d cases: %d do all %d things that any of them does\n",
               distilled.cases, distilled.kept, distilled.things);
  return kExitAgree;
}

int DistilTo(const std::string& out, const Arguments& directories) {
  Distillate distillate;
  std::map<std::string, std::vector<std::uint8_t>> cases;  // by name
  for (const std::string& directory : directories) {
    const auto files = CasesUnder(directory);
    if (!files.ok()) return ReportInputError(files.status());
    for (const std::string& file : *files) {
      const auto content = ReadCaseFile(file);
      if (!content.ok()) return ReportInputError(content.status());
      const std::vector<std::uint8_t> bytes = EncodeCase(content->text_case.c);
      const std::string name = NameOf(bytes);
      if (!cases.try_emplace(name, bytes).second) continue;
      distillate.Add(name, bytes.size(), content->text_case.c);
    }
  }
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) {
    return ReportOutputError(absl::PermissionDeniedError(
        absl::StrCat("cannot make ", out, ": ", error.message())));
  }
  const std::set<std::string> kept = distillate.Kept();
  for (const std::string& name : kept) {
    const std::vector<std::uint8_t>& bytes = cases[name];
    const absl::Status status = WriteFile(
        absl::StrCat(out, "/", name), std::string(bytes.begin(), bytes.end()));
    if (!status.ok()) return ReportOutputError(status);
  }
  return Report({cases.size(), kept.size(), distillate.things()});
}

}  // namespace

int DistillCommand(const Arguments& arguments) {
  CommandLine line("distill", "DIR...", kAbout);
  std::string out;
  bool in_place = false;
  line.Text("out", "OUT", &out, "where the kept cases are written");
  line.Flag("in-place", &in_place, "remove the others from the one DIR");
  line.Example("corpus/seeds corpus/deviations --out build/distilled");
  if (const auto exit = line.Parse(arguments, 1, SIZE_MAX)) return *exit;
  if (out.empty() != in_place) {
    return line.Mistake("either --out or --in-place says where to");
  }
  if (!in_place) return DistilTo(out, line.operands());
  if (line.operands().size() != 1) {
    return line.Mistake("--in-place takes one directory");
  }
  const auto distilled = DistilInPlace(line.operands()[0], kSettled);
  return distilled.ok() ? Report(*distilled)
                        : ReportInputError(distilled.status());
}

}  // namespace eptdiff
