#include "oracle/builder/mapping_model.h"

#include <algorithm>
#include <iterator>

namespace eptdiff {

void MappingModel::Cut(std::uint64_t gpa) {
  auto piece = pieces_.lower_bound(gpa);
  if (piece == pieces_.begin()) return;
  --piece;
  auto& [begin, head] = *piece;
  if (head.end <= gpa) return;
  pieces_[gpa] = {head.end, head.hpa + (gpa - begin), head.flags};
  head.end = gpa;
}

void MappingModel::Map(const Interval& interval) {
  Unmap(interval.gpa, interval.bytes);
  pieces_[interval.gpa] = {interval.gpa + interval.bytes, interval.hpa,
                           interval.flags};
}

void MappingModel::Unmap(std::uint64_t gpa, std::uint64_t bytes) {
  Cut(gpa);
  Cut(gpa + bytes);
  pieces_.erase(pieces_.lower_bound(gpa), pieces_.lower_bound(gpa + bytes));
}

void MappingModel::Protect(std::uint64_t gpa, std::uint64_t bytes,
                           std::uint64_t flags, std::uint64_t kept) {
  Cut(gpa);
  Cut(gpa + bytes);
  for (auto piece = pieces_.lower_bound(gpa);
       piece != pieces_.end() && piece->first < gpa + bytes; ++piece) {
    std::uint64_t& own = piece->second.flags;
    own = (own & kept) | (flags & ~kept);
  }
}

MappingModel::Run MappingModel::At(std::uint64_t gpa) const {
  const auto next = pieces_.upper_bound(gpa);
  if (next != pieces_.begin()) {
    const auto& [begin, piece] = *std::prev(next);
    if (gpa < piece.end) {
      return {piece.end - gpa, true, piece.hpa + (gpa - begin), piece.flags};
    }
  }
  const std::uint64_t end = next == pieces_.end() ? ~0ull : next->first;
  return {end - gpa, false, 0, 0};
}

bool MappingModel::IsAnyMapped(std::uint64_t gpa, std::uint64_t bytes) const {
  const Run run = At(gpa);
  return run.mapped || run.bytes < bytes;
}

bool IsOneOrOther(const std::vector<Interval>& pages, std::uint64_t gpa,
                  std::uint64_t bytes, std::uint64_t mask,
                  const MappingModel& one, const MappingModel& other,
                  std::uint64_t& where, bool or_absent) {
  const std::uint64_t end = gpa + bytes;
  auto page = pages.begin();
  for (where = gpa; where < end;) {
    while (page != pages.end() && page->gpa + page->bytes <= where) ++page;
    MappingModel::Run found = {end - where, false, 0, 0};
    if (page != pages.end() && page->gpa <= where) {
      const std::uint64_t offset = where - page->gpa;
      found = {page->bytes - offset, true, page->hpa + offset, page->flags};
    } else if (page != pages.end()) {
      found.bytes = page->gpa - where;
    }
    const auto agrees = [&](const MappingModel::Run& run) {
      return run.mapped == found.mapped && run.hpa == found.hpa &&
             ((run.flags ^ found.flags) & mask) == 0;
    };
    const MappingModel::Run first = one.At(where);
    const MappingModel::Run second = other.At(where);
    const bool is_absent = or_absent && !found.mapped;
    if (!is_absent && !agrees(first) && !agrees(second)) return false;
    where += std::min({found.bytes, first.bytes, second.bytes});
  }
  return true;
}

}  // namespace eptdiff
