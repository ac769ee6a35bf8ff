#include "fuzzers/command/check_testing.h"

#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::Contains;

// The values of this member, a string, in the list of this name of a report.
std::vector<std::string> ValuesIn(const std::string& json,
                                  const std::string& list,
                                  const std::string& member) {
  std::vector<std::string> values;
  std::istringstream lines(json);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  \"")) inside = line.starts_with("  \"" + list);
    const std::string key = "      \"" + member + "\": \"";
    if (!inside || !line.starts_with(key)) continue;
    values.push_back(line.substr(key.size(), line.rfind('"') - key.size()));
  }
  return values;
}

}  // namespace

Checked Check(const std::string& target, const std::string& bug,
              const std::string& cases) {
  const TestDirectory directory;
  Checked checked;
  checked.ran = RunEptdiff({"check", target, "--cases", cases, "--limit",
                            "1000", "--json", directory.Path("report.json")},
                           {"EPTDIFF_EXAMPLE_BUG=" + bug});
  const std::string json = ContentOf(directory.Path("report.json"));
  checked.departures = ValuesIn(json, "departures", "rule");
  checked.alterations = ValuesIn(json, "departures", "alteration");
  checked.findings = ValuesIn(json, "findings", "rule");
  // What the diagnosis could not explain is told.
  if (checked.ran.out.find("of what is unexplained") != std::string::npos) {
    EXPECT_THAT(checked.findings, Contains("unexplained")) << bug;
  }
  return checked;
}

std::string Joined(const std::string& text) {
  std::string joined;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n';
    if (!blank) joined += c;
    if (blank && !joined.empty() && joined.back() != ' ') joined += ' ';
  }
  return joined;
}

}  // namespace eptdiff
