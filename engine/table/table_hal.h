// What a VMM brings so that tables can be built: frames, and INVEPT.
//
//   AllocateFrame()  a 4-KByte frame for a table, aligned and below
//   2^MAXPHYADDR,
//                    with any contents; none if there is none.
//   FreeFrame(f)     takes back a frame. No processor can walk it any more: any
//                    INVEPT that this needs has been executed.
//   Pointer(f)       where the 512 words of the frame at `f` are, 8-byte
//                    aligned and writable; null for what is not memory. They
//                    may move when another frame is allocated.
//   Invept(eptp)     executes INVEPT, single-context, with this EPTP on every
//                    logical processor that may have used it, and returns when
//                    all have done so (29.4.3.4, the last paragraph). Whoever
//                    walks the tables in software while they change must be
//                    waited for, too: afterwards frames are freed.
//
// A Hal may also have
//   OnStore(a, o, n) called after each single store to a table, linked already
//                    or not: the word at `a` was `o` and is `n`. Tests look at
//                    every state of memory with it; without it, it costs
//                    nothing.
//   BeforeStore(a)   likewise, before each store to the word at `a` of a table
//                    in use, and each attempt at one. What the builder has
//                    loaded it loaded before that: whoever sets flags there is
//                    a processor that comes in between.
//
// Thread-safety: called by whoever calls the builder; Pointer() also by those
// who translate or iterate at the same time.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_HAL_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_HAL_H_

#include <concepts>
#include <cstdint>
#include <optional>

#include "engine/memory.h"
#include "engine/types.h"

namespace eptdiff {

template <typename H>
concept TableHal = requires(H& hal, Hpa frame, std::uint64_t eptp) {
  { hal.AllocateFrame() } -> std::same_as<std::optional<Hpa>>;
  { hal.FreeFrame(frame) } -> std::same_as<void>;
  { hal.Pointer(frame) } -> std::same_as<std::uint64_t*>;
  { hal.Invept(eptp) } -> std::same_as<void>;
};

template <typename H>
concept HasStoreHook = requires(H& hal, Hpa address, std::uint64_t word) {
  hal.OnStore(address, word, word);
};

template <typename H>
concept HasBeforeStoreHook =
    requires(H& hal, Hpa address) { hal.BeforeStore(address); };

// A Hal's frames as memory that the engine can walk. Borrows the Hal.
template <TableHal Hal>
class TableMemory {
 public:
  explicit TableMemory(Hal& hal) : hal_(&hal) {}

  bool Load(Hpa address, std::uint64_t& word) const {
    const std::uint64_t* at = At(address);
    if (at == nullptr) return false;
    word = __atomic_load_n(at, __ATOMIC_RELAXED);
    return true;
  }
  bool Store(Hpa address, std::uint64_t value) {
    std::uint64_t* at = At(address);
    if (at == nullptr) return false;
    __atomic_store_n(at, value, __ATOMIC_RELAXED);
    return true;
  }
  bool CompareExchange(Hpa address, std::uint64_t expected,
                       std::uint64_t desired) {
    std::uint64_t* at = At(address);
    return at != nullptr &&
           __atomic_compare_exchange_n(at, &expected, desired, /*weak=*/false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
  }

 private:
  std::uint64_t* At(Hpa address) const {
    constexpr std::uint64_t kOffset = 0xfff;
    std::uint64_t* frame = hal_->Pointer(Hpa{address.value & ~kOffset});
    return frame == nullptr ? nullptr : frame + (address.value & kOffset) / 8;
  }

  Hal* hal_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_HAL_H_
