#include "fuzzers/generation/generator.h"

#include <algorithm>
#include <optional>
#include <span>

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/askable.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/random.h"
#include "fuzzers/entries/registers.h"
#include "fuzzers/entries/used_entries.h"
#include "fuzzers/generation/cache_shapes.h"
#include "fuzzers/generation/ept_generation.h"
#include "fuzzers/generation/guest_generation.h"
#include "fuzzers/generation/machine_generation.h"
#include "fuzzers/generation/register_generation.h"
#include "fuzzers/generation/spoiled_entry.h"
#include "fuzzers/generation/step_generation.h"
#include "oracle/acceptable_state.h"
#include "oracle/fixed_vector.h"

namespace eptdiff {
namespace {

using namespace bits;

constexpr std::size_t kMaxRegions = 5;
// Of 100 regions, those that have a mapped neighbour: what a wrong index or a
// crossing access meets.
constexpr unsigned kNeighbours = 70;
// Of 100 cases, those with a page that is followed by one unlike it.
constexpr unsigned kSeams = 5;

// The making of one case about EPT alone, in the order of Run().
class Generation {
 public:
  // `c` has its machine already.
  Generation(Random& random, const Exotic& exotic, Case& c)
      : random_(random), exotic_(exotic), c_(c), ept_(random, exotic, c) {}

  void Run() {
    ept_.PlaceStructures();
    MapRegions();
    if (random_.Percent(kSeams)) MapSeam();
    ept_.FillVeArea();
    FillEptpList();
    FillPdptes();
    ept_.SpoilEntries();
    AddSteps();
  }

 private:
  void MapRegions();
  void MapSeam();
  void MapEndOfSpace(std::uint64_t end);
  void FillEptpList();
  void FillPdptes();
  void AddSteps();
  std::uint64_t FirstPage();

