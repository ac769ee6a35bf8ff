#include "fuzzers/entries/used_entries.h"

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {
namespace {

using namespace bits;

// Walks EPT for one page. Returns where its leaf takes `gpa`, and whether one
// was found.
bool Walk(const Case& c, std::uint64_t gpa, int guest_level, UsedEntries& used,
          Hpa& host) {
  const std::uint64_t present =
      kPermissions | (HasSecondary(c, kSecondaryMbec) ? kUserExecute : 0);
  Hpa table{c.controls.eptp & kAddress};
  for (int level = EptLevels(c); level >= 1; --level) {
    const Hpa address{table.value + 8 * IndexAt(gpa, level)};
    const std::uint64_t value = LoadWord(c, address);
    const bool leaf = level == 1 || (level <= 3 && (value & kLeaf) != 0);
    used.list.push_back(
        {address, value, UsedKind::kEpt, level, leaf, guest_level, gpa});
    if ((value & present) == 0) return false;
    if (leaf) {
      const std::uint64_t offset = Low(PageShift(level));
      host = Hpa{(value & kAddress & ~offset) | (gpa & offset)};
      return true;
    }
    table = Hpa{value & kAddress};
  }
  return false;
}

void WalkSubPages(const Case& c, std::uint64_t gpa, UsedEntries& used) {
  Hpa table{c.controls.spptp & kAddress};
  for (int level = 4; level >= 1; --level) {
    const Hpa address{table.value + 8 * IndexAt(gpa, level)};
    const std::uint64_t value = LoadWord(c, address);
    used.list.push_back({address, value, UsedKind::kSpp, level, false, 0, gpa});
    if (level > 1 && (value & 1) == 0) return;
    table = Hpa{value & kAddress};
  }
}

void AddOther(const Case& c, Hpa address, UsedEntries& used) {
  used.list.push_back(
      {address, LoadWord(c, address), UsedKind::kOther, 0, false, 0, 0});
}

void AddVeArea(const Case& c, UsedEntries& used) {
  if (!HasSecondary(c, kSecondaryVe)) return;
  AddOther(c, Hpa{c.controls.ve_information_address & kAddress}, used);
}

bool MayUseSubPages(const Case& c, const UsedEntries& used) {
  return HasSecondary(c, kSecondarySpp) &&
         (used.list.back().value & kSubPage) != 0 &&
         used.list.back().level == 1;
}

// Walks the guest's tables from `table` on. Returns where they take `gla`.
enum class GuestWalk { kNoLeaf, kLeaf, kRestart };
GuestWalk WalkTables(const Case& c, GuestPagingMode mode, bool hlat,
                     std::uint64_t table, std::uint64_t gla, UsedEntries& used,
                     std::uint64_t& gpa) {
  const GuestShape shape = ShapeOf(mode);
  for (int level = shape.levels; level >= 1; --level) {
    const std::uint64_t at =
        table + shape.entry_bytes * GuestIndex(mode, gla, level);
    Hpa host;
    if (!Walk(c, at, level, used, host)) return GuestWalk::kNoLeaf;
    const std::uint64_t value = LoadEntry(c, host, shape.entry_bytes);
    const bool leaf = GuestMapsPage(c.guest, mode, level, value);
    used.list.push_back({host, value, UsedKind::kGuest, level, leaf, 0, at});
    if ((value & kGuestPresent) == 0) return GuestWalk::kNoLeaf;
    if (hlat && (value & kGuestRestart) != 0) return GuestWalk::kRestart;
    if (leaf) {
      gpa = GuestTarget(mode, level, value, gla);
      return GuestWalk::kLeaf;
    }
    table = GuestNextTable(mode, value);
  }
  return GuestWalk::kNoLeaf;
}

bool WalkGuest(const Case& c, std::uint64_t gla, UsedEntries& used,
               std::uint64_t& gpa) {
  const GuestPagingMode mode = GuestModeOf(c.guest);
  if (UsesHlat(c, gla)) {
    const GuestWalk walk =
        WalkTables(c, mode, true, c.controls.hlatp & kAddress, gla, used, gpa);
    if (walk != GuestWalk::kRestart) return walk == GuestWalk::kLeaf;
  }
  std::uint64_t root;
  return GuestRoot(c, mode, gla, root) &&
         WalkTables(c, mode, false, root, gla, used, gpa) == GuestWalk::kLeaf;
}

// A linear access page by page: each is translated whole.
void WalkLinear(const Case& c, const Step& step, UsedEntries& used) {
  const std::uint64_t first = Masked(c.guest, step.access, step.gla.value);
  const std::uint64_t last =
      Canonical(c.guest, step.access, first + step.access.size - 1);
  const bool crosses = ((last ^ first) >> 12) != 0;
  used.reached_leaf = true;
  for (int page = 0; page <= (crosses ? 1 : 0); ++page) {
    std::uint64_t gpa;
    Hpa unused;
    const bool reached = WalkGuest(c, page == 0 ? first : last, used, gpa);
    if (page == 0) {
      used.reached_guest_leaf = reached;
      used.gpa = reached ? gpa : 0;
    }
    used.reached_leaf &= reached && Walk(c, gpa, 0, used, unused);
    if (!used.reached_leaf) return;
    if (page == 0 && MayUseSubPages(c, used)) WalkSubPages(c, gpa, used);
  }
}

}  // namespace

GpaRange AccessedRange(const Case& c, const Step& step) {
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      return {step.gpa.value, step.access.size};
    case StepKind::kLinearAccess:
      if (PagingIsOn(c)) break;
      return {step.gla.value & Low(32), step.access.size};
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      return {step.gpa.value, 1};
    case StepKind::kPdpteLoad:
      return {c.guest.cr3 & Low(32) & ~Low(5), 32};
    case StepKind::kStore:
    case StepKind::kEptpSwitch:
    case StepKind::kTableOperation:
    case StepKind::kRegisterWrite:
    case StepKind::kVmEntry:
    case StepKind::kInvalidation:
      break;
  }
  return {};
}

bool IsAccess(const Step& step) { return step.kind < StepKind::kStore; }

void FindUsedEntries(const Case& c, const Step& step, UsedEntries& used) {
  used.list.clear();
  used.reached_leaf = false;
  used.reached_guest_leaf = false;
  used.gpa = 0;
  if (step.kind == StepKind::kEptpSwitch) {
    AddOther(
        c,
        Hpa{(c.controls.eptp_list_address & kAddress) + 8 * (step.index & 511)},
        used);
    return;
  }
  if (IsPagedAccess(c, step)) {
    WalkLinear(c, step, used);
    AddVeArea(c, used);
    return;
  }
  const GpaRange range = AccessedRange(c, step);
  if (range.bytes == 0) return;
  const std::uint64_t last = range.first + range.bytes - 1;
  Hpa host;
  used.reached_leaf = Walk(c, range.first, 0, used, host);
  if (used.reached_leaf && MayUseSubPages(c, used)) {
    WalkSubPages(c, range.first, used);
  }
  if ((last ^ range.first) >> 12 != 0) {
    Hpa unused;
    used.reached_leaf &= Walk(c, last, 0, used, unused);
  }
  if (step.kind == StepKind::kPdpteLoad && used.reached_leaf) {
    for (unsigned i = 0; i < 4; ++i) {
      AddOther(c, Hpa{host.value + 8 * i}, used);
    }
  }
  AddVeArea(c, used);
}

}  // namespace eptdiff
