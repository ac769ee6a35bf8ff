#include "oracle/builder/symptom.h"

namespace eptdiff {

Work WorkOf(TableOperationKind kind) {
  switch (kind) {
    case TableOperationKind::kMap:
    case TableOperationKind::kMapRegion:
      return Work::kMap;
    case TableOperationKind::kUnmap:
    case TableOperationKind::kUnmapRegion:
      return Work::kUnmap;
    case TableOperationKind::kRemap:
      return Work::kRemap;
    case TableOperationKind::kProtect:
    case TableOperationKind::kProtectRegion:
      return Work::kProtect;
    case TableOperationKind::kSplit:
      return Work::kSplit;
    case TableOperationKind::kMergeRegion:
      return Work::kMerge;
    case TableOperationKind::kClearFlags:
      return Work::kClearFlags;
    case TableOperationKind::kLogOn:
    case TableOperationKind::kLogOff:
    case TableOperationKind::kLogAsk:
    case TableOperationKind::kLogClear:
      return Work::kLog;
  }
  return Work::kNone;
}

bool IsForRegion(TableOperationKind kind) {
  return kind >= TableOperationKind::kMapRegion &&
         kind != TableOperationKind::kLogOn &&
         kind != TableOperationKind::kLogOff;
}

bool MapsOtherwise(TableOperationKind kind) {
  const Work work = WorkOf(kind);
  return work == Work::kMap || work == Work::kUnmap || work == Work::kRemap;
}

}  // namespace eptdiff
