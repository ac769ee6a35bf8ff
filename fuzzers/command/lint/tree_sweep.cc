#include "fuzzers/command/lint/tree_sweep.h"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "engine/bits.h"
#include "engine/walk/context.h"
#include "engine/walk/walk.h"
#include "oracle/mtrr/memory_types.h"

namespace eptdiff {
namespace {

// 2 TBytes by pages of 4 KBytes. A table that references itself has no end.
constexpr std::uint64_t kMostTables = std::uint64_t{1} << 20;
constexpr std::size_t kMostRanges = std::size_t{1} << 22;

constexpr std::uint64_t kRights =
    bits::kRead | bits::kWrite | bits::kExecute | bits::kUserExecute;

template <typename T>
void Keep(std::vector<T>& kept, std::uint64_t& count, const T& one) {
  if (kept.size() < kMostKept) kept.push_back(one);
  ++count;
}

class Sweeper {
 public:
  Sweeper(const MemoryImage& image, const engine::EptContext& context,
          const Mtrrs* mtrrs)
      : image_(image), context_(context), mtrrs_(mtrrs) {}

  TreeSweep Sweep() {
    const int top = context_.five_level() ? 5 : 4;
    SweepTable({top, 0, context_.root(), 0}, kRights);
    FindAliases();
    FindTablesReached();
    if (mtrrs_ != nullptr) HoldAgainstMtrrs();
    return std::move(sweep_);
  }

 private:
  // `from.value` has the table's address; `from` is the entry that references
  // it.
  void SweepTable(const FoundEntry& from, std::uint64_t rights) {
    sweep_.ended_early |=
        sweep_.tables >= kMostTables || sweep_.ranges.size() >= kMostRanges;
    if (sweep_.ended_early) return;
    const std::uint64_t table = from.value & bits::kAddress;
    TablePage page;
    if (!image_.Read(Hpa{table}, page)) {
      Keep(sweep_.outside, sweep_.outside_count, from);
      return;
    }
    ++sweep_.tables;
    tables_.insert(table);
    sweep_.table_list.push_back({from.level, from.gpa, table});
    const int level = from.level;
    for (std::uint64_t i = 0; i < page.size(); ++i) {
      const std::uint64_t value = page[i];
      const FoundEntry entry = {level, table + 8 * i, value,
                                from.gpa | i << engine::PageShift(level)};
      switch (context_.Classify(value, level)) {
        case engine::EntryKind::kNotPresent:
          break;
        case engine::EntryKind::kMisconfigured:
          Keep(sweep_.misconfigured, sweep_.misconfigured_count, entry);
          break;
        case engine::EntryKind::kTable:
          CountAddress(entry);
          SweepTable({level - 1, entry.at, value, entry.gpa}, rights & value);
          break;
        case engine::EntryKind::kLeaf:
          AddLeaf(entry, rights & value);
          break;
      }
    }
  }

  void CountAddress(const FoundEntry& entry) {
    const auto width =
        static_cast<std::size_t>(std::bit_width(entry.value & bits::kAddress));
    sweep_.address_bits =
        std::max(sweep_.address_bits, static_cast<int>(width));
    if (sweep_.widths[width]++ == 0) sweep_.first_of_width[width] = entry;
  }

  void AddLeaf(const FoundEntry& leaf, std::uint64_t rights) {
    const int shift = engine::PageShift(leaf.level);
    MappedRange range = {leaf.gpa, leaf.value & bits::Bits(51, shift),
                         std::uint64_t{1} << shift,
                         static_cast<std::uint16_t>(rights & kRights),
                         static_cast<std::uint8_t>(leaf.value >> 3 & 15)};
    if (!context_.mbec()) range.rights &= 7;
    CountAddress(leaf);
    if (sweep_.leaves[leaf.level]++ == 0) sweep_.first_leaf[leaf.level] = leaf;
    if (leaf.level > 1 && mtrrs_ != nullptr) HoldAgainstMtrrs(leaf, range);
    sweep_.accessed += (leaf.value & bits::kAccessed) != 0;
    sweep_.dirty += (leaf.value & bits::kDirty) != 0;
    if ((leaf.value & 7) == 4 && sweep_.execute_only++ == 0) {
      sweep_.first_execute_only = leaf;
    }
    sweep_.mapped_bytes += range.bytes;
    const bool writes = (range.rights & bits::kWrite) != 0;
    const bool executes =
        (range.rights & (bits::kExecute | bits::kUserExecute)) != 0;
    if (writes && executes) {
      if (sweep_.write_execute_bytes == 0) sweep_.first_write_execute = leaf;
      sweep_.write_execute_bytes += range.bytes;
    }
    if (!sweep_.ranges.empty()) {
      MappedRange& last = sweep_.ranges.back();
      if (last.gpa + last.bytes == range.gpa &&
          last.hpa + last.bytes == range.hpa && last.rights == range.rights &&
          last.type == range.type) {
        last.bytes += range.bytes;
        return;
      }
    }
    sweep_.ranges.push_back(range);
  }

