// Cases about builders, written down step by step. For tests and witnesses.
// Thread-safety: thread-compatible.
#ifndef EPTDIFF_ORACLE_BUILDER_TABLE_CASE_H_
#define EPTDIFF_ORACLE_BUILDER_TABLE_CASE_H_

#include <cstdint>
#include <utility>

#include "oracle/case.h"

namespace eptdiff {

// A processor with everything but mode-based execution and the like; 4 levels,
// frames from 100000H on.
class TableCase {
 public:
  using Kind = TableOperationKind;

  explicit TableCase(std::uint64_t eptp = 0x10001e) {
    c_.processor.ept_vpid_cap = 0x06f341c1;
    c_.controls.primary = 0x80000000;
    c_.controls.secondary = 0x82;  // with "unrestricted guest"
    c_.controls.eptp = eptp;
    c_.guest.cr0 = 0x20;    // NE
    c_.guest.cr4 = 0x2000;  // VMXE
    c_.guest.rflags = 2;
  }

  // Of one page, at its first address.
  TableCase& Map(std::uint64_t gpa, std::uint64_t hpa, std::uint64_t flags,
                 std::uint8_t level = 1) {
    return Do({.kind = Kind::kMap,
               .level = level,
               .gpa = Gpa{gpa},
               .hpa = Hpa{hpa},
               .flags = flags});
  }
  TableCase& Unmap(std::uint64_t gpa) {
    return Do({.kind = Kind::kUnmap, .gpa = Gpa{gpa}});
  }
  TableCase& Remap(std::uint64_t gpa, std::uint64_t hpa, std::uint64_t flags) {
    return Do({.kind = Kind::kRemap,
               .gpa = Gpa{gpa},
               .hpa = Hpa{hpa},
               .flags = flags});
  }
  TableCase& Protect(std::uint64_t gpa, std::uint64_t flags) {
    return Do({.kind = Kind::kProtect, .gpa = Gpa{gpa}, .flags = flags});
  }
  TableCase& Split(std::uint64_t gpa) {
    return Do({.kind = Kind::kSplit, .gpa = Gpa{gpa}});
  }

  // Of a region.
  TableCase& MapRegion(std::uint64_t gpa, std::uint64_t hpa,
                       std::uint64_t bytes, std::uint64_t flags) {
    return Do({.kind = Kind::kMapRegion,
               .level = 3,
               .gpa = Gpa{gpa},
               .hpa = Hpa{hpa},
               .bytes = bytes,
               .flags = flags});
  }
  TableCase& UnmapRegion(std::uint64_t gpa, std::uint64_t bytes) {
    return Do({.kind = Kind::kUnmapRegion, .gpa = Gpa{gpa}, .bytes = bytes});
  }
  TableCase& ProtectRegion(std::uint64_t gpa, std::uint64_t bytes,
                           std::uint64_t flags) {
    return Do({.kind = Kind::kProtectRegion,
               .gpa = Gpa{gpa},
               .bytes = bytes,
               .flags = flags});
  }
  TableCase& Merge(std::uint64_t gpa, std::uint64_t bytes) {
    return Do({.kind = Kind::kMergeRegion, .gpa = Gpa{gpa}, .bytes = bytes});
  }
  TableCase& Clear(std::uint64_t gpa, std::uint64_t bytes,
                   std::uint64_t flags) {
    return Do({.kind = Kind::kClearFlags,
               .gpa = Gpa{gpa},
               .bytes = bytes,
               .flags = flags});
  }

  TableCase& LogOn() { return Do({.kind = Kind::kLogOn}); }
  TableCase& LogOff() { return Do({.kind = Kind::kLogOff}); }
  TableCase& LogAsk(std::uint64_t gpa, std::uint64_t bytes) {
    return Do({.kind = Kind::kLogAsk, .gpa = Gpa{gpa}, .bytes = bytes});
  }
  TableCase& LogClear(std::uint64_t gpa, std::uint64_t bytes) {
    return Do({.kind = Kind::kLogClear, .gpa = Gpa{gpa}, .bytes = bytes});
  }

  // The last operation does not get its n-th frame.
  TableCase& Failing(std::uint16_t n) {
    c_.steps.back().operation.failing_allocation = n;
    return *this;
  }

  // Before these of its stores (case.h) a processor uses the page.
  TableCase& Meanwhile(std::uint8_t moments) {
    c_.steps.back().operation.meanwhile = moments;
    return *this;
  }

  TableCase& Read(std::uint64_t gpa) { return Use(gpa, AccessKind::kRead); }
  TableCase& Write(std::uint64_t gpa) { return Use(gpa, AccessKind::kWrite); }
  TableCase& Fetch(std::uint64_t gpa) { return Use(gpa, AccessKind::kFetch); }

  // The last operation is about this one of several tables, or all of them.
  TableCase& In(std::uint8_t view) {
    c_.steps.back().operation.view = view;
    return *this;
  }
  // A processor, the first if nothing else is said, changes over to another.
  TableCase& Switch(std::uint8_t view) {
    Step& step = c_.steps.emplace_back();
    step.kind = StepKind::kEptpSwitch;
    step.index = view;
    return *this;
  }

  // The last step happens on this logical processor.
  TableCase& On(std::uint8_t processor) {
    c_.steps.back().processor = processor;
    return *this;
  }

  const Case& Build() const { return c_; }

 private:
  TableCase& Do(const TableOperation& operation) {
    c_.steps.push_back(
        {.kind = StepKind::kTableOperation, .operation = operation});
    return *this;
  }
  TableCase& Use(std::uint64_t gpa, AccessKind kind) {
    Step& step = c_.steps.emplace_back();
    step.access.kind = kind;
    step.gpa = Gpa{gpa};
    return *this;
  }

  Case c_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_BUILDER_TABLE_CASE_H_
