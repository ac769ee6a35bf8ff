#include "fuzzers/generator.h"

#include <algorithm>
#include <span>

#include "fuzzers/bits.h"
#include "fuzzers/case_memory.h"
#include "fuzzers/entry_mutation.h"
#include "fuzzers/machine_generation.h"
#include "fuzzers/random.h"
#include "fuzzers/step_generation.h"
#include "fuzzers/table_builder.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {
namespace {

using namespace bits;

constexpr std::size_t kMaxRegions = 5;

// The making of one case, in the order of Run().
class Generation {
 public:
  // `c` has its machine already: the builder must know MAXPHYADDR.
  Generation(Random& random, const Exotic& exotic, Case& c)
      : random_(random), exotic_(exotic), c_(c), tables_(random, c) {}

  void Run() {
    PlaceStructures();
    MapRegions();
    FillVeArea();
    FillEptpList();
    FillPdptes();
    SpoilEntries();
    AddSteps();
    if (exotic_.refused_entry) SpoilEntryControls(random_, c_);
  }

 private:
  void PlaceStructures();
  void MapRegions();
  void FillVeArea();
  void FillEptpList();
  void FillPdptes();
  void SpoilEntries();
  void AddSteps();

  std::uint64_t FirstPage();
  std::uint64_t NextPage(std::uint64_t page);
  void MapPage(std::uint64_t gpa, int level, std::uint64_t leaf);
  void MapRegion(std::uint64_t gpa);
  int LeafLevel();
  std::uint64_t TableBits();
  std::uint64_t LeafBits();
  std::uint64_t Flags();
  std::uint64_t FreeBits();
  void Alias(const BuiltEntry& entry);
  Step StoreStep();
  std::uint64_t Mutate(const BuiltEntry& entry, std::uint64_t value);

  bool AccessedDirtyOn() const {
    return (c_.controls.eptp & kAccessedDirty) != 0;
  }
  std::uint64_t Root() const { return c_.controls.eptp & kAddress; }

  Random& random_;
  const Exotic& exotic_;
  Case& c_;
  TableBuilder tables_;
  FixedVector<std::uint64_t, kMaxRegions> pages_;  // the GPA of each region
};

void Generation::PlaceStructures() {
  Controls& k = c_.controls;
  k.eptp |= tables_.NewFrame().value;
  if (HasSecondary(c_, kSecondaryPml)) {
    k.pml_address = tables_.NewFrame().value;
  }
  if (HasSecondary(c_, kSecondarySpp)) k.spptp = tables_.NewFrame().value;
  if (HasSecondary(c_, kSecondaryVe)) {
    k.ve_information_address = tables_.NewFrame().value;
  }
  if (exotic_.eptp_switching) {
    k.eptp_list_address = tables_.NewFrame().value;
  }
  if ((k.tertiary & kTertiaryHlat) != 0) k.hlatp = tables_.NewFrame().value;
}

// A 4-KByte page of guest-physical memory, anywhere that the mode can reach.
std::uint64_t Generation::FirstPage() {
  if (!PagingIsOn(c_)) return random_.Bits(20) << 12;
  if (UsesPae(c_) && random_.OneIn(2)) return random_.Bits(20) << 12;
  const unsigned reach = EptLevels(c_) == 5 ? 52 : 48;
  const unsigned width = random_.Percent(85) && c_.processor.maxphyaddr < reach
                             ? c_.processor.maxphyaddr
                             : reach;
  std::uint64_t page = random_.Bits(width - 12) << 12;
  // The first and the last entry of a table are where indices go wrong.
  for (unsigned shift = 12; shift + 9 <= width; shift += 9) {
    if (random_.OneIn(3)) page &= ~(Low(9) << shift);
    if (random_.OneIn(6)) page |= Low(9) << shift;
  }
  // 4-level EPT does not reach beyond bit 47.
  if (reach == 48 && random_.Percent(2)) page |= random_.Bits(4) << 48;
  return page;
}

// A page that shares some of the tables of `page`.
std::uint64_t Generation::NextPage(std::uint64_t page) {
  const int levels = PagingIsOn(c_) ? EptLevels(c_) : 2;
  constexpr int kLevels[] = {1, 1, 2, 2, 3, 3, 4};
  const unsigned shift = PageShift(std::min(random_.Pick(kLevels), levels));
  const std::uint64_t change = random_.OneIn(2) ? 1 : 1 + random_.Below(511);
  return page ^ change << shift;
}

int Generation::LeafLevel() {
  const std::uint64_t cap = c_.processor.ept_vpid_cap;
  if (HasSecondary(c_, kSecondarySpp) && random_.Percent(60)) return 1;
  const unsigned draw = random_.Below(100);
  if (draw < 62) return 1;
  if (draw < 84) return (cap & kCap2Mb) != 0 || random_.OneIn(8) ? 2 : 1;
  return (cap & kCap1Gb) != 0 || random_.OneIn(8) ? 3 : 1;
}

// Bits that software may use, or that mean something only to some controls.
std::uint64_t Generation::FreeBits() {
  if (!random_.Percent(25)) return 0;
  constexpr std::uint64_t kFree =
      Bit(11) | (Low(63) & ~Low(52) & ~kVerify & ~kPagingWrite) | kSuppressVe;
  return random_.Next() & random_.Next() & kFree;
}

std::uint64_t Generation::Flags() {
  // Without A/D these are ignored, so they may as well be there.
  if (!AccessedDirtyOn() && random_.OneIn(2)) return 0;
  return random_.OneIn(2) ? kAccessed : 0;
}

std::uint64_t Generation::TableBits() {
  constexpr std::uint64_t kChoices[] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 3, 5, 1};
  std::uint64_t value = Union({random_.Pick(kChoices), Flags(), FreeBits()});
  if (random_.Percent(HasSecondary(c_, kSecondaryMbec) ? 85 : 10)) {
    value |= kUserExecute;
  }
  return value;
}

