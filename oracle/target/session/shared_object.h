// A target that is a shared object: a file that defines the functions of
// eptdiff_target.h, of eptdiff_builder.h, or of eptdiff_mtrr.h.
// Thread-safety: pure functions.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_SHARED_OBJECT_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_SHARED_OBJECT_H_

#include <string>

#include "oracle/target/eptdiff_mtrr.h"
#include "oracle/target/session/direct_session.h"
#include "oracle/target/session/outside_builder.h"

namespace eptdiff {

// Loads the file into this process, for good. False, with the file and the
// symbol or the versions in `error`, if it is not there, is no shared object,
// lacks a function, or was compiled with another version of the header.
// `is_walker` says whether the file claims to be one.
bool LoadWalker(const std::string& path, TargetFunctions& functions,
                bool& is_walker, std::string& error);

// Likewise a builder, of eptdiff_builder.h.
bool LoadBuilder(const std::string& path, BuilderFunctions& functions,
                 bool& is_builder, std::string& error);

// Likewise what says memory types, of eptdiff_mtrr.h.
struct MtrrFunctions {
  decltype(&eptdiff_memory_type) memory = nullptr;  // one of them may be null
  decltype(&eptdiff_page_type) page = nullptr;
  std::uint32_t policy = 0;  // with `page`
};
bool LoadMtrr(const std::string& path, MtrrFunctions& functions, bool& claims,
              std::string& error);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_SHARED_OBJECT_H_
