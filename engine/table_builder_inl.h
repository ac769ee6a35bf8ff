// The templates of table_builder.h; not to be included by itself.
#ifndef EPTDIFF_ENGINE_TABLE_BUILDER_INL_H_
#define EPTDIFF_ENGINE_TABLE_BUILDER_INL_H_

#include <algorithm>
#include <type_traits>

#include "engine/entry_checks.h"
#include "engine/judgement.h"
#include "engine/memory_type.h"
#include "engine/path.h"
#include "engine/walk.h"

namespace eptdiff {

// ---------------------------------------------------------------- life

template <TableHal Hal>
std::optional<TableBuilder<Hal>> TableBuilder<Hal>::Create(
    Hal& hal, const Processor& processor, const Controls& controls,
    TableError& error, EptEntry unused) {
  error = TableError::kBadControls;
  Controls own = controls;
  own.eptp &= ~bits::kAddress;
  if ((EffectiveSecondary(own) & bits::kSecondaryEpt) == 0 ||
      CheckControls(processor, own) != EntryCheck::kNone) {
    return std::nullopt;
  }
  TableBuilder builder(hal, processor, own, unused.bits());
  if (builder.IsPresent(unused.bits())) {
    builder.hal_ = nullptr;
    error = TableError::kMisconfigured;
    return std::nullopt;
  }
  Frames frames(hal, builder.format_.hpa_end());
  error = frames.Reserve(1);
  if (error != TableError::kNone) {
    builder.hal_ = nullptr;
    return std::nullopt;
  }
  builder.controls_.eptp |= frames.Take().value;
  builder.format_ = engine::TableFormat(processor, builder.controls_);
  Words root = builder.Root();
  for (int i = 0; i < Words::kCount; ++i) root.Fill(i, builder.unused_);
  return builder;
}

template <TableHal Hal>
TableBuilder<Hal>::TableBuilder(TableBuilder&& other) noexcept
    : hal_(std::exchange(other.hal_, nullptr)),
      processor_(other.processor_),
      controls_(other.controls_),
      format_(other.format_),
      unused_(other.unused_) {}

template <TableHal Hal>
TableBuilder<Hal>::~TableBuilder() {
  if (hal_ == nullptr) return;
  const Words root = Root();
  for (int i = 0; i < Words::kCount; ++i) {
    invept_ = invept_ || IsPresent(root.Load(i));
  }
  unlinked_.push_back({root.address(), format_.levels(), 0, false});
  Finish();
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::SetAccessedDirty(bool enabled) {
  if (enabled == format_.accessed_dirty()) return {};
  Controls changed = controls_;
  changed.eptp ^= bits::kEptpAccessDirty;
  if (CheckControls(processor_, changed) != EntryCheck::kNone) {
    return {TableError::kUnsupported};
  }
  controls_ = changed;
  format_ = engine::TableFormat(processor_, controls_);
  if (enabled) hal_->Invept(eptp());
  return {};
}

// ---------------------------------------------------------------- one page

template <TableHal Hal>
TableResult TableBuilder<Hal>::Map(Gpa gpa, Hpa hpa, PageSize size,
                                   EptFlags flags) {
  const std::uint64_t bytes = BytesOf(size);
  if (gpa.value % bytes != 0 || hpa.value % bytes != 0) {
    return {TableError::kMisaligned, gpa};
  }
  if (static_cast<int>(size) > format_.LargestLevel(flags)) {
    return {TableError::kUnsupported, gpa};
  }
  return MapRegion(gpa, hpa, bytes, flags, size);
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::Unmap(Gpa gpa, Mapping* removed) {
  Place place{Root(), 0, 0, 0};
  const TableResult found = FindPage(gpa, place);
  if (!found.ok()) return found;
  const std::uint64_t bytes = LevelBytes(place.level);
  if (removed == nullptr) return UnmapRegion(gpa, bytes);
  return UnmapRegion(gpa, bytes,
                     [removed](const Mapping& page) { *removed = page; });
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::Remap(Gpa gpa, Hpa hpa, EptFlags flags,
                                     Mapping* replaced) {
  Place place{Root(), 0, 0, 0};
  const TableResult found = FindPage(gpa, place);
  if (!found.ok()) return found;
  const std::uint64_t bytes = LevelBytes(place.level);
  if (hpa.value % bytes != 0) return {TableError::kMisaligned, gpa};
  const TableResult frames = CheckFrames(hpa, bytes);
  if (!frames.ok()) return {frames.error, gpa};
  const TableError error = format_.CheckFlags(flags);
  if (error != TableError::kNone) return {error, gpa};
  if (place.level > format_.LargestLevel(flags)) {
    return {TableError::kUnsupported, gpa};
  }
  const auto size = static_cast<PageSize>(place.level);
  const std::uint64_t before = Update(
      place.words, place.index, place.level, [&](std::uint64_t entry, int) {
        const EptFlags kept = EptEntry(entry).flags() & EptFlags::kSoftware;
        return EptEntry::Page(hpa, (flags - EptFlags::kSoftware) | kept, size)
            .bits();
      });
  if (replaced != nullptr) {
    *replaced = MappingOf(before, place.level, {gpa.value, gpa.value + bytes});
  }
  Finish();
  return {};
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::Protect(Gpa gpa, EptFlags flags) {
  Place place{Root(), 0, 0, 0};
  const TableResult found = FindPage(gpa, place);
  if (!found.ok()) return found;
  if (place.level > format_.LargestLevel(flags)) {
    return {TableError::kUnsupported, gpa};
  }
  return ProtectRegion(gpa, LevelBytes(place.level), flags);
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::Split(Gpa gpa) {
  Place place{Root(), 0, 0, 0};
  const TableResult found = FindPage(gpa, place);
  if (!found.ok()) return found;
  if (place.level == 1) return {TableError::kUnsupported, gpa};

  const auto same = [](std::uint64_t entry, int) { return entry; };
  const Range page = {gpa.value, gpa.value + LevelBytes(place.level)};
  const Edit<decltype(same)> edit = {place.level - 1, same};
  Frames frames(*hal_, format_.hpa_end());
  const TableError error = frames.Reserve(1);
  if (error != TableError::kNone) return {error, gpa};
  SplitPage(place.words, place.index, place.level, page, edit, frames);
  Finish();
  return {};
}

// ---------------------------------------------------------------- regions

template <TableHal Hal>
TableResult TableBuilder<Hal>::MapRegion(Gpa gpa, Hpa hpa, std::uint64_t bytes,
                                         EptFlags flags, PageSize largest) {
  TableResult result = CheckRegion(gpa, bytes);
  if (!result.ok()) return result;
  if (hpa.value % BytesOf(PageSize::k4KByte) != 0) {
    return {TableError::kMisaligned, gpa};
  }
  result = CheckFrames(hpa, bytes);
  if (!result.ok()) return {result.error, gpa};
  const TableError flags_error = format_.CheckFlags(flags);
  if (flags_error != TableError::kNone) return {flags_error, gpa};

  NewPages pages = {
      hpa.value - gpa.value, flags & EptFlags::kAll,
      std::min(static_cast<int>(largest), format_.LargestLevel(flags))};
  while (pages.to_hpa % LevelBytes(pages.largest_level) != 0) {
    --pages.largest_level;
  }
  const Range range = {gpa.value, gpa.value + bytes};
  std::uint64_t tables = 0;
  result = PlanMap(Root(), format_.levels(), range, pages, tables);
  if (!result.ok()) return result;
  Frames frames(*hal_, format_.hpa_end());
  const TableError error = frames.Reserve(tables);
  if (error != TableError::kNone) return {error, gpa};
  DoMap(Root(), format_.levels(), range, pages, frames);
  return {};
}

template <TableHal Hal>
template <typename Visitor>
TableResult TableBuilder<Hal>::UnmapRegion(Gpa gpa, std::uint64_t bytes,
                                           Visitor&& visitor) {
  const TableResult result = CheckRegion(gpa, bytes);
  if (!result.ok()) return result;
  const auto unmap = [this](std::uint64_t, int) { return unused_; };
  const Edit<decltype(unmap)> edit = {3, unmap};
  const Range range = {gpa.value, gpa.value + bytes};
  Frames frames(*hal_, format_.hpa_end());
  const TableError error =
      frames.Reserve(PlanEdit(Root(), format_.levels(), range, edit));
  if (error != TableError::kNone) return {error, gpa};
  DoUnmap(Root(), format_.levels(), range, edit, frames, visitor);
  Finish(visitor);
  return {};
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::ProtectRegion(Gpa gpa, std::uint64_t bytes,
                                             EptFlags flags) {
  const TableResult result = CheckRegion(gpa, bytes);
  if (!result.ok()) return result;
  const TableError flags_error = format_.CheckFlags(flags);
  if (flags_error != TableError::kNone) return {flags_error, gpa};
  const auto protect = [flags](std::uint64_t bits, int) {
    EptEntry entry(bits);
    entry.set_flags(flags);
    return entry.bits();
  };
  // Pages that the processor lacks are not there to be found.
  const int largest = flags.Has(EptFlags::kSubPageWrite) ? 1 : 3;
  const Edit<decltype(protect)> edit = {largest, protect};
  const Range range = {gpa.value, gpa.value + bytes};
  Frames frames(*hal_, format_.hpa_end());
  const TableError error =
      frames.Reserve(PlanEdit(Root(), format_.levels(), range, edit));
  if (error != TableError::kNone) return {error, gpa};
  DoProtect(Root(), format_.levels(), range, edit, frames);
  Finish();
  return {};
}

template <TableHal Hal>
TableResult TableBuilder<Hal>::MergeRegion(Gpa gpa, std::uint64_t bytes) {
  const TableResult result = CheckRegion(gpa, bytes);
  if (!result.ok()) return result;
  DoMerge(Root(), format_.levels(), {gpa.value, gpa.value + bytes});
  Finish();
  return {};
}

template <TableHal Hal>
template <typename Visitor>
TableResult TableBuilder<Hal>::ClearFlags(Gpa gpa, std::uint64_t bytes,
                                          EptFlags flags, Visitor&& visitor) {
  const TableResult result = CheckRegion(gpa, bytes);
  if (!result.ok()) return result;
  const EptFlags clearable = EptFlags::kAccessed | EptFlags::kDirty;
  DoClear(Root(), format_.levels(), {gpa.value, gpa.value + bytes},
          (flags & clearable).bits, visitor);
  Finish();
  return {};
}

template <TableHal Hal>
template <typename Visitor>
TableResult TableBuilder<Hal>::ForEach(Gpa gpa, std::uint64_t bytes,
                                       Visitor&& visitor) const {
  const TableResult result = CheckRegion(gpa, bytes);
  if (!result.ok()) return result;
  Visit(Root(), format_.levels(), {gpa.value, gpa.value + bytes}, visitor);
  return {};
}

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
    const std::uint64_t entry = words.Load(IndexOf(gpa, level));
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
  constexpr int kBatch = 8;
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
    bool all = true;
    for (int k = 0; k < kBatch; ++k) {
      entries[k] = words.Load(i + k);
      all &= (entries[k] & present) != 0;
    }
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

// ---------------------------------------------------------------- map

template <TableHal Hal>
TableResult TableBuilder<Hal>::PlanMap(Words words, int level, Range range,
                                       const NewPages& pages,
                                       std::uint64_t& tables) const {
  TableResult result;
  ForEachEntry(level, range, [&](int i, Range part) {
    if (!result.ok()) return;
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry)) {
      if (level > 1) tables += TablesFor(level, part, pages.largest_level);
    } else if (MapsPage(entry, level)) {
      result = {TableError::kOverlap,
                Gpa{part.begin & ~(LevelBytes(level) - 1)}};
    } else {
      result = PlanMap(Child(entry), level - 1, part, pages, tables);
    }
  });
  return result;
}

template <TableHal Hal>
void TableBuilder<Hal>::DoMap(Words words, int level, Range range,
                              const NewPages& pages, Frames& frames) {
  ForEachEntry(level, range, [&](int i, Range part) {
    if (level <= pages.largest_level && IsWhole(part, level)) {
      const Hpa page{part.begin + pages.to_hpa};
      words.Link(i,
                 EptEntry::Page(page, pages.flags, static_cast<PageSize>(level))
                     .bits());
      return;
    }
    const std::uint64_t entry = words.Load(i);
    if (IsPresent(entry)) {
      DoMap(Child(entry), level - 1, part, pages, frames);
    } else {
      words.Link(i, TableEntry(BuildTable(level - 1, part, pages, frames)));
    }
  });
}

template <TableHal Hal>
Hpa TableBuilder<Hal>::BuildTable(int level, Range range, const NewPages& pages,
                                  Frames& frames) {
  Words words = Table(frames.Take());
  const int first = IndexOf(range.begin, level);
  const int last = IndexOf(range.end - 1, level);
  for (int i = 0; i < first; ++i) words.Fill(i, unused_);
  const auto size = static_cast<PageSize>(level);
  ForEachEntry(level, range, [&](int i, Range part) {
    if (level <= pages.largest_level && IsWhole(part, level)) {
      const Hpa page{part.begin + pages.to_hpa};
      words.Fill(i, EptEntry::Page(page, pages.flags, size).bits());
    } else {
      words.Fill(i, TableEntry(BuildTable(level - 1, part, pages, frames)));
    }
  });
  for (int i = last + 1; i < Words::kCount; ++i) words.Fill(i, unused_);
  return words.address();
}

// ---------------------------------------------------------------- change

template <TableHal Hal>
template <typename Change>
std::uint64_t TableBuilder<Hal>::Update(Words words, int i, int level,
                                        const Change& change) {
  std::uint64_t before = words.Load(i);
  for (;;) {
    const std::uint64_t after = change(before, level);
    if (after == before) return before;
    if (words.Replace(i, before, after, format_.accessed_dirty())) {
      Note(before, after, level);
      return before;
    }
  }
}

template <TableHal Hal>
template <typename Change>
std::uint64_t TableBuilder<Hal>::PlanEdit(Words words, int level, Range range,
                                          const Edit<Change>& edit) const {
  if (level == 1) return 0;
  std::uint64_t tables = 0;
  ForEachEntry(level, range, [&](int i, Range part) {
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry)) return;
    if (!MapsPage(entry, level)) {
      tables += PlanEdit(Child(entry), level - 1, part, edit);
    } else if (edit.change(entry, level) != entry) {
      tables += TablesFor(level, part, edit.largest_level);
    }
  });
  return tables;
}

template <TableHal Hal>
template <typename Change>
std::uint64_t TableBuilder<Hal>::SplitPage(Words words, int i, int level,
                                           Range part, const Edit<Change>& edit,
                                           Frames& frames) {
  std::uint64_t before = words.Load(i);
  std::uint64_t built = before;
  const Hpa table = BuildSplit(before, level, part, edit, frames);
  const bool shared = format_.accessed_dirty();
  for (;;) {
    // What was accessed as a page was accessed as a table's range.
    const std::uint64_t after =
        TableEntry(table) | (shared ? before & bits::kAccessed : 0);
    if (words.Replace(i, before, after, shared)) {
      Note(before, after, level);
      return before;
    }
    AddFlags(Table(table), level - 1, before & ~built);
    built = before;
  }
}

template <TableHal Hal>
template <typename Change>
Hpa TableBuilder<Hal>::BuildSplit(std::uint64_t entry, int level, Range part,
                                  const Edit<Change>& edit, Frames& frames) {
  Words words = Table(frames.Take());
  const int below = level - 1;
  const std::uint64_t bytes = LevelBytes(below);
  const std::uint64_t accessed =
      format_.accessed_dirty() ? entry & bits::kAccessed : 0;
  std::uint64_t gpa = part.begin & ~(LevelBytes(level) - 1);
  Hpa page = EptEntry(entry).page(level);
  for (int i = 0; i < Words::kCount; ++i, gpa += bytes, page.value += bytes) {
    const std::uint64_t child = EptEntry::Page(page, EptEntry(entry).flags(),
                                               static_cast<PageSize>(below))
                                    .bits();
    const Range edited = {std::max(gpa, part.begin),
                          std::min(gpa + bytes, part.end)};
    if (edited.begin >= edited.end) {
      words.Fill(i, child);
    } else if (below <= edit.largest_level && IsWhole(edited, below)) {
      words.Fill(i, edit.change(child, below));
    } else {
      const Hpa table = BuildSplit(child, below, edited, edit, frames);
      words.Fill(i, TableEntry(table) | accessed);
    }
  }
  return words.address();
}

template <TableHal Hal>
void TableBuilder<Hal>::AddFlags(Words words, int level, std::uint64_t flags) {
  for (int i = 0; i < Words::kCount; ++i) {
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry)) continue;
    if (MapsPage(entry, level)) {
      words.Fill(i, entry | flags);
    } else {
      words.Fill(i, entry | (flags & bits::kAccessed));
      AddFlags(Child(entry), level - 1, flags);
    }
  }
}

template <TableHal Hal>
template <typename Change>
void TableBuilder<Hal>::DoProtect(Words words, int level, Range range,
                                  const Edit<Change>& edit, Frames& frames) {
  ForEachEntry(level, range, [&](int i, Range part) {
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry)) return;
    if (!MapsPage(entry, level)) {
      DoProtect(Child(entry), level - 1, part, edit, frames);
    } else if (level <= edit.largest_level && IsWhole(part, level)) {
      Update(words, i, level, edit.change);
    } else if (edit.change(entry, level) != entry) {
      SplitPage(words, i, level, part, edit, frames);
    }
  });
}

