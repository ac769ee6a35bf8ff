#include "oracle/builder/judge/table_image.h"

namespace eptdiff {
namespace {

class Reader {
 public:
  Reader(const TableFacts& facts, const FrameMemory& memory, TableImage& image)
      : facts_(facts), unused_(facts.unused), memory_(memory), image_(image) {}

  void Table(Hpa table, const TreePlace& place) {
    const FrameMemory::Frame* words = memory_.Find(table);
    if (words == nullptr)
      return Fault(BuilderRule::kEntry, table.value, place.level);
    if (!image_.tables.insert(table.value, place)) {
      return Fault(BuilderRule::kTree, table.value, place.level);
    }
    next_gpa_ = kNowhere;
    bool empty = true;
    TreePlace at = place;
    const std::uint64_t bytes = EntryBytes(place.level);
    for (std::uint64_t i = 0; i < words->size(); ++i) {
      if (i % kBatch == 0 && AreUnused(words->data() + i)) {
        i += kBatch - 1;
        at.gpa += kBatch * bytes;
        continue;
      }
      const std::uint64_t entry = (*words)[i];
      if (entry != unused_ && !GoesOn(entry, at)) {
        empty = empty && !IsPresent(facts_, entry);
        Entry(entry, at, Hpa{table.value + 8 * i});
        if (!image_.findings.empty()) return;
      }
      at.gpa += bytes;
    }
    next_gpa_ = kNowhere;
    if (empty) image_.empty_tables.push_back(table.value);
  }

  void Entry(std::uint64_t entry, const TreePlace& place, Hpa at) {
    if (!IsPresent(facts_, entry)) {
      if (!IsUnused(facts_, entry)) {
        Fault(BuilderRule::kUnusedEntry, at.value, place.level);
        image_.findings.back().facts.entry = {place.level, at, entry};
      }
    } else if (const auto rule = BrokenRuleOf(facts_, entry, place.level)) {
      Fault(BuilderRule::kEntry, at.value, place.level);
      image_.findings.back().sdm = rule;
      image_.findings.back().facts.entry = {place.level, at, entry};
    } else if (IsLeaf(entry, place.level)) {
      const std::uint64_t hidden = RightsMask(facts_) & ~place.rights;
      AddPage({place.gpa, AddressIn(entry), EntryBytes(place.level),
               entry & kLeafFlags & ~hidden},
              image_.pages);
      SetNext(entry, place);
    } else {
      Table(Hpa{AddressIn(entry)},
            {place.level - 1, place.gpa, place.rights & entry});
    }
  }

 private:
  // Most tables have few entries: so many are looked at together.
  static constexpr std::uint64_t kBatch = 8;
  bool AreUnused(const std::uint64_t* words) const {
    std::uint64_t differ = 0;
    for (std::uint64_t i = 0; i < kBatch; ++i) differ |= words[i] ^ unused_;
    return differ == 0;
  }
  // Whether the entry maps the page after the one that the last entry maps, and
  // alike; this is noted then. Nearly all entries do, or are not used.
  bool GoesOn(std::uint64_t entry, const TreePlace& place) {
    if (entry != next_ || place.gpa != next_gpa_) return false;
    const std::uint64_t bytes = EntryBytes(place.level);
    image_.pages.back().bytes += bytes;
    SetNext(entry, place);
    return true;
  }
  // After a leaf that can be read.
  void SetNext(std::uint64_t entry, const TreePlace& place) {
    const std::uint64_t bytes = EntryBytes(place.level);
    next_gpa_ = place.gpa + bytes;
    next_ = entry + bytes;
    // Where it would be above 2^MAXPHYADDR nothing goes on.
    if (next_ >> facts_.maxphyaddr != entry >> facts_.maxphyaddr) {
      next_gpa_ = kNowhere;
    }
  }

  void Fault(BuilderRule rule, std::uint64_t where, int level) {
    image_.findings.push_back(MakeBuilderFinding(rule, where, level));
  }
  const TableFacts& facts_;
  const std::uint64_t unused_;
  const FrameMemory& memory_;
  TableImage& image_;
  // The entry that would go on where the last leaf ends, in the same table.
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};
  std::uint64_t next_ = 0;
  std::uint64_t next_gpa_ = kNowhere;
};

}  // namespace

void ReadTree(const TableFacts& facts, const FrameMemory& memory, Hpa root,
              TableImage& image) {
  image.Clear();
  Reader(facts, memory, image)
      .Table(root, {facts.levels, 0, RightsMask(facts)});
}

void ReadEntry(const TableFacts& facts, const FrameMemory& memory,
               std::uint64_t entry, const TreePlace& place, Hpa at,
               TableImage& image) {
  image.Clear();
  Reader(facts, memory, image).Entry(entry, place, at);
}

FixedVector<FoundEntry, 5> PathOf(const TableFacts& facts,
                                  const FrameMemory& memory, Hpa root,
                                  std::uint64_t gpa) {
  FixedVector<FoundEntry, 5> path;
  Hpa table = root;
  for (int level = facts.levels; level > 0; --level) {
    const std::uint64_t index = gpa / EntryBytes(level) % 512;
    const Hpa at{table.value + 8 * index};
    const std::uint64_t* word = memory.At(at);
    if (word == nullptr) break;
    path.push_back({level, at, *word});
    if (!IsPresent(facts, *word) || IsLeaf(*word, level)) break;
    table = Hpa{AddressIn(*word)};
  }
  return path;
}

namespace {

bool IsInLargePageOf(const TableFacts& facts, const FrameMemory& memory,
                     Hpa table, int level, Hpa hpa) {
  const FrameMemory::Frame* words = memory.Find(table);
  if (words == nullptr || level < 2) return false;
  for (const std::uint64_t entry : *words) {
    if (!IsPresent(facts, entry)) continue;
    if (!IsLeaf(entry, level)) {
      if (IsInLargePageOf(facts, memory, Hpa{AddressIn(entry)}, level - 1,
                          hpa)) {
        return true;
      }
    } else if (((AddressIn(entry) ^ hpa.value) & ~(EntryBytes(level) - 1)) ==
               0) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool IsInLargePage(const TableFacts& facts, const FrameMemory& memory, Hpa root,
                   Hpa hpa) {
  return IsInLargePageOf(facts, memory, root, facts.levels, hpa);
}

bool FindLeaf(const TableFacts& facts, const FrameMemory& memory, Hpa root,
              std::uint64_t gpa, std::uint64_t& entry, int& level) {
  Hpa table = root;
  for (level = facts.levels; level > 0; --level) {
    const FrameMemory::Frame* words = memory.Find(table);
    if (words == nullptr) return false;
    entry = (*words)[gpa / EntryBytes(level) % words->size()];
    if (!IsPresent(facts, entry)) return false;
    if (IsLeaf(entry, level)) return true;
    table = Hpa{AddressIn(entry)};
  }
  return false;
}

}  // namespace eptdiff
