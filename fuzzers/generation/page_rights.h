// What the guest's paging has to say to an access: which kind of page lets it
// through. Volume 3A 4.6. Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_GENERATION_PAGE_RIGHTS_H_
#define EPTDIFF_FUZZERS_GENERATION_PAGE_RIGHTS_H_

#include "fuzzers/entries/random.h"
#include "oracle/case.h"

namespace eptdiff {

// The properties of a linear page.
struct PageRights {
  bool user = true;      // U/S is 1 in every entry
  bool writable = true;  // R/W is 1 in every entry
  bool no_execute = false;
  bool shadow_stack = false;  // R/W is 0 in the leaf alone, D is 1
};

bool IsUserAccess(const GuestState& g, const Access& access);

// Rights that let `access` through; what does not matter to it is chance.
PageRights DrawRights(Random& random, const GuestState& g,
                      const Access& access);

// One of them otherwise.
void SpoilRights(Random& random, PageRights& rights);

// Lets the protection key of a page with these rights pass the access.
void AllowKey(const Access& access, const PageRights& rights, unsigned key,
              GuestState& g);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_GENERATION_PAGE_RIGHTS_H_
