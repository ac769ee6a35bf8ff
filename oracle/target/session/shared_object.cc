#include "oracle/target/session/shared_object.h"

#include <dlfcn.h>

#include <cstdint>
#include <string_view>

namespace eptdiff {
namespace {

template <typename Function>
bool Find(void* library, const std::string& path, const char* symbol,
          Function& function, std::string& error) {
  function = reinterpret_cast<Function>(dlsym(library, symbol));
  if (function != nullptr) return true;
  const std::string_view name = symbol;
  const char* const header = name.starts_with("eptdiff_builder")  ? "builder"
                             : name.starts_with("eptdiff_target") ? "target"
                                                                  : "mtrr";
  error = path + " does not define " + symbol + "; see eptdiff_" + header +
          ".h (in C++, inside extern \"C\")";
  return false;
}

bool CheckVersion(const std::string& path, const char* header,
                  std::uint32_t version, std::uint32_t ours,
                  std::string& error) {
  if (version == ours) return true;
  error = path + " was compiled with version " + std::to_string(version) +
          " of " + header + "; this eptdiff has version " +
          std::to_string(ours);
  return false;
}

void* Open(const std::string& path, std::string& error) {
  // A name without a slash would be looked for in the system's folders.
  const std::string file =
      path.find('/') == std::string::npos ? "./" + path : path;
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) error = dlerror();
  return library;
}

}  // namespace

bool LoadWalker(const std::string& path, TargetFunctions& functions,
                bool& is_walker, std::string& error) {
  is_walker = false;
  void* library = Open(path, error);
  if (library == nullptr) return false;
  const std::uint32_t* abi = nullptr;
  if (!Find(library, path, "eptdiff_target_abi", abi, error)) return false;
  is_walker = true;
  if (!CheckVersion(path, "eptdiff_target.h", *abi, EPTDIFF_TARGET_ABI,
                    error)) {
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

bool LoadBuilder(const std::string& path, BuilderFunctions& functions,
                 bool& is_builder, std::string& error) {
  is_builder = false;
  void* library = Open(path, error);
  if (library == nullptr) return false;
  const std::uint32_t* abi = nullptr;
  if (!Find(library, path, "eptdiff_builder_abi", abi, error)) return false;
  is_builder = true;
  functions.list = reinterpret_cast<decltype(functions.list)>(
      dlsym(library, "eptdiff_builder_list"));
  functions.read = reinterpret_cast<decltype(functions.read)>(
      dlsym(library, "eptdiff_builder_read"));
  functions.exit = reinterpret_cast<decltype(functions.exit)>(
      dlsym(library, "eptdiff_builder_exit"));
  functions.view = reinterpret_cast<decltype(functions.view)>(
      dlsym(library, "eptdiff_builder_view"));
  return CheckVersion(path, "eptdiff_builder.h", *abi, EPTDIFF_BUILDER_ABI,
                      error) &&
         Find(library, path, "eptdiff_builder_describe", functions.describe,
              error) &&
         Find(library, path, "eptdiff_builder_create", functions.create,
              error) &&
         Find(library, path, "eptdiff_builder_perform", functions.perform,
              error) &&
         Find(library, path, "eptdiff_builder_destroy", functions.destroy,
              error);
}

namespace {

// What may be or-ed to what, by eptdiff_mtrr.h.
bool IsPagePolicy(std::uint32_t policy) {
  constexpr std::uint32_t kCacheDisable =
      EPTDIFF_CD_IS_THE_GUESTS | EPTDIFF_CD_IN_PAT;
  constexpr std::uint32_t kGuestsMtrrs =
      EPTDIFF_PAT_ALONE | EPTDIFF_AND_MACHINE;
  const std::uint32_t ram = policy & ~(kCacheDisable | kGuestsMtrrs);
  const bool counts_cache_disable = (policy & EPTDIFF_PAT_ALONE) == 0;
  return ram <= EPTDIFF_RAM_AS_GUEST &&
         (policy & kCacheDisable) != kCacheDisable &&
         (policy & kGuestsMtrrs) != kGuestsMtrrs &&
         (counts_cache_disable || (policy & EPTDIFF_CD_IN_PAT) == 0) &&
         (ram != EPTDIFF_RAM_AS_MACHINE || (policy & kGuestsMtrrs) == 0);
}

}  // namespace

bool LoadMtrr(const std::string& path, MtrrFunctions& functions, bool& claims,
              std::string& error) {
  claims = false;
  void* library = Open(path, error);
  if (library == nullptr) return false;
  const std::uint32_t* abi = nullptr;
  if (!Find(library, path, "eptdiff_mtrr_abi", abi, error)) return false;
  claims = true;
  if (!CheckVersion(path, "eptdiff_mtrr.h", *abi, EPTDIFF_MTRR_ABI, error)) {
    return false;
  }
  functions.page = reinterpret_cast<decltype(functions.page)>(
      dlsym(library, "eptdiff_page_type"));
  if (functions.page != nullptr) {
    const std::uint32_t* policy = nullptr;
    if (!Find(library, path, "eptdiff_page_policy", policy, error)) {
      return false;
    }
    functions.policy = *policy;
    if (!IsPagePolicy(*policy)) {
      error = path + " has an eptdiff_page_policy that eptdiff_mtrr.h has not";
      return false;
    }
    functions.memory = reinterpret_cast<decltype(functions.memory)>(
        dlsym(library, "eptdiff_memory_type"));
    return true;
  }
  return Find(library, path, "eptdiff_memory_type", functions.memory, error);
}

}  // namespace eptdiff
