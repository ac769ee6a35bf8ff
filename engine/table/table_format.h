// What entries may say on one processor under one set of controls, and which
// changes of them a processor has to be told of.
// Thread-safety: immutable after construction.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_FORMAT_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_FORMAT_H_

#include <cstdint>

#include "engine/table/ept_entry.h"
#include "engine/table/table_error.h"
#include "engine/types.h"
#include "engine/walk/context.h"

namespace eptdiff::engine {

class TableFormat {
 public:
  // The controls pass CheckControls().
  TableFormat(const Processor& processor, const Controls& controls);

  // 4 or 5.
  int levels() const { return context_.five_level() ? 5 : 4; }
  // One beyond the last guest-physical address: 2^48, or 2^52 with 5 levels,
  // whose 57 bits an address never reaches (29.3.2, note 3).
  std::uint64_t gpa_end() const { return context_.last_gpa() + 1; }
  // One beyond the last host-physical address.
  std::uint64_t hpa_end() const { return hpa_end_; }

  bool mbec() const { return context_.mbec(); }
  // EPTP bit 6: processors set flags in live entries.
  bool accessed_dirty() const { return context_.access_dirty(); }
  const EptContext& context() const { return context_; }

  // An entry is present if it has any of these.
  std::uint64_t present() const { return present_; }
  bool IsPresent(std::uint64_t entry) const { return (entry & present_) != 0; }

  // Whether `flags` can be had: kNoAccess, kMisconfigured, and kUnsupported for
  // execute-only pages without the capability, and for flags that would be
  // ignored because their control is 0 (57, 58, 60, 61, and bit 10 without bit
  // 2). Bits 10 and 63 may always be there: where they are ignored, nothing is
  // denied to user mode and nothing becomes a #VE.
  TableError CheckFlags(EptFlags flags) const;

  // The level of the largest page that is used and that can have `flags`: that
  // the processor has, save 1-GByte pages without 2-MByte ones; sub-page
  // permissions are for 4-KByte pages (table 29-7).
  int LargestLevel(EptFlags flags) const;

  // Whether changing an entry of `level` from `before` to `after` needs INVEPT
  // (CACHE-9, 29.4.3.4). The SDM's list does not name bits 57, 58, 60 and 61;
  // where their controls are 1, taking a right away by one of them counts as
  // what it is.
  bool NeedsInvept(std::uint64_t before, std::uint64_t after, int level) const;

 private:
  EptContext context_;
  std::uint64_t hpa_end_;
  std::uint64_t present_;
  std::uint64_t leaf_rights_;  // bits 58, 60, 61 that grant something
  std::uint64_t leaf_limits_;  // bit 57 if it takes something away
  EptFlags ignored_;           // flags whose control is 0
  int largest_level_;
};

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_FORMAT_H_
