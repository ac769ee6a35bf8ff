// The guest that the cases of kvm-unit-tests are about: 4-level paging over
// 4-level EPT, where each access has a page and tables of its own.
//
//   host-physical = guest-physical below 1 GByte, one EPT page: guest tables
//     10000H PML4 -> 11000H PDPT -> 12000H PD
//   guest PT at guest-physical 40013000H = host-physical 13000H, through EPT
//     tables of its own (6000H PD, 7000H PT): some tests refuse access to it
//   guest-physical 8000000000H = host-physical 40000000H: what is accessed,
//     through 3000H PDPT, 4000H PD, 5000H PT
//
// An item is one guest PTE and the guest-physical page that it maps; items are
// numbered, and item i lies at guest-linear kSceneGla + 1000H * i.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_SCENE_H_
#define EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_SCENE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "fuzzers/command/conformance/conformance.h"
#include "oracle/judgement/expectation.h"

namespace eptdiff {

inline constexpr std::uint64_t kSceneGla = 0x100'4000'0000;
inline constexpr std::uint64_t kSceneGpa = 0x80'0000'0000;
inline constexpr std::uint64_t kSceneHpa = 0x4000'0000;
inline constexpr std::uint64_t kGuestPtGpa = 0x4001'3000;
inline constexpr std::uint64_t kGuestPtHpa = 0x1'3000;
inline constexpr std::uint64_t kGuestPtEptPte = 0x7098;  // maps the guest PT

// Bits of EPT entries.
inline constexpr std::uint64_t kR = 1, kW = 2, kX = 4, kXu = 0x400;
inline constexpr std::uint64_t kLarge = 0x80, kWriteBackType = 0x30;
// Bits of guest entries.
inline constexpr std::uint64_t kPresent = 1, kWritable = 2, kUser = 4;
inline constexpr std::uint64_t kAccessed = 0x20, kDirty = 0x40;

// What the tests compare of a qualification: all but bits 11:9.
inline constexpr std::uint64_t kComparedBits = ~std::uint64_t{0xe00};

struct SceneOptions {
  bool mbec = false;
  bool accessed_dirty = false;  // EPTP bit 6
  bool user = false;            // CPL 3
  bool execute_only = true;     // the capability
  std::uint8_t maxphyaddr = 46;
};

class Scene {
 public:
  explicit Scene(const SceneOptions& options);

  // R, W, X and, with MBEC, XU: what EPT entries allow unless a test says
  // otherwise.
  std::uint64_t all_rights() const { return all_; }

  // The address of item `i`, which the guest maps by a PTE with `flags` to the
  // page that EPT's entry number `i` at `level` (1: PTE ... 4) maps; `entry` is
  // that entry. Those below it, if it has any, are shared.
  std::uint64_t Item(int i, int level, std::uint64_t entry,
                     std::uint64_t flags);
  // The same, of a page with nothing peculiar in EPT.
  std::uint64_t PlainItem(int i, std::uint64_t flags);
  // What an entry at `level` is unless told otherwise; `large` makes it a page.
  std::uint64_t Entry(int level, bool large) const;
  // The guest-physical page of item `i` at `level`.
  static std::uint64_t GpaOf(int i, int level);
  // The guest PTE of item i, in host-physical memory.
  static Hpa GuestPteOf(int i) {
    return {kGuestPtHpa + 8 * static_cast<std::uint64_t>(i)};
  }

  void Word(std::uint64_t address, std::uint64_t value);
  void Access(AccessKind kind, std::uint64_t gla, const Expectation& expected);
  Controls& controls() { return text_case_.c.controls; }

  // The case, canonical, with what is said of it. `test` names the mirrored
  // test, `variant` what of it.
  ConformanceCase Finish(std::string_view test, std::string_view variant,
                         std::string_view about, std::string_view sdm) const;

 private:
  std::uint64_t all_;
  TextCase text_case_;
};

// Expectations.
Expectation CompletesAt(std::uint64_t hpa);
Expectation ViolatesWith(std::uint64_t qualification, std::uint64_t gpa);
Expectation IsMisconfigured();

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_CONFORMANCE_SCENE_H_
