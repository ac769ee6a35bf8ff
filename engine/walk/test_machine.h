// What the engine's tests are made of: a machine with everything that EPT can
// do, 64 KBytes of memory, and one page mapped through tables at 1000H, 2000H,
// 3000H and 4000H (and 5000H above them under 5-level EPT).
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ENGINE_WALK_TEST_MACHINE_H_
#define EPTDIFF_ENGINE_WALK_TEST_MACHINE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "engine/engine.h"
#include "engine/memory.h"
#include "engine/types.h"

namespace eptdiff {

struct TestMachine {
  // GPA 8080604ABCH uses the entries at 1008H, 2010H, 3018H and 4020H; with 5
  // levels, the one at 5000H before them.
  static constexpr Gpa kGpa{0x0000008080604abc};
  static constexpr std::uint64_t kPml5e = 0x5000;
  static constexpr std::uint64_t kPml4e = 0x1008;
  static constexpr std::uint64_t kPdpte = 0x2010;
  static constexpr std::uint64_t kPde = 0x3018;
  static constexpr std::uint64_t kPte = 0x4020;

  // Everything is allowed, nothing is switched on but EPT, and the page is
  // mapped to 9000H as WB.
  TestMachine() : words(0x10000 / 8) {
    processor.maxphyaddr = 46;
    processor.ept_vpid_cap = 0x003f0f0106f341c1;
    controls.primary = 0x80020000;    // secondary and tertiary controls
    controls.secondary = 0x00000002;  // EPT
    controls.eptp = 0x101e;           // WB, 4 levels
    guest.cr0 = 0x80000001;           // PG, PE
    guest.cr4 = 0x00000020;           // PAE
    guest.efer = 0x00000d00;          // LME, LMA, NXE
    guest.cs_l = true;
    At(kPml5e) = 0x1007;
    At(kPml4e) = 0x2007;
    At(kPdpte) = 0x3007;
    At(kPde) = 0x4007;
    At(kPte) = 0x9037;
  }

  std::uint64_t& At(std::uint64_t address) { return words.at(address / 8); }

  void EnableAccessDirty() { controls.eptp |= 0x40; }
  void EnableShadowStackControl() { controls.eptp |= 0x80; }
  void EnablePml(std::uint16_t index) {
    EnableAccessDirty();
    controls.secondary |= 1u << 17;
    controls.pml_address = 0x8000;
    controls.pml_index = index;
  }
  void EnableVe() {
    controls.secondary |= 1u << 18;
    controls.ve_information_address = 0x7000;
  }
  void EnableMbec() { controls.secondary |= 1u << 22; }
  void EnableSpp() {
    controls.secondary |= 1u << 23;
    controls.spptp = 0xa000;
  }
  void EnablePagingWrite() { controls.tertiary |= 1u << 2; }
  void EnableFiveLevels() {
    controls.eptp = (controls.eptp & 0xc7) | 0x5000 | 0x20;
  }

  // Each of these asks a new engine, and takes over what it leaves.
  Event Perform(const Access& access, Gpa gpa = kGpa,
                const GuestPage& page = {}) {
    return Ask([&](Engine& engine, FlatMemory& memory, Event& event) {
      return engine.PerformAccess(memory, access, gpa, page, event);
    });
  }
  Event Perform(AccessKind kind, Gpa gpa = kGpa, const GuestPage& page = {}) {
    return Perform(Access{.kind = kind}, gpa, page);
  }
  Event PerformLinear(const Access& access, Gla gla) {
    return Ask([&](Engine& engine, FlatMemory& memory, Event& event) {
      return engine.PerformLinearAccess(memory, access, gla, event);
    });
  }
  Event ReadStructure(Gpa gpa = kGpa, Gla gla = {}, std::uint8_t pat = 0) {
    return Ask([&](Engine& engine, FlatMemory& memory, Event& event) {
      return engine.ReadPagingStructure(memory, gpa, gla, pat, event);
    });
  }
  Event UpdateStructure(Gpa gpa = kGpa, Gla gla = {}, std::uint8_t pat = 0) {
    return Ask([&](Engine& engine, FlatMemory& memory, Event& event) {
      return engine.UpdatePagingStructure(memory, gpa, gla, pat, event);
    });
  }
  Event LoadPdptes() {
    return Ask([&](Engine& engine, FlatMemory& memory, Event& event) {
      return engine.LoadPdptes(memory, event);
    });
  }
  Event SwitchEptp(std::uint32_t index) {
    return Ask([&](Engine& engine, FlatMemory& memory, Event& event) {
      return engine.SwitchEptp(memory, index, event);
    });
  }

  template <typename Question>
  Event Ask(const Question& question) {
    Engine engine(processor, controls, guest);
    FlatMemory memory(words.data(), words.size() * 8);
    Event event;
    status = question(engine, memory, event);
    controls = engine.controls();
    guest = engine.guest();
    return event;
  }

  Processor processor;
  Controls controls;
  GuestState guest;
  std::vector<std::uint64_t> words;
  EngineStatus status = EngineStatus::kAnswered;  // of the last question
};

// The exit reason of a VM exit; 0 if `event` is none, or of reason 0.
inline int ExitReason(const Event& event) {
  return event.kind == EventKind::kVmExit ? event.exit_reason : 0;
}
inline bool Completed(const Event& event) {
  return event.kind == EventKind::kCompleted;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_WALK_TEST_MACHINE_H_
