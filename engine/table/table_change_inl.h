// How table_builder.h changes tables, one entry after the other: planning,
// mapping, splitting, unmapping, merging, flags, and the end of an operation;
// not to be included by itself.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_CHANGE_INL_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_CHANGE_INL_H_

#include <algorithm>
#include <type_traits>

namespace eptdiff {

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
  if (level == 1) {
    const Hpa page{range.begin + pages.to_hpa};
    std::uint64_t entry = EptEntry::Page(page, pages.flags, size).bits();
    for (int i = first; i <= last; ++i, entry += LevelBytes(1)) {
      words.Fill(i, entry);
    }
  } else {
    ForEachEntry(level, range, [&](int i, Range part) {
      if (level <= pages.largest_level && IsWhole(part, level)) {
        const Hpa page{part.begin + pages.to_hpa};
        words.Fill(i, EptEntry::Page(page, pages.flags, size).bits());
      } else {
        words.Fill(i, TableEntry(BuildTable(level - 1, part, pages, frames)));
      }
    });
  }
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
  // The entries at the two ends may be covered in part. They are asked first:
  // of one page, the table below is where a neighbour survives most often, and
  // what is above it may have nothing else.
  const std::uint64_t bytes = LevelBytes(level);
  const auto survives_at = [&](int i, Range part) {
    const std::uint64_t entry = words.Load(i);
    if (IsWhole(part, level) || !IsPresent(entry)) return false;
    return MapsPage(entry, level) || Survives(Child(entry), level - 1, part);
  };
  const int first = IndexOf(range.begin, level);
  const int last = IndexOf(range.end - 1, level);
  const Range head = {range.begin,
                      std::min(range.end, (range.begin | (bytes - 1)) + 1)};
  const Range tail = {std::max(range.begin, (range.end - 1) & ~(bytes - 1)),
                      range.end};
  if (survives_at(first, head) || (first != last && survives_at(last, tail))) {
    return true;
  }
  for (int i = last + 1; i < Words::kCount; ++i) {
    if (IsPresent(words.Load(i))) return true;
  }
  for (int i = first - 1; i >= 0; --i) {
    if (IsPresent(words.Load(i))) return true;
  }
  return false;
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
      if (i % Words::kBatch == 0 && !IsPresent(words.AnyOf(i))) {
        i += Words::kBatch - 1;
        gpa += (Words::kBatch - 1) * bytes;
        continue;
      }
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

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_CHANGE_INL_H_
