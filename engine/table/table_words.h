// The 512 words of one table. Every store of the builder is one of these.
//
// Processors, and others in software, walk the tables while they change. So
// each word is read and written as one atomic access; a table is filled before
// the entry that references it is released; and where processors set accessed
// and dirty flags, a live entry changes by an exchange that cannot lose one.
// Thread-safety: one thread changes, any number read.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_WORDS_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_WORDS_H_

#include <cstdint>

#include "engine/table/table_hal.h"
#include "engine/types.h"

namespace eptdiff::engine {

template <TableHal Hal>
class TableWords {
 public:
  static constexpr int kCount = 512;

  TableWords(Hal& hal, Hpa address)
      : hal_(&hal), address_(address), words_(hal.Pointer(address)) {}

  Hpa address() const { return address_; }

  std::uint64_t Load(int i) const {
    return __atomic_load_n(&words_[i], __ATOMIC_ACQUIRE);
  }

  // Word `i` is going to be loaded.
  void Prefetch(int i) const { __builtin_prefetch(&words_[i]); }

  // The bits that any of the kBatch entries from `i` on has, a multiple of it:
  // most tables have few entries, which are found sooner that way.
  static constexpr int kBatch = 8;
  std::uint64_t AnyOf(int i) const {
    std::uint64_t any = 0;
    for (int k = 0; k < kBatch; ++k) any |= Load(i + k);
    return any;
  }

  // A word of a table that nobody can reach yet.
  void Fill(int i, std::uint64_t word) {
    const std::uint64_t before = Before(i);
    __atomic_store_n(&words_[i], word, __ATOMIC_RELAXED);
    Report(i, before, word);
  }

  // A live entry that is not present: no processor writes to it.
  void Link(int i, std::uint64_t word) {
    Announce(i);
    const std::uint64_t before = Before(i);
    __atomic_store_n(&words_[i], word, __ATOMIC_RELEASE);
    Report(i, before, word);
  }

  // A live entry, if it still is `before`. Otherwise false, with what it is.
  // Where processors set no flags (`shared` is false) it is, and the store is a
  // plain one.
  bool Replace(int i, std::uint64_t& before, std::uint64_t word, bool shared) {
    Announce(i);
    if (!shared) {
      __atomic_store_n(&words_[i], word, __ATOMIC_RELEASE);
    } else if (!__atomic_compare_exchange_n(&words_[i], &before, word,
                                            /*weak=*/false, __ATOMIC_ACQ_REL,
                                            __ATOMIC_ACQUIRE)) {
      return false;
    }
    Report(i, before, word);
    return true;
  }

 private:
  // What the hook wants to know; without one, nothing is read.
  std::uint64_t Before(int i) const {
    if constexpr (HasStoreHook<Hal>) return Load(i);
    return 0;
  }
  Hpa AddressOf(int i) const {
    return Hpa{address_.value + 8 * static_cast<std::uint64_t>(i)};
  }
  void Announce(int i) {
    if constexpr (HasBeforeStoreHook<Hal>) hal_->BeforeStore(AddressOf(i));
  }
  void Report(int i, std::uint64_t before, std::uint64_t word) {
    if constexpr (HasStoreHook<Hal>) {
      hal_->OnStore(AddressOf(i), before, word);
    }
  }

  Hal* hal_;
  Hpa address_;
  std::uint64_t* words_;
};

}  // namespace eptdiff::engine

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_WORDS_H_
