#include "fuzzers/generation/cache_shapes.h"

#include <cstdint>

#include "fuzzers/encoding/canonical.h"
#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/entry_mutation.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/guest_entry_mutation.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/cache_endings.h"
#include "fuzzers/generation/shape_maker.h"

namespace eptdiff {
namespace {

using namespace bits;

// INVEPT and INVVPID, with all types.
constexpr std::uint64_t kInvalidationCapabilities =
    kCapInvept | Bit(32) | Low(4) << 40;
constexpr std::uint32_t kSecondaryInvpcid = 1u << 12;
constexpr std::uint64_t kGuestReserved = Bit(51);
constexpr std::uint64_t kMisconfigured = kWrite;
constexpr std::uint64_t kSppValid = Bit(0);
constexpr std::uint64_t kSubPageVector = 0x5555'5555'5555'5555;

// Those up to kVpidChanged, which any entry can have.
constexpr std::size_t kOfAnyEntry =
    static_cast<std::size_t>(CacheShape::kVpidChanged) + 1;

// Whether a shape can be one of this entry.
bool Fits(CacheShape shape, const UsedEntry& entry) {
  switch (shape) {
    case CacheShape::kPcidChanged:
    case CacheShape::kGlobalPage:
      return entry.kind == UsedKind::kGuest && entry.leaf;
    case CacheShape::kUpperLevel:
      return entry.kind != UsedKind::kSpp && entry.level > 1 && !entry.leaf;
    default:
      return true;
  }
}

}  // namespace

bool ShapeMaker::PickAccess() {
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

// Whether a vector says which parts of the page may be written.
bool ShapeMaker::WritesByParts(const UsedEntry& entry) const {
  return HasSecondary(c_, kSecondarySpp) && entry.level == 1 && entry.leaf &&
         (entry.value & (kSubPage | kWrite)) == kSubPage;
}

// What ends early is kept nowhere: entries that would end the walk are mended,
// and the guest does without what refuses its own pages.
void ShapeMaker::LetThrough() {
  constexpr std::uint64_t kInvalidTypes = Bit(2) | Bit(3) | Bit(7);
  UsedEntries used;
  FindUsedEntries(c_, access_, used);
  for (const UsedEntry& entry : used.list) {
    const std::uint64_t value = entry.value;
    if (value == 0) continue;
    entry_ = entry;  // of whose kind it is
    if (IsGuest()) {
      StoreEntry(entry.address,
                 MendGuestEntry(c_, value, entry.level) | kGuestAccessed);
    } else if (entry.kind == UsedKind::kEpt) {
      std::uint64_t mended = MendEntry(c_, value, entry.level, entry.leaf);
      if (entry.leaf && (kInvalidTypes >> (value >> kTypeShift & 7) & 1) == 0) {
        mended = (mended & ~kTypeMask) | (value & kTypeMask);
      }
      if (WritesByParts(entry)) mended = (mended & ~kWrite) | kSubPage;
      StoreWord(c_, entry.address, mended);
    } else if (entry.kind == UsedKind::kSpp) {
      StoreWord(c_, entry.address,
                entry.level == 1
                    ? value & kSubPageVector
                    : (value & kAddress & Low(PhysicalWidth(c_))) | kSppValid);
    }
  }
  c_.guest.cr4 &= ~(kCr4Smep | kCr4Smap | kCr4Lass);
}

// What linear addresses alone have, they have more often.
CacheShape ShapeMaker::PickShape() {
  using enum CacheShape;
  static constexpr CacheShape kOfGuest[] = {
      kPcidChanged, kPcidChanged, kGlobalPage,  kUpperLevel,
      kUpperLevel,  kVpidChanged, kTagsChanged, kTagsChanged};
  if (IsPagedAccess(c_, access_) && random_.OneIn(3)) {
    return random_.Pick(kOfGuest);
  }
  return static_cast<CacheShape>(random_.Below(kCacheShapeCount));
}

// The leaves most of all, and of two dimensions either.
bool ShapeMaker::PickEntry(CacheShape shape) {
  UsedEntries used;
  FindUsedEntries(c_, access_, used);
  unsigned seen = 0;
  for (const UsedEntry& entry : used.list) {
    if (entry.kind == UsedKind::kOther || !Fits(shape, entry)) continue;
    unsigned weight = entry.leaf ? 4 : 1;
    if (entry.kind == UsedKind::kGuest) weight *= 3;
    if (entry.kind == UsedKind::kSpp) weight *= 8;
    if (entry.kind == UsedKind::kEpt && entry.guest_level == 0) weight *= 4;
    seen += weight;
    if (random_.Below(seen) < weight) entry_ = entry;
  }
  if (seen == 0) return false;
  // The first leaf of this kind behind it.
  leaf_ = UsedEntry();
  bool behind = false;
  for (const UsedEntry& entry : used.list) {
    behind |= entry.address.value == entry_.address.value;
    if (!behind || !entry.leaf || entry.kind != entry_.kind ||
        entry.guest_level != entry_.guest_level) {
      continue;
    }
    leaf_ = entry;
    break;
  }
  return shape != CacheShape::kUpperLevel || leaf_.leaf;
}

unsigned ShapeMaker::EntryBytes() const {
  return IsGuest() ? ShapeOf(GuestModeOf(c_.guest)).entry_bytes : 8;
}

// Memory begins with an entry of the kind of entry_.
void ShapeMaker::StoreEntry(Hpa address, std::uint64_t value) {
  StoreWord(c_, address,
            WithEntry(LoadWord(c_, address), address, EntryBytes(), value));
}

Step ShapeMaker::Stores(Hpa address, std::uint64_t value) const {
  Step store;
  store.kind = StepKind::kStore;
  store.hpa = Hpa{address.value & ~7ull};
  store.value = WithEntry(LoadWord(c_, address), address, EntryBytes(), value);
  return store;
}

void ShapeMaker::Rewrite(std::uint64_t value) {
  steps_.push_back(Stores(entry_.address, value));
}

// Of the bits that allow something, one.
std::uint64_t ShapeMaker::Rights() const {
  if (IsGuest()) {
    const std::uint64_t bits[] = {kGuestWritable, kGuestUser};
    return bits[random_.Below(2)];
  }
  const std::uint64_t bits[] = {kRead, kWrite, kWrite, kExecute, kUserExecute};
  return bits[random_.Below(HasSecondary(c_, 1u << 22) ? 5 : 4)];
}

std::uint64_t ShapeMaker::Mutated() {
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
void ShapeMaker::ChangeEntry(CacheShape shape) {
  const std::uint64_t value = entry_.value;
  const auto begin_with = [&](std::uint64_t was) {
    StoreEntry(entry_.address, was);
  };
  switch (shape) {
    case CacheShape::kMoved:
      return Rewrite(Moved());
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
    case CacheShape::kVpidChanged:
      return ChangeVpid();
    case CacheShape::kPcidChanged:
      return ChangePcid();
    case CacheShape::kGlobalPage:
      return ChangeGlobalPage();
    case CacheShape::kUpperLevel:
      return ChangeUpperLevel();
  }
}

// Here or under another PCID.
void ShapeMaker::ChangeGlobalPage() {
  StoreEntry(entry_.address, entry_.value | kGuestGlobal);
  entry_.value |= kGuestGlobal;
  if ((c_.guest.cr4 & kCr4Pcide) != 0 && random_.OneIn(2)) return ChangePcid();
  Rewrite(random_.OneIn(4) ? 0 : Moved());
}

// The tables below the entry go. What was kept of it leads to them still, and
// so to what is mapped there afterwards: no translation of that was kept.
void ShapeMaker::ChangeUpperLevel() {
  const Hpa next{leaf_.address.value ^ EntryBytes()};
  StoreEntry(next, 0);
  Rewrite(random_.OneIn(2) ? 0 : Moved());
  End(Of());
  ended_ = true;
  steps_.push_back(Stores(next, leaf_.value));
  // The entry before or behind maps the page before or behind.
  const unsigned shift =
      IsGuest() ? GuestPageShift(GuestModeOf(c_.guest), leaf_.level)
                : PageShift(leaf_.level);
  if (access_.kind == StepKind::kLinearAccess) {
    access_.gla.value ^= Bit(shift);
  } else {
    access_.gpa.value ^= Bit(shift);
  }
}

void ShapeMaker::Again() {
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

// PCIDs and global pages, and a guest that may end what is kept of either.
void ShapeMaker::AddTags(CacheShape shape) {
  if (access_.kind != StepKind::kLinearAccess) return;
  GuestState& g = c_.guest;
  const bool about_pcids = shape == CacheShape::kPcidChanged;
  const bool about_globals = shape == CacheShape::kGlobalPage;
  if (IsIa32e(GuestModeOf(g)) && (about_pcids || random_.OneIn(4))) {
    g.cr4 |= kCr4Pcide;
    c_.processor.pcid = true;
  }
  if (about_globals || random_.OneIn(4)) g.cr4 |= kCr4Pge;
  if ((about_pcids || about_globals) && !random_.OneIn(4)) g.cpl = 0;
}

bool ShapeMaker::Run() {
  if (c_.steps.size() + 5 > kMaxCacheSteps || !PickAccess()) return false;
  if (!random_.OneIn(4)) LetThrough();
  CacheShape shape = PickShape();
  if (!PickEntry(shape)) {
    shape = static_cast<CacheShape>(random_.Below(kOfAnyEntry));
    if (!PickEntry(shape)) return false;
  }
  AddTags(shape);
  ChangeEntry(shape);
  if (!ended_) End(Of());
  Again();
  if (random_.OneIn(3)) Again();
  c_.steps.insert(c_.steps.begin() + static_cast<std::ptrdiff_t>(at_) + 1,
                  steps_.begin(), steps_.end());
  if (c_.steps.size() > kMaxCacheSteps) c_.steps.resize(kMaxCacheSteps);
  return true;
}

std::string_view NameOf(CacheShape shape) {
  constexpr std::string_view kNames[kCacheShapeCount] = {
      "moved",        "right-removed", "right-added",  "memory-type",
      "size",         "removed",       "mapped",       "repaired",
      "cleared",      "anything",      "tags-changed", "vpid-changed",
      "pcid-changed", "global",        "upper-level"};
  return kNames[static_cast<std::size_t>(shape)];
}

bool AddCacheShape(Random& random, Case& c) {
  return ShapeMaker(random, c).Run();
}

void MakeCacheCase(Random& random, Case& c) {
  if (c.steps.size() > 2) c.steps.resize(2);
  std::uint64_t& capabilities = c.processor.ept_vpid_cap;
  capabilities |= kInvalidationCapabilities;
  if (random.OneIn(12)) {  // an instruction or a type fewer
    constexpr unsigned kBits[] = {20, 20, 25, 26, 32, 32, 40, 41, 42, 43};
    capabilities &= ~Bit(random.Pick(kBits));
  }
  Controls& k = c.controls;
  k.primary &= ~kPrimaryInvlpg;
  if (!random.OneIn(8)) k.primary &= ~kPrimaryCr3Loads;
  if (random.OneIn(3)) c.guest.cpl = 0;  // who may end what is kept
  if (random.Percent(70)) {
    k.secondary |= kSecondaryVpid;
    if (k.vpid == 0) k.vpid = static_cast<std::uint16_t>(1 + random.Below(3));
  }
  if (!random.OneIn(8)) k.secondary |= kSecondaryInvpcid;
  if (random.OneIn(4)) AddCacheShape(random, c);
  AddCacheShape(random, c);
}

}  // namespace eptdiff
