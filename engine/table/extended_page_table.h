// The EPT of one guest, for a VMM: TableBuilder with absl::Status.
//
// What holds for every operation (refused or done as a whole, one store for an
// entry, when INVEPT is executed, what is kept) is said in table_builder.h, and
// what a VMM has to bring in table_hal.h. engine/examples/build_tables.cc is a
// whole program.
//
// Errors, by absl::StatusCode; the message names the guest-physical address:
//   kInvalidArgument    misaligned, out of range, flags that grant nothing, or
//                       that an entry must not have (an EPT misconfiguration)
//   kAlreadyExists      something is mapped there
//   kNotFound           nothing is mapped there
//   kResourceExhausted  the Hal has no frames left
//   kUnimplemented      the processor or the controls do not have it:
//                       execute-only pages, a page size, a flag
//   kPermissionDenied   of a translation: not for this use
//   kInternal           the Hal gave a frame that no entry can reference
//
// Thread-safety: one thread at a time may call what is not const. Meanwhile,
// others may call what is const, if the Hal's Invept() waits for them as well.
#ifndef EPTDIFF_ENGINE_TABLE_EXTENDED_PAGE_TABLE_H_
#define EPTDIFF_ENGINE_TABLE_EXTENDED_PAGE_TABLE_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/table/ept_entry.h"
#include "engine/table/mapping_flags.h"
#include "engine/table/table_builder.h"
#include "engine/table/table_error.h"
#include "engine/table/table_hal.h"
#include "engine/types.h"
#include "engine/walk/use.h"

namespace eptdiff {

absl::Status ToStatus(const TableResult& result);

template <TableHal Hal>
class ExtendedPageTable {
 public:
  // An empty table. Borrows `hal`. The controls are those of the VMCS; of EPTP,
  // the address is the table's to choose. `unused` is what entries hold that
  // map nothing.
  static absl::StatusOr<ExtendedPageTable> Create(
      Hal& hal, const Processor& processor, const Controls& controls,
      EptEntry unused = EptEntry()) {
    TableError error = TableError::kNone;
    std::optional<TableBuilder<Hal>> builder =
        TableBuilder<Hal>::Create(hal, processor, controls, error, unused);
    if (!builder.has_value()) return ToStatus({error});
    return ExtendedPageTable(std::move(*builder));
  }

  // For the VMCS.
  std::uint64_t eptp() const { return builder_.eptp(); }
  const Controls& controls() const { return builder_.controls(); }

  // The flags for portable ones; kInvalidArgument where EPT has none.
  absl::StatusOr<EptFlags> FlagsFor(MappingFlags flags) const {
    const std::optional<EptFlags> found =
        ToEptFlags(flags, builder_.format().mbec());
    if (!found.has_value()) return ToStatus({TableError::kMisconfigured});
    return *found;
  }

  // One page, known by its first address, whatever its size is.
  absl::Status Map(Gpa gpa, Hpa hpa, PageSize size, EptFlags flags) {
    return ToStatus(builder_.Map(gpa, hpa, size, flags));
  }
  // The page that went, with the accessed and dirty flags it had at last.
  absl::StatusOr<Mapping> Unmap(Gpa gpa) {
    Mapping removed;
    return With(builder_.Unmap(gpa, &removed), removed);
  }
  // The page as it was.
  absl::StatusOr<Mapping> Remap(Gpa gpa, Hpa hpa, EptFlags flags) {
    Mapping replaced;
    return With(builder_.Remap(gpa, hpa, flags, &replaced), replaced);
  }
  absl::Status Protect(Gpa gpa, EptFlags flags) {
    return ToStatus(builder_.Protect(gpa, flags));
  }
  absl::Status Split(Gpa gpa) { return ToStatus(builder_.Split(gpa)); }

  // Regions of `bytes` from `gpa` on. Mapped with the largest pages that fit;
  // unmapped and protected wherever something is mapped, and split where only a
  // part of a page is meant.
  absl::Status MapRegion(Gpa gpa, Hpa hpa, std::uint64_t bytes, EptFlags flags,
                         PageSize largest = PageSize::k1GByte) {
    return ToStatus(builder_.MapRegion(gpa, hpa, bytes, flags, largest));
  }
  template <typename Visitor = IgnoreMappings>
  absl::Status UnmapRegion(Gpa gpa, std::uint64_t bytes,
                           Visitor&& visitor = {}) {
    return ToStatus(builder_.UnmapRegion(gpa, bytes, visitor));
  }
  absl::Status ProtectRegion(Gpa gpa, std::uint64_t bytes, EptFlags flags) {
    return ToStatus(builder_.ProtectRegion(gpa, bytes, flags));
  }
  // Makes large pages again wherever 512 smaller ones lie in order and are
  // alike.
  absl::Status MergeRegion(Gpa gpa, std::uint64_t bytes) {
    return ToStatus(builder_.MergeRegion(gpa, bytes));
  }
  // Clears accessed or dirty; `visitor` is shown the pages that had any.
  template <typename Visitor = IgnoreMappings>
  absl::Status ClearFlags(Gpa gpa, std::uint64_t bytes, EptFlags flags,
                          Visitor&& visitor = {}) {
    return ToStatus(builder_.ClearFlags(gpa, bytes, flags, visitor));
  }
  // EPTP bit 6; no processor may be using the table.
  absl::Status SetAccessedDirty(bool enabled) {
    return ToStatus(builder_.SetAccessedDirty(enabled));
  }

  // The page that `gpa` lies in.
  absl::StatusOr<Mapping> Query(Gpa gpa) const {
    Mapping mapping;
    return With(builder_.Query(gpa, mapping), mapping);
  }
  // Each page that lies in the region at least in part, in order; `visitor` may
  // say false to stop.
  template <typename Visitor>
  absl::Status ForEach(Gpa gpa, std::uint64_t bytes, Visitor&& visitor) const {
    return ToStatus(builder_.ForEach(gpa, bytes, visitor));
  }
  // Ranges of it that are as long as they can be, likewise.
  template <typename Visitor>
  absl::Status ForEachRange(Gpa gpa, std::uint64_t bytes,
                            Visitor&& visitor) const {
    return ToStatus(builder_.ForEachRange(gpa, bytes, visitor));
  }
  // Where a processor goes with this use, by the engine's walker.
  absl::StatusOr<Translation> Translate(Gpa gpa, Use use) const {
    Translation translation;
    return With(builder_.Translate(gpa, use, translation), translation);
  }

 private:
  explicit ExtendedPageTable(TableBuilder<Hal> builder)
      : builder_(std::move(builder)) {}

  template <typename Value>
  static absl::StatusOr<Value> With(const TableResult& result,
                                    const Value& value) {
    if (!result.ok()) return ToStatus(result);
    return value;
  }

  TableBuilder<Hal> builder_;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_EXTENDED_PAGE_TABLE_H_
