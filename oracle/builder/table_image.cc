#include "oracle/builder/table_image.h"

namespace eptdiff {
namespace {

class Reader {
 public:
  Reader(const TableFacts& facts, const FrameMemory& memory, TableImage& image)
      : facts_(facts), memory_(memory), image_(image) {}

  void Table(Hpa table, const TreePlace& place) {
    const FrameMemory::Frame* words = memory_.Find(table);
    if (words == nullptr)
      return Fault(BuilderRule::kEntry, table.value, place.level);
    if (!image_.tables.emplace(table.value, place).second) {
      return Fault(BuilderRule::kTree, table.value, place.level);
    }
    bool empty = true;
    TreePlace at = place;
    const std::uint64_t bytes = EntryBytes(place.level);
    for (std::uint64_t i = 0; i < words->size(); ++i) {
      const std::uint64_t entry = (*words)[i];
      if (entry != facts_.unused) {  // as nearly all are
        empty = empty && !IsPresent(facts_, entry);
        Entry(entry, at, Hpa{table.value + 8 * i});
        if (!image_.findings.empty()) return;
      }
      at.gpa += bytes;
    }
    if (empty) image_.empty_tables.push_back(table.value);
  }

  void Entry(std::uint64_t entry, const TreePlace& place, Hpa at) {
    if (!IsPresent(facts_, entry)) {
      if (!IsUnused(facts_, entry)) {
        Fault(BuilderRule::kUnusedEntry, at.value, place.level);
      }
    } else if (IsMisconfiguredEntry(facts_, entry, place.level)) {
      Fault(BuilderRule::kEntry, at.value, place.level);
    } else if (IsLeaf(entry, place.level)) {
      const std::uint64_t hidden = RightsMask(facts_) & ~place.rights;
      Add({place.gpa, AddressIn(entry), EntryBytes(place.level),
           entry & kLeafFlags & ~hidden});
    } else {
      Table(Hpa{AddressIn(entry)},
            {place.level - 1, place.gpa, place.rights & entry});
    }
  }

 private:
  void Fault(BuilderRule rule, std::uint64_t where, int level) {
    image_.findings.push_back(MakeBuilderFinding(rule, where, level));
  }
  void Add(const Interval& page) {
    if (!image_.pages.empty()) {
      Interval& last = image_.pages.back();
      if (last.gpa + last.bytes == page.gpa &&
          last.hpa + last.bytes == page.hpa && last.flags == page.flags) {
        last.bytes += page.bytes;
        return;
      }
    }
    image_.pages.push_back(page);
  }

  const TableFacts& facts_;
  const FrameMemory& memory_;
  TableImage& image_;
};

}  // namespace

TableImage ReadTree(const TableFacts& facts, const FrameMemory& memory,
                    Hpa root) {
  TableImage image;
  Reader(facts, memory, image)
      .Table(root, {facts.levels, 0, RightsMask(facts)});
  return image;
}

TableImage ReadEntry(const TableFacts& facts, const FrameMemory& memory,
                     std::uint64_t entry, const TreePlace& place, Hpa at) {
  TableImage image;
  Reader(facts, memory, image).Entry(entry, place, at);
  return image;
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
