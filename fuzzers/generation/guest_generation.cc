#include "fuzzers/generation/guest_generation.h"

#include <array>
#include <optional>

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/guest_entry_mutation.h"
#include "fuzzers/entries/guest_mode.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/ept_generation.h"
#include "fuzzers/generation/guest_tables.h"
#include "fuzzers/generation/page_rights.h"
#include "fuzzers/generation/step_generation.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {
namespace {

using namespace bits;

constexpr std::size_t kMaxPages = 3;
// Of 100 table entries of EPT, those that may lack a permission: every access
// to a guest table needs all of those above it.
constexpr unsigned kRestricted = 6;

// A linear page, and the access for which it was made.
struct LinearPage {
  std::uint64_t gla = 0;  // 4-KByte aligned
  std::uint64_t gpa = 0;
  Access access;
  bool crosses = false;  // into the next page, which is mapped, too
};

// How the accessed and dirty flags of a case begin.
enum class FlagStyle { kMixed, kSet, kClear };

// The making of one case, in the order of Run().
class GuestGeneration {
 public:
  GuestGeneration(Random& random, const Exotic& exotic, Case& c)
      : random_(random),
        exotic_(exotic),
        c_(c),
        ept_(random, exotic, c, kRestricted) {}

  void Run() {
    ept_.PlaceStructures();
    tables_.emplace(random_, c_, ept_);
    PlaceRoots();
    static constexpr unsigned kCounts[] = {1, 1, 1, 1, 1, 1, 1, 2, 2, 3};
    const unsigned count = random_.Pick(kCounts);
    while (pages_.size() < count) AddPage();
    if (random_.OneIn(16)) AddSelfMap();
    ept_.FillVeArea();
    SpoilEntries();
    AddSteps();
    MarkTables();
  }

 private:
  void PlaceRoots();
  GuestFrame RootOf(std::uint64_t gla);
  void AddPage();
  void AddSelfMap();
  void SpoilEntries();
  void AddSteps();
  void MarkTables();

  Access DrawAccess();
  std::uint64_t FreshGla(const Access& access);
  std::uint64_t NextGla(const Access& access);
  std::uint64_t Translated(const Access& access, std::uint64_t gla) const;
  int LeafLevel();
  std::uint64_t Data(unsigned address_bits, std::uint64_t ones);
  void MapLinear(const LinearPage& page);
  void Map(const GuestFrame& root, const LinearPage& page, int level,
           const PageRights& rights);
  void Decorate(const BuiltGuestPath& path, const LinearPage& page,
                const PageRights& rights);
  std::uint64_t FreeBits(int level);
  std::uint64_t CachingBits(int level, bool leaf);
  std::size_t SomeFresh(const BuiltGuestPath& path);
  void StorePdptes(const GuestFrame& frame, unsigned offset);
  Step AccessStep();
  Step GuestStore();

  GuestPagingMode mode() const { return tables_->mode(); }
  bool HasHlat() const { return (c_.controls.tertiary & kTertiaryHlat) != 0; }

