// A target by the name that a user gives.
// Thread-safety: as ForkedSession.
#ifndef EPTDIFF_ORACLE_TARGET_SESSION_OPEN_TARGET_H_
#define EPTDIFF_ORACLE_TARGET_SESSION_OPEN_TARGET_H_

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "oracle/target/session/builder_session.h"
#include "oracle/target/session/target_oracle.h"

namespace eptdiff {

struct TargetOptions {
  // Without an answer for so long it hangs.
  std::chrono::milliseconds limit{2000};
  // A shared object that does not claim to be a walker is no error: it is a
  // builder, as the caller knows.
  bool may_be_none = false;
  // What a program prints on its standard error is for reports.
  bool keeps_output = true;
};

// Its name ends in .so, or in .so and a version.
bool IsSharedObject(const std::string& path);

// The target in the file `path`: a shared object, loaded by a child process; or
// else a program, which is run with `arguments` and answers over a pipe. Null,
// with the reason in `error`, if it cannot be had.
std::unique_ptr<TargetOracle> OpenTarget(
    const std::string& path, const std::vector<std::string>& arguments,
    const TargetOptions& options, std::string& error);

// The builder in the file `path`. Null without an `error` if that is no shared
// object which claims to be one: OpenTarget knows what it is.
std::unique_ptr<BuilderSession> OpenBuilder(const std::string& path,
                                            std::chrono::milliseconds limit,
                                            std::string& error);

// "mine" for "build/libmine.so": of letters, digits, '_' and '.'.
std::string NameOfTarget(const std::string& path);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_SESSION_OPEN_TARGET_H_
