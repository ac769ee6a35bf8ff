// Writes to the guest's registers: MOV to CR0, CR3 and CR4, WRMSR, and what
// can go wrong in none.
//
// What a write leaves in its register is WriteRegister()'s (machine_state.h);
// here is whether it completes, and the PDPTE registers that it loads.
#ifndef EPTDIFF_ORACLE_REFERENCE_REGISTER_WRITE_H_
#define EPTDIFF_ORACLE_REFERENCE_REGISTER_WRITE_H_

#include <cstdint>

#include "oracle/case.h"
#include "oracle/reference/examiner.h"
#include "oracle/verdict.h"

namespace eptdiff {

// Judges a step of kind kRegisterWrite.
void JudgeRegisterWrite(Examiner& x, const Step& step, Verdict& verdict);

// Judges a load of the PDPTE registers from the address in `cr3` (3A 4.4.1).
void JudgePdpteLoad(Examiner& x, std::uint64_t cr3, Verdict& verdict);

// Whether PAE paging is in use once `step`, a write, has completed.
bool UsesPaePagingAfter(const GuestState& guest, const Step& step);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_REGISTER_WRITE_H_
