#include "fuzzers/generation/table_generation.h"

#include <algorithm>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/random.h"
#include "oracle/acceptable_state.h"

namespace eptdiff {
namespace {

using namespace bits;

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;

// Pages lie near each other, in a part of so many bytes of the address space.
constexpr unsigned kPartWidth = 34;
constexpr std::uint64_t kInPart = Low(kPartWidth);

// Where a part begins that has `width` bits: often at 0, else anywhere, where
// code that keeps fewer bits of an address than it should would lose some.
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

unsigned GpaWidth(const Case& c) {
  return (c.controls.eptp & kFiveLevels) == kFiveLevels ? 52 : 48;
}

void GenerateTableMachine(Random& random, Case& c) {
  static constexpr std::uint8_t kWidths[] = {36, 39, 40, 45, 46,
                                             46, 48, 51, 52, 52};
  static constexpr std::uint64_t kRoots[] = {0x100000, 0x100000, 0x1000,
                                             0x0000000ffff00000};
  c = Case{};
  Processor& p = c.processor;
  p.maxphyaddr = random.Pick(kWidths);
  p.ept_vpid_cap = kCapFourLevels | kCapFiveLevels | kCapUncacheable |
                   kCapWriteBack | kCapInvept | kCapInvvpid |
                   kCapAccessedDirty | kCapAdvancedExit | kCapShadowStack;
  if (!random.OneIn(6)) p.ept_vpid_cap |= kCapExecuteOnly;
  if (!random.OneIn(12)) p.ept_vpid_cap |= kCap2Mb;
  if (!random.OneIn(6)) p.ept_vpid_cap |= kCap1Gb;
  if (random.OneIn(8)) {  // one type of INVEPT alone
    p.ept_vpid_cap &= ~Bit(random.OneIn(2) ? 25 : 26);
  }
  p.ept_violation_ve = true;
  Controls& k = c.controls;
  k.primary = kPrimarySecondary | kPrimaryTertiary;
  k.secondary = kSecondaryEpt;
  if (random.OneIn(4)) k.secondary |= kSecondaryMbec;
  if (random.OneIn(6)) k.secondary |= kSecondarySpp;
  if (random.OneIn(6)) k.secondary |= kSecondaryVe;
  if (random.OneIn(8)) k.tertiary |= kTertiaryPagingWrite;
  if (random.OneIn(16)) k.tertiary |= kTertiaryVerify;
  k.eptp = random.Pick(kRoots) | kWriteBack |
           (random.OneIn(4) ? kFiveLevels : kFourLevels);
  if (random.OneIn(2)) k.eptp |= SomePart(random, p.maxphyaddr);
  if (random.OneIn(2)) k.eptp |= kAccessedDirty;
  if (random.OneIn(8)) k.eptp |= kShadowStackAware;
  if (random.OneIn(2)) {
    c.guest.cr0 = kCr0Pe | kCr0Ne | kCr0Pg;
    c.guest.cr4 = kCr4Pae | kCr4Vmxe;
    c.guest.efer = kEferLme | kEferLma;
    c.guest.cs_l = true;
  }
  // Of its own numbers: what a seed makes else stays what it was.
  Random vpids(c.processor.maxphyaddr ^ k.eptp ^ k.secondary);
  if (vpids.OneIn(2)) {
    k.secondary |= kSecondaryVpid;
    k.vpid = static_cast<std::uint16_t>(1 + vpids.Below(3));
  }
  MakeEntryAcceptable(c);
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

std::uint64_t SomeGpa(Random& random) {
  static constexpr std::uint64_t kGranules[] = {k4K, k4K, k2M, k2M, k1G};
  std::uint64_t gpa = random.Pick(kGranules) * random.Below(4);
  if (random.OneIn(3)) gpa += k2M * random.Below(4);
  if (random.OneIn(3)) gpa += k4K * random.Below(4);
  if (random.OneIn(10)) gpa += k4K * 508;
  return gpa;
}

std::uint64_t SomeBytes(Random& random) {
  static constexpr std::uint64_t kGranules[] = {k4K, k4K, k4K, k2M, k2M, k1G};
  std::uint64_t bytes = random.Pick(kGranules) * (1 + random.Below(3));
  if (random.OneIn(4)) bytes += k4K * (1 + random.Below(3));
  return bytes;
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

// When a processor comes in between: for most at no time, or at the first
// store, which is the one between load and store of what has one entry.
std::uint8_t SomeMoments(Random& random) {
  static constexpr std::uint8_t kMoments[] = {0, 0, 0, 1, 1, 1, 2, 0x7f};
  if (random.OneIn(8)) return static_cast<std::uint8_t>(random.Below(0x80));
  return random.Pick(kMoments);
}

// When two operations at once change over: mostly before the first store of the
// one, which is the one between load and store of what has one entry.
std::uint8_t SomeSchedule(Random& random) {
  const std::uint64_t store = random.OneIn(4) ? random.Below(8) : 0;
  const std::uint64_t access = random.OneIn(2) ? random.Below(16) : 0;
  return static_cast<std::uint8_t>(store | access << 3);
}

// One of the operations so far, preferably one that maps; null if none is
// drawn.
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

// To a page that an access was to, or that some operation is about.
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

// `maps`: what is mapped comes first.
Step SomeOperation(Random& random, const Case& c, bool maps = false) {
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

void Insert(std::size_t at, const Step& step, Case& c) {
  if (c.steps.size() >= kMaxTableSteps) return;
  c.steps.insert(c.steps.begin() + static_cast<std::ptrdiff_t>(at), step);
}

void ChangeOperation(Random& random, TableOperation& operation) {
  switch (random.Below(10)) {
    case 0:
      operation.gpa.value ^= k4K << random.Below(random.OneIn(4) ? 40 : 19);
      break;
    case 1:
      operation.bytes ^= k4K << random.Below(19);
      break;
    case 2:
      operation.bytes = SomeBytes(random);
      break;
    case 3:
      operation.flags = SomeFlags(random);
      break;
    case 4:
      operation.flags ^= Bit(random.Below(64));
      break;
    case 5:
      operation.level = static_cast<std::uint8_t>(1 + random.Below(3));
      break;
    case 6:
      operation.failing_allocation =
          static_cast<std::uint16_t>(random.Below(5));
      break;
    case 7:
      operation.hpa.value ^= k4K << random.Below(40);
      break;
    case 8:
      operation.meanwhile = SomeMoments(random);
      break;
    default:
      operation.kind = static_cast<TableOperationKind>(
          random.Below(static_cast<unsigned>(TableOperationKind::kLogOn)));
      break;
  }
}

void ChangeStep(Random& random, Case& c) {
  Step& step = c.steps[random.Below(c.steps.size())];
  if (step.kind == StepKind::kTableOperation) {
    ChangeOperation(random, step.operation);
  } else if (random.OneIn(2)) {
    step.access.kind = static_cast<AccessKind>(random.Below(4));
  } else {
    step.gpa.value ^= k4K << random.Below(19);
  }
  Canonicalise(step);
}

void ChangeMachine(Random& random, Case& c) {
  Case other;
  GenerateTableMachine(random, other);
  if (random.OneIn(4)) {
    c.processor = other.processor;
    c.controls = other.controls;
    c.guest = other.guest;
    return;
  }
  static constexpr std::uint64_t kEptpBits[] = {kAccessedDirty, kAccessedDirty,
                                                kShadowStackAware, 0x8};
  static constexpr std::uint32_t kSecondaryBits[] = {
      kSecondaryMbec, kSecondarySpp, kSecondaryVe};
  switch (random.Below(4)) {
    case 0:
      c.controls.eptp ^= random.Pick(kEptpBits);
      break;
    case 1:
      c.controls.secondary ^= random.Pick(kSecondaryBits);
      break;
    case 2:
      c.processor = other.processor;
      break;
    default:
      c.guest = other.guest;
      break;
  }
}

// Brings in an access, then a change of what it used, then the access again:
// what a processor may still have cached would show.
void InsertWitness(Random& random, Case& c) {
  const Step access = SomeAccess(random, c);
  const std::size_t at = 1 + random.Below(c.steps.size());
  Insert(std::min(at, c.steps.size()), access, c);
  const std::size_t later = std::min(at + 1 + random.Below(3), c.steps.size());
  Step again = access;
  if (random.OneIn(2)) again.access.kind = AccessKind::kWrite;
  Canonicalise(again);
  Insert(later, again, c);
}

// On a page that may be mapped.
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
    Insert(at + 1 + i, step, c);
  }
}

// Brings in a read of a page that may be mapped, which sets its accessed flag,
// and an operation on it, before whose first store a write sets the dirty flag.
void InsertRace(Random& random, Case& c) {
  static constexpr TableOperationKind kKinds[] = {
      TableOperationKind::kClearFlags, TableOperationKind::kClearFlags,
      TableOperationKind::kProtect,    TableOperationKind::kUnmap,
      TableOperationKind::kSplit,      TableOperationKind::kUnmapRegion};
  const Step* found = SomeOther(random, c);
  if (found == nullptr || c.steps.size() + 2 > kMaxTableSteps) return;
  const auto at = static_cast<std::size_t>(found - c.steps.data());
  Step read;
  read.gpa = Gpa{found->operation.gpa.value & ~(k4K - 1)};
  Step step;
  step.kind = StepKind::kTableOperation;
  step.operation = found->operation;
  step.operation.kind = random.Pick(kKinds);
  step.operation.bytes = k4K;
  step.operation.failing_allocation = 0;
  step.operation.meanwhile = 1;
  if (step.operation.kind == TableOperationKind::kClearFlags) {
    step.operation.flags = Union({kAccessed, random.OneIn(2) ? kDirty : 0});
  }
  for (Step* each : {&step, &read}) {
    Canonicalise(*each);
    Insert(at + 1, *each, c);
  }
}

// Brings in a log: of a page that may be mapped writes come before it,
// meanwhile and after it, and it is told what there is.
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
    Insert(at++, step, c);
  }
}

// Begins with pages that take tables of their own, so many that there is room
// for few others, or for none.
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
    Insert(i, steps[i], c);
  }
}

