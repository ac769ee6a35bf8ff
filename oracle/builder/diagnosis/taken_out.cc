#include "oracle/builder/diagnosis/taken_out.h"

#include <algorithm>

#include "oracle/builder/table_facts.h"

namespace eptdiff {
namespace {

Interval Part(const Interval& page, std::uint64_t begin, std::uint64_t end) {
  return {begin, page.hpa + (begin - page.gpa), end - begin, page.flags};
}

std::uint64_t EndOf(const Interval& page) { return page.gpa + page.bytes; }

bool IsUnmapping(TableOperationKind kind) {
  return kind == TableOperationKind::kUnmap ||
         kind == TableOperationKind::kUnmapRegion;
}

}  // namespace

void TakenOut::Begin(const TableOperation& operation, std::uint64_t bytes,
                     const Interval* page) {
  kind_ = operation.kind;
  begin_ = operation.gpa.value;
  end_ = begin_ + bytes;
  pages_.Clear();
  replaced_ = false;
  // It is replaced, whether or not its entry changes.
  if (kind_ == TableOperationKind::kRemap && page != nullptr) {
    pages_.Map(*page);
  }
}

void TakenOut::OnChange(const std::vector<Interval>& was,
                        const std::vector<Interval>& is) {
  for (const Interval& page : was) {
    if (IsUnmapping(kind_)) {
      TakeUnmapped(Clip(page), is);
    } else if (kind_ == TableOperationKind::kClearFlags) {
      TakeCleared(page, is);
    } else if (kind_ == TableOperationKind::kRemap && !replaced_) {
      const Interval old = Clip(page);
      if (old.bytes == 0) continue;
      pages_.Map(old);
      replaced_ = true;
    }
  }
}

Interval TakenOut::Clip(const Interval& page) const {
  const std::uint64_t begin = std::max(page.gpa, begin_);
  return Part(page, begin, std::max(begin, std::min(EndOf(page), end_)));
}

// All but what stays mapped.
void TakenOut::TakeUnmapped(const Interval& page,
                            const std::vector<Interval>& is) {
  std::uint64_t gpa = page.gpa;
  for (const Interval& kept : is) {
    if (EndOf(kept) <= gpa) continue;
    if (kept.gpa >= EndOf(page)) break;
    if (kept.gpa > gpa) pages_.Map(Part(page, gpa, kept.gpa));
    gpa = EndOf(kept);
  }
  if (gpa < EndOf(page)) pages_.Map(Part(page, gpa, EndOf(page)));
}

// What loses flags, as it was before it lost the first.
void TakenOut::TakeCleared(const Interval& page,
                           const std::vector<Interval>& is) {
  for (const Interval& now : is) {
    const std::uint64_t begin = std::max(page.gpa, now.gpa);
    const std::uint64_t end = std::min(EndOf(page), EndOf(now));
    if (begin >= end || (page.flags & ~now.flags & kAccessedDirty) == 0 ||
        pages_.At(begin).mapped) {
      continue;
    }
    pages_.Map(Part(page, begin, end));
  }
}

void TakenOut::OnFlags(std::uint64_t gpa, std::uint64_t bytes,
                       std::uint64_t flags) {
  if (IsUnmapping(kind_)) pages_.Protect(gpa, bytes, flags, ~flags);
}

std::optional<TakenOut::Wrong> TakenOut::Compare(std::vector<Interval> told,
                                                 std::uint64_t mask) const {
  std::sort(told.begin(), told.end(),
            [](const Interval& a, const Interval& b) { return a.gpa < b.gpa; });
  for (std::size_t i = 1; i < told.size(); ++i) {
    if (told[i].gpa < EndOf(told[i - 1])) {
      return Wrong{Mistake::kRemovedOtherwise, told[i].gpa};
    }
  }
  std::uint64_t where;
  if (IsOneOrOther(told, 0, ~0ull, mask, pages_, pages_, where)) return {};
  const MappingModel::Run taken = pages_.At(where);
  const auto page = std::find_if(
      told.begin(), told.end(),
      [where](const Interval& each) { return where - each.gpa < each.bytes; });
  if (page == told.end()) return Wrong{Mistake::kRemovedNotShown, where};
  const bool only_flags =
      taken.mapped && taken.hpa == page->hpa + (where - page->gpa);
  return Wrong{only_flags && (taken.flags & ~page->flags & kAccessedDirty) != 0
                   ? Mistake::kRemovedWithoutFlags
                   : Mistake::kRemovedOtherwise,
               where};
}

}  // namespace eptdiff
