// The memory type range registers of a machine (SDM volume 3A, 12.11), and a
// question about them: the type of a page of memory.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_MTRR_MTRRS_H_
#define EPTDIFF_ORACLE_MTRR_MTRRS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace eptdiff {

inline constexpr std::size_t kFixedMtrrs = 11;
inline constexpr std::size_t kVariableMtrrs = 10;

// IA32_MTRR_PHYSBASEn and IA32_MTRR_PHYSMASKn, or IA32_SMRR_PHYSBASE and
// IA32_SMRR_PHYSMASK.
struct VariableMtrr {
  std::uint64_t base = 0;
  std::uint64_t mask = 0;
  friend bool operator==(const VariableMtrr&, const VariableMtrr&) = default;
};

// The fixed-range registers (volume 3A, table 12-9): number of the MSR, name
// without IA32_MTRR_, begin of its eight ranges, and bytes of each.
struct FixedRegister {
  std::uint32_t msr;
  const char* name;
  std::uint64_t begin, field;
};
inline constexpr FixedRegister kFixedRegisters[kFixedMtrrs] = {
    {0x250, "FIX64K_00000", 0x00000, 0x10000},
    {0x258, "FIX16K_80000", 0x80000, 0x4000},
    {0x259, "FIX16K_A0000", 0xa0000, 0x4000},
    {0x268, "FIX4K_C0000", 0xc0000, 0x1000},
    {0x269, "FIX4K_C8000", 0xc8000, 0x1000},
    {0x26a, "FIX4K_D0000", 0xd0000, 0x1000},
    {0x26b, "FIX4K_D8000", 0xd8000, 0x1000},
    {0x26c, "FIX4K_E0000", 0xe0000, 0x1000},
    {0x26d, "FIX4K_E8000", 0xe8000, 0x1000},
    {0x26e, "FIX4K_F0000", 0xf0000, 0x1000},
    {0x26f, "FIX4K_F8000", 0xf8000, 0x1000}};

// Raw values of the MSRs.
struct Mtrrs {
  std::uint8_t maxphyaddr = 46;
  std::uint64_t cap = 0;       // IA32_MTRRCAP
  std::uint64_t def_type = 0;  // IA32_MTRR_DEF_TYPE
  // As kFixedRegisters has them.
  std::array<std::uint64_t, kFixedMtrrs> fixed = {};
  std::array<VariableMtrr, kVariableMtrrs> variable = {};
  VariableMtrr smrr;  // there if bit 11 of IA32_MTRRCAP is 1
  friend bool operator==(const Mtrrs&, const Mtrrs&) = default;
};

// What a guest has to do with a page (struct eptdiff_page of eptdiff_mtrr.h).
struct AskedPage {
  Mtrrs mtrrs;            // the guest's own
  std::uint64_t gpa = 0;  // a multiple of the page's size
  bool is_device = false;
  bool is_unsnooped = false;
  bool cache_disabled = false;  // the guest's CR0.CD
  bool paging_off = false;      // the guest's CR0.PG is 0
  friend bool operator==(const AskedPage&, const AskedPage&) = default;
};

struct MtrrQuestion {
  Mtrrs mtrrs;            // the machine's
  std::uint64_t hpa = 0;  // a multiple of `bytes`
  std::uint64_t bytes = 0x1000;
  // With it, not the type that memory has is asked for, but the one that the
  // guest is to get, and whether its PAT counts.
  std::optional<AskedPage> page = std::nullopt;
  friend bool operator==(const MtrrQuestion&, const MtrrQuestion&) = default;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_MTRR_MTRRS_H_
