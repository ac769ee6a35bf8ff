// What the bits of an EPT entry say on one processor under one set of controls
// (SDM 29.3.2 to 29.3.3.1, 29.4.3.4). Positions are spelled out here again: the
// builder that is judged has its own.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_BUILDER_TABLE_FACTS_H_
#define EPTDIFF_ORACLE_BUILDER_TABLE_FACTS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "engine/types.h"
#include "oracle/rules.h"

namespace eptdiff {

struct TableFacts {
  int levels = 4;
  int maxphyaddr = 46;
  bool accessed_dirty = false;  // EPTP bit 6
  bool shadow_stack = false;    // EPTP bit 7
  bool mbec = false;            // mode-based execute control
  bool sub_page = false;        // sub-page write permissions
  bool paging_write = false;
  bool verification = false;  // guest-paging verification
  bool execute_only = false;  // capabilities
  bool page_2m = false;
  bool page_1g = false;
  std::uint64_t unused = 0;  // what an entry holds that maps nothing
  bool any_unused = false;   // any word that is not present will do
  // Words that map nothing, whatever a processor makes of them: those that are
  // `trap_value` in the bits of `trap_mask`; 0: none.
  std::uint64_t trap_mask = 0, trap_value = 0;
  bool map_replaces = false;   // mapping a page replaces what is there
  bool begins_mapped = false;  // what the first tables map is asked for
  // What is mapped may be absent, or have fewer rights, until it is used.
  bool on_demand = false;
  // Frames that the builder has at most, 0: as many as it gets; and how many of
  // them it may keep that are in no table, in all and beside each table.
  std::size_t frames = 0, spare_frames = 0, companion_frames = 0;
  std::uint64_t own = 0;  // bits that are the builder's where ignored
};
TableFacts FactsOf(const Processor& processor, const Controls& controls,
                   std::uint64_t unused);

// Bits of a leaf that are neither address nor page size.
inline constexpr std::uint64_t kLeafFlags = 0xfff0000000000f7f;
inline constexpr std::uint64_t kAccessedDirty = 0x300;
// Bits 11, 56:52, 59 and 62, ignored in all entries.
inline constexpr std::uint64_t kIgnoredBits = 0x49f0000000000800;

// Bits of a leaf that are the builder's own affair: a processor ignores them
// under these controls, and they are among `own`.
std::uint64_t OwnInLeaf(const TableFacts& facts);

// Bytes that an entry of `level`, 5 to 1, controls.
constexpr std::uint64_t EntryBytes(int level) {
  return std::uint64_t{0x1000} << (9 * (level - 1));
}
// Bits 2:0, and bit 10 under MBEC.
constexpr std::uint64_t RightsMask(const TableFacts& facts) {
  return facts.mbec ? 0x407 : 0x7;
}
constexpr bool IsTrap(const TableFacts& facts, std::uint64_t entry) {
  return facts.trap_mask != 0 && (entry & facts.trap_mask) == facts.trap_value;
}
// No trap is.
constexpr bool IsPresent(const TableFacts& facts, std::uint64_t entry) {
  return (entry & RightsMask(facts)) != 0 && !IsTrap(facts, entry);
}
// Of an entry that is not present: whether it holds the word for that. With
// `any_unused`, bit 63 alone counts, and only under "EPT-violation #VE".
bool IsUnused(const TableFacts& facts, std::uint64_t entry);
// Of a present entry.
constexpr bool IsLeaf(std::uint64_t entry, int level) {
  return level == 1 || (level <= 3 && (entry >> 7 & 1) != 0);
}
// Bits 51:12.
constexpr std::uint64_t AddressIn(std::uint64_t entry) {
  return entry & 0x000ffffffffff000;
}
// Of a present entry: which of CFG-1 to CFG-11 it breaks, the first; none.
std::optional<Rule> BrokenRuleOf(const TableFacts& facts, std::uint64_t entry,
                                 int level);
bool IsMisconfiguredEntry(const TableFacts& facts, std::uint64_t entry,
                          int level);
// Whether a processor may have cached what this change ends (CACHE-9). Rights
// by bits 58, 60 and 61, and the limit by bit 57, count where their controls
// are 1.
bool ChangeNeedsInvept(const TableFacts& facts, std::uint64_t before,
                       std::uint64_t after, int level);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_TABLE_FACTS_H_
