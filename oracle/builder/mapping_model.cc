#include "oracle/builder/mapping_model.h"

#include <algorithm>
#include <iterator>

namespace eptdiff {
namespace {

constexpr std::uint64_t kRights = 0x407;

void Advance(MappingModel::Run& run, std::uint64_t bytes) {
  run.bytes -= bytes;
  if (run.mapped) run.hpa += bytes;
}

}  // namespace

MappingModel::Pieces::iterator MappingModel::Cut(std::uint64_t gpa) {
  auto piece = std::lower_bound(
      pieces_.begin(), pieces_.end(), gpa,
      [](const Interval& each, std::uint64_t key) { return each.gpa < key; });
  if (piece == pieces_.begin()) return piece;
  Interval& head = *std::prev(piece);
  const std::uint64_t offset = gpa - head.gpa;
  if (head.bytes <= offset) return piece;
  const Interval tail = {gpa, head.hpa + offset, head.bytes - offset,
                         head.flags};
  head.bytes = offset;
  return pieces_.insert(piece, tail);
}

void MappingModel::Map(const Interval& interval) {
  Unmap(interval.gpa, interval.bytes);
  pieces_.insert(Cut(interval.gpa), interval);
}

void MappingModel::Unmap(std::uint64_t gpa, std::uint64_t bytes) {
  Cut(gpa);
  const auto end = Cut(gpa + bytes);
  pieces_.erase(Cut(gpa), end);
}

void MappingModel::Protect(std::uint64_t gpa, std::uint64_t bytes,
                           std::uint64_t flags, std::uint64_t kept) {
  Cut(gpa);
  Cut(gpa + bytes);
  for (auto piece = Cut(gpa);
       piece != pieces_.end() && piece->gpa < gpa + bytes; ++piece) {
    piece->flags = (piece->flags & kept) | (flags & ~kept);
  }
}

MappingModel::Run MappingModel::At(std::uint64_t gpa) const {
  const auto next = std::upper_bound(
      pieces_.begin(), pieces_.end(), gpa,
      [](std::uint64_t key, const Interval& each) { return key < each.gpa; });
  if (next != pieces_.begin()) {
    const Interval& piece = *std::prev(next);
    const std::uint64_t offset = gpa - piece.gpa;
    if (offset < piece.bytes) {
      return {piece.bytes - offset, true, piece.hpa + offset, piece.flags};
    }
  }
  const std::uint64_t end = next == pieces_.end() ? ~0ull : next->gpa;
  return {end - gpa, false, 0, 0};
}

bool MappingModel::IsAnyMapped(std::uint64_t gpa, std::uint64_t bytes) const {
  const Run run = At(gpa);
  return run.mapped || run.bytes < bytes;
}

bool IsOneOrOther(const std::vector<Interval>& pages, std::uint64_t gpa,
                  std::uint64_t bytes, std::uint64_t mask,
                  const MappingModel& one, const MappingModel& other,
                  std::uint64_t& where, Leeway leeway) {
  const MappingModel* const models[] = {&one, &other};
  return IsAnyOf(pages, gpa, bytes, mask, models, where, leeway);
}

bool IsAnyOf(const std::vector<Interval>& pages, std::uint64_t gpa,
             std::uint64_t bytes, std::uint64_t mask,
             std::span<const MappingModel* const> models, std::uint64_t& where,
             Leeway leeway) {
  const std::uint64_t end = gpa + bytes;
  auto page = pages.begin();
  MappingModel::Run runs[kMaxModels] = {};  // from `where` on
  for (where = gpa; where < end;) {
    while (page != pages.end() && page->gpa + page->bytes <= where) ++page;
    MappingModel::Run found = {end - where, false, 0, 0};
    if (page != pages.end() && page->gpa <= where) {
      const std::uint64_t offset = where - page->gpa;
      found = {page->bytes - offset, true, page->hpa + offset, page->flags};
    } else if (page != pages.end()) {
      found.bytes = page->gpa - where;
    }
    bool agrees = leeway != Leeway::kNone && !found.mapped;
    const std::uint64_t fewer = leeway == Leeway::kOrLess ? kRights : 0;
    std::uint64_t alike = found.bytes;
    for (std::size_t i = 0; i < models.size(); ++i) {
      MappingModel::Run& run = runs[i];
      if (run.bytes == 0) run = models[i]->At(where);
      agrees =
          agrees ||
          (run.mapped == found.mapped && run.hpa == found.hpa &&
           ((run.flags ^ found.flags) & mask & ~(fewer & ~found.flags)) == 0);
      alike = std::min(alike, run.bytes);
    }
    if (!agrees) return false;
    where += alike;
    for (std::size_t i = 0; i < models.size(); ++i) Advance(runs[i], alike);
  }
  return true;
}

}  // namespace eptdiff
