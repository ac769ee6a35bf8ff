// GW: the guest's own paging (3A chapter 4).
#include "oracle/reference/sdm.h"

namespace eptdiff::sdm {

// 3A 4.4.1: bits 31:5 of CR3.
std::uint64_t Gw17Address(const Situation& s) {
  return Field(s.state->guest.cr3, 31, 5);
}

// 3A table 4-8: `entry` is a PDPTE.
std::uint64_t Gw17Reserved(const Situation& s) {
  return Bit(s.entry, 0) &&
         (Bits(s.entry, 2, 1) != 0 || Bits(s.entry, 8, 5) != 0 ||
          Bits(s.entry, 63, s.N()) != 0);
}

}  // namespace eptdiff::sdm