  // A large page, which has one type, over memory that may have several.
  void HoldAgainstMtrrs(const FoundEntry& leaf, const MappedRange& page) {
    const PageType type = TypeOf(*mtrrs_, page.hpa, page.bytes);
    if (type.rule != MtrrRule::kSeveralTypes) return;
    if ((type.permitted >> (page.type & 7) & 1) != 0) {
      ++sweep_.mixed_conservative;
    } else {
      Keep(sweep_.mixed, sweep_.mixed_count, leaf);
    }
  }

  // All of memory, as far as the MTRRs have a type for it.
  void HoldAgainstMtrrs() {
    for (const MappedRange& range : sweep_.ranges) {
      for (std::uint64_t at = range.hpa; at < range.hpa + range.bytes;) {
        const ByteType piece = TypeAt(*mtrrs_, at);
        const std::uint64_t end =
            std::min(std::max(piece.end, at + 1), range.hpa + range.bytes);
        if (piece.rule != MtrrRule::kUndefined &&
            piece.type != (range.type & 7)) {
          AddUnlike(range, at, end, piece.type);
        }
        at = end;
      }
    }
  }

  void AddUnlike(const MappedRange& range, std::uint64_t begin,
                 std::uint64_t end, std::uint8_t type) {
    MappedRange part = range;
    part.gpa += begin - range.hpa;
    part.hpa = begin;
    part.bytes = end - begin;
    if (!sweep_.unlike.empty()) {
      UnlikeMtrrs& last = sweep_.unlike.back();
      if (last.type == type && last.range.type == part.type &&
          last.range.rights == part.rights &&
          last.range.gpa + last.range.bytes == part.gpa &&
          last.range.hpa + last.range.bytes == part.hpa) {
        last.range.bytes += part.bytes;
        return;
      }
    }
    Keep(sweep_.unlike, sweep_.unlike_count, UnlikeMtrrs{part, type});
  }

  std::vector<MappedRange> ByHpa() const {
    std::vector<MappedRange> ranges = sweep_.ranges;
    std::sort(ranges.begin(), ranges.end(),
              [](const MappedRange& a, const MappedRange& b) {
                return std::pair(a.hpa, a.gpa) < std::pair(b.hpa, b.gpa);
              });
    return ranges;
  }

  // Each range against those that begin before it and reach into it. There are
  // few of them, or the search ends.
  void FindAliases() {
    constexpr std::size_t kMostOpen = 64;
    std::vector<MappedRange> open;
    for (const MappedRange& range : ByHpa()) {
      std::erase_if(open, [&range](const MappedRange& other) {
        return other.hpa + other.bytes <= range.hpa;
      });
      for (const MappedRange& other : open) AddAlias(other, range);
      if (open.size() < kMostOpen) {
        open.push_back(range);
      } else {
        sweep_.aliases_ended_early = true;
      }
    }
  }

  void AddAlias(const MappedRange& a, const MappedRange& b) {
    const std::uint64_t begin = std::max(a.hpa, b.hpa);
    const std::uint64_t bytes =
        std::min(a.hpa + a.bytes, b.hpa + b.bytes) - begin;
    if (a.rights == b.rights && a.type == b.type) {
      sweep_.same_alias_bytes += bytes;
      return;
    }
    const auto part = [begin, bytes](MappedRange range) {
      range.gpa += begin - range.hpa;
      range.hpa = begin;
      range.bytes = bytes;
      return range;
    };
    Keep(sweep_.aliases, sweep_.alias_count, Alias{part(a), part(b)});
    sweep_.any_types_differ |= a.type != b.type;
  }

  // The EPT tables that are themselves mapped: each for the range that allows
  // most.
  void FindTablesReached() {
    for (const MappedRange& range : sweep_.ranges) {
      for (auto table = tables_.lower_bound(range.hpa);
           table != tables_.end() && *table < range.hpa + range.bytes;
           ++table) {
        if (range.rights == 0) continue;
        Keep(sweep_.tables_reached, sweep_.tables_reached_count,
             {0, *table, range.rights, range.gpa + (*table - range.hpa)});
        sweep_.any_table_written |= (range.rights & bits::kWrite) != 0;
      }
    }
  }

  const MemoryImage& image_;
  const engine::EptContext& context_;
  const Mtrrs* const mtrrs_;  // or null
  std::set<std::uint64_t> tables_;
  TreeSweep sweep_;
};

}  // namespace

TreeSweep SweepTree(const MemoryImage& image, const Processor& processor,
                    const Controls& controls, const Mtrrs* mtrrs) {
  const engine::EptContext context(processor, controls);
  return Sweeper(image, context, mtrrs).Sweep();
}

}  // namespace eptdiff
