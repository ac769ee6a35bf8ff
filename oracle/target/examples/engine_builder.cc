// A builder of tables behind eptdiff_builder.h: the engine's TableBuilder, over
// a Hal that passes on what the host lends.
//
// It is right, unless EPTDIFF_EXAMPLE_BUG names mistakes of Bug: what
// hypervisors get wrong, to see what `eptdiff check` says of it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/table/table_builder.h"
#include "engine/table/table_error.h"
#include "engine/table/table_hal.h"
#include "engine/types.h"
#include "oracle/target/eptdiff_builder.h"

EPTDIFF_BUILDER_DEFINE_ABI;

namespace {

using eptdiff::EptEntry;
using eptdiff::EptFlags;
using eptdiff::Gpa;
using eptdiff::Hpa;
using eptdiff::TableError;
using eptdiff::TableResult;

enum class Bug : std::uint8_t {
  kNone,
  // Of the tables.
  kSplitDropsPermission,
  kAddress32Bits,
  kProtectAddress48Bits,
  kDirtyLost,
  kProtectDirtiesLargePages,
  kProtectIgnoresPatOfLargePages,
  kProtectCombinesLargePages,
  kOverlapAccepted,
  kUnmapForgetsLastPage,
  kListSkipsLast,
  kRemovedWithoutFlags,
  // Of INVEPT and frames.
  kInveptMissingForWrite,
  kInveptNever,
  kInveptOtherEptp,
  kInveptNeedless,
  kFreedBeforeInvept,
  kFramesLeak,
  kRootFreedTwice,
  // Of programs.
  kCrash,
  kHang,
  kEndless,
  kExit,
  kWildStore,
  kWildLoad,
  kResult99,
};

constexpr std::pair<std::string_view, Bug> kBugs[] = {
    {"split-drops-permission", Bug::kSplitDropsPermission},
    {"address-of-32-bits", Bug::kAddress32Bits},
    {"protect-address-of-48-bits", Bug::kProtectAddress48Bits},
    {"dirty-lost", Bug::kDirtyLost},
    {"protect-dirties-large-pages", Bug::kProtectDirtiesLargePages},
    {"protect-ignores-pat-of-large-pages", Bug::kProtectIgnoresPatOfLargePages},
    {"protect-combines-large-pages", Bug::kProtectCombinesLargePages},
    {"overlap-accepted", Bug::kOverlapAccepted},
    {"unmap-forgets-last-page", Bug::kUnmapForgetsLastPage},
    {"list-skips-last", Bug::kListSkipsLast},
    {"removed-without-flags", Bug::kRemovedWithoutFlags},
    {"invept-missing-for-write", Bug::kInveptMissingForWrite},
    {"invept-never", Bug::kInveptNever},
    {"invept-other-eptp", Bug::kInveptOtherEptp},
    {"needless-invept", Bug::kInveptNeedless},
    {"freed-before-invept", Bug::kFreedBeforeInvept},
    {"frames-leak", Bug::kFramesLeak},
    {"root-freed-twice", Bug::kRootFreedTwice},
    {"crash", Bug::kCrash},
    {"hang", Bug::kHang},
    {"endless-loads", Bug::kEndless},
    {"exit", Bug::kExit},
    {"wild-store", Bug::kWildStore},
    {"wild-load", Bug::kWildLoad},
    {"result-99", Bug::kResult99},
};

// A bit for each that EPTDIFF_EXAMPLE_BUG names, commas between them.
class Bugs {
 public:
  bool Has(Bug bug) const { return (bits_ >> static_cast<int>(bug) & 1) != 0; }

  static Bugs Chosen() {
    Bugs bugs;
    const char* chosen = std::getenv("EPTDIFF_EXAMPLE_BUG");
    std::string_view rest = chosen == nullptr ? "" : chosen;
    while (!rest.empty()) {
      const std::string_view one = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      for (const auto& [name, bug] : kBugs) {
        if (name == one) bugs.bits_ |= 1u << static_cast<int>(bug);
      }
    }
    return bugs;
  }

 private:
  std::uint32_t bits_ = 0;
};

constexpr std::uint64_t kWrite = 1 << 1;
constexpr std::uint64_t kWriteCombining = 1 << 3, kNotCombined = 3 << 3;
constexpr std::uint64_t kIgnorePat = 1 << 6;
constexpr std::uint64_t kLargePage = 1 << 7;
constexpr std::uint64_t kDirty = 1 << 9;
constexpr std::uint64_t kAccessedDirty = 3 << 8;
constexpr std::uint64_t kRights = 7;
constexpr std::uint64_t kAddress = 0x000ffffffffff000;

// What TableBuilder lives on. Without a host it is at the end of a table that
// has been given up: every table is empty.
class HostHal {
 public:
  const eptdiff_host* host = nullptr;
  Bugs bugs;

