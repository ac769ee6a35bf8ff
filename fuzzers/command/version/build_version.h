// What this build was made of.
//
// This folder is what CMake finds out when it configures: CMakeLists.txt asks
// Git and fills in build_version.cc.in, the one source that changes with every
// commit. It uses nothing. Thread-safety: plain values.
#ifndef EPTDIFF_FUZZERS_COMMAND_VERSION_BUILD_VERSION_H_
#define EPTDIFF_FUZZERS_COMMAND_VERSION_BUILD_VERSION_H_

namespace eptdiff {

// The commit that was checked out when CMake configured, abbreviated; "" in a
// tree that is no checkout of its own, such as an unpacked tarball.
extern const char kBuildCommit[];

// "3.0"; "" without Bochs.
extern const char kBuildBochsVersion[];

}  // namespace eptdiff

#endif  // EPTDIFF_FUZZERS_COMMAND_VERSION_BUILD_VERSION_H_
