// What table_builder.h finds without a change: pages, walks, the parts of a
// region; not to be included by itself.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_LOOKUP_INL_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_LOOKUP_INL_H_

#include <algorithm>
#include <type_traits>

#include "engine/walk/judgement.h"
#include "engine/walk/memory_type.h"
#include "engine/walk/path.h"
#include "engine/walk/run_length.h"
#include "engine/walk/walk.h"

namespace eptdiff {

// ---------------------------------------------------------------- look-up

template <TableHal Hal>
TableResult TableBuilder<Hal>::Query(Gpa gpa, Mapping& mapping) const {
  if (gpa.value >= format_.gpa_end()) return {TableError::kOutOfRange, gpa};
  const Place place = Find(gpa);
  if (!IsPresent(place.entry)) return {TableError::kNotMapped, gpa};
  const std::uint64_t bytes = LevelBytes(place.level);
  const std::uint64_t begin = gpa.value & ~(bytes - 1);
  mapping = MappingOf(place.entry, place.level, {begin, begin + bytes});
  return {};
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::Translate(Gpa gpa, Use use,
                                         Translation& translation) const {
  if (!IsUse(use)) return {TableError::kNotAllowed, gpa};
  const engine::EptContext& context = format_.context();
  const TableMemory<Hal> memory(*hal_);
  const engine::MemoryTypeRow& types =
      engine::kMemoryTypeRows[static_cast<int>(MemoryType::kWriteBack)];
  translation = Translation{};
  translation.structure_memory_type = context.structure_type();
  if (engine::Walk(context, memory, gpa,
                   context.ExpectationOf(use).WithoutFlags(), types,
                   translation)) {
    return {};
  }
  // Refused, or none of the common cases: an execute-only page, a write that
  // bit 58 allows.
  if (gpa.value >= format_.gpa_end()) return {TableError::kOutOfRange, gpa};
  engine::Path path;
  engine::TracePath(context, memory, gpa, path);
  if (!path.reached_leaf()) return {TableError::kNotMapped, gpa};
  const std::uint64_t leaf = path.last().value;
  if (!engine::Grants(context.RightsOf(use), path.tables, leaf)) {
    return {TableError::kNotAllowed, gpa};
  }
  translation.address = engine::PageAddress(leaf, gpa, path.level);
  translation.page_shift =
      static_cast<std::uint8_t>(engine::PageShift(path.level));
  translation.memory_type =
      static_cast<MemoryType>(types[leaf >> bits::kMemoryTypeShift & 15]);
  return {};
}

template <TableHal Hal>
auto TableBuilder<Hal>::Find(Gpa gpa) const -> Place {
  Words words = Root();
  for (int level = format_.levels();; --level) {
    const int i = IndexOf(gpa.value, level);
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry) || MapsPage(entry, level)) {
      return {words, i, level, entry};
    }
    words = Child(entry);
  }
}

