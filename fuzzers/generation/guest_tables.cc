#include "fuzzers/generation/guest_tables.h"

#include <algorithm>

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {
namespace {

using namespace bits;

constexpr unsigned kFramesOfBase = 512;

}  // namespace

GuestTables::GuestTables(Random& random, Case& c, EptGeneration& ept)
    : random_(random), c_(c), ept_(ept), mode_(GuestModeOf(c.guest)) {
  // Half of the cases keep to low addresses, for the sake of their readers.
  const unsigned width = random.OneIn(2) ? 24 : address_bits(1);
  base_ = random.Bits(width) & ~Low(21);
  // The first and the last entry of a table are where indices go wrong.
  for (unsigned shift = 21; shift + 9 <= width; shift += 9) {
    if (random.OneIn(4)) base_ &= ~(Low(9) << shift);
    if (random.OneIn(8)) base_ |= Low(9) << shift;
  }
  base_ &= Low(address_bits(1));
  narrow_ = random.OneIn(5);
  next_ = random.OneIn(2) ? 0 : random.Below(kFramesOfBase);
  const std::uint64_t pages = c.processor.ept_vpid_cap & (kCap2Mb | kCap1Gb);
  if (pages == 0 || !random.Percent(72)) return;
  const bool huge =
      pages == (kCap2Mb | kCap1Gb) ? random.OneIn(4) : pages == kCap1Gb;
  const int level = huge ? 3 : 2;
  const std::uint64_t page =
      random.Next() & Low(PhysicalWidth(c)) & ~Low(PageShift(level));
  if (page == 0) return;
  large_ = page + (base_ & Low(PageShift(level)));
  ept.MapPage(base_, level, Hpa{page}, StructureLeafBits());
}

// What accesses to guest paging structures need most of the time: to be read,
// and written if they have to set a flag, or count as writes.
std::uint64_t GuestTables::StructureLeafBits() {
  static constexpr std::uint64_t kOpen[] = {7, 7, 7, 3};
  static constexpr std::uint64_t kAny[] = {7, 7, 7, 3, 3, 1, 1, 5, 4};
  constexpr std::uint64_t kRare = ~(kPermissions | kSubPage);
  std::uint64_t bits = ept_.LeafBits() & kRare;
  bits |= narrow_ ? random_.Pick(kAny) : random_.Pick(kOpen);
  return bits;
}

unsigned GuestTables::address_bits(int leaf_level) const {
  const unsigned n = c_.processor.maxphyaddr;
  // 4-level EPT translates 48 bits.
  const unsigned reach = EptLevels(c_) == 5 ? n : std::min(n, 48u);
  if (mode_ != GuestPagingMode::k32Bit) return reach;
  return leaf_level == 2 && c_.processor.pse36 ? std::min(40u, reach) : 32;
}

GuestFrame GuestTables::NewFrame() {
  if (frames_.full()) return frames_.back();
  GuestFrame frame;
  do {
    const unsigned number =
        random_.OneIn(8) ? random_.Below(kFramesOfBase) : next_++;
    const std::uint64_t offset = (number % kFramesOfBase) << 12;
    frame.gpa = base_ + offset;
    frame.hpa = large_ + offset;
  } while (FrameAt(frame.gpa) != nullptr);
  if (large_ == 0) {
    frame.hpa = ept_.tables().NewFrame().value;
    ept_.MapPage(frame.gpa, 1, Hpa{frame.hpa}, StructureLeafBits());
  }
  frames_.push_back(frame);
  return frame;
}

const GuestFrame& GuestTables::SomeFrame() {
  return frames_[random_.Below(frames_.size())];
}

const GuestFrame* GuestTables::FrameAt(std::uint64_t gpa) const {
  for (const GuestFrame& frame : frames_) {
    if (frame.gpa == gpa) return &frame;
  }
  return nullptr;
}

const BuiltGuestEntry* GuestTables::Find(Hpa address,
                                         std::size_t& index) const {
  for (index = 0; index < entries_.size(); ++index) {
    if (entries_[index].address == address) return &entries_[index];
  }
  return nullptr;
}

std::size_t GuestTables::Put(const GuestFrame& table, std::uint64_t gla,
                             int level, std::uint64_t value) {
  const unsigned bytes = ShapeOf(mode_).entry_bytes;
  const std::uint64_t offset = bytes * GuestIndex(mode_, gla, level);
  const Hpa address{table.hpa + offset};
  std::size_t index;
  if (Find(address, index) != nullptr || entries_.full()) return kNone;
  const Hpa word{address.value & ~7ull};
  MemoryWord* listed = FindWord(c_, word);
  if (listed == nullptr) {
    c_.memory.push_back({word, 0});
    listed = &c_.memory.back();
  }
  listed->value = WithEntry(listed->value, address, bytes, value);
  entries_.push_back({static_cast<std::size_t>(listed - c_.memory.data()),
                      address, table.gpa + offset, level,
                      GuestMapsPage(c_.guest, mode_, level, value)});
  return index;
}

std::uint64_t GuestTables::Value(std::size_t entry) const {
  return LoadEntry(c_, entries_[entry].address, ShapeOf(mode_).entry_bytes);
}

void GuestTables::Set(std::size_t entry, std::uint64_t value) {
  std::uint64_t& word = c_.memory[entries_[entry].word].value;
  word = WithEntry(word, entries_[entry].address, ShapeOf(mode_).entry_bytes,
                   value);
}

BuiltGuestPath GuestTables::Map(const GuestFrame& root, std::uint64_t gla,
                                int level, std::uint64_t gpa) {
  constexpr std::uint64_t kOpen = kGuestPresent | kGuestWritable | kGuestUser;
  const unsigned bytes = ShapeOf(mode_).entry_bytes;
  BuiltGuestPath path;
  GuestFrame table = root;
  for (int at = ShapeOf(mode_).levels; at > level; --at) {
    const Hpa address{table.hpa + bytes * GuestIndex(mode_, gla, at)};
    std::size_t index;
    if (const BuiltGuestEntry* entry = Find(address, index)) {
      const GuestFrame* next =
          entry->leaf ? nullptr : FrameAt(GuestNextTable(mode_, Value(index)));
      path.entries.push_back(index);
      path.fresh = path.entries.size();
      if (next == nullptr) {
        path.complete = entry->leaf;
        return path;
      }
      table = *next;
      continue;
    }
    const GuestFrame next = NewFrame();
    index = Put(table, gla, at, next.gpa | kOpen);
    if (index == kNone) return path;
    path.entries.push_back(index);
    table = next;
  }
  std::uint64_t leaf = kOpen | (level > 1 ? kGuestLarge : 0);
  const std::uint64_t page = gpa & ~Low(GuestPageShift(mode_, level));
  leaf |= page;
  if (mode_ == GuestPagingMode::k32Bit && level == 2) {
    leaf = (leaf & Low(32)) | (page >> 32) << 13;  // PSE-36
  }
  const std::size_t index = Put(table, gla, level, leaf);
  if (index == kNone) return path;
  path.entries.push_back(index);
  path.complete = true;
  return path;
}

}  // namespace eptdiff
