// Guest paging: whatever depends on the guest's registers and the controls
// alone, computed once (SDM Volume 3A, 4.1 to 4.6).
//
//                level 5  level 4  level 3  level 2  level 1
//   32-bit                                  31:22    21:12    4-byte entries
//   PAE                            (31:30)  29:21    20:12
//   4-level               47:39    38:30    29:21    20:12
//   5-level      56:48    47:39    38:30    29:21    20:12
//
// Level 3 of PAE paging are the PDPTE registers: they are no entries in memory,
// and control nothing (GW-3).
//
// A *reference* is what leads to a paging structure: an entry, CR3, HLATP or a
// PDPTE register, with the structure's address in bits 51:12, and PCD and PWT,
// with which it is accessed, in bits 4:3.
//
// Thread-safety: immutable after construction.
#ifndef EPTDIFF_ENGINE_GUEST_GUEST_PAGING_H_
#define EPTDIFF_ENGINE_GUEST_GUEST_PAGING_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/bits.h"
#include "engine/guest/guest_rights.h"
#include "engine/types.h"
#include "engine/walk/context.h"
#include "engine/walk/memory_type.h"
#include "engine/walk/use.h"

namespace eptdiff::engine {

enum class PagingMode : std::uint8_t {
  kNone,
  k32Bit,
  kPae,
  kFourLevel,
  kFiveLevel,
};

PagingMode PagingModeOf(const GuestState& guest);

// What a guest entry is in itself (GW-2 to GW-6).
enum class GuestEntryKind : std::uint8_t {
  kNotPresent,
  kReserved,  // a reserved bit is set
  kTable,
  kLeaf,
};

// Linear addresses that an access may have: none of `beyond` is left once the
// size of each half of them is added.
struct LinearRange {
  std::uint64_t half = 0;
  std::uint64_t beyond = 0;
  bool Holds(Gla gla) const { return ((gla.value + half) & beyond) == 0; }
};

// One kind of access by one mode.
struct GuestUse {
  // Canonical addresses that no masking changes (GW-23), or of 32 bits; with
  // linear-address space separation only those that it leaves (GW-22): user
  // mode has the lower half, whose addresses have bit 63 clear, supervisor mode
  // the upper one.
  LinearRange range;
  bool lower_half_only = false;
  bool upper_half_only = false;
  bool Separates(Gla gla) const {
    return (gla.value & bits::Bit(63)) != 0 ? lower_half_only : upper_half_only;
  }
  GuestRights rights;
  // What the hot walk expects of guest entries (guest_walk.h).
  Expectation expectation;
  // As what EPT takes the final access: to a supervisor-mode address, to a
  // user-mode address.
  std::array<Use, 2> uses;
};

class GuestPagingContext {
 public:
  GuestPagingContext(const Processor& processor, const Controls& controls,
                     const GuestState& guest, const EptContext& ept);

  PagingMode mode() const { return mode_; }
  bool enabled() const { return mode_ != PagingMode::kNone; }
  bool ia32e() const { return mode_ >= PagingMode::kFourLevel; }
  // The level of the first entry in memory, and the size of an entry.
  int top_level() const { return top_level_; }
  int entry_bytes() const { return mode_ == PagingMode::k32Bit ? 4 : 8; }

  // An address that `access` reaches from one that it may name, as the
  // processor takes it: without 64 bits, it wraps around at 4 GBytes (GW-21).
  Gla Effective(Gla gla, const Access& access) const {
    return Gla{gla.value & FormFor(access).mask};
  }
  // Whether `gla` is one that any access may name, and that is taken as it is:
  // canonical and not masked, or of 32 bits.
  bool IsPlain(Gla gla, const Access& access) const {
    return FormFor(access).range.Holds(gla);
  }
  // For what is not plain: masks the addresses of the first and the last byte
  // as it is done for `access` (GW-23). False if they are then not canonical,
  // or not as far from one another as before.
  bool Preprocess(const Access& access, Gla& first, Gla& last) const;

  // The reference to the first paging structure for `gla`.
  std::uint64_t RootFor(const GuestState& guest, Gla gla) const {
    return mode_ == PagingMode::kPae ? guest.pdpte[gla.value >> 30 & 3] : root_;
  }
  // Whether HLAT paging translates `gla` (GW-15), and from where.
  bool UsesHlat(Gla gla) const {
    return hlat_ && (hlat_all_ || (gla.value & bits::Bit(63)) != 0);
  }
  std::uint64_t hlat_root() const { return hlat_root_; }

