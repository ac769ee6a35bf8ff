#include "engine/engine.h"

namespace eptdiff::engine {

Translation Engine::TranslationOf(const Request& request, const Path& path,
                                  Gpa gpa) const {
  const std::uint64_t leaf = path.last().value;
  return {.address = PageAddress(leaf, gpa, path.level),
          .page_shift = static_cast<std::uint8_t>(PageShift(path.level)),
          .memory_type = static_cast<MemoryType>(
              request.memory_types[leaf >> bits::kMemoryTypeShift & 15]),
          .structure_memory_type = StructureType()};
}

Request Engine::StructureRequest(Use use, const GuestPage& page,
                                 unsigned pat_index) const {
  constexpr std::uint8_t kPcdPwt = 3;  // the PAT bit is taken as 0 (MT-2)
  return {.use = use,
          .translated = false,
          .shadow_stack = false,
          .asynchronous = guest_walk_asynchronous_,
          .page = page,
          .memory_types = MemoryTypesFor(guest_, pat_index & kPcdPwt)};
}

void Engine::NoteGuestAccess(const GuestEntry& entry, bool update, Gla gla) {
  const std::uint64_t root =
      entry.hlat ? paging_->hlat_root() : paging_->RootFor(guest_, gla);
  guest_walk_.level = entry.level;
  guest_walk_.update = update;
  guest_walk_.hlat = entry.hlat;
  guest_walk_.gpa = entry.gpa;
  guest_walk_.top_table = Gpa{root & bits::kAddress};
}

GuestStep Engine::Fault(std::uint32_t error_code, Gla gla, Event& event) {
  event = Event{};
  event.kind = EventKind::kPageFault;
  event.error_code = error_code;
  event.cr2 = gla;
  return GuestStep::kEnded;
}

}  // namespace eptdiff::engine
