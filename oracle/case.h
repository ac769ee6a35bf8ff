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
};
inline constexpr int kStepKindCount = 7;

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

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_CASE_H_
