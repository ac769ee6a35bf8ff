#include "fuzzers/generation/cache_shapes.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/entry_mutation.h"
#include "fuzzers/entries/guest_entry_mutation.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/entries/used_entries.h"

namespace eptdiff {
namespace {

using namespace bits;

// INVEPT and INVVPID, with all types.
constexpr std::uint64_t kInvalidationCapabilities =
    kCapInvept | Bit(32) | Low(4) << 40;
constexpr std::uint32_t kSecondaryInvpcid = 1u << 12;
constexpr std::uint32_t kPrimaryInvlpgExiting = 1u << 9;
constexpr std::uint32_t kFieldVpid = 0x0000;
constexpr std::uint32_t kFieldEptp = 0x201a;
constexpr std::uint32_t kFieldCr3 = 0x6802;
constexpr std::uint64_t kGuestReserved = Bit(51);
constexpr std::uint64_t kCr3Preserve = Bit(63);
constexpr std::uint64_t kMisconfigured = kWrite;

// The making of one shape, in order.
class Shape {
 public:
  Shape(Random& random, Case& c) : random_(random), c_(c) {}

  bool Run();

 private:
  bool PickAccess();
  bool PickEntry();
  void AddTags();
  bool IsGuest() const { return entry_.kind == UsedKind::kGuest; }
  void StoreGuest(Hpa address, std::uint64_t value);
  void Rewrite(std::uint64_t value);
  void ChangeEntry(CacheShape shape);
  std::uint64_t OtherFrame(std::uint64_t value);
  std::uint64_t Rights() const;
  std::uint64_t Mutated();
  void ChangeTags();
  bool MayMoveToCr() const;
  Step MoveToCr3(std::uint64_t value) const;
  Step MoveToCr();
  void End();
  Step Invept();
  Step Invvpid();
  Step Invpcid();
  Step Enter(std::uint32_t field, std::uint64_t value) const;
  void Again();

