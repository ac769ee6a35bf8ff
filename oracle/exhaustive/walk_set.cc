#include "oracle/exhaustive/walk_set.h"

#include <cstddef>

namespace eptdiff {
namespace {

constexpr std::size_t kLevels = 4;
constexpr std::uint64_t kAccessed = 0x100, kDirty = 0x200;

bool IsPresent(std::uint64_t entry) { return (entry & 7) != 0; }

// Writable and not readable, or a memory type that there is not.
bool IsMisconfigured(std::uint64_t entry, bool leaf) {
  const std::uint64_t type = entry >> 3 & 7;
  return (entry & 3) == 2 || (leaf && (type == 2 || type == 3 || type == 7));
}

std::uint64_t FrameOf(std::uint64_t entry) { return entry & 0xffffffffff000; }

}  // namespace

std::uint64_t WalkSet::Load(std::uint64_t address) const {
  const auto found = memory_.find(address);
  return found == memory_.end() ? 0 : found->second;
}

WalkSet::Entry WalkSet::Next(const Walk& walk) const {
  const std::size_t depth = walk.entries.size();
  const std::uint64_t table =
      depth == 0 ? walk.root : FrameOf(walk.entries.back().value);
  const std::uint64_t index = walk.page >> (12 + 9 * (kLevels - 1 - depth));
  const std::uint64_t address = table + 8 * (index & 511);
  return {address, Load(address)};
}

void WalkSet::Close() {
  for (const std::uint64_t page : pages_) walks_.insert({root_, page, {}});
  for (bool grows = true; grows;) {
    grows = false;
    const std::set<Walk> walks = walks_;
    for (const Walk& walk : walks) {
      if (walk.root != root_ || walk.entries.size() == kLevels) continue;
      const Entry next = Next(walk);
      const bool leaf = walk.entries.size() == kLevels - 1;
      if (!IsPresent(next.value) || IsMisconfigured(next.value, leaf)) continue;
      Walk longer = walk;
      longer.entries.push_back(next);
      grows |= walks_.insert(longer).second;
    }
  }
}

void WalkSet::InveptSingle(std::uint64_t root) {
  std::erase_if(walks_, [&](const Walk& walk) { return walk.root == root; });
}

// The whole walks of the page, and the partial ones that it would use: those of
// all pages whose address bits select the same entries.
void WalkSet::Violation(std::uint64_t page) {
  std::erase_if(walks_, [&](const Walk& walk) {
    const std::size_t depth = walk.entries.size();
    if (walk.root != root_ || depth == 0) return false;
    const std::uint64_t shift = 12 + 9 * (kLevels - depth);
    return walk.page >> shift == page >> shift;
  });
}

SmallAnswer::Kind WalkSet::Continue(Walk& walk) const {
  while (walk.entries.size() < kLevels) {
    const Entry next = Next(walk);
    const bool leaf = walk.entries.size() == kLevels - 1;
    if (!IsPresent(next.value)) return SmallAnswer::Kind::kViolation;
    if (IsMisconfigured(next.value, leaf)) {
      return SmallAnswer::Kind::kMisconfiguration;
    }
    walk.entries.push_back(next);
  }
  return SmallAnswer::Kind::kCompletes;
}

std::set<SmallAnswer> WalkSet::Reach(std::uint64_t page) const {
  std::set<SmallAnswer> ends;
  const auto add = [&](Walk walk) {
    SmallAnswer end;
    end.kind = Continue(walk);
    if (end.kind == SmallAnswer::Kind::kCompletes) {
      end.rights = 7;
      for (const Entry& entry : walk.entries) end.rights &= entry.value;
      end.address = FrameOf(walk.entries.back().value);
    }
    ends.insert(end);
  };
  add({root_, page, {}});
  for (const Walk& walk : walks_) {
    if (walk.root == root_ && walk.page == page) add(walk);
  }
  return ends;
}

void WalkSet::Finish(Walk walk, bool write,
                     std::set<SmallAnswer>& answers) const {
  SmallAnswer answer;
  answer.kind = Continue(walk);
  if (answer.kind != SmallAnswer::Kind::kCompletes) {
    answers.insert(answer);
    return;
  }
  answer.rights = 7;
  for (const Entry& entry : walk.entries) answer.rights &= entry.value;
  if ((answer.rights & (write ? 2u : 1u)) == 0) {
    answer.kind = SmallAnswer::Kind::kViolation;
    answers.insert(answer);
    return;
  }
  answer.rights = 0;
  answer.address = FrameOf(walk.entries.back().value);
  std::set<SmallAnswer> completed = {answer};
  for (std::size_t i = 0; flags_ && i < kLevels; ++i) {
    const Entry& entry = walk.entries[i];
    const std::uint64_t now = Load(entry.address);
    for (const std::uint64_t flag : {kAccessed, kDirty}) {
      const bool wanted = flag == kAccessed || (i == kLevels - 1 && write);
      if (!wanted || (now & flag) != 0) continue;
      // A flag that the walk has and memory has not may be set or may not.
      std::set<SmallAnswer> set;
      if ((entry.value & flag) != 0) set = completed;
      for (SmallAnswer other : completed) {
        other.writes.try_emplace(entry.address, now).first->second |= flag;
        set.insert(other);
      }
      completed = set;
    }
  }
  answers.merge(completed);
}

std::set<SmallAnswer> WalkSet::Access(std::uint64_t page, bool write) const {
  std::set<SmallAnswer> answers;
  Finish({root_, page, {}}, write, answers);
  for (const Walk& walk : walks_) {
    if (walk.root == root_ && walk.page == page) Finish(walk, write, answers);
  }
  return answers;
}

}  // namespace eptdiff
