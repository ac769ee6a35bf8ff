#include "fuzzers/command/fuzz/common_causes.h"

#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "fuzzers/command/fuzz/causes_by_oracle.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

constexpr char kBuilder[] = "builder";
constexpr char kCache[] = "cache";
constexpr char kBochs[] = "bochs";
constexpr char kBochsTlb[] = "bochs-tlb";

std::vector<CommonCause> CausesOf(Panel& panel, const OracleOptions& options,
                                  const std::string& oracle,
                                  const CasesBySignature& cases) {
  if (oracle == kBuilder) return CausesOfBuilder(panel, cases);
  if (oracle == kCache) return CausesOfCache(panel, cases);
  Dialect dialect;
  if (oracle == kBochs) {
    if (auto known = FindDialect(options.dialect)) dialect = *std::move(known);
  }
  return CausesOfWalker(panel, dialect, cases);
}

}  // namespace

std::string OracleWithCauses(const std::string& signature) {
  for (const char* oracle : {kBochsTlb, kBochs, kCache, kBuilder, "engine"}) {
    if (!absl::StartsWith(signature, absl::StrCat("eptdiff-", oracle, "-"))) {
      continue;
    }
    // What breaks a relation is asked otherwise.
    if (absl::StrContains(signature, "-metamorphic-")) return "";
    return oracle == kBochsTlb ? "" : oracle;
  }
  return "";
}

std::vector<CommonCause> CommonCauses(
    const OracleOptions& options, const std::string& oracle,
    const std::map<std::string, Case>& cases) {
  const std::size_t fewest = oracle == kBuilder ? 1 : 2;
  if (cases.size() < fewest) return {};
  OracleOptions alone = options;
  alone.oracles = oracle == kBuilder ? "engine" : oracle;
  alone.target.clear();
  const auto panel = alone.MakePanel();
  if (!panel.ok()) return {};
  std::vector<CommonCause> common;
  for (CommonCause& cause : CausesOf(**panel, options, oracle, cases)) {
    if (cause.signatures.size() >= fewest) common.push_back(std::move(cause));
  }
  return common;
}

}  // namespace eptdiff
