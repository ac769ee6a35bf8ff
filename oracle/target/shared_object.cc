#include "oracle/target/shared_object.h"

#include <dlfcn.h>

#include <cstdint>

namespace eptdiff {
namespace {

template <typename Function>
bool Find(void* library, const std::string& path, const char* symbol,
          Function& function, std::string& error) {
  function = reinterpret_cast<Function>(dlsym(library, symbol));
  if (function != nullptr) return true;
  error = path + " does not define " + symbol +
          "; see eptdiff_target.h (in C++, inside extern \"C\")";
  return false;
}

}  // namespace

bool LoadSharedObject(const std::string& path, TargetFunctions& functions,
                      std::string& error) {
  // A name without a slash would be looked for in the system's folders.
  const std::string file =
      path.find('/') == std::string::npos ? "./" + path : path;
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    error = dlerror();
    return false;
  }
  const std::uint32_t* abi = nullptr;
  if (!Find(library, path, "eptdiff_target_abi", abi, error)) return false;
  if (*abi != EPTDIFF_TARGET_ABI) {
    error = path + " was compiled with version " + std::to_string(*abi) +
            " of eptdiff_target.h; this eptdiff has version " +
            std::to_string(EPTDIFF_TARGET_ABI);
    return false;
  }
  if (!Find(library, path, "eptdiff_target_describe", functions.describe,
            error) ||
      !Find(library, path, "eptdiff_target_answer", functions.answer, error)) {
    return false;
  }
  functions.enter = reinterpret_cast<decltype(functions.enter)>(
      dlsym(library, "eptdiff_target_enter"));
  return true;
}

}  // namespace eptdiff
