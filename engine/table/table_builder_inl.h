// The operations of table_builder.h, on one page and on regions: what they
// refuse, and in which order they go about it; not to be included by itself.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_BUILDER_INL_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_BUILDER_INL_H_

#include <algorithm>

#include "engine/walk/entry_checks.h"

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
  const Covering top = FindCovering(range);
  result = PlanMap(Table(top.table), top.level, range, pages, tables);
  if (!result.ok()) return result;
  Frames frames(*hal_, format_.hpa_end());
  const TableError error = frames.Reserve(tables);
  if (error != TableError::kNone) return {error, gpa};
  DoMap(Table(top.table), top.level, range, pages, frames);
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
  Covering top = FindCovering(range);
  Frames frames(*hal_, format_.hpa_end());
  const TableError error =
      frames.Reserve(PlanEdit(Table(top.table), top.level, range, edit));
  if (error != TableError::kNone) return {error, gpa};
  // If anything stays in this table, none above it goes.
  if (!Survives(Table(top.table), top.level, range)) {
    top = {Root().address(), format_.levels()};
  }
  DoUnmap(Table(top.table), top.level, range, edit, frames, visitor);
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
  Covering top = FindCovering(range);
  Frames frames(*hal_, format_.hpa_end());
  const TableError error =
      frames.Reserve(PlanEdit(Table(top.table), top.level, range, edit));
  if (error != TableError::kNone) return {error, gpa};
  DoProtect(Table(top.table), top.level, range, edit, frames);
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

template <TableHal Hal>
template <typename Visitor>
TableResult TableBuilder<Hal>::ForEachRange(Gpa gpa, std::uint64_t bytes,
                                            Visitor&& visitor) const {
  const TableResult result = CheckRegion(gpa, bytes);
  if (!result.ok()) return result;
  Mapping range;
  if (VisitRuns(Root(), Root(), format_.levels(),
                {gpa.value, gpa.value + bytes}, range, visitor) &&
      range.bytes != 0) {
    Show(range, visitor);
  }
  return {};
}

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_BUILDER_INL_H_
