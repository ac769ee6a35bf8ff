// No memory is taken after construction: a cache that is in use takes none for
// whatever is kept, driven out, or ended, all of it or by address. This program
// counts every operator new.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "engine/cache/caching_engine.h"
#include "engine/cache/caching_engine_inl.h"
#include "engine/guest/guest_test_machine.h"

namespace {
std::size_t allocations = 0;

void* Allocate(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, whole == 0 ? alignment : whole);
  if (memory == nullptr) std::abort();
  return memory;
}
}  // namespace

void* operator new(std::size_t bytes) {
  return Allocate(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return Allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace eptdiff {
namespace {

constexpr std::uint16_t kVpid = 5;

TEST(AllocationTest, IsCounted) {
  const std::size_t before = allocations;
  const TranslationCache cache(64);
  EXPECT_GT(allocations, before);
}

// More pages, address spaces and modes of access than there is room for.
TEST(AllocationTest, NothingIsTakenAfterConstruction) {
  GuestTestMachine m;
  m.controls.primary |= 1u << 31;
  m.controls.secondary |= 1u << 5 | 1u << 12;  // VPID, INVPCID
  m.controls.vpid = kVpid;
  m.processor.ept_vpid_cap = 0x00000f01'06f341c1;
  m.processor.pcid = true;
  m.guest.cr4 |= 1 << 17 | 1 << 7;  // PCIDE, PGE
  m.guest.rflags = 2;
  FlatMemory memory(m.words.data(), m.words.size() * 8);
  TranslationCache cache(64);
  CachingEngine engine(cache, m.processor, m.controls, m.guest);
  Event event;
  std::size_t completed = 0;
  const auto access = [&](std::uint64_t page) {
    constexpr AccessKind kKinds[] = {AccessKind::kRead, AccessKind::kWrite,
                                     AccessKind::kFetch};
    for (const AccessKind kind : kKinds) {
      const Access as = {.kind = kind};
      (void)engine.PerformLinearAccess(
          memory, as, Gla{GuestTestMachine::kGla.value + (page & 1) * 0x1000},
          event);
      completed += event.kind == EventKind::kCompleted;
      (void)engine.PerformAccess(memory, as, Gpa{page * 0x1000}, GuestPage(),
                                 event);
      completed += event.kind == EventKind::kCompleted;
      Translation found;
      (void)engine.Translate(memory, Gpa{0x4000'0000 + page * 0x1000},
                             Use::kRead, found);
    }
  };
  const std::size_t before = allocations;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    Controls controls = m.controls;
    controls.vpid = static_cast<std::uint16_t>(1 + i % 300);
    controls.eptp ^= i % 7 == 0 ? 0x40 : 0;
    GuestState guest = m.guest;
    guest.cr3 |= i % 400;
    guest.cr4 ^= (i & 8) << 17;   // SMEP
    guest.cr0 ^= (i & 16) << 12;  // WP
    guest.pat ^= (i & 3) << 8;
    engine.Exit();
    engine.Enter(controls, guest);
    access(i);
    switch (i % 9) {
      case 0:
        engine.Invept(1 + (i & 1), controls.eptp);
        break;
      case 1:
        engine.Invvpid(i & 3, (i & 3) == 2 ? 0 : controls.vpid,
                       GuestTestMachine::kGla);
        break;
      case 2:
        engine.Invlpg(GuestTestMachine::kGla);
        break;
      case 3:
        engine.Invpcid(i >> 3 & 3, i % 400, GuestTestMachine::kGla);
        break;
      case 4:
        (void)engine.WriteRegister(memory, GuestRegister::kCr3, guest.cr3 ^ 1,
                                   event);
        break;
      case 5:
        (void)engine.WriteRegister(memory, GuestRegister::kCr4,
                                   guest.cr4 ^ 1 << 7, event);
        break;
      default:
        break;
    }
    access(i);
  }
  cache.Clear();
  access(9);
  EXPECT_EQ(allocations, before);
  EXPECT_GT(completed, 1000u);
}

}  // namespace
}  // namespace eptdiff
