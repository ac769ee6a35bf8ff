#include "fuzzers/generation/table_insertions.h"

#include <algorithm>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/generation/table_steps.h"

namespace eptdiff {
namespace {

using namespace bits;

// When two operations at once change over: mostly before the first store of the
// one, which is the one between load and store of what has one entry.
std::uint8_t SomeSchedule(Random& random) {
  const std::uint64_t store = random.OneIn(4) ? random.Below(8) : 0;
  const std::uint64_t access = random.OneIn(2) ? random.Below(16) : 0;
  return static_cast<std::uint8_t>(store | access << 3);
}

}  // namespace

void InsertWitness(Random& random, Case& c) {
  const Step access = SomeAccess(random, c);
  const std::size_t at = 1 + random.Below(c.steps.size());
  InsertStep(std::min(at, c.steps.size()), access, c);
  const std::size_t later = std::min(at + 1 + random.Below(3), c.steps.size());
  Step again = access;
  if (random.OneIn(2)) again.access.kind = AccessKind::kWrite;
  Canonicalise(again);
  InsertStep(later, again, c);
}

void InsertPair(Random& random, Case& c) {
  static constexpr TableOperationKind kKinds[] = {
      TableOperationKind::kProtect,     TableOperationKind::kProtect,
      TableOperationKind::kUnmap,       TableOperationKind::kUnmap,
      TableOperationKind::kMap,         TableOperationKind::kRemap,
      TableOperationKind::kSplit,       TableOperationKind::kProtectRegion,
      TableOperationKind::kUnmapRegion, TableOperationKind::kClearFlags};
  const Step* found = SomeOther(random, c);
  if (found == nullptr || c.steps.size() + 2 > kMaxTableSteps) return;
  const Step mapped = *found;
  const auto at = static_cast<std::size_t>(found - c.steps.data());
  for (std::size_t i = 0; i < 2; ++i) {
    Step step = SomeOperation(random, c);
    TableOperation& operation = step.operation;
    operation.kind = random.Pick(kKinds);
    operation.gpa = mapped.operation.gpa;
    operation.level = mapped.operation.level;
    operation.bytes = k4K;
    if (random.OneIn(2)) operation.flags = mapped.operation.flags ^ 2;
    operation.failing_allocation = 0;
    if (i == 1) {
      step.processor = 1;
      operation.meanwhile = SomeSchedule(random);
    }
    Canonicalise(step);
    InsertStep(at + 1 + i, step, c);
  }
}

void InsertRace(Random& random, Case& c) {
  static constexpr TableOperationKind kKinds[] = {
      TableOperationKind::kClearFlags, TableOperationKind::kClearFlags,
      TableOperationKind::kProtect,    TableOperationKind::kUnmap,
      TableOperationKind::kSplit,      TableOperationKind::kUnmapRegion};
  const Step* found = SomeOther(random, c);
  if (found == nullptr || c.steps.size() + 3 > kMaxTableSteps) return;
  const auto at = static_cast<std::size_t>(found - c.steps.data());
  Step read;
  read.gpa = Gpa{found->operation.gpa.value & ~(k4K - 1)};
  Step clear;
  clear.kind = StepKind::kTableOperation;
  clear.operation = found->operation;
  clear.operation.kind = TableOperationKind::kClearFlags;
  clear.operation.flags = Union({kDirty, random.OneIn(2) ? kAccessed : 0});
  clear.operation.bytes = k4K;
  clear.operation.failing_allocation = 0;
  clear.operation.meanwhile = 0;
  Step step = clear;
  step.operation.flags = found->operation.flags;
  step.operation.kind = random.Pick(kKinds);
  step.operation.meanwhile = 1;
  if (step.operation.kind == TableOperationKind::kClearFlags) {
    step.operation.flags = Union({kAccessed, random.OneIn(2) ? kDirty : 0});
  } else if (step.operation.kind == TableOperationKind::kProtect) {
    // Mostly the right to write is taken, or given: else there may be no store.
    if (!random.OneIn(4)) step.operation.flags ^= kWrite;
  }
  std::vector<Step> steps = {read, step};
  if (random.OneIn(2)) steps.insert(steps.begin(), clear);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    Canonicalise(steps[i]);
    InsertStep(at + 1 + i, steps[i], c);
  }
}

