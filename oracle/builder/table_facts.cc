#include "oracle/builder/table_facts.h"

#include <algorithm>

namespace eptdiff {
namespace {

constexpr bool Has(std::uint64_t word, int bit) {
  return (word >> bit & 1) != 0;
}

}  // namespace

TableFacts FactsOf(const Processor& processor, const Controls& controls,
                   std::uint64_t unused) {
  const std::uint32_t secondary =
      Has(controls.primary, 31) ? controls.secondary : 0;
  const std::uint64_t tertiary =
      Has(controls.primary, 17) ? controls.tertiary : 0;
  TableFacts facts;
  facts.levels = static_cast<int>(controls.eptp >> 3 & 7) + 1;
  facts.maxphyaddr = std::max(32, processor.maxphyaddr - processor.keyid_bits);
  facts.accessed_dirty = Has(controls.eptp, 6);
  facts.shadow_stack = Has(controls.eptp, 7);
  facts.mbec = Has(secondary, 22);
  facts.sub_page = Has(secondary, 23);
  facts.paging_write = Has(tertiary, 2);
  facts.verification = facts.paging_write && Has(tertiary, 3);
  facts.execute_only = Has(processor.ept_vpid_cap, 0);
  facts.page_2m = Has(processor.ept_vpid_cap, 16);
  facts.page_1g = Has(processor.ept_vpid_cap, 17);
  facts.unused = unused;
  return facts;
}

std::uint64_t OwnInLeaf(const TableFacts& facts) {
  const auto unless = [](bool used, std::uint64_t bits) {
    return used ? 0 : bits;
  };
  const bool exceptions = Has(facts.unused, 63);  // "EPT-violation #VE"
  const std::uint64_t ignored =
      kIgnoredBits | unless(facts.accessed_dirty, kAccessedDirty) |
      unless(facts.mbec, 1ull << 10) | unless(facts.verification, 1ull << 57) |
      unless(facts.paging_write, 1ull << 58) |
      unless(facts.shadow_stack, 1ull << 60) |
      unless(facts.sub_page, 1ull << 61) | unless(exceptions, 1ull << 63);
  return facts.own & ignored;
}

bool IsUnused(const TableFacts& facts, std::uint64_t entry) {
  if (IsTrap(facts, entry)) return true;
  if (!facts.any_unused) return entry == facts.unused;
  return !Has(facts.unused, 63) || Has(entry, 63);  // "EPT-violation #VE"
}

std::optional<Rule> BrokenRuleOf(const TableFacts& facts, std::uint64_t entry,
                                 int level) {
  const bool leaf = IsLeaf(entry, level);
  if (!Has(entry, 0)) {
    if (Has(entry, 1)) return Rule::kCfg1;
    if (!facts.execute_only) {
      if (Has(entry, 2)) return Rule::kCfg2;
      if (facts.mbec && Has(entry, 10)) return Rule::kCfg3;
    }
    if (leaf && facts.paging_write && Has(entry, 58)) return Rule::kCfg4;
  }
  if (AddressIn(entry) >> facts.maxphyaddr != 0) return Rule::kCfg10;
  if (!leaf) {
    if ((entry & 0xf8) == 0) return {};
    return level >= 4 ? Rule::kCfg5 : Rule::kCfg6;
  }
  if (level == 3 && !facts.page_1g) return Rule::kCfg7;
  if (level == 2 && !facts.page_2m) return Rule::kCfg7;
  if (AddressIn(entry) % EntryBytes(level) != 0) {
    return level == 3 ? Rule::kCfg8 : Rule::kCfg9;
  }
  const std::uint64_t type = entry >> 3 & 7;
  if (type == 2 || type == 3 || type == 7) return Rule::kCfg11;
  return {};
}

bool IsMisconfiguredEntry(const TableFacts& facts, std::uint64_t entry,
                          int level) {
  return BrokenRuleOf(facts, entry, level).has_value();
}

bool ChangeNeedsInvept(const TableFacts& facts, std::uint64_t before,
                       std::uint64_t after, int level) {
  if (!IsPresent(facts, before)) return false;
  if (IsMisconfiguredEntry(facts, before, level)) return false;
  if (!IsPresent(facts, after)) return true;
  const std::uint64_t changed = before ^ after;
  const std::uint64_t cleared = before & changed;
  const std::uint64_t set = after & changed;
  if ((cleared & RightsMask(facts)) != 0) return true;
  if (AddressIn(changed) != 0) return true;
  if ((level == 2 || level == 3) && Has(changed, 7)) return true;
  if (facts.accessed_dirty && Has(cleared, 8)) return true;
  if (!IsLeaf(before, level)) return false;
  if ((changed & 0x78) != 0) return true;
  if (facts.accessed_dirty && Has(cleared, 9)) return true;
  return (facts.paging_write && Has(cleared, 58)) ||
         (facts.shadow_stack && Has(cleared, 60)) ||
         (facts.sub_page && Has(cleared, 61)) ||
         (facts.verification && Has(set, 57));
}

}  // namespace eptdiff