std::uint64_t Generation::LeafBits() {
  constexpr std::uint64_t kChoices[] = {7, 7, 7, 7, 7, 7, 7, 7, 3,
                                        3, 3, 5, 5, 5, 1, 1, 1, 4};
  constexpr std::uint64_t kTypes[] = {6, 6, 6, 6, 6, 6, 0, 1, 4, 5};
  std::uint64_t value =
      Union({random_.Pick(kChoices), random_.Pick(kTypes) << kTypeShift,
             Flags(), FreeBits()});
  if ((value & kAccessed) != 0 && random_.OneIn(2)) value |= kDirty;
  if (random_.Percent(18)) value |= kIgnorePat;
  if (random_.Percent(HasSecondary(c_, kSecondaryMbec) ? 60 : 10)) {
    value |= kUserExecute;
  }
  if (HasSecondary(c_, kSecondaryVe) && random_.Percent(35)) {
    value |= kSuppressVe;
  }
  if ((c_.controls.eptp & kShadowStackAware) != 0 && random_.Percent(60)) {
    value |= kShadowStack;
  }
  if (HasSecondary(c_, kSecondarySpp) && random_.Percent(65)) {
    value = (value & ~kWrite) | kSubPage | kRead;
  }
  if (exotic_.paging_write) {
    if (random_.OneIn(2)) value |= kPagingWrite | kRead;
    if (random_.OneIn(3)) value |= kVerify;
  }
  return value;
}

void Generation::MapPage(std::uint64_t gpa, int level, std::uint64_t leaf) {
  const std::uint64_t aligned =
      Low(c_.processor.maxphyaddr) & ~Low(PageShift(level));
  const Hpa page{random_.Next() & aligned};
  tables_.Map(Hpa{Root()}, EptLevels(c_), gpa, level, page, TableBits(), leaf);
}

