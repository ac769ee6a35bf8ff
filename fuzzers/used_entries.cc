#include "fuzzers/used_entries.h"

#include "fuzzers/bits.h"
#include "fuzzers/case_memory.h"
#include "fuzzers/machine_generation.h"
#include "fuzzers/table_builder.h"

namespace eptdiff {
namespace {

using namespace bits;

// Walks for one page. Returns where its leaf takes `gpa`, and whether one was
// found.
bool Walk(const Case& c, std::uint64_t gpa, UsedEntries& used, Hpa& host) {
  const std::uint64_t present =
      kPermissions | (HasSecondary(c, kSecondaryMbec) ? kUserExecute : 0);
  Hpa table{c.controls.eptp & kAddress};
  for (int level = EptLevels(c); level >= 1; --level) {
    const Hpa address{table.value + 8 * IndexAt(gpa, level)};
    const std::uint64_t value = LoadWord(c, address);
    const bool leaf = level == 1 || (level <= 3 && (value & kLeaf) != 0);
    used.list.push_back({address, value, EntryKind::kEpt, level, leaf});
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
    used.list.push_back({address, value, EntryKind::kSpp, level, false});
    if (level > 1 && (value & 1) == 0) return;
    table = Hpa{value & kAddress};
  }
}

void AddOther(const Case& c, Hpa address, UsedEntries& used) {
  used.list.push_back(
      {address, LoadWord(c, address), EntryKind::kOther, 0, false});
}

bool MayUseSubPages(const Case& c, const UsedEntries& used) {
  return HasSecondary(c, kSecondarySpp) &&
         (used.list.back().value & kSubPage) != 0 &&
         used.list.back().level == 1;
}

}  // namespace

GpaRange AccessedRange(const Case& c, const Step& step) {
  switch (step.kind) {
    case StepKind::kGuestPhysicalAccess:
      return {step.gpa.value, step.access.size};
    case StepKind::kLinearAccess:
      return {step.gla.value & Low(32), step.access.size};
    case StepKind::kPagingStructureRead:
    case StepKind::kPagingStructureUpdate:
      return {step.gpa.value, 1};
    case StepKind::kPdpteLoad:
      return {c.guest.cr3 & Low(32) & ~Low(5), 32};
    case StepKind::kStore:
    case StepKind::kEptpSwitch:
      break;
  }
  return {};
}

void FindUsedEntries(const Case& c, const Step& step, UsedEntries& used) {
  used.list.clear();
  used.reached_leaf = false;
  if (step.kind == StepKind::kEptpSwitch) {
    AddOther(
        c,
        Hpa{(c.controls.eptp_list_address & kAddress) + 8 * (step.index & 511)},
        used);
    return;
  }
  const GpaRange range = AccessedRange(c, step);
  if (range.bytes == 0) return;
  const std::uint64_t last = range.first + range.bytes - 1;
  Hpa host;
  used.reached_leaf = Walk(c, range.first, used, host);
  if (used.reached_leaf && MayUseSubPages(c, used)) {
    WalkSubPages(c, range.first, used);
  }
  if ((last ^ range.first) >> 12 != 0) {
    Hpa unused;
    used.reached_leaf &= Walk(c, last, used, unused);
  }
  if (step.kind == StepKind::kPdpteLoad && used.reached_leaf) {
    for (unsigned i = 0; i < 4; ++i) {
      AddOther(c, Hpa{host.value + 8 * i}, used);
    }
  }
  if (HasSecondary(c, kSecondaryVe)) {
    AddOther(c, Hpa{c.controls.ve_information_address & kAddress}, used);
  }
}

}  // namespace eptdiff