template <TableHal Hal>
auto TableBuilder<Hal>::FindCovering(Range range) const -> Covering {
  Words words = Root();
  int level = format_.levels();
  while (level > 1 &&
         (range.begin ^ (range.end - 1)) >> LevelShift(level) == 0) {
    const std::uint64_t entry = words.Load(IndexOf(range.begin, level));
    if (!IsPresent(entry) || MapsPage(entry, level)) break;
    words = Child(entry);
    --level;
  }
  return {words.address(), level};
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::FindPage(Gpa gpa, Place& place) const {
  const TableResult result = CheckRegion(gpa, BytesOf(PageSize::k4KByte));
  if (!result.ok()) return result;
  place = Find(gpa);
  if (!IsPresent(place.entry)) return {TableError::kNotMapped, gpa};
  if (gpa.value % LevelBytes(place.level) != 0) {
    return {TableError::kMisaligned, gpa};
  }
  return {};
}

template <TableHal Hal>
Mapping TableBuilder<Hal>::MappingOf(std::uint64_t entry, int level,
                                     Range part) {
  const std::uint64_t offset = part.begin & (LevelBytes(level) - 1);
  return {Gpa{part.begin}, Hpa{EptEntry(entry).page(level).value + offset},
          part.end - part.begin, EptEntry(entry).flags()};
}

template <TableHal Hal>
template <typename Visitor>
bool TableBuilder<Hal>::Visit(Words words, int level, Range range,
                              Visitor& visitor) const {
  if (level == 1) return VisitLast(words, range, visitor);
  const std::uint64_t bytes = LevelBytes(level);
  for (std::uint64_t gpa = range.begin & ~(bytes - 1); gpa < range.end;
       gpa += bytes) {
    const int i = IndexOf(gpa, level);
    if (i % Words::kBatch == 0 && !IsPresent(words.AnyOf(i))) {
      gpa += (Words::kBatch - 1) * bytes;
      continue;
    }
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry)) continue;
    if (!MapsPage(entry, level)) {
      const Range part = {std::max(gpa, range.begin),
                          std::min(gpa + bytes, range.end)};
      if (!Visit(Child(entry), level - 1, part, visitor)) return false;
    } else if (!Show(MappingOf(entry, level, {gpa, gpa + bytes}), visitor)) {
      return false;
    }
  }
  return true;
}

// Nearly all of the time is spent here. What the visitor adds up lies in memory
// for all that the compiler knows of the next load; so a few entries are loaded
// before they are shown.
template <TableHal Hal>
template <typename Visitor>
bool TableBuilder<Hal>::VisitLast(Words words, Range range,
                                  Visitor& visitor) const {
  constexpr int kBatch = Words::kBatch;
  const std::uint64_t present = format_.present();
  const std::uint64_t base = range.begin & ~(LevelBytes(2) - 1);
  const int end = IndexOf(range.end - 1, 1) + 1;
  const auto show = [&](int i, std::uint64_t entry) {
    const std::uint64_t gpa = base + (static_cast<std::uint64_t>(i) << 12);
    return Show(
        {Gpa{gpa}, EptEntry(entry).page(1), 4096, EptEntry(entry).flags()},
        visitor);
  };
  int i = IndexOf(range.begin, 1);
  for (; i + kBatch <= end; i += kBatch) {
    std::uint64_t entries[kBatch];
    std::uint64_t any = 0;
    bool all = true;
    for (int k = 0; k < kBatch; ++k) {
      entries[k] = words.Load(i + k);
      any |= entries[k];
      all &= (entries[k] & present) != 0;
    }
    if ((any & present) == 0) continue;
    for (int k = 0; k < kBatch; ++k) {
      if (!all && (entries[k] & present) == 0) continue;
      if (!show(i + k, entries[k])) return false;
    }
  }
  for (; i < end; ++i) {
    const std::uint64_t entry = words.Load(i);
    if ((entry & present) != 0 && !show(i, entry)) return false;
  }
  return true;
}

