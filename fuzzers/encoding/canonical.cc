#include "fuzzers/encoding/canonical.h"

#include <algorithm>

namespace eptdiff {
namespace {

Access FoldAccess(Access access) {
  if (access.kind > AccessKind::kShadowStackReadModifyWrite) {
    access.kind = AccessKind::kRead;
  }
  access.size = FoldAccessSize(access.size);
  return access;
}

Gpa FoldGpa(Gpa gpa) { return Gpa{gpa.value & kPhysicalAddressMask}; }

Hpa FoldWord(Hpa word) { return Hpa{word.value & kWordAddressMask}; }

Invalidation FoldInvalidation(const Invalidation& invalidation) {
  Invalidation folded = invalidation;
  folded.kind = static_cast<InvalidationKind>(
      static_cast<int>(invalidation.kind) % kInvalidationKindCount);
  if (folded.kind == InvalidationKind::kInvlpg) folded.type = 0;
  if (folded.kind == InvalidationKind::kInvlpg) folded.first = 0;
  return folded;
}

TableOperation FoldOperation(const TableOperation& operation) {
  TableOperation folded;
  folded.kind = static_cast<TableOperationKind>(
      static_cast<int>(operation.kind) % kTableOperationKindCount);
  folded.failing_allocation =
      operation.failing_allocation & kMaxFailingAllocation;
  folded.meanwhile = operation.meanwhile & kMaxMeanwhile;
  if (!IsAboutLog(folded.kind)) folded.view = FoldView(operation.view);
  const TableOperationFields fields = FieldsOf(folded.kind);
  if (fields.gpa) folded.gpa = FoldGpa(operation.gpa);
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
    case TableOperationKind::kLogAsk:
    case TableOperationKind::kLogClear:
      return {.bytes = true};
    case TableOperationKind::kUnmap:
    case TableOperationKind::kSplit:
      return {};
    case TableOperationKind::kLogOn:
    case TableOperationKind::kLogOff:
      return {.gpa = false};
  }
  return {};
}

void Canonicalise(Step& step) {
  Step canonical;
  canonical.kind = step.kind;
  canonical.processor = step.processor % kLogicalProcessors;
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      canonical.access = FoldAccess(step.access);
      canonical.gpa = FoldGpa(step.gpa);
      canonical.page = step.page;
      canonical.page.pat_index &= 7;
      break;
    case StepKind::kLinearAccess:
      canonical.access = FoldAccess(step.access);
      canonical.access.pebs = false;
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
      canonical.processor = 0;
      canonical.hpa = FoldWord(step.hpa);
      canonical.value = step.value;
      break;
    case StepKind::kEptpSwitch:
      canonical.index = step.index;
      canonical.value = step.value & 0xffffffff;
      break;
    case StepKind::kTableOperation:
      canonical.processor = canonical.processor != 0;
      canonical.operation = FoldOperation(step.operation);
      break;
    case StepKind::kRegisterWrite:
      canonical.reg = static_cast<GuestRegister>(static_cast<int>(step.reg) %
                                                 kGuestRegisterCount);
      canonical.value = step.value;
      break;
    case StepKind::kVmEntry:
      canonical.index = step.index & 0xffff;
      canonical.value = step.value;
      break;
    case StepKind::kInvalidation:
      canonical.invalidation = FoldInvalidation(step.invalidation);
      break;
  }
  step = canonical;
}

void Canonicalise(Case& c) {
  c.processor.maxphyaddr = FoldMaxphyaddr(c.processor.maxphyaddr);
  c.processor.keyid_bits &= kMaxKeyidBits;
  c.guest.cpl &= 3;
  FoldSavedState(c.guest);
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
