#include "oracle/builder/planted/planted_builder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <vector>

#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/judge/table_image.h"
#include "oracle/builder/planted/faulty_hal.h"
#include "oracle/builder/table_facts.h"

namespace eptdiff {
namespace {

// In the order of Fault.
constexpr BuilderFault kFaults[] = {
    {"builder-split-drops-permission",
     "the parts of a split page lose write permission"},
    {"builder-split-not-stored",
     "a page is split, and the result is not stored in its entry"},
    {"builder-unmap-clears-large-page",
     "unmapping a part of a large page clears all of it"},
    {"builder-invept-missing-for-write",
     "no INVEPT where nothing but write permission is removed"},
    {"builder-invept-never", "no INVEPT while the tables are in use"},
    {"builder-freed-before-invept", "tables are freed, and INVEPT follows"},
    {"builder-freed-by-first-entry",
     "a table is taken to be empty if its first entry is"},
    {"builder-linked-before-filled", "a table is linked before it is filled"},
    {"builder-address-32-bits", "pages keep 32 bits of their address"},
    {"builder-protect-skips-large-pages",
     "protecting does nothing where a large page is"},
    {"builder-hole-ends-region",
     "a region's address does not advance where nothing is mapped"},
    {"builder-overlap-accepted", "what is mapped already is mapped anew"},
    {"builder-refused-after-change",
     "an operation that runs out of frames has changed an entry"},
    {"builder-iteration-skips-last", "iterating leaves out the last page"},
    {"builder-linked-twice", "a table is linked in the next entry, too"},
    {"builder-empty-table-stays", "an empty table is linked and stays"},
    {"builder-ignored-bits-lost",
     "ignored bits of table entries change on the way"},
    {"builder-unreported-store", "an accessed flag is set behind one's back"},
    {"builder-store-after-free", "a frame is written to once it is freed"},
    {"builder-end-keeps-root", "the root is never freed"},
    {"builder-end-without-invept", "the end comes without INVEPT"},
    {"builder-removed-skips-last",
     "of what is unmapped the last page is not shown"},
    {"builder-removed-flags-early",
     "what is unmapped is shown with the flags that it had before"},
    {"builder-flags-raced",
     "an entry is loaded and stored anew, whatever processors set in between"},
};
static_assert(std::size(kFaults) ==
              static_cast<std::size_t>(Fault::kFlagsRaced) + 1);

class PlantedBuilder final : public BuilderOver<FaultyHal> {
 public:
  explicit PlantedBuilder(FaultSet faults) : faults_(faults) {
    hal().faults = faults;
  }

  TableResult Create(FramePool& pool, const Processor& processor,
                     const Controls& controls, std::uint64_t unused) override {
    hal().facts = FactsOf(processor, controls, unused);
    hal().Begin(TableOperationKind::kMap, /*creating=*/true);
    return BuilderOver::Create(pool, processor, controls, unused);
  }

  TableResult Perform(const TableOperation& operation,
                      std::vector<Interval>& taken) override {
    hal().Begin(operation.kind);
    std::vector<Interval> before;
    if (faults_.Has(Fault::kRemovedFlagsEarly)) BuilderOver::List(before);
    if (faults_.Has(Fault::kProtectSkipsLargePages) &&
        IsProtection(operation)) {
      const Leaf leaf = Find(operation.gpa.value);
      if (leaf.level > 1) return {};
    }
    TableOperation done = operation;
    if (faults_.Has(Fault::kHoleEndsRegion) && IsEdit(operation)) {
      done.bytes = UpToHole(operation);
      if (done.bytes == 0 && operation.bytes != 0) return {};
    }
    TableResult result = BuilderOver::Perform(done, taken);
    if (faults_.Has(Fault::kOverlapAccepted) &&
        result.error == TableError::kOverlap &&
        operation.kind == TableOperationKind::kMapRegion) {
      done.kind = TableOperationKind::kUnmapRegion;
      BuilderOver::Perform(done, taken);
      taken.clear();
      result = BuilderOver::Perform(operation, taken);
    }
    hal().Finish();
    SpoilTaken(operation, before, taken);
    Spoil(operation, result);
    return result;
  }

  bool List(std::vector<Interval>& pages) override {
    BuilderOver::List(pages);
    if (faults_.Has(Fault::kIterationSkipsLast) && !pages.empty()) {
      pages.pop_back();
    }
    return true;
  }

  void Destroy() override {
    hal().BeginEnd();
    if (faults_.Has(Fault::kEndKeepsRoot)) {
      // Whoever keeps its own root frees what hangs from it.
      TableOperation all;
      all.kind = TableOperationKind::kUnmapRegion;
      all.bytes = std::uint64_t{1} << (hal().facts.levels == 5 ? 52 : 48);
      std::vector<Interval> taken;
      BuilderOver::Perform(all, taken);
      return;
    }
    BuilderOver::Destroy();
    if (faults_.Has(Fault::kEndWithoutInvept)) hal().ForgetInvept();
    hal().Finish();
  }

 private:
  struct Leaf {
    Hpa at;  // of the entry
    std::uint64_t entry = 0;
    int level = 0;  // 0: nothing is mapped
  };
  static bool IsProtection(const TableOperation& operation) {
    return operation.kind == TableOperationKind::kProtect ||
           operation.kind == TableOperationKind::kProtectRegion;
  }
  static bool IsEdit(const TableOperation& operation) {
    return operation.kind == TableOperationKind::kUnmapRegion ||
           operation.kind == TableOperationKind::kProtectRegion;
  }

