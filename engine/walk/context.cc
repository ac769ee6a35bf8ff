#include "engine/walk/context.h"

#include <algorithm>

#include "engine/walk/entry_checks.h"
#include "engine/walk/memory_type.h"

namespace eptdiff::engine {

int PhysicalWidth(const Processor& processor) {
  return std::clamp<int>(processor.maxphyaddr - processor.keyid_bits, 32, 52);
}

EptContext::EptContext(const Processor& processor, const Controls& controls) {
  const std::uint32_t secondary = EffectiveSecondary(controls);
  const std::uint64_t tertiary = EffectiveTertiary(controls);
  const std::uint64_t cap = processor.ept_vpid_cap;
  const std::uint64_t eptp = controls.eptp;
  const int gpa_width = std::clamp<int>(processor.maxphyaddr, 32, 52);
  const int width = PhysicalWidth(processor);

  enabled_ = (secondary & bits::kSecondaryEpt) != 0;
  five_level_ = (eptp & bits::kEptpWalkLength) == bits::kEptpFiveLevel;
  widest_gpa_ = bits::Bits(gpa_width - 1, 0);
  last_gpa_ = five_level_ ? widest_gpa_ : widest_gpa_ & bits::Bits(47, 0);
  root_ = eptp & bits::Bits(width - 1, 12);
  beyond_width_ = bits::Bits(63, width);
  entry_reserved_ = bits::Bits(51, width);
  structure_type_ = static_cast<MemoryType>(eptp & bits::kEptpMemoryType);

  access_dirty_ = (eptp & bits::kEptpAccessDirty) != 0;
  logging_ = access_dirty_ && (secondary & bits::kSecondaryPml) != 0;
  shadow_stack_control_ = (eptp & bits::kEptpShadowStack) != 0;
  mbec_ = (secondary & bits::kSecondaryMbec) != 0;
  sub_page_ = (secondary & bits::kSecondarySubPage) != 0;
  apic_page_ = (secondary & bits::kSecondaryApicAccesses) != 0;
  violation_ve_ = (secondary & bits::kSecondaryViolationVe) != 0;
  paging_write_ = (tertiary & bits::kTertiaryPagingWrite) != 0;

  execute_only_ = (cap & bits::kCapExecuteOnly) != 0;
  advanced_exit_ = (cap & bits::kCapAdvancedExit) != 0;
  has_2m_ = (cap & bits::kCap2M) != 0;
  has_1g_ = (cap & bits::kCap1G) != 0;

  executable_ = bits::kExecute | (mbec_ ? bits::kUserExecute : 0);
  present_ = bits::kRead | bits::kWrite | executable_;
  SetRights();
  if (apic_page_) {
    expectations_.fill({kNothing, kNothing, kNothing, kNothing});
  } else {
    SetExpectations();
  }
}

void EptContext::ReachAll() {
  widest_gpa_ = bits::Bits(51, 0);
  last_gpa_ = five_level_ ? widest_gpa_ : bits::Bits(47, 0);
}

void EptContext::SetRights() {
  using bits::kQualFetch, bits::kQualRead, bits::kQualWrite;
  constexpr std::uint64_t kR = bits::kRead, kW = bits::kWrite,
                          kX = bits::kExecute, kUx = bits::kUserExecute,
                          kSs = bits::kShadowStack;
  // VIO-11: bit 58 of the leaf stands in for its bit 1.
  const std::uint64_t paging = paging_write_ ? bits::kPagingWrite : 0;
  constexpr std::uint8_t kQr = kQualRead, kQw = kQualWrite, kQf = kQualFetch;

  const auto set = [this](Use use, const Rights& rights) {
    rights_[static_cast<std::size_t>(use)] = rights;
  };
  // clang-format off
  //                            table    leaf     either  writes sub-page
  set(Use::kRead,              {kR,      kR,      0,      false, false, kQr});
  set(Use::kWrite,             {kW,      kW,      0,      true,  true,  kQw});
  set(Use::kReadModifyWrite,   {kR | kW, kR | kW, 0,      true,  true,
                                kQr | kQw});
  set(Use::kSupervisorFetch,   {kX,      kX,      0,      false, false, kQf});
  set(Use::kUserFetch,         {kUx,     kUx,     0,      false, false, kQf});
  // VIO-12.
  set(Use::kShadowStackRead,   {kR | kW, kR | kSs, 0,     false, false, kQr});
  set(Use::kShadowStackWrite,  {kR | kW, kR | kSs, 0,     true,  false, kQw});
  // VIO-8, VIO-9. An update reads the entry, too: processors report both.
  set(Use::kPagingUpdate,      {kW,      kW,      paging, true,  false,
                                kQr | kQw});
  set(Use::kPagingRead,        {kR,      kR,      0,      false, false, kQr});
  if (access_dirty_) {
    const Rights both = {kW, kW, paging, true, false, kQr | kQw};
    set(Use::kPagingRead, both);
    set(Use::kPagingUpdate, both);
  }
  // clang-format on
}

void EptContext::SetExpectations() {
  using bits::kPage, bits::kRead;
  for (std::size_t use = 0; use < kUseCount; ++use) {
    const Rights& rights = rights_[use];
    const std::uint64_t accessed = access_dirty_ ? bits::kAccessed : 0;
    const std::uint64_t dirty =
        access_dirty_ && rights.writes ? bits::kDirty : 0;
    const std::uint64_t table = rights.table | kRead | accessed;
    const std::uint64_t leaf = rights.leaf | kRead | accessed | dirty;

    const auto pattern = [this](std::uint64_t reserved, std::uint64_t value) {
      return Pattern{.mask = reserved | entry_reserved_ | value,
                     .value = value};
    };
    Expectation& expectation = expectations_[use];
    expectation.table = pattern(bits::kTableReserved, table);
    expectation.page_4k = pattern(0, leaf);
    // CFG-7: where the processor has no such page, nothing fits.
    expectation.page_2m =
        has_2m_ ? pattern(bits::kReserved2M, leaf | kPage) : kNothing;
    expectation.page_1g =
        has_1g_ ? pattern(bits::kReserved1G, leaf | kPage) : kNothing;
  }
}

Use EptContext::UseOf(AccessKind kind, bool supervisor, bool user_page) const {
  const bool controlled = shadow_stack_control_ && supervisor;
  switch (kind) {
    case AccessKind::kRead:
    case AccessKind::kWrite:
    case AccessKind::kReadModifyWrite:
      return DataUseOf(kind);
    case AccessKind::kFetch:
      return mbec_ && user_page ? Use::kUserFetch : Use::kSupervisorFetch;
    case AccessKind::kShadowStackRead:
      return controlled ? Use::kShadowStackRead : Use::kRead;
    case AccessKind::kShadowStackWrite:
      return controlled ? Use::kShadowStackWrite : Use::kWrite;
    case AccessKind::kShadowStackReadModifyWrite:
      return controlled ? Use::kShadowStackWrite : Use::kReadModifyWrite;
  }
  return Use::kRead;
}

EntryKind EptContext::Classify(std::uint64_t entry, int level) const {
  if ((entry & present_) == 0) return EntryKind::kNotPresent;

  const bool leaf =
      level == 1 || (level <= 3 && (entry & bits::kPage) != 0);  // WALK-5
  const bool readable = (entry & bits::kRead) != 0;
  std::uint64_t reserved = entry_reserved_;  // CFG-10
  if (!readable) {
    reserved |= bits::kWrite;                                   // CFG-1
    if (!execute_only_) reserved |= executable_;                // CFG-2, CFG-3
    if (paging_write_ && leaf) reserved |= bits::kPagingWrite;  // CFG-4
  }
  if (!leaf) {
    reserved |= bits::kTableReserved;  // CFG-5, CFG-6
  } else if (level == 3) {
    reserved |= bits::kReserved1G;          // CFG-8
    if (!has_1g_) reserved |= bits::kPage;  // CFG-7
  } else if (level == 2) {
    reserved |= bits::kReserved2M;          // CFG-9
    if (!has_2m_) reserved |= bits::kPage;  // CFG-7
  }
  if ((entry & reserved) != 0) return EntryKind::kMisconfigured;
  if (!leaf) return EntryKind::kTable;
  const std::uint64_t type = entry >> bits::kMemoryTypeShift & 7;
  return kCacheDisabledRow[type] == kReservedType ? EntryKind::kMisconfigured
                                                  : EntryKind::kLeaf;
}

}  // namespace eptdiff::engine
