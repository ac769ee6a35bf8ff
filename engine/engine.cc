#include "engine/engine.h"

namespace eptdiff::engine {

Use Engine::UseOf(const Access& access, const GuestPage& page) const {
  // With CR0.PG = 0 every linear address is a user-mode address.
  const bool user_page = !Paging() || page.user;
  const bool controlled = context_.shadow_stack_control() && !access.wruss &&
                          (access.implicit_supervisor || guest_.cpl < 3);
  switch (access.kind) {
    case AccessKind::kRead:
      return Use::kRead;
    case AccessKind::kWrite:
      return Use::kWrite;
    case AccessKind::kReadModifyWrite:
      return Use::kReadModifyWrite;
    case AccessKind::kFetch:
      return context_.mbec() && user_page ? Use::kUserFetch
                                          : Use::kSupervisorFetch;
    case AccessKind::kShadowStackRead:
      return controlled ? Use::kShadowStackRead : Use::kRead;
    case AccessKind::kShadowStackWrite:
      return controlled ? Use::kShadowStackWrite : Use::kWrite;
  }
  return Use::kRead;
}

Translation Engine::TranslationOf(const Request& request, const Path& path,
                                  Gpa gpa) const {
  const std::uint64_t leaf = path.last().value;
  return {.address = PageAddress(leaf, gpa, path.level),
          .page_shift = static_cast<std::uint8_t>(PageShift(path.level)),
          .memory_type = static_cast<MemoryType>(
              request.memory_types[leaf >> bits::kMemoryTypeShift & 15]),
          .structure_memory_type = StructureType()};
}

}  // namespace eptdiff::engine
