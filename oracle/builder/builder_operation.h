// What an operation on a table builder must come to.
// Thread-safety: plain values and functions without state.
#ifndef EPTDIFF_ORACLE_BUILDER_BUILDER_OPERATION_H_
#define EPTDIFF_ORACLE_BUILDER_BUILDER_OPERATION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/table/table_builder.h"
#include "engine/table/table_error.h"
#include "oracle/builder/mapping_model.h"
#include "oracle/builder/table_facts.h"
#include "oracle/case.h"

namespace eptdiff {

// `taken` gets what the builder shows as removed, replaced, or with its flags
// cleared.
template <typename Builder>
TableResult Apply(Builder& builder, const TableOperation& operation,
                  std::vector<Interval>& taken) {
  const Gpa gpa = operation.gpa;
  const Hpa hpa = operation.hpa;
  const EptFlags flags{operation.flags};
  const auto size = static_cast<PageSize>(operation.level);
  const auto take = [&taken](const Mapping& page) {
    taken.push_back({page.gpa.value, page.hpa.value, page.bytes,
                     page.flags.bits & kLeafFlags});
  };
  const auto take_one = [&take](const Mapping& page,
                                const TableResult& result) {
    if (result.ok()) take(page);
    return result;
  };
  Mapping one;
  switch (operation.kind) {
    case TableOperationKind::kMap:
      return builder.Map(gpa, hpa, size, flags);
    case TableOperationKind::kUnmap:
      return take_one(one, builder.Unmap(gpa, &one));
    case TableOperationKind::kRemap:
      return take_one(one, builder.Remap(gpa, hpa, flags, &one));
    case TableOperationKind::kProtect:
      return builder.Protect(gpa, flags);
    case TableOperationKind::kSplit:
      return builder.Split(gpa);
    case TableOperationKind::kMapRegion:
      return builder.MapRegion(gpa, hpa, operation.bytes, flags, size);
    case TableOperationKind::kUnmapRegion:
      return builder.UnmapRegion(gpa, operation.bytes, take);
    case TableOperationKind::kProtectRegion:
      return builder.ProtectRegion(gpa, operation.bytes, flags);
    case TableOperationKind::kMergeRegion:
      return builder.MergeRegion(gpa, operation.bytes);
    case TableOperationKind::kClearFlags:
      return builder.ClearFlags(gpa, operation.bytes, flags, take);
    case TableOperationKind::kLogOn:
    case TableOperationKind::kLogOff:
    case TableOperationKind::kLogAsk:
    case TableOperationKind::kLogClear:
      return {TableError::kUnsupported, gpa};  // it keeps none
  }
  return {};
}

// Errors as a set: bit n is the TableError of value n.
using RefusalSet = std::uint32_t;
constexpr RefusalSet Only(TableError error) {
  return RefusalSet{1} << static_cast<int>(error);
}

// The page that the operation's `gpa` is in now.
struct PageNow {
  int level;  // 0: none
};

// Everything that speaks against the operation. If it is empty, the operation
// must be done, unless frames run out; otherwise it must be refused for one of
// these reasons.
RefusalSet ReasonsAgainst(const TableOperation& operation,
                          const TableFacts& facts, const MappingModel& model,
                          PageNow page);

// The page that `gpa` is in after `operation`, which was done or not; it was
// `there` before, and the operation's own page was `page`. None where that
// takes the tables to know.
std::optional<PageNow> PageAfter(const TableOperation& operation, bool done,
                                 PageNow page, Gpa gpa, PageNow there);

// Does it. Clearing accessed and dirty flags changes nothing here: the model is
// not compared in them where processors set them (EPTP bit 6), and elsewhere
// this step is not for judging.
void ApplyToModel(const TableOperation& operation, PageNow page,
                  MappingModel& model);

// Whether pages of `level` may have these flags.
bool HasPages(const TableFacts& facts, int level, std::uint64_t flags);

// The bytes, from `gpa` on, of what the operation is about.
std::uint64_t BytesOf(const TableOperation& operation, PageNow page);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_BUILDER_OPERATION_H_
