#include "oracle/sparse_memory.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

namespace eptdiff {
namespace {

// Few: many memories live for one step of a case.
constexpr std::size_t kInitialSlots = 64;

// At most half of the slots are in use.
std::size_t SlotsFor(std::size_t words) {
  return std::max(kInitialSlots, std::bit_ceil(2 * words));
}

}  // namespace

SparseMemory::SparseMemory() : slots_(kInitialSlots), mask_(kInitialSlots - 1) {
  addresses_.reserve(kInitialSlots / 2);
}

SparseMemory::SparseMemory(const SparseMemory& other)
    : slots_(SlotsFor(other.addresses_.size())), mask_(slots_.size() - 1) {
  addresses_.reserve(other.addresses_.size());
  *this = other;
}

SparseMemory& SparseMemory::operator=(const SparseMemory& other) {
  if (this == &other) return *this;
  Clear();
  for (const Hpa address : other.addresses_)
    Store(address, other.Load(address));
  return *this;
}

void SparseMemory::Store(Hpa address, std::uint64_t value) {
  const std::uint64_t key = address.value >> 3;
  Slot* slot = &slots_[Hash(key) & mask_];
  for (std::size_t i = Hash(key); slot->generation == generation_;
       slot = &slots_[++i & mask_]) {
    if (slot->key != key) continue;
    slot->value = value;
    return;
  }
  *slot = {key, value, generation_};
  addresses_.push_back(Hpa{key << 3});
  if (addresses_.size() * 2 > slots_.size()) Grow();
}

void SparseMemory::Clear() {
  addresses_.clear();
  if (++generation_ != 0) return;
  // After 2^32 cases the stamps of the first ones would come alive again.
  for (Slot& slot : slots_) slot.generation = 0;
  generation_ = 1;
}

void SparseMemory::Grow() {
  if (addresses_.size() >= kMaxWords) std::abort();
  const std::vector<Slot> old =
      std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  mask_ = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (slot.generation != generation_) continue;
    std::size_t i = Hash(slot.key);
    while (slots_[i & mask_].generation == generation_) ++i;
    slots_[i & mask_] = slot;
  }
}

}  // namespace eptdiff
