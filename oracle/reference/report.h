// What a VM exit or a virtualization exception reports (28.2.1, 26.5.7).
#ifndef EPTDIFF_ORACLE_REFERENCE_REPORT_H_
#define EPTDIFF_ORACLE_REFERENCE_REPORT_H_

#include <cstdint>
#include <string_view>

#include "oracle/reference/examiner.h"
#include "oracle/verdict.h"

namespace eptdiff {

// Basic exit reasons (SDM appendix C).
inline constexpr std::uint16_t kExitException = 0;
inline constexpr std::uint16_t kExitControlRegister = 28;
inline constexpr std::uint16_t kExitEptViolation = 48;
inline constexpr std::uint16_t kExitEptMisconfiguration = 49;
inline constexpr std::uint16_t kExitVmfunc = 59;
inline constexpr std::uint16_t kExitPmlFull = 62;
inline constexpr std::uint16_t kExitApicAccess = 44;
inline constexpr std::uint16_t kExitSppEvent = 66;

// The alternative in which nothing has happened yet.
Alternative& AddUntouched(const Examiner& x, RuleAt decided, Verdict& verdict);

// There is no judgement, for this reason.
void Refuse(Standing standing, std::string_view why, Verdict& verdict);

// Adds the VM exit that a misconfiguration, an SPP-related event, a log-full
// event or VMFUNC causes. `alternative` comes with the effects that precede
// the exit and leaves complete. `spp_miss`: the event is an SPP miss.
void ReportExit(Examiner& x, std::uint16_t reason, RuleAt decided,
                bool spp_miss, Alternative& alternative);

// Adds the EPT violation that x.s describes: a VM exit, or the #VE that takes
// its place. `exit`, an alternative of `verdict`, comes with the effects that
// precede it and leaves complete. Where the SDM leaves the choice, the #VE is a
// further alternative.
void ReportViolation(Examiner& x, RuleAt decided, Alternative& exit,
                     Verdict& verdict);

// Appends to `writes` that the bytes `mask` selects become those of `value`,
// unless the word has them already.
void AddWrite(const MachineState& state, Hpa word, std::uint64_t mask,
              std::uint64_t value, RuleAt why, BitWrites& writes);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_REPORT_H_