  Random& random_;
  const Exotic& exotic_;
  Case& c_;
  EptGeneration ept_;
  std::optional<GuestTables> tables_;  // once the structures have their places
  GuestFrame root_;
  GuestFrame hlat_root_;
  std::array<GuestFrame, 4> directories_;  // PAE: of the PDPTE registers
  FlagStyle flags_ = FlagStyle::kMixed;
  FixedVector<LinearPage, kMaxPages> pages_;
};

void GuestGeneration::PlaceRoots() {
  static constexpr FlagStyle kStyles[] = {FlagStyle::kMixed, FlagStyle::kMixed,
                                          FlagStyle::kSet, FlagStyle::kSet,
                                          FlagStyle::kClear};
  flags_ = random_.Pick(kStyles);
  root_ = tables_->NewFrame();
  // PWT and PCD, or a PCID.
  c_.guest.cr3 = root_.gpa | (random_.OneIn(3) ? random_.Bits(12) : 0);
  if (IsIa32e(mode()) && random_.Percent(11)) {
    c_.guest.cr3 |= (1 + random_.Below(3)) * kCr3LamU57;  // or LAM_U48, or both
  }
  if (mode() == GuestPagingMode::kPae) {
    for (std::uint64_t& pdpte : c_.guest.pdpte) {
      if (random_.OneIn(6)) pdpte = random_.Bits(32) & kAddress;
    }
  } else if (IsIa32e(mode()) && HasHlat()) {
    hlat_root_ = random_.OneIn(5) ? root_ : tables_->NewFrame();
    c_.controls.hlatp = hlat_root_.gpa | (random_.Bits(2) << 3);
    static constexpr std::uint16_t kSizes[] = {0, 0, 0, 1, 1, 2, 16};
    c_.controls.hlat_prefix_size = random_.Pick(kSizes);
    const std::uint64_t most = c_.processor.ept_vpid_cap >> kCapHlatShift & 63;
    if (c_.controls.hlat_prefix_size > most) c_.controls.hlat_prefix_size = 0;
  }
}

// The root for an address; with PAE paging, the page directory, which gets its
// register now.
GuestFrame GuestGeneration::RootOf(std::uint64_t gla) {
  if (mode() != GuestPagingMode::kPae) return root_;
  const unsigned index = gla >> 30 & 3;
  GuestFrame& directory = directories_[index];
  if (directory.hpa == 0 && directory.gpa == 0) {
    directory = tables_->NewFrame();
    std::uint64_t low = kGuestPresent;
    if (random_.OneIn(3)) low |= random_.Bits(2) << 3;
    if (random_.OneIn(6)) low |= random_.Bits(3) << 9;
    c_.guest.pdpte[index] = directory.gpa | low;
  }
  return directory;
}

// What paging translates if the access names `gla`, or what is most like it.
std::uint64_t GuestGeneration::Translated(const Access& access,
                                          std::uint64_t gla) const {
  return Masked(c_.guest, access, Canonical(c_.guest, access, gla));
}

std::uint64_t GuestGeneration::FreshGla(const Access& access) {
  const unsigned width = ShapeOf(mode()).width;
  std::uint64_t gla = random_.Bits(width) & ~Low(12);
  const unsigned step = ShapeOf(mode()).index_bits;
  for (unsigned shift = 12; shift < width; shift += step) {
    if (random_.OneIn(3)) gla &= ~(Low(step) << shift);
    if (random_.OneIn(6)) gla |= Low(step) << shift;
  }
  if (HasHlat() && random_.Percent(75)) {
    // Into the range of HLAT: as many ones as the prefix has.
    const unsigned size = c_.controls.hlat_prefix_size;
    if (size > 0 && size < 64) gla |= ~Low(64 - size);
    if (size > 0) gla |= Bit(width - 1);
  }
  // Mostly into the half that CR4.LASS leaves the access.
  if ((c_.guest.cr4 & kCr4Lass) != 0 && random_.Percent(80)) {
    const bool user = c_.guest.cpl == 3 && !access.implicit_supervisor;
    gla = user ? gla & ~Bit(width - 1) : gla | Bit(width - 1);
  }
  return Translated(access, gla);
}

// An address that shares some of the tables of an earlier one.
std::uint64_t GuestGeneration::NextGla(const Access& access) {
  const std::uint64_t gla = pages_[random_.Below(pages_.size())].gla;
  const int level = 1 + static_cast<int>(random_.Below(
                            static_cast<unsigned>(ShapeOf(mode()).levels)));
  const std::uint64_t change = random_.OneIn(2) ? 1 : 1 + random_.Below(511);
  return Translated(access, gla ^ change << GuestPageShift(mode(), level));
}

int GuestGeneration::LeafLevel() {
  const unsigned draw = random_.Below(100);
  switch (mode()) {
    case GuestPagingMode::k32Bit:
      // Without CR4.PSE a large leaf is a table entry like any other.
      return (c_.guest.cr4 & kCr4Pse) != 0 && draw < 40 ? 2 : 1;
    case GuestPagingMode::kPae:
      return draw < 32 ? 2 : 1;
    default:
      break;
  }
  if (draw < 22) return 2;
  return draw < (c_.processor.page_1gb ? 36 : 24) ? 3 : 1;
}

// The guest-physical page that a linear page leads to; mostly one whose address
// has these bits.
std::uint64_t GuestGeneration::Data(unsigned address_bits, std::uint64_t ones) {
  const unsigned draw = random_.Below(100);
  // A page that is both a guest table and data.
  if (draw < 7) return tables_->SomeFrame().gpa;
  if (draw < 11 && !pages_.empty()) {  // two linear addresses of one page
    return pages_[random_.Below(pages_.size())].gpa & Low(address_bits);
  }
  // Near the tables, but not among them.
  const std::uint64_t near = pages_.empty() || random_.OneIn(2)
                                 ? tables_->SomeFrame().gpa ^ Bit(20)
                                 : pages_.back().gpa;
  std::uint64_t page = (ept_.NextPage(near) | ones) & Low(address_bits);
  // 4-level EPT does not reach beyond bit 47.
  if (address_bits == 48 && c_.processor.maxphyaddr > 48 &&
      random_.Percent(10)) {
    page |= Bit(48);
  }
  if (draw < 96) ept_.MapRegion(page, 0);
  return page;
}

Access GuestGeneration::DrawAccess() {
  Access access = GenerateAccess(random_, exotic_, c_);
  const bool plain = access.kind == AccessKind::kRead ||
                     access.kind == AccessKind::kWrite ||
                     access.kind == AccessKind::kReadModifyWrite;
  // Below CPL 3 it makes a difference to SMAP alone.
  if (plain && random_.OneIn(10)) access.implicit_supervisor = true;
  return access;
}

void GuestGeneration::AddPage() {
  LinearPage page;
  page.access = DrawAccess();
  page.gla = pages_.empty() ? FreshGla(page.access) : NextGla(page.access);
  page.crosses = page.access.size > 1 && random_.Percent(8);
  // The last page is followed by the first. Where addresses have 64 bits,
  // CR4.LASS alone tells one from the other.
  const bool separates = (c_.guest.cr4 & kCr4Lass) != 0;
  if (page.access.size > 1 && (!c_.guest.cs_l || separates) &&
      random_.OneIn(16)) {
    page.gla = (c_.guest.cs_l ? ~std::uint64_t{0} : Low(32)) & ~Low(12);
    page.crosses = true;
  }
  MapLinear(page);
}

void GuestGeneration::MapLinear(const LinearPage& wanted) {
  LinearPage page = wanted;
  const int level = LeafLevel();
  const std::uint64_t within = Low(GuestPageShift(mode(), level)) & ~Low(12);
  // The last 4 KBytes of a large page are followed by a page of another size.
  const bool at_the_end = level > 1 && page.crosses && random_.OneIn(2);
  page.gpa = Data(tables_->address_bits(level), at_the_end ? within : 0);
  if (level > 1) {
    // The offset in a large page is the same on either side.
    page.gla = (page.gla & ~within) | (page.gpa & within);
  }
  PageRights rights = DrawRights(random_, c_.guest, page.access);
  if (random_.Percent(9)) SpoilRights(random_, rights);

  if (UsesHlat(c_, page.gla) && random_.Percent(92)) {
    Map(hlat_root_, page, level, rights);
  }
  // The first page has tables in any case.
  if (!UsesHlat(c_, page.gla) || tables_->entries().empty() ||
      random_.Percent(60)) {
    Map(RootOf(page.gla), page, level, rights);
  }
  if (page.crosses) {
    LinearPage next = page;
    next.gla = Canonical(c_.guest, page.access, page.gla + Bit(12));
    next.gpa = page.gpa + Bit(12);
    const bool same_leaf = ((page.gla ^ next.gla) & ~within & ~Low(12)) == 0;
    if (!same_leaf) next.gpa = ept_.NextPage(page.gpa);
    next.gpa &= Low(tables_->address_bits(1));
    ept_.MapRegion(next.gpa, 0);
    if (!same_leaf && random_.Percent(94)) {
      const GuestFrame root =
          UsesHlat(c_, next.gla) ? hlat_root_ : RootOf(next.gla);
      Map(root, next, 1, rights);
    }
  }
  pages_.push_back(page);
}

void GuestGeneration::Map(const GuestFrame& root, const LinearPage& page,
                          int level, const PageRights& rights) {
  Decorate(tables_->Map(root, page.gla, level, page.gpa), page, rights);
}

std::uint64_t GuestGeneration::FreeBits(int level) {
  if (!random_.OneIn(5)) return 0;
  std::uint64_t free = Low(12) & ~Low(9);
  if (IsIa32e(mode())) free |= Low(59) & ~Low(52);
  if (HasHlat()) free &= ~kGuestRestart;
  if (level > 1) free |= kGuestGlobal;
  return random_.Next() & free;
}

std::uint64_t GuestGeneration::CachingBits(int level, bool leaf) {
  if (!random_.OneIn(3)) return 0;
  std::uint64_t bits = random_.Bits(2) << 3;
  if (leaf && random_.OneIn(2)) {
    // PAT and G.
    bits |= level == 1 ? kGuestSmallPat : kGuestLargePat;
    if (random_.OneIn(2)) bits |= kGuestGlobal;
  }
  return bits;
}

// The leaf, mostly, or another entry that no other page needs.
std::size_t GuestGeneration::SomeFresh(const BuiltGuestPath& path) {
  const std::size_t count = path.entries.size() - path.fresh;
  return random_.Percent(60) ? path.entries.back()
                             : path.entries[path.fresh + random_.Below(count)];
}

void GuestGeneration::Decorate(const BuiltGuestPath& path,
                               const LinearPage& page,
                               const PageRights& rights) {
  if (path.fresh >= path.entries.size()) return;
  for (std::size_t i = path.fresh; i < path.entries.size(); ++i) {
    const std::size_t entry = path.entries[i];
    const BuiltGuestEntry& built = tables_->entries()[entry];
    std::uint64_t bits =
        Union({FreeBits(built.level), CachingBits(built.level, built.leaf)});
    const bool set = flags_ == FlagStyle::kSet ||
                     (flags_ == FlagStyle::kMixed && random_.Percent(60));
    if (set) bits |= kGuestAccessed;
    if (built.leaf ? set && random_.Percent(65) : random_.OneIn(12)) {
      bits |= kGuestDirty;  // in a table entry it is ignored
    }
    tables_->Add(entry, bits);
  }
  if (!path.complete) return;
  const std::size_t leaf = path.entries.back();
  if (rights.shadow_stack) {
    tables_->Remove(leaf, kGuestWritable);
    tables_->Add(leaf, kGuestDirty | kGuestAccessed);
  } else if (!rights.writable) {
    tables_->Remove(SomeFresh(path), kGuestWritable);
  }
  if (!rights.user) tables_->Remove(SomeFresh(path), kGuestUser);
  if (rights.no_execute && mode() != GuestPagingMode::k32Bit) {
    tables_->Add(SomeFresh(path), kGuestNoExecute);
  }
  if (!IsIa32e(mode())) return;
  const bool keys = (c_.guest.cr4 & (kCr4Pke | kCr4Pks)) != 0;
  if (keys || random_.OneIn(6)) {
    const unsigned key = random_.Below(16);
    tables_->Add(leaf, std::uint64_t{key} << kGuestKeyShift);
    if (random_.Percent(80)) AllowKey(page.access, rights, key, c_.guest);
  } else if (random_.Percent(80)) {
    AllowKey(page.access, rights, 0, c_.guest);
  }
  if (HasHlat() && random_.OneIn(3)) {
    tables_->Add(SomeFresh(path), kGuestRestart);
  }
}

// A table that references itself: an address that passes it once more reaches
// what it would have reached, a level above, and a table as data in the end.
void GuestGeneration::AddSelfMap() {
  if (pages_.full()) return;
  LinearPage page;
  page.access = DrawAccess();
  const int top = ShapeOf(mode()).levels;
  const unsigned index = random_.Below(1u << ShapeOf(mode()).index_bits);
  const unsigned shift = GuestPageShift(mode(), top);
  std::uint64_t gla = pages_[0].gla;
  const GuestFrame root = RootOf(gla);
  const std::uint64_t above =
      mode() == GuestPagingMode::kPae ? gla & ~Low(30) & Low(32) : 0;
  gla = (gla & Low(shift + ShapeOf(mode()).index_bits)) >>
        ShapeOf(mode()).index_bits;
  gla = (gla & ~Low(12)) | above | std::uint64_t{index} << shift;
  page.gla = Canonical(c_.guest, page.access, gla);
  page.gpa = root.gpa;
  std::uint64_t bits = kGuestPresent | kGuestWritable | kGuestAccessed;
  if (random_.OneIn(2)) bits |= kGuestUser;
  if (tables_->Put(root, page.gla, top, root.gpa | bits) ==
      GuestTables::kNone) {
    return;
  }
  pages_.push_back(page);
}

void GuestGeneration::SpoilEntries() {
  const unsigned draw = random_.Below(100);
  if (draw < 22 && !tables_->entries().empty()) {
    const std::size_t entry = random_.Below(tables_->entries().size());
    tables_->Set(entry, MutateGuestEntry(random_, c_, tables_->Value(entry),
                                         tables_->entries()[entry].level));
  } else if (draw < 40) {
    ept_.SpoilEntries();
  }
}

// The four PDPTEs where CR3 points, for a step that loads them.
void GuestGeneration::StorePdptes(const GuestFrame& frame, unsigned offset) {
  for (unsigned i = 0; i < 4; ++i) {
    std::uint64_t pdpte = c_.guest.pdpte[i];
    if (pdpte == 0) continue;
    if (random_.OneIn(24)) pdpte ^= Bit(random_.Below(64));
    StoreWord(c_, Hpa{frame.hpa + offset + 8 * i}, pdpte);
  }
}

Step GuestGeneration::AccessStep() {
  const LinearPage& page = pages_[random_.Below(pages_.size())];
  Step step;
  step.kind = StepKind::kLinearAccess;
  step.access = random_.Percent(75) ? page.access : DrawAccess();
  std::uint64_t offset = GenerateOffset(random_, step.access);
  if (page.crosses && step.access.size > 1 && random_.Percent(75)) {
    offset = 4096 - 1 - random_.Below(step.access.size - 1u);
  } else if (offset + step.access.size > 4096 && random_.Percent(70)) {
    offset = 4096u - step.access.size;
  }
  std::uint64_t gla = page.gla + offset;
  if (random_.OneIn(40)) {  // where there may be nothing
    gla ^= Bit(12 + random_.Below(ShapeOf(mode()).width - 12));
  }
  step.gla = Gla{WithMetadata(random_, c_.guest, step.access,
                              Canonical(c_.guest, step.access, gla))};
  // Every byte has to be canonical.
  const std::uint64_t last = step.gla.value + step.access.size - 1;
  if (Has64BitAddresses(c_.guest, step.access) &&
      Canonical(c_.guest, step.access, last) != last) {
    step.access.size = 1;
  }
  return step;
}

// Software changes an entry of the guest between two accesses.
Step GuestGeneration::GuestStore() {
  const std::size_t number = random_.Below(tables_->entries().size());
  const BuiltGuestEntry& entry = tables_->entries()[number];
  const std::uint64_t value = tables_->Value(number);
  const std::uint64_t stored =
      random_.OneIn(3) ? value & ~(kGuestAccessed | kGuestDirty)
                       : MutateGuestEntry(random_, c_, value, entry.level);
  Step step;
  step.kind = StepKind::kStore;
  step.hpa = c_.memory[entry.word].address;
  step.value = WithEntry(c_.memory[entry.word].value, entry.address,
                         ShapeOf(mode()).entry_bytes, stored);
  return step;
}

void GuestGeneration::AddSteps() {
  // Most have one step: a walk in two dimensions is long enough a question.
  static constexpr unsigned kCounts[] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3};
  const unsigned count = random_.Pick(kCounts);
  if (mode() == GuestPagingMode::kPae && random_.Percent(12)) {
    // CR3 points below 2^32, at some of 128 places in a page.
    const unsigned offset = random_.Below(128) << 5;
    c_.guest.cr3 = (root_.gpa & Low(32)) | offset;
    StorePdptes(root_, offset);
    Step load;
    load.kind = StepKind::kPdpteLoad;
    c_.steps.push_back(load);
  }
  std::uint64_t gpas[kMaxPages];
  for (std::size_t i = 0; i < pages_.size(); ++i) gpas[i] = pages_[i].gpa;
  for (unsigned i = 0; i < count; ++i) {
    if (i > 0 && random_.Percent(18)) {
      const bool guest = random_.OneIn(2) && !tables_->entries().empty();
      c_.steps.push_back(guest ? GuestStore() : ept_.StoreStep());
    } else if (random_.Percent(3)) {
      c_.steps.push_back(
          GenerateAccessStep(random_, exotic_, c_, {gpas, pages_.size()}));
    } else {
      c_.steps.push_back(AccessStep());
    }
  }
}

