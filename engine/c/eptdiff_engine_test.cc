// What the engine through C does with its memory, its machine and its callers'
// mistakes.
#include "engine/c/eptdiff_engine.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/c/engine_testing.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

TEST(EptdiffEngineTest, MemoryThatIsOnlyReadStaysAsItIs) {
  OnePage one;
  eptdiff_engine_memory memory = CallbacksOf(one.image);
  memory.store = nullptr;
  const Image before = one.image;
  Handle c = Create(one.machine, memory, 0);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(eptdiff_engine_access(c.get(), &one.write, 0x1234, &one.event),
              EPTDIFF_ENGINE_ANSWERED);
    EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_COMPLETED);
    EXPECT_EQ(one.event.translations[0].address, 0x40001234u);
  }
  EXPECT_EQ(one.image, before);

  // The same with all functions sets the flags.
  Handle writes = Create(one.machine, CallbacksOf(one.image), 0);
  eptdiff_engine_access(writes.get(), &one.write, 0x1234, &one.event);
  EXPECT_EQ(one.image[0x1000 / 8], 0x2107u);
  EXPECT_EQ(one.image[0x2000 / 8], 0x400003b3u);
}

TEST(EptdiffEngineTest, NothingIsReadOutsideOfTheImage) {
  OnePage one;
  one.image[0x1000 / 8] = 8 * kWords | 7;
  for (const eptdiff_engine_memory& memory :
       {FlatOf(one.image), CallbacksOf(one.image)}) {
    Handle c = Create(one.machine, memory, 0);
    EXPECT_EQ(eptdiff_engine_access(c.get(), &one.write, 0x1234, &one.event),
              EPTDIFF_ENGINE_NO_MEMORY);
    eptdiff_engine_entry entries[5] = {};
    for (auto& entry : entries) entry.size = sizeof(entry);
    std::size_t count = 0;
    EXPECT_EQ(eptdiff_engine_walk(c.get(), 0x1234, entries, &count),
              EPTDIFF_ENGINE_NO_MEMORY);
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(entries[0].kind, EPTDIFF_ENGINE_TABLE);
  }
}

TEST(EptdiffEngineTest, AnImageMayBeginAnywhere) {
  OnePage one;
  eptdiff_engine_memory memory = FlatOf(one.image);
  memory.first = 0x1000;
  memory.image = one.image.data() + 0x1000 / 8;
  memory.image_bytes = 0x2000;
  Handle c = Create(one.machine, memory, 0);
  eptdiff_engine_translation page;
  one.image[0x1000 / 8] |= 0x100;
  one.image[0x2000 / 8] |= 0x300;
  EXPECT_EQ(eptdiff_engine_translate(c.get(), 0x1234, EPTDIFF_ENGINE_USE_WRITE,
                                     0, &page),
            1);
  EXPECT_EQ(page.address, 0x40001234u);
}

