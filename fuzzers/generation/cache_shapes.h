// Steps between which what was kept of a translation matters (SDM 29.4): an
// access, a store to an entry on its way, something that ends what was kept, or
// nothing, or not enough, and the access again; on one logical processor or
// several. Thread-safety: pure function.
#ifndef EPTDIFF_FUZZERS_GENERATION_CACHE_SHAPES_H_
#define EPTDIFF_FUZZERS_GENERATION_CACHE_SHAPES_H_

#include <cstddef>
#include <string_view>

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// What becomes of the entry.
enum class CacheShape : std::size_t {
  kMoved,         // another address
  kRightRemoved,  // read, write or execute
  kRightAdded,    // what refused allows
  kMemoryType,    // or the ignore-PAT bit
  kPageSize,      // bit 7
  kRemoved,       // not present
  kMapped,        // what was not present is
  kRepaired,      // what was misconfigured, or had a reserved bit, is not
  kFlagsCleared,  // A, D or both
  kAnything,      // one small change
  kTagsChanged,   // EPTP or the root of CR3, perhaps for a while
  kVpidChanged,   // the VPID, likewise
  kPcidChanged,   // the PCID alone, likewise
  kGlobalPage,    // the guest's, which is used under any PCID
  kUpperLevel,    // it maps no page: what is used is another page's
};
inline constexpr std::size_t kCacheShapeCount = 15;
std::string_view NameOf(CacheShape shape);

// Beyond this a case is given no more steps.
inline constexpr std::size_t kMaxCacheSteps = 12;

// Adds one shape around some access of `c`. False, and nothing happens, if
// there is none, or no room.
bool AddCacheShape(Random& random, Case& c);

// Makes `c` a case about caches: few steps, a processor that has all of INVEPT
// and INVVPID, VPIDs mostly; and a shape or two.
void MakeCacheCase(Random& random, Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_CACHE_SHAPES_H_