  // An operation begins, or ends.
  void Begin(std::uint32_t kind) {
    kind_ = kind;
    fresh_.clear();
    removes_write_ = changes_more_ = invepts_ = false;
  }
  void Finish() {
    if (held_.has_value()) host->invept(host->context, *held_);
    held_.reset();
  }

  std::optional<Hpa> AllocateFrame() {
    std::uint64_t frame = 0;
    if (host->allocate(host->context, &frame) == 0) return std::nullopt;
    fresh_.push_back(frame);
    return Hpa{frame};
  }
  void FreeFrame(Hpa frame) {
    if (host == nullptr || bugs.Has(Bug::kFramesLeak)) return;
    host->release(host->context, frame.value);
  }
  std::uint64_t* Pointer(Hpa frame) {
    if (host == nullptr) return empty_.data();
    return host->pointer(host->context, frame.value);
  }
  // INVEPT has been asked for since Begin().
  bool invepts() const { return invepts_; }
  void Invept(std::uint64_t eptp) {
    invepts_ = true;
    if (host == nullptr || bugs.Has(Bug::kInveptNever)) return;
    if (bugs.Has(Bug::kInveptMissingForWrite) && removes_write_ &&
        !changes_more_) {
      return;
    }
    if (bugs.Has(Bug::kFreedBeforeInvept)) {
      held_ = eptp;
      return;
    }
    if (bugs.Has(Bug::kInveptOtherEptp)) eptp += 0x1000;
    host->invept(host->context, eptp);
  }
  void BeforeStore(Hpa address) {
    if (host == nullptr || !EPTDIFF_HOST_HAS(host, before_store)) return;
    host->before_store(host->context, address.value);
  }
  void OnStore(Hpa address, std::uint64_t before, std::uint64_t after) {
    if (host == nullptr) return;
    host->stored(host->context, address.value, before,
                 Spoilt(address, before, after));
  }

 private:
  bool IsFresh(std::uint64_t address) const {
    return std::find(fresh_.begin(), fresh_.end(), address & kAddress) !=
           fresh_.end();
  }
  std::uint64_t Put(Hpa address, std::uint64_t word) {
    return Pointer(Hpa{address.value & kAddress})[address.value % 4096 / 8] =
               word;
  }

  // The word that is stored, once the mistake has been made.
  std::uint64_t Spoilt(Hpa address, std::uint64_t before, std::uint64_t after) {
    const bool fills = IsFresh(address.value);
    const bool maps = (after & kRights) != 0 && !IsFresh(after);
    const bool was_there = !fills && (before & kRights) != 0;
    if (was_there) {
      removes_write_ |= (before & ~after) == kWrite;
      changes_more_ |= ((before ^ after) & ~kWrite) != 0;
    }
    const std::uint64_t right = after;
    if (bugs.Has(Bug::kSplitDropsPermission) && fills && maps &&
        kind_ != EPTDIFF_MAP && kind_ != EPTDIFF_MAP_REGION) {
      after &= ~kWrite;
    }
    if (bugs.Has(Bug::kAddress32Bits) && maps) {
      after &= ~(kAddress & ~0xffffffffull);
    }
    const bool protects =
        kind_ == EPTDIFF_PROTECT || kind_ == EPTDIFF_PROTECT_REGION;
    if (bugs.Has(Bug::kProtectAddress48Bits) && protects && was_there && maps) {
      after &= ~(kAddress & ~0xffffffffffffull);
    }
    if (bugs.Has(Bug::kDirtyLost) && was_there && maps &&
        kind_ != EPTDIFF_CLEAR_FLAGS) {
      after &= ~kDirty;
    }
    if (bugs.Has(Bug::kProtectDirtiesLargePages) && protects &&
        (after & kLargePage) != 0) {
      after |= kDirty;
    }
    if (bugs.Has(Bug::kProtectIgnoresPatOfLargePages) && protects &&
        (after & kLargePage) != 0) {
      after |= kIgnorePat;
    }
    if (bugs.Has(Bug::kProtectCombinesLargePages) && protects &&
        (after & kLargePage) != 0 && (after & kNotCombined) == 0) {
      after |= kWriteCombining;
    }
    return after == right ? right : Put(address, after);
  }

