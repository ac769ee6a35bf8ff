// For tests of the engine through C: memory as an image or as functions, and an
// engine that is destroyed.
#ifndef EPTDIFF_ENGINE_C_ENGINE_TESTING_H_
#define EPTDIFF_ENGINE_C_ENGINE_TESTING_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/c/eptdiff_engine.h"

namespace eptdiff {

inline constexpr std::size_t kWords = 8 * 512;
using Image = std::vector<std::uint64_t>;

inline int Load(void* context, std::uint64_t address, std::uint64_t* word) {
  Image& image = *static_cast<Image*>(context);
  if (address / 8 >= image.size()) return 0;
  *word = image[address / 8];
  return 1;
}
inline int Store(void* context, std::uint64_t address, std::uint64_t word) {
  Image& image = *static_cast<Image*>(context);
  if (address / 8 >= image.size()) return 0;
  image[address / 8] = word;
  return 1;
}
inline int CompareExchange(void* context, std::uint64_t address,
                           std::uint64_t expected, std::uint64_t desired) {
  Image& image = *static_cast<Image*>(context);
  if (address / 8 >= image.size() || image[address / 8] != expected) return 0;
  image[address / 8] = desired;
  return 1;
}

inline eptdiff_engine_memory FlatOf(Image& image) {
  eptdiff_engine_memory memory = {};
  memory.size = sizeof(memory);
  memory.image = image.data();
  memory.image_bytes = 8 * image.size();
  return memory;
}
inline eptdiff_engine_memory CallbacksOf(Image& image) {
  eptdiff_engine_memory memory = {};
  memory.size = sizeof(memory);
  memory.context = &image;
  memory.load = Load;
  memory.store = Store;
  memory.compare_exchange = CompareExchange;
  return memory;
}

using Handle =
    std::unique_ptr<eptdiff_engine, decltype(&eptdiff_engine_destroy)>;
inline Handle Create(const eptdiff_engine_machine& machine,
                     const eptdiff_engine_memory& memory, std::uint64_t pages) {
  eptdiff_engine* engine = nullptr;
  EXPECT_EQ(eptdiff_engine_create(&machine, &memory, pages, &engine),
            EPTDIFF_ENGINE_ANSWERED);
  return {engine, &eptdiff_engine_destroy};
}

// A page of 1 GByte at GPA 0, which may be read and written.
struct OnePage {
  OnePage() : image(kWords) {
    image[0x1000 / 8] = 0x2007;
    image[0x2000 / 8] = 0x400000b3;
    eptdiff_engine_machine_init(&machine, sizeof(machine));
    machine.ept_vpid_cap = 0x06334141;
    machine.primary = 0x80000000;
    machine.secondary = 0x22;
    machine.vpid = 1;
    machine.eptp = 0x105e;
    event.size = sizeof(event);
    write.size = sizeof(write);
    write.kind = EPTDIFF_ENGINE_WRITE;
  }
  Image image;
  eptdiff_engine_machine machine;
  eptdiff_engine_event event = {};
  eptdiff_engine_access_request write = {};
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_C_ENGINE_TESTING_H_
