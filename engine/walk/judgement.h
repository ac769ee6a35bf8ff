// Is one guest-physical access allowed, and if not, why not?
//
// The order is PRI-1: what the path ended in; then the rights of all entries
// used; if only write access (bit 1) is missing, the sub-page permissions; then
// the room in the page-modification log. Thread-safety: pure but for the loads.
#ifndef EPTDIFF_ENGINE_WALK_JUDGEMENT_H_
#define EPTDIFF_ENGINE_WALK_JUDGEMENT_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/memory.h"
#include "engine/types.h"
#include "engine/walk/context.h"
#include "engine/walk/flags.h"
#include "engine/walk/path.h"
#include "engine/walk/sub_page.h"
#include "engine/walk/use.h"

namespace eptdiff::engine {

enum class Refusal : std::uint8_t {
  kNone,
  kViolation,
  kVerification,  // an EPT violation, too: VIO-13
  kMisconfiguration,
  kSppMiss,
  kSppMisconfiguration,
  kLogFull,
  kNoMemory,
};

// The part of an access that lies in one 4-KByte page.
struct PagePart {
  Gpa gpa;             // of its first byte
  Gla gla;             // of its first byte
  unsigned bytes = 0;  // at least 1
};

// Whether entries whose AND is `tables`, and `leaf`, grant `rights`.
inline bool Grants(const Rights& rights, std::uint64_t tables,
                   std::uint64_t leaf) {
  return (tables & rights.table) == rights.table &&
         ((leaf & rights.leaf) == rights.leaf ||
          (leaf & rights.leaf_either) != 0);
}

// SPP-1, SPP-2: nothing but bit 1 is missing, and the leaf is a PTE with bit
// 61. To be asked only where the rights are not granted; `never`: of an access
// that is not eligible, whatever its entries (transactional, PEBS).
inline bool IsSubPageEligible(const EptContext& context, const Rights& rights,
                              const Path& path, bool never) {
  return context.sub_page() && rights.sub_page && !never && path.level == 1 &&
         (path.last().value & bits::kSubPage) != 0 &&
         Grants(rights, path.tables | bits::kWrite,
                path.last().value | bits::kWrite);
}

// Judges the rights along `path`, which is that of `part.gpa`.
template <HostMemory Memory>
Refusal JudgeRights(const EptContext& context, const Memory& memory,
                    const Path& path, Use use, const PagePart& part,
                    std::uint64_t spptp, bool never_sub_page) {
  switch (path.end) {
    case PathEnd::kTooWide:
    case PathEnd::kNotPresent:
      return Refusal::kViolation;
    case PathEnd::kMisconfigured:
      return Refusal::kMisconfiguration;
    case PathEnd::kNoMemory:
      return Refusal::kNoMemory;
    case PathEnd::kLeaf:
      break;
  }
  const Rights& rights = context.RightsOf(use);
  if (Grants(rights, path.tables, path.last().value)) return Refusal::kNone;
  if (!IsSubPageEligible(context, rights, path, never_sub_page)) {
    return Refusal::kViolation;
  }
  switch (LookUpSubPages(memory, spptp, context.beyond_width(), part.gpa,
                         part.bytes)) {
    case SubPageResult::kAllowed:
      return Refusal::kNone;
    case SubPageResult::kDenied:
      return Refusal::kViolation;
    case SubPageResult::kMiss:
      return Refusal::kSppMiss;
    case SubPageResult::kMisconfiguration:
      return Refusal::kSppMisconfiguration;
    case SubPageResult::kNoMemory:
      break;
  }
  return Refusal::kNoMemory;
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_JUDGEMENT_H_
