// The adapter of a build without Bochs's source.
#include "oracle/bochs/bochs_oracle.h"

namespace eptdiff {

std::unique_ptr<Oracle> MakeBochsOracle(BochsTlb) { return nullptr; }

std::string_view BochsDialectName() { return "bochs-3.0"; }

std::string_view LastBochsPanic() { return ""; }

}  // namespace eptdiff
