#include "engine/table/extended_page_table.h"

#include "absl/strings/str_format.h"

namespace eptdiff {
namespace {

absl::StatusCode CodeOf(TableError error) {
  switch (error) {
    case TableError::kNone:
      return absl::StatusCode::kOk;
    case TableError::kMisaligned:
    case TableError::kOutOfRange:
    case TableError::kNoAccess:
    case TableError::kMisconfigured:
    case TableError::kBadControls:
      return absl::StatusCode::kInvalidArgument;
    case TableError::kOverlap:
      return absl::StatusCode::kAlreadyExists;
    case TableError::kNotMapped:
      return absl::StatusCode::kNotFound;
    case TableError::kNoFrames:
      return absl::StatusCode::kResourceExhausted;
    case TableError::kUnsupported:
      return absl::StatusCode::kUnimplemented;
    case TableError::kNotAllowed:
      return absl::StatusCode::kPermissionDenied;
    case TableError::kBadFrame:
      return absl::StatusCode::kInternal;
  }
  return absl::StatusCode::kUnknown;
}

}  // namespace

absl::Status ToStatus(const TableResult& result) {
  if (result.ok()) return absl::OkStatus();
  return absl::Status(
      CodeOf(result.error),
      absl::StrFormat("guest-physical address %XH: %s", result.gpa.value,
                      TableErrorText(result.error)));
}

}  // namespace eptdiff