void InsertLog(Random& random, Case& c) {
  const Step* found = SomeOther(random, c);
  if (found == nullptr) return;
  auto at = static_cast<std::size_t>(found - c.steps.data()) + 1;
  const TableOperation mapped = found->operation;
  const std::uint64_t pages =
      std::clamp<std::uint64_t>(mapped.bytes / k4K, 1, 4);
  const std::uint64_t first = mapped.gpa.value & ~(k4K - 1);
  // The last has a log that is full soon.
  constexpr std::uint8_t kLast = kLogicalProcessors - 1;
  const bool on_last = random.OneIn(3);
  const auto access = [&] {
    Step step;
    if (on_last) step.processor = kLast;
    step.access.kind = random.OneIn(4) ? AccessKind::kRead : AccessKind::kWrite;
    step.gpa = Gpa{random.OneIn(3) ? SomeUsedGpa(random, c)
                                   : first + k4K * random.Below(pages)};
    if (random.OneIn(6)) {
      step.processor =
          static_cast<std::uint8_t>(random.Below(kLogicalProcessors));
    }
    return step;
  };
  const auto operation = [&](TableOperationKind kind) {
    Step step;
    step.kind = StepKind::kTableOperation;
    step.operation.kind = kind;
    step.operation.gpa = Gpa{random.OneIn(4) ? SomeUsedGpa(random, c) : first};
    step.operation.bytes = k4K * (random.OneIn(4) ? pages : 1);
    if (random.OneIn(6)) {  // all that is near
      step.operation.gpa.value &= ~(2 * k1G - 1);
      step.operation.bytes = 4 * k1G;
    }
    step.operation.meanwhile = random.OneIn(2) ? 1 : SomeMoments(random);
    return step;
  };
  std::vector<Step> steps;
  if (random.OneIn(3)) steps.push_back(access());
  steps.push_back(operation(TableOperationKind::kLogOn));
  for (std::uint64_t i = random.Below(4); i > 0; --i) steps.push_back(access());
  if (random.OneIn(6)) steps.push_back(SomeOperation(random, c));
  steps.push_back(operation(random.OneIn(4) ? TableOperationKind::kLogAsk
                                            : TableOperationKind::kLogClear));
  while (random.OneIn(2)) steps.push_back(access());
  steps.push_back(operation(random.OneIn(4) ? TableOperationKind::kLogClear
                                            : TableOperationKind::kLogAsk));
  if (random.OneIn(8)) {
    steps.push_back(operation(TableOperationKind::kLogOff));
    steps.push_back(operation(TableOperationKind::kLogAsk));
  }
  for (Step& step : steps) {
    Canonicalise(step);
    InsertStep(at++, step, c);
  }
}

void InsertTables(Random& random, std::uint64_t frames, Case& c) {
  constexpr std::uint64_t kSpans[] = {k1G, 512 * k1G};
  const std::uint64_t which = random.Below(2);
  // Less the root, and what the first page takes more.
  const std::uint64_t tables = std::max<std::uint64_t>(
      1, frames + random.Below(4) - std::min<std::uint64_t>(frames, 4));
  std::vector<Step> steps;
  const auto map = [&](TableOperationKind kind, std::uint64_t gpa) -> Step& {
    Step& step = steps.emplace_back();
    step.kind = StepKind::kTableOperation;
    step.operation.kind = kind;
    step.operation.level = 1;
    step.operation.gpa = Gpa{gpa};
    step.operation.hpa = Hpa{3 * k1G};
    step.operation.flags = 7 | 6 << 3;
    return step;
  };
  // No region takes longer than others do.
  constexpr std::uint64_t kMost = 20;
  const bool alone = tables <= kMost && random.OneIn(3);
  if (alone || tables > 2 * kMost) {
    TableOperation& operation =
        map(TableOperationKind::kMapRegion, 32 * k1G).operation;
    operation.level = 2;
    operation.bytes = std::min(tables, kMost) * k1G;
  }
  if (!alone) {
    const std::size_t pages =
        std::min<std::size_t>(tables / (2 + which) + 1, kMaxTableSteps - 5);
    for (std::size_t i = 4; i < 4 + pages; ++i) {
      map(TableOperationKind::kMap, i * kSpans[which]);
    }
  }
  c.steps.resize(std::min(c.steps.size(), kMaxTableSteps - steps.size()));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    Canonicalise(steps[i]);
    InsertStep(i, steps[i], c);
  }
}

}  // namespace eptdiff
