// What memory type the SDM has for a page of memory, by the MTRRs (volume 3A,
// 12.11.4.1), and what an EPT entry that maps it may say.
//
// This folder stands alone, and knows nothing of walks. Begin with mtrrs.h, the
// question.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_MTRR_MEMORY_TYPES_H_
#define EPTDIFF_ORACLE_MTRR_MEMORY_TYPES_H_

#include <cstdint>
#include <string_view>

#include "oracle/mtrr/mtrrs.h"

namespace eptdiff {

// What decides, in the order of the SDM.
enum class MtrrRule : std::uint8_t {
  kDisabled,
  kFixed,
  kFixedNotEnabled,  // who finds that out asks twice; TypeAt() has it never
  kOneRange,
  kSameTypes,
  kUncacheableWins,
  kWriteThroughWins,
  kUndefined,
  kDefault,
  kSeveralTypes,  // of a large page
};
inline constexpr int kMtrrRuleCount = 10;

struct MtrrRuleInfo {
  std::string_view name;     // "mtrr-uc-wins"
  std::string_view section;  // "3A 12.11.4.1"
  std::string_view words;    // what it demands
};
const MtrrRuleInfo& InfoOf(MtrrRule rule);

// Of a byte of memory; `end`: up to there the same rule gives the same type.
struct ByteType {
  MtrrRule rule;
  std::uint8_t type;  // undefined if the rule is
  std::uint64_t end;
};
ByteType TypeAt(const Mtrrs& mtrrs, std::uint64_t hpa);

// Answers: a memory type, or one of these (eptdiff_mtrr.h).
inline constexpr std::uint32_t kSmallerPages = 8;
inline constexpr std::uint32_t kNoSuchPage = 9;

// Of a page: bit n says that answer n is right.
struct PageType {
  MtrrRule rule;
  std::uint32_t permitted;
};
PageType TypeOf(const MtrrQuestion& question);

// "WB", "smaller pages", "7, which is no memory type".
std::string_view MtrrAnswerWords(std::uint32_t answer);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_MTRR_MEMORY_TYPES_H_
