#include "oracle/builder/judge/caching_processor.h"

#include <algorithm>

namespace eptdiff {
namespace {

constexpr std::uint64_t kPageMask = ~std::uint64_t{0xfff};
constexpr std::uint64_t kWritable = 2;
constexpr std::uint64_t kDirty = 0x200;

}  // namespace

void CachingProcessor::Reset(const TableFacts& facts, std::uint64_t eptp,
                             bool stopped) {
  facts_ = facts;
  eptp_ = eptp;
  walks_.clear();
  stopped_ = stopped;
}

void CachingProcessor::Hold(Gpa gpa, bool write, std::optional<LinearUse> use) {
  Hold(AddressIn(eptp_), gpa, write, use);
}

void CachingProcessor::Hold(std::uint64_t root, Gpa gpa, bool write,
                            std::optional<LinearUse> use) {
  Walk walk;
  walk.root = root;
  walk.page = gpa.value & kPageMask;
  // Where it matters which writes a log has, one that comes again by itself
  // would hide that the one before it was missed.
  walk.write = write && !pool_.notes_writes();
  walk.use = use;
  TraceAnew(walk);
  if (walk.entries.empty()) return;
  if (walks_.size() == kPages) walks_.erase(walks_.begin());
  walks_.push_back(walk);
}

void CachingProcessor::Trace(Walk& walk) const {
  walk.entries.clear();
  walk.forgotten = 0;
  std::uint64_t table = walk.root;
  for (int level = facts_.levels; level > 0; --level) {
    const Hpa at{table + walk.page / EntryBytes(level) % 512 * 8};
    const std::uint64_t* word = pool_.memory().At(at);
    // CACHE-2.
    if (word == nullptr || !IsPresent(facts_, *word) ||
        IsMisconfiguredEntry(facts_, *word, level)) {
      return;
    }
    walk.entries.push_back({at, *word});
    if (IsLeaf(*word, level)) return;
    table = AddressIn(*word);
  }
}

void CachingProcessor::TraceAnew(Walk& walk) const {
  Trace(walk);
  const int level = facts_.levels - static_cast<int>(walk.entries.size()) + 1;
  if (walk.entries.empty() || !IsLeaf(walk.entries.back().value, level)) {
    walk.use.reset();
  }
}

int CachingProcessor::Shared(const Walk& walk, std::uint64_t gpa) const {
  int shared = 0;
  while (shared < static_cast<int>(walk.entries.size()) &&
         walk.page / EntryBytes(facts_.levels - shared) ==
             gpa / EntryBytes(facts_.levels - shared)) {
    ++shared;
  }
  return shared;
}

void CachingProcessor::OnViolation(Gpa gpa, std::optional<LinearUse> use) {
  const std::uint64_t root = AddressIn(eptp_);
  for (Walk& walk : walks_) {
    if (walk.root != root) continue;
    walk.forgotten = std::max(walk.forgotten, Shared(walk, gpa.value));
  }
  EndCombined([&](const LinearUse& kept, const Walk& walk) {
    return walk.root == root && use.has_value() && kept.SamePage(*use);
  });
}

void CachingProcessor::OnInvvpid(const Invalidation& invvpid) {
  constexpr std::uint8_t kIndividualAddress = 0, kEveryVpid = 2;
  EndCombined([&](const LinearUse& kept, const Walk&) {
    if (invvpid.type == kEveryVpid) return kept.vpid != 0;
    return kept.vpid == invvpid.first &&
           (invvpid.type != kIndividualAddress ||
            (kept.gla.value ^ invvpid.second) >> 12 == 0);
  });
}

void CachingProcessor::OnTransition() {
  EndCombined(
      [](const LinearUse& kept, const Walk&) { return kept.vpid == 0; });
}

// What the processor holds of EPT makes them anew.
template <typename F>
void CachingProcessor::EndCombined(F ends) {
  for (Walk& walk : walks_) {
    if (walk.use.has_value() && !walk.known() && ends(*walk.use, walk)) {
      walk.use.reset();
    }
  }
  DropUnknown();
}

void CachingProcessor::DropUnknown() {
  std::erase_if(walks_, [](const Walk& walk) {
    return !walk.known() && !walk.use.has_value();
  });
}

void CachingProcessor::ListStale(Gpa gpa, std::optional<LinearUse> use,
                                 bool two_pages,
                                 std::vector<CachedPath>& paths) const {
  paths.clear();
  const std::uint64_t root = AddressIn(eptp_);
  for (const Walk& walk : walks_) {
    if (walk.root != root) continue;
    if (two_pages && walk.forgotten > 0) continue;
    // A combined mapping is one of the whole.
    const bool combined = !walk.known() && use.has_value() &&
                          walk.use->SamePage(*use) &&
                          walk.page == (gpa.value & kPageMask);
    const int above =
        combined ? static_cast<int>(walk.entries.size()) - 1 : walk.forgotten;
    for (int count = Shared(walk, gpa.value); count > above; --count) {
      CachedPath path;
      bool stale = false;
      for (int i = 0; i < count; ++i) {
        const MemoryWord& entry = walk.entries[static_cast<std::size_t>(i)];
        const std::uint64_t* word = pool_.memory().At(entry.address);
        stale |=
            word == nullptr || ((*word ^ entry.value) & ~kAccessedDirty) != 0;
        path.push_back(entry);
      }
      if (stale) paths.push_back(path);
    }
  }
}

bool CachingProcessor::Use(std::uint64_t eptp, Hpa address, Gpa gpa,
                           bool holds) {
  if (stopped_) return false;
  Walk walk;
  walk.root = AddressIn(eptp);
  walk.page = gpa.value & kPageMask;
  walk.write = true;
  Trace(walk);
  const auto count = static_cast<int>(walk.entries.size());
  if (count == 0 ||
      !IsLeaf(walk.entries.back().value, facts_.levels - count + 1)) {
    return false;
  }
  pool_.OnBetween(address, gpa);
  SetFlags(walk);
  if (holds) Hold(walk.root, gpa, /*write=*/true, {});
  return true;
}

void CachingProcessor::OnFirstStore() {
  if (stopped_ || !facts_.accessed_dirty) return;
  for (Walk& walk : walks_) {
    Walk now = walk;
    Trace(now);
    SetFlags(now);
    SetFlagsByTables(walk);
  }
}

void CachingProcessor::BeforeInvept() {
  if (stopped_) return;
  for (const Walk& walk : walks_) SetFlagsByTables(walk);
}

void CachingProcessor::OnInvept(const Invalidation& invept) {
  // Tagged with EPTP bits 51:12 (CACHE-1).
  const auto ends = [&](const Walk& walk) {
    return invept.type == kAllContexts || AddressIn(invept.first) == walk.root;
  };
  if (!stopped_) return Renew(ends);
  for (Walk& walk : walks_) walk.forgot = walk.forgot || ends(walk);
}

void CachingProcessor::EndOperation() {
  if (stopped_) Renew([](const Walk& walk) { return walk.forgot; });
}

template <typename F>
void CachingProcessor::Renew(F forgot) {
  for (Walk& walk : walks_) {
    if (!forgot(walk)) continue;
    walk.forgot = false;
    TraceAnew(walk);
    SetFlags(walk);
  }
  std::erase_if(walks_, [](const Walk& walk) { return walk.entries.empty(); });
}

void CachingProcessor::SetFlags(const Walk& walk) {
  if (walk.entries.empty()) return;
  std::uint64_t rights = ~std::uint64_t{0};
  for (const MemoryWord& entry : walk.entries) rights &= entry.value;
  const MemoryWord& last = walk.entries.back();
  const int level = facts_.levels - static_cast<int>(walk.entries.size()) + 1;
  const bool writes =
      walk.write && (rights & kWritable) != 0 && IsLeaf(last.value, level);
  if (facts_.accessed_dirty) {
    if (IsLogFull()) return;
    for (const MemoryWord& entry : walk.entries) {
      pool_.SetFlags(entry.address, 0x100);
    }
    if (writes) SetDirty(last.address, walk.page);
  }
  if (writes) pool_.OnWritten(Hpa{walk.root}, Gpa{walk.page});
}

bool CachingProcessor::IsLogFull() const {
  const PageLogs::Log& log = pool_.logs()[number_];
  return log.enabled && log.IsFull();
}

void CachingProcessor::SetDirty(Hpa leaf, std::uint64_t gpa) {
  const std::uint64_t* word = pool_.memory().At(leaf);
  if (word == nullptr || (*word & kDirty) != 0) return;
  pool_.SetFlags(leaf, kDirty);
  pool_.logs().Add(number_, gpa, pool_.memory());
}

void CachingProcessor::SetFlagsByTables(const Walk& walk) {
  const int tables = static_cast<int>(walk.entries.size()) - 1;
  if (!facts_.accessed_dirty || tables < 1 || walk.forgotten >= tables ||
      IsLogFull()) {
    return;
  }
  const int level = facts_.levels - tables;
  const MemoryWord& leaf = walk.entries.back();
  if (!IsLeaf(leaf.value, level)) return;
  std::uint64_t rights = ~std::uint64_t{0};
  for (int i = 0; i < tables; ++i) {
    rights &= walk.entries[static_cast<std::size_t>(i)].value;
  }
  for (const std::uint64_t address :
       {leaf.address.value, leaf.address.value ^ 8}) {
    const std::uint64_t* word = pool_.memory().At(Hpa{address});
    if (word == nullptr || !IsPresent(facts_, *word) ||
        IsMisconfiguredEntry(facts_, *word, level) || !IsLeaf(*word, level)) {
      continue;
    }
    const bool dirties = walk.write && (rights & *word & kWritable) != 0;
    pool_.SetFlags(Hpa{address}, 0x100);
    if (!dirties) continue;
    const bool is_own = address == leaf.address.value;
    const std::uint64_t gpa =
        is_own ? walk.page
               : (walk.page & ~(EntryBytes(level) - 1)) ^ EntryBytes(level);
    SetDirty(Hpa{address}, gpa);
    pool_.OnWritten(Hpa{walk.root}, Gpa{gpa});
  }
}

}  // namespace eptdiff
