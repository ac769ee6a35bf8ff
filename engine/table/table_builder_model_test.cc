// Random operations on a table, against a model that knows no tables.
//
// All operations begin and end at a few addresses; between two of them lies a
// cell, in which everything is alike. The model is what each cell maps. After
// every store to a linked table, a walk for each probe (the pages at both ends
// of each cell) must give what the model said before the operation, or what it
// says after it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <unordered_set>
#include <utility>
#include <vector>

#include "engine/table/table_builder.h"
#include "engine/table/test_frames.h"
#include "engine/walk/path.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;
constexpr std::uint64_t kSet = 0x300;  // accessed and dirty
struct Range {
  std::uint64_t begin, end;
};
constexpr Range kCells[] = {
    {0, k4K},
    {k4K, 2 * k4K},
    {2 * k4K, k2M - k4K},
    {k2M - k4K, k2M},
    {k2M, k2M + k4K},
    {k2M + k4K, 2 * k2M},
    {k1G - k2M, k1G - k4K},
    {k1G - k4K, k1G},
    {k1G, k1G + k4K},
    {k1G + k4K, k1G + k2M},
    {k1G + k2M, 2 * k1G},
    {2 * k1G, 3 * k1G},
    {512 * k1G - k2M, 512 * k1G},
    {512 * k1G, 512 * k1G + k4K},
    {512 * k1G + k4K, 512 * k1G + k2M},
};
constexpr int kCellCount = std::size(kCells);

struct Cell {
  bool mapped = false;
  std::uint64_t to_hpa = 0;  // is added to a GPA
  std::uint64_t flags = 0;   // without accessed and dirty
  friend bool operator==(const Cell&, const Cell&) = default;
};
using Model = std::array<Cell, kCellCount>;

struct Probe {
  std::uint64_t gpa;
  int cell;
};

struct Setting {
  const char* words;
  std::uint64_t eptp;
  std::uint64_t missing;  // capabilities
  std::uint32_t secondary;
  std::uint64_t unused;
  int cells = kCellCount;
};

class Fuzz {
 public:
  explicit Fuzz(const Setting& setting) : setting_(setting), random_(1) {
    Processor processor = TableProcessor();
    processor.ept_vpid_cap &= ~setting.missing;
    Controls controls = TableControls(setting.eptp);
    controls.secondary |= setting.secondary;
    TableError error;
    table_ = std::make_unique<Builder>(std::move(*Builder::Create(
        frames_, processor, controls, error, EptEntry(setting.unused))));
    for (int cell = 0; cell < kCellCount; ++cell) {
      probes_.push_back({kCells[cell].begin, cell});
      probes_.push_back({kCells[cell].end - k4K, cell});
    }
    // Just beyond others: nothing is ever mapped there.
    probes_.push_back({2 * k2M, -1});
    probes_.push_back({k1G - k2M - k4K, -1});
    probes_.push_back({512 * k1G + k2M, -1});
    frames_.on_store = [this](Hpa address, std::uint64_t before,
                              std::uint64_t word) {
      OnStore(address, before, word);
    };
    frames_.on_invept = [this] { stored_since_invept_ = false; };
    frames_.on_free = [this](Hpa frame) {
      EXPECT_FALSE(stored_since_invept_ && linked_.contains(frame.value))
          << "freed before INVEPT";
    };
  }

  ~Fuzz() {
    frames_.on_store = nullptr;
    frames_.on_free = nullptr;
    frames_.invepts = 0;
    const bool empty = model_ == Model{};
    table_.reset();
    EXPECT_EQ(frames_.invepts, empty ? 0 : 1);
    EXPECT_TRUE(frames_.in_use.empty());
    EXPECT_TRUE(frames_.faults.empty());
  }

