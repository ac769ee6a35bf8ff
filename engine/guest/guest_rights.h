// What the entries of a guest translation must look like for an access to be
// allowed (SDM Volume 3A, 4.6; GW-7 to GW-11).
//
// Everything but the entries themselves is known beforehand: the registers, the
// kind of access and whose access it is. What is left are bits that have to be
// 1 or 0 in some or all of the entries that control the translation.
//
// Thread-safety: plain values and pure functions.
#ifndef EPTDIFF_ENGINE_GUEST_GUEST_RIGHTS_H_
#define EPTDIFF_ENGINE_GUEST_GUEST_RIGHTS_H_

#include <cstdint>

#include "engine/bits.h"
#include "engine/types.h"
#include "engine/walk/use.h"

namespace eptdiff::engine {

// Whose access it is (4.6.1).
enum class AccessMode : std::uint8_t {
  kUser,
  kExplicitSupervisor,
  kImplicitSupervisor,
};
inline constexpr int kAccessModeCount = 3;

constexpr AccessMode ModeOf(const Access& access, std::uint8_t cpl) {
  if (access.wruss) return AccessMode::kUser;
  if (access.implicit_supervisor) return AccessMode::kImplicitSupervisor;
  return cpl < 3 ? AccessMode::kExplicitSupervisor : AccessMode::kUser;
}
constexpr bool IsWrite(AccessKind kind) {
  return kind == AccessKind::kWrite || kind == AccessKind::kReadModifyWrite ||
         kind == AccessKind::kShadowStackWrite ||
         kind == AccessKind::kShadowStackReadModifyWrite;
}
constexpr bool IsShadowStack(AccessKind kind) {
  return kind == AccessKind::kShadowStackRead ||
         kind == AccessKind::kShadowStackWrite ||
         kind == AccessKind::kShadowStackReadModifyWrite;
}

// The registers, as far as rights depend on them in the present paging mode.
struct GuestProtection {
  bool write_protect = false;    // CR0.WP
  bool no_execute = false;       // XD bits count
  bool smep = false;             // CR4.SMEP
  bool smap = false;             // CR4.SMAP
  bool allow_user_data = false;  // EFLAGS.AC
  // PKRU and IA32_PKRS where protection keys are on, otherwise 0: bit 2K bars
  // data accesses with key K, bit 2K+1 certain writes.
  std::uint32_t user_keys = 0;
  std::uint32_t supervisor_keys = 0;
};

// What one kind of access asks of the entries.
struct GuestRights {
  std::uint64_t table = 0;      // all of these bits, in every table entry
  std::uint64_t leaf = 0;       // all of these, in the leaf
  std::uint64_t leaf_zero = 0;  // none of these, in the leaf
  std::uint64_t never = 0;      // none of these, in any entry
  std::uint64_t not_all = 0;    // each of these, clear in at least one entry
  // The bits of the key registers that bar the access, for pages of each mode.
  std::uint32_t user_keys = 0;
  std::uint32_t supervisor_keys = 0;
  bool writes = false;  // sets the leaf's dirty flag
  // What an error code says of the access itself: W/R, U/S, I/D, SS.
  std::uint32_t error_code = 0;
};

GuestRights RightsFor(AccessKind kind, AccessMode mode,
                      const GuestProtection& protection);

// The entries that control a translation, as far as rights depend on them.
struct GuestControl {
  std::uint64_t tables = ~std::uint64_t{0};  // AND of the table entries
  std::uint64_t all = ~std::uint64_t{0};     // AND of all of them
  std::uint64_t any = 0;                     // OR of all of them
  std::uint64_t last = 0;                    // the leaf

  void Add(std::uint64_t entry) {
    tables = all;
    all &= entry;
    any |= entry;
    last = entry;
  }
  bool user() const { return (all & bits::kGuestUser) != 0; }
  bool writable() const { return (all & bits::kGuestWritable) != 0; }
  bool execute_disable() const { return (any & bits::kGuestNoExecute) != 0; }
};

// Whether the key of `leaf` bars the access (GW-10). Where there are no keys,
// there is nothing in `rights` that could.
inline bool KeyBars(const GuestRights& rights, bool user_page,
                    std::uint64_t leaf) {
  const std::uint32_t keys =
      user_page ? rights.user_keys : rights.supervisor_keys;
  return (keys >> (2 * (leaf >> bits::kGuestKeyShift & 15)) & 3) != 0;
}

// The error code of the #PF, with P = 1, if the access is not allowed; else 0.
inline std::uint32_t JudgeGuestRights(const GuestRights& rights,
                                      const GuestControl& control) {
  const bool barred = KeyBars(rights, control.user(), control.last);
  const bool allowed = (rights.table & ~control.tables) == 0 &&
                       (rights.leaf & ~control.last) == 0 &&
                       (rights.leaf_zero & control.last) == 0 &&
                       (rights.never & control.any) == 0 &&
                       (rights.not_all & control.all) == 0;
  if (allowed && !barred) return 0;
  return bits::kFaultPresent | rights.error_code |
         (barred ? bits::kFaultKey : 0);
}

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_GUEST_GUEST_RIGHTS_H_
