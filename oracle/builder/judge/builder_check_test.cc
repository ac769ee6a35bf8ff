// Random operations: TableBuilder breaks no rule, and each planted fault is
// noticed.
#include "oracle/builder/judge/builder_check.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "oracle/builder/planted/faulty_pool.h"

namespace eptdiff {
namespace {

constexpr std::uint64_t k4K = 0x1000, k2M = 0x200000, k1G = 0x40000000;

struct Setting {
  const char* words;
  std::uint64_t eptp;
  std::uint64_t missing;  // capabilities
  std::uint32_t secondary;
  std::uint64_t unused;
};
constexpr Setting kSettings[] = {
    {"everything", 0x1e, 0, 0, 0},
    {"accessed and dirty", 0x5e, 0, 0, 0},
    {"5 levels, suppressed #VE", 0x66, 0, 0, 1ull << 63},
    {"no 1-GByte and execute-only pages", 0x5e, 1ull << 17 | 1, 0, 0},
    {"4-KByte pages only", 0x1e, 3ull << 16, 0, 0},
    {"mode-based execution", 0x1e, 0, 1u << 22, 1ull << 63},
    {"sub-page permissions", 0x5e, 0, 1u << 23, 0},
};

// What else a subject gets wrong: it does another operation.
using Confuse = void (*)(TableOperation&);

class World {
 public:
  explicit World(const Setting& setting, PoolFault fault = PoolFault::kNone,
                 Confuse confuse = nullptr)
      : random_(1), confuse_(confuse) {
    Processor processor;
    processor.maxphyaddr = 46;
    processor.ept_vpid_cap = 0x003f0f0106f341c1 & ~setting.missing;
    small_ = (setting.missing >> 16 & 1) != 0;
    Controls controls;
    controls.primary = 0x80020000;
    controls.secondary = 2 | setting.secondary;
    controls.eptp = setting.eptp;
    facts_ = FactsOf(processor, controls, setting.unused);
    TableError error;
    builder_ = std::make_unique<Builder>(*Builder::Create(
        pool_, processor, controls, error, EptEntry(setting.unused)));
    pool_.eptp = builder_->eptp();
    check_ =
        std::make_unique<BuilderCheck>(pool_.pool, facts_, builder_->eptp());
    EXPECT_TRUE(check_->creation().empty());
    pool_.fault = fault;
  }

  // An operation; now and then with each of its allocations failing in turn.
  BuilderFindings Step() {
    UsePages();
    const TableOperation operation = Some();
    TableOperation done = operation;
    if (confuse_ != nullptr) confuse_(done);
    const int attempts = Pick(4) == 0 ? 6 : 0;
    for (int n = 1; n <= attempts; ++n) {
      pool_.pool.FailAllocation(n);
      BuilderFindings findings = check_->RunOther(*builder_, done, operation);
      if (!findings.empty()) return findings;
      if (!pool_.pool.failed()) return {};
    }
    pool_.pool.FailAllocation(0);
    BuilderFindings findings = check_->RunOther(*builder_, done, operation);
    pool_.Flush();
    return findings;
  }

  BuilderFindings End() {
    builder_.reset();
    pool_.Flush();
    return check_->JudgeEnd();
  }

 private:
  using Builder = TableBuilder<FaultyPool>;

  int Pick(int n) { return static_cast<int>(random_() % n); }