  void Step() {
    const int first = Pick(setting_.cells);
    int last = first;
    for (int more = Pick(5); more > 0 && last + 1 < setting_.cells &&
                             kCells[last].end == kCells[last + 1].begin;
         --more) {
      ++last;
    }
    const Gpa gpa{kCells[first].begin};
    const std::uint64_t bytes = kCells[last].end - kCells[first].begin;
    before_ = after_ = model_;
    needed_ = false;
    stores_ = 0;
    stored_since_invept_ = false;
    linked_.clear();
    Collect(table_->eptp() & bits::kAddress, table_->format().levels());
    EXPECT_EQ(linked_.size(), frames_.in_use.size()) << "frames leaked";
    const auto snapshot = Snapshot();
    frames_.invepts = 0;
    frames_.limit = Pick(4) == 0 ? frames_.in_use.size() + Pick(4) : ~0ull;

    TableResult result;
    TableError expected = TableError::kNone;
    const int kind = Pick(10);
    if (kind < 3) {
      const std::uint64_t granule[] = {k4K, k2M, k1G};
      const std::uint64_t to_hpa = granule[Pick(3)] * (1 + Pick(5));
      const EptFlags flags = SomeFlags();
      for (int i = first; i <= last; ++i) {
        if (before_[i].mapped) expected = TableError::kOverlap;
        after_[i] = {true, to_hpa, flags.bits & ~kSet};
      }
      result = table_->MapRegion(gpa, Hpa{gpa.value + to_hpa}, bytes, flags,
                                 SomeSize(bytes));
    } else if (kind < 5) {
      for (int i = first; i <= last; ++i) after_[i] = Cell{};
      result = table_->UnmapRegion(gpa, bytes, [&](const Mapping& page) {
        ForProbesIn(page, [&](std::uint64_t gpa) { Gone(gpa, page, kSet); });
      });
    } else if (kind < 7) {
      const EptFlags flags = SomeFlags();
      for (int i = first; i <= last; ++i) {
        constexpr std::uint64_t kKept = EptFlags::kSoftware.bits;
        after_[i].flags = !after_[i].mapped ? 0
                                            : (after_[i].flags & kKept) |
                                                  (flags.bits & ~kKept & ~kSet);
      }
      result = table_->ProtectRegion(gpa, bytes, flags);
    } else if (kind == 7) {
      result = table_->MergeRegion(gpa, bytes);
    } else if (kind == 8) {
      Mapping page;
      if (!table_->Query(gpa, page).ok() || page.bytes == k4K ||
          page.gpa != gpa) {
        return;
      }
      result = table_->Split(gpa);
    } else {
      clearing_ = true;
      const std::uint64_t flags = 0x100ull + 0x100 * Pick(3);
      result = table_->ClearFlags(
          gpa, bytes, EptFlags{flags}, [&](const Mapping& page) {
            ForProbesIn(page,
                        [&](std::uint64_t gpa) { Gone(gpa, page, flags); });
          });
    }

    clearing_ = false;
    if (result.ok()) {
      EXPECT_EQ(expected, TableError::kNone);
      model_ = after_;
      EXPECT_EQ(frames_.invepts, needed_ ? 1 : 0);
    } else {
      EXPECT_TRUE(
          result.error == expected ||
          (result.error == TableError::kNoFrames && frames_.limit != ~0ull))
          << TableErrorText(result.error);
      EXPECT_EQ(Snapshot(), snapshot) << "refused, and something changed";
      EXPECT_EQ(frames_.invepts, 0);
    }
    before_ = after_ = model_;
    CheckProbes();
    CheckIteration();
    if (table_->format().accessed_dirty()) UseSomePages();
  }

 private:
  using Builder = TableBuilder<TestFrames>;

  int Pick(int n) { return static_cast<int>(random_() % n); }

  // Of 4-KByte pages not too many, too often.
  PageSize SomeSize(std::uint64_t bytes) {
    if (bytes > 4 * k2M && Pick(8) != 0) {
      return Pick(2) == 0 ? PageSize::k2MByte : PageSize::k1GByte;
    }
    return static_cast<PageSize>(1 + Pick(3));
  }
  EptFlags SomeFlags() {
    constexpr std::uint64_t kRights[] = {1, 3, 5, 7};
    constexpr std::uint64_t kOthers[] = {0,          0,          1ull << 11,
                                         1ull << 52, 1ull << 62, 1ull << 63};
    EptFlags flags{kRights[Pick(4)] | (Pick(3) == 0 ? 0 : 6 << 3) |
                   kOthers[Pick(6)]};
    if (Pick(8) == 0) flags.bits |= kSet;
    if (setting_.secondary != 0 && Pick(4) == 0) {
      flags = flags | EptFlags::kSubPageWrite;
    }
    return flags;
  }