TEST(EptdiffEngineTest, WhatMakesNoSenseIsRefused) {
  OnePage one;
  eptdiff_engine* engine = nullptr;
  const auto create = [&](const eptdiff_engine_machine& machine,
                          const eptdiff_engine_memory& memory) {
    const int status = eptdiff_engine_create(&machine, &memory, 0, &engine);
    EXPECT_EQ(engine == nullptr, status != EPTDIFF_ENGINE_ANSWERED);
    eptdiff_engine_destroy(engine);
    return status;
  };
  const eptdiff_engine_memory flat = FlatOf(one.image);
  EXPECT_EQ(create(one.machine, flat), EPTDIFF_ENGINE_ANSWERED);

  for (const auto& spoil : std::vector<void (*)(eptdiff_engine_machine&)>{
           [](auto& m) { m.size -= 1; }, [](auto& m) { m.maxphyaddr = 31; },
           [](auto& m) { m.maxphyaddr = 53; }, [](auto& m) { m.cpl = 4; },
           [](auto& m) { m.keyid_bits = 15; }}) {
    eptdiff_engine_machine machine = one.machine;
    spoil(machine);
    EXPECT_EQ(create(machine, flat), EPTDIFF_ENGINE_BAD_ARGUMENT);
  }
  for (const auto& spoil : std::vector<void (*)(eptdiff_engine_memory&)>{
           [](auto& m) { m.size = 8; }, [](auto& m) { m.first = 4; },
           [](auto& m) { m.image = static_cast<char*>(m.image) + 1; },
           [](auto& m) { m.image = nullptr; }}) {
    eptdiff_engine_memory memory = flat;
    spoil(memory);
    EXPECT_EQ(create(one.machine, memory), EPTDIFF_ENGINE_BAD_ARGUMENT);
  }
  EXPECT_EQ(
      eptdiff_engine_create(&one.machine, &flat, ~std::uint64_t{0}, &engine),
      EPTDIFF_ENGINE_OUT_OF_MEMORY);
  EXPECT_EQ(eptdiff_engine_create(&one.machine, &flat, std::uint64_t{1} << 39,
                                  &engine),
            EPTDIFF_ENGINE_OUT_OF_MEMORY);
  EXPECT_EQ(engine, nullptr);

  Handle c = Create(one.machine, flat, 0);
  eptdiff_engine_access_request request = one.write;
  for (const std::uint8_t kind : {7, 8, 128, 255}) {
    request.kind = kind;
    EXPECT_EQ(eptdiff_engine_access(c.get(), &request, 0, &one.event),
              EPTDIFF_ENGINE_BAD_ARGUMENT);
    EXPECT_EQ(eptdiff_engine_access_linear(c.get(), &request, &one.event),
              EPTDIFF_ENGINE_BAD_ARGUMENT);
  }
  request = one.write;
  request.bytes = 4097;
  EXPECT_EQ(eptdiff_engine_access(c.get(), &request, 0, &one.event),
            EPTDIFF_ENGINE_CALLER_ERROR);
  eptdiff_engine_event small = one.event;
  small.size = 16;
  EXPECT_EQ(eptdiff_engine_access(c.get(), &one.write, 0, &small),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
  EXPECT_EQ(eptdiff_engine_write_register(c.get(), 9, 0, &one.event),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
  eptdiff_engine_translation page;
  EXPECT_EQ(eptdiff_engine_translate(c.get(), 0x1234, 9, 0, &page), 0);
  EXPECT_EQ(eptdiff_engine_translate(c.get(), 0x1234, 0, 8, &page), 0);
  const std::uint64_t gpa = 0x1234;
  EXPECT_EQ(eptdiff_engine_translate_many(c.get(), &gpa, 1, 9, 0, &page), 0u);
  EXPECT_EQ(eptdiff_engine_translate_many(c.get(), &gpa, 1, 255, 0, &page), 0u);
  eptdiff_engine_entry entry = {};
  entry.size = sizeof(entry);
  EXPECT_EQ(eptdiff_engine_decode_entry(c.get(), 7, 0, &entry),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
  EXPECT_EQ(eptdiff_engine_decode_entry(c.get(), 7, 6, &entry),
            EPTDIFF_ENGINE_BAD_ARGUMENT);
}

// A later header's structure is longer; what it has beyond ours stays.
TEST(EptdiffEngineTest, LongerStructuresAreTaken) {
  struct Longer {
    eptdiff_engine_event event;
    std::uint64_t later;
  } longer = {};
  longer.event.size = sizeof(longer);
  longer.later = 0x5555;
  OnePage one;
  Handle c = Create(one.machine, FlatOf(one.image), 0);
  ASSERT_EQ(eptdiff_engine_access(c.get(), &one.write, 0x1234, &longer.event),
            EPTDIFF_ENGINE_ANSWERED);
  EXPECT_EQ(longer.event.translations[0].address, 0x40001234u);
  EXPECT_EQ(longer.event.size, sizeof(longer));
  EXPECT_EQ(longer.later, 0x5555u);

  struct LongerEntry {
    eptdiff_engine_entry entry;
    std::uint64_t later;
  } entries[5] = {};
  for (auto& entry : entries) entry.entry.size = sizeof(entry);
  std::size_t count = 0;
  ASSERT_EQ(eptdiff_engine_walk(c.get(), 0x1234, &entries[0].entry, &count),
            EPTDIFF_ENGINE_ANSWERED);
  ASSERT_EQ(count, 2u);
  EXPECT_EQ(entries[1].entry.value, 0x400003b3u);
  EXPECT_EQ(entries[1].entry.at, 0x2000u);
}

TEST(EptdiffEngineTest, WhatIsKeptEndsAtInveptAndAtAReset) {
  OnePage one;
  one.image[0x1000 / 8] |= 0x100;
  one.image[0x2000 / 8] |= 0x300;
  Handle c = Create(one.machine, FlatOf(one.image), 64);
  const auto where = [&] {
    eptdiff_engine_translation page = {};
    eptdiff_engine_translate(c.get(), 0x1234, EPTDIFF_ENGINE_USE_READ, 0,
                             &page);
    return page.address;
  };
  EXPECT_EQ(where(), 0x40001234u);
  one.image[0x2000 / 8] += 0x40000000;
  EXPECT_EQ(where(), 0x40001234u);
  EXPECT_EQ(eptdiff_engine_invept(c.get(), 3, 0, &one.event), 0);
  EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_INVALID_OPERAND);
  EXPECT_EQ(where(), 0x40001234u);
  EXPECT_EQ(eptdiff_engine_invept(c.get(), 2, 0, &one.event), 0);
  EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_COMPLETED);
  EXPECT_EQ(where(), 0x80001234u);
  one.image[0x2000 / 8] += 0x40000000;
  EXPECT_EQ(where(), 0x80001234u);
  eptdiff_engine_clear_cache(c.get());
  EXPECT_EQ(where(), 0xc0001234u);
}

TEST(EptdiffEngineTest, VmEntryIsAskedAndRefused) {
  OnePage one;
  for (const std::uint64_t pages : {0, 64}) {
    Handle c = Create(one.machine, FlatOf(one.image), pages);
    eptdiff_engine_machine wrong = one.machine;
    wrong.eptp = 0x1057;  // a reserved memory type
    ASSERT_EQ(eptdiff_engine_enter(c.get(), &wrong, &one.event), 0);
    EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_VM_ENTRY_FAILURE);
    EXPECT_NE(one.event.failed_check, 0u);
    eptdiff_engine_machine now = one.machine;
    ASSERT_EQ(eptdiff_engine_get_machine(c.get(), &now), 0);
    EXPECT_EQ(now.eptp, 0x105eu);

    eptdiff_engine_machine moved = one.machine;
    moved.eptp = 0x105e;
    moved.vpid = 2;
    moved.maxphyaddr = 40;
    moved.secondary |= 0x80;  // unrestricted guest
    moved.rflags = 2;
    moved.cr0 = 0x31;
    moved.cr4 = 0x2000;
    ASSERT_EQ(eptdiff_engine_enter(c.get(), &moved, &one.event), 0);
    EXPECT_EQ(one.event.kind, EPTDIFF_ENGINE_COMPLETED)
        << one.event.failed_check;
    ASSERT_EQ(eptdiff_engine_get_machine(c.get(), &now), 0);
    EXPECT_EQ(now.vpid, 2);
    EXPECT_EQ(now.maxphyaddr, 40);
  }
}

