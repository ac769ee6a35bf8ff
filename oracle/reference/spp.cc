#include "oracle/reference/spp.h"

namespace eptdiff {
namespace {

// The lookup itself; x.s.level and x.s.entry follow it.
Spp WalkSppTables(Examiner& x) {
  Situation& s = x.s;
  // 1. to 3.: an SPPL4E, an SPPL3E, an SPPL2E.
  std::uint64_t table = x.Ask(Slot::kSpp8, x.state().controls.spptp);
  for (s.level = 4; s.level >= 2; --s.level) {
    s.entry =
        x.Read(Role::kSppEntry, s.level, {table + 8 * x.Ask(Slot::kSpp3Index)});
    if (x.Ask(Slot::kSpp4)) return {SppResult::kMiss, x.At(Slot::kSpp4)};
    if (x.Ask(Slot::kSpp5Entry)) {
      return {SppResult::kMisconfiguration, x.At(Slot::kSpp5Entry)};
    }
    table = x.Ask(Slot::kSpp8, s.entry);
  }
  // 4. The SPP vector.
  s.entry =
      x.Read(Role::kSppEntry, s.level, {table + 8 * x.Ask(Slot::kSpp3Index)});
  if (x.Ask(Slot::kSpp4)) return {SppResult::kMiss, x.At(Slot::kSpp4)};
  if (x.Ask(Slot::kSpp5Vector)) {
    return {SppResult::kMisconfiguration, x.At(Slot::kSpp5Vector)};
  }
  // Each sub-page that the write covers.
  const std::uint64_t first = sdm::Bits(s.access.gpa.value, 11, 7);
  const std::uint64_t last = x.Ask(Slot::kSpp6);
  for (std::uint64_t sub_page = first; sub_page <= last; ++sub_page) {
    const auto bit = static_cast<int>(x.Ask(Slot::kSpp3Bit, sub_page) & 63);
    if (x.Ask(Slot::kSpp7, sdm::Bit(s.entry, bit))) {
      return {SppResult::kRefused, x.At(Slot::kSpp7)};
    }
  }
  return {SppResult::kAllowed, x.At(Slot::kSpp3Bit)};
}

}  // namespace

SppEligibility JudgeSppEligibility(Examiner& x) {
  const Situation& s = x.s;
  if (!x.Ask(Slot::kSpp1) || x.Ask(Slot::kSpp2)) return SppEligibility::kNever;
  // "There are additional accesses to which sub-page write permissions might
  // not be applied (behavior is model-specific)": one across two pages, and
  // those that are not by a basic instruction, as whatever writes more than the
  // 64 bytes of the largest operand is. The SDM is silent on supervisor
  // shadow-stack accesses that bit 60 allows without bit 1. That a page is not
  // readable refuses no write.
  constexpr int kLargestOperand = 64;
  const Access& access = s.access.access;
  const bool trace_output = s.IsWithoutLinearAddress() && !s.IsPebs();
  if (s.access.split || access.asynchronous || trace_output ||
      access.size > kLargestOperand ||
      access.kind == AccessKind::kShadowStackWrite ||
      access.kind == AccessKind::kShadowStackReadModifyWrite) {
    return SppEligibility::kMayBe;
  }
  return SppEligibility::kEligible;
}

Spp LookUpSpp(Examiner& x) {
  const std::uint8_t level = x.s.level;
  const std::uint64_t entry = x.s.entry;
  const Spp spp = WalkSppTables(x);
  x.s.level = level;
  x.s.entry = entry;
  return spp;
}

}  // namespace eptdiff