// ---------------------------------------------------------------- unmap

template <TableHal Hal>
bool TableBuilder<Hal>::Survives(Words words, int level, Range range) const {
  const int first = IndexOf(range.begin, level);
  const int last = IndexOf(range.end - 1, level);
  // What survives is most often a neighbour.
  for (int i = last + 1; i < Words::kCount; ++i) {
    if (IsPresent(words.Load(i))) return true;
  }
  for (int i = first - 1; i >= 0; --i) {
    if (IsPresent(words.Load(i))) return true;
  }
  // The entries at the two ends may be covered in part.
  const std::uint64_t bytes = LevelBytes(level);
  const auto survives_at = [&](int i, Range part) {
    const std::uint64_t entry = words.Load(i);
    if (IsWhole(part, level) || !IsPresent(entry)) return false;
    return MapsPage(entry, level) || Survives(Child(entry), level - 1, part);
  };
  const Range head = {range.begin,
                      std::min(range.end, (range.begin | (bytes - 1)) + 1)};
  const Range tail = {std::max(range.begin, (range.end - 1) & ~(bytes - 1)),
                      range.end};
  return survives_at(first, head) || (first != last && survives_at(last, tail));
}

template <TableHal Hal>
template <typename Change, typename Visitor>
void TableBuilder<Hal>::DoUnmap(Words words, int level, Range range,
                                const Edit<Change>& edit, Frames& frames,
                                Visitor& visitor) {
  ForEachEntry(level, range, [&](int i, Range part) {
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry)) return;
    const bool whole = IsWhole(part, level);
    if (MapsPage(entry, level)) {
      const std::uint64_t last =
          whole ? Update(words, i, level, edit.change)
                : SplitPage(words, i, level, part, edit, frames);
      visitor(MappingOf(last, level, part));
    } else if (whole || !Survives(Child(entry), level - 1, part)) {
      Update(words, i, level, edit.change);
      const std::uint64_t first = part.begin & ~(LevelBytes(level) - 1);
      unlinked_.push_back(
          {EptEntry(entry).table(), level - 1, first, /*merged=*/false});
    } else {
      DoUnmap(Child(entry), level - 1, part, edit, frames, visitor);
    }
  });
}

