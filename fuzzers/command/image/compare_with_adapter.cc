// compare_with_adapter LOG DIALECT: what a machine told that was asked with
// tell=all (oracle/processor/image/README.md), beside what Bochs's walker
// answers as it is compiled in. DIALECT is the machine's.
// ci/compare_bochs_machine does so for many cases.
//
// Exit: 0 they answer the same, or the difference has a name, 1 they do not, 2
// bad input, 3 nothing was compared.
#include <cstddef>
#include <cstdio>
#include <map>
#include <string>

#include "absl/strings/str_format.h"
#include "fuzzers/command/files/case_file.h"
#include "fuzzers/command/image/adapter_comparison.h"
#include "oracle/bochs/bochs_oracle.h"
#include "oracle/processor/report_reader.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

constexpr std::size_t kMaxLogBytes = std::size_t{1} << 30;
constexpr std::size_t kTold = 20;

void TellCounts(const char* head,
                const std::map<std::string, std::uint64_t>& counts) {
  if (!counts.empty()) absl::PrintF("%s\n", head);
  for (const auto& [words, steps] : counts) {
    absl::PrintF("%10d  %s\n", steps, words);
  }
}

int Compare(const std::string& log, const std::string& name) {
  const auto dialect = FindDialect(name);
  const auto text = ReadBytes(log, kMaxLogBytes);
  if (!dialect.has_value() || !text.ok()) {
    absl::FPrintF(stderr, "%s: there is no such log, or no dialect %s\n", log,
                  name);
    return 2;
  }
  const auto oracle = MakeBochsOracle();
  if (oracle == nullptr) {
    absl::FPrintF(stderr, "this was built without Bochs\n");
    return 3;
  }
  ReportReader reader;
  reader.Add(*text);
  reader.Finish();
  AdapterComparison comparison;
  CompareWithAdapter(reader.report().asked, *dialect, *oracle,
                     *FindDialect(BochsDialectName()), comparison);
  absl::PrintF("%d cases, %d steps compared, of which %d are the same\n",
               comparison.cases, comparison.steps, comparison.same);
  TellCounts("Differ by what the machine does outside of its walker:",
             comparison.explained);
  TellCounts("Not compared:", comparison.left_out);
  if (!comparison.unexplained.empty()) {
    absl::PrintF("Differ for no known reason: %d\n",
                 comparison.unexplained.size());
  }
  for (std::size_t i = 0; i < comparison.unexplained.size(); ++i) {
    if (i == kTold) break;
    absl::PrintF("%s:%d: %s\n", log, comparison.unexplained[i].line,
                 comparison.unexplained[i].words);
  }
  if (!comparison.unexplained.empty()) return 1;
  return comparison.same != 0 ? 0 : 3;
}

}  // namespace
}  // namespace eptdiff

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: compare_with_adapter LOG DIALECT\n", stderr);
    return 2;
  }
  return eptdiff::Compare(argv[1], argv[2]);
}
