#include "oracle/builder/builder_operation.h"

#include <initializer_list>

namespace eptdiff {
namespace {

constexpr bool Has(std::uint64_t word, int bit) {
  return (word >> bit & 1) != 0;
}

bool Takes(TableOperationKind step,
           std::initializer_list<TableOperationKind> steps) {
  for (const TableOperationKind each : steps) {
    if (each == step) return true;
  }
  return false;
}

bool IsForOnePage(TableOperationKind step) {
  return Takes(step,
               {TableOperationKind::kUnmap, TableOperationKind::kRemap,
                TableOperationKind::kProtect, TableOperationKind::kSplit});
}
bool IsMapping(TableOperationKind step) {
  return Takes(step,
               {TableOperationKind::kMap, TableOperationKind::kMapRegion});
}
bool TakesAddress(TableOperationKind step) {
  return IsMapping(step) || step == TableOperationKind::kRemap;
}
bool TakesFlags(TableOperationKind step) {
  return TakesAddress(step) ||
         Takes(step, {TableOperationKind::kProtect,
                      TableOperationKind::kProtectRegion});
}

// What a leaf with these flags would be, without regard to its size.
RefusalSet ReasonsAgainstFlags(const TableFacts& facts, std::uint64_t flags) {
  RefusalSet reasons = 0;
  const bool ignored = (Has(flags, 57) && !facts.verification) ||
                       (Has(flags, 58) && !facts.paging_write) ||
                       (Has(flags, 60) && !facts.shadow_stack) ||
                       (Has(flags, 61) && !facts.sub_page) ||
                       (Has(flags, 10) && !Has(flags, 2) && !facts.mbec);
  if (ignored) reasons |= Only(TableError::kUnsupported);
  if (!IsPresent(facts, flags)) return reasons | Only(TableError::kNoAccess);
  const std::uint64_t leaf = flags & kLeafFlags;
  if (!IsMisconfiguredEntry(facts, leaf, /*level=*/1)) return reasons;
  // Execute-only is what another processor could have.
  TableFacts better = facts;
  better.execute_only = true;
  return reasons | Only(IsMisconfiguredEntry(better, leaf, /*level=*/1)
                            ? TableError::kMisconfigured
                            : TableError::kUnsupported);
}

}  // namespace

bool HasPages(const TableFacts& facts, int level, std::uint64_t flags) {
  if (level == 1) return true;
  // What 1-GByte pages are split into has to be there, too.
  return facts.page_2m && (level == 2 || (level == 3 && facts.page_1g)) &&
         !Has(flags, 61);
}

std::uint64_t BytesOf(const TableOperation& operation, PageNow page) {
  if (operation.kind == TableOperationKind::kMap)
    return EntryBytes(operation.level);
  if (!IsForOnePage(operation.kind)) return operation.bytes;
  return EntryBytes(page.level == 0 ? 1 : page.level);
}

RefusalSet ReasonsAgainst(const TableOperation& operation,
                          const TableFacts& facts, const MappingModel& model,
                          PageNow page) {
  const TableOperationKind step = operation.kind;
  if (Takes(step, {TableOperationKind::kLogOn, TableOperationKind::kLogOff})) {
    return 0;  // about all that there is
  }
  const std::uint64_t bytes = BytesOf(operation, page);
  // One page must begin where it begins; the addresses of regions are
  // multiples of 4096.
  std::uint64_t granule = EntryBytes(1);
  if (step == TableOperationKind::kMap || IsForOnePage(step)) granule = bytes;
  // 57 bits of an address would be 5 levels, but GPAs have at most 52.
  const std::uint64_t gpa_end = 1ull << (facts.levels == 5 ? 52 : 48);
  const std::uint64_t hpa_end = 1ull << facts.maxphyaddr;

  RefusalSet reasons = 0;
  if (operation.gpa.value % granule != 0 || bytes % EntryBytes(1) != 0 ||
      bytes == 0 ||
      (TakesAddress(step) && operation.hpa.value % granule != 0)) {
    reasons |= Only(TableError::kMisaligned);
  }
  if (operation.gpa.value >= gpa_end || bytes > gpa_end - operation.gpa.value ||
      (TakesAddress(step) && (operation.hpa.value >= hpa_end ||
                              bytes > hpa_end - operation.hpa.value))) {
    reasons |= Only(TableError::kOutOfRange);
  }
  if (TakesFlags(step)) {
    reasons |= ReasonsAgainstFlags(facts, operation.flags);
  }
  if (IsMapping(step) && !facts.map_replaces && bytes != 0 &&
      model.IsAnyMapped(operation.gpa.value, bytes)) {
    reasons |= Only(TableError::kOverlap);
  }
  if (IsForOnePage(step) && page.level == 0) {
    reasons |= Only(TableError::kNotMapped);
  }
  const int level =
      step == TableOperationKind::kMap ? operation.level : page.level;
  const bool has_size = step == TableOperationKind::kMap ||
                        step == TableOperationKind::kRemap ||
                        step == TableOperationKind::kProtect;
  if ((has_size && level > 1 && !HasPages(facts, level, operation.flags)) ||
      (step == TableOperationKind::kSplit && level == 1)) {
    reasons |= Only(TableError::kUnsupported);
  }
  return reasons;
}

std::optional<PageNow> PageAfter(const TableOperation& operation, bool done,
                                 PageNow page, Gpa gpa, PageNow there) {
  const std::uint64_t granule = EntryBytes(there.level == 0 ? 1 : there.level);
  const std::uint64_t first = gpa.value & ~(granule - 1);
  const std::uint64_t begin = operation.gpa.value;
  const std::uint64_t end = begin + BytesOf(operation, page);
  if (!done || first + granule <= begin || end <= first) return there;
  const bool whole = begin <= first && first + granule <= end;
  switch (operation.kind) {
    case TableOperationKind::kMap:
      return PageNow{operation.level};
    case TableOperationKind::kUnmap:
      return PageNow{0};
    case TableOperationKind::kRemap:
    case TableOperationKind::kProtect:
    case TableOperationKind::kClearFlags:
      return there;
    case TableOperationKind::kSplit:
      return PageNow{there.level - 1};
    case TableOperationKind::kLogOn:
    case TableOperationKind::kLogOff:
    case TableOperationKind::kLogAsk:
    case TableOperationKind::kLogClear:
      return {};  // large pages may be split for it
    case TableOperationKind::kUnmapRegion:
      if (whole) return PageNow{0};
      return {};
    case TableOperationKind::kProtectRegion:
      if (whole) return there;
      return {};
    case TableOperationKind::kMapRegion:
    case TableOperationKind::kMergeRegion:
      return {};
  }
  return {};
}

void ApplyToModel(const TableOperation& operation, PageNow page,
                  MappingModel& model) {
  const std::uint64_t gpa = operation.gpa.value;
  const std::uint64_t bytes = BytesOf(operation, page);
  const std::uint64_t flags = operation.flags & kLeafFlags;
  switch (operation.kind) {
    case TableOperationKind::kMap:
    case TableOperationKind::kMapRegion:
      model.Map({gpa, operation.hpa.value, bytes, flags});
      return;
    case TableOperationKind::kUnmap:
    case TableOperationKind::kUnmapRegion:
      model.Unmap(gpa, bytes);
      return;
    case TableOperationKind::kRemap: {
      const std::uint64_t kept = model.At(gpa).flags & kIgnoredBits;
      model.Map(
          {gpa, operation.hpa.value, bytes, (flags & ~kIgnoredBits) | kept});
      return;
    }
    case TableOperationKind::kProtect:
    case TableOperationKind::kProtectRegion:
      // Accessed and dirty can only be added.
      model.Protect(gpa, bytes, flags,
                    kIgnoredBits | (kAccessedDirty & ~flags));
      return;
    case TableOperationKind::kSplit:
    case TableOperationKind::kMergeRegion:
    case TableOperationKind::kClearFlags:
    case TableOperationKind::kLogOn:
    case TableOperationKind::kLogOff:
    case TableOperationKind::kLogAsk:
    case TableOperationKind::kLogClear:
      return;
  }
}

}  // namespace eptdiff
