// Whatever depends on the processor and the controls alone, computed once.
//
// The hot walk asks of each entry one question, (entry & mask) == value,
// with one pattern for tables and one for each size of leaf:
//
//   mask   reserved bits | bits that the use needs
//   value                  bits that the use needs
//
// where bit 7 counts as reserved in a table entry and as needed in a large
// page. An entry that fits is present (WALK-3, WALK-4), readable and so not
// misconfigured by its rights (CFG-1 to CFG-4), has no reserved bit (CFG-5 to
// CFG-10), is of the expected kind (WALK-5, CFG-7), allows the use (VIO-2 to
// VIO-12) and, with EPTP bit 6, has the flags already that the use would set
// (AD-1 to AD-3), so that nothing is written and nothing can be logged. Only
// the memory type of a leaf is left (CFG-11, see memory_type.h). An entry that
// does not fit may still be good: an execute-only page, a flag to be set.
// Classify() and the rights say so; they are the cold path's.
//
// Thread-safety: immutable after construction.
#ifndef EPTDIFF_ENGINE_WALK_CONTEXT_H_
#define EPTDIFF_ENGINE_WALK_CONTEXT_H_

#include <array>
#include <cstdint>

#include "engine/bits.h"
#include "engine/types.h"
#include "engine/walk/use.h"

namespace eptdiff::engine {

// The bits of an entry that have to be `value` where `mask` has a one. If
// `value` has a one where `mask` has none, no entry fits.
struct Pattern {
  std::uint64_t mask = 0;
  std::uint64_t value = 0;
  bool Fits(std::uint64_t entry) const { return (entry & mask) == value; }
};

// No entry fits.
inline constexpr Pattern kNothing = {.mask = 0, .value = 1};

// What the hot walk expects of the entries for one use.
struct Expectation {
  Pattern table;
  Pattern page_4k, page_2m, page_1g;

  // The same, whatever the accessed and dirty flags are.
  Expectation WithoutFlags() const {
    constexpr std::uint64_t kKept = ~(bits::kAccessed | bits::kDirty);
    return {{table.mask & kKept, table.value & kKept},
            {page_4k.mask & kKept, page_4k.value & kKept},
            {page_2m.mask & kKept, page_2m.value & kKept},
            {page_1g.mask & kKept, page_1g.value & kKept}};
  }
};

// What the entries used must grant (VIO-2 to VIO-6, VIO-8 to VIO-12).
struct Rights {
  std::uint64_t table = 0;         // each of these bits, in each table entry
  std::uint64_t leaf = 0;          // each of these, in the leaf ...
  std::uint64_t leaf_either = 0;   // ... or any of these (VIO-11)
  bool writes = false;             // sets the leaf's dirty flag
  bool sub_page = false;           // SPP may apply (SPP-1, SPP-2)
  std::uint8_t qualification = 0;  // bits 2:0
};

enum class EntryKind : std::uint8_t {
  kNotPresent,
  kMisconfigured,
  kTable,
  kLeaf,
};

// How wide physical addresses are: CPUID's width less the bits of key
// identifiers (2026, 31.3.1). Guest-physical addresses are as wide as CPUID
// says.
int PhysicalWidth(const Processor& processor);

class EptContext {
 public:
  // With values that CheckControls() refuses, answers are well-defined and
  // meaningless. CPUID's width and what is left of it are 32 to 52.
  EptContext(const Processor& processor, const Controls& controls);

  bool enabled() const { return enabled_; }
  bool five_level() const { return five_level_; }
  // No EPT walk begins for a GPA above this (WALK-2) ...
  std::uint64_t last_gpa() const { return last_gpa_; }
  // ... and no GPA is above this.
  std::uint64_t widest_gpa() const { return widest_gpa_; }
  // For those who make and read tables: GPAs are as wide as EPT translates.
  void ReachAll();
  // The address of the PML4 or PML5 table (WALK-9).
  std::uint64_t root() const { return root_; }

  const Expectation& ExpectationOf(Use use) const {
    return expectations_[static_cast<std::size_t>(use)];
  }
  const Rights& RightsOf(Use use) const {
    return rights_[static_cast<std::size_t>(use)];
  }

  // As what EPT has to take an access by linear address (VIO-4 to VIO-7,
  // VIO-12): a supervisor-mode access or not, to a user-mode address or not. Of
  // what IsAccessKind() does not know: as a read.
  Use UseOf(AccessKind kind, bool supervisor, bool user_page) const;
  // The same for kinds for which nothing else matters.
  static constexpr bool IsData(AccessKind kind) {
    return kind <= AccessKind::kReadModifyWrite;
  }
  static constexpr Use DataUseOf(AccessKind kind) {
    return static_cast<Use>(kind);
  }

  // What `entry` is at `level` (5 to 1), without regard to any use.
  EntryKind Classify(std::uint64_t entry, int level) const;

  bool access_dirty() const { return access_dirty_; }
  bool logging() const { return logging_; }  // PML operates (CTL-5)
  bool mbec() const { return mbec_; }
  bool shadow_stack_control() const { return shadow_stack_control_; }
  bool sub_page() const { return sub_page_; }
  bool violation_ve() const { return violation_ve_; }
  // Accesses to the APIC-access page exit. The hot walk then knows no access.
  bool apic_page() const { return apic_page_; }
  bool advanced_exit() const { return advanced_exit_; }
  // EPTP bits 2:0: how the EPT paging structures are accessed (MT-1).
  MemoryType structure_type() const { return structure_type_; }
  // Bits 63:M, reserved in SPP entries.
  std::uint64_t beyond_width() const { return beyond_width_; }

 private:
  void SetRights();
  void SetExpectations();

  std::array<Expectation, kUseCount> expectations_;
  std::array<Rights, kUseCount> rights_;
  std::uint64_t last_gpa_;
  std::uint64_t widest_gpa_;
  std::uint64_t root_;
  std::uint64_t beyond_width_;
  std::uint64_t present_;         // any of these: present
  std::uint64_t executable_;      // any of these: executable by someone
  std::uint64_t entry_reserved_;  // in every entry: bits 51:M (CFG-10)
  MemoryType structure_type_;
  bool enabled_;
  bool five_level_;
  bool access_dirty_;
  bool logging_;
  bool mbec_;
  bool shadow_stack_control_;
  bool sub_page_;
  bool paging_write_;
  bool violation_ve_;
  bool apic_page_;
  bool execute_only_;
  bool advanced_exit_;
  bool has_2m_;
  bool has_1g_;
};

static_assert(EptContext::DataUseOf(AccessKind::kRead) == Use::kRead &&
              EptContext::DataUseOf(AccessKind::kWrite) == Use::kWrite &&
              EptContext::DataUseOf(AccessKind::kReadModifyWrite) ==
                  Use::kReadModifyWrite);

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_WALK_CONTEXT_H_