  Random& random_;
  const Exotic& exotic_;
  Case& c_;
  EptGeneration ept_;
  FixedVector<std::uint64_t, kMaxRegions> pages_;  // the GPA of each region
  std::optional<std::uint64_t> seam_;  // the page before one unlike it
};

// A 4-KByte page of guest-physical memory, anywhere that the mode can reach.
std::uint64_t Generation::FirstPage() {
  if (!PagingIsOn(c_)) return random_.Bits(20) << 12;
  if (UsesPae(c_) && random_.OneIn(2)) return random_.Bits(20) << 12;
  const unsigned n = c_.processor.maxphyaddr;
  const unsigned reach = EptLevels(c_) == 5 ? 52 : 48;
  const unsigned width = std::min(n, reach);
  std::uint64_t page = random_.Bits(width - 12) << 12;
  // The first and the last entry of a table are where indices go wrong.
  for (unsigned shift = 12; shift + 9 <= width; shift += 9) {
    if (random_.OneIn(3)) page &= ~(Low(9) << shift);
    if (random_.OneIn(6)) page |= Low(9) << shift;
  }
  // 4-level EPT does not reach beyond bit 47.
  if (n > width && random_.Percent(12)) page |= random_.Bits(n - width) << 48;
  return page;
}

void Generation::MapRegions() {
  static constexpr unsigned kCounts[] = {1, 2, 3, 3, 4, 4, 5, 5};
  const unsigned count = random_.Pick(kCounts);
  pages_.push_back(FirstPage());
  ept_.MapRegion(pages_[0], kNeighbours);
  while (pages_.size() < count) {
    const std::uint64_t page =
        ept_.NextPage(pages_[random_.Below(pages_.size())]);
    pages_.push_back(page);
    // Now and then one that is not mapped.
    if (!random_.Percent(8)) ept_.MapRegion(page, kNeighbours);
  }
}

// Two pages that follow one another and are not of one size, or the last of the
// address space, in the place of a region if there is no room for one more.
void Generation::MapSeam() {
  const bool four_gbytes = !PagingIsOn(c_);
  const unsigned n = c_.processor.maxphyaddr;
  const unsigned reach = EptLevels(c_) == 5 ? n : 48;
  // With 4-level EPT a processor has more addresses than EPT translates.
  const bool ends = n >= reach && random_.OneIn(3);
  if (four_gbytes) {
    MapEndOfSpace(Bit(32));
  } else if (ends) {
    MapEndOfSpace(Bit(reach));
  } else {
    const std::uint64_t cap = c_.processor.ept_vpid_cap;
    const bool huge = (cap & kCap1Gb) != 0 && random_.OneIn(3);
    if (!huge && (cap & kCap2Mb) == 0) return;
    const int large = huge ? 3 : 2;
    const int small = huge && random_.OneIn(2) ? 2 : 1;
    const std::uint64_t last = FirstPage() | (Low(PageShift(large)) & ~Low(12));
    const std::uint64_t next = last + Bit(12);
    if (next >> std::min(n, reach) != 0) return;
    const bool down = random_.OneIn(2);
    ept_.MapPage(last, down ? large : small, ept_.LeafBits());
    ept_.MapPage(next, down ? small : large, ept_.LeafBits());
    seam_ = last;
  }
  if (!seam_.has_value()) return;
  if (pages_.full()) {
    pages_.back() = *seam_;
  } else {
    pages_.push_back(*seam_);
  }
}

// The last page below `end`, and what those reach that wrap around there.
void Generation::MapEndOfSpace(std::uint64_t end) {
  seam_ = end - Bit(12);
  ept_.MapRegion(*seam_, 0);
  if (!random_.OneIn(4)) ept_.MapRegion(0, 0);
}

// Three EPTPs: this one with another A/D, another root over the same tables,
// and one that entry refuses. Now and then a good one behind the list's end.
void Generation::FillEptpList() {
  if (!exotic_.eptp_switching) return;
  const Controls& k = c_.controls;
  const std::uint64_t list = k.eptp_list_address;
  std::uint64_t toggled = k.eptp;
  if ((c_.processor.ept_vpid_cap & kCapAccessedDirty) != 0) {
    toggled ^= kAccessedDirty;
  }
  StoreWord(c_, Hpa{list}, toggled);
  const std::uint64_t other = ept_.tables().NewFrame().value;
  StoreWord(c_, Hpa{list + 8}, (k.eptp & ~kAddress) | other);
  const int top = EptLevels(c_);
  const std::uint64_t entry = 8 * IndexAt(pages_[0], top);
  StoreWord(c_, Hpa{other + entry},
            LoadWord(c_, Hpa{ept_.Root().value + entry}));
  StoreWord(c_, Hpa{list + 16}, k.eptp ^ Bit(random_.Below(64)));
  if (random_.OneIn(4)) StoreWord(c_, Hpa{list + 8 * 512}, toggled);
}

// The guest's PDPTEs, in the registers and where CR3 points.
void Generation::FillPdptes() {
  const std::uint64_t page = pages_[random_.Below(pages_.size())];
  c_.guest.cr3 = page & Low(c_.processor.maxphyaddr);
  if (!UsesPae(c_)) return;
  c_.guest.cr3 = (page & Low(32)) | random_.Below(128) << 5;
  for (std::uint64_t& pdpte : c_.guest.pdpte) {
    pdpte = random_.OneIn(4) ? 0 : (random_.Bits(20) << 12) | 1;
  }
  // Where the page lies is where the leaf says: walk the clean tables.
  Hpa at = ept_.Root();
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

void Generation::AddSteps() {
  static constexpr unsigned kCounts[] = {1, 1, 1, 1, 1, 1, 2,
                                         2, 2, 2, 2, 2, 3, 5};
  const unsigned count = random_.Pick(kCounts);
  const std::span<const std::uint64_t> pages(pages_.begin(), pages_.size());
  for (unsigned i = 0; i < count; ++i) {
    Step step;
    if (seam_.has_value() && (i == 0 || random_.OneIn(2))) {
      step = GenerateCrossingStep(random_, exotic_, c_, *seam_);
    } else if (i > 0 && random_.Percent(14)) {
      step = ept_.StoreStep();
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

namespace {

// Some 4-KByte page that a step uses, its own or one with entries of the guest,
// becomes the APIC-access page.
void AddApicPage(Random& random, Case& c) {
  if (c.steps.empty()) return;
  UsedEntries used;
  FindUsedEntries(c, c.steps[random.Below(c.steps.size())], used);
  for (const UsedEntry& entry : used.list) {
    if (entry.kind != UsedKind::kEpt || !entry.leaf) continue;
    // The part of a large page that is used.
    const std::uint64_t within = Low(12 + 9 * (entry.level - 1));
    const std::uint64_t page = (entry.value & ~within) | (entry.gpa & within);
    c.controls.apic_access_address = page & kAddress & Low(PhysicalWidth(c));
    if (entry.guest_level == 0 || random.OneIn(3)) break;
  }
  c.controls.secondary |= kSecondaryApicAccesses;
}

}  // namespace

void GenerateCase(std::uint64_t seed, Case& c, Focus focus) {
  c.memory.clear();
  c.steps.clear();
  Random random(seed);
  const bool caches = focus == Focus::kCaches;
  if (caches) focus = random.OneIn(2) ? Focus::kEpt : Focus::kLinear;
  const Exotic exotic = DrawExotic(random, focus);
  GenerateMachine(random, exotic, focus, c);
  if (focus == Focus::kLinear && PagingIsOn(c)) {
    GenerateGuest(random, exotic, c);
  } else {
    Generation(random, exotic, c).Run();
  }
  if (exotic.apic_page) AddApicPage(random, c);
  if (exotic.changes) AddChange(random, c);
  MakeGuestAcceptable(c.processor, c.controls, c.guest);
  if (exotic.refused_entry) SpoilEntryControls(random, c);
  if (exotic.refused_guest) SpoilGuestState(random, c);
  if (caches) MakeCacheCase(random, c);
  MakeAskable(c);
}

}  // namespace eptdiff
