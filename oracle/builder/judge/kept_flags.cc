#include "oracle/builder/judge/kept_flags.h"

#include <algorithm>

#include "oracle/builder/table_facts.h"

namespace eptdiff {
namespace {

std::uint64_t EndOf(const Interval& page) { return page.gpa + page.bytes; }

}  // namespace

std::uint64_t KeptFlags::KeptBy(const TableOperation& operation) {
  if (operation.kind == TableOperationKind::kClearFlags) {
    return kAccessedDirty & ~operation.flags;
  }
  return operation.kind == TableOperationKind::kRemap ? 0 : kAccessedDirty;
}

void KeptFlags::Begin(const TableOperation& operation, bool replaces) {
  kept_ = replaces ? 0 : KeptBy(operation);
  set_between_.clear();
  owed_.clear();
  gone_bytes_ = 0;
}

void KeptFlags::BeginBeside(const TableOperation& operation, bool replaces) {
  kept_ &= replaces ? 0 : KeptBy(operation);
}

void KeptFlags::LetGo(std::uint64_t gpa, std::uint64_t bytes) {
  gone_ = gpa;
  gone_bytes_ = bytes;
}

void KeptFlags::OnSet(const Interval& page, bool in_use) {
  if (in_use) {
    set_between_.push_back(page);
    return;
  }
  Owe(page, page.gpa, EndOf(page), page.flags & kept_);
}

std::optional<KeptFlags::Lost> KeptFlags::OnChange(
    const std::vector<Interval>& was, const std::vector<Interval>& is,
    Until until) {
  std::optional<Lost> lost;
  auto now = is.begin();
  for (const Interval& page : was) {
    const std::uint64_t flags = page.flags & kept_;
    if (flags == 0) continue;
    std::uint64_t gpa = page.gpa;
    while (now != is.end() && EndOf(*now) <= gpa) ++now;
    for (auto each = now; each != is.end() && each->gpa < EndOf(page); ++each) {
      Owe(page, gpa, each->gpa, flags);  // absent now
      const std::uint64_t begin = std::max(gpa, each->gpa);
      gpa = std::min(EndOf(page), EndOf(*each));
      const std::uint64_t gone = flags & ~each->flags;
      if (gone == 0) continue;
      if (until == Until::kTheEnd) {
        Owe(page, begin, gpa, gone);
      } else if (!lost.has_value()) {
        lost = LostAt(begin, gone);
      }
    }
    Owe(page, gpa, EndOf(page), flags);
  }
  return lost;
}

std::optional<KeptFlags::Lost> KeptFlags::AtEnd(
    const std::vector<Interval>& pages) const {
  for (const Interval& owed : owed_) {
    for (const Interval& page : pages) {
      if (EndOf(page) <= owed.gpa) continue;
      if (page.gpa >= EndOf(owed)) break;
      const std::uint64_t gone = owed.flags & ~page.flags;
      if (gone != 0) return LostAt(std::max(owed.gpa, page.gpa), gone);
    }
  }
  return {};
}

std::uint64_t KeptFlags::SetBetween(std::uint64_t gpa) const {
  std::uint64_t flags = 0;
  for (const Interval& page : set_between_) {
    if (gpa - page.gpa < page.bytes) flags |= page.flags;
  }
  return flags;
}

std::uint64_t KeptFlags::set_between() const {
  std::uint64_t flags = 0;
  for (const Interval& page : set_between_) flags |= page.flags;
  return flags & kept_;
}

KeptFlags::Lost KeptFlags::LostAt(std::uint64_t gpa,
                                  std::uint64_t flags) const {
  return {gpa, flags, (flags & ~SetBetween(gpa)) == 0};
}

void KeptFlags::Owe(const Interval& page, std::uint64_t begin,
                    std::uint64_t end, std::uint64_t flags) {
  if (begin >= end || flags == 0) return;
  if (const std::uint64_t gone_end = gone_ + gone_bytes_;
      begin < gone_end && gone_ < end) {
    Owe(page, begin, std::min(end, gone_), flags);
    Owe(page, std::max(begin, gone_end), end, flags);
    return;
  }
  owed_.push_back({begin, page.hpa + (begin - page.gpa), end - begin, flags});
}

}  // namespace eptdiff
