#include "engine/engine.h"

namespace eptdiff::engine {

void Engine::NoteRegisters() {
  for (std::size_t i = 0; i < memory_types_.size(); ++i) {
    memory_types_[i] = &MemoryTypesFor(guest_, static_cast<std::uint8_t>(i));
  }
  structure_type_ = (guest_.cr0 & bits::kCr0CacheDisable) != 0
                        ? MemoryType::kUncacheable
                        : context_.structure_type();
  every_page_is_user_ = PagingModeOf(guest_) == PagingMode::kNone;
  answers_ = context_.enabled() && ModelsAccesses(controls_, guest_);
}

Translation Engine::TranslationOf(const Request& request, const Path& path,
                                  Gpa gpa) const {
  const std::uint64_t leaf = path.last().value;
  return {.address = PageAddress(leaf, gpa, path.level),
          .page_shift = static_cast<std::uint8_t>(PageShift(path.level)),
          .memory_type = static_cast<MemoryType>(
              request.memory_types[leaf >> bits::kMemoryTypeShift & 15]),
          .structure_memory_type = structure_type_};
}

Request Engine::StructureRequest(Use use, const GuestPage& page,
                                 unsigned pat_index) const {
  constexpr std::uint8_t kPcdPwt = 3;  // the PAT bit is taken as 0 (MT-2)
  return {.use = use,
          .translated = false,
          .shadow_stack = false,
          .asynchronous = guest_walk_asynchronous_,
          .page = page,
          .memory_types = MemoryTypes(pat_index & kPcdPwt)};
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
