#include "fuzzers/encoding/canonical.h"

#include <algorithm>

namespace eptdiff {
namespace {

Access FoldAccess(Access access) {
  if (access.kind > AccessKind::kShadowStackWrite) {
    access.kind = AccessKind::kRead;
  }
  access.size = FoldAccessSize(access.size);
  return access;
}

Gpa FoldGpa(Gpa gpa) { return Gpa{gpa.value & kPhysicalAddressMask}; }

Hpa FoldWord(Hpa word) { return Hpa{word.value & kWordAddressMask}; }

TableOperation FoldOperation(const TableOperation& operation) {
  TableOperation folded;
  folded.kind = static_cast<TableOperationKind>(
      static_cast<int>(operation.kind) % kTableOperationKindCount);
  folded.failing_allocation =
      operation.failing_allocation & kMaxFailingAllocation;
  folded.gpa = FoldGpa(operation.gpa);
  const TableOperationFields fields = FieldsOf(folded.kind);
  if (fields.hpa) folded.hpa.value = operation.hpa.value & kTableAddressMask;
  if (fields.bytes) folded.bytes = operation.bytes & kTableAddressMask;
  if (fields.flags) folded.flags = operation.flags & kTableFlagsMask;
  if (fields.level) folded.level = FoldPageLevel(operation.level);
  return folded;
}

}  // namespace

TableOperationFields FieldsOf(TableOperationKind kind) {
  switch (kind) {
    case TableOperationKind::kMap:
      return {.hpa = true, .flags = true, .level = true};
    case TableOperationKind::kMapRegion:
      return {.hpa = true, .bytes = true, .flags = true, .level = true};
    case TableOperationKind::kRemap:
      return {.hpa = true, .flags = true};
    case TableOperationKind::kProtect:
      return {.flags = true};
    case TableOperationKind::kProtectRegion:
    case TableOperationKind::kClearFlags:
      return {.bytes = true, .flags = true};
    case TableOperationKind::kUnmapRegion:
    case TableOperationKind::kMergeRegion:
      return {.bytes = true};
    case TableOperationKind::kUnmap:
    case TableOperationKind::kSplit:
      return {};
  }
  return {};
}

void Canonicalise(Step& step) {
  Step canonical;
  canonical.kind = step.kind;
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      canonical.access = FoldAccess(step.access);
      canonical.gpa = FoldGpa(step.gpa);
      canonical.page = step.page;
      canonical.page.pat_index &= 7;
      break;
    case StepKind::kLinearAccess:
      canonical.access = FoldAccess(step.access);
      canonical.gla = step.gla;
      break;
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      canonical.gpa = FoldGpa(step.gpa);
      canonical.page.gla = step.page.gla;
      canonical.page.pat_index = step.page.pat_index & 7;
      break;
    case StepKind::kPdpteLoad:
      break;
    case StepKind::kStore:
      canonical.hpa = FoldWord(step.hpa);
      canonical.value = step.value;
      break;
    case StepKind::kEptpSwitch:
      canonical.index = step.index;
      break;
    case StepKind::kTableOperation:
      canonical.operation = FoldOperation(step.operation);
      break;
  }
  step = canonical;
}

void Canonicalise(Case& c) {
  c.processor.maxphyaddr = FoldMaxphyaddr(c.processor.maxphyaddr);
  c.guest.cpl &= 3;
  if (c.steps.size() > kMaxRecords) c.steps.resize(kMaxRecords);
  const std::size_t words =
      std::min(c.memory.size(), kMaxRecords - c.steps.size());
  c.memory.resize(words);
  for (MemoryWord& word : c.memory) word.address = FoldWord(word.address);
  for (Step& step : c.steps) Canonicalise(step);
}

bool IsCanonical(const Case& c) {
  Case canonical = c;
  Canonicalise(canonical);
  return canonical == c;
}

}  // namespace eptdiff
