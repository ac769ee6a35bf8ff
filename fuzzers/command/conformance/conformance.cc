#include "fuzzers/command/conformance/conformance.h"

#include <iterator>
#include <utility>

namespace eptdiff {

std::vector<ConformanceCase> AllConformanceCases() {
  std::vector<ConformanceCase> all;
  for (auto* cases : {EptRightCases, EptBitCases, EptScenarioCases,
                      GuestTableCases, VmEntryCases, AccessTestCases}) {
    std::vector<ConformanceCase> some = cases();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace eptdiff
