// A guest-physical access within one page, from its walk to what may come of
// it: the pieces of which accesses to one or two pages, and the accesses of a
// two-dimensional walk, are made.
#ifndef EPTDIFF_ORACLE_REFERENCE_PAGE_H_
#define EPTDIFF_ORACLE_REFERENCE_PAGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "oracle/fixed_vector.h"
#include "oracle/reference/examiner.h"
#include "oracle/reference/rules/situation.h"
#include "oracle/verdict.h"

namespace eptdiff {

// How the access to one page may end, flags and log aside.
struct End {
  enum class Kind : std::uint8_t {
    kAllowed,
    kViolation,
    kMisconfiguration,
    kSppMiss,
    kSppMisconfiguration,
    kLogFull,
  };
  Kind kind = Kind::kAllowed;
  RuleAt decided;
  // kViolation: bit 15 of its qualification.
  std::uint64_t verification_bit = 0;
};

struct Page {
  // The situation after the walk, if x.s will not stay with this page until
  // its end: it is large, and of most accesses there is one page.
  std::optional<Situation> kept;
  FixedVector<End, 4> ends;
  Translation translation;  // where some end is kAllowed
  bool memory_type_defined = true;
  Rule memory_type_rule = Rule::kMt5;

  bool MayBeAllowed() const { return ends[0].kind == End::Kind::kAllowed; }
};

// Walks and judges `access`, in the state that `effects` has left. The
// functions below expect x.s as this leaves it, or page.kept.
void JudgePage(Examiner& x, const PageAccess& access, const Effects& effects,
               Page& page);

// Adds to `verdict` the exits in which `page` may end, after `effects`.
// `other` is the page, if any, that has not had its turn.
void AddExits(Examiner& x, const Page& page, const Page* other,
              const Effects& effects, Verdict& verdict);

// Sets the flags of `page`, or adds the log-full event in their place. Returns
// whether the access goes on.
bool SetFlagsOrExit(Examiner& x, const Page& page, Effects& effects,
                    Verdict& verdict);

// AD-6 for a page that may be allowed, in `effects` that end otherwise.
void PermitAccessedFlagsOf(Examiner& x, const Page& page, Effects& effects,
                           Verdict& verdict);

// Adds that the access to `count` pages happens.
void AddCompletion(const Page* pages, std::size_t count, const Effects& effects,
                   Verdict& verdict);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_REFERENCE_PAGE_H_
