#include "fuzzers/generation/ept_generation.h"

#include <algorithm>
#include <span>

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/entry_mutation.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {

using namespace bits;

bool EptGeneration::AccessedDirtyOn() const {
  return (c_.controls.eptp & kAccessedDirty) != 0;
}

Hpa EptGeneration::Root() const { return Hpa{c_.controls.eptp & kAddress}; }

void EptGeneration::PlaceStructures() {
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

std::uint64_t EptGeneration::NextPage(std::uint64_t page) {
  const int levels = PagingIsOn(c_) ? EptLevels(c_) : 2;
  static constexpr int kLevels[] = {1, 1, 2, 2, 3, 3, 4};
  const unsigned shift = PageShift(std::min(random_.Pick(kLevels), levels));
  const std::uint64_t change = random_.OneIn(2) ? 1 : 1 + random_.Below(511);
  return page ^ change << shift;
}

int EptGeneration::LeafLevel() {
  const std::uint64_t cap = c_.processor.ept_vpid_cap;
  if (HasSecondary(c_, kSecondarySpp) && random_.Percent(60)) return 1;
  const unsigned draw = random_.Below(100);
  if (draw < 62) return 1;
  if (draw < 84) return (cap & kCap2Mb) != 0 || random_.OneIn(8) ? 2 : 1;
  return (cap & kCap1Gb) != 0 || random_.OneIn(8) ? 3 : 1;
}

// Bits that software may use, or that mean something only to some controls.
std::uint64_t EptGeneration::FreeBits() {
  if (!random_.Percent(25)) return 0;
  std::uint64_t free = Bit(11) | (Low(63) & ~Low(52)) | kSuppressVe;
  // Where they mean something, LeafBits() says how often.
  if (exotic_.paging_write) free &= ~(kVerify | kPagingWrite);
  if (random_.OneIn(4)) return free & Bit(52 + random_.Below(12));
  return random_.Next() & random_.Next() & free;
}

std::uint64_t EptGeneration::Flags() {
  // Without A/D these are ignored, so they may as well be there.
  if (!AccessedDirtyOn() && random_.OneIn(2)) return 0;
  return random_.OneIn(2) ? kAccessed : 0;
}

std::uint64_t EptGeneration::TableBits() {
  static constexpr std::uint64_t kChoices[] = {7, 7, 7, 7, 7, 7,
                                               7, 7, 7, 3, 5, 1};
  const bool any = restricted_ == 100 || random_.Percent(restricted_);
  std::uint64_t value =
      Union({any ? random_.Pick(kChoices) : kPermissions, Flags(), FreeBits()});
  if (random_.Percent(HasSecondary(c_, kSecondaryMbec) ? 85 : 10)) {
    value |= kUserExecute;
  }
  return value;
}

std::uint64_t EptGeneration::LeafBits() {
  static constexpr std::uint64_t kChoices[] = {7, 7, 7, 7, 7, 7, 7, 7, 3,
                                               3, 3, 5, 5, 5, 1, 1, 1, 4};
  static constexpr std::uint64_t kTypes[] = {6, 6, 6, 6, 6, 6, 0, 1, 4, 5};
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

void EptGeneration::MapPage(std::uint64_t gpa, int level, std::uint64_t leaf) {
  const std::uint64_t aligned = Low(PhysicalWidth(c_)) & ~Low(PageShift(level));
  MapPage(gpa, level, Hpa{random_.Next() & aligned}, leaf);
}

void EptGeneration::MapPage(std::uint64_t gpa, int level, Hpa page,
                            std::uint64_t leaf) {
  tables_.Map(Root(), EptLevels(c_), gpa, level, page, TableBits(), leaf);
}

void EptGeneration::MapRegion(std::uint64_t gpa, unsigned neighbours) {
  const int level = LeafLevel();
  const std::uint64_t leaf = LeafBits();
  MapPage(gpa, level, leaf);
  if (random_.Percent(neighbours)) {
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

void EptGeneration::FillVeArea() {
  if (!HasSecondary(c_, kSecondaryVe)) return;
  const std::uint64_t area = c_.controls.ve_information_address;
  std::uint64_t busy = random_.Percent(10) ? random_.Bits(32) << 32 : 0;
  // Any bit of it that is not 0.
  if (busy == 0 && random_.Percent(10)) busy = Bit(32 + random_.Below(32));
  if (busy != 0 || random_.OneIn(2)) {
    StoreWord(c_, Hpa{area}, random_.Bits(32) | busy);
  }
  for (unsigned offset = 8; offset <= 40; offset += 8) {
    if (random_.OneIn(8)) StoreWord(c_, Hpa{area + offset}, random_.Next());
  }
}

std::uint64_t EptGeneration::Mutate(const BuiltEntry& entry,
                                    std::uint64_t value) {
  return entry.spp
             ? MutateSppEntry(random_, value, entry.level, PhysicalWidth(c_))
             : MutateEntry(random_, value, entry.level, PhysicalWidth(c_));
}

void EptGeneration::SpoilEntries() {
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
void EptGeneration::Alias(const BuiltEntry& entry) {
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

Step EptGeneration::StoreStep() {
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

}  // namespace eptdiff