void MutateOnce(Random& random, Case& c) {
  const std::size_t at = random.Below(c.steps.size() + 1);
  switch (random.Below(12)) {
    case 0:
    case 1:
      Insert(at, SomeOperation(random, c), c);
      break;
    case 2:
      Insert(at, SomeAccess(random, c), c);
      break;
    case 3:
      InsertWitness(random, c);
      break;
    case 4:
      if (c.steps.size() > 1) {
        c.steps.erase(c.steps.begin() + static_cast<std::ptrdiff_t>(
                                            random.Below(c.steps.size())));
      }
      break;
    case 5:
      if (c.steps.size() > 1) {
        std::swap(c.steps[random.Below(c.steps.size())],
                  c.steps[random.Below(c.steps.size())]);
      }
      break;
    case 6:
      ChangeMachine(random, c);
      break;
    case 7:
      InsertPair(random, c);
      break;
    case 8:
      InsertRace(random, c);
      break;
    default:
      ChangeStep(random, c);
      break;
  }
}

}  // namespace

void GenerateTableCase(std::uint64_t seed, Case& c) {
  Random random(seed);
  GenerateTableMachine(random, c);
  const std::size_t operations = 1 + random.Below(8);
  for (std::size_t i = 0; i < operations; ++i) {
    const bool maps = i == 0 || (i == 1 && random.OneIn(2));
    c.steps.push_back(SomeOperation(random, c, maps));
    while (random.OneIn(2) && c.steps.size() < kMaxTableSteps) {
      c.steps.push_back(SomeAccess(random, c));
    }
    if (c.steps.size() >= kMaxTableSteps) break;
  }
  if (random.OneIn(6)) InsertPair(random, c);
  if (random.OneIn(6)) InsertRace(random, c);
}

