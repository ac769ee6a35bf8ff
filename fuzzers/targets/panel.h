// The oracles that fuzz targets and bounded runs put their cases to, at one
// table: the engine, the engine with its translation cache ("cache"), Bochs,
// and Bochs with its TLB ("bochs-tlb") by name, each judged in its dialect.
//
// This folder is the fuzz targets: glue between mutation/, feedback/ and the
// oracles; it uses all that is below. Begin with walk_fuzzer.cc;
// page_table_fuzzer.cc is the same for builders, target_fuzzer.cc for outside
// code. metamorphic.h asks without a second opinion.
//
// Thread-safety: thread-compatible; Bochs allows one panel with it in a
// process to be in use.
#ifndef EPTDIFF_FUZZERS_TARGETS_PANEL_H_
#define EPTDIFF_FUZZERS_TARGETS_PANEL_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fuzzers/reduction/minimizer.h"
#include "fuzzers/targets/metamorphic.h"
#include "oracle/bochs/bochs_oracle.h"
#include "oracle/builder/judge/builder_trial.h"
#include "oracle/case.h"
#include "oracle/judgement/trial.h"
#include "oracle/oracle.h"

namespace eptdiff {

struct PanelOptions {
  // Comma-separated: engine, cache, bochs, bochs-tlb. An oracle that was not
  // built in is left out; absent() then names it.
  std::string oracles = "engine,bochs";
  // What Bochs is judged by; the SDM if the reference knows no such dialect.
  std::string dialect = std::string(BochsDialectName());
  // A fault of planted.h for the engine, one of planted_builder.h for the
  // builder, or one of engine_cache_oracle.h for the cache; none if empty.
  std::string plant = {};
};

class Panel {
 public:
  // Null, with the reason in `error`, for a name that is none, and if nobody is
  // left to sit at the table.
  static std::unique_ptr<Panel> Make(const PanelOptions& options,
                                     std::string& error);

  // One more, judged by the SDM.
  void Seat(std::unique_ptr<Oracle> oracle);
  // Another builder in place of the engine's.
  void SeatBuilder(std::unique_ptr<BuilderTrial> trial) {
    builder_trial_ = std::move(trial);
  }

  // It looks at memory first (set_memory_first).
  Trial& trial() { return trial_; }
  // Who answers cases with table operations, whatever oracles there are.
  BuilderTrial& builder_trial() { return *builder_trial_; }
  // The oracles' names, in the order of the standings of trial().
  const std::vector<std::string>& names() const { return names_; }
  // The oracles themselves, in that order.
  const Oracle& oracle(std::size_t number) const { return *oracles_[number]; }
  Oracle& oracle(std::size_t number) { return *oracles_[number]; }
  // Those that were asked for and not built in.
  const std::vector<std::string>& absent() const { return absent_; }

  // The signatures of all findings in `c`, in the order of the oracles; if the
  // reference finds nothing, those of relations which the engine breaks.
  std::vector<std::string> Findings(const Case& c);

  // The signature of a relation that the engine breaks, with its cache or
  // without it, if the case is one of so many (metamorphic.h).
  std::optional<std::string> BrokenRelation(const Case& c,
                                            std::uint32_t one_in);

  // What the steps before step `step` (from 0) of `c` leave, as oracle number
  // `oracle` answers them: the minimiser's hook. None if it does not come so
  // far. Replaces the observer of trial().
  std::optional<StateBefore> StateBeforeStep(const Case& c, std::size_t step,
                                             std::size_t oracle);

 private:
  Panel() = default;
  bool SeatNamed(std::string_view name, const PanelOptions& options,
                 std::string& error);

  std::vector<std::unique_ptr<Oracle>> oracles_;
  std::vector<std::string> names_;
  std::vector<std::string> absent_;
  Trial trial_;
  std::unique_ptr<BuilderTrial> builder_trial_;
  bool plants_in_engine_ = false;
  std::vector<Metamorphic> metamorphic_;
};

// `text` at each `separator`; empty parts are left out.
std::vector<std::string> SplitAt(std::string_view text, char separator);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_TARGETS_PANEL_H_
