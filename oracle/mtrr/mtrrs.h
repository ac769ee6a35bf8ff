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

// Raw values of the MSRs.
struct Mtrrs {
  std::uint8_t maxphyaddr = 46;
  std::uint64_t cap = 0;       // IA32_MTRRCAP
  std::uint64_t def_type = 0;  // IA32_MTRR_DEF_TYPE
  // FIX64K_00000, FIX16K_80000, FIX16K_A0000, FIX4K_C0000 to FIX4K_F8000.
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
