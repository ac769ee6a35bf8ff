// MT: the memory types of accesses (29.3.7; 3A table 12-7).
#include "oracle/effective_type.h"
#include "oracle/reference/rules/sdm.h"

namespace eptdiff::sdm {
namespace {

bool CacheDisable(const Situation& s) { return Bit(s.state->guest.cr0, 30); }

}  // namespace

std::uint64_t Mt1(const Situation& s) {
  return CacheDisable(s) ? kTypeUc : Bits(s.state->controls.eptp, 2, 0);
}

// The entry of IA32_PAT (3A table 12-10) that PAT, PCD and PWT select; "for
// accesses to a guest paging-structure entry [...] by using a value of 0 for
// the PAT bit".
std::uint64_t Mt2(const Situation& s) {
  if (!s.TranslatedByPaging()) return kTypeWb;
  const int indexes = s.IsStructureAccess() ? 4 : 8;
  const int low = 8 * (s.access.page.pat_index % indexes);
  return Bits(s.pat, low + 2, low);
}

std::uint64_t Mt3(const Situation& s) { return CacheDisable(s); }

std::uint64_t Mt4(const Situation& s) { return Bit(s.entry, 6); }

std::uint64_t Mt5(const Situation& s) { return Bits(s.entry, 5, 3); }

// 3A table 12-7, the EPT memory type in place of the MTRR type. The operand is
// 8 x EPT type + PAT type.
std::uint64_t Mt6(const Situation& s) {
  return EffectiveType(s.operand / 8, s.operand % 8);
}

}  // namespace eptdiff::sdm
