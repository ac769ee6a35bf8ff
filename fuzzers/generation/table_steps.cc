#include "fuzzers/generation/table_steps.h"

#include <algorithm>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"

namespace eptdiff {
namespace {

using namespace bits;

// Pages lie near each other, in a part of so many bytes of the address space.
constexpr unsigned kPartWidth = 34;
constexpr std::uint64_t kInPart = Low(kPartWidth);

unsigned GpaWidth(const Case& c) {
  return (c.controls.eptp & kFiveLevels) == kFiveLevels ? 52 : 48;
}

std::uint64_t SomeGpa(Random& random) {
  static constexpr std::uint64_t kGranules[] = {k4K, k4K, k2M, k2M, k1G};
  std::uint64_t gpa = random.Pick(kGranules) * random.Below(4);
  if (random.OneIn(3)) gpa += k2M * random.Below(4);
  if (random.OneIn(3)) gpa += k4K * random.Below(4);
  if (random.OneIn(10)) gpa += k4K * 508;
  return gpa;
}

// Where and how much, as most of the operations have it; few are misaligned or
// out of range.
void SpoilOperation(Random& random, TableOperation& operation) {
  static constexpr std::uint64_t kWrong[] = {1, 0x800, std::uint64_t{1} << 47,
                                             std::uint64_t{1} << 51};
  if (random.OneIn(50)) operation.gpa.value += random.Pick(kWrong);
  if (random.OneIn(50)) operation.hpa.value += random.Pick(kWrong);
  if (random.OneIn(50)) operation.bytes = random.OneIn(2) ? 0 : 0x1800;
  if (random.OneIn(8)) {
    operation.failing_allocation =
        static_cast<std::uint16_t>(1 + random.Below(4));
  }
}

}  // namespace

std::uint64_t SomePart(Random& random, unsigned width) {
  static constexpr unsigned kMasks[] = {36, 39, 40, 45, 46, 48, 51, 52};
  if (width <= kPartWidth || random.OneIn(2)) return 0;
  std::uint64_t part = random.Next();
  switch (random.Below(4)) {
    case 0:  // one bit
      part = Bit(width - 1 - random.Below(width - kPartWidth));
      break;
    case 1:  // the first part beyond a mask
      part = Bit(random.Pick(kMasks));
      break;
    case 2:  // the last part within a mask
      part = Bit(random.Pick(kMasks)) - 1;
      break;
    default:
      break;
  }
  return part & Low(width) & ~kInPart;
}

std::uint64_t SomeFlags(Random& random) {
  static constexpr std::uint64_t kRights[] = {7, 7, 7, 3, 3, 1, 5, 4};
  static constexpr unsigned kOthers[] = {6,  8,  9,  10, 10, 11,
                                         52, 58, 59, 60, 61, 63};
  static constexpr std::uint64_t kTypes[] = {6, 6, 6, 6, 0, 1, 4, 5};
  std::uint64_t flags = random.Pick(kRights) | random.Pick(kTypes) << 3;
  if (random.OneIn(3)) flags |= Bit(random.Pick(kOthers));
  if (random.OneIn(30)) flags ^= Bit(random.Below(64));
  return flags & kTableFlagsMask;
}

std::uint64_t SomeBytes(Random& random) {
  static constexpr std::uint64_t kGranules[] = {k4K, k4K, k4K, k2M, k2M, k1G};
  std::uint64_t bytes = random.Pick(kGranules) * (1 + random.Below(3));
  if (random.OneIn(4)) bytes += k4K * (1 + random.Below(3));
  return bytes;
}

std::uint8_t SomeMoments(Random& random) {
  static constexpr std::uint8_t kMoments[] = {0, 0, 0, 1, 1, 1, 2, 0x7f};
  if (random.OneIn(8)) return static_cast<std::uint8_t>(random.Below(0x80));
  return random.Pick(kMoments);
}

const Step* SomeOther(Random& random, const Case& c) {
  const Step* found = nullptr;
  for (int attempt = 0; attempt < 4 && !c.steps.empty(); ++attempt) {
    const Step& step = c.steps[random.Below(c.steps.size())];
    if (step.kind != StepKind::kTableOperation) continue;
    found = &step;
    if (step.operation.kind == TableOperationKind::kMap ||
        step.operation.kind == TableOperationKind::kMapRegion) {
      break;
    }
  }
  return found;
}

std::uint64_t SomeUsedGpa(Random& random, const Case& c) {
  for (int attempt = 0; attempt < 4 && !c.steps.empty(); ++attempt) {
    const Step& other = c.steps[random.Below(c.steps.size())];
    if (other.kind == StepKind::kGuestPhysicalAccess) {
      return other.gpa.value & ~(k4K - 1);
    }
    if (other.kind != StepKind::kTableOperation) continue;
    const TableOperation& operation = other.operation;
    const std::uint64_t gpa = operation.gpa.value & ~(k4K - 1);
    const std::uint64_t pages =
        std::clamp<std::uint64_t>(operation.bytes / k4K, 1, 1024);
    return random.OneIn(2) ? gpa : gpa + k4K * random.Below(pages);
  }
  return SomeGpa(random);
}

Step SomeOperation(Random& random, const Case& c, bool maps) {
  static constexpr TableOperationKind kKinds[] = {
      TableOperationKind::kMap,           TableOperationKind::kMap,
      TableOperationKind::kUnmap,         TableOperationKind::kRemap,
      TableOperationKind::kProtect,       TableOperationKind::kSplit,
      TableOperationKind::kMapRegion,     TableOperationKind::kMapRegion,
      TableOperationKind::kMapRegion,     TableOperationKind::kMapRegion,
      TableOperationKind::kUnmapRegion,   TableOperationKind::kUnmapRegion,
      TableOperationKind::kProtectRegion, TableOperationKind::kProtectRegion,
      TableOperationKind::kMergeRegion,   TableOperationKind::kClearFlags};
  Step step;
  step.kind = StepKind::kTableOperation;
  TableOperation& operation = step.operation;
  operation.kind = random.Pick(kKinds);
  if (maps) {
    operation.kind = random.OneIn(3) ? TableOperationKind::kMap
                                     : TableOperationKind::kMapRegion;
  }
  // Often where another operation is, and much like it.
  const Step* other = SomeOther(random, c);
  const bool same_part = other != nullptr && !random.OneIn(8);
  const std::uint64_t gpa_part = same_part
                                     ? other->operation.gpa.value & ~kInPart
                                     : SomePart(random, GpaWidth(c));
  operation.gpa = Gpa{gpa_part + SomeGpa(random)};
  operation.bytes = SomeBytes(random);
  operation.level = static_cast<std::uint8_t>(1 + random.Below(3));
  operation.flags = SomeFlags(random);
  if (operation.kind == TableOperationKind::kClearFlags) {
    operation.flags = Union({kAccessed, random.OneIn(2) ? kDirty : 0});
  }
  if (other != nullptr && !random.OneIn(3)) {
    operation.gpa = other->operation.gpa;
    if (random.OneIn(2)) operation.bytes = other->operation.bytes;
    // A page is known by its first address.
    if (random.OneIn(FieldsOf(operation.kind).bytes ? 4 : 16)) {
      operation.gpa.value += k4K * random.Below(4);
    }
    if (random.OneIn(2) && operation.kind != TableOperationKind::kClearFlags) {
      // A right less or more, or UC for WB.
      static constexpr std::uint64_t kChanges[] = {0, 1, 2, 2, 4, 4, 6, 6 << 3};
      operation.flags = other->operation.flags ^ random.Pick(kChanges);
    }
  }
  if (other != nullptr && other->operation.kind == TableOperationKind::kSplit &&
      random.OneIn(2)) {
    operation.kind = TableOperationKind::kMergeRegion;
  }
  if (operation.kind == TableOperationKind::kMergeRegion && random.OneIn(2)) {
    operation.gpa.value &= ~(k1G - 1);
    operation.bytes = k1G * (1 + random.Below(3));
  }
  operation.hpa = Hpa{SomePart(random, c.processor.maxphyaddr)};
  operation.hpa.value += (operation.gpa.value & kInPart);
  operation.hpa.value += k1G * (2 + random.Below(8));
  if (random.OneIn(4)) operation.hpa.value += random.OneIn(2) ? k4K : k2M;
  if (operation.kind == TableOperationKind::kMap) {
    static constexpr std::uint64_t kSizes[] = {k4K, k2M, k1G};
    const std::uint64_t size = kSizes[operation.level - 1];
    if (!random.OneIn(8)) {
      operation.gpa.value &= ~(size - 1);
      operation.hpa.value &= ~(size - 1);
    }
  }
  // Not too many 4-KByte pages: a table each is enough.
  if (operation.kind == TableOperationKind::kMapRegion &&
      operation.bytes > 3 * k2M) {
    operation.level = std::max<std::uint8_t>(operation.level, 2);
    if (operation.hpa.value % k2M != operation.gpa.value % k2M) {
      operation.bytes = k2M;
    }
  }
  SpoilOperation(random, operation);
  operation.meanwhile = SomeMoments(random);
  Canonicalise(step);
  return step;
}

Step SomeAccess(Random& random, const Case& c) {
  static constexpr AccessKind kKinds[] = {
      AccessKind::kRead,  AccessKind::kRead,  AccessKind::kWrite,
      AccessKind::kWrite, AccessKind::kFetch, AccessKind::kReadModifyWrite};
  Step step;
  step.access.kind = random.Pick(kKinds);
  const std::uint64_t gpa = SomeUsedGpa(random, c);
  step.gpa = Gpa{gpa};
  if (random.OneIn(4)) step.gpa.value += random.Below(4096);
  if (random.OneIn(12)) {
    step.gpa.value |= 0xffc;
    step.access.size = 8;
  }
  step.page.user = random.OneIn(3);
  // Two linear addresses lead to each page, of 32 bits as in any mode.
  step.page.gla = Gla{(gpa & Low(31)) | (step.page.user ? Bit(31) : 0)};
  if (random.OneIn(4)) {
    step.processor =
        static_cast<std::uint8_t>(random.Below(kLogicalProcessors));
  }
  if (random.OneIn(12)) {
    step.kind = random.OneIn(2) ? StepKind::kPagingStructureRead
                                : StepKind::kPagingStructureUpdate;
    step.gpa.value &= ~std::uint64_t{7};
  }
  Canonicalise(step);
  return step;
}

void InsertStep(std::size_t at, const Step& step, Case& c) {
  if (c.steps.size() >= kMaxTableSteps) return;
  c.steps.insert(c.steps.begin() + static_cast<std::ptrdiff_t>(at), step);
}

}  // namespace eptdiff
