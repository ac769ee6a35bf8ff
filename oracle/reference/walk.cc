#include "oracle/reference/walk.h"

namespace eptdiff {
namespace {

// Tables 29-1 to 29-7 and 29.3.3.1: is the entry, which is present, configured
// properly? The first rule that says no.
bool IsMisconfigured(Examiner& x, RuleAt& decided) {
  const auto forbids = [&](Slot slot) __attribute__((always_inline)) {
    if (!x.Ask(slot)) return false;
    decided = x.At(slot);
    return true;
  };
  return forbids(Slot::kCfg1) || forbids(Slot::kCfg2) || forbids(Slot::kCfg3) ||
         forbids(Slot::kCfg4) || forbids(Slot::kCfg5) || forbids(Slot::kCfg6) ||
         forbids(Slot::kCfg7) || forbids(Slot::kCfg8) || forbids(Slot::kCfg9) ||
         forbids(Slot::kCfg10) || forbids(Slot::kCfg11) ||
         forbids(Slot::kWalk7);
}

// The first entry used whose bit `position` is clear.
std::uint8_t LevelWithout(const Situation& s, int position) {
  for (const PathEntry& used : s.path) {
    if (!sdm::Bit(used.value, position)) return used.level;
  }
  return 0;
}

Refusal RefusedBy(const Examiner& x, Slot slot, int position) {
  return {true,
          slot == Slot::kVio3,
          {InfoOf(slot).rule, LevelWithout(x.s, position)}};
}

}  // namespace

Walk WalkEpt(Examiner& x) {
  Situation& s = x.s;
  s.path.clear();
  s.level = 0;
  s.entry = 0;
  s.leaf = s.not_present = s.beyond_width = s.reached_leaf = false;
  Chooser* const chooser = x.chooser;
  const std::uint64_t eptp =
      chooser == nullptr ? x.state().controls.eptp
                         : chooser->BeginEpt(x, x.state().controls.eptp);

  if (x.Ask(Slot::kWalk2)) {
    s.beyond_width = true;
    return {WalkEnd::kBeyondWidth, x.At(Slot::kWalk2)};
  }
  const auto order = static_cast<WalkOrder>(x.Ask(Slot::kWalk8));
  s.level = Situation::IsFourLevel(eptp) ? 4 : 5;
  std::uint64_t table = x.Ask(Slot::kWalk9, eptp);
  for (;; --s.level) {
    // 1. An EPT paging-structure entry is read.
    const Hpa address{table + 8 * x.Ask(Slot::kWalk1)};
    s.entry = x.Read(Role::kEptEntry, s.level, address);
    s.leaf = x.Ask(Slot::kWalk5);
    RuleAt decided;
    if (order == WalkOrder::kMisconfiguredFirst &&
        IsMisconfigured(x, decided)) {
      if (chooser != nullptr) chooser->KeepNothing(x);
      return {WalkEnd::kMisconfigured, decided};
    }
    // 1a. The entry is not present.
    const bool present = x.Ask(s.Mbec() ? Slot::kWalk4 : Slot::kWalk3);
    if (!present && x.Ask(Slot::kVio1)) {
      s.not_present = true;
      if (chooser != nullptr) chooser->KeepNothing(x);
      return {WalkEnd::kNotPresent, x.At(Slot::kVio1)};
    }
    // 1b. It is present, but its contents are not configured properly.
    if (IsMisconfigured(x, decided)) {
      if (chooser != nullptr) chooser->KeepNothing(x);
      return {WalkEnd::kMisconfigured, decided};
    }
    s.path.push_back({address, s.entry, s.level, s.leaf});
    if (chooser != nullptr) [[unlikely]] {
      s.path.back().kept = x.state().memory.Load(address) != s.entry;
      chooser->Keep(x);
      if (chooser->FlagsMayStay(x)) {
        const std::size_t first = s.leaf ? 0 : s.path.size() - 1;
        for (std::size_t i = first; i < s.path.size(); ++i) {
          s.path[i].flags_may_stay = true;
        }
      }
      if (s.leaf) {
        const std::uint64_t flags = chooser->FlagsOfMemory(x);
        for (PathEntry& used : s.path) used.flags_of_memory = flags;
      }
    }
    // 1c. It references another EPT paging structure, or maps a page.
    if (s.leaf) {
      s.reached_leaf = true;
      if (s.linear.level == 0) x.trace().reached_leaf = true;
      return {WalkEnd::kLeaf, x.At(Slot::kWalk6)};
    }
    if (order == WalkOrder::kPermissionsPerLevel) {
      const Refusal refusal = JudgePermissions(x);
      if (refusal.refused) return {WalkEnd::kRefused, refusal.decided};
    }
    table = x.Ask(Slot::kWalk9, s.entry);
  }
}

Refusal JudgePermissions(Examiner& x) {
  Situation& s = x.s;
  // "If supervisor shadow-stack control is enabled [and] the access is a
  // supervisor shadow-stack access": bit 1 of the leaf does not matter.
  if (s.SupervisorShadowStackControl() && s.sss_access) {
    if (!x.Ask(Slot::kVio12)) return {};
    return {true, false, x.At(Slot::kVio12)};
  }
  if (x.Ask(Slot::kVio2)) return RefusedBy(x, Slot::kVio2, 0);
  if (x.Ask(Slot::kVio4)) return RefusedBy(x, Slot::kVio4, 2);
  if (x.Ask(Slot::kVio5)) return RefusedBy(x, Slot::kVio5, 2);
  if (x.Ask(Slot::kVio6)) return RefusedBy(x, Slot::kVio6, 10);
  if (x.Ask(Slot::kVio3) && !x.Ask(Slot::kVio11)) {
    return RefusedBy(x, Slot::kVio3, 1);
  }
  return {};
}

}  // namespace eptdiff
