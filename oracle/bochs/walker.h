// What both forms of Bochs's machine share, inside the border: see machine.h.
// Not for code outside this folder.
#ifndef EPTDIFF_ORACLE_BOCHS_WALKER_H_
#define EPTDIFF_ORACLE_BOCHS_WALKER_H_

#include <cstdint>

#include "oracle/bochs/machine.h"

namespace eptdiff::bochs {

// The bits at and above MAXPHYADDR: read by cpu/paging.cc (see paging.cc here).
extern std::uint64_t g_reserved_address_bits;

// The level of the last EPT entry that was read, 0 (PTE) to 3 (PML4E).
extern unsigned g_ept_level;

// The word of Bochs's ia_extensions_bitmask that has the bit for 1-GByte pages,
// as it is to be while EPT's entries and while the guest's are judged.
extern std::uint32_t g_ept_extensions, g_guest_extensions;

// The bits that are reserved in a 32-bit PDE with PS = 1; 0 where CR4.PSE = 0.
extern std::uint32_t g_reserved_pde_bits;

// The memory of this step; Bochs's physical reads and writes arrive there.
extern Memory g_memory;

// Loads the processor's fields that the walkers look at.
void LoadProcessor(const Setup& setup, const Changing& changing);

// Calls what `question` asks for. It returns only if Bochs's function did;
// `answer` then has what it returned.
void CallBochs(const Question& question, Answer& answer);

}  // namespace eptdiff::bochs

#endif  // EPTDIFF_ORACLE_BOCHS_WALKER_H_
