// Dialects by the names that people type.
#ifndef EPTDIFF_FUZZERS_COMMAND_PANEL_DIALECTS_H_
#define EPTDIFF_FUZZERS_COMMAND_PANEL_DIALECTS_H_

#include <string>

#include "absl/status/statusor.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {

// One of NamedDialects(), or alterations separated by commas;
// kInvalidArgument with the nearest valid spelling.
absl::StatusOr<Dialect> DialectNamed(const std::string& name);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_PANEL_DIALECTS_H_
