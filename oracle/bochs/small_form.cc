// The small form of Bochs's machine: its walkers, and what they raise recorded.
//
// Bochs's VMexit() and exception() never return to the walker that calls them;
// ours note what was raised and jump back to Ask(). #VE, the log of page
// modifications and the exception bitmap are Bochs's own code (vmexit.cc).
#include <cstdarg>
#include <cstdio>

#include "oracle/bochs/bochs_headers.h"
#include "oracle/bochs/walker.h"

namespace eptdiff::bochs {
namespace {

Answer g_answer;
char g_message[256];

// __builtin_setjmp and not setjmp: it saves three words and knows nothing of
// sanitizers, whose longjmp costs 45 to 75 microseconds.
void* g_jump[5];
bool g_asking = false;

[[noreturn]] void Leave(End end) {
  g_answer.end = end;
  // Only a call that is under way can be left; nothing else calls Bochs.
  if (!g_asking) abort();
  g_asking = false;
  __builtin_longjmp(g_jump, 1);
}

}  // namespace

void Begin(const Setup& setup, const Changing& changing, const Memory& memory) {
  g_memory = memory;
  LoadProcessor(setup, changing);
}

const Answer& Ask(const Question& question) {
  g_answer = Answer();
  if (__builtin_setjmp(g_jump) == 0) {
    g_asking = true;
    CallBochs(question, g_answer);
    g_asking = false;
  }
  return g_answer;
}

}  // namespace eptdiff::bochs

using eptdiff::bochs::End;
using eptdiff::bochs::g_answer;
using eptdiff::bochs::Leave;

void BX_CPU_C::VMexit(Bit32u reason, Bit64u qualification) {
  g_answer.exit_reason = reason;
  g_answer.qualification = qualification;
  Leave(End::kVmExit);
}

void BX_CPU_C::exception(unsigned vector, Bit16u error_code) {
  // Of the exceptions that a walk raises, #VE alone has no error code; in real
  // mode none has.
  const bool has_error_code =
      vector != BX_VE_EXCEPTION && bx_cpu.cpu_mode != BX_MODE_IA32_REAL;
  VMexit_Event(BX_HARDWARE_EXCEPTION, vector, error_code, has_error_code);
  g_answer.vector = vector;
  g_answer.error_code = error_code;
  g_answer.cr2 = bx_cpu.cr2;
  Leave(End::kException);
}

void BX_CPU_C::VMwrite64(unsigned encoding, Bit64u value) {
  if (encoding == VMCS_64BIT_GUEST_PHYSICAL_ADDR) g_answer.gpa = value;
}

void BX_CPU_C::VMwrite_natural(unsigned encoding, bx_address value) {
  if (encoding == VMCS_GUEST_LINEAR_ADDR) g_answer.gla = value;
}

void BX_CPU_C::VMwrite32(unsigned encoding, Bit32u value) {
  if (encoding == VMCS_32BIT_VMEXIT_INTERRUPTION_INFO) {
    g_answer.interruption_information = value;
  }
}

void logfunctions::panic(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(eptdiff::bochs::g_message, sizeof(eptdiff::bochs::g_message),
            format, arguments);
  va_end(arguments);
  g_answer.message = eptdiff::bochs::g_message;
  Leave(End::kPanic);
}