template <TableHal Hal>
template <typename Visitor>
bool TableBuilder<Hal>::VisitRuns(Words words, Words next, int level,
                                  Range part, Mapping& range,
                                  Visitor& visitor) const {
  const std::uint64_t bytes = LevelBytes(level);
  const auto load = [&words](int i, std::uint64_t& word) {
    word = words.Load(i);
    return true;
  };
  const auto ahead = [&next](int i) { next.Prefetch(i); };
  const int end = IndexOf(part.end - 1, level) + 1;
  std::uint64_t gpa = part.begin & ~(bytes - 1);
  int run = 1;
  for (int i = IndexOf(gpa, level); i < end; i += run, gpa += run * bytes) {
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry)) {
      run = std::max(1, engine::RunLength(load, ahead, i, end, entry, 0));
      continue;
    }
    if (!MapsPage(entry, level)) {
      run = 1;
      const Range below = {std::max(gpa, part.begin),
                           std::min(gpa + bytes, part.end)};
      const std::uint64_t after = i + 1 < end ? words.Load(i + 1) : entry;
      const bool is_table = IsPresent(after) && !MapsPage(after, level);
      if (!VisitRuns(Child(entry), Child(is_table ? after : entry), level - 1,
                     below, range, visitor)) {
        return false;
      }
      continue;
    }
    // A run ends where addresses do: there an address would carry over.
    const std::uint64_t room =
        (format_.hpa_end() - EptEntry(entry).page(level).value) / bytes;
    const int end_of_run = static_cast<int>(
        std::min<std::uint64_t>(end, static_cast<std::uint64_t>(i) + room));
    run = std::max(1,
                   engine::RunLength(load, ahead, i, end_of_run, entry, bytes));
    const Range seen = {std::max(gpa, part.begin),
                        std::min(gpa + run * bytes, part.end)};
    const Mapping mapping = MappingOf(entry, level, seen);
    if (range.gpa.value + range.bytes == mapping.gpa.value &&
        range.hpa.value + range.bytes == mapping.hpa.value &&
        range.flags == mapping.flags) {
      range.bytes += mapping.bytes;
      continue;
    }
    if (range.bytes != 0 && !Show(range, visitor)) return false;
    range = mapping;
  }
  return true;
}

template <TableHal Hal>
template <typename Visitor>
bool TableBuilder<Hal>::Show(const Mapping& page, Visitor& visitor) {
  if constexpr (std::is_void_v<decltype(visitor(page))>) {
    visitor(page);
    return true;
  } else {
    return static_cast<bool>(visitor(page));
  }
}

// ---------------------------------------------------------------- arithmetic

template <TableHal Hal>
TableResult TableBuilder<Hal>::CheckRegion(Gpa gpa, std::uint64_t bytes) const {
  constexpr std::uint64_t kPage = BytesOf(PageSize::k4KByte);
  if (gpa.value % kPage != 0 || bytes % kPage != 0 || bytes == 0) {
    return {TableError::kMisaligned, gpa};
  }
  if (gpa.value >= format_.gpa_end() || bytes > format_.gpa_end() - gpa.value) {
    return {TableError::kOutOfRange, gpa};
  }
  return {};
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::CheckFrames(Hpa hpa, std::uint64_t bytes) const {
  if (hpa.value >= format_.hpa_end() || bytes > format_.hpa_end() - hpa.value) {
    return {TableError::kOutOfRange};
  }
  return {};
}

template <TableHal Hal>
template <typename Each>
void TableBuilder<Hal>::ForEachEntry(int level, Range range, Each&& each) {
  const std::uint64_t bytes = LevelBytes(level);
  while (range.begin < range.end) {
    const std::uint64_t next =
        std::min(range.end, (range.begin | (bytes - 1)) + 1);
    each(IndexOf(range.begin, level), Range{range.begin, next});
    range.begin = next;
  }
}

template <TableHal Hal>
std::uint64_t TableBuilder<Hal>::TablesFor(int level, Range range,
                                           int largest_level) {
  if (level <= largest_level && IsWhole(range, level)) return 0;
  if (level == 2) return 1;
  // One table, and what its entries need: those at the two ends of the range,
  // and those between, which are all alike.
  const int below = level - 1;
  const std::uint64_t bytes = LevelBytes(below);
  const std::uint64_t first = (range.begin + bytes - 1) & ~(bytes - 1);
  const std::uint64_t last = range.end & ~(bytes - 1);
  if (first > last) return 1 + TablesFor(below, range, largest_level);
  std::uint64_t tables = 1;
  if (range.begin < first) {
    tables += TablesFor(below, {range.begin, first}, largest_level);
  }
  if (last < range.end) {
    tables += TablesFor(below, {last, range.end}, largest_level);
  }
  if (first < last) {
    tables += (last - first) / bytes *
              TablesFor(below, {first, first + bytes}, largest_level);
  }
  return tables;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_LOOKUP_INL_H_
