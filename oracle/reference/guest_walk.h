// The first dimension of a two-dimensional walk (3A 4.3 to 4.8, 29.3.3.3): from
// a linear address through the guest's paging structures, each of whose entries
// is itself accessed through EPT, to a guest-physical address.
#ifndef EPTDIFF_ORACLE_REFERENCE_GUEST_WALK_H_
#define EPTDIFF_ORACLE_REFERENCE_GUEST_WALK_H_

#include <cstdint>

#include "oracle/reference/examiner.h"
#include "oracle/reference/page.h"
#include "oracle/verdict.h"

namespace eptdiff {

// The bytes of a linear access that lie in one page.
struct LinearPart {
  Access access;
  Gla gla;    // of the first byte
  Gla named;  // the same, as the access names it
  std::uint16_t bytes = 1;
  bool split = false;  // the access has bytes in another page, too
  // Of a processor that takes ReadOnlyDirty::kEither as yes.
  bool dirties_read_only = true;
  // Whether GW-22, by `separated_by`, refuses it before its translation: never
  // (kPasses), or it may (kEither), or it does (kByPage).
  SeparationOfWrap separation = SeparationOfWrap::kPasses;
  RuleAt separated_by = {};
};

// What guest paging made of a part.
struct GuestTranslation {
  PageAccess final_access;
  std::uint64_t structure_types = 0;  // Translation::guest_structure_types
  bool structure_types_defined = true;
  // ReadOnlyDirty::kEither was met: LinearPart::dirties_read_only decided.
  bool dirty_was_open = false;
};

// Tells x.s what a linear access to `part` is, and in which paging mode.
void BeginLinear(Examiner& x, const LinearPart& part);

// Translates `part`, which BeginLinear has begun. Adds to `verdict` every fault
// and exit in which that may end, and to `effects` what the accesses on the way
// have done: EPT's flags and logs as required writes, guest accessed and dirty
// flags as optional ones (GW-20). Returns whether there may be a translation
// that the guest's rights allow.
bool WalkGuest(Examiner& x, const LinearPart& part, Effects& effects,
               Verdict& verdict, GuestTranslation& translation);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_GUEST_WALK_H_
