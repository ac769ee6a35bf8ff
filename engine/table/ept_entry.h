// One EPT paging-structure entry as software makes and reads it (SDM 29.3.2).
//
// An entry is an address and flags; whether it maps a page, and of which size,
// depends on the level of the table it stands in, and whether it is present
// depends on mode-based execute control (MBEC). So these are parameters here,
// never guesses.
//
// Hypervisors' own entry types are the model of what must be possible; where
// one that was looked at (axaddrspace, src/npt/arch/x86_64.rs) is wrong by the
// SDM, this one differs:
//   - present looks at bit 10, too, where MBEC is 1 (figure 29-1, note 6);
//   - bit 7 says "page" in a PDPTE and a PDE only: in a PTE it is ignored;
//   - the address of a large page has no bits below its size: there they are
//     reserved (tables 29-3, 29-5), not part of the address;
//   - new flags leave the accessed and dirty flags and the bits that software
//     may use as they are: setting rights forgets nothing;
//   - USER becomes bit 10 under MBEC, so that user mode may execute at all, and
//     a table entry grants it;
//   - WRITE without READ, a misconfiguration (29.3.3.1), is refused;
//   - UNCACHED is uncacheable, not write-back.
//
// Thread-safety: plain values.
#ifndef EPTDIFF_ENGINE_TABLE_EPT_ENTRY_H_
#define EPTDIFF_ENGINE_TABLE_EPT_ENTRY_H_

#include <cstdint>
#include <optional>

#include "engine/bits.h"
#include "engine/table/mapping_flags.h"
#include "engine/types.h"

namespace eptdiff {

// The sizes of pages; the value is the level of the entry that maps one.
enum class PageSize : std::uint8_t {
  k4KByte = 1,
  k2MByte = 2,
  k1GByte = 3,
};
// Bytes that an entry of `level` (5 to 1) controls, and their power of two.
constexpr int LevelShift(int level) { return 3 + 9 * level; }
constexpr std::uint64_t LevelBytes(int level) {
  return std::uint64_t{1} << LevelShift(level);
}
constexpr std::uint64_t BytesOf(PageSize size) {
  return LevelBytes(static_cast<int>(size));
}

// The bits of an entry that are neither address nor "page": rights, memory
// type, accessed and dirty, and the bits that software may use.
struct EptFlags {
  static const EptFlags kRead;
  static const EptFlags kWrite;
  static const EptFlags kExecute;  // with MBEC: from supervisor-mode addresses
  static const EptFlags kIgnorePat;
  static const EptFlags kAccessed;
  static const EptFlags kDirty;
  static const EptFlags kExecuteForUser;     // with MBEC
  static const EptFlags kVerifyGuestPaging;  // with guest-paging verification
  static const EptFlags kPagingWrite;        // with EPT paging-write control
  static const EptFlags kSupervisorShadowStack;  // with EPTP bit 7
  static const EptFlags kSubPageWrite;           // with SPP; 4-KByte pages
  static const EptFlags kSuppressVe;             // with "EPT-violation #VE"

  // The memory types, for | with the others. UC is 0: no type is UC.
  static const EptFlags kUncacheable;
  static const EptFlags kWriteCombining;
  static const EptFlags kWriteThrough;
  static const EptFlags kWriteProtected;
  static const EptFlags kWriteBack;
  static const EptFlags kMemoryTypeMask;  // bits 5:3

  // Bits 11, 56:52, 59 and 62, which the processor ignores in every entry.
  static const EptFlags kSoftware;
  // Everything that flags may hold.
  static const EptFlags kAll;

  std::uint64_t bits = 0;

  constexpr bool Has(EptFlags flags) const {
    return (bits & flags.bits) == flags.bits;
  }
  constexpr bool HasAnyOf(EptFlags flags) const {
    return (bits & flags.bits) != 0;
  }
  // Bits 5:3; none if they are 2, 3 or 7, which are reserved (CFG-11).
  constexpr std::optional<MemoryType> memory_type() const {
    const auto type = static_cast<std::uint8_t>(bits >> 3 & 7);
    if (type == 2 || type == 3 || type == 7) return std::nullopt;
    return static_cast<MemoryType>(type);
  }
  // The flags of a memory type; none for UC-, which EPT does not have, and for
  // a value that is no memory type.
  static constexpr std::optional<EptFlags> Of(MemoryType type);

