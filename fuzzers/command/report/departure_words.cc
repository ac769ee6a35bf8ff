#include "fuzzers/command/report/departure_words.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "fuzzers/text/view.h"
#include "oracle/reference/dialects/known_dialects.h"
#include "oracle/reference/dialects/silicon_dialects.h"
#include "oracle/rules.h"

namespace eptdiff {

std::string AlterationWords(const Alteration& alteration) {
  return absl::StrCat(View(IdentifierOf(InfoOf(alteration.slot).rule)), ": ",
                      View(alteration.words));
}

std::string Likewise(const Alteration& alteration) {
  std::string words;
  for (const SiliconErratum& erratum : kSiliconErrata) {
    if (erratum.alteration != alteration.name) continue;
    absl::StrAppend(&words, ", as ", View(erratum.processors), " do");
  }
  return words;
}

void AddDialects(const std::vector<Departure>& departures,
                 CheckReport& report) {
  for (const std::string& name : NamedDialects()) {
    const std::optional<Dialect> dialect = FindDialect(name);
    if (dialect->alterations().empty()) continue;
    const bool spoken = std::all_of(
        dialect->alterations().begin(), dialect->alterations().end(),
        [&](const Alteration* theirs) {
          return std::any_of(departures.begin(), departures.end(),
                             [&](const Departure& departure) {
                               return departure.alteration == theirs;
                             });
        });
    if (!spoken) continue;
    report.remarks.push_back(
        absl::StrCat(departures.size() == dialect->alterations().size()
                         ? "it departs as the dialect "
                         : "its departures include those of the dialect ",
                     name, " does"));
  }
}

}  // namespace eptdiff
