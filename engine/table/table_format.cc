#include "engine/table/table_format.h"

#include "engine/bits.h"
#include "engine/walk/entry_checks.h"

namespace eptdiff::engine {
namespace {

constexpr EptFlags kReadWriteExecute =
    EptFlags::kRead | EptFlags::kWrite | EptFlags::kExecute;

}  // namespace

TableFormat::TableFormat(const Processor& processor, const Controls& controls)
    : context_(processor, controls),
      hpa_end_(std::uint64_t{1} << PhysicalWidth(processor)) {
  context_.ReachAll();
  const std::uint64_t tertiary = EffectiveTertiary(controls);
  const std::uint64_t cap = processor.ept_vpid_cap;
  const bool paging_write = (tertiary & bits::kTertiaryPagingWrite) != 0;
  const bool verification =
      paging_write && (tertiary & bits::kTertiaryVerification) != 0;

  const EptFlags execute_for_user =
      mbec() ? EptFlags::kExecuteForUser : EptFlags{};
  present_ = (kReadWriteExecute | execute_for_user).bits;
  // Of a 1-GByte page a part can be changed only where there are 2-MByte ones.
  largest_level_ = (cap & bits::kCap2M) == 0   ? 1
                   : (cap & bits::kCap1G) == 0 ? 2
                                               : 3;

  leaf_rights_ = 0;
  leaf_limits_ = 0;
  const auto control = [this](bool on, EptFlags flag, std::uint64_t& set) {
    if (on) {
      set |= flag.bits;
    } else {
      ignored_ = ignored_ | flag;
    }
  };
  control(paging_write, EptFlags::kPagingWrite, leaf_rights_);
  control(context_.shadow_stack_control(), EptFlags::kSupervisorShadowStack,
          leaf_rights_);
  control(context_.sub_page(), EptFlags::kSubPageWrite, leaf_rights_);
  control(verification, EptFlags::kVerifyGuestPaging, leaf_limits_);
}

TableError TableFormat::CheckFlags(EptFlags flags) const {
  if (flags.HasAnyOf(ignored_)) return TableError::kUnsupported;
  if (!mbec() && flags.Has(EptFlags::kExecuteForUser) &&
      !flags.Has(EptFlags::kExecute)) {
    return TableError::kUnsupported;
  }
  if (!IsPresent(flags.bits)) return TableError::kNoAccess;
  const EntryKind kind = context_.Classify(
      EptEntry::Page(Hpa{}, flags, PageSize::k4KByte).bits(), /*level=*/1);
  if (kind == EntryKind::kLeaf) return TableError::kNone;
  // Is it only that the processor has no execute-only pages?
  const bool would_do = context_.Classify((flags | EptFlags::kRead).bits,
                                          /*level=*/1) == EntryKind::kLeaf;
  return would_do && !flags.Has(EptFlags::kWrite) &&
                 !flags.Has(EptFlags::kPagingWrite)
             ? TableError::kUnsupported
             : TableError::kMisconfigured;
}

int TableFormat::LargestLevel(EptFlags flags) const {
  return flags.Has(EptFlags::kSubPageWrite) ? 1 : largest_level_;
}

bool TableFormat::NeedsInvept(std::uint64_t before, std::uint64_t after,
                              int level) const {
  const std::uint64_t changed = before ^ after;
  const std::uint64_t cleared = before & changed;
  const std::uint64_t set = after & changed;
  const bool may_be_page = level == 2 || level == 3;
  const bool leaf = EptEntry(before).maps_page(level);

  constexpr std::uint64_t kTypes =
      EptFlags::kMemoryTypeMask.bits | bits::kIgnorePat;
  std::uint64_t if_cleared = present_;
  std::uint64_t if_changed = bits::kAddress | (may_be_page ? bits::kPage : 0);
  if (accessed_dirty()) if_cleared |= bits::kAccessed;
  if (leaf) {
    if_cleared |= leaf_rights_ | (accessed_dirty() ? bits::kDirty : 0);
    if_changed |= kTypes;
  }
  const bool matters = (cleared & if_cleared) != 0 ||
                       (changed & if_changed) != 0 ||
                       (leaf && (set & leaf_limits_) != 0);
  if (!matters) return false;
  // Nothing was cached of an entry that was not present or misconfigured.
  const EntryKind kind = context_.Classify(before, level);
  return kind == EntryKind::kTable || kind == EntryKind::kLeaf;
}

}  // namespace eptdiff::engine