  std::uint32_t kind_ = EPTDIFF_MAP;
  std::vector<std::uint64_t> fresh_;  // frames of this operation
  bool removes_write_ = false;        // some entry loses it, and nothing else
  bool changes_more_ = false;
  bool invepts_ = false;
  std::optional<std::uint64_t> held_;  // INVEPT that comes too late
  std::array<std::uint64_t, 512> empty_ = {};
};
static_assert(eptdiff::TableHal<HostHal> && eptdiff::HasStoreHook<HostHal>);

// The one table. A process may end while there is one: without its host then.
struct Table {
  ~Table() { hal.host = nullptr; }
  HostHal hal;
  std::optional<eptdiff::TableBuilder<HostHal>> builder;
} table;

eptdiff::Processor ProcessorOf(const eptdiff_question& machine) {
  eptdiff::Processor processor;
  processor.maxphyaddr = machine.maxphyaddr;
  processor.ept_vpid_cap = machine.ept_vpid_cap;
  processor.ept_violation_ve =
      (machine.cpu & EPTDIFF_CPU_EPT_VIOLATION_VE) != 0;
  return processor;
}

eptdiff::Controls ControlsOf(const eptdiff_question& machine) {
  eptdiff::Controls controls;
  controls.pin_based = machine.pin_based;
  controls.primary = machine.primary;
  controls.secondary = machine.secondary;
  controls.tertiary = machine.tertiary;
  controls.vm_functions = machine.vm_functions;
  controls.exception_bitmap = machine.exception_bitmap;
  controls.eptp = machine.eptp;
  controls.pml_address = machine.pml_address;
  controls.pml_index = machine.pml_index;
  controls.spptp = machine.spptp;
  controls.ve_information_address = machine.ve_information_address;
  controls.eptp_list_address = machine.eptp_list_address;
  controls.eptp_index = machine.eptp_index;
  controls.hlatp = machine.hlatp;
  controls.hlat_prefix_size = machine.hlat_prefix_size;
  controls.vpid = machine.vpid;
  return controls;
}

// What an operation takes away goes to the host.
void Show(const eptdiff::Mapping& page) {
  const eptdiff_host& host = *table.hal.host;
  std::uint64_t flags = page.flags.bits;
  if (table.hal.bugs.Has(Bug::kRemovedWithoutFlags)) flags &= ~kAccessedDirty;
  host.removed(host.context, page.gpa.value, page.hpa.value, page.bytes, flags);
}

TableResult ShowIfDone(const eptdiff::Mapping& page,
                       const TableResult& result) {
  if (result.ok()) Show(page);
  return result;
}

TableResult Perform(const eptdiff_builder_operation& asked) {
  auto& builder = *table.builder;
  const Gpa gpa{asked.gpa};
  const Hpa hpa{asked.hpa};
  const EptFlags flags{asked.flags};
  const auto size = static_cast<eptdiff::PageSize>(asked.level);
  eptdiff::Mapping page;
  switch (asked.kind) {
    case EPTDIFF_MAP:
      return builder.Map(gpa, hpa, size, flags);
    case EPTDIFF_UNMAP:
      return ShowIfDone(page, builder.Unmap(gpa, &page));
    case EPTDIFF_REMAP:
      return ShowIfDone(page, builder.Remap(gpa, hpa, flags, &page));
    case EPTDIFF_PROTECT:
      return builder.Protect(gpa, flags);
    case EPTDIFF_SPLIT:
      return builder.Split(gpa);
    case EPTDIFF_MAP_REGION:
      return builder.MapRegion(gpa, hpa, asked.bytes, flags, size);
    case EPTDIFF_UNMAP_REGION:
      return builder.UnmapRegion(gpa, asked.bytes, Show);
    case EPTDIFF_PROTECT_REGION:
      return builder.ProtectRegion(gpa, asked.bytes, flags);
    case EPTDIFF_MERGE_REGION:
      return builder.MergeRegion(gpa, asked.bytes);
    case EPTDIFF_CLEAR_FLAGS:
      return builder.ClearFlags(gpa, asked.bytes, flags, Show);
    default:
      return {TableError::kUnsupported, gpa};
  }
}

// Misbehaviour shows where pages are split: now and then.
void MisbehaveAtSplit(Bugs bugs, const eptdiff_host& host) {
  if (bugs.Has(Bug::kCrash)) std::abort();
  if (bugs.Has(Bug::kExit)) std::_Exit(3);
  for (volatile bool forever = bugs.Has(Bug::kHang); forever;) {
  }
  while (bugs.Has(Bug::kEndless)) {
    host.load(host.context, table.builder->eptp() & kAddress);
  }
  const std::uint64_t beyond_all_frames =
      (table.builder->eptp() & kAddress) ^ 0x2b5c3a000000;
  if (bugs.Has(Bug::kWildStore)) host.store(host.context, beyond_all_frames, 0);
  if (bugs.Has(Bug::kWildLoad)) host.load(host.context, beyond_all_frames);
}

// What goes wrong with an operation as a whole.
TableResult PerformWithBugs(eptdiff_builder_operation asked) {
  const Bugs bugs = table.hal.bugs;
  if (asked.kind == EPTDIFF_SPLIT) {
    MisbehaveAtSplit(bugs, *table.hal.host);
    if (bugs.Has(Bug::kResult99)) return {static_cast<TableError>(99), Gpa{}};
  }
  if (bugs.Has(Bug::kUnmapForgetsLastPage) &&
      asked.kind == EPTDIFF_UNMAP_REGION && asked.bytes > 4096) {
    asked.bytes -= 4096;
  }
  const TableResult result = Perform(asked);
  if (bugs.Has(Bug::kOverlapAccepted) && result.error == TableError::kOverlap &&
      asked.kind == EPTDIFF_MAP_REGION) {
    table.builder->UnmapRegion(Gpa{asked.gpa}, asked.bytes);
    return Perform(asked);
  }
  return result;
}

}  // namespace

