// What the compiler and the C++ library's headers take for granted: the four
// functions of memory, memory from a heap, and where errors end that a program
// with exceptions would throw. There is no C library below, and nothing runs
// before ImageMain(): the image has no static initialisers (image_test).
//
// The libraries are compiled for programs with exceptions and with types that
// can be told. Nothing throws here; what would take part in that is named, and
// stops.
//
// The heap hands out blocks of a power of two from one piece of memory, and
// takes each back into the list of its size. Nothing is ever merged: the sizes
// that one case needs, the next one needs again.
// Thread-safety: of one processor.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <typeinfo>

#include "oracle/processor/image/console.h"
#include "oracle/processor/image/heap.h"

namespace eptdiff::image {
namespace {

struct Block {
  Block* next;
};

constexpr std::size_t kSmallest = 16;
constexpr int kSizes = 40;
Block* free_blocks[kSizes];
std::uintptr_t rest = 0;
std::uintptr_t end_of_heap = 0;

int SizeClass(std::size_t bytes) {
  return std::bit_width((bytes < kSmallest ? kSmallest : bytes) - 1);
}

[[noreturn]] void Stop(std::string_view what) {
  SayLine("harness-error ", what);
  End(Ending::kHarnessError);
}

}  // namespace

void GiveHeap(std::uintptr_t first, std::size_t bytes) {
  rest = (first + kSmallest - 1) & ~(kSmallest - 1);
  end_of_heap = first + bytes;
}

std::size_t HeapLeft() { return end_of_heap - rest; }

}  // namespace eptdiff::image

using eptdiff::image::Stop;

void* operator new(std::size_t bytes) {
  using namespace eptdiff::image;
  const int size_class = SizeClass(bytes);
  Block*& list = free_blocks[size_class];
  if (list != nullptr) {
    Block* block = list;
    list = block->next;
    return block;
  }
  const std::size_t size = std::size_t{1} << size_class;
  if (end_of_heap - rest < size) Stop("out of memory for the heap");
  void* block = reinterpret_cast<void*>(rest);
  rest += size;
  return block;
}

void operator delete(void* pointer, std::size_t bytes) noexcept {
  using namespace eptdiff::image;
  if (pointer == nullptr) return;
  Block* block = static_cast<Block*>(pointer);
  Block*& list = free_blocks[SizeClass(bytes)];
  block->next = list;
  list = block;
}

// All that is deleted here says how large it is.
void operator delete(void*) noexcept { Stop("a block without its size"); }

