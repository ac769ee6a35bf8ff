#include "fuzzers/command/lint/tree_sweep.h"

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "engine/bits.h"
#include "engine/walk/context.h"
#include "engine/walk/walk.h"

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
  Sweeper(const MemoryImage& image, const engine::EptContext& context)
      : image_(image), context_(context) {}

  TreeSweep Sweep() {
    const int top = context_.five_level() ? 5 : 4;
    SweepTable({top, 0, context_.root(), 0}, kRights);
    FindAliases();
    FindTablesReached();
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
          CountAddress(value);
          SweepTable({level - 1, entry.at, value, entry.gpa}, rights & value);
          break;
        case engine::EntryKind::kLeaf:
          AddLeaf(entry, rights & value);
          break;
      }
    }
  }

  void CountAddress(std::uint64_t value) {
    sweep_.address_bits =
        std::max(sweep_.address_bits,
                 static_cast<int>(std::bit_width(value & bits::kAddress)));
  }

  void AddLeaf(const FoundEntry& leaf, std::uint64_t rights) {
    const int shift = engine::PageShift(leaf.level);
    MappedRange range = {leaf.gpa, leaf.value & bits::Bits(51, shift),
                         std::uint64_t{1} << shift,
                         static_cast<std::uint16_t>(rights & kRights),
                         static_cast<std::uint8_t>(leaf.value >> 3 & 15)};
    if (!context_.mbec()) range.rights &= 7;
    CountAddress(leaf.value);
    ++sweep_.leaves[leaf.level];
    sweep_.accessed += (leaf.value & bits::kAccessed) != 0;
    sweep_.dirty += (leaf.value & bits::kDirty) != 0;
    sweep_.execute_only += (leaf.value & 7) == 4;
    sweep_.mapped_bytes += range.bytes;
    const bool writes = (range.rights & bits::kWrite) != 0;
    const bool executes =
        (range.rights & (bits::kExecute | bits::kUserExecute)) != 0;
    if (writes && executes) sweep_.write_execute_bytes += range.bytes;
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
  std::set<std::uint64_t> tables_;
  TreeSweep sweep_;
};

}  // namespace

TreeSweep SweepTree(const MemoryImage& image, const Processor& processor,
                    const Controls& controls) {
  const engine::EptContext context(processor, controls);
  return Sweeper(image, context).Sweep();
}

}  // namespace eptdiff
