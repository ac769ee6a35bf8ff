// What a mapping is for, in words that every architecture has.
//
// A VMM that runs on several architectures keeps these and lets each kind of
// page table translate them: ept_entry.h does for EPT.
// Thread-safety: plain values.
#ifndef EPTDIFF_ENGINE_TABLE_MAPPING_FLAGS_H_
#define EPTDIFF_ENGINE_TABLE_MAPPING_FLAGS_H_

#include <cstdint>

namespace eptdiff {

struct MappingFlags {
  static const MappingFlags kRead;
  static const MappingFlags kWrite;
  static const MappingFlags kExecute;
  static const MappingFlags kUser;    // of what is allowed: by user mode, too
  static const MappingFlags kDevice;  // device memory; otherwise normal memory
  static const MappingFlags kUncached;  // normal memory that is not cached

  std::uint8_t bits = 0;

  constexpr bool Has(MappingFlags flags) const {
    return (bits & flags.bits) == flags.bits;
  }
  friend constexpr MappingFlags operator|(MappingFlags a, MappingFlags b) {
    return {static_cast<std::uint8_t>(a.bits | b.bits)};
  }
  friend constexpr bool operator==(MappingFlags, MappingFlags) = default;
};

inline constexpr MappingFlags MappingFlags::kRead = {1 << 0};
inline constexpr MappingFlags MappingFlags::kWrite = {1 << 1};
inline constexpr MappingFlags MappingFlags::kExecute = {1 << 2};
inline constexpr MappingFlags MappingFlags::kUser = {1 << 3};
inline constexpr MappingFlags MappingFlags::kDevice = {1 << 4};
inline constexpr MappingFlags MappingFlags::kUncached = {1 << 5};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_MAPPING_FLAGS_H_
