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
inline constexpr std::uint16_t kMaxAccessBytes = 4096;

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
  // VMFUNC leaf `value` (EAX) with ECX = `index`. Beside table operations the
  // list of EPTPs is that of the builder's views.
  kEptpSwitch,
  kTableOperation,  // a table builder is asked for `operation`
  // The guest gives `reg` the value `value`. What could cause a VM exit, but is
  // in no case, does not: guest/host masks of CR0 and CR4 and the CR3-target
  // count are 0; WRMSR passes, whatever "use MSR bitmaps" (26.1.3) is.
  kRegisterWrite,
  // A VM exit, whatever its reason; software gives the VMCS field whose
  // encoding (appendix B) is `index` the value `value`, and enters the guest
  // again. Where the exit leaves PDPTE fields undefined (28.3.4), software
  // gives them what the registers held.
  kVmEntry,
  kInvalidation,  // `invalidation`
};
inline constexpr int kStepKindCount = 11;
inline constexpr int kGuestRegisterCount = 9;  // of GuestRegister

// INVEPT and INVVPID are software's, between a VM exit and a VM entry; INVLPG
// and INVPCID the guest's.
enum class InvalidationKind : std::uint8_t {
  kInvept,
  kInvvpid,
  kInvlpg,
  kInvpcid,
};
inline constexpr int kInvalidationKindCount = 4;

struct Invalidation {
  InvalidationKind kind = InvalidationKind::kInvept;
  std::uint8_t type = 0;  // the register operand; not of INVLPG
  // The descriptor: EPTP; or VPID or PCID, and above it what is reserved. And
  // what follows it: reserved, or the linear address, also that of INVLPG.
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  friend bool operator==(const Invalidation&, const Invalidation&) = default;
};

// Logical processors that share the memory. Each begins as the case says.
inline constexpr int kLogicalProcessors = 4;

// What a builder of tables can be asked for: TableBuilder's functions of these
// names; and, of one that keeps a log of what the guest writes to, about that.
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
  kLogOn,     // from now on it is noted which pages are written to
  kLogOff,    // ... and no more; what was noted is forgotten
  kLogAsk,    // which pages of a region were
  kLogClear,  // likewise; and that they were is forgotten
};
inline constexpr int kTableOperationKindCount = 14;
constexpr bool IsAboutLog(TableOperationKind kind) {
  return kind >= TableOperationKind::kLogOn;
}

// The tables of a builder that has several, of which each logical processor
// uses one at a time: 0 is the first. And for an operation on all of them.
inline constexpr int kMaxViews = 4;
inline constexpr std::uint8_t kAllViews = kMaxViews;

// A case with one is about a builder: it makes the tables in an empty root at
// EPTP's address, and takes its frames from there on. A kind uses the fields
// named with it, as above.
struct TableOperation {
  TableOperationKind kind = TableOperationKind::kMap;
  std::uint8_t level = 1;  // kMap, kMapRegion: of the (largest) page, 1 to 3
  // Of the frames that the operation asks for, the one that is not to be had,
  // from 1 on; 0: all are. At most kMaxFailingAllocation.
  std::uint16_t failing_allocation = 0;
  // When a processor comes in between: bit n, 0 to 5, just before the (n + 1)th
  // store to a table in use, and bit 6 before each that follows, it writes to
  // the page that the entry maps, or reads what it may not write to. Of an
  // operation that runs beside another one: when they change over (turns.h).
  std::uint8_t meanwhile = 0;
  std::uint8_t view = 0;    // of a builder that has several tables: which; or
                            // kAllViews; not kLog*, which are about all
  Gpa gpa = {};             // not kLogOn, kLogOff
  Hpa hpa = {};             // kMap, kRemap, kMapRegion; a multiple of 2048
  std::uint64_t bytes = 0;  // of regions; a multiple of 2048
  std::uint64_t flags = 0;  // kMap*, kRemap, kProtect*, kClearFlags: bits of
                            // an entry but 51:12 and 7
  friend bool operator==(const TableOperation&,
                         const TableOperation&) = default;
};
inline constexpr std::uint16_t kMaxFailingAllocation = 4095;
inline constexpr std::uint8_t kMaxMeanwhile = 0x7f;

// One step. A kind uses the fields named with it and ignores the others; an
// unused field keeps its default in a canonical case.
struct Step {
  StepKind kind = StepKind::kGuestPhysicalAccess;
  std::uint8_t processor = 0;  // on which it happens, 0 to 3; not kStore;
                               // kTableOperation: 1 runs beside the step before
  Access access = {};          // kGuestPhysicalAccess, kLinearAccess
  Gpa gpa = {};                // kGuestPhysicalAccess, kPagingStructure*
  Gla gla = {};                // kLinearAccess
  GuestPage page = {};      // kGuestPhysicalAccess; kPagingStructure*: gla and
                            // pat_index (gla_valid is true for those)
  Hpa hpa = {};             // kStore; 8-byte aligned
  std::uint64_t value = 0;  // kStore, kEptpSwitch, kRegisterWrite, kVmEntry
  std::uint32_t index = 0;  // kEptpSwitch, kVmEntry
  GuestRegister reg = GuestRegister::kCr0;  // kRegisterWrite
  Invalidation invalidation = {};           // kInvalidation
  TableOperation operation = {};            // kTableOperation
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

// Whether `step` is VM entry; null is the first.
constexpr bool IsEntry(const Step* step) {
  return step == nullptr || step->kind == StepKind::kVmEntry;
}

// Whether a builder has to answer some step of `c`.
inline bool HasTableOperations(const Case& c) {
  for (const Step& step : c.steps) {
    if (step.kind == StepKind::kTableOperation) return true;
  }
  return false;
}

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_CASE_H_
