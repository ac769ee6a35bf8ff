// A target that is a shared object: a file that defines the functions of
// eptdiff_target.h.
// Thread-safety: pure function.
#ifndef EPTDIFF_ORACLE_TARGET_SHARED_OBJECT_H_
#define EPTDIFF_ORACLE_TARGET_SHARED_OBJECT_H_

#include <string>

#include "oracle/target/direct_session.h"

namespace eptdiff {

// Loads the file into this process, for good. False, with the file and the
// symbol or the versions in `error`, if it is not there, is no shared object,
// lacks a function, or was compiled with another version of the header.
bool LoadSharedObject(const std::string& path, TargetFunctions& functions,
                      std::string& error);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SHARED_OBJECT_H_
