#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/files/corpus.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/command/options/exit_code.h"
#include "fuzzers/command/options/report_error.h"
#include "fuzzers/command/subcommands.h"
#include "fuzzers/command/vectors/vectors.h"

namespace eptdiff {
namespace {

constexpr char kAbout[] =
    "Writes the corpus as test vectors: one JSON file with every answer that "
    "the SDM\npermits, for the unit tests of any project. "
    "oracle/vectors/README.md describes it.";

// "seeds/cfg-8-bit-12" of "corpus/seeds/cfg/cfg-8-bit-12.textproto": a seed's
// family is no part of its name.
std::string NameOf(const std::string& file, const std::string& corpus) {
  const std::filesystem::path path = std::filesystem::path(file)
                                         .lexically_relative(corpus)
                                         .replace_extension();
  if (*path.begin() != "seeds") return path.generic_string();
  return ("seeds" / path.filename()).generic_string();
}

}  // namespace

int VectorsCommand(const Arguments& arguments) {
  std::string corpus = "corpus";
  std::string out = "-";
  bool no_caches = false;
  CommandLine line("vectors", "", kAbout);
  line.Text("corpus", "DIR", &corpus,
            "with seeds, conformance and regressions (default: corpus)");
  line.Text("out", "FILE", &out, "default: standard output");
  line.Flag("no-caches", &no_caches,
            "leave out what is permitted of code that keeps translations");
  line.Example("--out vectors.json");
  if (const auto exit = line.Parse(arguments, 0, 0)) return *exit;
  std::vector<NamedTextCase> cases;
  for (const char* folder : {"conformance", "regressions", "seeds"}) {
    const std::string directory = absl::StrCat(corpus, "/", folder);
    if (!std::filesystem::exists(directory)) continue;
    const auto files = CasesUnder(directory);
    if (!files.ok()) return ReportInputError(files.status());
    for (const std::string& file : *files) {
      auto content = ReadCaseFile(file);
      if (!content.ok()) return ReportInputError(content.status());
      cases.push_back({NameOf(file, corpus), std::move(content->text_case)});
    }
  }
  if (cases.empty()) {
    return line.Mistake(absl::StrCat(
        corpus, " holds no cases in conformance, regressions or seeds"));
  }
  const std::string json = VectorsAsJson(cases, !no_caches);
  if (out == "-") {
    std::fputs(json.c_str(), stdout);
    return kExitAgree;
  }
  if (absl::Status s = WriteFile(out, json); !s.ok())
    return ReportOutputError(s);
  return kExitAgree;
}

}  // namespace eptdiff
