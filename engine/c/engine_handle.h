// What a C caller's pointer to an engine points to.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ENGINE_C_ENGINE_HANDLE_H_
#define EPTDIFF_ENGINE_C_ENGINE_HANDLE_H_

#include <cstddef>
#include <optional>
#include <variant>

#include "engine/c/c_values.h"
#include "engine/c/callback_memory.h"
#include "engine/c/eptdiff_engine.h"
#include "engine/cache/caching_engine.h"
#include "engine/engine.h"
#include "engine/memory.h"

// One of two kinds of memory, and one of two kinds of engine.
struct eptdiff_engine {
  using Memory =
      std::variant<eptdiff::FlatMemory, eptdiff::engine::CallbackMemory>;

  eptdiff_engine(const eptdiff::engine::Machine& machine, const Memory& where,
                 std::size_t cache_pages)
      : memory(where) {
    if (cache_pages == 0) {
      Become(machine);
      return;
    }
    cache.emplace(cache_pages);
    caching.emplace(*cache, machine.processor, machine.controls, machine.guest);
  }
  eptdiff_engine(const eptdiff_engine&) = delete;
  eptdiff_engine& operator=(const eptdiff_engine&) = delete;

  // The engine itself; with a cache, what walks for it.
  const eptdiff::Engine& engine() const {
    return plain ? *plain : caching->engine();
  }
  void Become(const eptdiff::engine::Machine& machine) {
    plain.emplace(machine.processor, machine.controls, machine.guest);
  }

  // Calls f(engine, memory), each as what it is: the hot way first.
  template <typename F>
  [[gnu::always_inline]] auto Visit(F f) {
    if (auto* flat = std::get_if<eptdiff::FlatMemory>(&memory)) [[likely]] {
      if (plain) [[likely]]
        return f(*plain, *flat);
      return f(*caching, *flat);
    }
    auto& called = *std::get_if<eptdiff::engine::CallbackMemory>(&memory);
    if (plain) return f(*plain, called);
    return f(*caching, called);
  }

  Memory memory;
  std::optional<eptdiff::Engine> plain;
  std::optional<eptdiff::TranslationCache> cache;
  std::optional<eptdiff::CachingEngine> caching;
};

#endif  // EPTDIFF_ENGINE_C_ENGINE_HANDLE_H_
