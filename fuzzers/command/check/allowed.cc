#include "fuzzers/command/check/allowed.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/options/nearest.h"
#include "fuzzers/text/view.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/rules.h"
#include "oracle/target/process/incident.h"

namespace eptdiff {
namespace {

// What a walker does beside its answer.
std::vector<std::string> Asides() {
  std::vector<std::string> names;
  for (const IncidentKind kind :
       {IncidentKind::kBeyondWidth, IncidentKind::kMisaligned,
        IncidentKind::kStrayStore, IncidentKind::kVaries,
        IncidentKind::kStepLimit}) {
    names.push_back(SignaturePart({kind, 0}));
  }
  return names;
}

bool IsWalkers(const std::string& name) {
  const std::string_view view = name;
  const std::vector<std::string> asides = Asides();
  return FindRule(view).has_value() || FindAlteration(view) != nullptr ||
         absl::StartsWith(name, "eptdiff-") ||
         std::find(asides.begin(), asides.end(), name) != asides.end();
}

std::vector<std::string> KnownNames() {
  std::vector<std::string> known;
  for (int i = 0; i < kWaiverCount; ++i) {
    known.emplace_back(InfoOf(static_cast<Waiver>(i)).name);
  }
  for (const std::string& aside : Asides()) known.push_back(aside);
  for (const RuleInfo& rule : kRules) known.emplace_back(rule.identifier);
  return known;
}

bool Allows(const Allowed& allowed, const CheckFinding& finding) {
  return allowed.walker.contains(finding.identifier) ||
         allowed.walker.contains(finding.alteration) ||
         allowed.walker.contains(finding.signature);
}

void Move(const Allowed& allowed, std::vector<CheckFinding>& from,
          std::vector<CheckFinding>& to) {
  std::vector<CheckFinding> rest;
  for (CheckFinding& finding : from) {
    (Allows(allowed, finding) ? to : rest).push_back(std::move(finding));
  }
  from = std::move(rest);
}

}  // namespace

absl::StatusOr<Allowed> AllowedIn(absl::string_view list) {
  Allowed allowed;
  for (absl::string_view part :
       absl::StrSplit(list, ',', absl::SkipWhitespace())) {
    const std::string name(part);
    const auto waiver = FindWaiver(name);
    if (waiver.has_value()) {
      allowed.builder |= SetOf(*waiver);
    } else if (IsWalkers(name)) {
      allowed.walker.insert(name);
    } else {
      std::string waivers;
      for (int i = 0; i < kWaiverCount; ++i) {
        absl::StrAppend(&waivers, View(InfoOf(static_cast<Waiver>(i)).name),
                        ", ");
      }
      return absl::InvalidArgumentError(absl::StrCat(
          "--allow takes rules, such as CFG-9, findings of walkers, and of "
          "builders ",
          waivers, "not \"", name, "\"", DidYouMean(name, KnownNames())));
    }
  }
  return allowed;
}

void SetAside(const Allowed& allowed, CheckReport& report) {
  Move(allowed, report.departures, report.allowed);
  Move(allowed, report.findings, report.allowed);
}

}  // namespace eptdiff
