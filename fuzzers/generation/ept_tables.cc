#include "fuzzers/generation/ept_tables.h"

#include <algorithm>

#include "fuzzers/encoding/case_memory.h"
#include "fuzzers/entries/bits.h"
#include "fuzzers/entries/ept_layout.h"
#include "fuzzers/entries/registers.h"

namespace eptdiff {
namespace {

Hpa EntryAddress(Hpa table, std::uint64_t gpa, int level) {
  return Hpa{table.value + 8 * IndexAt(gpa, level)};
}

}  // namespace

EptTables::EptTables(Random& random, Case& c)
    : random_(random), c_(c), frame_bits_(PhysicalWidth(c) - 12u) {
  // Half of the cases keep to low addresses, which people read more easily and
  // which collide with what mistakes produce (index 0, address 0).
  next_frame_ = random_.Bits(random_.OneIn(2) ? 8 : frame_bits_);
}

Hpa EptTables::NewFrame() {
  // Running out takes more frames than any plan asks for; sharing the last one
  // is then as good a case as any.
  if (frames_.full()) return Hpa{frames_.back() << 12};
  std::uint64_t frame = 0;
  do {
    frame = random_.OneIn(6) ? random_.Bits(frame_bits_) : next_frame_++;
    frame &= bits::Low(frame_bits_);
  } while (std::find(frames_.begin(), frames_.end(), frame) != frames_.end());
  frames_.push_back(frame);
  return Hpa{frame << 12};
}

bool EptTables::Put(Hpa address, std::uint64_t value, int level, bool spp) {
  if (entries_.full() || frames_.full()) return false;
  entries_.push_back({c_.memory.size(), level, spp});
  c_.memory.push_back({address, value});
  return true;
}

void EptTables::Map(Hpa root, int levels, std::uint64_t gpa, int leaf_level,
                    Hpa page, std::uint64_t table, std::uint64_t leaf) {
  Hpa at = root;
  for (int level = levels; level > leaf_level; --level) {
    const Hpa address = EntryAddress(at, gpa, level);
    if (const MemoryWord* word = FindWord(c_, address)) {
      if (level <= 3 && (word->value & bits::kLeaf) != 0) return;
      at = Hpa{word->value & bits::kAddress};
      continue;
    }
    const Hpa next = NewFrame();
    if (!Put(address, next.value | table, level, false)) return;
    at = next;
  }
  const Hpa address = EntryAddress(at, gpa, leaf_level);
  if (FindWord(c_, address) != nullptr) return;
  const std::uint64_t large = leaf_level > 1 ? bits::kLeaf : 0;
  Put(address, page.value | large | leaf, leaf_level, false);
}

void EptTables::MapSubPages(Hpa root, std::uint64_t gpa, std::uint64_t vector) {
  Hpa at = root;
  for (int level = 4; level > 1; --level) {
    const Hpa address = EntryAddress(at, gpa, level);
    if (const MemoryWord* word = FindWord(c_, address)) {
      at = Hpa{word->value & bits::kAddress};
      continue;
    }
    const Hpa next = NewFrame();
    if (!Put(address, next.value | 1, level, true)) return;
    at = next;
  }
  const Hpa address = EntryAddress(at, gpa, 1);
  if (FindWord(c_, address) == nullptr) Put(address, vector, 1, true);
}

Hpa EptTables::SomeTable() {
  if (entries_.empty()) return Hpa{c_.controls.eptp & bits::kAddress};
  const BuiltEntry& entry =
      entries_[random_.Below(static_cast<std::uint32_t>(entries_.size()))];
  return Hpa{c_.memory[entry.word].address.value & ~bits::Low(12)};
}

}  // namespace eptdiff