// ---------------------------------------------------------------- merge

template <TableHal Hal>
void TableBuilder<Hal>::DoMerge(Words words, int level, Range range) {
  if (level == 1) return;
  ForEachEntry(level, range, [&](int i, Range part) {
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry) || MapsPage(entry, level)) return;
    DoMerge(Child(entry), level - 1, part);
    if (IsWhole(part, level)) Merge(words, i, level, part.begin);
  });
}

template <TableHal Hal>
void TableBuilder<Hal>::Merge(Words words, int i, int level,
                              std::uint64_t gpa) {
  const Words child = Child(words.Load(i));
  const int below = level - 1;
  const EptEntry first(child.Load(0));
  if (!first.is_present(format_.mbec()) || !first.maps_page(below)) {
    return;
  }
  const EptFlags flags = first.flags();
  if (level > format_.LargestLevel(flags) ||
      first.page(below).value % LevelBytes(level) != 0) {
    return;
  }
  // Where processors do not set them, bits 8 and 9 are the software's.
  constexpr std::uint64_t kSet = bits::kAccessed | bits::kDirty;
  const std::uint64_t may_differ = format_.accessed_dirty() ? kSet : 0;
  std::uint64_t set = 0;
  std::uint64_t expected = first.bits();
  for (int j = 0; j < Words::kCount; ++j, expected += LevelBytes(below)) {
    const std::uint64_t entry = child.Load(j);
    if (((entry ^ expected) & ~may_differ) != 0) return;
    set |= entry & may_differ;
  }
  const std::uint64_t page =
      EptEntry::Page(first.page(below), flags | EptFlags{set},
                     static_cast<PageSize>(level))
          .bits();
  Update(words, i, level, [page](std::uint64_t, int) { return page; });
  unlinked_.push_back({child.address(), below, gpa, /*merged=*/true});
}

