#include "oracle/target/object/sanitizer_runtime.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace eptdiff {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGcc[] = "GCC: (Debian 12.2.0-14+deb12u1) 12.2.0";
constexpr char kClang[] = "Debian clang version 19.1.7 (3~deb12u1)";

// A machine with both compilers and all runtimes.
std::string Has(std::string_view compiler, std::string_view library) {
  std::string path = "/";
  return path.append(compiler).append("/").append(library);
}
std::string HasNothing(std::string_view, std::string_view) { return ""; }
bool NothingIsLoaded(const char*) { return false; }

struct Wanted {
  ObjectNeeds needs;
  std::vector<std::string> preload;
};

TEST(SanitizerRuntimeTest, AnObjectGetsTheRuntimeOfItsCompiler) {
  const std::string clang = "/clang-19/libclang_rt.";
  const Wanted kWanted[] = {
      {{{"libc.so.6"}, {"malloc"}, {kGcc}}, {}},
      {{{"libc.so.6"}, {"malloc"}, {kGcc, kClang}}, {}},
      {{{"libasan.so.8"}, {"__asan_init"}, {kGcc}}, {"libasan.so.8"}},
      // It brings its own.
      {{{"libubsan.so.1"}, {"__ubsan_handle_add_overflow"}, {kGcc}}, {}},
      {{{"libasan.so.8", "libubsan.so.1"},
        {"__asan_init", "__ubsan_handle_add_overflow"},
        {kGcc}},
       {"libasan.so.8"}},
      // Linked without -fsanitize=, or with -static-libasan.
      {{{}, {"__asan_init"}, {kGcc}}, {"/gcc/libasan.so"}},
      {{{}, {"__asan_init", "__ubsan_handle_add_overflow"}, {kGcc}},
       {"/gcc/libasan.so", "/gcc/libubsan.so"}},
      {{{}, {"__asan_init"}, {kGcc, kClang}}, {clang + "asan-x86_64.so"}},
      {{{"libclang_rt.asan-x86_64.so"}, {"__asan_init"}, {kGcc, kClang}},
       {clang + "asan-x86_64.so"}},
      {{{}, {"__asan_init", "__ubsan_handle_add_overflow"}, {kClang}},
       {clang + "asan-x86_64.so"}},
      {{{}, {"__ubsan_handle_add_overflow"}, {kGcc, kClang}},
       {clang + "ubsan_standalone-x86_64.so"}},
      // Stripped.
      {{{}, {"__asan_init"}, {}}, {"/clang/libclang_rt.asan-x86_64.so"}},
  };
  for (const Wanted& wanted : kWanted) {
    const SanitizerRuntime runtime =
        RuntimeFor("libmine.so", wanted.needs, Has, NothingIsLoaded);
    EXPECT_EQ(runtime.preload, wanted.preload);
    EXPECT_EQ(runtime.refusal, "");
  }
}

TEST(SanitizerRuntimeTest, WhatIsThereIsNotLoadedAgain) {
  const ObjectNeeds needs = {{"libasan.so.8"}, {"__asan_init"}, {kGcc}};
  const auto loaded = [](const char*) { return true; };
  EXPECT_THAT(RuntimeFor("libmine.so", needs, Has, loaded).preload, IsEmpty());
}

TEST(SanitizerRuntimeTest, ACompilerOfAnotherNameIsAskedToo) {
  const ObjectNeeds needs = {{}, {"__asan_init"}, {kClang}};
  const auto find = [](std::string_view compiler, std::string_view library) {
    return compiler == "clang" && library == "libclang_rt.asan.so"
               ? std::string("/here.so")
               : std::string();
  };
  EXPECT_THAT(RuntimeFor("libmine.so", needs, find, NothingIsLoaded).preload,
              ElementsAre("/here.so"));
}

struct Refused {
  ObjectNeeds needs;
  std::vector<std::string> words;
};

TEST(SanitizerRuntimeTest, WhatCannotBeIsSaidAndWhatToDoInstead) {
  const Refused kRefused[] = {
      {{{}, {"__msan_init"}, {kClang}},
       {"-fsanitize=memory", "compile it with -fsanitize=address,undefined"}},
      {{{"libtsan.so.2"}, {"__tsan_init"}, {kGcc}},
       {"-fsanitize=thread", "eptdiff_stores.c", "(it calls __tsan_init)"}},
      {{{}, {"malloc", "__tsan_new_call", "__tsan_other"}, {kGcc}},
       {"-fsanitize=thread (it calls __tsan_new_call), which"}},
      {{{"liblsan.so.0"}, {}, {kGcc}}, {"-fsanitize=leak", "without"}},
      {{{}, {"__ubsan_handle_add_overflow_minimal"}, {kClang}},
       {"-fsanitize-minimal-runtime", "-fsanitize-trap=undefined"}},
      {{{}, {"__asan_init"}, {kClang}},
       {"-fsanitize=address", "clang-19 does not know", "libclang-rt-19-dev",
        "LD_PRELOAD"}},
      {{{}, {"__asan_init"}, {kGcc}},
       {"-fsanitize=address", "gcc does not know", "libasan.so"}},
  };
  for (const Refused& refused : kRefused) {
    const SanitizerRuntime runtime =
        RuntimeFor("libmine.so", refused.needs, HasNothing, NothingIsLoaded);
    EXPECT_THAT(runtime.preload, IsEmpty());
    EXPECT_THAT(runtime.refusal, HasSubstr("libmine.so was compiled with"));
    for (const std::string& words : refused.words) {
      EXPECT_THAT(runtime.refusal, HasSubstr(words));
    }
  }
}

TEST(SanitizerRuntimeTest, ACompilerThatIsNotThereHasNothing) {
  EXPECT_EQ(AskCompiler("no-such-compiler", "libasan.so"), "");
  EXPECT_EQ(AskCompiler("gcc", "no-such-library.so"), "");
}

}  // namespace
}  // namespace eptdiff