  // The entry of `level` that controls `gpa`, if tables lead there.
  std::optional<Hpa> EntryAt(std::uint64_t gpa, int level) {
    std::uint64_t table = AddressIn(eptp());
    for (int at = hal().facts.levels;; --at) {
      const Hpa address{table + gpa / EntryBytes(at) % 512 * 8};
      if (at == level) return address;
      const std::uint64_t* word = hal().pool->memory().At(address);
      if (word == nullptr || !IsPresent(hal().facts, *word) ||
          IsLeaf(*word, at)) {
        return {};
      }
      table = AddressIn(*word);
    }
  }
  std::uint64_t Load(Hpa address) const {
    return *const_cast<PlantedBuilder*>(this)->hal().pool->memory().At(address);
  }
  Leaf Find(std::uint64_t gpa) {
    for (int level = 3; level > 0; --level) {
      const std::optional<Hpa> at = EntryAt(gpa, level);
      if (!at.has_value()) break;
      const std::uint64_t entry = Load(*at);
      if (IsPresent(hal().facts, entry) && IsLeaf(entry, level)) {
        return {*at, entry, level};
      }
    }
    return {};
  }

  // Bytes of the region before the first that is not mapped.
  std::uint64_t UpToHole(const TableOperation& operation) {
    const std::uint64_t end = operation.gpa.value + operation.bytes;
    std::uint64_t gpa = operation.gpa.value;
    while (gpa < end) {
      const Leaf leaf = Find(gpa);
      if (leaf.level == 0) return gpa - operation.gpa.value;
      gpa = (gpa / EntryBytes(leaf.level) + 1) * EntryBytes(leaf.level);
    }
    return operation.bytes;
  }

  // What goes wrong once the operation is over.
  void Spoil(const TableOperation& operation, const TableResult& result) {
    FramePool& pool = *hal().pool;
    const std::uint64_t gpa = operation.gpa.value;
    const Leaf leaf = Find(gpa);
    if (faults_.Has(Fault::kRefusedAfterChange) &&
        result.error == TableError::kNoFrames && leaf.level != 0) {
      pool.Store(leaf.at, leaf.entry ^ std::uint64_t{1} << 11);
    }
    if (!result.ok()) return;
    const std::optional<Hpa> top = EntryAt(gpa, hal().facts.levels);
    if (faults_.Has(Fault::kFreedByFirstEntry) &&
        (operation.kind == TableOperationKind::kUnmap ||
         operation.kind == TableOperationKind::kUnmapRegion)) {
      FreeByFirstEntry(gpa);
    }
    if (faults_.Has(Fault::kEmptyTableStays) &&
        !IsPresent(hal().facts, Load(*top))) {
      LinkEmptyTable(*top);
    }
    if (faults_.Has(Fault::kIgnoredBitsLost) &&
        IsPresent(hal().facts, Load(*top))) {
      pool.Store(*top, Load(*top) ^ std::uint64_t{1} << 52);
    }
    if (faults_.Has(Fault::kUnreportedStore) && hal().facts.accessed_dirty &&
        leaf.level != 0) {
      *pool.memory().At(leaf.at) |= 0x100;
    }
  }

  // What goes wrong with what is shown as removed.
  void SpoilTaken(const TableOperation& operation,
                  const std::vector<Interval>& before,
                  std::vector<Interval>& taken) {
    if (operation.kind != TableOperationKind::kUnmapRegion) return;
    if (faults_.Has(Fault::kRemovedSkipsLast) && !taken.empty()) {
      taken.pop_back();
    }
    if (!faults_.Has(Fault::kRemovedFlagsEarly)) return;
    for (Interval& page : taken) {
      for (const Interval& each : before) {
        if (page.gpa - each.gpa < each.bytes) page.flags = each.flags;
      }
    }
  }

  void FreeByFirstEntry(std::uint64_t gpa) {
    const std::optional<Hpa> entry = EntryAt(gpa, 1);
    if (!entry.has_value()) return;
    const Hpa table{entry->value & ~std::uint64_t{0xfff}};
    if (IsPresent(hal().facts, Load(table))) return;
    FramePool& pool = *hal().pool;
    pool.Store(*EntryAt(gpa, 2), hal().facts.unused);
    if (!hal().invepts()) pool.Invept(eptp());
    pool.FreeFrame(table);
  }

  void LinkEmptyTable(Hpa entry) {
    FramePool& pool = *hal().pool;
    const std::optional<Hpa> table = pool.AllocateFrame();
    if (!table.has_value()) return;
    for (std::uint64_t i = 0; i < 512; ++i) {
      pool.Store(Hpa{table->value + 8 * i}, hal().facts.unused);
    }
    pool.Store(entry, table->value | RightsMask(hal().facts));
  }

  const FaultSet faults_;
};

}  // namespace

std::span<const BuilderFault> AllBuilderFaults() { return kFaults; }

std::unique_ptr<BuilderUnderTest> PlantInBuilder(std::string_view faults) {
  FaultSet set;
  while (!faults.empty()) {
    const std::string_view name = faults.substr(0, faults.find(','));
    faults.remove_prefix(std::min(faults.size(), name.size() + 1));
    const auto found =
        std::find_if(std::begin(kFaults), std::end(kFaults),
                     [name](const BuilderFault& f) { return f.name == name; });
    if (found == std::end(kFaults)) return nullptr;
    set.Add(static_cast<Fault>(found - std::begin(kFaults)));
  }
  return set.empty() ? nullptr : std::make_unique<PlantedBuilder>(set);
}

}  // namespace eptdiff
