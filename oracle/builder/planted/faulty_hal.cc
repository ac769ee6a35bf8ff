#include "oracle/builder/planted/faulty_hal.h"

#include <algorithm>

namespace eptdiff {
namespace {

constexpr std::uint64_t kWrite = 2;
constexpr std::uint64_t kLarge = 0x80;

}  // namespace

void FaultyHal::Begin(TableOperationKind kind, bool creating) {
  kind_ = kind;
  creating_ = creating;
  ending_ = false;
  fresh_.clear();
  linked_ = {};
  held_fill_.reset();
  invept_ = invepts_ = false;
  removes_write_ = changes_more_ = false;
}

void FaultyHal::BeginEnd() {
  Begin(TableOperationKind::kUnmapRegion);
  ending_ = true;
}

void FaultyHal::Finish() {
  ReportHeld();
  // Once nothing of the operation's own goes through it any more.
  const Hpa beside{linked_.address.value + 8};
  if (linked_.value != 0 && !IsPresent(facts, *pool->memory().At(beside))) {
    pool->Store(beside, linked_.value);
  }
  linked_ = {};
  if (invept_) PoolHal::Invept(eptp_);
  invept_ = false;
}

std::optional<Hpa> FaultyHal::AllocateFrame() {
  const std::optional<Hpa> frame = PoolHal::AllocateFrame();
  if (frame.has_value()) fresh_.push_back(frame->value);
  return frame;
}

void FaultyHal::FreeFrame(Hpa frame) {
  PoolHal::FreeFrame(frame);
  if (faults.Has(Fault::kStoreAfterFree) && pool != nullptr) {
    pool->Store(frame, 0);
  }
}

void FaultyHal::Invept(std::uint64_t eptp) {
  invepts_ = true;
  if (faults.Has(Fault::kInveptMissingForWrite) && removes_write_ &&
      !changes_more_) {
    return;
  }
  if (faults.Has(Fault::kInveptNever) && !ending_) return;
  if (faults.Has(Fault::kFreedBeforeInvept) ||
      (faults.Has(Fault::kEndWithoutInvept) && ending_)) {
    invept_ = true;
    eptp_ = eptp;
    return;
  }
  PoolHal::Invept(eptp);
}

// Who loads, and stores what it has made of that, does not see what a processor
// sets in between: as if it were not there, until the store has overwritten it.
void FaultyHal::BeforeStore(Hpa address) {
  std::uint64_t* word = pool != nullptr ? pool->memory().At(address) : nullptr;
  const std::uint64_t loaded = word != nullptr ? *word : 0;
  PoolHal::BeforeStore(address);
  if (!faults.Has(Fault::kFlagsRaced) || word == nullptr) return;
  raced_ = {address, *word & ~loaded};
  *word = loaded;
}

void FaultyHal::OnStore(Hpa address, std::uint64_t before,
                        std::uint64_t after) {
  if (raced_.address == address) before |= raced_.value;
  raced_ = {};
  const bool filled = IsFresh(address.value & ~std::uint64_t{0xfff});
  const bool links = IsPresent(facts, after) && IsFresh(AddressIn(after));
  const bool page = IsPresent(facts, after) && !links &&
                    pool->Pointer(Hpa{AddressIn(after)}) == nullptr;
  const bool was_large =
      !filled && IsPresent(facts, before) && (before & kLarge) != 0;
  if (!filled && IsPresent(facts, before)) {
    removes_write_ |= (before & ~after) == kWrite;
    changes_more_ |= ((before ^ after) & ~kWrite) != 0;
  }
  if (faults.Has(Fault::kSplitDropsPermission) && filled && page &&
      !IsMapping()) {
    after = Put(address, after & ~kWrite);
  }
  if (faults.Has(Fault::kAddress32Bits) && page) {
    after = Put(address, after & 0xfff00000ffffffff);
  }
  if (was_large && links) {
    if (faults.Has(Fault::kSplitNotStored)) {
      Put(address, before);
      return;
    }
    if (faults.Has(Fault::kUnmapClearsLargePage) &&
        kind_ == TableOperationKind::kUnmapRegion) {
      after = Put(address, facts.unused);
    }
  }
  if (faults.Has(Fault::kLinkedBeforeFilled) && filled && !links &&
      !creating_) {
    ReportHeld();
    held_fill_ = {TableEvent::Kind::kStore, address, before, after};
    return;
  }
  if (faults.Has(Fault::kLinkedTwice) && links && !filled &&
      address.value % 0x1000 != 0xff8) {
    linked_ = {address, after};
  }
  PoolHal::OnStore(address, before, after);
  ReportHeld();
}

bool FaultyHal::IsFresh(std::uint64_t frame) const {
  return std::find(fresh_.begin(), fresh_.end(), frame) != fresh_.end();
}

bool FaultyHal::IsMapping() const {
  return kind_ == TableOperationKind::kMap ||
         kind_ == TableOperationKind::kMapRegion;
}

std::uint64_t FaultyHal::Put(Hpa address, std::uint64_t word) {
  return *pool->memory().At(address) = word;
}

void FaultyHal::ReportHeld() {
  if (!held_fill_.has_value()) return;
  PoolHal::OnStore(held_fill_->address, held_fill_->before, held_fill_->after);
  held_fill_.reset();
}

}  // namespace eptdiff
