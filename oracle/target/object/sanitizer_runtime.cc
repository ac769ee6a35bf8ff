#include "oracle/target/object/sanitizer_runtime.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

namespace eptdiff {
namespace {

#if defined(__aarch64__)
constexpr char kArchitecture[] = "aarch64";
#else
constexpr char kArchitecture[] = "x86_64";
#endif

constexpr char kInstead[] = "compile it with -fsanitize=address,undefined";

// What cannot be helped, by an undefined symbol or a needed library.
struct Refusal {
  std::string_view symbol;
  std::string_view library;
  std::string_view option;
  std::string_view why;
  std::string_view instead;
};
constexpr Refusal kRefusals[] = {
    {"__msan_", "libclang_rt.msan", "memory",
     "which needs all code of a process compiled so", kInstead},
    {"__tsan_", "libtsan.so", "thread",
     "which finds nothing where one thread asks",
     "compile it without, or with -fsanitize=address,undefined (a builder "
     "whose stores through pointers are to be seen links eptdiff_stores.c)"},
    {"__hwasan_", "libhwasan.so", "hwaddress",
     "whose runtime cannot be loaded later than the program", kInstead},
    {"__dfsan_", "libclang_rt.dfsan", "dataflow",
     "which needs all code of a process compiled so", kInstead},
    {"__lsan_", "liblsan.so", "leak",
     "which looks for leaks where a process ends, and this one goes on",
     "compile it without"},
};

bool Calls(const ObjectNeeds& needs, std::string_view beginning) {
  return ObjectNeeds::Has(needs.symbols, beginning);
}

// " (it calls ...)", for the first that begins so; "" if it calls none.
std::string CallWords(const ObjectNeeds& needs, std::string_view beginning) {
  for (const std::string& symbol : needs.symbols) {
    if (symbol.starts_with(beginning)) return " (it calls " + symbol + ")";
  }
  return "";
}

// A runtime, as the two compilers name it.
struct Runtime {
  std::string_view option;
  std::string_view symbols;  // that it defines begin so
  const char* witness;       // one of them
  std::string_view gcc;
  std::string_view clang;
};
constexpr Runtime kAddress = {"address", "__asan_", "__asan_init", "libasan.so",
                              "libclang_rt.asan"};
constexpr Runtime kUndefined = {"undefined", "__ubsan_",
                                "__ubsan_handle_type_mismatch_v1",
                                "libubsan.so", "libclang_rt.ubsan_standalone"};

// "19" of "Debian clang version 19.1.7"; "" of what is not clang.
std::string ClangVersion(const ObjectNeeds& needs) {
  constexpr std::string_view kBefore = "clang version ";
  for (const std::string& compiler : needs.compilers) {
    const std::size_t at = compiler.find(kBefore);
    if (at == compiler.npos) continue;
    const std::string rest = compiler.substr(at + kBefore.size());
    return rest.substr(0, rest.find_first_not_of("0123456789"));
  }
  return "";
}

bool IsOfGcc(const ObjectNeeds& needs) {
  if (ObjectNeeds::Has(needs.libraries, "libclang_rt.")) return false;
  if (ObjectNeeds::Has(needs.libraries, kAddress.gcc) ||
      ObjectNeeds::Has(needs.libraries, kUndefined.gcc)) {
    return true;
  }
  // Files of gcc's are in whatever clang links.
  return !needs.compilers.empty() && ClangVersion(needs).empty();
}

// Adds `runtime` to what is preloaded.
void Add(const std::string& path, const ObjectNeeds& needs,
         const Runtime& runtime, const LibraryFinder& find,
         SanitizerRuntime& result) {
  std::vector<std::string> compilers;
  std::vector<std::string> names;
  std::string package;
  if (IsOfGcc(needs)) {
    // The loader knows where it is.
    for (const std::string& library : needs.libraries) {
      if (!library.starts_with(runtime.gcc)) continue;
      result.preload.push_back(library);
      return;
    }
    compilers = {"gcc"};
    names = {std::string(runtime.gcc)};
  } else {
    const std::string version = ClangVersion(needs);
    if (!version.empty()) compilers.push_back("clang-" + version);
    compilers.push_back("clang");
    const std::string name(runtime.clang);
    names = {name + "-" + kArchitecture + ".so", name + ".so"};
    package = "libclang-rt-" + (version.empty() ? "N" : version) + "-dev";
  }
  for (const std::string& compiler : compilers) {
    for (const std::string& name : names) {
      std::string found = find(compiler, name);
      if (found.empty()) continue;
      result.preload.push_back(std::move(found));
      return;
    }
  }
  result.refusal =
      path + " was compiled with -fsanitize=" + std::string(runtime.option) +
      ", and " + compilers[0] + " does not know where its runtime is (" +
      names[0] + "): install it" +
      (package.empty() ? "" : " (Debian: " + package + ")") +
      ", or name it in LD_PRELOAD";
}

// Returns only if that is impossible, or has been done already, and says why.
std::string RestartWith(const std::vector<std::string>& preload) {
  const char* const set = std::getenv("LD_PRELOAD");
  const std::string before = set == nullptr ? "" : set;
  std::string list;
  for (const std::string& library : preload) {
    if (before.find(library) != before.npos) {
      return library +
             " cannot be loaded: install it, or name its folder in "
             "LD_LIBRARY_PATH";
    }
    list += library + " ";
  }
  std::ifstream in("/proc/self/cmdline", std::ios::binary);
  std::string arguments{std::istreambuf_iterator<char>(in), {}};
  std::vector<char*> argv;
  for (std::size_t at = 0; at < arguments.size();
       at += std::strlen(&arguments[at]) + 1) {
    argv.push_back(&arguments[at]);
  }
  argv.push_back(nullptr);
  setenv("LD_PRELOAD", (list + before).c_str(), 1);
  std::fflush(nullptr);
  execv("/proc/self/exe", argv.data());
  return std::string("cannot start again: ") + std::strerror(errno);
}

}  // namespace

std::string AskCompiler(std::string_view compiler, std::string_view library) {
  const std::string command = std::string(compiler) +
                              " -print-file-name=" + std::string(library) +
                              " 2>/dev/null";
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  char buffer[4096];
  const std::size_t size = fread(buffer, 1, sizeof(buffer), pipe);
  pclose(pipe);
  std::string path(buffer, size);
  while (!path.empty() &&
         std::isspace(static_cast<unsigned char>(path.back()))) {
    path.pop_back();
  }
  // A compiler that does not know it repeats the name.
  return path.starts_with("/") && access(path.c_str(), R_OK) == 0 ? path : "";
}

bool IsLoaded(const char* symbol) {
  return dlsym(RTLD_DEFAULT, symbol) != nullptr;
}

SanitizerRuntime RuntimeFor(const std::string& path, const ObjectNeeds& needs,
                            const LibraryFinder& find,
                            const SymbolTest& is_loaded) {
  SanitizerRuntime result;
  for (const Refusal& refusal : kRefusals) {
    if (!Calls(needs, refusal.symbol) &&
        !ObjectNeeds::Has(needs.libraries, refusal.library)) {
      continue;
    }
    result.refusal =
        path + " was compiled with -fsanitize=" + std::string(refusal.option) +
        CallWords(needs, refusal.symbol) + ", " + std::string(refusal.why) +
        ": " + std::string(refusal.instead);
    return result;
  }
  if (std::any_of(needs.symbols.begin(), needs.symbols.end(),
                  [](const std::string& symbol) {
                    return symbol.starts_with(kUndefined.symbols) &&
                           symbol.find("_minimal") != symbol.npos;
                  })) {
    result.refusal = path +
                     " was compiled with -fsanitize-minimal-runtime, which "
                     "says too little: compile it without, or with "
                     "-fsanitize-trap=undefined";
    return result;
  }
  const bool address = Calls(needs, kAddress.symbols) ||
                       ObjectNeeds::Has(needs.libraries, kAddress.clang);
  if (address && !is_loaded(kAddress.witness)) {
    Add(path, needs, kAddress, find, result);
  }
  // gcc's can come with the object; clang's is part of its other one.
  if (Calls(needs, kUndefined.symbols) && !is_loaded(kUndefined.witness) &&
      !ObjectNeeds::Has(needs.libraries, kUndefined.gcc) &&
      !(address && !IsOfGcc(needs)) && result.refusal.empty()) {
    Add(path, needs, kUndefined, find, result);
  }
  return result;
}

std::string HaveRuntime(const std::string& path) {
  const SanitizerRuntime runtime = RuntimeFor(path, ReadNeeds(path));
  if (!runtime.refusal.empty()) return runtime.refusal;
  return runtime.preload.empty() ? "" : RestartWith(runtime.preload);
}

}  // namespace eptdiff