void Generation::MapRegion(std::uint64_t gpa) {
  const int level = LeafLevel();
  const std::uint64_t leaf = LeafBits();
  MapPage(gpa, level, leaf);
  if (random_.Percent(70)) {  // what a wrong index or a crossing access meets
    MapPage(gpa + Bit(PageShift(level)), level, LeafBits());
  }
  if (level == 1 && (leaf & kSubPage) != 0 && HasSecondary(c_, kSecondarySpp) &&
      random_.Percent(90)) {
    constexpr std::uint64_t kEven = 0x5555555555555555;
    const std::uint64_t vector =
        random_.OneIn(4) ? kEven : random_.Next() & kEven;
    tables_.MapSubPages(Hpa{c_.controls.spptp}, gpa, vector);
  }
}

void Generation::MapRegions() {
  constexpr unsigned kCounts[] = {1, 2, 3, 3, 4, 4, 5, 5};
  const unsigned count = random_.Pick(kCounts);
  pages_.push_back(FirstPage());
  MapRegion(pages_[0]);
  while (pages_.size() < count) {
    const std::uint64_t page = NextPage(pages_[random_.Below(pages_.size())]);
    pages_.push_back(page);
    // Now and then one that is not mapped.
    if (!random_.Percent(8)) MapRegion(page);
  }
}

// The area holds what the last #VE left, or what nobody cleared.
void Generation::FillVeArea() {
  if (!HasSecondary(c_, kSecondaryVe)) return;
  const std::uint64_t area = c_.controls.ve_information_address;
  const std::uint64_t busy = random_.Percent(20) ? random_.Bits(32) << 32 : 0;
  if (busy != 0 || random_.OneIn(2)) {
    StoreWord(c_, Hpa{area}, random_.Bits(32) | busy);
  }
  for (unsigned offset = 8; offset <= 40; offset += 8) {
    if (random_.OneIn(8)) StoreWord(c_, Hpa{area + offset}, random_.Next());
  }
}

// Three EPTPs: this one with another A/D, another root over the same tables,
// and one that entry refuses.
void Generation::FillEptpList() {
  if (!exotic_.eptp_switching) return;
  const Controls& k = c_.controls;
  const std::uint64_t list = k.eptp_list_address;
  std::uint64_t toggled = k.eptp;
  if ((c_.processor.ept_vpid_cap & kCapAccessedDirty) != 0) {
    toggled ^= kAccessedDirty;
  }
  StoreWord(c_, Hpa{list}, toggled);
  const std::uint64_t other = tables_.NewFrame().value;
  StoreWord(c_, Hpa{list + 8}, (k.eptp & ~kAddress) | other);
  const int top = EptLevels(c_);
  const std::uint64_t entry = 8 * IndexAt(pages_[0], top);
  StoreWord(c_, Hpa{other + entry}, LoadWord(c_, Hpa{Root() + entry}));
  StoreWord(c_, Hpa{list + 16}, k.eptp ^ Bit(random_.Below(64)));
}

// The guest's PDPTEs, in the registers and where CR3 points.
void Generation::FillPdptes() {
  const std::uint64_t page = pages_[random_.Below(pages_.size())];
  c_.guest.cr3 = page;
  if (!UsesPae(c_)) return;
  c_.guest.cr3 = (page & Low(32)) | random_.Below(128) << 5;
  for (std::uint64_t& pdpte : c_.guest.pdpte) {
    pdpte = random_.OneIn(4) ? 0 : (random_.Bits(20) << 12) | 1;
  }
  // Where the page lies is where the leaf says: walk the clean tables.
  Hpa at{Root()};
  for (int level = EptLevels(c_); level >= 1; --level) {
    const std::uint64_t entry =
        LoadWord(c_, Hpa{at.value + 8 * IndexAt(c_.guest.cr3, level)});
    at = Hpa{entry & kAddress};
    if (entry == 0) return;
    if (level == 1 || (level <= 3 && (entry & kLeaf) != 0)) {
      at.value += c_.guest.cr3 & Low(PageShift(level));
      break;
    }
  }
  for (unsigned i = 0; i < 4; ++i) {
    if (random_.OneIn(3)) continue;
    std::uint64_t pdpte = (random_.Bits(20) << 12) | 1;
    if (random_.OneIn(12)) pdpte ^= Bit(random_.Below(64));
    StoreWord(c_, Hpa{(at.value & kAddress) + (c_.guest.cr3 & 0xfe0) + 8 * i},
              pdpte);
  }
}