  TableOperation Some() {
    constexpr std::uint64_t kGranules[] = {k4K, k2M, k1G};
    const std::uint64_t granule = kGranules[Pick(small_ ? 2 : 3)];
    TableOperation operation;
    operation.kind = static_cast<TableOperationKind>(Pick(10));
    if (Pick(3) == 0) operation.kind = TableOperationKind::kMapRegion;
    if (operation.kind == TableOperationKind::kClearFlags &&
        !facts_.accessed_dirty) {
      operation.kind = TableOperationKind::kProtectRegion;
    }
    operation.gpa.value = granule * Pick(4) +
                          (Pick(3) == 0 ? k4K * Pick(4) : 0) +
                          (Pick(3) == 0 ? k2M * Pick(3) : 0);
    operation.bytes = granule * (1 + Pick(3)) + (Pick(4) == 0 ? k4K : 0);
    operation.hpa.value = operation.gpa.value + k1G * (4 + Pick(8));
    if (Pick(4) == 0) operation.hpa.value += kGranules[Pick(2)];
    const bool fits =
        !small_ && operation.hpa.value % k2M == operation.gpa.value % k2M;
    operation.flags = SomeFlags();
    operation.level = 1 + Pick(3);
    if (operation.bytes > 4 * k2M &&
        operation.kind == TableOperationKind::kMapRegion) {
      // Not too many 4-KByte pages.
      if (operation.level == 1) operation.level = 2;
      if (!fits || (operation.flags >> 61 & 1) != 0) operation.bytes = 4 * k2M;
    }
    if ((operation.flags >> 61 & 1) != 0 &&
        operation.kind == TableOperationKind::kProtectRegion) {
      operation.bytes = k4K;
    }
    constexpr std::uint64_t kWrong[] = {1, 0x800, 1ull << 46, 1ull << 52};
    if (Pick(40) == 0) operation.gpa.value += kWrong[Pick(4)];
    if (Pick(40) == 0) operation.hpa.value += kWrong[Pick(4)];
    if (Pick(40) == 0) operation.bytes = Pick(2) == 0 ? 0 : 0x1800;
    return operation;
  }

  std::uint64_t SomeFlags() {
    constexpr std::uint64_t kRights[] = {7, 7, 3, 1, 5, 4};
    constexpr int kOthers[] = {6, 8, 9, 10, 11, 52, 59, 61, 62, 63};
    std::uint64_t flags = kRights[Pick(6)] | (Pick(3) == 0 ? 0 : 6 << 3);
    if (Pick(2) == 0) flags |= 1ull << kOthers[Pick(10)];
    if (Pick(20) == 0) flags ^= random_() & 0xfff0000000000f7f;
    return flags;
  }

  // As a processor that sets accessed and dirty flags.
  void UsePages() {
    if (!facts_.accessed_dirty) return;
    const std::uint64_t gpa = k1G * Pick(4) + k2M * Pick(4) + k4K * Pick(4);
    Hpa table{builder_->eptp() & 0x000ffffffffff000};
    for (int level = facts_.levels;; --level) {
      const Hpa at{table.value + gpa / EntryBytes(level) % 512 * 8};
      const std::uint64_t word = *pool_.pool.memory().At(at);
      if (!IsPresent(facts_, word)) return;
      const bool leaf = IsLeaf(word, level);
      pool_.pool.SetFlags(at, leaf && (word & 2) != 0 ? 0x300 : 0x100);
      if (leaf) return;
      table = Hpa{AddressIn(word)};
    }
  }

