// Bochs's cpu/paging.cc, unmodified, under two redefined names.
//
// - MAXPHYADDR is a constant of Bochs (40); what depends on it in paging.cc,
//   apart from PSE-36, goes through BX_PHY_ADDRESS_RESERVED_BITS, which becomes
//   a variable here. The constant itself stays at 40: a wider one would change
//   the PSE-36 code.
// - BX_NOTIFY_PHY_MEMORY_ACCESS tells Bochs's debugger of each access and what
//   it is for; here it notes the level of the EPT entry that was read last,
//   which is how the adapter learns the size of the leaf.
#include "oracle/bochs/bochs_headers.h"
#include "oracle/bochs/walker.h"

#undef BX_PHY_ADDRESS_RESERVED_BITS
#define BX_PHY_ADDRESS_RESERVED_BITS (eptdiff::bochs::g_reserved_address_bits)

#undef BX_NOTIFY_PHY_MEMORY_ACCESS
#define BX_NOTIFY_PHY_MEMORY_ACCESS(paddr, size, memtype, rw, why, data)    \
  do {                                                                      \
    const unsigned entry = static_cast<unsigned>(why) - BX_EPT_PTE_ACCESS;  \
    if ((rw) == BX_READ && entry <= 3) eptdiff::bochs::g_ept_level = entry; \
  } while (0)

#include "cpu/paging.cc"