  // What a processor finds for `gpa`, and with which flags.
  Cell Walk(std::uint64_t gpa, std::uint64_t* flags_set) {
    engine::Path path;
    engine::TracePath(table_->format().context(), TableMemory(frames_),
                      Gpa{gpa}, path);
    if (path.end == engine::PathEnd::kNotPresent) return {};
    EXPECT_TRUE(path.reached_leaf()) << std::hex << gpa;
    if (!path.reached_leaf()) return {};
    EXPECT_EQ(path.tables & 7, 7u) << "a table that takes rights away";
    const std::uint64_t leaf = path.last().value;
    if (flags_set != nullptr) *flags_set = leaf & kSet;
    return {true, engine::PageAddress(leaf, Gpa{gpa}, path.level).value - gpa,
            EptEntry(leaf).flags().bits & ~kSet};
  }

  void CheckProbes() {
    for (const Probe& probe : probes_) {
      std::uint64_t set = 0;
      const Cell found = Walk(probe.gpa, &set);
      const Cell was = probe.cell < 0 ? Cell{} : before_[probe.cell];
      const Cell will = probe.cell < 0 ? Cell{} : after_[probe.cell];
      ASSERT_TRUE(found == was || found == will)
          << setting_.words << ": " << std::hex << probe.gpa;
      if (found.mapped && !clearing_) {
        EXPECT_EQ(required_[probe.gpa] & ~set, 0u) << "lost flags";
      }
    }
  }

  void CheckIteration() {
    std::uint64_t end = 0;
    std::array<std::uint64_t, kCellCount> covered = {};
    std::vector<Mapping> ranges;
    table_->ForEach(Gpa{}, 1ull << 48, [&](const Mapping& page) {
      if (page.gpa.value < end) ADD_FAILURE() << "not in order";
      end = page.gpa.value + page.bytes;
      Append(page, ranges);
      for (int i = 0; i < kCellCount; ++i) {
        const std::uint64_t from = std::max(page.gpa.value, kCells[i].begin);
        const std::uint64_t to = std::min(end, kCells[i].end);
        if (from >= to) continue;
        covered[i] += to - from;
        if (page.hpa.value - page.gpa.value != model_[i].to_hpa ||
            (page.flags.bits & ~kSet) != model_[i].flags) {
          ADD_FAILURE() << "another page than the model's";
        }
      }
    });
    for (int i = 0; i < kCellCount; ++i) {
      EXPECT_EQ(covered[i],
                model_[i].mapped ? kCells[i].end - kCells[i].begin : 0);
    }
    EXPECT_EQ(RangesIn(0, 1ull << 48), ranges);

    // A part of them, cut to size.
    const std::uint64_t from = kCells[Pick(kCellCount)].begin + k4K * Pick(3);
    const std::uint64_t to = from + k4K * (1 + Pick(1 << Pick(20)));
    std::vector<Mapping> cut;
    for (const Mapping& range : ranges) {
      const std::uint64_t first = std::max(range.gpa.value, from);
      const std::uint64_t last = std::min(range.gpa.value + range.bytes, to);
      if (first >= last) continue;
      const Hpa hpa{range.hpa.value + first - range.gpa.value};
      cut.push_back({Gpa{first}, hpa, last - first, range.flags});
    }
    EXPECT_EQ(RangesIn(from, to), cut);
  }
  static void Append(const Mapping& page, std::vector<Mapping>& ranges) {
    if (!ranges.empty()) {
      Mapping& last = ranges.back();
      if (last.gpa.value + last.bytes == page.gpa.value &&
          last.hpa.value + last.bytes == page.hpa.value &&
          last.flags == page.flags) {
        last.bytes += page.bytes;
        return;
      }
    }
    ranges.push_back(page);
  }
  std::vector<Mapping> RangesIn(std::uint64_t from, std::uint64_t to) {
    std::vector<Mapping> ranges;
    table_->ForEachRange(Gpa{from}, to - from, [&](const Mapping& range) {
      ranges.push_back(range);
    });
    return ranges;
  }

