// Bochs's cpu/paging.cc, unmodified, under two redefined names.
//
// - MAXPHYADDR is a constant of Bochs (40); what depends on it in paging.cc,
//   apart from PSE-36, goes through BX_PHY_ADDRESS_RESERVED_BITS, which becomes
//   a variable here. The constant itself stays at 40: a wider one would change
//   the PSE-36 code.
// - BX_NOTIFY_PHY_MEMORY_ACCESS tells Bochs's debugger of each access and what
//   it is for, before paging.cc looks at what was read; NoteRead() here stands
//   in the debugger's place.
#include "oracle/bochs/bochs_headers.h"
#include "oracle/bochs/walker.h"

namespace eptdiff::bochs {
namespace {

// What Bochs fixes when it is compiled, or has one switch for, becomes a matter
// of the entry that is about to be judged:
// - the level of an EPT entry is noted, from which the adapter learns the size
//   of the leaf;
// - 1-GByte pages are two features, EPT's and the guest's;
// - of a PDE that maps 4 MBytes, bit 21 alone is reserved for 40 bits. Where a
//   narrower MAXPHYADDR reserves others and one is set, bit 21 is shown as set.
//   That ends in a page fault, so the altered entry goes nowhere else.
inline void NoteRead(AccessReason why, unsigned bytes, void* data) {
  Bit32u& extensions = bx_cpu.ia_extensions_bitmask[BX_ISA_1G_PAGES / 32];
  const unsigned ept_level = static_cast<unsigned>(why) - BX_EPT_PTE_ACCESS;
  if (ept_level <= 3) {
    g_ept_level = ept_level;
    extensions = g_ept_extensions;
    return;
  }
  extensions = g_guest_extensions;
  if (why != BX_PDE_ACCESS || bytes != 4) return;
  constexpr Bit32u kPresent = 1, kPageSize = 1 << 7, kReserved = 1 << 21;
  Bit32u entry;
  memcpy(&entry, data, sizeof(entry));
  if (!(entry & kPresent) || !(entry & kPageSize)) return;
  if (entry & g_reserved_pde_bits) entry |= kReserved;
  memcpy(data, &entry, sizeof(entry));
}

}  // namespace
}  // namespace eptdiff::bochs

#undef BX_PHY_ADDRESS_RESERVED_BITS
#define BX_PHY_ADDRESS_RESERVED_BITS (eptdiff::bochs::g_reserved_address_bits)

#undef BX_NOTIFY_PHY_MEMORY_ACCESS
#define BX_NOTIFY_PHY_MEMORY_ACCESS(paddr, size, memtype, rw, why, data) \
  do {                                                                   \
    if ((rw) == BX_READ) eptdiff::bochs::NoteRead(why, size, data);      \
  } while (0)

#include "cpu/paging.cc"
