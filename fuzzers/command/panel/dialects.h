// Dialects by the names that people type.
#ifndef EPTDIFF_FUZZERS_COMMAND_PANEL_DIALECTS_H_
#define EPTDIFF_FUZZERS_COMMAND_PANEL_DIALECTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {

// "sdm", one of bochs_dialect.h, or alterations separated by commas;
// kInvalidArgument with the nearest valid spelling.
absl::StatusOr<Dialect> DialectNamed(const std::string& name);

// The names that are no alterations: "sdm" and Bochs's.
std::vector<std::string> NamedDialects();

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PANEL_DIALECTS_H_
