// The small worlds of combined_worlds.h: what is in them at first, and what can
// be done there. Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_ORACLE_EXHAUSTIVE_COMBINED_WORLD_H_
#define EPTDIFF_ORACLE_EXHAUSTIVE_COMBINED_WORLD_H_

#include <array>
#include <cstdint>
#include <vector>

#include "oracle/case.h"
#include "oracle/exhaustive/combined_walks.h"

namespace eptdiff {

// EPT's root, and another one; bits 11:0 of EPTP.
inline constexpr std::uint64_t kCombinedRoots[] = {0x1000, 0xb000};
inline constexpr std::uint64_t kCombinedEptpLow = 0x1e;
// With HLAT paging two pages may be its first table.
inline constexpr std::uint64_t kCombinedHlatps[] = {0x15000, 0x16000};

// An entry, and the values between which stores change it.
struct CombinedWord {
  std::uint64_t address = 0;
  std::array<std::uint64_t, 2> values = {};
};

enum class CombinedRoots : std::uint8_t {
  kCr3,
  kHlatp,   // or CR3
  kPaging,  // 32-bit paging, or none
};

struct CombinedWorld {
  std::array<CombinedWord, 4> words;
  CombinedRoots roots = CombinedRoots::kCr3;
  bool vpids = true;
};

inline constexpr int kCombinedWorlds = 4 * 3 * 2 * 2 + 4 + 4 * 3;
CombinedWorld CombinedWorldNumber(int number);

// A world before the first step, with nothing kept.
struct CombinedBeginning {
  Case c;  // of one step, on the second logical processor
  CombinedTags tags;
  std::vector<std::uint64_t> gpas;  // of pages
  std::array<std::uint64_t, 2> glas;
};
CombinedBeginning BeginningOf(const CombinedWorld& world);

enum class CombinedDeed : std::uint8_t {
  kStore,  // of word `operand`: the value that it has not
  kAccess,
  kInvalidate,
  kMovCr3,
  kEnterVpid,
  kEnterEptp,
  kEnterHlatp,   // the other
  kEnterPrefix,  // the other
  kEnterCr0,     // with the other CR0.PG
  kMovCr0,       // likewise
};
struct CombinedStep {
  const char* words;
  CombinedDeed what;
  unsigned operand = 0;  // a word; a linear address
  bool write = false;    // an access
  std::uint8_t processor = 0;
  Invalidation asked = {};
  std::uint64_t value = 0;  // of a register or field
};

std::vector<CombinedStep> StepsOf(CombinedRoots roots);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_EXHAUSTIVE_COMBINED_WORLD_H_
