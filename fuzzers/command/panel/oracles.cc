#include "fuzzers/command/panel/oracles.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fuzzers/command/options/nearest.h"
#include "fuzzers/command/panel/dialects.h"
#include "fuzzers/command/panel/seated_target.h"
#include "fuzzers/targets/planted.h"
#include "oracle/builder/planted/planted_builder.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {
namespace {

// kInvalidArgument if there is no planted fault, of engine or builder, and no
// alteration, of this name.
absl::Status CheckPlant(const std::string& plant) {
  std::vector<std::string> known;
  for (const PlantedFault& fault : AllPlantedFaults()) {
    known.emplace_back(fault.name);
  }
  for (const BuilderFault& fault : AllBuilderFaults()) {
    known.emplace_back(fault.name);
  }
  for (const Alteration& alteration : AllAlterations()) {
    known.emplace_back(alteration.name);
  }
  if (plant.empty() ||
      std::find(known.begin(), known.end(), plant) != known.end()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("EPTDIFF_PLANT: there is no fault \"", plant, "\"",
                   DidYouMean(plant, known)));
}

}  // namespace

void OracleOptions::AddTo(CommandLine& line) {
  line.Text("oracles", "LIST", &oracles,
            "who answers: engine,bochs (all that were built in); engine-cache "
            "is the engine with what it keeps of translations");
  line.Text("dialect", "NAME", &dialect,
            "what Bochs is judged by: sdm, or known departures (bochs-3.0)");
}

void OracleOptions::AddTargetTo(CommandLine& line) {
  line.Text("target", "PATH", &target,
            "answers, too: what `eptdiff check` takes; a shared object is "
            "called in this process, for a debugger to see");
}

absl::StatusOr<std::unique_ptr<Panel>> OracleOptions::MakePanel() const {
  const auto known_dialect = DialectNamed(dialect);
  if (!known_dialect.ok()) return known_dialect.status();
  PanelOptions options;
  options.dialect = dialect;
  const bool all = oracles == "all";
  if (!all) options.oracles = oracles;
  for (const std::string& name : SplitAt(options.oracles, ',')) {
    if (name == "engine" || name == "engine-cache" || name == "bochs") continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "there is no oracle \"", name,
        "\"; there are engine, engine-cache, bochs",
        DidYouMean(name, {"engine", "engine-cache", "bochs", "all"})));
  }
  if (const char* plant = std::getenv("EPTDIFF_PLANT")) options.plant = plant;
  if (absl::Status s = CheckPlant(options.plant); !s.ok()) return s;
  std::string error;
  std::unique_ptr<Panel> panel = Panel::Make(options, error);
  if (panel == nullptr) return absl::InvalidArgumentError(error);
  if (!all && !panel->absent().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "this eptdiff was built without ", absl::StrJoin(panel->absent(), ", "),
        "; run ci/setup and build again, or name another oracle"));
  }
  if (!target.empty()) {
    if (absl::Status s = SeatTarget(target, *panel); !s.ok()) return s;
  }
  return panel;
}

}  // namespace eptdiff
