#include "oracle/mtrr/memory_types.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string>

#include "oracle/effective_type.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t kMegabyte = 0x100000;

std::uint64_t WidthMask(const Mtrrs& mtrrs) {
  return (std::uint64_t{1} << mtrrs.maxphyaddr) - 1;
}
std::uint64_t AddressMask(const Mtrrs& mtrrs, const VariableMtrr& range) {
  return range.mask & WidthMask(mtrrs) & ~std::uint64_t{0xfff};
}

ByteType FixedTypeAt(const Mtrrs& mtrrs, std::uint64_t address) {
  const FixedField field = FixedFieldAt(mtrrs, address);
  return {MtrrRule::kFixed, field.type, field.end};
}

// The first address above `address` where a range may begin or end.
std::uint64_t NextBorder(const Mtrrs& mtrrs, std::uint64_t address) {
  std::uint64_t next = ~std::uint64_t{0};
  if (address <= WidthMask(mtrrs)) next = WidthMask(mtrrs) + 1;
  for (std::size_t i = 0; i <= VariableCount(mtrrs); ++i) {
    const VariableMtrr range =
        i < VariableCount(mtrrs) ? mtrrs.variable[i] : SmrrOf(mtrrs);
    const std::uint64_t mask = AddressMask(mtrrs, range);
    if (mask == 0) continue;
    const std::uint64_t size = mask & -mask;
    // 12.11.4 asks for masks without a gap. One with a gap has many ranges.
    const bool gap = (mask | (size - 1)) != WidthMask(mtrrs);
    const std::uint64_t begin = gap ? address / size * size : range.base & mask;
    for (const std::uint64_t border : {begin, begin + size}) {
      if (border > address) next = std::min(next, border);
    }
  }
  return next;
}

}  // namespace

std::size_t VariableCount(const Mtrrs& mtrrs) {
  return std::min<std::size_t>(mtrrs.cap & 0xff, mtrrs.variable.size());
}

// 12.11.2.3: an address is in the range if it is the base where the mask is 1.
bool IsIn(const Mtrrs& mtrrs, const VariableMtrr& range,
          std::uint64_t address) {
  const std::uint64_t mask = AddressMask(mtrrs, range);
  return (range.mask >> 11 & 1) != 0 && (address & mask) == (range.base & mask);
}

