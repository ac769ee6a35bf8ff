#include "oracle/target/process/guarded_memory.h"

#include <algorithm>

namespace eptdiff {
namespace {

constexpr std::uint64_t kPageMask = ~std::uint64_t{0xfff};
constexpr std::uint32_t kActivateSecondary = std::uint32_t{1} << 31;
constexpr std::uint32_t kPml = std::uint32_t{1} << 17;
constexpr std::uint32_t kViolationVe = std::uint32_t{1} << 18;

// Accessed and dirty, in EPT entries (8, 9) and in those of the guest (5, 6),
// of which 32-bit paging has two in a word. Whether they are set where they
// should be is for the comparison to say.
constexpr std::uint64_t kFlags = 0x0000'0060'0000'0360;
constexpr std::uint64_t kAccessed = 0x0000'0020'0000'0120;

}  // namespace

void GuardedMemory::Begin(const MachineState& state) {
  state_ = &state;
  memory_.Begin(state.memory);
  callbacks_ = 0;
  exchange_failed_ = false;
  incident_ = Incident();
  aside_ = Incident();
  loaded_.clear();
}

bool GuardedMemory::Objects(std::uint64_t address) {
  if (++callbacks_ > kMaxCallbacks) endless_();
  if (address % 8 != 0) {
    if (incident_.kind == IncidentKind::kNone) {
      incident_ = {IncidentKind::kMisaligned, address};
    }
    return true;
  }
  const Processor& processor = state_->processor;
  const int width = std::max(32, processor.maxphyaddr - processor.keyid_bits);
  if (address >> width != 0 && aside_.kind == IncidentKind::kNone) {
    aside_ = {IncidentKind::kBeyondWidth, address};
  }
  return false;
}

std::uint64_t GuardedMemory::Load(std::uint64_t address) {
  if (Objects(address)) return 0;
  if (!loaded_.full()) loaded_.push_back(Hpa{address});
  return memory_.Load(Hpa{address});
}

void GuardedMemory::Store(std::uint64_t address, std::uint64_t value) {
  if (!Objects(address)) memory_.Store(Hpa{address}, value);
}

bool GuardedMemory::CompareExchange(std::uint64_t address,
                                    std::uint64_t expected,
                                    std::uint64_t desired) {
  if (Objects(address) || memory_.Load(Hpa{address}) != expected) {
    return false;
  }
  if (IsQuicker(address, expected, desired)) {
    exchange_failed_ = true;
    return false;
  }
  memory_.Store(Hpa{address}, desired);
  return true;
}

// It sets the accessed flag alone: who sets a dirty flag logs it, too.
bool GuardedMemory::IsQuicker(std::uint64_t address, std::uint64_t expected,
                              std::uint64_t desired) {
  const std::uint64_t sets = desired & ~expected & kAccessed;
  const bool only_flags = ((desired ^ expected) & ~kFlags) == 0;
  if (exchange_failed_ || sets == 0 || !only_flags || address / 8 % 4 != 3) {
    return false;
  }
  memory_.Store(Hpa{address}, expected | (sets & -sets));
  return true;
}

bool GuardedMemory::WasLoaded(Hpa word) const {
  return loaded_.full() ||
         std::find(loaded_.begin(), loaded_.end(), word) != loaded_.end();
}

bool GuardedMemory::IsExplained(const MemoryWord& word) const {
  const Controls& controls = state_->controls;
  const std::uint64_t page = word.address.value & kPageMask;
  if ((controls.primary & kActivateSecondary) != 0) {
    if ((controls.secondary & kPml) != 0 && page == controls.pml_address) {
      return true;
    }
    if ((controls.secondary & kViolationVe) != 0 &&
        page == controls.ve_information_address) {
      return true;
    }
  }
  const std::uint64_t before = state_->memory.Load(word.address);
  return ((before ^ word.value) & ~kFlags) == 0 && WasLoaded(word.address);
}

Incident GuardedMemory::End(
    FixedVector<MemoryWord, kMaxStepWrites>& writes) const {
  memory_.ListChanges(writes);
  if (incident_.kind != IncidentKind::kNone) return incident_;
  if (memory_.overflowed()) {
    return {IncidentKind::kProtocol,
            static_cast<std::uint64_t>(ProtocolError::kTooManyStores)};
  }
  for (const MemoryWord& word : writes) {
    if (!IsExplained(word)) {
      return {IncidentKind::kStrayStore, word.address.value};
    }
  }
  return Incident();
}

}  // namespace eptdiff
