// Alterations that explain somebody's answers, in the words of reports.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_COMMAND_REPORT_DEPARTURE_WORDS_H_
#define EPTDIFF_FUZZERS_COMMAND_REPORT_DEPARTURE_WORDS_H_

#include <string>
#include <vector>

#include "fuzzers/command/report/check_report.h"
#include "oracle/diagnosis/diagnosis.h"
#include "oracle/reference/dialect.h"

namespace eptdiff {

// "CFG-8: bit 12 of a 1-GByte leaf is not checked".
std::string AlterationWords(const Alteration& alteration);

// ", as Skylake-SP and Cascade Lake do", for what some processor does, too; ""
// if none is known to.
std::string Likewise(const Alteration& alteration);

// Remarks the named dialects whose departures are all among these.
void AddDialects(const std::vector<Departure>& departures, CheckReport& report);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_REPORT_DEPARTURE_WORDS_H_
