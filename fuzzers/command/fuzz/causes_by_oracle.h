// Common causes (common_causes.h), as each kind of oracle has them.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_FUZZ_CAUSES_BY_ORACLE_H_
#define EPTDIFF_FUZZERS_COMMAND_FUZZ_CAUSES_BY_ORACLE_H_

#include <map>
#include <string>
#include <vector>

#include "fuzzers/command/fuzz/common_causes.h"
#include "fuzzers/targets/panel.h"
#include "oracle/case.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {

// Findings by signature, each with its case.
using CasesBySignature = std::map<std::string, Case>;

// Of a walker, which is the panel's only oracle and is judged in `dialect`: by
// experiment. Causes of one finding are among them.
std::vector<CommonCause> CausesOfWalker(Panel& panel, const Dialect& dialect,
                                        const CasesBySignature& cases);

// Of one that keeps translations, the panel's only oracle: by the alteration of
// the SDM that explains them.
std::vector<CommonCause> CausesOfCache(Panel& panel,
                                       const CasesBySignature& cases);

// Of the panel's builder: by the mistake, and the situations in which it is
// made. Causes of one finding are among them.
std::vector<CommonCause> CausesOfBuilder(Panel& panel,
                                         const CasesBySignature& cases);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_FUZZ_CAUSES_BY_ORACLE_H_
