#include "fuzzers/generation/table_generation.h"

#include <algorithm>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/generation/table_insertions.h"
#include "fuzzers/generation/table_steps.h"
#include "oracle/acceptable_state.h"

namespace eptdiff {
namespace {

using namespace bits;

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

void MutateOnce(Random& random, Case& c) {
  const std::size_t at = random.Below(c.steps.size() + 1);
  switch (random.Below(12)) {
    case 0:
    case 1:
      InsertStep(at, SomeOperation(random, c), c);
      break;
    case 2:
      InsertStep(at, SomeAccess(random, c), c);
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
    InsertStep(0, SomeOperation(random, c), c);
    if (!HasTableOperations(c)) c.steps[0] = SomeOperation(random, c);
  }
  do {
    MutateOnce(random, c);
  } while (random.OneIn(3));
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