// 12.11.2.4: the mask is one of 32 bits, since the range is below 4 GBytes.
VariableMtrr SmrrOf(const Mtrrs& mtrrs) {
  if ((mtrrs.cap >> 11 & 1) == 0) return {};
  return {mtrrs.smrr.base & 0xffff'ffff,
          mtrrs.smrr.mask | (WidthMask(mtrrs) & ~std::uint64_t{0xffff'ffff})};
}

FixedField FixedFieldAt(const Mtrrs& mtrrs, std::uint64_t address) {
  std::size_t i = kFixedMtrrs - 1;
  while (kFixedRegisters[i].begin > address) --i;
  const FixedRegister& in = kFixedRegisters[i];
  const std::uint64_t field = (address - in.begin) / in.field;
  const std::uint64_t begin = in.begin + field * in.field;
  return {i, begin, begin + in.field,
          static_cast<std::uint8_t>(mtrrs.fixed[i] >> 8 * field)};
}

const MtrrRuleInfo& InfoOf(MtrrRule rule) {
  static constexpr MtrrRuleInfo kInfos[kMtrrRuleCount] = {
      {"mtrr-disabled", "3A 12.11.4.1",
       "if MTRRs are not enabled (bit 11 of IA32_MTRR_DEF_TYPE), all memory is "
       "UC"},
      {"mtrr-fixed", "3A 12.11.4.1",
       "below 1 MByte, with fixed ranges enabled, their type"},
      {"mtrr-fixed-not-enabled", "3A 12.11.4.1",
       "below 1 MByte, if fixed ranges are not enabled (bit 10 of "
       "IA32_MTRR_DEF_TYPE), as elsewhere"},
      {"mtrr-one-range", "3A 12.11.4.1",
       "in one variable range: the type of that range"},
      {"mtrr-same-types", "3A 12.11.4.1",
       "in several variable ranges of one type: that type"},
      {"mtrr-uc-wins", "3A 12.11.4.1",
       "in several variable ranges of which one is UC: UC"},
      {"mtrr-wt-wins", "3A 12.11.4.1",
       "in several variable ranges, of WT and WB: WT"},
      {"mtrr-undefined", "3A 12.11.4.1", "other overlaps are undefined"},
      {"mtrr-default", "3A 12.11.4.1",
       "in no range: the default type (bits 7:0 of IA32_MTRR_DEF_TYPE)"},
      {"mtrr-smrr", "3A 12.11.2.4",
       "memory in the SMRR's range is UC outside of SMM, whatever the type in "
       "IA32_SMRR_PHYSBASE"},
      {"mtrr-several-types", "3A 12.11.9",
       "a large page in memory of several types is split, or is of the most "
       "conservative type"},
      {"page-device", "29.3.7.2",
       "a device's memory is what the machine's MTRRs and the guest's PAT "
       "give, or UC, whatever the guest has in its PAT"},
      {"page-write-back", "3A 12.12.4",
       "RAM that the host has mapped, too, is WB, and the guest's PAT has no "
       "say: one page of two types is not supported"},
      {"page-cache-disabled", "29.3.7.2",
       "while the guest's CR0.CD is 1, which the processor does not see, its "
       "memory is UC, and its PAT has no say; or that is UC, and counts"},
      {"page-unsnooped", "29.3.7.2",
       "a guest with a device that does not snoop caches has the memory types "
       "that its MTRRs and its PAT give"},
      {"page-pat", "29.3.7.2",
       "the guest's PAT counts, together with the type by the MTRRs (WB, if "
       "those have no effect)"},
      {"page-both", "3A 12.11.4.1",
       "by the guest's MTRRs and the machine's: UC if one of them says so, "
       "otherwise as table 12-7 has it of the two"},
  };
  return kInfos[static_cast<int>(rule)];
}

namespace {

// `end`: of where the same variable ranges decide.
ByteType TypeByRanges(const Mtrrs& mtrrs, std::uint64_t hpa,
                      std::uint64_t end) {
  int matches = 0;
  std::uint32_t types = 0;  // as a set
  for (std::size_t i = 0; i < VariableCount(mtrrs); ++i) {
    const VariableMtrr& range = mtrrs.variable[i];
    if (!IsIn(mtrrs, range, hpa)) continue;
    ++matches;
    types |= 1u << (range.base & 7);
  }
  const auto lowest = static_cast<std::uint8_t>(std::countr_zero(types));
  if (matches == 0) {
    return {MtrrRule::kDefault,
            static_cast<std::uint8_t>(mtrrs.def_type & 0xff), end};
  }
  if (matches == 1) return {MtrrRule::kOneRange, lowest, end};
  if (std::has_single_bit(types)) return {MtrrRule::kSameTypes, lowest, end};
  if ((types & 1u << kTypeUc) != 0) {
    return {MtrrRule::kUncacheableWins, kTypeUc, end};
  }
  if (types == (1u << kTypeWt | 1u << kTypeWb)) {
    return {MtrrRule::kWriteThroughWins, kTypeWt, end};
  }
  return {MtrrRule::kUndefined, 0, end};
}

}  // namespace

ByteType TypeAt(const Mtrrs& mtrrs, std::uint64_t hpa) {
  const bool enabled = (mtrrs.def_type >> 11 & 1) != 0;
  const bool fixed_enabled =
      (mtrrs.def_type >> 10 & 1) != 0 && (mtrrs.cap >> 8 & 1) != 0;
  std::uint64_t end = NextBorder(mtrrs, hpa);
  if (hpa < kMegabyte) end = std::min(end, kMegabyte);
  ByteType found;
  if (!enabled) {
    found = {MtrrRule::kDisabled, kTypeUc, end};
  } else if (hpa < kMegabyte && fixed_enabled) {
    found = FixedTypeAt(mtrrs, hpa);
    found.end = std::min(found.end, end);
  } else {
    found = TypeByRanges(mtrrs, hpa, end);
  }
  // The memory type of SMM is not for guests. What the MTRRs say is no mistake:
  // whatever an entry has, nothing is reached there. So where they leave the
  // type undefined, it stays so.
  if (IsIn(mtrrs, SmrrOf(mtrrs), hpa) && found.rule != MtrrRule::kUndefined) {
    found.is_smram = true;
    found.rule = MtrrRule::kSmrr;
  }
  return found;
}

PageType TypeOf(const Mtrrs& mtrrs, std::uint64_t hpa, std::uint64_t bytes) {
  return TypeOfPieces(bytes, [&](std::uint64_t offset) -> TypePiece {
    const ByteType piece = TypeAt(mtrrs, hpa + offset);
    return {piece.rule, 1u << piece.type, piece.end - hpa, piece.is_smram};
  });
}

PageType TypeOfPieces(std::uint64_t bytes,
                      const std::function<TypePiece(std::uint64_t)>& piece_at) {
  const std::uint32_t unjudged =
      1u << kNoSuchPage | (bytes > 0x1000 ? 1u << kSmallerPages : 0);
  const TypePiece first = piece_at(0);
  std::uint32_t types = 0;                  // as sets: that there are,
  std::uint32_t common = ~0u;               // and that each byte may have
  bool has_smram = false, differs = false;  // so that UC is on the safe side
  for (std::uint64_t at = 0; at < bytes;) {
    const TypePiece piece = piece_at(at);
    if (piece.rule == MtrrRule::kUndefined) return {piece.rule, ~0u};
    types |= piece.types;
    common &= piece.types | (piece.is_smram ? 1u << kTypeUc : 0);
    has_smram |= piece.is_smram;
    differs |= piece.types != first.types;
    at = piece.end;
  }
  if (common != 0) {
    if (has_smram || differs) common |= 1u << kTypeUc;
    return {differs ? MtrrRule::kSeveralTypes : first.rule, common | unjudged};
  }
  // The most conservative is UC if there is UC, and WT of WT and WB; otherwise
  // UC is on the safe side.
  std::uint32_t conservative = 1u << kTypeUc;
  if (types == (1u << kTypeWt | 1u << kTypeWb)) {
    conservative |= 1u << kTypeWt;
  }
  return {MtrrRule::kSeveralTypes, conservative | unjudged};
}

std::string MtrrAnswerWords(std::uint32_t answer) {
  static constexpr const char* kTypes[] = {"UC",
                                           "WC",
                                           "type 2, which is reserved",
                                           "type 3, which is reserved",
                                           "WT",
                                           "WP",
                                           "WB",
                                           "type 7, which is reserved"};
  if (answer < kPatIsIgnored) return kTypes[answer];
  if (answer < 2 * kPatIsIgnored) {
    return std::string(kTypes[answer - kPatIsIgnored]) + ", the PAT ignored";
  }
  if (answer == kSmallerPages) return "smaller pages";
  return answer == kNoSuchPage ? "no such page" : "no answer at all";
}

}  // namespace eptdiff
