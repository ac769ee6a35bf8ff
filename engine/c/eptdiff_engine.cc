// The functions of eptdiff_engine.h but for those that only look.
#include "engine/c/eptdiff_engine.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <new>

#include "engine/c/c_values.h"
#include "engine/c/engine_handle.h"
#include "engine/walk/entry_checks.h"
#include "engine/walk/invalidation.h"

namespace {

using eptdiff::Event;
using eptdiff::EventKind;
using eptdiff::Gla;
using eptdiff::Gpa;
using eptdiff::Hpa;
using eptdiff::engine::Machine;
using eptdiff::engine::RequestedAccess;

std::optional<Machine> ReadMachine(const eptdiff_engine_machine& machine) {
  if (!eptdiff::engine::IsLargeEnough(machine)) return std::nullopt;
  return eptdiff::engine::MachineOf(
      eptdiff::engine::ReadFrom(machine, eptdiff::engine::FreshMachine()));
}

std::optional<eptdiff_engine::Memory> ReadMemory(
    const eptdiff_engine_memory& memory) {
  if (!eptdiff::engine::IsLargeEnough(memory)) return std::nullopt;
  if (memory.image == nullptr) {
    if (memory.load == nullptr) return std::nullopt;
    return eptdiff::engine::CallbackMemory(memory);
  }
  constexpr std::uint64_t kWord = 8;
  const auto place = reinterpret_cast<std::uintptr_t>(memory.image);
  if (place % kWord != 0 || memory.first % kWord != 0) return std::nullopt;
  return eptdiff::FlatMemory(memory.image, memory.image_bytes,
                             Hpa{memory.first});
}

std::optional<RequestedAccess> ReadRequest(
    const eptdiff_engine_access_request& request) {
  if (!eptdiff::engine::IsLargeEnough(request)) return std::nullopt;
  return eptdiff::engine::AccessOf(eptdiff::engine::ReadFrom(request, {}));
}

// Answers by what f(engine, memory, event) says; nothing is thrown on the way.
template <typename F>
int Ask(eptdiff_engine* engine, eptdiff_engine_event* event, F f) {
  if (!eptdiff::engine::IsLargeEnough(*event)) {
    return EPTDIFF_ENGINE_BAD_ARGUMENT;
  }
  Event answer;
  const eptdiff::EngineStatus status = engine->Visit(
      [&](auto& asked, auto& memory) { return f(asked, memory, answer); });
  if (status == eptdiff::EngineStatus::kAnswered) {
    eptdiff::engine::WriteTo(*event, eptdiff::engine::ToC(answer));
  }
  return static_cast<int>(status);
}

int Tell(const Event& answer, eptdiff_engine_event* event) {
  if (!eptdiff::engine::IsLargeEnough(*event)) {
    return EPTDIFF_ENGINE_BAD_ARGUMENT;
  }
  eptdiff::engine::WriteTo(*event, eptdiff::engine::ToC(answer));
  return EPTDIFF_ENGINE_ANSWERED;
}

}  // namespace

uint32_t eptdiff_engine_abi(void) { return EPTDIFF_ENGINE_ABI; }

const char* eptdiff_engine_version(void) { return EPTDIFF_VERSION; }

void eptdiff_engine_machine_init(eptdiff_engine_machine* machine, size_t size) {
  std::memset(machine, 0, size);
  machine->size = static_cast<uint32_t>(size);
  eptdiff::engine::WriteTo(*machine, eptdiff::engine::FreshMachine());
}

int eptdiff_engine_create(const eptdiff_engine_machine* machine,
                          const eptdiff_engine_memory* memory,
                          uint64_t cache_pages, eptdiff_engine** engine) {
  *engine = nullptr;
  const auto wanted = ReadMachine(*machine);
  const auto where = ReadMemory(*memory);
  if (!wanted || !where) return EPTDIFF_ENGINE_BAD_ARGUMENT;
  // Of more the addresses of a process would not do.
  constexpr std::uint64_t kMostPages = std::uint64_t{1} << 40;
  if (cache_pages > kMostPages) return EPTDIFF_ENGINE_OUT_OF_MEMORY;
  try {
    *engine = new eptdiff_engine(*wanted, *where, cache_pages);
  } catch (const std::exception&) {
    return EPTDIFF_ENGINE_OUT_OF_MEMORY;
  }
  return EPTDIFF_ENGINE_ANSWERED;
}