  friend constexpr EptFlags operator|(EptFlags a, EptFlags b) {
    return {a.bits | b.bits};
  }
  friend constexpr EptFlags operator&(EptFlags a, EptFlags b) {
    return {a.bits & b.bits};
  }
  // Those of `a` that are not in `b`.
  friend constexpr EptFlags operator-(EptFlags a, EptFlags b) {
    return {a.bits & ~b.bits};
  }
  friend constexpr bool operator==(EptFlags, EptFlags) = default;
};

// clang-format off
inline constexpr EptFlags EptFlags::kRead                  = {bits::kRead};
inline constexpr EptFlags EptFlags::kWrite                 = {bits::kWrite};
inline constexpr EptFlags EptFlags::kExecute               = {bits::kExecute};
inline constexpr EptFlags EptFlags::kIgnorePat             = {bits::kIgnorePat};
inline constexpr EptFlags EptFlags::kAccessed              = {bits::kAccessed};
inline constexpr EptFlags EptFlags::kDirty                 = {bits::kDirty};
inline constexpr EptFlags EptFlags::kExecuteForUser        = {bits::kUserExecute};
inline constexpr EptFlags EptFlags::kVerifyGuestPaging     = {bits::Bit(57)};
inline constexpr EptFlags EptFlags::kPagingWrite           = {bits::kPagingWrite};
inline constexpr EptFlags EptFlags::kSupervisorShadowStack = {bits::kShadowStack};
inline constexpr EptFlags EptFlags::kSubPageWrite          = {bits::kSubPage};
inline constexpr EptFlags EptFlags::kSuppressVe            = {bits::kSuppressVe};

inline constexpr EptFlags EptFlags::kUncacheable           = {0 << 3};
inline constexpr EptFlags EptFlags::kWriteCombining        = {1 << 3};
inline constexpr EptFlags EptFlags::kWriteThrough          = {4 << 3};
inline constexpr EptFlags EptFlags::kWriteProtected        = {5 << 3};
inline constexpr EptFlags EptFlags::kWriteBack             = {6 << 3};
inline constexpr EptFlags EptFlags::kMemoryTypeMask        = {bits::Bits(5, 3)};

inline constexpr EptFlags EptFlags::kSoftware = {
    bits::Bit(11) | bits::Bits(56, 52) | bits::Bit(59) | bits::Bit(62)};
inline constexpr EptFlags EptFlags::kAll = {~(bits::kAddress | bits::kPage)};
// clang-format on

constexpr std::optional<EptFlags> EptFlags::Of(MemoryType type) {
  const EptFlags flags = {std::uint64_t{static_cast<std::uint8_t>(type)} << 3};
  if ((flags - kMemoryTypeMask).bits != 0) return std::nullopt;
  if (!flags.memory_type().has_value()) return std::nullopt;
  return flags;
}

// The EPT flags for portable ones: device memory and memory that is not cached
// is UC, normal memory WB. User mode is told apart for execution alone, and
// only with `mbec`. None for WRITE without READ. EXECUTE without READ is an
// execute-only page, which not every processor has (TableFormat knows).
constexpr std::optional<EptFlags> ToEptFlags(MappingFlags flags, bool mbec) {
  if (flags.Has(MappingFlags::kWrite) && !flags.Has(MappingFlags::kRead)) {
    return std::nullopt;
  }
  const bool cached =
      !flags.Has(MappingFlags::kDevice) && !flags.Has(MappingFlags::kUncached);
  EptFlags result = cached ? EptFlags::kWriteBack : EptFlags::kUncacheable;
  if (flags.Has(MappingFlags::kRead)) result = result | EptFlags::kRead;
  if (flags.Has(MappingFlags::kWrite)) result = result | EptFlags::kWrite;
  if (flags.Has(MappingFlags::kExecute)) {
    result = result | EptFlags::kExecute;
    if (mbec && flags.Has(MappingFlags::kUser)) {
      result = result | EptFlags::kExecuteForUser;
    }
  }
  return result;
}

// And back: UC is device memory, and WB normal memory. None where the portable
// flags have no word: for WC, WT and WP, for a reserved memory type, for write
// without read, and, with `mbec`, for what user mode alone may execute. Flags
// that say nothing about rights and memory type are left out.
constexpr std::optional<MappingFlags> ToMappingFlags(EptFlags flags,
                                                     bool mbec) {
  const std::optional<MemoryType> type = flags.memory_type();
  const bool user = mbec && flags.Has(EptFlags::kExecuteForUser);
  if (flags.Has(EptFlags::kWrite) && !flags.Has(EptFlags::kRead)) {
    return std::nullopt;
  }
  if (user && !flags.Has(EptFlags::kExecute)) return std::nullopt;
  MappingFlags result;
  if (type == MemoryType::kUncacheable) {
    result = MappingFlags::kDevice;
  } else if (type != MemoryType::kWriteBack) {
    return std::nullopt;
  }
  if (flags.Has(EptFlags::kRead)) result = result | MappingFlags::kRead;
  if (flags.Has(EptFlags::kWrite)) result = result | MappingFlags::kWrite;
  if (flags.Has(EptFlags::kExecute)) result = result | MappingFlags::kExecute;
  if (user) result = result | MappingFlags::kUser;
  return result;
}

class EptEntry {
 public:
  constexpr EptEntry() = default;
  constexpr explicit EptEntry(std::uint64_t bits) : bits_(bits) {}

