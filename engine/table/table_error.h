// Why an operation on a table was refused. Whatever is refused changed nothing.
// Thread-safety: plain values.
#ifndef EPTDIFF_ENGINE_TABLE_TABLE_ERROR_H_
#define EPTDIFF_ENGINE_TABLE_TABLE_ERROR_H_

#include <cstdint>

#include "engine/types.h"

namespace eptdiff {

enum class TableError : std::uint8_t {
  kNone,
  kMisaligned,     // an address or a size, or a size of 0
  kOutOfRange,     // beyond the page-walk length or MAXPHYADDR
  kOverlap,        // something is mapped there already
  kNotMapped,      // nothing is mapped there
  kNoFrames,       // the Hal has no frame left
  kUnsupported,    // the processor or the controls do not have it
  kNoAccess,       // the flags grant nothing: the entry would not be present
  kNotAllowed,     // mapped, but not for this use
  kMisconfigured,  // the entry would be an EPT misconfiguration
  kBadControls,    // VM entry would refuse the controls, or EPT is off
  kBadFrame,       // the Hal gave a frame that no entry can reference
};

// `gpa` is where: of an overlap, the page in the way.
struct TableResult {
  TableError error = TableError::kNone;
  Gpa gpa = {};
  bool ok() const { return error == TableError::kNone; }
};

// "misaligned", "out of range" ...
const char* TableErrorText(TableError error);

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TABLE_TABLE_ERROR_H_
