// The functions of a sanitizer's runtime that a program may define: options,
// and what is called when something was found. A program that exports them has
// a say in runtimes that are loaded for the sake of a target
// (sanitizer_runtime.h).
//
// What the user has in ASAN_OPTIONS and UBSAN_OPTIONS goes before these
// options. They are not for this program itself, compiled with a sanitizer.
#include <dlfcn.h>

#include <cstring>

#include "oracle/target/process/sanitizer_fault.h"

#define EPTDIFF_HOOK extern "C" __attribute__((visibility("default")))

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" const char* __asan_get_report_description() __attribute__((weak));

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || \
    __has_feature(undefined_behavior_sanitizer)
#define EPTDIFF_IS_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define EPTDIFF_IS_SANITIZED
#endif

#if !defined(EPTDIFF_IS_SANITIZED)
// Leaks: a child never ends by itself, and what it has from its parent is none
// of its business. Signals without an address are told apart by themselves.
EPTDIFF_HOOK const char* __asan_default_options() {
  return "detect_leaks=0:abort_on_error=1:print_legend=0:handle_sigbus=0:"
         "handle_sigfpe=0:handle_sigill=0:max_allocation_size_mb=2048";
}

// A fault that is reported and survived would be no finding. Alone, this
// sanitizer knows no more of signals than the signals say; AddressSanitizer,
// where it has this one within, takes the options for its own.
EPTDIFF_HOOK const char* __ubsan_default_options() {
  Dl_info caller;
  const bool alone = dladdr(__builtin_return_address(0), &caller) != 0 &&
                     std::strstr(caller.dli_fname, "ubsan") != nullptr;
  return alone ? "halt_on_error=1:abort_on_error=1:print_stacktrace=1:"
                 "report_error_type=1:handle_segv=0:handle_sigbus=0:"
                 "handle_sigfpe=0:handle_sigill=0"
               : "halt_on_error=1:print_stacktrace=1:report_error_type=1";
}
#endif

// It may be called in a signal's handler, on a small stack.
EPTDIFF_HOOK void __asan_on_error() {
  eptdiff::OnFault(__asan_get_report_description != nullptr
                       ? __asan_get_report_description()
                       : "");
}

EPTDIFF_HOOK void __ubsan_on_report() {
  using Describe =
      void (*)(const char** kind, const char** message, const char** file,
               unsigned* line, unsigned* column, char** address);
  // The runtime may be a library that only the target sees: the caller's.
  Dl_info caller;
  void* runtime = nullptr;
  if (dladdr(__builtin_return_address(0), &caller) != 0) {
    runtime = dlopen(caller.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  }
  const auto describe = reinterpret_cast<Describe>(
      dlsym(runtime != nullptr ? runtime : RTLD_DEFAULT,
            "__ubsan_get_current_report_data"));
  const char* kind = "";
  const char* message = "";
  const char* file = "";
  unsigned line = 0;
  unsigned column = 0;
  char* address = nullptr;
  if (describe != nullptr) {
    describe(&kind, &message, &file, &line, &column, &address);
  }
  eptdiff::OnFault(kind);
}
// NOLINTEND(bugprone-reserved-identifier)