void eptdiff_engine_destroy(eptdiff_engine* engine) { delete engine; }

int eptdiff_engine_get_machine(const eptdiff_engine* engine,
                               eptdiff_engine_machine* machine) {
  if (!eptdiff::engine::IsLargeEnough(*machine)) {
    return EPTDIFF_ENGINE_BAD_ARGUMENT;
  }
  const eptdiff::Engine& is = engine->engine();
  eptdiff::engine::WriteTo(
      *machine,
      eptdiff::engine::ToC(is.processor(), is.controls(), is.guest()));
  return EPTDIFF_ENGINE_ANSWERED;
}

int eptdiff_engine_set_machine(eptdiff_engine* engine,
                               const eptdiff_engine_machine* machine) {
  const auto wanted = ReadMachine(*machine);
  if (!wanted) return EPTDIFF_ENGINE_BAD_ARGUMENT;
  if (engine->plain) {
    engine->Become(*wanted);
  } else {
    engine->caching->Load(wanted->processor, wanted->controls, wanted->guest);
  }
  return EPTDIFF_ENGINE_ANSWERED;
}

int eptdiff_engine_translate(eptdiff_engine* engine, uint64_t gpa, uint32_t use,
                             uint32_t pat_index,
                             eptdiff_engine_translation* page) {
  if (use >= eptdiff::kUseCount || pat_index > 7) [[unlikely]] {
    return 0;
  }
  eptdiff::Translation found;
  const bool translates = engine->Visit([&](auto& asked, auto& memory) {
    return asked.Translate(memory, Gpa{gpa}, static_cast<eptdiff::Use>(use),
                           found, static_cast<std::uint8_t>(pat_index));
  });
  if (!translates) return 0;
  eptdiff::engine::SetTranslation(found, *page);
  return 1;
}

size_t eptdiff_engine_translate_many(eptdiff_engine* engine,
                                     const uint64_t* gpa, size_t count,
                                     uint32_t use, uint32_t pat_index,
                                     eptdiff_engine_translation* pages) {
  constexpr std::size_t kAtOnce = 256;
  std::array<Gpa, kAtOnce> asked_for;
  std::array<eptdiff::Translation, kAtOnce> found;
  const bool known = use < eptdiff::kUseCount && pat_index <= 7;
  return engine->Visit([&](auto& asked, auto& memory) {
    std::size_t translated = 0;
    for (std::size_t first = 0; first < count; first += kAtOnce) {
      const std::size_t some = std::min(count - first, kAtOnce);
      for (std::size_t i = 0; i < some; ++i)
        asked_for[i].value = gpa[first + i];
      if (known) {
        translated += asked.TranslateMany(
            memory, {asked_for.data(), some}, static_cast<eptdiff::Use>(use),
            found.data(), static_cast<std::uint8_t>(pat_index));
      }
      for (std::size_t i = 0; i < some; ++i) {
        eptdiff::engine::SetTranslation(found[i], pages[first + i]);
      }
    }
    return translated;
  });
}

int eptdiff_engine_access(eptdiff_engine* engine,
                          const eptdiff_engine_access_request* request,
                          uint64_t gpa, eptdiff_engine_event* event) {
  const auto requested = ReadRequest(*request);
  if (!requested) return EPTDIFF_ENGINE_BAD_ARGUMENT;
  return Ask(engine, event, [&](auto& asked, auto& memory, Event& answer) {
    return asked.PerformAccess(memory, requested->access, Gpa{gpa},
                               requested->page, answer);
  });
}

int eptdiff_engine_access_linear(eptdiff_engine* engine,
                                 const eptdiff_engine_access_request* request,
                                 eptdiff_engine_event* event) {
  const auto requested = ReadRequest(*request);
  if (!requested) return EPTDIFF_ENGINE_BAD_ARGUMENT;
  return Ask(engine, event, [&](auto& asked, auto& memory, Event& answer) {
    return asked.PerformLinearAccess(memory, requested->access,
                                     requested->page.gla, answer);
  });
}

