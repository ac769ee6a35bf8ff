// 29.3.5 and 29.3.6: accessed and dirty flags, and the page-modification log.
#ifndef EPTDIFF_ORACLE_REFERENCE_FLAGS_H_
#define EPTDIFF_ORACLE_REFERENCE_FLAGS_H_

#include <cstdint>

#include "oracle/reference/examiner.h"
#include "oracle/verdict.h"

namespace eptdiff {

// The word as the step has left it so far.
std::uint64_t CurrentWord(const Examiner& x, const Effects& effects, Hpa word);

// Does what the access of x.s, which is allowed, does to the entries used and
// to the log, on top of what `effects` has done already. Returns whether there
// is a log-full event in its place (PML-1); then `effects` is as it was.
bool SetFlags(Examiner& x, Effects& effects);

// Whether SetFlags would find a flag to set while the log is full.
bool IsLogFull(Examiner& x, const Effects& effects);

// AD-6: the accessed flags of an access that ends in an exit may be set in the
// entries that it used.
void PermitAccessedFlags(Examiner& x, Effects& effects);

// Whether log-full takes the place of an exit: some entry used has its accessed
// flag clear while the log is full, and a processor that sets accessed flags as
// it goes meets that first.
enum class LogFullFirst : std::uint8_t { kNo, kMay, kMust };
LogFullFirst DoesLogFullComeFirst(Examiner& x, const Effects& effects);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_FLAGS_H_