  Random& random_;
  Case& c_;
  std::size_t at_ = 0;  // of the access
  Step access_;
  UsedEntry entry_;
  std::vector<Step> steps_;  // what comes after it
};

bool Shape::PickAccess() {
  unsigned seen = 0;
  for (std::size_t i = 0; i < c_.steps.size(); ++i) {
    if (IsAccess(c_.steps[i]) && c_.steps[i].kind != StepKind::kPdpteLoad &&
        random_.Below(++seen) == 0) {
      at_ = i;
    }
  }
  if (seen == 0) return false;
  access_ = c_.steps[at_];
  return true;
}

// The leaves most of all, and of two dimensions either.
bool Shape::PickEntry() {
  UsedEntries used;
  FindUsedEntries(c_, access_, used);
  unsigned seen = 0;
  for (const UsedEntry& entry : used.list) {
    if (entry.kind == UsedKind::kOther) continue;
    unsigned weight = entry.leaf ? 4 : 1;
    if (entry.kind == UsedKind::kGuest) weight *= 3;
    if (entry.kind == UsedKind::kEpt && entry.guest_level == 0) weight *= 4;
    seen += weight;
    if (random_.Below(seen) < weight) entry_ = entry;
  }
  return seen != 0;
}

// Memory begins with a guest entry.
void Shape::StoreGuest(Hpa address, std::uint64_t value) {
  const unsigned bytes = ShapeOf(GuestModeOf(c_.guest)).entry_bytes;
  StoreWord(c_, address,
            WithEntry(LoadWord(c_, address), address, bytes, value));
}

void Shape::Rewrite(std::uint64_t value) {
  Step store;
  store.kind = StepKind::kStore;
  store.hpa = Hpa{entry_.address.value & ~7ull};
  store.value = value;
  if (IsGuest()) {
    const unsigned bytes = ShapeOf(GuestModeOf(c_.guest)).entry_bytes;
    store.value =
        WithEntry(LoadWord(c_, entry_.address), entry_.address, bytes, value);
  }
  steps_.push_back(store);
}

std::uint64_t Shape::OtherFrame(std::uint64_t value) {
  // A frame near by, or where another entry leads.
  std::uint64_t frame = (value & kAddress) ^ Bit(12 + random_.Below(3));
  if (random_.OneIn(2) && !c_.memory.empty()) {
    const MemoryWord& word = c_.memory[random_.Below(c_.memory.size())];
    frame = word.value & kAddress;
    if (frame == 0) frame = word.address.value & kAddress;
  }
  const std::uint64_t width = Low(c_.processor.maxphyaddr) & kAddress;
  return (value & ~kAddress) | (frame & width);
}

// Of the bits that allow something, one.
std::uint64_t Shape::Rights() const {
  if (IsGuest()) {
    const std::uint64_t bits[] = {kGuestWritable, kGuestUser};
    return bits[random_.Below(2)];
  }
  const std::uint64_t bits[] = {kRead, kWrite, kWrite, kExecute, kUserExecute};
  return bits[random_.Below(HasSecondary(c_, 1u << 22) ? 5 : 4)];
}

std::uint64_t Shape::Mutated() {
  switch (entry_.kind) {
    case UsedKind::kGuest:
      return MutateGuestEntry(random_, c_, entry_.value, entry_.level);
    case UsedKind::kSpp:
      return MutateSppEntry(random_, entry_.value, entry_.level,
                            c_.processor.maxphyaddr);
    default:
      return MutateEntry(random_, entry_.value, entry_.level,
                         c_.processor.maxphyaddr);
  }
}

// Memory begins with what the entry was, which `c_` is given, and the store
// makes it what it becomes.
void Shape::ChangeEntry(CacheShape shape) {
  const std::uint64_t value = entry_.value;
  const auto begin_with = [&](std::uint64_t was) {
    if (IsGuest()) return StoreGuest(entry_.address, was);
    StoreWord(c_, entry_.address, was);
  };
  switch (shape) {
    case CacheShape::kMoved:
      return Rewrite(OtherFrame(value));
    case CacheShape::kRightRemoved:
      return Rewrite(value & ~Rights());
    case CacheShape::kRightAdded: {
      const std::uint64_t right = Rights();
      begin_with(value & ~right);
      return Rewrite(value | right);
    }
    case CacheShape::kMemoryType:
      return Rewrite(
          value ^ (random_.OneIn(3) ? kIgnorePat : kWriteBack << kTypeShift));
    case CacheShape::kPageSize:
      return Rewrite(value ^ kLeaf);
    case CacheShape::kRemoved:
      return Rewrite(random_.OneIn(2) ? 0 : value & ~(Low(3) | Bit(10)));
    case CacheShape::kMapped:
      begin_with(0);
      return Rewrite(value);
    case CacheShape::kRepaired:
      begin_with(IsGuest() ? value | kGuestReserved
                           : (value & ~Low(3)) | kMisconfigured);
      return Rewrite(value);
    case CacheShape::kFlagsCleared: {
      const std::uint64_t accessed = IsGuest() ? kGuestAccessed : kAccessed;
      const std::uint64_t flags[] = {accessed, accessed << 1,
                                     accessed | accessed << 1};
      begin_with(value | accessed | (entry_.leaf ? accessed << 1 : 0));
      return Rewrite(value & ~random_.Pick(flags));
    }
    case CacheShape::kAnything:
      return Rewrite(Mutated());
    case CacheShape::kTagsChanged:
      return ChangeTags();
  }
}

Step Shape::Enter(std::uint32_t field, std::uint64_t value) const {
  Step step;
  step.kind = StepKind::kVmEntry;
  step.processor = access_.processor;
  step.index = field;
  step.value = value;
  return step;
}

bool Shape::MayMoveToCr() const {
  // With PAE paging what CR3 points to would matter, too.
  const GuestPagingMode mode = GuestModeOf(c_.guest);
  return c_.guest.cpl == 0 &&
         (IsIa32e(mode) || mode == GuestPagingMode::k32Bit);
}

Step Shape::MoveToCr3(std::uint64_t value) const {
  Step step;
  step.kind = StepKind::kRegisterWrite;
  step.processor = access_.processor;
  step.reg = GuestRegister::kCr3;
  step.value = c_.guest.cs_l ? value : value & Low(32);
  return step;
}

// Away, and mostly back; meanwhile the entry changes, or something ends what
// was kept, or what seems to be it.
void Shape::ChangeTags() {
  const Controls& k = c_.controls;
  const std::uint64_t cr3 = c_.guest.cr3;
  const bool pcids = (c_.guest.cr4 & kCr4Pcide) != 0;
  Step away;
  Step back;
  switch (random_.Below(pcids && MayMoveToCr() ? 5 : 3)) {
    case 0:  // another root, or another use of flags with the same root
      away = Enter(kFieldEptp, random_.OneIn(2) ? k.eptp ^ kAccessedDirty
                                                : OtherFrame(k.eptp));
      back = Enter(kFieldEptp, k.eptp);
      break;
    case 1:
      away = Enter(kFieldVpid, k.vpid ^ 1u);
      back = Enter(kFieldVpid, k.vpid);
      break;
    case 2:
      away = Enter(kFieldCr3, cr3 ^ (pcids && random_.OneIn(2) ? 1 : Bit(12)));
      back = Enter(kFieldCr3, cr3);
      break;
    default:
      away = MoveToCr3((cr3 ^ 1) | (random_.OneIn(4) ? 0 : kCr3Preserve));
      back = MoveToCr3(cr3 | (random_.OneIn(3) ? 0 : kCr3Preserve));
  }
  const auto change = [&] {
    Rewrite(random_.OneIn(3) ? 0 : OtherFrame(entry_.value));
  };
  const bool before = random_.OneIn(3);
  if (before) change();
  steps_.push_back(away);
  if (random_.OneIn(3)) Again();
  if (!before && random_.OneIn(2)) change();
  if (random_.OneIn(2)) End();
  if (!random_.OneIn(3)) steps_.push_back(back);
}

Step Shape::Invept() {
  Step step;
  step.kind = StepKind::kInvalidation;
  Invalidation& asked = step.invalidation;
  asked.kind = InvalidationKind::kInvept;
  asked.type = random_.OneIn(3) ? 2 : 1;
  asked.first = c_.controls.eptp;
  if (random_.OneIn(4)) asked.first ^= kAccessedDirty;
  if (random_.OneIn(4)) asked.first = OtherFrame(asked.first);
  if (random_.OneIn(16))
    asked.type = static_cast<std::uint8_t>(random_.Below(4));
  if (random_.OneIn(16)) asked.first ^= Bit(random_.Below(64));
  if (random_.OneIn(32)) asked.second = random_.Next();
  return step;
}

Step Shape::Invvpid() {
  Step step;
  step.kind = StepKind::kInvalidation;
  Invalidation& asked = step.invalidation;
  asked.kind = InvalidationKind::kInvvpid;
  asked.type = static_cast<std::uint8_t>(random_.Below(4));
  asked.first = c_.controls.vpid;
  asked.second =
      access_.gla.value != 0 ? access_.gla.value : access_.page.gla.value;
  if (random_.OneIn(4)) asked.first ^= 1;
  if (random_.OneIn(4)) asked.second ^= Bit(12 + random_.Below(18));
  if (random_.OneIn(16))
    asked.type = static_cast<std::uint8_t>(random_.Below(6));
  if (random_.OneIn(16)) asked.first ^= Bit(random_.Below(64));
  if (random_.OneIn(16)) asked.second ^= Bit(47 + random_.Below(17));
  return step;
}

Step Shape::Invpcid() {
  Step step;
  step.kind = StepKind::kInvalidation;
  Invalidation& asked = step.invalidation;
  asked.second =
      access_.gla.value != 0 ? access_.gla.value : access_.page.gla.value;
  if (random_.OneIn(4)) asked.second ^= Bit(12 + random_.Below(18));
  if (random_.OneIn(3)) {
    asked.kind = InvalidationKind::kInvpcid;
    asked.type =
        static_cast<std::uint8_t>(random_.Below(random_.OneIn(16) ? 6 : 4));
    const bool pcids = (c_.guest.cr4 & Bit(17)) != 0;
    asked.first = pcids ? c_.guest.cr3 & Low(12) : 0;
    if (random_.OneIn(4)) asked.first ^= 1;
    if (random_.OneIn(16)) asked.first ^= Bit(random_.Below(64));
    return step;
  }
  asked.kind = InvalidationKind::kInvlpg;
  return step;
}

// A register is written, by which what was kept ends, or some of it.
Step Shape::MoveToCr() {
  const GuestState& g = c_.guest;
  if (!random_.OneIn(3)) {
    std::uint64_t cr3 = g.cr3;
    if ((g.cr4 & kCr4Pcide) != 0) {
      if (random_.OneIn(4)) cr3 ^= 1;
      if (random_.OneIn(4)) cr3 |= kCr3Preserve;
    }
    return MoveToCr3(cr3);
  }
  constexpr std::uint64_t kToggles[] = {kCr4Pge, kCr4Pge, kCr4Smep, kCr4Pcide};
  Step step = MoveToCr3(g.cr4 ^ random_.Pick(kToggles));
  step.reg = GuestRegister::kCr4;
  return step;
}

// What ends what was kept, or seems to, or nothing. What is kept of guest
// entries ends by more than INVEPT.
void Shape::End() {
  enum class Ending : std::uint8_t {
    kNone,
    kInvept,
    kInvvpid,
    kOfGuest,
    kMoveToCr,
    kEntry,
    kRefusal
  };
  using enum Ending;
  static constexpr Ending kOfEpt[] = {
      kNone,    kNone,    kNone,   kNone,     kNone,    kNone,    kInvept,
      kInvept,  kInvept,  kInvept, kInvept,   kInvvpid, kInvvpid, kInvvpid,
      kOfGuest, kOfGuest, kEntry,  kMoveToCr, kRefusal, kRefusal, kRefusal};
  static constexpr Ending kOfGuestEntry[] = {
      kNone,    kNone,    kNone,    kNone,     kInvept,   kInvvpid,
      kInvvpid, kInvvpid, kInvvpid, kInvvpid,  kOfGuest,  kOfGuest,
      kOfGuest, kOfGuest, kOfGuest, kMoveToCr, kMoveToCr, kMoveToCr,
      kEntry,   kRefusal, kRefusal, kRefusal};
  Step step;
  switch (IsGuest() ? random_.Pick(kOfGuestEntry) : random_.Pick(kOfEpt)) {
    case kNone:
      return;
    case kInvept:
      step = Invept();
      break;
    case kInvvpid:
      step = Invvpid();
      break;
    case kOfGuest:
      step = c_.guest.cpl == 0 ? Invpcid() : Invvpid();
      break;
    case kMoveToCr:
      step = MayMoveToCr() ? MoveToCr() : Invvpid();
      break;
    case kEntry:
      step = Enter(kFieldVpid, c_.controls.vpid);
      break;
    case kRefusal:
      // What is refused ends what refuses it.
      step = access_;
      step.access.kind =
          random_.OneIn(2) ? AccessKind::kFetch : AccessKind::kWrite;
      break;
  }
  step.processor = access_.processor;
  if (random_.OneIn(8)) step.processor ^= 1;
  Canonicalise(step);
  steps_.push_back(step);
  // CR4.PGE is cleared for a moment, to end what is global.
  const bool toggles = step.kind == StepKind::kRegisterWrite &&
                       step.reg == GuestRegister::kCr4 && random_.OneIn(2);
  if (!toggles) return;
  step.value = c_.guest.cr4;
  steps_.push_back(step);
}

void Shape::Again() {
  Step again = access_;
  if (random_.OneIn(3)) {
    constexpr AccessKind kKinds[] = {AccessKind::kRead, AccessKind::kWrite,
                                     AccessKind::kFetch};
    again.access.kind = random_.Pick(kKinds);
  }
  if (random_.OneIn(6)) {  // another page of the same table
    const std::uint64_t change = Bit(12 + random_.Below(2));
    again.gpa.value ^= again.gpa.value != 0 ? change : 0;
    if (again.kind == StepKind::kLinearAccess) again.gla.value ^= change;
  }
  if (random_.OneIn(16)) again.processor ^= 1;
  Canonicalise(again);
  steps_.push_back(again);
}

// PCIDs, and a global page.
void Shape::AddTags() {
  if (access_.kind != StepKind::kLinearAccess) return;
  GuestState& g = c_.guest;
  if (IsIa32e(GuestModeOf(g)) && random_.OneIn(4)) {
    g.cr4 |= kCr4Pcide;
    c_.processor.pcid = true;
  }
  if (!random_.OneIn(4)) return;
  g.cr4 |= kCr4Pge;
  UsedEntries used;
  FindUsedEntries(c_, access_, used);
  for (const UsedEntry& entry : used.list) {
    if (entry.kind == UsedKind::kGuest && entry.leaf) {
      StoreGuest(entry.address, entry.value | kGuestGlobal);
    }
  }
}

bool Shape::Run() {
  if (c_.steps.size() + 5 > kMaxCacheSteps || !PickAccess()) return false;
  AddTags();
  if (!PickEntry()) return false;
  ChangeEntry(static_cast<CacheShape>(random_.Below(kCacheShapeCount)));
  End();
  Again();
  if (random_.OneIn(3)) Again();
  c_.steps.insert(c_.steps.begin() + static_cast<std::ptrdiff_t>(at_) + 1,
                  steps_.begin(), steps_.end());
  if (c_.steps.size() > kMaxCacheSteps) c_.steps.resize(kMaxCacheSteps);
  return true;
}

}  // namespace

std::string_view NameOf(CacheShape shape) {
  constexpr std::string_view kNames[kCacheShapeCount] = {
      "moved",   "right-removed", "right-added", "memory-type",
      "size",    "removed",       "mapped",      "repaired",
      "cleared", "anything",      "tags-changed"};
  return kNames[static_cast<std::size_t>(shape)];
}

bool AddCacheShape(Random& random, Case& c) { return Shape(random, c).Run(); }

void MakeCacheCase(Random& random, Case& c) {
  if (c.steps.size() > 2) c.steps.resize(2);
  if (!random.OneIn(12)) c.processor.ept_vpid_cap |= kInvalidationCapabilities;
  Controls& k = c.controls;
  k.primary &= ~kPrimaryInvlpgExiting;
  if (random.Percent(70)) {
    k.secondary |= kSecondaryVpid;
    if (k.vpid == 0) k.vpid = static_cast<std::uint16_t>(1 + random.Below(3));
  }
  if (random.OneIn(2)) k.secondary |= kSecondaryInvpcid;
  if (random.OneIn(4)) AddCacheShape(random, c);
  AddCacheShape(random, c);
}

}  // namespace eptdiff