int eptdiff_engine_access_structure(eptdiff_engine* engine, int update,
                                    uint64_t gpa, uint64_t gla,
                                    uint32_t pat_index,
                                    eptdiff_engine_event* event) {
  if (pat_index > 7) return EPTDIFF_ENGINE_BAD_ARGUMENT;
  const auto index = static_cast<std::uint8_t>(pat_index);
  return Ask(engine, event, [&](auto& asked, auto& memory, Event& answer) {
    return update != 0 ? asked.UpdatePagingStructure(memory, Gpa{gpa}, Gla{gla},
                                                     index, answer)
                       : asked.ReadPagingStructure(memory, Gpa{gpa}, Gla{gla},
                                                   index, answer);
  });
}

int eptdiff_engine_write_register(eptdiff_engine* engine, uint32_t reg,
                                  uint64_t value, eptdiff_engine_event* event) {
  if (reg > EPTDIFF_ENGINE_CPL) return EPTDIFF_ENGINE_BAD_ARGUMENT;
  return Ask(engine, event, [&](auto& asked, auto& memory, Event& answer) {
    return asked.WriteRegister(memory, static_cast<eptdiff::GuestRegister>(reg),
                               value, answer);
  });
}

int eptdiff_engine_vmfunc(eptdiff_engine* engine, uint32_t eax, uint32_t ecx,
                          eptdiff_engine_event* event) {
  return Ask(engine, event, [&](auto& asked, auto& memory, Event& answer) {
    return asked.Vmfunc(memory, eax, ecx, answer);
  });
}

int eptdiff_engine_enter(eptdiff_engine* engine,
                         const eptdiff_engine_machine* machine,
                         eptdiff_engine_event* event) {
  const auto wanted = ReadMachine(*machine);
  if (!wanted) return EPTDIFF_ENGINE_BAD_ARGUMENT;
  const Event answer =
      eptdiff::EnterGuest(wanted->processor, wanted->controls, wanted->guest);
  const int status = Tell(answer, event);
  if (status != EPTDIFF_ENGINE_ANSWERED ||
      answer.kind != EventKind::kCompleted) {
    return status;
  }
  if (engine->plain) {
    engine->Become(*wanted);
  } else {
    engine->caching->Enter(wanted->controls, wanted->guest);
    engine->caching->Load(wanted->processor, wanted->controls, wanted->guest);
  }
  return status;
}

void eptdiff_engine_exit(eptdiff_engine* engine) {
  if (engine->caching) engine->caching->Exit();
}

int eptdiff_engine_invept(eptdiff_engine* engine, uint64_t type, uint64_t eptp,
                          eptdiff_engine_event* event) {
  return Tell(engine->caching ? engine->caching->Invept(type, eptp)
                              : eptdiff::CheckInvept(engine->plain->processor(),
                                                     type, eptp),
              event);
}

int eptdiff_engine_invvpid(eptdiff_engine* engine, uint64_t type,
                           uint64_t descriptor, uint64_t gla,
                           eptdiff_engine_event* event) {
  return Tell(engine->caching
                  ? engine->caching->Invvpid(type, descriptor, Gla{gla})
                  : eptdiff::CheckInvvpid(engine->plain->processor(), type,
                                          descriptor, Gla{gla}),
              event);
}

int eptdiff_engine_invlpg(eptdiff_engine* engine, uint64_t gla,
                          eptdiff_engine_event* event) {
  return Tell(engine->caching
                  ? engine->caching->Invlpg(Gla{gla})
                  : eptdiff::CheckInvlpg(engine->plain->controls(), Gla{gla}),
              event);
}

int eptdiff_engine_invpcid(eptdiff_engine* engine, uint64_t type,
                           uint64_t descriptor, uint64_t gla,
                           eptdiff_engine_event* event) {
  return Tell(engine->caching
                  ? engine->caching->Invpcid(type, descriptor, Gla{gla})
                  : eptdiff::CheckInvpcid(engine->plain->controls(),
                                          engine->plain->guest(), type,
                                          descriptor, Gla{gla}),
              event);
}

void eptdiff_engine_clear_cache(eptdiff_engine* engine) {
  if (engine->cache) engine->cache->Clear();
}
