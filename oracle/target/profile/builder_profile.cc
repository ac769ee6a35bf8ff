#include "oracle/target/profile/builder_profile.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "oracle/builder/frame_pool.h"
#include "oracle/builder/symptom.h"
#include "oracle/builder/table_facts.h"
#include "oracle/builder/waivers.h"
#include "oracle/target/profile/profile.h"

namespace eptdiff {
namespace {

// What changes entries or EPTP; all else in a machine a builder does not see.
constexpr std::uint64_t kOfBuilders =
    EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_5_LEVELS |
    EPTDIFF_MODELS_ACCESSED_DIRTY | EPTDIFF_MODELS_MBEC | EPTDIFF_MODELS_SPP |
    EPTDIFF_MODELS_VE | EPTDIFF_MODELS_SHADOW_STACK_CONTROL |
    EPTDIFF_MODELS_PAGING_WRITE;

static_assert(EPTDIFF_WAIVES_NEEDLESS_INVEPT == SetOf(Waiver::kNeedlessInvept));
static_assert(EPTDIFF_WAIVES_REPEATED_INVEPT == SetOf(Waiver::kRepeatedInvept));
static_assert(EPTDIFF_WAIVES_EMPTY_TABLES == SetOf(Waiver::kEmptyTables));
static_assert(EPTDIFF_WAIVES_BREAK_BEFORE_MAKE ==
              SetOf(Waiver::kBreakBeforeMake));
static_assert(EPTDIFF_WAIVES_PARTIAL_SUCCESS == SetOf(Waiver::kPartialSuccess));
static_assert(EPTDIFF_WAIVES_LOSS_ON_FAILURE == SetOf(Waiver::kLossOnFailure));
static_assert(EPTDIFF_WAIVES_LOSSY_TABLES == SetOf(Waiver::kLossyTables));

constexpr std::uint64_t kMemoryType = 0x38;
constexpr unsigned kWriteBack = 6;

bool HasType(const eptdiff_builder_profile& profile, unsigned type) {
  return (profile.memory_types >> type & 1) != 0;
}

// The flags next to these that the builder can be asked for.
std::uint64_t FlagsIn(const eptdiff_builder_profile& profile,
                      std::uint64_t flags) {
  flags = (flags & profile.leaf_flags & ~kMemoryType) | (flags & kMemoryType) |
          profile.always_flags;
  unsigned type = static_cast<unsigned>((flags & kMemoryType) >> 3);
  if (HasType(profile, type)) return flags;
  type = kWriteBack;
  for (unsigned i = 0; !HasType(profile, type) && i < 8; ++i) type = i;
  return (flags & ~kMemoryType) | std::uint64_t{type} << 3;
}

bool TakesAddress(TableOperationKind kind) {
  return kind == TableOperationKind::kMap ||
         kind == TableOperationKind::kMapRegion ||
         kind == TableOperationKind::kRemap;
}

// An address of `width` bits: what lies far up is as far up as that goes, and
// what lay near it still does.
std::uint64_t FitWidth(std::uint64_t address, int width) {
  constexpr std::uint64_t kNear = (std::uint64_t{1} << 34) - 1;
  const int excess = std::bit_width(address) - width;
  if (excess <= 0) return address;
  const std::uint64_t end = std::uint64_t{1} << width;
  return ((address >> excess & ~kNear) | (address & kNear)) & (end - 1);
}

// Whether a guest-physical address may be none of the host's. Few are where
// that has to be refused, and none else.
bool MayBeOutOfRange(const eptdiff_builder_profile& profile,
                     std::uint64_t gpa) {
  return profile.identity_maps != EPTDIFF_IDENTITY_ALWAYS ||
         ((profile.refusals & EPTDIFF_REFUSAL(EPTDIFF_OUT_OF_RANGE)) != 0 &&
          std::popcount(gpa) % 8 == 0);
}

// Addresses that the builder is asked for.
void FitAddresses(const eptdiff_builder_profile& profile, int maxphyaddr,
                  TableOperation& operation) {
  if (profile.max_bytes != 0) {
    operation.bytes = std::min(operation.bytes, profile.max_bytes);
  }
  if (profile.gpa_width != 0) {
    const std::uint64_t end = std::uint64_t{1} << profile.gpa_width;
    operation.gpa.value = FitWidth(operation.gpa.value, profile.gpa_width);
    operation.bytes = std::min(operation.bytes, end - operation.gpa.value);
  }
  if (!MayBeOutOfRange(profile, operation.gpa.value)) {
    operation.gpa.value = FitWidth(operation.gpa.value, maxphyaddr);
  }
  const bool odd = std::popcount(operation.gpa.value) % 2 != 0;
  if (TakesAddress(operation.kind) &&
      (profile.identity_maps == EPTDIFF_IDENTITY_ALWAYS ||
       (profile.identity_maps == EPTDIFF_IDENTITY_HALF && odd))) {
    operation.hpa.value = operation.gpa.value & ~std::uint64_t{0x7ff};
  }
}

// Tables that it has.
void FitView(const eptdiff_builder_profile& profile, Step& step) {
  const unsigned views = profile.views + 1u;
  if (step.kind == StepKind::kEptpSwitch) {
    step.index %= views;
    step.value = 0;
  }
  if (step.kind != StepKind::kTableOperation) return;
  TableOperation& operation = step.operation;
  if (IsAboutLog(operation.kind)) operation.view = 0;
  const bool may_be_all = profile.all_views != 0 && IsForRegion(operation.kind);
  if (operation.view == kAllViews && may_be_all) return;
  operation.view = static_cast<std::uint8_t>(operation.view % views);
}

// The root at 0 becomes the frame behind it: 0 is no table to most allocators,
// and to whoever takes an address of 0 for none.
// And where frames can lie at their addresses, if they have to.
void PutRootElsewhere(const eptdiff_builder_profile& profile,
                      Controls& controls) {
  constexpr std::uint64_t kAddress = 0x000ffffffffff000;
  if (profile.casts_addresses != 0) {
    controls.eptp = (controls.eptp & ~kAddress) | FramePool::kPlaced;
  } else if ((controls.eptp & kAddress) == 0) {
    controls.eptp |= 0x1000;
  }
}

// Whoever builds tables has INVEPT, of one type at least.
void GiveInvept(const eptdiff_builder_profile& profile, Processor& processor) {
  constexpr std::uint64_t kInvept = 1u << 20, kTypes = 3u << 25;
  processor.ept_vpid_cap |= kInvept;
  if ((processor.ept_vpid_cap & kTypes) != 0) return;
  const std::uint64_t wanted = kTypes & profile.capabilities_set;
  processor.ept_vpid_cap |= wanted != 0 ? wanted : kTypes;
}

bool SetsFlags(TableOperationKind kind) {
  switch (kind) {
    case TableOperationKind::kMap:
    case TableOperationKind::kMapRegion:
    case TableOperationKind::kRemap:
    case TableOperationKind::kProtect:
    case TableOperationKind::kProtectRegion:
      return true;
    case TableOperationKind::kUnmap:
    case TableOperationKind::kUnmapRegion:
    case TableOperationKind::kSplit:
    case TableOperationKind::kMergeRegion:
    case TableOperationKind::kClearFlags:
    case TableOperationKind::kLogOn:
    case TableOperationKind::kLogOff:
    case TableOperationKind::kLogAsk:
    case TableOperationKind::kLogClear:
      return false;
  }
  return false;
}

// As the profile of a walker that models everything else.
eptdiff_profile AsWalker(const eptdiff_builder_profile& profile) {
  eptdiff_profile walker = BlankProfile();
  walker.models = (profile.models & kOfBuilders) | ~kOfBuilders;
  walker.keeps_state = 1;  // as EPTDIFF_MODELS_CACHES needs
  walker.capabilities_set = profile.capabilities_set;
  walker.capabilities_clear = profile.capabilities_clear;
  walker.min_maxphyaddr = profile.min_maxphyaddr;
  walker.max_maxphyaddr = profile.max_maxphyaddr;
  std::memcpy(walker.name, profile.name, sizeof(walker.name));
  return walker;
}

}  // namespace

eptdiff_builder_profile BlankBuilderProfile() {
  const eptdiff_profile walker = BlankProfile();
  eptdiff_builder_profile profile;
  std::memset(&profile, 0, sizeof(profile));
  profile.memory_types = 0xff;
  profile.leaf_flags = ~std::uint64_t{0};
  profile.size = sizeof(profile);
  profile.capabilities_set = walker.capabilities_set;
  profile.capabilities_clear = walker.capabilities_clear;
  profile.min_maxphyaddr = walker.min_maxphyaddr;
  profile.max_maxphyaddr = walker.max_maxphyaddr;
  return profile;
}

RefusalSet RefusalsIn(const eptdiff_builder_profile& profile) {
  return profile.refusals;
}

std::string FaultOf(const eptdiff_builder_profile& profile) {
  if ((profile.operations & EPTDIFF_ALL_OPERATIONS) == 0) {
    return "operations: none is declared";
  }
  constexpr std::uint32_t kOfOnePage =
      EPTDIFF_OPERATION(EPTDIFF_UNMAP) | EPTDIFF_OPERATION(EPTDIFF_REMAP) |
      EPTDIFF_OPERATION(EPTDIFF_PROTECT) | EPTDIFF_OPERATION(EPTDIFF_SPLIT);
  if (profile.on_demand != 0 && (profile.operations & kOfOnePage) != 0) {
    return "on_demand: with operations on a page that need not be there";
  }
  if ((profile.waives & ~kAllWaivers) != 0) {
    return "waives: bits without a meaning";
  }
  if (profile.memory_types == 0) return "memory_types: none is declared";
  if ((profile.trap_value & ~profile.trap_mask) != 0) {
    return "trap_value: bits that trap_mask does not have";
  }
  if ((profile.always_flags & ~kLeafFlags) != 0) {
    return "always_flags: bits of the address, or bit 7";
  }
  if (profile.gpa_width != 0 &&
      (profile.gpa_width < 32 || profile.gpa_width > 52)) {
    return "gpa_width: 0, or from 32 to 52";
  }
  if (profile.max_bytes % 4096 != 0) {
    return "max_bytes: no multiple of 4096";
  }
  if (profile.frames != 0 &&
      (profile.refusals & EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES)) == 0) {
    return "frames: without EPTDIFF_NO_FRAMES in refusals";
  }
  if (profile.identity_maps > EPTDIFF_IDENTITY_ALWAYS) {
    return "identity_maps: none of EPTDIFF_IDENTITY_*";
  }
  if (profile.views >= kMaxViews) return "views: 3 at most";
  if (profile.views == 0 && profile.all_views != 0) {
    return "all_views: without views";
  }
  return FaultOf(AsWalker(profile));
}

