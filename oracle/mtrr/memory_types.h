// What memory type the SDM has for a page of memory, by the MTRRs (volume 3A,
// 12.11.4.1), and what an EPT entry that maps it may say.
//
// This folder stands alone, and knows nothing of walks. Begin with mtrrs.h, the
// question; page_types.h has what guests are to get.
//
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_MTRR_MEMORY_TYPES_H_
#define EPTDIFF_ORACLE_MTRR_MEMORY_TYPES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
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
  kSmrr,
  kSeveralTypes,  // of a large page
  // Of pages of guests (page_types.h).
  kDevice,
  kWriteBack,
  kCacheDisabled,
  kUnsnooped,
  kPatIgnored,
  kBoth,
};
inline constexpr int kMtrrRuleCount = 17;

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
  bool is_smram = false;  // UC as well, and rather
};
ByteType TypeAt(const Mtrrs& mtrrs, std::uint64_t hpa);

// How many variable ranges there are.
std::size_t VariableCount(const Mtrrs& mtrrs);
// Whether the address is in the variable range, if that is valid.
bool IsIn(const Mtrrs& mtrrs, const VariableMtrr& range, std::uint64_t address);
// SMRAM as a variable range; not valid if there is none.
VariableMtrr SmrrOf(const Mtrrs& mtrrs);
// Which field of which of kFixedRegisters an address below 1 MByte is in.
struct FixedField {
  std::size_t index;
  std::uint64_t begin, end;
  std::uint8_t type;
};
FixedField FixedFieldAt(const Mtrrs& mtrrs, std::uint64_t address);

// Answers: a memory type, of a guest's page with kPatIsIgnored or without, or
// one of these.
inline constexpr std::uint32_t kPatIsIgnored = 8;
inline constexpr std::uint32_t kSmallerPages = 16;
inline constexpr std::uint32_t kNoSuchPage = 17;

// Of a page: bit n says that answer n is right.
struct PageType {
  MtrrRule rule;
  std::uint32_t permitted;
};
// By the MTRRs, of the page of `bytes` from `hpa` on.
PageType TypeOf(const Mtrrs& mtrrs, std::uint64_t hpa, std::uint64_t bytes);

// Up to `end`, from the page's first byte on, the same types are right.
struct TypePiece {
  MtrrRule rule;
  std::uint32_t types;  // a set; without meaning if the rule is undefined
  std::uint64_t end;
  bool is_smram = false;
};
// Of a page with such pieces: `piece_at` says which one begins there.
PageType TypeOfPieces(std::uint64_t bytes,
                      const std::function<TypePiece(std::uint64_t)>& piece_at);

// "WB", "WB, the PAT ignored", "smaller pages", "type 7, which is reserved".
std::string MtrrAnswerWords(std::uint32_t answer);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_MTRR_MEMORY_TYPES_H_
