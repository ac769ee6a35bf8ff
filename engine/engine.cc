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

}  // namespace eptdiff::engine