  // Guest-paging verification is on (VIO-13).
  bool verifies() const { return verifies_; }

  GuestEntryKind Classify(std::uint64_t entry, int level) const;
  // The address of the entry of `level` for `gla` in the structure referenced.
  Gpa EntryAddress(std::uint64_t reference, Gla gla, int level) const;
  // Where a leaf of `level` maps `gla` to.
  Gpa PageAddress(std::uint64_t leaf, Gla gla, int level) const;

  // The memory types for entry `pat_index` of IA32_PAT.
  const MemoryTypeRow& MemoryTypes(unsigned pat_index) const {
    return *memory_types_[pat_index];
  }

  // What IsAccessKind() does not know: a use that no entry fits.
  const GuestUse& UseOf(AccessKind kind, AccessMode mode) const {
    return uses_[IndexOf(IsAccessKind(kind) ? kind : kNoKind, mode)];
  }
  // Whether the hot walk knows this kind of paging. What it accepts leads to no
  // guest-physical address beyond EptContext::last_gpa().
  bool hot() const { return hot_; }

 private:
  static constexpr AccessKind kNoKind{kAccessKindCount};
  static std::size_t IndexOf(AccessKind kind, AccessMode mode) {
    return static_cast<std::size_t>(kind) * kAccessModeCount +
           static_cast<std::size_t>(mode);
  }
  void SetFormat(const Processor& processor, const GuestState& guest);
  void SetRoots(const Controls& controls, const GuestState& guest,
                std::uint64_t address);
  void SetUses(const GuestState& guest, const EptContext& ept);
  static void Separate(const GuestState& guest, AccessKind kind,
                       AccessMode mode, GuestUse& use);
  Expectation ExpectationFor(const GuestRights& rights,
                             std::uint64_t beyond_ept) const;

  struct LinearForm {
    std::uint64_t mask = 0;
    LinearRange range;
  };
  const LinearForm& FormFor(const Access& access) const {
    return linear_[access.implicit_supervisor];
  }
  void SetLinearForms(const GuestState& guest);
  void SetMasking(const GuestState& guest);
  Gla Masked(Gla gla) const;

  // Of other accesses, and of implicit ones, which use the 64-bit bases of
  // descriptor tables in compatibility mode, too.
  std::array<LinearForm, 2> linear_ = {};
  // Of addresses of 64 bits: the canonical ones, and which bits are metadata
  // where bit 63 is 0, and where it is 1.
  LinearRange canonical_;
  std::array<std::uint64_t, 2> metadata_ = {};
  // Of entries by level; large_[level]: bit 7 makes a leaf.
  std::array<std::uint64_t, 6> table_reserved_ = {};
  std::array<std::uint64_t, 6> leaf_reserved_ = {};
  std::array<bool, 6> large_ = {};
  std::array<const MemoryTypeRow*, 8> memory_types_ = {};
  // The last ones are those of kNoKind.
  std::array<GuestUse, (kAccessKindCount + 1) * kAccessModeCount> uses_ = {};
  std::uint64_t root_ = 0;
  std::uint64_t hlat_root_ = 0;
  int top_level_ = 0;
  PagingMode mode_;
  bool hlat_ = false;
  bool hlat_all_ = false;
  bool verifies_ = false;
  bool hot_ = false;
};

// The PAT entry that a leaf of `level` selects, or, for `level` 0, the one with
// which the structure is accessed that a reference leads to (MT-2).
constexpr unsigned PatIndexOf(std::uint64_t entry, int level) {
  const unsigned pcd_pwt =
      static_cast<unsigned>(entry >> bits::kGuestPwtShift) & 3;
  if (level == 0) return pcd_pwt;
  const int pat = level == 1 ? bits::kGuestPat4KShift : bits::kGuestPatShift;
  return pcd_pwt | (static_cast<unsigned>(entry >> pat) & 1) << 2;
}
static_assert(PatIndexOf(0x98, 0) == 3 && PatIndexOf(0x98, 1) == 7);
static_assert(PatIndexOf(0x1088, 2) == 5 && PatIndexOf(0x0088, 3) == 1);

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_GUEST_GUEST_PAGING_H_