  void OnStore(Hpa address, std::uint64_t before, std::uint64_t word) {
    if (!linked_.contains(address.value & ~0xfffull)) return;
    ++stores_;
    // CACHE-9, with the leaf's bits for table entries, too: those never change.
    if ((before & 7) != 0) {
      const bool flags_cleared = table_->format().accessed_dirty() &&
                                 (before & ~word & kSet & 0x100) != 0;
      const bool dirty_cleared = table_->format().accessed_dirty() &&
                                 (word & 7) != 0 &&
                                 (before & ~word & 0x200) != 0;
      const bool sub_page_write =
          setting_.secondary != 0 && (before & ~word & 1ull << 61) != 0;
      if ((before & ~word & 7) != 0 ||
          ((before ^ word) & (bits::kAddress | 0xf8)) != 0 || flags_cleared ||
          dirty_cleared || sub_page_write) {
        needed_ = true;
        stored_since_invept_ = true;
      }
    }
    // Few operations have many stores; those are much alike.
    if (stores_ < 100 || stores_ % 256 == 0) CheckProbes();
  }

  template <typename Action>
  void ForProbesIn(const Mapping& page, const Action& action) {
    for (const Probe& probe : probes_) {
      if (probe.gpa - page.gpa.value < page.bytes) action(probe.gpa);
    }
  }
  // Flags, all if the page went, are no more: it was shown with what had been
  // set.
  void Gone(std::uint64_t gpa, const Mapping& page, std::uint64_t flags) {
    EXPECT_EQ(required_[gpa] & ~page.flags.bits, 0u) << "lost flags";
    required_[gpa] &= ~flags;
  }
  // As a processor that reads or writes.
  void UseSomePages() {
    for (int i = 0; i < 3; ++i) {
      const Probe& probe = probes_[Pick(static_cast<int>(probes_.size()))];
      engine::Path path;
      TableMemory memory(frames_);
      engine::TracePath(table_->format().context(), memory, Gpa{probe.gpa},
                        path);
      if (!path.reached_leaf()) continue;
      const bool writes = Pick(2) == 0 && (path.all & 2) != 0;
      engine::SetFlags(memory, path, writes);
      required_[probe.gpa] |= writes ? 0x300 : 0x100;
    }
  }

  void Collect(std::uint64_t table, int level) {
    EXPECT_TRUE(linked_.insert(table).second) << "linked twice";
    EXPECT_TRUE(frames_.in_use.contains(table)) << "linked, and free";
    bool empty = true;
    for (int i = 0; i < 512; ++i) {
      const std::uint64_t entry = frames_.At(table + 8 * i);
      if ((entry & 7) == 0) {
        if (entry != setting_.unused) ADD_FAILURE() << std::hex << entry;
        continue;
      }
      empty = false;
      if (!EptEntry(entry).maps_page(level)) {
        Collect(entry & bits::kAddress, level - 1);
      }
    }
    EXPECT_TRUE(!empty || level == table_->format().levels());
  }
  std::map<std::uint64_t, std::vector<std::uint64_t>> Snapshot() {
    std::map<std::uint64_t, std::vector<std::uint64_t>> snapshot;
    for (const std::uint64_t frame : frames_.in_use) {
      const std::uint64_t* words = frames_.Pointer(Hpa{frame});
      snapshot.emplace(frame, std::vector(words, words + 512));
    }
    return snapshot;
  }

  Setting setting_;
  std::mt19937 random_;
  TestFrames frames_;
  std::unique_ptr<Builder> table_;
  std::vector<Probe> probes_;
  std::map<std::uint64_t, std::uint64_t> required_;
  Model model_, before_, after_;
  std::unordered_set<std::uint64_t> linked_;  // when the operation began
  bool clearing_ = false;
  int stores_ = 0;       // of this operation, to linked tables
  bool needed_ = false;  // INVEPT, by the stores seen
  bool stored_since_invept_ = false;
};

TEST(TableBuilderModelTest, RandomOperationsDoWhatTheModelSays) {
  constexpr Setting kSettings[] = {
      {"everything", 0x1e, 0, 0, 0},
      {"accessed and dirty", 0x5e, 0, 0, 0},
      {"5 levels, suppressed #VE", 0x66, 0, 0, 1ull << 63},
      {"no 1-GByte pages", 0x5e, 1ull << 17, 0, 0},
      {"4-KByte pages only", 0x1e, 3ull << 16, 0, 0, 6},
      {"sub-page permissions", 0x5e, 0, 1u << 23, 0},
  };
  for (const Setting& setting : kSettings) {
    Fuzz fuzz(setting);
    for (int i = 0; i < 500 && !testing::Test::HasFailure(); ++i) {
      SCOPED_TRACE(testing::Message() << setting.words << ", step " << i);
      fuzz.Step();
    }
  }
}

}  // namespace
}  // namespace eptdiff
