#include "engine/table/table_error.h"

namespace eptdiff {

const char* TableErrorText(TableError error) {
  switch (error) {
    case TableError::kNone:
      return "no error";
    case TableError::kMisaligned:
      return "misaligned address or size";
    case TableError::kOutOfRange:
      return "address out of range";
    case TableError::kOverlap:
      return "already mapped";
    case TableError::kNotMapped:
      return "not mapped";
    case TableError::kNoFrames:
      return "out of frames";
    case TableError::kUnsupported:
      return "not supported by the processor or its controls";
    case TableError::kNoAccess:
      return "flags that grant no access";
    case TableError::kNotAllowed:
      return "use not allowed";
    case TableError::kMisconfigured:
      return "would be an EPT misconfiguration";
    case TableError::kBadControls:
      return "controls that VM entry would refuse, or EPT off";
    case TableError::kBadFrame:
      return "a frame that no entry can reference";
  }
  return "unknown error";
}

}  // namespace eptdiff
