// Between the engine's values and the structures of eptdiff_engine.h.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ENGINE_C_C_VALUES_H_
#define EPTDIFF_ENGINE_C_C_VALUES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "engine/c/eptdiff_engine.h"
#include "engine/types.h"

namespace eptdiff::engine {

// Structures that may grow. The least that a caller may bring is what the first
// version had, which is this one.
template <typename T>
bool IsLargeEnough(const T& structure) {
  return structure.size >= sizeof(T);
}

// What the caller's structure has of it, over what `known` is.
template <typename T>
T ReadFrom(const T& structure, T known) {
  std::memcpy(&known, &structure,
              std::min<std::size_t>(structure.size, sizeof(T)));
  known.size = sizeof(T);
  return known;
}

// Writes as much as the caller has room for; `size` stays his.
template <typename T>
void WriteTo(T& structure, T value) {
  value.size = structure.size;
  std::memcpy(&structure, &value,
              std::min<std::size_t>(structure.size, sizeof(T)));
}

struct Machine {
  Processor processor;
  Controls controls;
  GuestState guest;
};

// The defaults.
eptdiff_engine_machine FreshMachine();
// None if a number is out of its range.
std::optional<Machine> MachineOf(const eptdiff_engine_machine& c);
eptdiff_engine_machine ToC(const Processor& processor, const Controls& controls,
                           const GuestState& guest);

struct RequestedAccess {
  Access access;
  GuestPage page;
};
// None if there is no such kind of access or entry of IA32_PAT.
std::optional<RequestedAccess> AccessOf(const eptdiff_engine_access_request& c);

inline void SetTranslation(const Translation& page,
                           eptdiff_engine_translation& c) {
  c.address = page.address.value;
  c.guest_structure_types = page.guest_structure_types;
  c.page_shift = page.page_shift;
  c.memory_type = static_cast<std::uint8_t>(page.memory_type);
  c.structure_memory_type =
      static_cast<std::uint8_t>(page.structure_memory_type);
  std::memset(c.reserved, 0, sizeof(c.reserved));
}

eptdiff_engine_event ToC(const Event& event);

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_C_C_VALUES_H_
