// Host-physical memory, as the engine sees it.
//
// The engine is a template over its memory, so that a load in the walk is a
// compare and a move. Whoever brings memory models HostMemory: 8-byte aligned
// words, loads and stores that say false for an address that they do not have
// (never undefined behaviour), and an atomic compare-exchange for accessed and
// dirty flags, which other processors may set at the same time.
// Thread-safety: FlatMemory: as many threads as like, also on one image.
#ifndef EPTDIFF_ENGINE_MEMORY_H_
#define EPTDIFF_ENGINE_MEMORY_H_

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "engine/types.h"

namespace eptdiff {

template <typename M>
concept HostMemory = requires(M& memory, const M& constant, Hpa address,
                              std::uint64_t& word, std::uint64_t value) {
  // Reads the word; false: there is no memory at `address`.
  { constant.Load(address, word) } -> std::same_as<bool>;
  // Writes the word; false: there is no memory at `address`.
  { memory.Store(address, value) } -> std::same_as<bool>;
  // Replaces the word by the last argument if it still is the second, as one
  // atomic operation. False: it was not, or there is no memory at `address`.
  { memory.CompareExchange(address, value, value) } -> std::same_as<bool>;
};

// Memory that can be told of a load to come. Any address may be named, one
// where there is no memory, too; nothing is done but that the load may be
// faster.
template <typename M>
concept PrefetchableMemory =
    HostMemory<M> && requires(const M& memory, Hpa address) {
      { memory.Prefetch(address) } -> std::same_as<void>;
    };

// A flat image of host-physical memory: `bytes` bytes at `base`, which is
// 8-byte aligned, for the addresses from `first` on. Borrows the image.
class FlatMemory {
 public:
  FlatMemory(void* base, std::size_t bytes, Hpa first = {})
      : zero_(reinterpret_cast<std::uintptr_t>(base) - first.value),
        first_(first.value),
        end_(bytes < sizeof(Word) ? 0 : bytes - (sizeof(Word) - 1)) {}

  [[gnu::always_inline]] bool Load(Hpa address, std::uint64_t& word) const {
    if (!Has(address)) [[unlikely]]
      return false;
    word = __atomic_load_n(At(address), __ATOMIC_RELAXED);
    return true;
  }
  void Prefetch(Hpa address) const { __builtin_prefetch(At(address)); }
  bool Store(Hpa address, std::uint64_t value) {
    if (!Has(address)) [[unlikely]]
      return false;
    __atomic_store_n(At(address), value, __ATOMIC_RELAXED);
    return true;
  }
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    if (!Has(address)) [[unlikely]]
      return false;
    return __atomic_compare_exchange_n(At(address), &expected, desired,
                                       /*weak=*/false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
  }

 private:
  using Word [[gnu::may_alias]] = std::uint64_t;
  // An address below the image wraps around and lies beyond it.
  bool Has(Hpa address) const { return address.value - first_ < end_; }
  // A load need not wait for the subtraction in Has().
  Word* At(Hpa address) const {
    return reinterpret_cast<Word*>(zero_ + address.value);
  }

  std::uintptr_t zero_;  // where address 0 would lie
  std::uint64_t first_;
  std::uint64_t end_;  // one beyond the last offset at which a word fits
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_MEMORY_H_
