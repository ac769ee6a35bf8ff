// A Hal between the engine's builder and the pool that makes mistakes: those of
// builders that can be made store by store, or call by call.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_PLANTED_FAULTY_HAL_H_
#define EPTDIFF_ORACLE_BUILDER_PLANTED_FAULTY_HAL_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/types.h"
#include "oracle/builder/frame_pool.h"
#include "oracle/builder/judge/engine_builder.h"
#include "oracle/builder/table_facts.h"
#include "oracle/case.h"

namespace eptdiff {

// planted_builder.cc says what they are.
enum class Fault : std::uint8_t {
  kSplitDropsPermission,
  kSplitNotStored,
  kUnmapClearsLargePage,
  kInveptMissingForWrite,
  kInveptNever,
  kFreedBeforeInvept,
  kFreedByFirstEntry,
  kLinkedBeforeFilled,
  kAddress32Bits,
  kProtectSkipsLargePages,
  kHoleEndsRegion,
  kOverlapAccepted,
  kRefusedAfterChange,
  kIterationSkipsLast,
  kLinkedTwice,
  kEmptyTableStays,
  kIgnoredBitsLost,
  kUnreportedStore,
  kStoreAfterFree,
  kEndKeepsRoot,
  kEndWithoutInvept,
  kRemovedSkipsLast,
  kRemovedFlagsEarly,
  kFlagsRaced,
};

class FaultSet {
 public:
  constexpr bool Has(Fault fault) const {
    return (bits_ >> static_cast<int>(fault) & 1) != 0;
  }
  constexpr void Add(Fault fault) {
    bits_ |= std::uint32_t{1} << static_cast<int>(fault);
  }
  constexpr bool empty() const { return bits_ == 0; }

 private:
  std::uint32_t bits_ = 0;
};

class FaultyHal : public PoolHal {
 public:
  FaultSet faults;
  TableFacts facts;

  // An operation begins, or the builder's end.
  void Begin(TableOperationKind kind, bool creating = false);
  void BeginEnd();
  // It is over: what has been held back comes.
  void Finish();
  // INVEPT has been executed, or held back, since Begin().
  bool invepts() const { return invepts_; }
  // INVEPT that is held back does not come any more.
  void ForgetInvept() { invept_ = false; }

  std::optional<Hpa> AllocateFrame();
  void FreeFrame(Hpa frame);
  void Invept(std::uint64_t eptp);
  void BeforeStore(Hpa address);
  void OnStore(Hpa address, std::uint64_t before, std::uint64_t after);

 private:
  bool IsFresh(std::uint64_t frame) const;
  bool IsMapping() const;
  std::uint64_t Put(Hpa address, std::uint64_t word);
  void ReportHeld();

  TableOperationKind kind_ = TableOperationKind::kMap;
  std::vector<std::uint64_t> fresh_;  // frames of this operation
  std::optional<TableEvent> held_fill_;
  bool invepts_ = false;
  bool invept_ = false;  // is held back
  bool removes_write_ = false;
  bool changes_more_ = false;
  bool creating_ = false;
  bool ending_ = false;
  std::uint64_t eptp_ = 0;
  MemoryWord linked_;  // a new table that is to be linked once more
  MemoryWord raced_;   // flags that the store to come overwrites
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_PLANTED_FAULTY_HAL_H_
