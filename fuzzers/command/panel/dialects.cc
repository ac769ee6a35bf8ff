#include "fuzzers/command/panel/dialects.h"

#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fuzzers/command/options/nearest.h"
#include "oracle/reference/dialects/known_dialects.h"

namespace eptdiff {

absl::StatusOr<Dialect> DialectNamed(const std::string& name) {
  std::optional<Dialect> dialect = FindDialect(name);
  if (dialect.has_value()) return *std::move(dialect);
  std::vector<std::string> known = NamedDialects();
  for (const Alteration& alteration : AllAlterations()) {
    known.emplace_back(alteration.name);
  }
  // Of a list, the first part that is none.
  for (absl::string_view part : absl::StrSplit(name, ',')) {
    const std::string one(part);
    if (FindAlteration(one) != nullptr) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("there is no dialect or alteration \"", one, "\"",
                     DidYouMean(one, known)));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no dialect \"", name, "\""));
}

}  // namespace eptdiff
