// Bochs's processor as a plain machine: set it up, ask, read the answer.
//
// This is the border between our code and Bochs's. Bochs's headers leak some
// 1,200 macros and its objects are built without sanitizers, so nothing of
// either may pass: on this side, plain values and two function pointers.
// Two libraries implement the interface, in different programs since both
// define Bochs's own symbols:
//   small  cpu/paging.cc and cpu/vmexit.cc alone; VM exits and exceptions are
//          recorded as they are raised (small_form.cc)
//   full   Bochs's whole processor: the answer is read from the VMCS after its
//          own VM exit (full_form.cc)
//
// Thread-safety: none. Bochs has one processor for the process, whose members
// are static; everything here is for one thread.
#ifndef EPTDIFF_ORACLE_BOCHS_MACHINE_H_
#define EPTDIFF_ORACLE_BOCHS_MACHINE_H_

#include <cstdint>

namespace eptdiff::bochs {

// Host-physical memory as Bochs meets it, in aligned 8-byte words.
struct Memory {
  void* context = nullptr;
  std::uint64_t (*load)(void* context, std::uint64_t address) = nullptr;
  void (*store)(void* context, std::uint64_t address,
                std::uint64_t value) = nullptr;
};

// The processor, its controls and the guest's registers, raw as in a Case.
struct Setup {
  unsigned maxphyaddr = 46;
  bool ept_page_1gb = false;    // 1-GByte pages: EPT's,
  bool guest_page_1gb = false;  // and the guest's
  bool advanced_exit_information = false;
  bool cet = false;
  std::uint32_t pin_based = 0;
  std::uint32_t secondary = 0;
  std::uint32_t exception_bitmap = 0;
  std::uint64_t eptp = 0;
  std::uint64_t pml_address = 0;
  std::uint64_t spptp = 0;
  std::uint64_t ve_information_address = 0;
  std::uint16_t eptp_index = 0;
  std::uint64_t cr0 = 0;
  std::uint64_t cr3 = 0;
  std::uint64_t cr4 = 0;
  std::uint64_t efer = 0;
  std::uint32_t rflags = 0;
  std::uint32_t pkru = 0;
  std::uint32_t pkrs = 0;
  unsigned cpl = 0;
  bool cs_l = false;
  bool event_delivery = false;
  bool nmi_unblocking = false;
};

// What a walk may change beside memory.
struct Changing {
  std::uint16_t pml_index = 0;
  std::uint64_t pdpte[4] = {};
};

// Kinds of access, numbered as Bochs's BX_READ and so on.
enum class Access : unsigned {
  kRead = 0,
  kWrite = 1,
  kFetch = 2,
  kReadModifyWrite = 3,
  kShadowStackRead = 4,
  kShadowStackWrite = 5,
};

enum class Operation : std::uint8_t {
  kGuestPhysical,  // BX_CPU_C::translate_guest_physical()
  kLinear,         // BX_CPU_C::translate_linear()
  kPdpteLoad,      // BX_CPU_C::CheckPDPTR() of CR3, and #GP(0) if it refuses
};

// One call of one of Bochs's functions: an access within one page.
struct Question {
  Operation operation = Operation::kGuestPhysical;
  Access access = Access::kRead;
  bool user_access = false;
  std::uint64_t gpa = 0;  // kGuestPhysical
  std::uint64_t gla = 0;  // kGuestPhysical, kLinear
  // kLinear: Bochs's own TLB is looked at, and keeps what is found. Not with
  // protection keys.
  bool by_tlb = false;
  // kGuestPhysical only.
  bool gla_valid = true;
  bool page_walk = false;  // to a guest paging structure
  bool user_page = true;
  bool writable_page = true;
  bool execute_disable_page = false;
};

enum class End : std::uint8_t {
  kCompleted,
  kVmExit,
  kException,
  kPanic,  // Bochs gave up; `message` says why
};

struct Answer {
  End end = End::kCompleted;
  std::uint64_t address = 0;  // kCompleted: host-physical
  // kCompleted, kGuestPhysical and kLinear: log2 of the size of the EPT leaf,
  // from the level of the last EPT entry that Bochs read, or had read when it
  // filled the entry of its TLB.
  std::uint8_t page_shift = 0;
  std::uint32_t exit_reason = 0;  // kVmExit
  std::uint64_t qualification = 0;
  std::uint64_t gpa = 0;
  std::uint64_t gla = 0;
  std::uint32_t interruption_information = 0;
  unsigned vector = 0;  // kException
  std::uint32_t error_code = 0;
  std::uint64_t cr2 = 0;
  const char* message = "";  // kPanic; valid until the next question
};

// Puts the machine into this state: a guest in VMX non-root operation. Each
// step begins with it; the setup is a few dozen stores. `memory` is used until
// the next call.
void Begin(const Setup& setup, const Changing& changing, const Memory& memory);

// Asks, in the state that the questions since Begin() have left. After any end
// but kCompleted, Begin() must come first.
const Answer& Ask(const Question& question);

// What the questions since Begin() have left.
Changing ReadChanging();

// Bochs's TLB is emptied, as VM entry, VM exit, INVEPT and INVVPID empty it
// (TLB_flush), or forgets the page of a linear address (TLB_invlpg). Begin()
// does neither.
void ForgetAll();
void ForgetPage(std::uint64_t gla);

}  // namespace eptdiff::bochs

#endif  // EPTDIFF_ORACLE_BOCHS_MACHINE_H_
