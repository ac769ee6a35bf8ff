#include "fuzzers/generation/page_rights.h"

#include <cstdint>

#include "fuzzers/entries/bits.h"

namespace eptdiff {

using namespace bits;

bool IsUserAccess(const GuestState& g, const Access& access) {
  return access.wruss || (g.cpl == 3 && !access.implicit_supervisor);
}

PageRights DrawRights(Random& random, const GuestState& g,
                      const Access& access) {
  const bool user_access = IsUserAccess(g, access);
  const bool fetch = access.kind == AccessKind::kFetch;
  const bool shadow_stack =
      access.kind == AccessKind::kShadowStackRead ||
      access.kind == AccessKind::kShadowStackWrite ||
      access.kind == AccessKind::kShadowStackReadModifyWrite;
  const bool writes = access.kind == AccessKind::kWrite ||
                      access.kind == AccessKind::kReadModifyWrite;
  const bool smep = (g.cr4 & kCr4Smep) != 0;
  const bool smap = (g.cr4 & kCr4Smap) != 0 &&
                    (access.implicit_supervisor || (g.rflags & kRflagsAc) == 0);
  PageRights rights;
  rights.user = user_access ||
                (!shadow_stack && !(fetch ? smep : smap) && random.Percent(40));
  rights.writable =
      (writes && (user_access || (g.cr0 & kCr0Wp) != 0)) || random.Percent(55);
  rights.shadow_stack = shadow_stack;
  rights.no_execute = !fetch && (g.efer & kEferNxe) != 0 && random.Percent(25);
  return rights;
}

void SpoilRights(Random& random, PageRights& rights) {
  switch (random.Below(5)) {
    case 0:
    case 1:
      rights.user = !rights.user;
      break;
    case 2:
      rights.writable = !rights.writable;
      break;
    case 3:
      rights.no_execute = !rights.no_execute;
      break;
    default:
      rights.shadow_stack = !rights.shadow_stack;
      break;
  }
}

void AllowKey(const Access& access, const PageRights& rights, unsigned key,
              GuestState& g) {
  if (access.kind == AccessKind::kFetch) return;
  std::uint32_t& keys = rights.user ? g.pkru : g.pkrs;
  const bool writes = access.kind != AccessKind::kRead &&
                      access.kind != AccessKind::kShadowStackRead;
  keys &= ~((writes ? 3u : 1u) << (2 * key));
}

}  // namespace eptdiff
