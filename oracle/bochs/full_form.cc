// The full form of Bochs's machine: its whole processor, constructed and reset
// by its own code, with its own exception() and VMexit().
//
// An exit ends as in Bochs itself, with a jump to jmp_buf_env; the answer is
// then read from the VMCS. The exception bitmap is all ones, so that an
// exception ends there too and not in the delivery through the guest's IDT;
// whether the case's own bitmap asks for that exit is judged afterwards.
#include "oracle/bochs/full_form.h"

#include <setjmp.h>

#include <cstdarg>
#include <cstdio>

#include "oracle/bochs/bochs_headers.h"
#include "oracle/bochs/full_form.h"
#include "oracle/bochs/walker.h"

namespace eptdiff::bochs {
namespace {

Answer g_answer;
char g_message[256];
std::uint32_t g_exception_bitmap = 0;

alignas(4096) unsigned char g_vmcs_page[4096];
// Where the VMCS is said to lie: what is written to it goes to g_vmcs_page, and
// no case can hold this address.
constexpr bx_phy_address kVmcsAddress = 0xffff'ffff'ffff'0000;

void Construct() {
  ProvideSimulator();
  bx_cpu.initialize();
  bx_cpu.reset(BX_RESET_HARDWARE);
  // EPT tables may lie where the local APIC would be.
  bx_cpu.msr.apicbase = 0;
  bx_cpu.lapic->set_base(0);
  bx_cpu.cr4_suppmask = ~0u;
  // A VMCS with every field: initialize() removes those of features that its
  // model of a processor lacks, and a case may have.
  bx_cpu.vmcs_map = new VMCS_Mapping;
  bx_cpu.vmcsptr = kVmcsAddress;
  bx_cpu.vmcshostptr = reinterpret_cast<bx_hostpageaddr_t>(g_vmcs_page);
}

// The host that VM exits return to: 64-bit mode with everything as plain as
// VMexitLoadHostState() accepts.
void LoadHost(const Setup& setup) {
  constexpr std::uint64_t kCr0 = 0x8000'0031;  // PG, NE, ET, PE
  constexpr std::uint64_t kCr4 = 0x2020;       // VMXE, PAE
  constexpr std::uint64_t kCr4La57 = 1 << 12;  // may not change in 64-bit mode
  VMCS_HOST_STATE& host = bx_cpu.vmcs.host_state;
  host.cr0 = kCr0;
  host.cr3 = 0;
  SetRegister(host.cr4, kCr4 | (setup.cr4 & kCr4La57));
  bx_cpu.vmcs.vmexit_ctrls1 =
      BxVmexit1Controls(VMX_VMEXIT_CTRL1_HOST_ADDR_SPACE_SIZE);
}

void ReadExit() {
  const std::uint32_t reason = bx_cpu.VMread32(VMCS_32BIT_VMEXIT_REASON);
  const std::uint64_t qualification =
      bx_cpu.VMread64(VMCS_VMEXIT_QUALIFICATION);
  const std::uint32_t information =
      bx_cpu.VMread32(VMCS_32BIT_VMEXIT_INTERRUPTION_INFO);
  const unsigned vector = information & 0xff;
  if (reason == VMX_VMEXIT_EXCEPTION_NMI &&
      !(g_exception_bitmap >> vector & 1)) {
    g_answer.end = End::kException;
    g_answer.vector = vector;
    g_answer.error_code =
        bx_cpu.VMread32(VMCS_32BIT_VMEXIT_INTERRUPTION_ERR_CODE);
    // A page fault that exits leaves CR2 alone and reports the address here.
    if (vector == BX_PF_EXCEPTION) g_answer.cr2 = qualification;
    return;
  }
  g_answer.end = End::kVmExit;
  g_answer.exit_reason = reason;
  g_answer.qualification = qualification;
  g_answer.interruption_information = information;
  g_answer.gpa = bx_cpu.VMread64(VMCS_64BIT_GUEST_PHYSICAL_ADDR);
  g_answer.gla = bx_cpu.VMread64(VMCS_GUEST_LINEAR_ADDR);
}

}  // namespace

void Begin(const Setup& setup, const Changing& changing, const Memory& memory) {
  static const bool constructed = (Construct(), true);
  (void)constructed;
  g_memory = memory;
  g_exception_bitmap = setup.exception_bitmap;
  LoadProcessor(setup, changing);
  LoadHost(setup);
  bx_cpu.vmcs.vm_exceptions_bitmap = ~0u;
  bx_cpu.VMwrite64(VMCS_64BIT_GUEST_PHYSICAL_ADDR, 0);
  bx_cpu.VMwrite64(VMCS_GUEST_LINEAR_ADDR, 0);
}

const Answer& Ask(const Question& question) {
  g_answer = Answer();
  if (setjmp(BX_CPU_C::jmp_buf_env) == 0) {
    CallBochs(question, g_answer);
  } else if (g_answer.end != End::kPanic) {
    ReadExit();
  }
  return g_answer;
}

void Panic(const char* format, va_list arguments) {
  vsnprintf(g_message, sizeof(g_message), format, arguments);
  // A panic before the first question is a mistake in this file.
  if (g_memory.load == nullptr) {
    fprintf(stderr, "Bochs panics while it is set up: %s\n", g_message);
    abort();
  }
  g_answer = Answer();
  g_answer.end = End::kPanic;
  g_answer.message = g_message;
  longjmp(BX_CPU_C::jmp_buf_env, 1);
}

}  // namespace eptdiff::bochs