template <TableHal Hal>
void TableBuilder<Hal>::GatherFlags(const Unlinked& unlinked) {
  const Words words = Table(unlinked.table);
  constexpr std::uint64_t kSet = bits::kAccessed | bits::kDirty;
  std::uint64_t flags = 0;
  for (int i = 0; i < Words::kCount; ++i) flags |= words.Load(i) & kSet;
  const Place page = Find(Gpa{unlinked.gpa});
  Update(page.words, page.index, page.level,
         [flags](std::uint64_t entry, int) { return entry | flags; });
}

// ---------------------------------------------------------------- flags

template <TableHal Hal>
template <typename Visitor>
void TableBuilder<Hal>::DoClear(Words words, int level, Range range,
                                std::uint64_t flags, Visitor& visitor) {
  ForEachEntry(level, range, [&](int i, Range part) {
    const std::uint64_t entry = words.Load(i);
    if (!IsPresent(entry)) return;
    if (!MapsPage(entry, level)) {
      DoClear(Child(entry), level - 1, part, flags, visitor);
      return;
    }
    const std::uint64_t before =
        Update(words, i, level,
               [flags](std::uint64_t bits, int) { return bits & ~flags; });
    if ((before & flags) == 0) return;
    const std::uint64_t begin = part.begin & ~(LevelBytes(level) - 1);
    visitor(MappingOf(before, level, {begin, begin + LevelBytes(level)}));
  });
}

