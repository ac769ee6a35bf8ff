// One operation on a table builder, as a plain value, and what it must come to.
// Thread-safety: plain values and functions without state.
#ifndef EPTDIFF_ORACLE_BUILDER_BUILDER_OPERATION_H_
#define EPTDIFF_ORACLE_BUILDER_BUILDER_OPERATION_H_

#include <cstdint>

#include "engine/table_builder.h"
#include "engine/table_error.h"
#include "oracle/builder/mapping_model.h"
#include "oracle/builder/table_facts.h"

namespace eptdiff {

// TableBuilder's functions of these names.
enum class BuilderStep : std::uint8_t {
  kMap,
  kUnmap,
  kRemap,
  kProtect,
  kSplit,
  kMapRegion,
  kUnmapRegion,
  kProtectRegion,
  kMergeRegion,
  kClearFlags,
};

// What a step does not take is not looked at.
struct BuilderOperation {
  BuilderStep step;
  std::uint64_t gpa;
  std::uint64_t hpa;
  std::uint64_t bytes;
  std::uint64_t flags;
  int level = 3;  // of the (largest) page: 1 to 3
};

template <typename Builder>
TableResult Apply(Builder& builder, const BuilderOperation& operation) {
  const Gpa gpa{operation.gpa};
  const Hpa hpa{operation.hpa};
  const EptFlags flags{operation.flags};
  const auto size = static_cast<PageSize>(operation.level);
  switch (operation.step) {
    case BuilderStep::kMap:
      return builder.Map(gpa, hpa, size, flags);
    case BuilderStep::kUnmap:
      return builder.Unmap(gpa);
    case BuilderStep::kRemap:
      return builder.Remap(gpa, hpa, flags);
    case BuilderStep::kProtect:
      return builder.Protect(gpa, flags);
    case BuilderStep::kSplit:
      return builder.Split(gpa);
    case BuilderStep::kMapRegion:
      return builder.MapRegion(gpa, hpa, operation.bytes, flags, size);
    case BuilderStep::kUnmapRegion:
      return builder.UnmapRegion(gpa, operation.bytes);
    case BuilderStep::kProtectRegion:
      return builder.ProtectRegion(gpa, operation.bytes, flags);
    case BuilderStep::kMergeRegion:
      return builder.MergeRegion(gpa, operation.bytes);
    case BuilderStep::kClearFlags:
      return builder.ClearFlags(gpa, operation.bytes, flags);
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
RefusalSet ReasonsAgainst(const BuilderOperation& operation,
                          const TableFacts& facts, const MappingModel& model,
                          PageNow page);

// Does it. Clearing accessed and dirty flags changes nothing here: the model is
// not compared in them where processors set them (EPTP bit 6), and elsewhere
// this step is not for judging.
void ApplyToModel(const BuilderOperation& operation, PageNow page,
                  MappingModel& model);

// The bytes, from `gpa` on, of what the operation is about.
std::uint64_t BytesOf(const BuilderOperation& operation, PageNow page);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_BUILDER_OPERATION_H_
