#include "oracle/target/process/crash_place.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string_view>

#include "oracle/target/process/sanitizer_fault.h"

namespace eptdiff {
namespace {

// What a call pushes, and what a function has made room for.
constexpr std::uintptr_t kBelowStack = std::uintptr_t{1} << 16;
constexpr std::uintptr_t kAboveStack = std::uintptr_t{1} << 20;

alignas(16) char handlers_stack[std::size_t{1} << 16];

// A line, made without the C library's locks and memory.
class Line {
 public:
  Line& operator<<(std::string_view text) {
    const std::size_t size = std::min(text.size(), sizeof(text_) - size_);
    std::memcpy(text_ + size_, text.data(), size);
    size_ += size;
    return *this;
  }
  Line& operator<<(std::uintptr_t value) {
    char digits[2 + 2 * sizeof(value)];
    std::size_t at = sizeof(digits);
    do {
      digits[--at] = "0123456789abcdef"[value % 16];
      value /= 16;
    } while (value != 0);
    return *this << "0x" << std::string_view(digits + at, sizeof(digits) - at);
  }
  void Write() {
    *this << "\n";
    (void)!write(STDERR_FILENO, text_, size_);
  }

 private:
  char text_[1024];
  std::size_t size_ = 0;
};

std::string_view NameOf(int signal) {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    case SIGABRT:
      return "SIGABRT";
    default:
      return "SIGILL";
  }
}

struct Place {
  std::uintptr_t instruction = 0;
  std::uintptr_t stack = 0;
};

Place PlaceOf([[maybe_unused]] const void* context) {
  Place place;
#if defined(__x86_64__)
  const auto& registers =
      static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  place.instruction = static_cast<std::uintptr_t>(registers[REG_RIP]);
  place.stack = static_cast<std::uintptr_t>(registers[REG_RSP]);
#endif
  return place;
}

// "name+0x12 (file+0x1234)", as far as it is known.
void Put(std::uintptr_t instruction, const Dl_info& object, Line& line) {
  const std::string_view path = object.dli_fname;
  if (object.dli_sname != nullptr) {
    line << object.dli_sname << "+"
         << instruction - reinterpret_cast<std::uintptr_t>(object.dli_saddr)
         << " ";
  }
  line << "(" << path.substr(path.rfind('/') + 1) << "+"
       << instruction - reinterpret_cast<std::uintptr_t>(object.dli_fbase)
       << ")";
}

bool IsOfSystem(const Dl_info& object) {
  const std::string_view path = object.dli_fname;
  for (const std::string_view library :
       {"/libc.so", "/libstdc++.so", "/libc++", "/libgcc_s.so"}) {
    if (path.find(library) != path.npos) return true;
  }
  return false;
}

// The calls that are under way, from the place on to where this program calls.
void TellCalls(std::uintptr_t place) {
  constexpr int kMostCalls = 16;
  void* calls[64];
  const int count = backtrace(calls, static_cast<int>(std::size(calls)));
  Dl_info own;
  if (dladdr(reinterpret_cast<void*>(&TellWhereItCrashes), &own) == 0) return;
  bool after_place = false;  // what comes before is the handler's own
  int told = 0;
  for (int i = 0; i < count && told < kMostCalls; ++i) {
    auto instruction = reinterpret_cast<std::uintptr_t>(calls[i]);
    const bool is_place = instruction == place;
    if (!is_place && !after_place) continue;
    // Of a call, what comes after is known.
    if (after_place) --instruction;
    Dl_info object;
    if (dladdr(reinterpret_cast<void*>(instruction), &object) == 0) continue;
    if (after_place && object.dli_fbase == own.dli_fbase) break;
    after_place = true;
    if (IsOfSystem(object)) continue;
    Line line;
    line << "  in ";
    Put(instruction, object, line);
    line.Write();
    ++told;
  }
}

void Tell(int signal, std::uintptr_t address, const Place& place) {
  Line line;
  line << NameOf(signal);
  if (signal != SIGABRT) line << " at " << address;
  line.Write();
  TellCalls(place.instruction);
}

void Handle(int signal, siginfo_t* info, void* context) {
  const Place place = PlaceOf(context);
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  // A sanitizer that ends a process has said why.
  const bool is_told = HasFault();
  // Whatever is above the stack pointer of a stack that may still grow is
  // there.
  const bool out_of_stack = signal == SIGSEGV && info->si_code == SEGV_MAPERR &&
                            address + kBelowStack > place.stack &&
                            address < place.stack + kAboveStack;
  if (out_of_stack) OnFault("stack-overflow");
  const bool is_sent = info->si_code <= 0 && signal != SIGABRT;
  if (!is_told && !is_sent) Tell(signal, address, place);
  raise(signal);  // as it would have been, once this returns
}

}  // namespace

void TellWhereItCrashes() {
  stack_t stack = {};
  stack.ss_sp = handlers_stack;
  stack.ss_size = sizeof(handlers_stack);
  void* here[1];
  backtrace(here, 1);  // the first one loads what it needs
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction before = {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_DFL) continue;
    if (signal == SIGSEGV && sigaltstack(&stack, nullptr) != 0) return;
    struct sigaction action = {};
    action.sa_sigaction = Handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | static_cast<int>(SA_RESETHAND);
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace eptdiff
