#include "fuzzers/targets/panel.h"

#include <utility>

#include "fuzzers/targets/planted.h"
#include "oracle/bochs/bochs_oracle.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/planted/planted_builder.h"
#include "oracle/engine/engine_cache_oracle.h"
#include "oracle/engine/engine_oracle.h"
#include "oracle/judgement/judge.h"
#include "oracle/reference/dialect.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {

std::vector<std::string> SplitAt(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    if (end != 0) parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return parts;
}

std::unique_ptr<Panel> Panel::Make(const PanelOptions& options,
                                   std::string& error) {
  std::unique_ptr<Panel> panel(new Panel);
  panel->trial_.set_memory_first(true);
  auto builder = PlantInBuilder(options.plant);
  panel->plants_in_engine_ = builder == nullptr && !options.plant.empty() &&
                             !CacheFlawNamed(options.plant).has_value();
  if (builder == nullptr) builder = std::make_unique<EngineBuilder>();
  panel->builder_trial_ = std::make_unique<BuilderTrial>(std::move(builder));
  for (const std::string& name : SplitAt(options.oracles, ',')) {
    if (!panel->SeatNamed(name, options, error)) return nullptr;
  }
  if (!panel->oracles_.empty()) return panel;
  error = "no oracle that was built in is asked for";
  return nullptr;
}

void Panel::Seat(std::unique_ptr<Oracle> oracle) {
  names_.emplace_back(oracle->name());
  oracles_.push_back(std::move(oracle));
  trial_.Add(*oracles_.back(), Dialect());
}

bool Panel::SeatNamed(std::string_view name, const PanelOptions& options,
                      std::string& error) {
  std::unique_ptr<Oracle> oracle;
  Dialect dialect;
  if (name == "engine") {
    oracle = std::make_unique<EngineOracle>();
    if (plants_in_engine_) {
      oracle = Plant(options.plant, std::move(oracle));
      if (oracle == nullptr) {
        error = "there is no planted fault \"" + options.plant + "\"";
        return false;
      }
    }
  } else if (name == "cache") {
    auto cache = std::make_unique<EngineCacheOracle>();
    if (const auto flaw = CacheFlawNamed(options.plant)) {
      cache->PlantForTesting(*flaw);
    }
    oracle = std::move(cache);
  } else if (name == "bochs" || name == "bochs-tlb") {
    oracle =
        MakeBochsOracle(name == "bochs" ? BochsTlb::kNone : BochsTlb::kKept);
    if (oracle == nullptr) {
      absent_.emplace_back(name);
      return true;
    }
    if (auto known = FindDialect(options.dialect)) dialect = *std::move(known);
  } else {
    error = "there is no oracle \"" + std::string(name) + "\"";
    return false;
  }
  oracles_.push_back(std::move(oracle));
  names_.emplace_back(name);
  if (name == "engine" || name == "cache") {
    metamorphic_.emplace_back(*oracles_.back());
  }
  trial_.Add(*oracles_.back(), dialect);
  return true;
}

std::vector<std::string> Panel::Findings(const Case& c) {
  std::vector<std::string> signatures;
  if (HasTableOperations(c)) {
    const BuilderStandings& standings = builder_trial_->Run(c);
    if (standings.finding.has_value()) {
      signatures.push_back(
          SignatureOf(builder_trial_->builder().name(), *standings.finding));
    }
    return signatures;
  }
  const std::vector<Standings>& standings = trial_.Run(c);
  for (std::size_t i = 0; i < standings.size(); ++i) {
    if (!standings[i].disagrees) continue;
    signatures.push_back(SignatureOf(names_[i], standings[i].finding));
  }
  if (!signatures.empty()) return signatures;
  for (Metamorphic& metamorphic : metamorphic_) {
    if (const auto broken = metamorphic.CheckAll(c)) {
      signatures.push_back(metamorphic.SignatureOf(*broken));
    }
  }
  return signatures;
}

std::optional<std::string> Panel::BrokenRelation(const Case& c,
                                                 std::uint32_t one_in) {
  for (Metamorphic& metamorphic : metamorphic_) {
    if (const auto broken = metamorphic.CheckOne(c, one_in)) {
      return metamorphic.SignatureOf(*broken);
    }
  }
  return std::nullopt;
}

std::optional<StateBefore> Panel::StateBeforeStep(const Case& c,
                                                  std::size_t step,
                                                  std::size_t oracle) {
  std::optional<StateBefore> found;
  trial_.set_observer([&](const StepReport& report) {
    // Steps are numbered from 1 there: 0 is VM entry.
    if (report.oracle != oracle || report.step != step + 1) return;
    found.emplace();
    for (const Hpa address : report.before.memory.addresses()) {
      found->memory.push_back({address, report.before.memory.Load(address)});
    }
    found->controls = report.before.controls;
    found->guest = report.before.guest;
  });
  trial_.Run(c);
  trial_.set_observer({});
  return found;
}

}  // namespace eptdiff