extern "C" {

void eptdiff_builder_describe(eptdiff_builder_profile* profile) {
  profile->operations = EPTDIFF_ALL_OPERATIONS;
  profile->refusals = EPTDIFF_ALL_REFUSALS;
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_5_LEVELS |
                    EPTDIFF_MODELS_ACCESSED_DIRTY | EPTDIFF_MODELS_MBEC |
                    EPTDIFF_MODELS_SPP | EPTDIFF_MODELS_VE |
                    EPTDIFF_MODELS_SHADOW_STACK_CONTROL |
                    EPTDIFF_MODELS_PAGING_WRITE;
  profile->shows_removed = 1;
}

int eptdiff_builder_create(const eptdiff_question* machine, uint64_t unused,
                           const eptdiff_host* host, uint64_t* eptp) {
  table.hal.host = nullptr;  // of a table that has been given up
  table.builder.reset();
  table.hal.host = host;
  table.hal.bugs = Bugs::Chosen();
  table.hal.Begin(EPTDIFF_MAP);
  TableError error = TableError::kNone;
  auto made = eptdiff::TableBuilder<HostHal>::Create(
      table.hal, ProcessorOf(*machine), ControlsOf(*machine), error,
      EptEntry(unused));
  if (!made.has_value()) return static_cast<int>(error);
  table.builder.emplace(*std::move(made));
  *eptp = table.builder->eptp();
  return EPTDIFF_DONE;
}

int eptdiff_builder_perform(const eptdiff_builder_operation* operation) {
  table.hal.Begin(operation->kind);
  const TableResult result = PerformWithBugs(*operation);
  if (table.hal.bugs.Has(Bug::kInveptNeedless) && !table.hal.invepts()) {
    table.hal.Invept(table.builder->eptp());
  }
  table.hal.Finish();
  return static_cast<int>(result.error);
}

void eptdiff_builder_list(void (*visit)(void* context, uint64_t gpa,
                                        uint64_t hpa, uint64_t bytes,
                                        uint64_t flags),
                          void* context) {
  std::optional<eptdiff::Mapping> held;  // one behind
  table.builder->ForEach(Gpa{}, table.builder->format().gpa_end(),
                         [&](const eptdiff::Mapping& page) {
                           if (held.has_value()) {
                             visit(context, held->gpa.value, held->hpa.value,
                                   held->bytes, held->flags.bits);
                           }
                           held = page;
                         });
  if (!held.has_value() || table.hal.bugs.Has(Bug::kListSkipsLast)) return;
  visit(context, held->gpa.value, held->hpa.value, held->bytes,
        held->flags.bits);
}

void eptdiff_builder_destroy(void) {
  const std::uint64_t root = table.builder->eptp() & kAddress;
  table.hal.Begin(EPTDIFF_UNMAP_REGION);
  table.builder.reset();
  table.hal.Finish();
  if (table.hal.bugs.Has(Bug::kRootFreedTwice)) table.hal.FreeFrame(Hpa{root});
}

}  // extern "C"
