// The runtime libraries that an object wants which was compiled with
// -fsanitize=. AddressSanitizer's has to be in a process from the beginning, so
// that this program starts again with it; clang links none into a shared object
// at all, and those of other sanitizers cannot be had so.
// Thread-safety: of the process: it reads, and may replace, the environment.
#ifndef EPTDIFF_ORACLE_TARGET_OBJECT_SANITIZER_RUNTIME_H_
#define EPTDIFF_ORACLE_TARGET_OBJECT_SANITIZER_RUNTIME_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "oracle/target/object/object_needs.h"

namespace eptdiff {

struct SanitizerRuntime {
  // What has to be in LD_PRELOAD; a path, or the name of a library.
  std::vector<std::string> preload;
  // Not empty: why it cannot be loaded at all, and what to do about it.
  std::string refusal;
};

// Where a compiler ("clang-19", "gcc") has its library of that name; "" if
// there is no such compiler or library.
using LibraryFinder =
    std::function<std::string(std::string_view compiler, std::string_view)>;
std::string AskCompiler(std::string_view compiler, std::string_view library);

// Whether this process has the symbol already.
using SymbolTest = std::function<bool(const char*)>;
bool IsLoaded(const char* symbol);

// What the object at `path` wants of a process that has not got it.
SanitizerRuntime RuntimeFor(const std::string& path, const ObjectNeeds& needs,
                            const LibraryFinder& find = AskCompiler,
                            const SymbolTest& is_loaded = IsLoaded);

// Sees to it that the object at `path` can be loaded: where that takes a
// runtime, this program runs again from its beginning, with the same arguments.
// Nothing has been read or printed before. "", or why it is impossible.
std::string HaveRuntime(const std::string& path);

}  // namespace eptdiff

#endif  // EPTDIFF_ORACLE_TARGET_OBJECT_SANITIZER_RUNTIME_H_
