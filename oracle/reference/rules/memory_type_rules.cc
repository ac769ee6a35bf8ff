// MT: the memory types of accesses (29.3.7; 3A table 12-7).
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {
namespace {

constexpr std::uint64_t kUc = 0;
constexpr std::uint64_t kWc = 1;
constexpr std::uint64_t kWt = 4;
constexpr std::uint64_t kWp = 5;
constexpr std::uint64_t kWb = 6;
constexpr std::uint64_t kUcMinus = 7;

bool CacheDisable(const Situation& s) { return Bit(s.state->guest.cr0, 30); }

// 3A table 12-7, the EPT memory type in place of the MTRR type.
std::uint64_t Combine(std::uint64_t ept, std::uint64_t pat) {
  switch (ept) {
    case kUc:
      return pat == kWc ? kWc : kUc;
    case kWc:
      switch (pat) {
        case kUcMinus:
        case kWc:
        case kWb:
          return kWc;
        default:
          return kUc;  // UC, WT, WP
      }
    case kWt:
      switch (pat) {
        case kWc:
          return kWc;
        case kWt:
        case kWb:
          return kWt;
        case kWp:
          return kWp;
        default:
          return kUc;  // UC, UC-
      }
    case kWp:
      switch (pat) {
        case kUcMinus:
        case kWc:
          return kWc;
        case kWt:
          return kWt;
        case kWb:
        case kWp:
          return kWp;
        default:
          return kUc;  // UC
      }
    default:  // WB
      switch (pat) {
        case kUcMinus:
          return kUc;
        default:
          return pat;
      }
  }
}

}  // namespace

std::uint64_t Mt1(const Situation& s) {
  return CacheDisable(s) ? kUc : Bits(s.state->controls.eptp, 2, 0);
}

// The entry of IA32_PAT (3A table 12-10) that PAT, PCD and PWT select; "for
// accesses to a guest paging-structure entry [...] by using a value of 0 for
// the PAT bit".
std::uint64_t Mt2(const Situation& s) {
  if (!s.PagingEnabled()) return kWb;
  const int indexes = s.IsStructureAccess() ? 4 : 8;
  const int low = 8 * (s.access.page.pat_index % indexes);
  return Bits(s.pat, low + 2, low);
}

std::uint64_t Mt3(const Situation& s) { return CacheDisable(s); }

std::uint64_t Mt4(const Situation& s) { return Bit(s.entry, 6); }

std::uint64_t Mt5(const Situation& s) { return Bits(s.entry, 5, 3); }

// The operand is 8 x EPT type + PAT type.
std::uint64_t Mt6(const Situation& s) {
  return Combine(s.operand / 8, s.operand % 8);
}

}  // namespace eptdiff::sdm
