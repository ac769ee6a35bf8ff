// In what two pages differ: one that was found, and one that was asked for.
// Thread-safety: plain values, pure functions.
#ifndef EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_PAGE_DIFFERENCE_H_
#define EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_PAGE_DIFFERENCE_H_

#include <cstdint>

#include "oracle/builder/symptom.h"
#include "oracle/builder/table_facts.h"
#include "oracle/fixed_vector.h"
#include "oracle/rules.h"

namespace eptdiff {

// What the tables, or the model, have at an address.
struct PageFacts {
  bool mapped;
  std::uint64_t hpa;
  std::uint64_t flags;
};

// Whether they are, among the flags of `mask`.
bool AreAlike(const PageFacts& one, const PageFacts& other, std::uint64_t mask);
// Of two that are mapped: in how many bits they differ; bits 51:32 of the
// address count as one.
int BitCount(const PageFacts& one, const PageFacts& other, std::uint64_t mask);

// Of two that are mapped.
struct PageDifference {
  std::uint64_t lost = 0;    // flags
  std::uint64_t gained = 0;  // flags
  std::uint64_t address = 0;
  std::uint64_t address_lost = 0;  // of these, those that should be 1
  std::uint64_t guest = 0;         // ... of the guest-physical address

  void Add(const PageDifference& other) {
    lost |= other.lost;
    gained |= other.gained;
    address |= other.address;
    address_lost |= other.address_lost;
    guest |= other.guest;
  }
};
PageDifference DifferenceOf(const PageFacts& found, const PageFacts& asked,
                            std::uint64_t mask);

// Of CircumstanceWord::kPage: that the page has more than 4 KBytes.
inline constexpr std::uint8_t kLargePageBit = 7;

// Bits of kOther, of kMemoryType, and of ignore-PAT.
inline constexpr std::uint64_t kOtherBits = 0xfff0000000000800;
inline constexpr std::uint64_t kTypeBits = 0x38;
inline constexpr std::uint64_t kIgnorePatBit = 0x40;

// What it consists of, but for the memory type that is given.
FixedVector<PageBits, kPageBitsCount> KindsOf(const PageDifference& difference);

// By which a page of this kind of difference is not what was asked for.
Rule RuleOf(PageBits bits);
// ... and one that differs so, or is absent, or too many: of several reasons
// the one that says most, such as an address.
Rule RuleOfPage(const PageFacts& found, const PageFacts& asked,
                std::uint64_t mask, const TableFacts& facts);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_DIAGNOSIS_PAGE_DIFFERENCE_H_
