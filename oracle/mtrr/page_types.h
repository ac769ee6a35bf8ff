// What a guest's page is to get: a memory type, and whether the guest's PAT
// counts (bits 5:3 and 6 of its EPT entry), by what the hypervisor promises.
//
// Two entries are equally right that have the same effect: whatever the guest
// has in its PAT, the type of its accesses (29.3.7.2; 3A table 12-7) must be
// what it has to be.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_MTRR_PAGE_TYPES_H_
#define EPTDIFF_ORACLE_MTRR_PAGE_TYPES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "oracle/mtrr/memory_types.h"
#include "oracle/mtrr/mtrrs.h"

namespace eptdiff {

// What decides about a guest's RAM (EPTDIFF_RAM_*).
enum class RamPolicy : std::uint8_t { kAsMachine, kWriteBack, kAsGuest };

struct MemoryPolicy {
  RamPolicy ram = RamPolicy::kAsMachine;
  // While the guest runs, CR0.CD is the guest's (EPTDIFF_CD_IS_THE_GUESTS).
  bool passes_cache_disable = false;
  // The guest's MTRRs and CR0.CD have no effect (EPTDIFF_PAT_ALONE).
  bool pat_alone = false;
  // Where the guest's MTRRs decide, the machine's do, too
  // (EPTDIFF_AND_MACHINE).
  bool and_machine = false;
  // CR0.CD makes the processor's PAT UC (EPTDIFF_CD_IN_PAT).
  bool disables_by_pat = false;
};

// Whose MTRRs decide, and where in them.
struct DecidingMtrrs {
  bool are_the_guests = false;
  const Mtrrs* mtrrs = nullptr;
  std::uint64_t address = 0;
};
// None, one, or the guest's and the machine's.
std::vector<DecidingMtrrs> DecidingFor(const MtrrQuestion& question,
                                       const MemoryPolicy& policy);

// Of a question about memory, or about a guest's page.
PageType TypeOf(const MtrrQuestion& question, const MemoryPolicy& policy);

// The rule that `answer` breaks; none if it is permitted.
std::optional<MtrrRule> RuleBrokenBy(std::uint32_t answer,
                                     const MtrrQuestion& question,
                                     const MemoryPolicy& policy);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_MTRR_PAGE_TYPES_H_
