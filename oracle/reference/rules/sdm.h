// What the SDM answers at each slot: one function for each, named like it.
// They are defined by family: entry_rules.cc, walk_rules.cc ...
//
// This folder is what is read beside the manual; it uses the words of oracle/
// and nothing else. Begin with walk_rules.cc; slots.def says where each rule is
// asked, situation.h what it is asked about.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_REFERENCE_RULES_SDM_H_
#define EPTDIFF_ORACLE_REFERENCE_RULES_SDM_H_

#include <cstdint>

#include "oracle/reference/rules/situation.h"

namespace eptdiff::sdm {

#define EPTDIFF_SLOT(name, rule, kind) std::uint64_t name(const Situation& s);
#include "oracle/reference/rules/slots.def"
#undef EPTDIFF_SLOT

}  // namespace eptdiff::sdm

#endif  // EPTDIFF_ORACLE_REFERENCE_RULES_SDM_H_
