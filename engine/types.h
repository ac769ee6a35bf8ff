// The question and the answer of an EPT walk, as plain values.
//
// Everything here is raw: VMCS fields, control registers and MSRs hold the bits
// that software would write, and nothing in this file knows what a bit means.
// The engine and the reference each spell out the bit positions for themselves,
// so that a shared helper cannot become a shared bug; this header is all that
// oracle/reference/ may include from the engine.
//
// Thread-safety: plain values.
#ifndef EPTDIFF_ENGINE_TYPES_H_
#define EPTDIFF_ENGINE_TYPES_H_

#include <array>
#include <cstdint>

namespace eptdiff {

// Addresses carry their address space, so that one cannot pass for another.
struct Gla {  // guest-linear address
  std::uint64_t value = 0;
  friend bool operator==(const Gla&, const Gla&) = default;
};
struct Gpa {  // guest-physical address; at most Processor::maxphyaddr bits
  std::uint64_t value = 0;
  friend bool operator==(const Gpa&, const Gpa&) = default;
};
struct Hpa {  // host-physical address; at most MAXPHYADDR bits
  std::uint64_t value = 0;
  friend bool operator==(const Hpa&, const Hpa&) = default;
};

// What the processor supports. A feature that software turns on by a bit of CR4
// or IA32_EFER is implied where that bit is 1: of nx, smep, smap, pku, pks,
// cet_ss, la57 and pcid themselves only a write asks that sets the bit.
struct Processor {
  // CPUID.80000008H:EAX[7:0], 32 to 52: how wide guest-physical addresses are.
  std::uint8_t maxphyaddr = 46;
  // IA32_TME_ACTIVATE[39:36] (2026, 31.3.1): by so many bits, which hold key
  // identifiers, physical addresses are narrower, down to 32. 0 to 15.
  std::uint8_t keyid_bits = 0;
  std::uint64_t ept_vpid_cap = 0;  // IA32_VMX_EPT_VPID_CAP, SDM A.10
  bool ept_violation_ve = false;   // "EPT-violation #VE" may be 1; implied
                                   // where the control is 1
  bool page_1gb = false;           // CPUID.80000001H:EDX[26], guest pages
  bool nx = false;                 // CPUID.80000001H:EDX[20]
  bool pse36 = false;              // CPUID.01H:EDX[17]
  bool smep = false;               // CPUID.07H:EBX[7]
  bool smap = false;               // CPUID.07H:EBX[20]
  bool pku = false;                // CPUID.07H:ECX[3]
  bool pks = false;                // CPUID.07H:ECX[31]
  bool cet_ss = false;             // CPUID.07H:ECX[7], shadow stacks
  bool la57 = false;               // CPUID.07H:ECX[16]
  bool pcid = false;               // CPUID.01H:ECX[17]
  friend bool operator==(const Processor&, const Processor&) = default;
};

// The VM-execution control fields that EPT depends on, as in the VMCS
// (SDM 25.6). `pml_index`, `eptp` and `eptp_index` change as the guest runs.
struct Controls {
  std::uint32_t pin_based = 0;     // table 25-5
  std::uint32_t primary = 0;       // table 25-6
  std::uint32_t secondary = 0;     // table 25-7
  std::uint64_t tertiary = 0;      // table 25-8
  std::uint64_t vm_functions = 0;  // table 25-10
  std::uint32_t exception_bitmap = 0;
  std::uint64_t eptp = 0;  // table 25-9
  std::uint64_t pml_address = 0;
  std::uint16_t pml_index = 0;
  std::uint64_t spptp = 0;  // table 25-11
  std::uint64_t ve_information_address = 0;
  std::uint64_t eptp_list_address = 0;
  std::uint16_t eptp_index = 0;
  std::uint64_t hlatp = 0;  // table 25-12
  std::uint16_t hlat_prefix_size = 0;
  std::uint16_t vpid = 0;
  std::uint32_t entry_controls = 0;  // table 25-16
  std::uint32_t exit_controls = 0;   // table 25-13
  std::uint64_t apic_access_address = 0;
  std::uint64_t secondary_exit_controls = 0;  // table 25-14
  friend bool operator==(const Controls&, const Controls&) = default;
};

// Guest state that translation depends on.
struct GuestState {
  std::uint64_t cr0 = 0;
  std::uint64_t cr3 = 0;
  std::uint64_t cr4 = 0;
  std::uint64_t efer = 0;
  std::uint64_t pat = 0x0007040600070406;  // its value after reset
  std::uint64_t rflags = 0;
  std::uint32_t pkru = 0;
  std::uint32_t pkrs = 0;
  std::array<std::uint64_t, 4> pdpte = {};  // the PDPTE registers (PAE)
  std::uint8_t cpl = 0;                     // 0 to 3
  bool cs_l = false;
  bool event_delivery = false;  // an event is being delivered through the IDT
  bool nmi_unblocking = false;  // the access is that of an IRET that commenced
                                // while NMIs (virtual NMIs) were blocked
  bool transactional = false;   // in a transactional region
  // The access pushes onto a shadow stack whose token the processor has just
  // marked busy: a VM exit leaves it prematurely busy (26.4.3).
  bool busy_shadow_stack = false;
  // What VM exits save, as VM entry or the step finds it. Of event_delivery,
  // the event as table 25-20 has it, its error code; bit 31 clear: not said.
  std::uint32_t delivered_event = 0;
  std::uint32_t delivered_error_code = 0;
  // Of the instruction under way, in bytes, 1 to 15; 0: not said.
  std::uint8_t instruction_length = 0;
  std::uint8_t interruptibility = 0;  // bits 4:0 of table 25-3
  std::uint32_t pending_debug = 0;    // bits 16:0 of table 25-4
  friend bool operator==(const GuestState&, const GuestState&) = default;
};

// What the guest writes as it runs.
enum class GuestRegister : std::uint8_t {
  kCr0,     // MOV to CR0
  kCr3,     // MOV to CR3; bit 63 as with CR4.PCIDE
  kCr4,     // MOV to CR4
  kEfer,    // WRMSR
  kPat,     // WRMSR
  kPkrs,    // WRMSR
  kPkru,    // WRPKRU, XRSTOR
  kRflags,  // POPF, STAC, CLAC
  kCpl,     // a far transfer
};

enum class AccessKind : std::uint8_t {
  kRead,
  kWrite,
  kReadModifyWrite,
  kFetch,
  kShadowStackRead,
  kShadowStackWrite,
  kShadowStackReadModifyWrite,  // of a token: RSTORSSP, SETSSBSY, CLRSSBSY
};

// One access to memory. It transfers no data: what matters is whether it may
// happen, and what it does to the paging structures and the log.
struct Access {
  AccessKind kind = AccessKind::kRead;
  std::uint16_t size = 1;            // bytes, 1 to 4096
  bool implicit_supervisor = false;  // e.g. a descriptor-table access at CPL 3
  bool wruss = false;                // a user-mode access whatever the CPL
  // Intel PT output, PEBS, delivery of user interrupts. Processing of a user
  // interrupt's notification is event delivery (28.2.4), never asynchronous.
  bool asynchronous = false;
  bool pebs = false;  // a write of architectural PEBS (2026, 28.5.5), which
                      // is asynchronous and without a GLA
  friend bool operator==(const Access&, const Access&) = default;
};

// What a guest translation gave for the linear address of an access: the GLA
// and the properties of the page (with CR0.PG = 0 the processor takes user,
// writable and executable, whatever stands here).
struct GuestPage {
  bool gla_valid = true;  // false: Intel PT's trace-address pre-translation and
                          // architectural PEBS, which are asynchronous
  Gla gla = {};
  bool user = false;             // U/S is 1 in all controlling entries
  bool writable = false;         // R/W is 1 in all controlling entries
  bool execute_disable = false;  // XD is 1 in some controlling entry
  std::uint8_t pat_index = 0;    // 4 * PAT + 2 * PCD + PWT of the guest leaf
  friend bool operator==(const GuestPage&, const GuestPage&) = default;
};

// Memory types as EPT entries and PAT entries encode them (SDM 29.3.7.2,
// table 12-10). UC- exists in the PAT alone and is never an effective type.
enum class MemoryType : std::uint8_t {
  kUncacheable = 0,
  kWriteCombining = 1,
  kWriteThrough = 4,
  kWriteProtected = 5,
  kWriteBack = 6,
  kUncacheableMinus = 7,
};

// Where the bytes of an access in one page go.
struct Translation {
  Hpa address = {};             // of the first byte of the access in this page
  std::uint8_t page_shift = 0;  // 12, 21 or 30: the size of the EPT leaf
  MemoryType memory_type = MemoryType::kUncacheable;  // effective, 29.3.7.2
  // Of the accesses to the EPT paging structures (29.3.7.1).
  MemoryType structure_memory_type = MemoryType::kUncacheable;
  // Of the accesses to guest paging-structure entries on the way, in their
  // order, 4 bits each from bit 0 on: 8 + MemoryType. 0: there were no more.
  // Up to 5 levels of HLAT paging and 5 of ordinary paging.
  std::uint64_t guest_structure_types = 0;
  friend bool operator==(const Translation&, const Translation&) = default;
};

// What became of a step.
enum class EventKind : std::uint8_t {
  kCompleted,  // the access happened, the instruction retired
  kVmExit,
  kVirtualizationException,  // #VE
  kPageFault,                // #PF, whatever the exception bitmap says
  kGeneralProtection,        // #GP(0), likewise
  // Only as the answer to step 0, VM entry: it refuses the controls (27.2) or
  // the guest's state (27.3.1).
  kVmEntryFailure,
  kGuestStateFailure,
  kGaveUp,         // what answers panicked; never permitted
  kInvalidOpcode,  // #UD
  // VMfailValid with VM-instruction error 28: INVEPT or INVVPID refuses its
  // operand (30.3).
  kInvalidOperand,
};

// Why VM entry (27.2.1.1), or an EPTP switch (26.5.6.3), refuses the controls.
// One value for each check; each is the rule of the same number.
enum class EntryCheck : std::uint8_t {
  kNone,
  kEptp1,  // memory type
  kEptp2,  // page-walk length
  kEptp3,  // accessed and dirty flags
  kEptp4,  // supervisor shadow-stack control
  kEptp5,  // reserved bits
  kCtl1,   // a control that needs "enable EPT"
  kCtl2,   // a misaligned or too wide address
  kCtl3,   // HLATP
  kCtl6,   // a VPID of 0
  kCtl7,   // reserved VM functions
  kCtl8,   // virtual NMIs without NMI exiting
  kCtl9,   // NMI-window exiting without virtual NMIs
  kCtl10,  // Intel PT's controls of entry and exit
  kCtl11,  // what needs "use TPR shadow"
  kCtl12,  // x2APIC mode and APIC accesses virtualized at once
  kCtl13,  // virtual-interrupt delivery without external-interrupt exiting
  kCtl14,  // posted interrupts without what they need
};

struct Event {
  EventKind kind = EventKind::kCompleted;
  // kCompleted, for accesses (also to guest paging-structure entries): one
  // translation, or two if it crosses pages. None for a PDPTE load.
  std::uint8_t translation_count = 0;
  std::array<Translation, 2> translations = {};
  // kVmExit; kGuestStateFailure has the basic exit reason, without bit 31, and
  // the qualification. For #VE, the values that the information area received.
  std::uint16_t exit_reason = 0;  // SDM appendix C
  std::uint64_t qualification = 0;
  Gpa gpa = {};
  Gla gla = {};
  std::uint32_t interruption_information = 0;  // exit reason 0 only
  // kPageFault.
  std::uint32_t error_code = 0;
  Gla cr2 = {};
  // kVmEntryFailure.
  EntryCheck failed_check = EntryCheck::kNone;
  friend bool operator==(const Event&, const Event&) = default;
};

// What a VM exit saves besides, for whoever handles it (28.2, 28.3).
struct SavedState {
  std::uint16_t exit_reason_flags = 0;      // bits 31:16 of the exit reason
  std::uint32_t vectoring_information = 0;  // table 25-20
  std::uint32_t vectoring_error_code = 0;
  std::uint32_t instruction_length = 0;
  std::uint32_t interruptibility = 0;  // table 25-3
  std::uint64_t rflags = 0;
  std::uint64_t pending_debug = 0;  // table 25-4
  friend bool operator==(const SavedState&, const SavedState&) = default;
};

}  // namespace eptdiff

#endif  // EPTDIFF_ENGINE_TYPES_H_