// Guest-paging verification: a page that wants to be reached through tables
// that only the processor writes, and such tables, perhaps all but one.
void GuestGeneration::MarkTables() {
  constexpr std::uint64_t kBoth = kTertiaryPagingWrite | kTertiaryVerify;
  if ((c_.controls.tertiary & kBoth) != kBoth || !random_.Percent(40)) return;
  UsedEntries used;
  FindUsedEntries(c_, c_.steps.back(), used);
  FixedVector<Hpa, 32> tables;
  for (const UsedEntry& entry : used.list) {
    if (entry.kind != UsedKind::kEpt || !entry.leaf) continue;
    const bool table = entry.guest_level != 0;
    StoreWord(
        c_, entry.address,
        LoadWord(c_, entry.address) | (table ? kPagingWrite | kRead : kVerify));
    if (table && !tables.full()) tables.push_back(entry.address);
  }
  if (tables.empty() || random_.OneIn(2)) return;
  const Hpa spared = tables[random_.Below(tables.size())];
  StoreWord(c_, spared, LoadWord(c_, spared) & ~kPagingWrite);
}

}  // namespace

void GenerateGuest(Random& random, const Exotic& exotic, Case& c) {
  GuestGeneration(random, exotic, c).Run();
}

}  // namespace eptdiff