  std::mt19937_64 random_;
  Confuse confuse_;
  bool small_ = false;
  TableFacts facts_;
  FaultyPool pool_;
  std::unique_ptr<Builder> builder_;
  std::unique_ptr<BuilderCheck> check_;
};

class BuilderCheckTest : public testing::TestWithParam<Setting> {};

TEST_P(BuilderCheckTest, TableBuilderBreaksNoRule) {
  World world(GetParam());
  for (int i = 0; i < 1000; ++i) {
    const BuilderFindings findings = world.Step();
    ASSERT_TRUE(findings.empty())
        << GetParam().words << ", step " << i << ": " << findings[0].sentence;
  }
  const BuilderFindings findings = world.End();
  EXPECT_TRUE(findings.empty()) << findings[0].sentence;
}

INSTANTIATE_TEST_SUITE_P(Settings, BuilderCheckTest,
                         testing::ValuesIn(kSettings));

// Whether one of the settings, few operations each, shows that `rule` broke.
testing::AssertionResult IsNoticed(BuilderRule rule, PoolFault fault,
                                   Confuse confuse = nullptr) {
  std::string others;
  for (const Setting& setting : kSettings) {
    World world(setting, fault, confuse);
    BuilderFindings findings;
    for (int i = 0; i < 200 && findings.empty(); ++i) findings = world.Step();
    for (const BuilderFinding& finding : findings) {
      if (finding.rule == rule) return testing::AssertionSuccess();
      others += finding.sentence + "; ";
    }
  }
  return testing::AssertionFailure() << "not noticed, but: " << others;
}

TEST(BuilderFaultTest, EachFaultBetweenBuilderAndMemoryIsNoticed) {
  constexpr struct {
    PoolFault fault;
    BuilderRule rule;
  } kFaults[] = {
      {PoolFault::kStoreDropped, BuilderRule::kInveptNeeded},
      {PoolFault::kStoreUnreported, BuilderRule::kInveptNeeded},
      {PoolFault::kPermissionLost, BuilderRule::kOldOrNew},
      {PoolFault::kMemoryTypeLost, BuilderRule::kOldOrNew},
      {PoolFault::kAddressCut, BuilderRule::kOldOrNew},
      {PoolFault::kSoftwareBitsLost, BuilderRule::kOldOrNew},
      {PoolFault::kAccessedLost, BuilderRule::kFlagsKept},
      {PoolFault::kUnusedWrong, BuilderRule::kUnusedEntry},
      {PoolFault::kLinkedBeforeFilled, BuilderRule::kEntry},
      {PoolFault::kInveptSwallowed, BuilderRule::kInvept},
      {PoolFault::kInveptTwice, BuilderRule::kInveptOnce},
      {PoolFault::kInveptForNothing, BuilderRule::kInveptNeeded},
      {PoolFault::kInveptBeforeStore, BuilderRule::kInvept},
      {PoolFault::kInveptOtherEptp, BuilderRule::kInveptEptp},
      {PoolFault::kFreedEarly, BuilderRule::kFreedEarly},
      {PoolFault::kFreedTwice, BuilderRule::kFreedTwice},
      {PoolFault::kNeverFreed, BuilderRule::kLeak},
      {PoolFault::kFreedLinked, BuilderRule::kFreedLinked},
  };
  for (const auto& [fault, rule] : kFaults) {
    EXPECT_TRUE(IsNoticed(rule, fault)) << "fault " << static_cast<int>(fault);
  }
}

TEST(BuilderFaultTest, EachOperationThatDoesAnotherIsNoticed) {
  constexpr Confuse kConfusions[] = {
      [](TableOperation& operation) {  // unmaps the whole large page
        if (operation.kind != TableOperationKind::kUnmapRegion) return;
        operation.gpa.value &= ~(k2M - 1);
        operation.bytes = (operation.bytes + k2M - 1) & ~(k2M - 1);
      },
      [](TableOperation& operation) {  // does nothing about rights
        if (operation.kind == TableOperationKind::kProtectRegion) {
          operation.kind = TableOperationKind::kMergeRegion;
        }
      },
      [](TableOperation& operation) {  // forgets the last page
        if (operation.kind == TableOperationKind::kMapRegion)
          operation.bytes -= k4K;
      },
      [](TableOperation& operation) {  // maps one page too far
        if (operation.kind == TableOperationKind::kMapRegion)
          operation.hpa.value += k4K;
      },
      [](TableOperation& operation) {  // keeps the old address
        if (operation.kind == TableOperationKind::kRemap) {
          operation.kind = TableOperationKind::kProtect;
        }
      },
  };
  for (const Confuse confuse : kConfusions) {
    const bool is_noticed =
        IsNoticed(BuilderRule::kOldOrNew, PoolFault::kNone, confuse) ||
        IsNoticed(BuilderRule::kMapsAsAsked, PoolFault::kNone, confuse);
    EXPECT_TRUE(is_noticed);
  }
}

}  // namespace
}  // namespace eptdiff
