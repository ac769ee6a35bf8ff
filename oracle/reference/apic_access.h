// Accesses that end on the APIC-access page (30.4), once they are allowed.
#ifndef EPTDIFF_ORACLE_REFERENCE_APIC_ACCESS_H_
#define EPTDIFF_ORACLE_REFERENCE_APIC_ACCESS_H_

#include <cstddef>

#include "oracle/reference/examiner.h"
#include "oracle/reference/page.h"
#include "oracle/verdict.h"

namespace eptdiff {

// Adds what becomes of an access to `count` pages that may all be allowed,
// after `effects`, which have its flags: VM exits for those on the APIC-access
// page, and whether it may happen all the same is returned. With several pages
// each has its situation kept.
bool MayPassApicPage(Examiner& x, const Page* pages, std::size_t count,
                     const Effects& effects, Verdict& verdict);

// In dialects alone: whether `page` exits before any flag is set. If so, adds
// that.
bool ExitsBeforeFlags(Examiner& x, const Page& page, const Effects& effects,
                      Verdict& verdict);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_APIC_ACCESS_H_
