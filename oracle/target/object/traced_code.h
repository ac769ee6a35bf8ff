// Code that says where it runs: compiled with -fsanitize-coverage=trace-pc, as
// gcc has it, it calls a function at each block, and has no counters. They are
// kept here, by the place of the call in its object, so that they are the same
// wherever that is loaded.
//
//   TracedCode code;
//   code.AddModulesSince(modules);  after the object was loaded
//   run a case;  code.ForEachCounted([](place, count) { ... })
//
// How many places there are nobody knows before all have been reached.
// Thread-safety: Count() may be called by any thread at any time. A count may
// be lost where two threads are at the same place.
#ifndef EPTDIFF_ORACLE_TARGET_OBJECT_TRACED_CODE_H_
#define EPTDIFF_ORACLE_TARGET_OBJECT_TRACED_CODE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace eptdiff {

// Where the objects in this process have been loaded.
std::vector<std::uintptr_t> LoadedModules();

class TracedCode {
 public:
  // Of larger code, places so many bytes apart are one.
  static constexpr std::size_t kPlaces = std::size_t{1} << 18;
  // Places that are counted: the first so many.
  static constexpr std::uint32_t kMaxCounted = std::uint32_t{1} << 14;

  // Code at these addresses is the target's. Nothing of it runs meanwhile.
  void Add(std::uintptr_t begin, std::uintptr_t end);
  // That of all objects that were loaded since.
  void AddModulesSince(const std::vector<std::uintptr_t>& modules);

  // `address` is run, or the one before it.
  void Count(std::uintptr_t address) {
    for (const Range& range : ranges_) {
      if (address - range.begin >= range.size) continue;
      const std::size_t place =
          (range.first + (address - range.begin)) % kPlaces;
      std::uint32_t number = numbers_[place].load(std::memory_order_acquire);
      if (number == 0) number = NumberOf(place);
      std::atomic<std::uint8_t>& count = counts_[number];
      count.store(
          static_cast<std::uint8_t>(count.load(std::memory_order_relaxed) + 1),
          std::memory_order_relaxed);
      return;
    }
  }

  // Calls visit(place, count) for each count that is not 0, and sets it to 0.
  template <typename Visitor>
  void ForEachCounted(Visitor visit) {
    const std::uint32_t counted = counted_.load(std::memory_order_acquire);
    for (std::uint32_t i = 1; i <= counted; ++i) {
      if (counts_[i].load(std::memory_order_relaxed) == 0) continue;
      visit(places_[i], counts_[i].exchange(0, std::memory_order_relaxed));
    }
  }

 private:
  struct Range {
    std::uintptr_t begin;
    std::uintptr_t size;
    std::size_t first;  // the place at its beginning
  };

  // Gives a place its number; 0, which nobody looks at, if there is none left.
  std::uint32_t NumberOf(std::size_t place);

  std::vector<Range> ranges_;
  // Few of all places are reached: only their counts are gone through.
  std::atomic<std::uint32_t> numbers_[kPlaces] = {};
  std::atomic<std::uint32_t> counted_ = 0;
  std::uint32_t places_[kMaxCounted + 1] = {};
  std::atomic<std::uint8_t> counts_[kMaxCounted + 1] = {};
  std::mutex numbering_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_OBJECT_TRACED_CODE_H_
