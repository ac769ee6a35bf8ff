// Host-physical memory that a C caller brings as functions.
// Thread-safety: as the functions'.
#ifndef EPTDIFF_ENGINE_C_CALLBACK_MEMORY_H_
#define EPTDIFF_ENGINE_C_CALLBACK_MEMORY_H_

#include <cstdint>

#include "engine/c/eptdiff_engine.h"
#include "engine/memory.h"
#include "engine/types.h"

namespace eptdiff::engine {

class CallbackMemory {
 public:
  explicit CallbackMemory(const eptdiff_engine_memory& memory)
      : context_(memory.context),
        load_(memory.load),
        store_(memory.store),
        compare_exchange_(memory.compare_exchange),
        writes_(memory.store != nullptr && memory.compare_exchange != nullptr) {
  }

  bool Load(Hpa address, std::uint64_t& word) const {
    return load_(context_, address.value, &word) != 0;
  }
  // Memory that is only read takes every write, and forgets it.
  bool Store(Hpa address, std::uint64_t value) {
    return !writes_ || store_(context_, address.value, value) != 0;
  }
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    return !writes_ ||
           compare_exchange_(context_, address.value, expected, desired) != 0;
  }

 private:
  void* context_;
  decltype(eptdiff_engine_memory::load) load_;
  decltype(eptdiff_engine_memory::store) store_;
  decltype(eptdiff_engine_memory::compare_exchange) compare_exchange_;
  bool writes_;
};

static_assert(HostMemory<CallbackMemory>);

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_C_CALLBACK_MEMORY_H_