void MutateTableCase(std::uint64_t seed, Case& c) {
  Random random(seed);
  if (c.steps.size() > kMaxTableSteps) c.steps.resize(kMaxTableSteps);
  if (!HasTableOperations(c)) {
    Insert(0, SomeOperation(random, c), c);
    if (!HasTableOperations(c)) c.steps[0] = SomeOperation(random, c);
  }
  do {
    MutateOnce(random, c);
  } while (random.OneIn(3));
}

void InsertPair(std::uint64_t seed, Case& c) {
  Random random(seed);
  InsertPair(random, c);
}

void InsertLog(std::uint64_t seed, Case& c) {
  Random random(seed);
  InsertLog(random, c);
}

void InsertTables(std::uint64_t seed, std::uint64_t frames, Case& c) {
  Random random(seed);
  InsertTables(random, frames, c);
}

void CrossOverTableCases(const Case& a, const Case& b, std::uint64_t seed,
                         Case& child) {
  Random random(seed);
  child = a;
  child.steps.resize(
      random.Below(std::min(a.steps.size(), kMaxTableSteps) + 1));
  for (std::size_t i = random.Below(b.steps.size() + 1);
       i < b.steps.size() && child.steps.size() < kMaxTableSteps; ++i) {
    child.steps.push_back(b.steps[i]);
  }
}

}  // namespace eptdiff