BuilderFitting::BuilderFitting(const eptdiff_builder_profile& profile)
    : profile_(profile) {}

bool BuilderFitting::Fit(Case& c) const {
  std::vector<Step> steps = std::move(c.steps);
  c.steps.clear();
  if (!FitTo(AsWalker(profile_), c)) return false;
  PutRootElsewhere(profile_, c.controls);
  GiveInvept(profile_, c.processor);
  std::erase_if(steps, [this](const Step& step) {
    const auto kind = static_cast<int>(step.operation.kind);
    return step.kind == StepKind::kTableOperation
               ? (profile_.operations >> kind & 1) == 0
               : step.kind == StepKind::kEptpSwitch && profile_.views == 0;
  });
  const bool fails = (RefusalsIn(profile_) & Only(TableError::kNoFrames)) != 0;
  for (Step& step : steps) {
    FitView(profile_, step);
    if (step.kind != StepKind::kTableOperation) continue;
    TableOperation& operation = step.operation;
    if (step.processor != 0 && profile_.several_threads == 0) {
      step.processor = 0;
      operation.meanwhile = 0;
    }
    FitAddresses(profile_, c.processor.maxphyaddr, operation);
    if (SetsFlags(operation.kind)) {
      operation.flags = FlagsIn(profile_, operation.flags);
    } else if (operation.kind == TableOperationKind::kClearFlags) {
      operation.flags &= kAccessedDirty;
      if (operation.flags == 0) operation.flags = kAccessedDirty;
    }
    if (!fails) operation.failing_allocation = 0;
  }
  c.steps = std::move(steps);
  return HasTableOperations(c);
}

bool BuilderFitting::Fits(const Case& c) const {
  Case fitted = c;
  return Fit(fitted) && fitted == c;
}

}  // namespace eptdiff