extern "C" {

void* memcpy(void* to, const void* from, std::size_t bytes) {
  void* result = to;
  std::size_t words = bytes / 8;
  std::size_t rest = bytes % 8;
  asm volatile("rep movsq\n\tmov %3, %%rcx\n\trep movsb"
               : "+D"(to), "+S"(from), "+c"(words), "+r"(rest)
               :
               : "memory");
  return result;
}

void* memmove(void* to, const void* from, std::size_t bytes) {
  if (reinterpret_cast<std::uintptr_t>(to) -
          reinterpret_cast<std::uintptr_t>(from) >=
      bytes) {
    return memcpy(to, from, bytes);
  }
  // They overlap, and `to` lies higher: the last byte first, and whole words
  // once what is left are such.
  auto* t = static_cast<unsigned char*>(to) + bytes - 1;
  auto* f = static_cast<const unsigned char*>(from) + bytes - 1;
  std::size_t words = bytes / 8;
  std::size_t rest = bytes % 8;
  asm volatile(
      "std\n\trep movsb\n\t"
      "sub $7, %%rdi\n\tsub $7, %%rsi\n\t"
      "mov %3, %%rcx\n\trep movsq\n\tcld"
      : "+D"(t), "+S"(f), "+c"(rest), "+r"(words)
      :
      : "memory", "cc");
  return to;
}

void* memset(void* to, int value, std::size_t bytes) {
  void* result = to;
  std::size_t words = bytes / 8;
  std::size_t rest = bytes % 8;
  const std::uint64_t filled =
      0x0101010101010101u * static_cast<unsigned char>(value);
  asm volatile("rep stosq\n\tmov %2, %%rcx\n\trep stosb"
               : "+D"(to), "+c"(words), "+r"(rest)
               : "a"(filled)
               : "memory");
  return result;
}

int memcmp(const void* a, const void* b, std::size_t bytes) {
  auto* x = static_cast<const volatile unsigned char*>(a);
  auto* y = static_cast<const volatile unsigned char*>(b);
  // What is the same in whole words is passed over by words.
  using Word = std::uint64_t __attribute__((may_alias, aligned(1)));
  for (; bytes >= 8; bytes -= 8, x += 8, y += 8) {
    if (*reinterpret_cast<const volatile Word*>(x) !=
        *reinterpret_cast<const volatile Word*>(y)) {
      break;
    }
  }
  for (; bytes != 0; --bytes, ++x, ++y) {
    if (*x != *y) return *x < *y ? -1 : 1;
  }
  return 0;
}

int bcmp(const void* a, const void* b, std::size_t bytes) {
  return memcmp(a, b, bytes);
}

void* memchr(const void* in, int value, std::size_t bytes) {
  auto* x = static_cast<const volatile unsigned char*>(in);
  for (; bytes != 0; --bytes, ++x) {
    if (*x == static_cast<unsigned char>(value)) {
      return const_cast<unsigned char*>(x);
    }
  }
  return nullptr;
}

std::size_t strlen(const char* words) {
  auto* end = static_cast<const volatile char*>(words);
  while (*end != 0) ++end;
  return static_cast<std::size_t>(end - words);
}

void abort() { Stop("abort()"); }

// What a call of a function that nobody has defined ends in.
[[noreturn]] void __cxa_pure_virtual() { Stop("a pure virtual function"); }

// Objects that functions make when they are first called: one processor, so
// nobody comes between.
int __cxa_guard_acquire(std::uint64_t* guard) {
  return *reinterpret_cast<const char*>(guard) == 0;
}
void __cxa_guard_release(std::uint64_t* guard) {
  *reinterpret_cast<char*>(guard) = 1;
}
void __cxa_guard_abort(std::uint64_t*) {}

void __cxa_begin_catch() { Stop("an exception is caught"); }
void __cxa_end_catch() { Stop("an exception is caught"); }
void __cxa_rethrow() { Stop("an exception is thrown"); }
void _Unwind_Resume() { Stop("an exception is thrown"); }
void __gxx_personality_v0() { Stop("an exception is thrown"); }

// Of distributions' hardening.
void __stack_chk_fail() { Stop("a stack is overwritten"); }

// std::shared_ptr counts without locks where there is one thread.
char __libc_single_threaded = 1;

}  // extern "C"

// Nobody asks types for their names or their bases.
extern const void* const class_type[11] asm(
    "_ZTVN10__cxxabiv117__class_type_infoE");
extern const void* const derived_type[11] asm(
    "_ZTVN10__cxxabiv120__si_class_type_infoE");
const void* const class_type[11] = {};
const void* const derived_type[11] = {};

namespace std {

void terminate() noexcept { Stop("std::terminate()"); }
void __glibcxx_assert_fail(const char*, int, const char*,
                           const char* condition) noexcept {
  Stop(condition);
}
void __throw_bad_alloc() { Stop("std::bad_alloc"); }
void __throw_bad_array_new_length() { Stop("std::bad_array_new_length"); }
void __throw_bad_function_call() { Stop("std::bad_function_call"); }
void __throw_length_error(const char* what) { Stop(what); }
void __throw_logic_error(const char* what) { Stop(what); }
void __throw_out_of_range_fmt(const char* what, ...) { Stop(what); }

// Without run-time type information nobody asks for the tag by its type.
bool _Sp_make_shared_tag::_S_eq(const type_info&) noexcept { return false; }

}  // namespace std
