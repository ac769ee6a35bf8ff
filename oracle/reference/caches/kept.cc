#include "oracle/reference/caches/kept.h"

#include <algorithm>
#include <bit>

#include "oracle/fixed_vector.h"
#include "oracle/reference/examiner.h"
#include "oracle/reference/rules/cache_tags.h"
#include "oracle/reference/walk.h"

namespace eptdiff {
namespace {

using sdm::EptrtaOf;
using sdm::PcidOf;

constexpr int kPageShift = 12;

bool HasPaging(const ProcessorContext& context) {
  return PagingModeOf(context.guest) != GuestMode::kNone;
}

// Whether linear addresses are translated from one root, but for HLAT paging.
bool SameRoot(const GuestState& a, const GuestState& b) {
  const GuestMode mode = PagingModeOf(a);
  return mode == PagingModeOf(b) &&
         (mode == GuestMode::kNone || a.cr3 == b.cr3) &&
         (mode != GuestMode::kPae || a.pdpte == b.pdpte);
}

// Whether an address is translated from one HLATP, or from none.
bool SameHlat(const Controls& a, const Controls& b, Gla gla) {
  const bool uses = UsesHlatp(a, gla);
  return uses == UsesHlatp(b, gla) && (!uses || a.hlatp == b.hlatp);
}

// Whether a linear address is one that this mode translates.
bool IsOf(GuestMode mode, Gla gla) {
  const auto high = [&](int bit) {
    return static_cast<std::int64_t>(gla.value) >> bit;
  };
  switch (mode) {
    case GuestMode::kNone:
    case GuestMode::k32Bit:
    case GuestMode::kPae:
      return gla.value >> 32 == 0;
    case GuestMode::k4Level:
      return high(47) == 0 || high(47) == -1;
    case GuestMode::k5Level:
      return high(56) == 0 || high(56) == -1;
  }
  return false;
}

// Whether a guest-physical address is one that EPT of this length translates.
bool IsOf(std::uint64_t eptp, Gpa gpa) {
  return !Situation::IsFourLevel(eptp) || gpa.value >> 48 == 0;
}

// The address bits from there up select a guest entry of this level.
int GuestShift(GuestMode mode, int level) {
  return kPageShift + (mode == GuestMode::k32Bit ? 10 : 9) * (level - 1);
}

int EptShift(int level) { return kPageShift + 9 * (level - 1); }

EntryRead EntryAt(Structure structure, const Examiner& x, Hpa address) {
  return {.structure = structure,
          .level = x.s.level,
          .guest_level = x.s.linear.level,
          .address = address};
}

// The rule of the first of these slots that says yes.
template <Slot... slots>
std::optional<Rule> FirstOf(Examiner& x) {
  std::optional<Rule> first;
  (void)((x.Ask(slots) && (first = InfoOf(slots).rule, true)) || ...);
  return first;
}

// The rule by which x.s.past ends x.s.mapping.
std::optional<Rule> EndedBy(Examiner& x) {
  return FirstOf<Slot::kCache5GuestPhysical, Slot::kCache5Combined,
                 Slot::kCache6Single, Slot::kCache6All, Slot::kCache7Address,
                 Slot::kCache7Single, Slot::kCache7All, Slot::kCache7Retaining,
                 Slot::kCache8Invlpg, Slot::kCache8Invpcid, Slot::kCache8MovCr3,
                 Slot::kCache8MovCr, Slot::kCache11Transition,
                 Slot::kCache11Switch, Slot::kCache12>(x);
}

}  // namespace

Kept::Kept(const MachineState& state, Moments spared, std::size_t max_runs)
    : state_(state),
      history_(state.history),
      now_(state.history.now()),
      spared_(spared),
      max_runs_(max_runs) {}

bool Kept::Next() {
  while (!choices_.empty() &&
         choices_.back().taken + 1 == choices_.back().count) {
    choices_.pop_back();
  }
  if (choices_.empty()) return false;
  if (runs_ == max_runs_) {
    exhausted_ = true;
    return false;
  }
  ++choices_.back().taken;
  ++runs_;
  next_choice_ = 0;
  possible_ = true;
  linear_ = false;
  staying_.clear();
  entries_.clear();
  ends_.clear();
  return true;
}

// A run that is none already is looked at in one way: none of it is permitted.
std::size_t Kept::Choose(std::size_t count) {
  if (count < 2 || !possible_) return 0;
  if (next_choice_ == choices_.size()) choices_.push_back({0, count});
  return choices_[next_choice_++].taken;
}

template <typename F>
Kept::Moments Kept::Those(F f) const {
  Moments those = 0;
  for (std::size_t moment = 0; moment <= now_; ++moment) {
    if (f(At(moment))) those |= Moments{1} << moment;
  }
  return those;
}

void Kept::Require(Moments held) {
  if ((held & Now()) == 0) possible_ = false;
}

template <typename Take>
std::uint64_t Kept::Read(const EntryRead& entry, Moments held,
                         std::uint64_t now, Take take, Moments& filled) {
  filled = held;
  if (held == 0) possible_ = false;
  const auto versions =
      history_.VersionsOf(Hpa{entry.address.value & ~std::uint64_t{7}});
  if (versions.empty() || held == 0) return now;
  // What memory has now comes first.
  struct Value {
    std::uint64_t value = 0;
    Moments moments = 0;
  };
  FixedVector<Value, History::kMaxMoments> values;
  values.push_back({now, 0});
  for (std::size_t i = 0; i < versions.size(); ++i) {
    const std::size_t end =
        i + 1 < versions.size() ? versions[i + 1].from : now_ + 1;
    Moments moments = 0;
    for (std::size_t m = versions[i].from; m < end; ++m) {
      moments |= Moments{1} << m;
    }
    const std::uint64_t value = take(versions[i].value);
    auto* known =
        std::find_if(values.begin(), values.end(),
                     [&](const Value& other) { return other.value == value; });
    if (known == values.end()) {
      values.push_back({value, 0});
      known = &values.back();
    }
    known->moments |= moments & held;
  }
  std::size_t count = 0;
  for (const Value& value : values) {
    if (value.moments != 0) values[count++] = value;
  }
  if (count == 0) {
    possible_ = false;
    filled = 0;
    return now;
  }
  const Value& chosen = values[Choose(count)];
  filled = chosen.moments;
  if (chosen.value != now) NoteEntry(entry, now, chosen.value, chosen.moments);
  return chosen.value;
}

void Kept::NoteEntry(EntryRead entry, std::uint64_t now, std::uint64_t used,
                     Moments moments) {
  entry.value = used;
  const auto last = static_cast<std::size_t>(std::bit_width(moments)) - 1;
  const auto versions =
      history_.VersionsOf(Hpa{entry.address.value & ~std::uint64_t{7}});
  const auto next =
      std::find_if(versions.begin(), versions.end(),
                   [&](const auto& version) { return version.from > last; });
  entries_.push_back({entry, now, next->from});
}

void Kept::NoteEnd(std::size_t step, Rule rule) {
  const auto place =
      std::find_if(ends_.begin(), ends_.end(),
                   [&](const KeptEnd& end) { return end.step >= step; });
  if (place != ends_.end() && place->step == step) return;
  ends_.insert(place, {step, rule});
}

Kept::Moments Kept::Hold(Examiner& x, const KeptMapping& mapping,
                         Moments made) {
  Moments held = made;
  x.s.mapping = &mapping;
  for (std::size_t moment = 1; moment <= now_; ++moment) {
    const Moments bit = Moments{1} << moment;
    if ((held & bit) != 0 || (held & bit >> 1) == 0) continue;
    const PastStep& past = history_.StepTo(moment);
    x.s.past = &past;
    const std::optional<Rule> ended =
        past.processor == state_.current ? EndedBy(x) : std::nullopt;
    if (ended.has_value() && (spared_ & bit) == 0) continue;
    if (ended.has_value()) NoteEnd(moment, *ended);
    held |= bit;
  }
  x.s.mapping = nullptr;
  x.s.past = nullptr;
  return held;
}

KeptMapping Kept::GuestPhysical(const Examiner& x, bool whole,
                                int shift) const {
  KeptMapping mapping;
  mapping.whole = whole;
  mapping.shift = static_cast<std::uint8_t>(shift);
  mapping.gpa = x.s.access.gpa;
  mapping.eptp = eptp_;
  return mapping;
}

KeptMapping Kept::OfEntry(const Examiner& x) const {
  return GuestPhysical(x, x.s.leaf,
                       x.s.leaf ? kPageShift : EptShift(x.s.level));
}

KeptMapping Kept::Combined(const Examiner& x, bool whole, int shift) const {
  KeptMapping mapping;
  mapping.combined = true;
  mapping.whole = whole;
  mapping.shift = static_cast<std::uint8_t>(shift);
  mapping.gla = linear_ ? x.s.linear.gla : x.s.access.gla;
  mapping.gpa = x.s.access.gpa;
  mapping.eptp = state_.controls.eptp;
  mapping.vpid = sdm::VpidOf(state_.controls);
  mapping.pcid = pcid_;
  mapping.global = whole && global_;
  mapping.dirty = whole && dirty_;
  return mapping;
}

KeptMapping Kept::WholePage(const Examiner& x) const {
  return Combined(x, /*whole=*/true, linear_ ? page_shift_ : kPageShift);
}

bool Kept::UsesMadeUnder(Examiner& x, const ProcessorContext& then,
                         bool global) const {
  x.s.then = &then;
  const bool uses = x.Ask(Slot::kCache1Eptrta) && x.Ask(Slot::kCache1Vpid) &&
                    x.Ask(Slot::kCache1Pcid, global) &&
                    x.Ask(Slot::kCache1Mode) && x.Ask(Slot::kCache1Paging) &&
                    x.Ask(Slot::kCache1Hlat);
  x.s.then = nullptr;
  return uses;
}

// Where a linear translation begins: at the root that is current, or was while
// entries of its PCID were kept, or of another PCID, if the page is global.
// With CR0.PG = 0 there is no guest entry that could be read, nor a root.
void Kept::BeginLinear(Examiner& x) {
  linear_ = true;
  global_ = dirty_ = other_pcid_ = false;
  guest_above_ = 0;
  before_restart_ = ~Moments{0};
  pcid_ = PcidOf(state_.guest);
  if (!x.Ask(Slot::kCache3)) {
    guest_tagged_ = guest_held_ = guest_root_ = Now();
    return;
  }
  const auto usable = [&](const ProcessorContext& then, bool global) {
    return UsesMadeUnder(x, then, global);
  };
  const Gla gla = x.s.linear.gla;
  std::vector<const GuestState*> roots = {&state_.guest};
  std::vector<const Controls*> hlat_roots = {&state_.controls};
  for (std::size_t moment = 0; moment <= now_; ++moment) {
    const ProcessorContext& then = At(moment);
    if (!usable(then, /*global=*/HasPaging(then)) ||
        !IsOf(PagingModeOf(then.guest), gla)) {
      continue;
    }
    const bool known = std::any_of(
        roots.begin(), roots.end(),
        [&](const GuestState* other) { return SameRoot(*other, then.guest); });
    if (!known) roots.push_back(&then.guest);
    const bool hlat_known = std::any_of(
        hlat_roots.begin(), hlat_roots.end(), [&](const Controls* other) {
          return SameHlat(*other, then.controls, gla);
        });
    if (!hlat_known) hlat_roots.push_back(&then.controls);
  }
  const GuestState& root = *roots[Choose(roots.size())];
  const GuestMode mode = PagingModeOf(root);
  const bool ia32e = mode == GuestMode::k4Level || mode == GuestMode::k5Level;
  const Controls& hlat_root =
      *hlat_roots[ia32e ? Choose(hlat_roots.size()) : 0];
  const bool hlat = ia32e && UsesHlatp(hlat_root, gla);
  const auto has_root = [&](const ProcessorContext& then) {
    if (PagingModeOf(then.guest) != mode) return false;
    if (ia32e && !SameHlat(then.controls, hlat_root, gla)) return false;
    return hlat || SameRoot(then.guest, root);
  };
  Moments own =
      Those([&](const ProcessorContext& then) { return usable(then, false); });
  const Moments rooted = Those(has_root);
  other_pcid_ = (rooted & own) == 0;
  if (other_pcid_) {
    own = Those([&](const ProcessorContext& then) {
      return usable(then, true) && has_root(then);
    });
    for (std::size_t m = 0; m <= now_; ++m) {
      if ((own >> m & 1) != 0) pcid_ = PcidOf(At(m).guest);
    }
  }
  guest_tagged_ = own & Those(HasPaging);
  guest_held_ = rooted & own;
  guest_root_ = own & Those([&](const ProcessorContext& then) {
                  return SameRoot(then.guest, root);
                });
  if (mode != PagingModeOf(state_.guest)) x.s.linear.mode = mode;
  x.s.linear.root = &root;
  x.s.linear.hlat_root = &hlat_root;
}

// The tag is the address of the root, so that of all that may be used the root
// is the same, if not the page-walk length; in a dialect it need not be.
std::uint64_t Kept::BeginEpt(Examiner& x, std::uint64_t eptp) {
  spp_held_ = 0;
  pat_ = ~Moments{0};
  eptp_ = eptp;
  keeps_guest_physical_ = x.Ask(Slot::kCache3GuestPhysical);
  keeps_combined_ = x.Ask(Slot::kCache3Combined);
  if (!x.Ask(Slot::kCache3)) {
    tagged_ = held_ = Now();
    return eptp;
  }
  const auto usable = [&](const ProcessorContext& then) {
    x.s.then = &then;
    const bool matches =
        x.Ask(Slot::kCache1Eptrta) && x.Ask(Slot::kCache1Length);
    x.s.then = nullptr;
    return matches;
  };
  tagged_ = Those(usable);
  const auto root_of = [](std::uint64_t value) {
    return EptrtaOf(value) | (value & 0x38);  // and the page-walk length
  };
  FixedVector<std::uint64_t, History::kMaxMoments + 1> roots;
  roots.push_back(root_of(eptp));
  for (std::size_t moment = 0; moment <= now_; ++moment) {
    const std::uint64_t root = root_of(At(moment).controls.eptp);
    if ((tagged_ >> moment & 1) == 0 || !IsOf(root, x.s.access.gpa) ||
        std::find(roots.begin(), roots.end(), root) != roots.end()) {
      continue;
    }
    roots.push_back(root);
  }
  const std::uint64_t root = roots[Choose(roots.size())];
  held_ = tagged_ & Those([&](const ProcessorContext& then) {
            return root_of(then.controls.eptp) == root;
          });
  eptp_ = (eptp & ~root_of(~std::uint64_t{0})) | root;
  return eptp_;
}

std::uint64_t Kept::ReadEntry(Examiner& x, Hpa address, std::uint64_t now) {
  return Read(
      EntryAt(Structure::kEpt, x, address), held_ & tagged_, now,
      [](std::uint64_t word) { return word; }, filled_);
}

void Kept::Keep(Examiner& x) {
  const bool kept = keeps_guest_physical_ && (x.s.leaf || x.Ask(Slot::kCache4));
  held_ = kept ? Hold(x, OfEntry(x), filled_) : filled_;
  spp_held_ = held_;
}

void Kept::KeepNothing(Examiner& x) {
  const bool kept = x.Ask(x.s.not_present ? Slot::kCache2NotPresent
                                          : Slot::kCache2Misconfigured);
  held_ = kept ? Hold(x, GuestPhysical(x, true, kPageShift), filled_)
               : filled_ & Now();
  UseNow(x);
}

bool Kept::FlagsMayStay(Examiner& x) {
  constexpr int kFlagsEnabled = 6, kAccessed = 8;
  if (!sdm::Bit(state_.controls.eptp, kFlagsEnabled)) return false;
  const auto was_kept = [&](Moments made) {
    return made != 0 && (Hold(x, OfEntry(x), made) & Now()) != 0;
  };
  const Moments without = Those([](const ProcessorContext& then) {
    return !sdm::Bit(then.controls.eptp, kFlagsEnabled);
  });
  const bool may_stay =
      (was_kept(filled_ & without) && x.Ask(Slot::kCache14)) ||
      (x.Ask(Slot::kCache10Clear) && was_kept(filled_ & ~Now()));
  if (!may_stay) return false;
  if (x.s.leaf) return Choose(2) == 1;
  if (!x.Ask(Slot::kCache4)) return false;
  // However often an entry is used, in the end its flag is set or is not.
  const Hpa word = x.s.path.back().address;
  if (sdm::Bit(state_.memory.Load(word), kAccessed)) return false;
  const auto known =
      std::find_if(staying_.begin(), staying_.end(),
                   [&](const Staying& other) { return other.word == word; });
  if (known != staying_.end()) return known->stays;
  staying_.push_back({word, Choose(2) == 1});
  return staying_.back().stays;
}

// "Might not set" (29.3.5): it may, too, and then looks whether the log is
// full, and logs a dirty flag. And what is set in memory by now, also by an
// earlier part of this step, is not changed "from 0 to 1" (29.3.6), though it
// was clear in what was kept: then nothing is looked at, or by what was kept it
// is. Otherwise a flag is one write, which may be there or not (flags.cc).
std::uint64_t Kept::FlagsOfMemory(Examiner& x) {
  constexpr std::uint64_t kAccessed = 1 << 8, kDirty = 1 << 9;
  constexpr std::uint16_t kLogEntries = 512, kMostOfOneStep = 32;
  const std::uint16_t index = state_.controls.pml_index;
  const bool may_be_full = index < kMostOfOneStep || index >= kLogEntries;
  std::uint64_t open = 0;
  for (const PathEntry& used : x.s.path) {
    if (!used.kept) continue;
    const std::uint64_t clear =
        ~(used.value & state_.memory.Load(used.address));
    if (may_be_full) open |= clear & kAccessed;
    if (used.leaf) open |= clear & kDirty;
  }
  if (open == 0 || !x.Ask(Slot::kCtl5Pml)) return 0;
  std::uint64_t of_memory = 0;
  for (const std::uint64_t flag : {kAccessed, kDirty}) {
    if ((open & flag) != 0 && Choose(2) == 1) of_memory |= flag;
  }
  return of_memory;
}

std::uint64_t Kept::ReadSpp(Examiner& x, Hpa address, std::uint64_t now) {
  Moments filled = 0;
  const Moments held = x.Ask(Slot::kCache15) ? spp_held_ : spp_held_ & Now();
  const std::uint64_t value = Read(
      EntryAt(Structure::kSpp, x, address), held & tagged_, now,
      [](std::uint64_t word) { return word; }, filled);
  spp_held_ = Hold(x, GuestPhysical(x, true, kPageShift), filled);
  Require(spp_held_);
  return value;
}

// What is kept of the entry above maps to the host-physical address of the
// table (29.4.1), and ends as combined mappings do: no longer with the
// guest-physical mapping that led there.
std::uint64_t Kept::ReadGuest(Examiner& x, Hpa address, int bytes,
                              std::uint64_t now) {
  Moments found = guest_held_ & held_;
  if (guest_above_ != 0)
    found = Hold(x, Combined(x, false, guest_above_), found);
  const int low = sdm::Bit(address.value, 2) ? 32 : 0;
  const auto take = [&](std::uint64_t word) {
    return bytes == 4 ? sdm::Bits(word, low + 31, low) : word;
  };
  return Read(EntryAt(Structure::kGuest, x, address), found & guest_tagged_,
              now, take, guest_filled_);
}

void Kept::KeepGuest(Examiner& x, bool leaf) {
  constexpr int kAccessed = 5;
  if (!sdm::Bit(x.s.entry, kAccessed) && !x.Ask(Slot::kCache2GuestAccessed)) {
    guest_filled_ &= Now();
  }
  const int shift = GuestShift(x.s.linear.mode, x.s.level);
  if (leaf) {
    constexpr int kDirty = 6, kGlobal = 8, kPge = 7;
    dirty_ = sdm::Bit(x.s.entry, kDirty);
    global_ = sdm::Bit(x.s.entry, kGlobal) && sdm::Bit(state_.guest.cr4, kPge);
    if (other_pcid_ && !global_) possible_ = false;
    page_shift_ = static_cast<std::uint8_t>(shift);
    guest_filled_ &= before_restart_;
    guest_held_ = guest_filled_;
    return;
  }
  guest_above_ = keeps_combined_ && x.Ask(Slot::kCache4) ? shift : 0;
  guest_held_ = guest_above_ != 0
                    ? Hold(x, Combined(x, false, shift), guest_filled_)
                    : guest_filled_;
  // 3A 4.5: ordinary paging has tables of its own, of which another address may
  // have had the use before.
  if (x.s.linear.hlat && x.Ask(Slot::kGw15Restart)) {
    before_restart_ = guest_held_;
    guest_held_ = guest_root_;
    guest_above_ = 0;
  }
}

void Kept::KeepNoGuest(Examiner& x) {
  guest_filled_ &= before_restart_;
  const bool present = sdm::Bit(x.s.entry, 0);
  const bool kept = x.Ask(present ? Slot::kCache2GuestReserved
                                  : Slot::kCache2GuestNotPresent);
  if (kept) {
    page_shift_ = static_cast<std::uint8_t>(kPageShift);
    guest_filled_ = Hold(x, WholePage(x), guest_filled_);
  }
  Require(guest_filled_);
}

bool Kept::GuestDirtyMayStay(Examiner& x) {
  if (!x.Ask(Slot::kCache10Guest)) return false;
  // What the step before this one made, it made by now.
  const auto was_used = [&] {
    if (now_ == 0) return false;
    const PastStep& past = history_.StepTo(now_);
    return past.processor == state_.current &&
           past.step.kind == StepKind::kLinearAccess &&
           past.event.kind == EventKind::kCompleted &&
           (past.step.gla.value ^ x.s.linear.gla.value) >> page_shift_ == 0;
  };
  const Moments made = was_used() ? guest_filled_ : guest_filled_ & ~Now();
  const bool was_kept = made != 0 && (Hold(x, WholePage(x), made) & Now()) != 0;
  return was_kept && Choose(2) == 1;
}

void Kept::Refused(Examiner& x) {
  const bool kept =
      std::any_of(x.s.path.begin(), x.s.path.end(),
                  [](const PathEntry& used) { return used.kept; });
  if (kept && !x.Ask(Slot::kCache9)) possible_ = false;
}

bool Kept::IsCombined(const Examiner& x) const {
  return linear_ || (x.s.access.purpose == Purpose::kTranslated &&
                     x.s.access.page.gla_valid);
}

Kept::Moments Kept::MadeWhole(Examiner& x) const {
  if (linear_) return held_ & guest_held_;
  // The rest of its combined mapping, the step does not give, but whether
  // paging has made it.
  return held_ & Those([&](const ProcessorContext& then) {
           return HasPaging(then) == x.s.PagingEnabled() &&
                  UsesMadeUnder(x, then, /*global=*/false);
         });
}

Kept::Moments Kept::HoldWhole(Examiner& x, Moments made) {
  return keeps_combined_ ? Hold(x, WholePage(x), made) : made;
}

// 3A 4.10.2.2: a translation has "the memory type", not what it was made of.
std::uint64_t Kept::Pat(Examiner& x) {
  const std::uint64_t now = state_.guest.pat;
  if (!IsCombined(x) || !keeps_combined_) return now;
  if (!linear_) {
    pcid_ = PcidOf(state_.guest);
    global_ = dirty_ = false;
  }
  FixedVector<std::uint64_t, History::kMaxMoments + 1> pats;
  pats.push_back(now);
  const Moments made = MadeWhole(x);
  for (std::size_t moment = 0; moment <= now_; ++moment) {
    const Moments bit = Moments{1} << moment;
    const std::uint64_t then = At(moment).guest.pat;
    if ((made & bit) == 0 ||
        std::find(pats.begin(), pats.end(), then) != pats.end() ||
        (Hold(x, WholePage(x), bit) & Now()) == 0) {
      continue;
    }
    pats.push_back(then);
  }
  const std::uint64_t chosen = pats[Choose(pats.size())];
  pat_ = Those(
      [&](const ProcessorContext& then) { return then.guest.pat == chosen; });
  return chosen;
}

void Kept::UseNow(Examiner& x) {
  const bool final_access = x.s.linear.level == 0;
  if (linear_ && !final_access) {
    Require(held_ & guest_held_);
    return;
  }
  if (!IsCombined(x)) {
    Require(held_);
    return;
  }
  if (!linear_) {
    pcid_ = PcidOf(state_.guest);
    global_ = dirty_ = false;
  }
  Require(HoldWhole(x, MadeWhole(x) & pat_));
}

void Kept::UseGuestNow(Examiner& x, const PageAccess& page) {
  if ((guest_filled_ & Now()) != 0) return;  // the entry is read now
  if (x.Ask(Slot::kCache2GuestPage)) {
    return Require(HoldWhole(x, guest_filled_));
  }
  const Situation here = x.s;
  x.s.linear.level = 0;
  x.s.access = page;
  const bool found = WalkEpt(x).end == WalkEnd::kLeaf;
  x.s = here;
  Require(found ? HoldWhole(x, guest_filled_ & held_) : 0);
}

}  // namespace eptdiff
