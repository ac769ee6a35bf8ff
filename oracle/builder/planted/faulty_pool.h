// A FramePool between which and the builder something goes wrong: the faults
// that the builder check must notice. For tests.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_PLANTED_FAULTY_POOL_H_
#define EPTDIFF_ORACLE_BUILDER_PLANTED_FAULTY_POOL_H_

#include <cstdint>
#include <optional>

#include "oracle/builder/frame_pool.h"

namespace eptdiff {

enum class PoolFault : std::uint8_t {
  kNone,
  kStoreDropped,        // the word goes back to what it was
  kStoreUnreported,     // done, but nobody is told
  kPermissionLost,      // pages are stored without write permission
  kMemoryTypeLost,      // ... as UC
  kAddressCut,          // ... with 32 bits of the address
  kSoftwareBitsLost,    // ... without bit 62
  kAccessedLost,        // ... without accessed and dirty flags
  kUnusedWrong,         // what goes is stored as 0
  kLinkedBeforeFilled,  // the link comes before the last store to the table
  kInveptSwallowed,
  kInveptTwice,
  kInveptForNothing,   // at each link
  kInveptBeforeStore,  // the last store comes after INVEPT
  kInveptOtherEptp,
  kFreedEarly,  // as soon as it is unlinked, before INVEPT
  kFreedTwice,
  kNeverFreed,
  kFreedLinked,  // the newest table goes when the next is allocated
};

class FaultyPool {
 public:
  PoolFault fault = PoolFault::kNone;
  FramePool pool;

  std::optional<Hpa> AllocateFrame() {
    if (fault == PoolFault::kFreedLinked && newest_.value != 0) {
      const Hpa frame = newest_;
      newest_ = Hpa{};
      pool.FreeFrame(frame);
    }
    const std::optional<Hpa> frame = pool.AllocateFrame();
    if (frame.has_value()) newest_ = *frame;
    return frame;
  }
  void FreeFrame(Hpa frame) {
    if (fault == PoolFault::kNeverFreed) return;
    if (fault == PoolFault::kFreedEarly && frame == freed_) return;
    pool.FreeFrame(frame);
    if (fault == PoolFault::kFreedTwice) pool.FreeFrame(frame);
  }
  std::uint64_t* Pointer(Hpa frame) { return pool.Pointer(frame); }

  void Invept(std::uint64_t eptp) {
    if (fault == PoolFault::kInveptSwallowed) return;
    if (fault == PoolFault::kInveptOtherEptp) eptp ^= 0x40;
    pool.Invept(eptp);
    if (fault == PoolFault::kInveptTwice) pool.Invept(eptp);
    Flush();
  }

  void OnStore(Hpa address, std::uint64_t before, std::uint64_t after) {
    const bool was_present = (before & 7) != 0 && before != FramePool::kPoison;
    const bool leaf =
        (after & 7) != 0 && pool.Pointer(PageOf(after)) == nullptr;
    const bool links = (after & 7) != 0 && !leaf;
    std::uint64_t stored = after;
    switch (fault) {
      case PoolFault::kStoreDropped:
        if (was_present) {
          *pool.memory().At(address) = before;
          return;
        }
        break;
      case PoolFault::kStoreUnreported:
        if (was_present) return;
        break;
      case PoolFault::kPermissionLost:
        if (leaf) stored &= ~std::uint64_t{2};
        break;
      case PoolFault::kMemoryTypeLost:
        if (leaf) stored &= ~std::uint64_t{0x38};
        break;
      case PoolFault::kAddressCut:
        if (leaf) stored &= 0xfff00000ffffffff;
        break;
      case PoolFault::kSoftwareBitsLost:
        if (leaf) stored &= ~(std::uint64_t{1} << 62);
        break;
      case PoolFault::kAccessedLost:
        if (was_present) stored &= ~std::uint64_t{0x300};
        break;
      case PoolFault::kUnusedWrong:
        if (was_present && after >> 63 != 0 && (after & 7) == 0) stored = 0;
        break;
      case PoolFault::kLinkedBeforeFilled:
        if (links) break;
        Flush();
        held_ = TableEvent{TableEvent::Kind::kStore, address, before, after};
        return;
      case PoolFault::kInveptBeforeStore:
        Flush();
        if (was_present) {
          held_ = TableEvent{TableEvent::Kind::kStore, address, before, after};
          return;
        }
        break;
      case PoolFault::kInveptForNothing:
        if (links) pool.Invept(eptp);
        break;
      default:
        break;
    }
    if (stored != after) *pool.memory().At(address) = stored;
    pool.OnStore(address, before, stored);
    if (fault == PoolFault::kLinkedBeforeFilled) Flush();
    if (fault == PoolFault::kFreedEarly && was_present &&
        pool.Pointer(PageOf(before)) != nullptr) {
      freed_ = PageOf(before);
      pool.FreeFrame(freed_);
    }
  }

  // Reports what has been held back.
  void Flush() {
    if (!held_.has_value()) return;
    pool.OnStore(held_->address, held_->before, held_->after);
    held_.reset();
  }

  std::uint64_t eptp = 0;  // for kInveptForNothing

 private:
  static Hpa PageOf(std::uint64_t entry) {
    return Hpa{entry & 0x000ffffffffff000};
  }

  Hpa newest_ = {};
  Hpa freed_ = {};
  std::optional<TableEvent> held_;
};

static_assert(TableHal<FaultyPool> && HasStoreHook<FaultyPool>);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_PLANTED_FAULTY_POOL_H_
