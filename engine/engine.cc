#include "engine/engine.h"

namespace eptdiff::engine {
namespace {

bool IsShadowStack(AccessKind kind) {
  return kind == AccessKind::kShadowStackRead ||
         kind == AccessKind::kShadowStackWrite;
}

}  // namespace

Request Engine::RequestFor(const Access& access, const GuestPage& page) const {
  // With CR0.PG = 0 every linear address is a user-mode address.
  const bool user_page = !Paging() || page.user;
  const bool controlled = context_.shadow_stack_control() && !access.wruss &&
                          (access.implicit_supervisor || guest_.cpl < 3);
  Request request = {.shadow_stack = IsShadowStack(access.kind),
                     .asynchronous = access.asynchronous || !page.gla_valid,
                     .page = page};
  switch (access.kind) {
    case AccessKind::kRead:
      request.use = Use::kRead;
      break;
    case AccessKind::kWrite:
      request.use = Use::kWrite;
      break;
    case AccessKind::kReadModifyWrite:
      request.use = Use::kReadModifyWrite;
      break;
    case AccessKind::kFetch:
      request.use = context_.mbec() && user_page ? Use::kUserFetch
                                                 : Use::kSupervisorFetch;
      break;
    case AccessKind::kShadowStackRead:
      request.use = controlled ? Use::kShadowStackRead : Use::kRead;
      break;
    case AccessKind::kShadowStackWrite:
      request.use = controlled ? Use::kShadowStackWrite : Use::kWrite;
      break;
  }
  return request;
}

}  // namespace eptdiff::engine