TEST(EptdiffEngineTest, AMachineComesBackAsItWent) {
  OnePage one;
  eptdiff_engine_machine all;
  // Every byte its own, but for what has a range or is a flag.
  auto* bytes = reinterpret_cast<unsigned char*>(&all);
  for (std::size_t i = 0; i < sizeof(all); ++i) {
    bytes[i] = static_cast<unsigned char>(i * 7 + 1);
  }
  all.size = sizeof(all);
  all.cpu = 0x5a5 & 0x7ff;
  all.maxphyaddr = 50;
  all.keyid_bits = 3;
  all.cpl = 2;
  all.cs_l = all.nmi_unblocking = all.busy_shadow_stack = 1;
  all.event_delivery = all.transactional = 0;
  for (auto& byte : all.reserved0) byte = 0;
  for (auto& byte : all.reserved1) byte = 0;
  for (const std::uint64_t pages : {0, 64}) {
    Handle c = Create(one.machine, FlatOf(one.image), pages);
    ASSERT_EQ(eptdiff_engine_set_machine(c.get(), &all), 0);
    eptdiff_engine_machine now = one.machine;
    ASSERT_EQ(eptdiff_engine_get_machine(c.get(), &now), 0);
    EXPECT_EQ(std::vector<unsigned char>(bytes, bytes + sizeof(all)),
              std::vector<unsigned char>(
                  reinterpret_cast<unsigned char*>(&now),
                  reinterpret_cast<unsigned char*>(&now) + sizeof(now)));
  }
}

TEST(EptdiffEngineTest, SaysWhichItIs) {
  EXPECT_EQ(eptdiff_engine_abi(), EPTDIFF_ENGINE_ABI + 0u);
  EXPECT_STRNE(eptdiff_engine_version(), "");
}

}  // namespace
}  // namespace eptdiff
