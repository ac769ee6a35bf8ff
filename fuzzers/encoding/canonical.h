// The canonical form of a case: every field within its width, and the fields
// that a step's kind ignores at their defaults. What generation, mutation and
// decoding make is canonical; only people write anything else.
// Thread-safety: pure functions.
#ifndef EPTDIFF_FUZZERS_ENCODING_CANONICAL_H_
#define EPTDIFF_FUZZERS_ENCODING_CANONICAL_H_

#include <cstdint>

#include "oracle/case.h"

namespace eptdiff {

// Physical addresses have at most 52 bits, those of words three less.
inline constexpr std::uint64_t kPhysicalAddressMask = (1ull << 52) - 1;
inline constexpr std::uint64_t kWordAddressMask = kPhysicalAddressMask & ~7ull;

inline constexpr std::uint8_t kMaxKeyidBits = 15;

// What is in range stays as it is; what is not is folded into the range.
constexpr std::uint8_t FoldMaxphyaddr(std::uint8_t bits) {
  return bits >= 32 && bits <= 52 ? bits
                                  : static_cast<std::uint8_t>(32 + bits % 21);
}
constexpr std::uint16_t FoldAccessSize(std::uint16_t bytes) {
  return bytes >= 1 && bytes <= kMaxAccessBytes
             ? bytes
             : static_cast<std::uint16_t>(1 + bytes % 64);
}

// The addresses and sizes of table operations.
inline constexpr std::uint64_t kTableOperationUnit = 2048;
inline constexpr std::uint64_t kTableAddressMask =
    kPhysicalAddressMask & ~(kTableOperationUnit - 1);
inline constexpr std::uint64_t kTableFlagsMask =
    ~(kPhysicalAddressMask & ~0xfffull) & ~0x80ull;

// Levels of pages, 1 to 3.
constexpr std::uint8_t FoldPageLevel(unsigned level) {
  return level >= 1 && level <= 3 ? static_cast<std::uint8_t>(level)
                                  : static_cast<std::uint8_t>(1 + level % 3);
}

// A view, or all of them.
constexpr std::uint8_t FoldView(unsigned view) {
  return static_cast<std::uint8_t>(view <= kAllViews ? view : view % kMaxViews);
}

// What a guest has that VM exits save: the bits that the formats define
// (tables 25-20, 25-3, 25-4).
constexpr void FoldSavedState(GuestState& guest) {
  guest.delivered_event &= 0x80000fff;
  guest.instruction_length &= 15;
  guest.interruptibility &= 0x1f;
  guest.pending_debug &= 0x1580f;
}

// Brings a step into canonical form.
void Canonicalise(Step& step);

// The fields of a TableOperation that a kind uses, besides those of each.
struct TableOperationFields {
  bool gpa = true;
  bool hpa = false;
  bool bytes = false;
  bool flags = false;
  bool level = false;
};
TableOperationFields FieldsOf(TableOperationKind kind);

// Brings a case into canonical form. Records beyond kMaxRecords are dropped,
// words first.
void Canonicalise(Case& c);

bool IsCanonical(const Case& c);

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_ENCODING_CANONICAL_H_
