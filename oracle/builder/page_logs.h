// The page-modification logs of the logical processors (SDM 29.3.6), as
// software sets them up: of each VMCS the control "enable PML", the PML address
// and the PML index. A processor that sets a dirty flag writes where it is in
// the log.
//
//   0 ........ index ........ 511
//     <- next       written ->        beyond 0: full, a VM exit
//
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_PAGE_LOGS_H_
#define EPTDIFF_ORACLE_BUILDER_PAGE_LOGS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/types.h"
#include "oracle/builder/frame_memory.h"
#include "oracle/case.h"

namespace eptdiff {

class PageLogs {
 public:
  static constexpr std::uint16_t kEntries = 512;
  static constexpr std::uint32_t kEnablePml = 1u << 17;  // secondary

  // Encodings of the fields (SDM appendix B).
  static constexpr std::uint32_t kIndexField = 0x812;
  static constexpr std::uint32_t kAddressField = 0x200e;
  static constexpr std::uint32_t kSecondaryField = 0x401e;

  struct Log {
    bool enabled = false;
    bool is_own = false;  // what software has set up, since it began
    std::uint64_t address = 0;
    std::uint16_t index = 0;

    bool IsFull() const { return index >= kEntries; }
  };

  // Each VMCS begins as the controls have it, below 2^maxphyaddr.
  void Reset(const Controls& controls, int maxphyaddr) {
    end_ = std::uint64_t{1} << maxphyaddr;
    secondary_ = controls.secondary & ~kEnablePml;
    Log log;
    log.enabled = (controls.secondary & kEnablePml) != 0;
    log.address = controls.pml_address;
    log.index = controls.pml_index;
    logs_.fill(log);
  }

  Log& operator[](std::size_t processor) { return logs_[processor]; }
  const Log& operator[](std::size_t processor) const {
    return logs_[processor];
  }

  // VMREAD and VMWRITE of these three. False for another one, and for what VM
  // entry would refuse, of the secondary controls for other bits than that.
  bool Read(std::size_t processor, std::uint32_t field,
            std::uint64_t& value) const {
    const Log& log = logs_[processor];
    switch (field) {
      case kIndexField:
        value = log.index;
        return true;
      case kAddressField:
        value = log.address;
        return true;
      case kSecondaryField:
        value = secondary_ | (log.enabled ? kEnablePml : 0);
        return true;
      default:
        return false;
    }
  }
  bool Write(std::size_t processor, std::uint32_t field, std::uint64_t value) {
    Log& log = logs_[processor];
    switch (field) {
      case kIndexField:
        log.index = static_cast<std::uint16_t>(value);
        return value <= 0xffff;
      case kAddressField:
        if (value % 0x1000 != 0 || value >= end_) return false;
        log.address = value;
        log.is_own = true;
        return true;
      case kSecondaryField:
        if ((value & ~std::uint64_t{kEnablePml}) != secondary_) return false;
        log.enabled = (value & kEnablePml) != 0;
        log.is_own = true;
        return true;
      default:
        return false;
    }
  }

  // Whether some VMCS names this frame.
  bool IsLog(std::uint64_t frame) const {
    for (const Log& log : logs_) {
      if (log.address == frame && frame != 0) return true;
    }
    return false;
  }

  // The frames that processors log to, as software has set that up.
  template <typename Visit>
  void ForEachFrame(Visit visit) const {
    for (const Log& log : logs_) {
      if (log.enabled && log.is_own) visit(log.address);
    }
  }

  // The processor sets a dirty flag for `gpa`.
  void Add(std::size_t processor, std::uint64_t gpa, FrameMemory& memory) {
    Log& log = logs_[processor];
    if (!log.enabled || log.IsFull()) return;
    const Hpa at{log.address + std::uint64_t{8} * log.index};
    if (std::uint64_t* word = memory.At(at)) *word = gpa & ~0xfffull;
    --log.index;  // modulo 2^16
    OnAdded(processor, memory);
  }
  // It has logged something. The last processor does so once for all entries
  // that are left, as if software had cleared the flag each time: its log is
  // full at once, which takes some hundred pages elsewhere.
  void OnAdded(std::size_t processor, FrameMemory& memory) {
    if (processor + 1 != logs_.size()) return;
    Log& log = logs_[processor];
    const auto at = [&](std::uint64_t index) {
      return memory.At(Hpa{log.address + 8 * index});
    };
    const std::uint64_t* added = at(std::uint64_t{log.index} + 1);
    for (; !log.IsFull(); --log.index) {
      if (added != nullptr) *at(log.index) = *added;
    }
  }

 private:
  std::array<Log, kLogicalProcessors> logs_ = {};
  std::uint64_t end_ = 0;
  std::uint32_t secondary_ = 0;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_PAGE_LOGS_H_