// ---------------------------------------------------------------- the end

template <TableHal Hal>
template <typename Visitor>
void TableBuilder<Hal>::Finish(Visitor&& visitor) {
  if (invept_) hal_->Invept(eptp());
  invept_ = false;
  for (const Unlinked& unlinked : unlinked_) {
    if (unlinked.merged && format_.accessed_dirty()) GatherFlags(unlinked);
    FreeTables(unlinked.table, unlinked.level, unlinked.gpa,
               /*show=*/!unlinked.merged, visitor);
  }
  unlinked_.clear();
}

template <TableHal Hal>
template <typename Visitor>
void TableBuilder<Hal>::FreeTables(Hpa table, int level, std::uint64_t gpa,
                                   bool show, Visitor& visitor) {
  constexpr bool kIgnored =
      std::is_same_v<std::remove_cvref_t<Visitor>, IgnoreMappings>;
  const Words words = Table(table);
  if (level > 1) {
    const std::uint64_t bytes = LevelBytes(level);
    for (int i = 0; i < Words::kCount; ++i, gpa += bytes) {
      const std::uint64_t entry = words.Load(i);
      if (!IsPresent(entry)) continue;
      if (!MapsPage(entry, level)) {
        FreeTables(EptEntry(entry).table(), level - 1, gpa, show, visitor);
      } else if (show) {
        visitor(MappingOf(entry, level, {gpa, gpa + bytes}));
      }
    }
  } else if (show && !kIgnored) {
    const auto each = [&](const Mapping& page) { visitor(page); };
    VisitLast(words, {gpa, gpa + LevelBytes(2)}, each);
  }
  hal_->FreeFrame(table);
}

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_BUILDER_INL_H_
