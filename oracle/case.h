// The question: one Case is everything that is needed to reproduce it.
//
// Shape: a processor, the VMCS controls, the guest's registers, sparse host
// memory, and steps. VM entry is step 0 of every case and is not listed.
// Thread-safety: plain values.
#ifndef EPTDIFF_ORACLE_CASE_H_
#define EPTDIFF_ORACLE_CASE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/types.h"

namespace eptdiff {

// Limits of a case. Words and steps share one, so that the byte encoding stays
// local: no record's meaning depends on how many of its kind came before.
inline constexpr std::size_t kMaxRecords = 2048;        // words + steps
inline constexpr std::size_t kMaxEncodedBytes = 65536;  // byte encoding
inline constexpr std::uint8_t kMaxAccessBytes = 64;

// Eight bytes of host-physical memory. What no word names reads as 0; if two
// words name the same address, the later one holds.
struct MemoryWord {
  Hpa address = {};  // 8-byte aligned
  std::uint64_t value = 0;
  friend bool operator==(const MemoryWord&, const MemoryWord&) = default;
};

enum class StepKind : std::uint8_t {
  kGuestPhysicalAccess,    // an access to `gpa` that translated from page.gla
  kLinearAccess,           // an access to `gla`
  kPagingStructureRead,    // the processor reads a guest entry at `gpa` ...
  kPagingStructureUpdate,  // ... or sets its A or D flag, for page.gla
  kPdpteLoad,              // MOV to CR loads the PDPTE registers from CR3
  kStore,                  // software stores `value` at `hpa`
  kEptpSwitch,             // VMFUNC leaf 0 with ECX = `index`
  kTableOperation,         // a table builder is asked for `operation`
};
inline constexpr int kStepKindCount = 8;

// What a builder of tables can be asked for: TableBuilder's functions of these
// names.
enum class TableOperationKind : std::uint8_t {
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
inline constexpr int kTableOperationKindCount = 10;

// A case with one is about a builder: it makes the tables in an empty root at
// EPTP's address, and takes its frames from there on. A kind uses the fields
// named with it, as above.
struct TableOperation {
  TableOperationKind kind = TableOperationKind::kMap;
  std::uint8_t level = 1;  // kMap, kMapRegion: of the (largest) page, 1 to 3
  // Of the frames that the operation asks for, the one that is not to be had,
  // from 1 on; 0: all are. At most kMaxFailingAllocation.
  std::uint16_t failing_allocation = 0;
  Gpa gpa = {};
  Hpa hpa = {};             // kMap, kRemap, kMapRegion; a multiple of 2048
  std::uint64_t bytes = 0;  // of regions; a multiple of 2048
  std::uint64_t flags = 0;  // kMap*, kRemap, kProtect*, kClearFlags: bits of
                            // an entry but 51:12 and 7
  friend bool operator==(const TableOperation&,
                         const TableOperation&) = default;
};
inline constexpr std::uint16_t kMaxFailingAllocation = 4095;

// One step. A kind uses the fields named with it and ignores the others; an
// unused field keeps its default in a canonical case.
struct Step {
  StepKind kind = StepKind::kGuestPhysicalAccess;
  Access access = {};       // kGuestPhysicalAccess, kLinearAccess
  Gpa gpa = {};             // kGuestPhysicalAccess, kPagingStructure*
  Gla gla = {};             // kLinearAccess
  GuestPage page = {};      // kGuestPhysicalAccess; kPagingStructure*: gla and
                            // pat_index (gla_valid is true for those)
  Hpa hpa = {};             // kStore; 8-byte aligned
  std::uint64_t value = 0;  // kStore
  std::uint32_t index = 0;  // kEptpSwitch
  TableOperation operation = {};  // kTableOperation
  friend bool operator==(const Step&, const Step&) = default;
};

struct Case {
  Processor processor;
  Controls controls;
  GuestState guest;
  std::vector<MemoryWord> memory;
  std::vector<Step> steps;
  friend bool operator==(const Case&, const Case&) = default;
};

// Whether a builder has to answer some step of `c`.
inline bool HasTableOperations(const Case& c) {
  for (const Step& step : c.steps) {
    if (step.kind == StepKind::kTableOperation) return true;
  }
  return false;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_CASE_H_
