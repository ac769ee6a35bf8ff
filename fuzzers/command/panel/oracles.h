// Which oracles a command line chooses, and their table.
//
// This folder is who sits at the table, by the names that people type: oracles
// here, dialects in dialects.h, outside code in seated_target.h. It uses
// options/, and the targets' Panel. Begin here.
//
// Thread-safety: plain values.
#ifndef EPTDIFF_FUZZERS_COMMAND_PANEL_ORACLES_H_
#define EPTDIFF_FUZZERS_COMMAND_PANEL_ORACLES_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fuzzers/command/options/command_line.h"
#include "fuzzers/targets/panel.h"
#include "oracle/bochs/bochs_oracle.h"

namespace eptdiff {

// The options --oracles and --dialect, which several subcommands have, and
// --target.
struct OracleOptions {
  std::string oracles = "all";  // that were built in
  std::string dialect = std::string(BochsDialectName());

  // "" for none: a file that SeatTarget() takes.
  std::string target;

  void AddTo(CommandLine& line);
  // The option --target besides.
  void AddTargetTo(CommandLine& line);

  // kInvalidArgument, with the nearest spelling, for a name that is none, and
  // for an oracle asked for that was not built in. The environment variable
  // EPTDIFF_PLANT plants a fault in the engine or its cache (panel.h).
  absl::StatusOr<std::unique_ptr<Panel>> MakePanel() const;
};

// Whether one that may be built in is called so.
bool IsOracle(absl::string_view name);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PANEL_ORACLES_H_