std::uint64_t Generation::Mutate(const BuiltEntry& entry, std::uint64_t value) {
  return entry.spp ? MutateSppEntry(random_, value, entry.level,
                                    c_.processor.maxphyaddr)
                   : MutateEntry(random_, value, entry.level,
                                 c_.processor.maxphyaddr);
}

void Generation::SpoilEntries() {
  const std::span<const BuiltEntry> entries = tables_.entries();
  const unsigned changes = random_.Percent(50) ? 0 : 1 + random_.Below(2);
  for (unsigned i = 0; i < changes; ++i) {
    const BuiltEntry& entry = entries[random_.Below(entries.size())];
    std::uint64_t& value = c_.memory[entry.word].value;
    value = Mutate(entry, value);
  }
  if (random_.Percent(8)) Alias(entries[random_.Below(entries.size())]);
}

// Lets a step write to what it reads (ALIAS-1): the log, the #VE area or
// another table lies where `entry` is.
void Generation::Alias(const BuiltEntry& entry) {
  const std::uint64_t address = c_.memory[entry.word].address.value;
  const auto index = static_cast<std::uint16_t>(address >> 3 & 511);
  if (HasSecondary(c_, kSecondaryPml) && AccessedDirtyOn()) {
    c_.controls.pml_address = address & kAddress;
    c_.controls.pml_index = index;
  } else if (HasSecondary(c_, kSecondaryVe) && index < 5) {
    c_.controls.ve_information_address = address & kAddress;
  } else if (random_.OneIn(4)) {
    std::uint64_t& value = c_.memory[entry.word].value;
    value = (value & ~kAddress) | tables_.SomeTable().value;
  }
}

// Software changes an entry between two accesses, clears flags that the first
// one set, or makes the #VE area free again.
Step Generation::StoreStep() {
  Step step;
  step.kind = StepKind::kStore;
  if (HasSecondary(c_, kSecondaryVe) && random_.OneIn(4)) {
    step.hpa = Hpa{c_.controls.ve_information_address};
    step.value = random_.OneIn(2) ? 0 : random_.Next();
    return step;
  }
  const std::span<const BuiltEntry> entries = tables_.entries();
  const BuiltEntry& entry = entries[random_.Below(entries.size())];
  step.hpa = c_.memory[entry.word].address;
  const std::uint64_t value = c_.memory[entry.word].value;
  step.value =
      random_.OneIn(3) ? value & ~(kAccessed | kDirty) : Mutate(entry, value);
  return step;
}

void Generation::AddSteps() {
  constexpr unsigned kCounts[] = {1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 5, 6, 8};
  const unsigned count = random_.Pick(kCounts);
  const std::span<const std::uint64_t> pages(pages_.begin(), pages_.size());
  for (unsigned i = 0; i < count; ++i) {
    Step step;
    if (i > 0 && random_.Percent(14)) {
      step = StoreStep();
    } else if (UsesPae(c_) && random_.Percent(30)) {
      step.kind = StepKind::kPdpteLoad;
    } else if (exotic_.eptp_switching && random_.Percent(35)) {
      step.kind = StepKind::kEptpSwitch;
      step.index =
          random_.OneIn(12) ? 512 + random_.Below(2) : random_.Below(4);
    } else {
      step = GenerateAccessStep(random_, exotic_, c_, pages);
    }
    c_.steps.push_back(step);
  }
}

}  // namespace

void GenerateCase(std::uint64_t seed, Case& c) {
  c.memory.clear();
  c.steps.clear();
  Random random(seed);
  const Exotic exotic = DrawExotic(random);
  GenerateMachine(random, exotic, c);
  Generation(random, exotic, c).Run();
}

}  // namespace eptdiff
