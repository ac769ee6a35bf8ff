// Hand-written cases: at least one for each rule, with the outcome that the
// SDM demands, and for each alteration one on which it shows.
//
// A witness tells an alteration from the SDM: some outcome conforms to the
// SDM's verdict on its last step and not to the altered one, or the other way
// round. Entries and addresses are literal, and the outcomes were written down
// from the SDM's text, not from what the reference says. The cases are also the
// seed corpus. Not part of any fuzz target.
// Thread-safety: constant after its first use.
#ifndef EPTDIFF_ORACLE_REFERENCE_WITNESSES_H_
#define EPTDIFF_ORACLE_REFERENCE_WITNESSES_H_

#include <span>
#include <string_view>
#include <vector>

#include "oracle/case.h"
#include "oracle/reference/answer.h"

namespace eptdiff {

struct NamedCase {
  std::string_view name;  // a file name without extension: "cfg-8-bit-12"
  std::string_view rule;  // the identifier of the rule that it is about
  std::vector<std::string_view> tells;  // alterations, by name
  Case c;
  // Of the last step, or of VM entry if there is none. One that conforms; where
  // the SDM leaves a choice there are others.
  Answer answer;
};

// All of them. Each name occurs once.
std::span<const NamedCase> Witnesses();

// By family of rules.
std::vector<NamedCase> EntryWitnesses();          // EPTP, CTL
std::vector<NamedCase> WalkWitnesses();           // WALK
std::vector<NamedCase> ConfigurationWitnesses();  // CFG
std::vector<NamedCase> ViolationWitnesses();      // VIO, PRI
std::vector<NamedCase> QualificationWitnesses();  // QUAL, INFO
std::vector<NamedCase> FlagWitnesses();           // AD, PML, ALIAS
std::vector<NamedCase> MemoryTypeWitnesses();     // MT
std::vector<NamedCase> SubPageWitnesses();        // SPP
std::vector<NamedCase> VeWitnesses();             // VE
std::vector<NamedCase> GuestWitnesses();          // GW-17
std::vector<NamedCase> GuestModeWitnesses();      // GW-1 to GW-4
std::vector<NamedCase> GuestEntryWitnesses();     // GW-5, GW-6, GW-16
std::vector<NamedCase> GuestFlagWitnesses();      // GW-12, GW-20
std::vector<NamedCase> GuestTableWitnesses();     // GW-13, GW-14
std::vector<NamedCase> GuestEptWitnesses();       // EPT under a guest walk
std::vector<NamedCase> HlatWitnesses();           // GW-15, GW-19

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_WITNESSES_H_
