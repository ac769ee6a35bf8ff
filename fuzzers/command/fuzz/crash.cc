#include "fuzzers/command/fuzz/crash.h"

#include <chrono>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fuzzers/command/distill/apart.h"
#include "fuzzers/reduction/minimizer.h"
#include "fuzzers/targets/panel.h"

namespace eptdiff {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A case takes microseconds, and is asked often while it gets smaller.
constexpr milliseconds kProbeLimit{2000};
constexpr milliseconds kRepeatLimit{200};
constexpr std::chrono::seconds kMinimizeLimit{120};

Incident IncidentOf(Panel& panel, const Case& c, milliseconds limit) {
  Incident incident;
  const auto work = [&] {
    panel.Findings(c);
    return std::string();
  };
  [[maybe_unused]] const auto result = RunApart(work, limit, &incident);
  return incident;
}

std::unique_ptr<Panel> PanelOf(const OracleOptions& options,
                               const std::string& oracle) {
  OracleOptions alone = options;
  if (IsOracle(oracle)) alone.oracles = oracle;
  return *alone.MakePanel();
}

std::string Culprit(const OracleOptions& options, const Case& c) {
  if (HasTableOperations(c)) return "builder";
  const std::vector<std::string> names = (*options.MakePanel())->names();
  std::vector<std::string> culprits;
  for (const std::string& name : names) {
    const auto alone = PanelOf(options, name);
    if (IncidentOf(*alone, c, kProbeLimit).kind != IncidentKind::kNone) {
      culprits.push_back(name);
    }
  }
  if (culprits.empty()) return "panel";
  return culprits.size() == names.size() && names.size() > 1 ? "reference"
                                                             : culprits[0];
}

}  // namespace

std::string SignatureOf(const Crash& crash) {
  return absl::StrCat("eptdiff-", crash.oracle, "-",
                      SignaturePart(crash.incident));
}

Crash CrashOf(const OracleOptions& options, const Case& c,
              const Incident& incident) {
  return {Culprit(options, c), incident};
}

TextCase SmallestCrash(const OracleOptions& options, const Case& c,
                       const Crash& crash) {
  const auto panel = PanelOf(options, crash.oracle);
  const auto end = Clock::now() + kMinimizeLimit;
  TextCase text_case;
  text_case.c = Minimize(c, [&](const Case& smaller) {
    return Clock::now() < end &&
           HasTableOperations(smaller) == HasTableOperations(c) &&
           IncidentOf(*panel, smaller, kRepeatLimit).kind ==
               crash.incident.kind;
  });
  // On a busy machine a right answer may come late.
  if (IncidentOf(*panel, text_case.c, kProbeLimit).kind !=
      crash.incident.kind) {
    text_case.c = c;
  }
  text_case.signature = SignatureOf(crash);
  text_case.explanation = absl::StrCat(
      "There is no answer from the ", crash.oracle, ": ",
      WordsOf(crash.incident),
      ". `eptdiff run` on this case, in a debugger, comes to the place.");
  return text_case;
}

}  // namespace eptdiff