  // An entry that maps the page of `size` at `address`, of which the bits below
  // the size are left out. Of `flags`, nothing that belongs to the address.
  static constexpr EptEntry Page(Hpa address, EptFlags flags, PageSize size) {
    const int level = static_cast<int>(size);
    return EptEntry((address.value & AddressMask(level)) |
                    (flags & EptFlags::kAll).bits | PageBit(level));
  }
  // An entry that references the table at `address` and grants everything, so
  // that the leaf alone decides. `mbec`: user-mode execution, too.
  static constexpr EptEntry Table(Hpa address, bool mbec) {
    return EptEntry((address.value & bits::kAddress) | bits::kRead |
                    bits::kWrite | bits::kExecute |
                    (mbec ? bits::kUserExecute : 0));
  }

  constexpr std::uint64_t bits() const { return bits_; }

  // Of the table that is referenced, bits 51:12.
  constexpr Hpa table() const { return Hpa{bits_ & bits::kAddress}; }
  // Of the page that is mapped by an entry of `level`.
  constexpr Hpa page(int level) const {
    return Hpa{bits_ & AddressMask(level)};
  }
  constexpr EptFlags flags() const { return EptFlags{bits_} & EptFlags::kAll; }

  // Moves a page of `size`; nothing but the address changes.
  constexpr void set_page(Hpa address, PageSize size) {
    const std::uint64_t mask = AddressMask(static_cast<int>(size));
    bits_ = (bits_ & ~bits::kAddress) | (address.value & mask);
  }
  // Replaces rights, memory type and the other flags that the processor knows.
  // Accessed and dirty can only be added, the software's bits do not change.
  constexpr void set_flags(EptFlags flags) {
    constexpr std::uint64_t kKept = ~kReplaced;
    constexpr std::uint64_t kTaken = kReplaced | bits::kAccessed | bits::kDirty;
    bits_ = (bits_ & kKept) | (flags.bits & kTaken);
  }

  // Whether any access is granted: without it the processor looks no further.
  constexpr bool is_present(bool mbec) const {
    return (bits_ & (bits::kRead | bits::kWrite | bits::kExecute |
                     (mbec ? bits::kUserExecute : 0))) != 0;
  }
  // Whether a present entry of `level` maps a page.
  constexpr bool maps_page(int level) const {
    return level == 1 || (level <= 3 && (bits_ & bits::kPage) != 0);
  }
  // Whether nothing at all stands in it.
  constexpr bool is_unused() const { return bits_ == 0; }
  constexpr void Clear() { bits_ = 0; }

  friend constexpr bool operator==(EptEntry, EptEntry) = default;

 private:
  static constexpr std::uint64_t kReplaced =
      ~(bits::kAddress | bits::kPage | bits::kAccessed | bits::kDirty |
        EptFlags::kSoftware.bits);
  static constexpr std::uint64_t AddressMask(int level) {
    return bits::Bits(51, LevelShift(level));
  }
  static constexpr std::uint64_t PageBit(int level) {
    return level > 1 ? bits::kPage : 0;
  }

  std::uint64_t bits_ = 0;
};

static_assert(sizeof(EptEntry) == 8);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_EPT_ENTRY_H_
