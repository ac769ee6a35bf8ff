/* Bring your own EPT code: what eptdiff asks of it, and what it answers.
 *
 * One self-contained C99 header, also C++; copy it into your project. Your code
 * defines two functions, and one more if it likes:
 *
 *   eptdiff_target_describe   what it models; undeclared features are not asked
 *   eptdiff_target_answer     what becomes of one access
 *   eptdiff_target_enter      optional: a case begins (VM entry)
 *
 * and stands, once, in one of its source files:
 *
 *   EPTDIFF_TARGET_DEFINE_ABI;
 *
 * Build it as a shared object, and `eptdiff check ./libmine.so` says which
 * rules of the SDM it breaks. README.md beside this header is the guide, and
 * examples/ has a walker of a hundred lines. Code in other languages answers
 * over a pipe instead: pipe_protocol.md.
 *
 * Everything is raw: control registers, MSRs and VMCS fields as software would
 * write them, entries as they lie in memory. "SDM" is volume 3C, edition of
 * December 2023, unless it says otherwise.
 *
 * Versions. EPTDIFF_TARGET_ABI changes when something here changes its meaning;
 * a target of another version is refused. Structures grow at their end only,
 * and each begins with its size, as whoever made it knows it: look at no field
 * beyond that size.
 *
 * Threads: none of these functions is called from two threads at once.
 *
 * Processes: they are called in a child of eptdiff's. They may print, take
 * memory (up to 2 GBytes) and have threads and handlers of signals. What ends
 * the process (a signal, exit(), an exception that leaves the function) is a
 * finding, and so is a fork that is not waited for, or closing a descriptor
 * that they have not opened.
 */
#ifndef EPTDIFF_TARGET_H_
#define EPTDIFF_TARGET_H_

#include <stddef.h>
#include <stdint.h>

#define EPTDIFF_TARGET_ABI 1

#if defined(__GNUC__)
#define EPTDIFF_TARGET_EXPORT __attribute__((visibility("default")))
#else
#define EPTDIFF_TARGET_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Which version of this header a target was compiled with. */
extern EPTDIFF_TARGET_EXPORT const uint32_t eptdiff_target_abi;
#define EPTDIFF_TARGET_DEFINE_ABI \
  const uint32_t eptdiff_target_abi = EPTDIFF_TARGET_ABI

/* ------------------------------------------------------------- the profile */

/* What a target models: eptdiff_profile.models. What is not declared is never
 * asked: the control is 0, the access is another one, or the case is skipped
 * and counted. */
#define EPTDIFF_MODELS_4_LEVELS (UINT64_C(1) << 0)
#define EPTDIFF_MODELS_5_LEVELS (UINT64_C(1) << 1)
/* EPTP bit 6: accessed and dirty flags, 29.3.5. */
#define EPTDIFF_MODELS_ACCESSED_DIRTY (UINT64_C(1) << 2)
/* "Mode-based execute control for EPT", 29.3.2. */
#define EPTDIFF_MODELS_MBEC (UINT64_C(1) << 3)
/* Page-modification logging, 29.3.6. */
#define EPTDIFF_MODELS_PML (UINT64_C(1) << 4)
/* "Sub-page write permissions for EPT", 29.3.4. */
#define EPTDIFF_MODELS_SPP (UINT64_C(1) << 5)
/* "EPT-violation #VE", 26.5.7. */
#define EPTDIFF_MODELS_VE (UINT64_C(1) << 6)
/* EPTP bit 7: supervisor shadow-stack control, 29.3.3.2. */
#define EPTDIFF_MODELS_SHADOW_STACK_CONTROL (UINT64_C(1) << 7)
/* "EPT paging-write control" and "guest-paging verification", 29.3.3.2. */
#define EPTDIFF_MODELS_PAGING_WRITE (UINT64_C(1) << 8)
/* "Enable HLAT", volume 3A 4.5. */
#define EPTDIFF_MODELS_HLAT (UINT64_C(1) << 9)
/* VMFUNC leaf 0: EPTDIFF_STEP_EPTP_SWITCH, 26.5.6.3. */
#define EPTDIFF_MODELS_EPTP_SWITCHING (UINT64_C(1) << 10)
/* The checks of VM entry, 27.2.1.1: eptdiff_target_enter answers. Without it a
 * target never meets controls that VM entry would refuse. */
#define EPTDIFF_MODELS_VM_ENTRY (UINT64_C(1) << 11)
/* Accesses with bytes in two pages. */
#define EPTDIFF_MODELS_PAGE_CROSSING (UINT64_C(1) << 12)
#define EPTDIFF_MODELS_READ_MODIFY_WRITE (UINT64_C(1) << 13)
/* Shadow-stack reads and writes, WRUSS; linear ones need CR4.CET as well. */
#define EPTDIFF_MODELS_SHADOW_STACK_ACCESS (UINT64_C(1) << 14)
/* Accesses without an instruction that makes them: Intel PT and the like. */
#define EPTDIFF_MODELS_ASYNCHRONOUS (UINT64_C(1) << 15)
#define EPTDIFF_MODELS_TRANSACTIONS (UINT64_C(1) << 16)
/* Accesses while an event is delivered, and of IRET with NMIs blocked. */
#define EPTDIFF_MODELS_EVENTS (UINT64_C(1) << 17)
/* EPTDIFF_STEP_STRUCTURE_READ and _UPDATE. */
#define EPTDIFF_MODELS_STRUCTURE_ACCESS (UINT64_C(1) << 18)
/* EPTDIFF_STEP_PDPTE_LOAD. */
#define EPTDIFF_MODELS_PDPTE_LOAD (UINT64_C(1) << 19)
/* EPTDIFF_STEP_LINEAR_ACCESS, by mode of guest paging (volume 3A 4.1.1). */
#define EPTDIFF_MODELS_LINEAR_PAGING_OFF (UINT64_C(1) << 20)
#define EPTDIFF_MODELS_LINEAR_32_BIT (UINT64_C(1) << 21)
#define EPTDIFF_MODELS_LINEAR_PAE (UINT64_C(1) << 22)
#define EPTDIFF_MODELS_LINEAR_4_LEVEL (UINT64_C(1) << 23)
#define EPTDIFF_MODELS_LINEAR_5_LEVEL (UINT64_C(1) << 24)
/* CR4.SMEP and CR4.SMAP; CR4.PKE and CR4.PKS; in linear accesses. */
#define EPTDIFF_MODELS_SMEP_SMAP (UINT64_C(1) << 25)
#define EPTDIFF_MODELS_PROTECTION_KEYS (UINT64_C(1) << 26)
/* With EPTDIFF_MODELS_VM_ENTRY: also the checks of 27.2.1.1 that are not about
 * EPT itself, EPTDIFF_CHECK_VPID and on; and those of the guest's
 * state, 27.3.1. Without them a target meets nothing that they refuse. */
#define EPTDIFF_MODELS_ENTRY_CONTROLS (UINT64_C(1) << 27)
#define EPTDIFF_MODELS_GUEST_STATE (UINT64_C(1) << 28)
/* CR4.LASS, likewise: #GP before paging. */
#define EPTDIFF_MODELS_LASS (UINT64_C(1) << 29)
/* EPTDIFF_STEP_REGISTER_WRITE. */
#define EPTDIFF_MODELS_REGISTER_WRITES (UINT64_C(1) << 30)
/* With EPTDIFF_MODELS_EPTP_SWITCHING: VMFUNC with any EAX, also where VM
 * functions are not enabled (#UD), 26.5.6.2. */
#define EPTDIFF_MODELS_VMFUNC (UINT64_C(1) << 31)
/* EPTDIFF_STEP_INVALIDATION. */
#define EPTDIFF_MODELS_INVALIDATION (UINT64_C(1) << 32)
/* Accesses of more than 64 bytes: eptdiff_question.access_bytes. */
#define EPTDIFF_MODELS_LARGE_ACCESSES (UINT64_C(1) << 33)
/* It keeps translations, as 29.4 lets a processor: its answers are judged by
 * what may have been kept of what `keeps` declares, and it is asked where that
 * matters: the same access again after a store to an entry, with and without
 * what ends it. It keeps them apart by case (eptdiff_target_enter), and by
 * `processor`. Needs `keeps_state`. Without it, what is stale is wrong. */
#define EPTDIFF_MODELS_CACHES (UINT64_C(1) << 34)
/* Steps on other logical processors than 0 as well, 1 to 3 or as many as
 * eptdiff_profile.processors has. */
#define EPTDIFF_MODELS_PROCESSORS (UINT64_C(1) << 35)
/* Pushes onto a shadow stack whose token the processor has just marked busy,
 * 26.4.3: eptdiff_question.busy_shadow_stack. */
#define EPTDIFF_MODELS_BUSY_SHADOW_STACK (UINT64_C(1) << 36)
/* eptdiff_question.keyid_bits: physical addresses are narrower than
 * guest-physical ones. */
#define EPTDIFF_MODELS_KEYIDS (UINT64_C(1) << 37)
/* "Virtualize APIC accesses", alone: accesses to the APIC-access page exit,
 * 30.4. */
#define EPTDIFF_MODELS_APIC_PAGE (UINT64_C(1) << 38)
/* Linear-address masking: CR4.LAM_SUP, and CR3.LAM_U57 and LAM_U48 (bits 61 and
 * 62); without it none of them is 1. `gla` has the metadata. */
#define EPTDIFF_MODELS_LAM (UINT64_C(1) << 39)
/* Read-modify-writes of shadow-stack tokens, beside
 * EPTDIFF_MODELS_SHADOW_STACK_ACCESS. */
#define EPTDIFF_MODELS_SHADOW_STACK_TOKENS (UINT64_C(1) << 40)
/* Writes of architectural PEBS, beside EPTDIFF_MODELS_ASYNCHRONOUS. */
#define EPTDIFF_MODELS_PEBS (UINT64_C(1) << 41)

/* Which parts of its answers a target fills in, and which are compared:
 * eptdiff_profile.fills. */
#define EPTDIFF_FILLS_EVENT (1u << 0)
#define EPTDIFF_FILLS_FAILED_CHECK (1u << 1)
#define EPTDIFF_FILLS_EXIT_REASON (1u << 2)
#define EPTDIFF_FILLS_INTERRUPTION_INFORMATION (1u << 3)
#define EPTDIFF_FILLS_ERROR_CODE (1u << 4)
#define EPTDIFF_FILLS_QUALIFICATION (1u << 5)
#define EPTDIFF_FILLS_GPA (1u << 6)
#define EPTDIFF_FILLS_GLA (1u << 7)
#define EPTDIFF_FILLS_CR2 (1u << 8)
#define EPTDIFF_FILLS_ADDRESS (1u << 9)
#define EPTDIFF_FILLS_PAGE_SIZE (1u << 10)
#define EPTDIFF_FILLS_MEMORY_TYPE (1u << 11)
#define EPTDIFF_FILLS_STRUCTURE_MEMORY_TYPE (1u << 12)
#define EPTDIFF_FILLS_PDPTE (1u << 13)
#define EPTDIFF_FILLS_EPTP (1u << 14)
#define EPTDIFF_FILLS_EPTP_INDEX (1u << 15)
#define EPTDIFF_FILLS_PML_INDEX (1u << 16)
#define EPTDIFF_FILLS_MEMORY (1u << 17) /* what was stored */
/* All of them so far. Not what VM exits save for their handlers: */
#define EPTDIFF_FILLS_ALL ((1u << 18) - 1)
#define EPTDIFF_FILLS_EXIT_REASON_FLAGS (1u << 18)
#define EPTDIFF_FILLS_VECTORING_INFORMATION (1u << 19)
#define EPTDIFF_FILLS_VECTORING_ERROR_CODE (1u << 20)
#define EPTDIFF_FILLS_INSTRUCTION_LENGTH (1u << 21)
#define EPTDIFF_FILLS_INTERRUPTIBILITY (1u << 22)
#define EPTDIFF_FILLS_RFLAGS (1u << 23)
#define EPTDIFF_FILLS_PENDING_DEBUG (1u << 24)
#define EPTDIFF_FILLS_SAVED_STATE (127u << 18) /* all of these */

/* Addresses of which a target gives the page and not bits 11:0, in VM exits,
 * #VE information and CR2: eptdiff_profile.offsets_left_out. */
#define EPTDIFF_OFFSET_OF_GPA (1u << 0)
#define EPTDIFF_OFFSET_OF_GLA (1u << 1)
#define EPTDIFF_OFFSET_OF_CR2 (1u << 2)

/* Of a target with EPTDIFF_MODELS_CACHES, of what it keeps translations
 * (29.4.1) and by what tags: eptdiff_profile.keeps. An answer by a kind that is
 * not declared is wrong unless memory gives it, too. What would need a tag that
 * is not declared is not asked: another VPID than 0000H and INVVPID, CR4.PCIDE
 * and INVPCID, another root of EPT in one case. */
#define EPTDIFF_KEEPS_GUEST_PHYSICAL (1u << 0) /* guest-physical mappings */
#define EPTDIFF_KEEPS_COMBINED (1u << 1)       /* combined mappings */
/* Entries of paging-structure caches, of the kinds of mappings that it keeps.
 */
#define EPTDIFF_KEEPS_PAGING_STRUCTURES (1u << 2)
#define EPTDIFF_KEEPS_VPIDS (1u << 3)
#define EPTDIFF_KEEPS_PCIDS (1u << 4)
#define EPTDIFF_KEEPS_EPTRTAS (1u << 5)
#define EPTDIFF_KEEPS_ALL ((1u << 6) - 1) /* all of them so far */

/* What a walker that judges nothing leaves to hardware (forensics,
 * introspection, software look-ups): eptdiff_profile.leaves. It is asked all
 * the same, and has to translate as if nothing of that kind forbade it. */
/* Rights that EPT entries lack, 29.3.3.2; sub-page permissions, too. */
#define EPTDIFF_LEAVES_EPT_RIGHTS (1u << 0)
/* Reserved bits of EPT entries: the second item of 29.3.3.1. */
#define EPTDIFF_LEAVES_EPT_RESERVED_BITS (1u << 1)
/* Its other items: rights that do not go together, reserved memory types. */
#define EPTDIFF_LEAVES_EPT_MISCONFIGURATIONS (1u << 2)
/* Rights of guest entries, volume 3A 4.6, with protection keys, and LASS. */
#define EPTDIFF_LEAVES_GUEST_RIGHTS (1u << 3)
/* Reserved bits of guest entries, and of PDPTEs that are loaded. The processor
 * then has 1-GByte pages and PSE-36. */
#define EPTDIFF_LEAVES_GUEST_RESERVED_BITS (1u << 4)
/* It translates only: what is not present, or beyond what tables translate, is
 * all that it refuses. */
#define EPTDIFF_LEAVES_ALL ((1u << 5) - 1)

/* Kinds of accesses, 1 << enum eptdiff_access: eptdiff_profile.accesses. */
#define EPTDIFF_ACCESSES_ALL ((1u << 7) - 1)

typedef struct eptdiff_profile {
  uint32_t size;   /* of this structure, set by the harness */
  uint32_t fills;  /* EPTDIFF_FILLS_*; all of them at first */
  uint64_t models; /* EPTDIFF_MODELS_*; 0 at first */
  /* Bits of IA32_VMX_EPT_VPID_CAP (A.10) that the target honours when they are
   * 1, and when they are 0; at first both are all bits. Code that always allows
   * execute-only pages clears bit 0 of the second. */
  uint64_t capabilities_set;
  uint64_t capabilities_clear;
  uint8_t min_maxphyaddr; /* 32 at first; at least that */
  uint8_t max_maxphyaddr; /* 52 at first; at most that */
  /* Not 0: answers depend on earlier steps by more than memory and registers
   * (a TLB). The same question is then not asked twice to see if answers vary.
   */
  uint8_t keeps_state;
  uint8_t reserved[5];
  /* Stands in reports and in signatures: letters, digits, '_', '.', at most 31
   * of them. If it is left empty, the file's name serves. */
  char name[32];
  /* Parts of fields that `fills` names which are left out all the same, and are
   * not compared; 0 at first. Bits 16:0 of the exit qualification; bits 7:0 of
   * the error code of a #PF; EPTDIFF_OFFSET_OF_*. A target that may meet an
   * eptdiff without them asks EPTDIFF_PROFILE_HAS(profile, offsets_left_out).
   */
  uint32_t qualification_left_out;
  uint32_t error_code_left_out;
  uint32_t offsets_left_out;
  uint32_t reserved1;
  /* EPTDIFF_KEEPS_*; all of them at first. */
  uint32_t keeps;
  /* EPTDIFF_LEAVES_*; 0 at first. */
  uint32_t leaves;
  /* The kinds of accesses that it is asked, as far as `models` has them; all at
   * first. A read, a write or a fetch must be among them. What is none of these
   * is asked as one that is. */
  uint32_t accesses;
  /* With EPTDIFF_MODELS_PROCESSORS, how many; 4 at first, at most that. */
  uint8_t processors;
  uint8_t reserved2[3];
} eptdiff_profile;

/* Whether the harness knows this field of its profile. */
#define EPTDIFF_PROFILE_HAS(profile, field) \
  ((profile)->size >=                       \
   offsetof(eptdiff_profile, field) + sizeof((profile)->field))

/* ------------------------------------------------------------ the question */

enum eptdiff_step {
  /* An access to `gpa`, the translation of `gla` by the guest's paging. */
  EPTDIFF_STEP_GUEST_PHYSICAL = 0,
  /* An access to `gla`: the guest's tables first, each entry through EPT.
   * Outside 64-bit mode `gla` has 32 bits, and an access that crosses 4 GBytes
   * goes on at 0; but in compatibility mode one with implicit_supervisor may be
   * to a descriptor table, whose base has 64 bits. */
  EPTDIFF_STEP_LINEAR = 1,
  /* The processor reads the guest paging-structure entry at `gpa`, or sets its
   * accessed or dirty flag, while it translates `gla`. */
  EPTDIFF_STEP_STRUCTURE_READ = 2,
  EPTDIFF_STEP_STRUCTURE_UPDATE = 3,
  /* MOV to CR loads the PDPTE registers from CR3 (volume 3A 4.4.1). */
  EPTDIFF_STEP_PDPTE_LOAD = 4,
  /* VMFUNC with EAX = `function`, 0 save to a target with
   * EPTDIFF_MODELS_VMFUNC, and ECX = `index`. */
  EPTDIFF_STEP_EPTP_SWITCH = 6,
  /* The guest gives `guest_register` the value `value`: it completes, or #GP,
   * or a VM exit. The harness carries out what completes; PDPTE registers that
   * a MOV to CR loads (volume 3A 4.4.1) are the target's to report. There are
   * no guest/host masks and CR3-target values; no bitmap of MSRs makes WRMSR
   * exit, nor does primary bit 28 ("use MSR bitmaps") if it is 0. */
  EPTDIFF_STEP_REGISTER_WRITE = 8,
  /* To eptdiff_target_enter only: VM entry again, in the case that was entered,
   * after a VM exit and VMWRITE of `value` to `vmcs_field`. The question has
   * the value in its place already. */
  EPTDIFF_STEP_VM_ENTRY = 9,
  /* `invalidation`, with `invalidation_type` and `descriptor`. */
  EPTDIFF_STEP_INVALIDATION = 10
};

/* eptdiff_question.guest_register. */
enum eptdiff_register {
  EPTDIFF_CR0 = 0, /* MOV to CR0, CR3, CR4 */
  EPTDIFF_CR3 = 1,
  EPTDIFF_CR4 = 2,
  EPTDIFF_EFER = 3, /* WRMSR */
  EPTDIFF_PAT = 4,
  EPTDIFF_PKRS = 5,
  EPTDIFF_PKRU = 6,   /* WRPKRU, XRSTOR */
  EPTDIFF_RFLAGS = 7, /* POPF, STAC, CLAC */
  EPTDIFF_CPL = 8     /* a far transfer */
};

/* eptdiff_question.invalidation. */
enum eptdiff_invalidation {
  EPTDIFF_INVEPT = 0, /* by software, between a VM exit and a VM entry */
  EPTDIFF_INVVPID = 1,
  EPTDIFF_INVLPG = 2, /* by the guest */
  EPTDIFF_INVPCID = 3
};

enum eptdiff_access {
  EPTDIFF_READ = 0,
  EPTDIFF_WRITE = 1,
  EPTDIFF_READ_MODIFY_WRITE = 2,
  EPTDIFF_FETCH = 3,
  EPTDIFF_SHADOW_STACK_READ = 4,
  EPTDIFF_SHADOW_STACK_WRITE = 5,
  EPTDIFF_SHADOW_STACK_READ_MODIFY_WRITE = 6 /* of a token */
};

/* CPUID features that paging depends on: eptdiff_question.cpu. A feature that a
 * bit of CR4 or IA32_EFER turns on is there where that bit is 1; whether it is
 * there matters to EPTDIFF_STEP_REGISTER_WRITE alone, which may set the bit. */
#define EPTDIFF_CPU_1_GBYTE_PAGES (1u << 0) /* guest pages */
#define EPTDIFF_CPU_PSE36 (1u << 1)
#define EPTDIFF_CPU_EPT_VIOLATION_VE (1u << 2)
#define EPTDIFF_CPU_NX (1u << 3)
#define EPTDIFF_CPU_SMEP (1u << 4)
#define EPTDIFF_CPU_SMAP (1u << 5)
#define EPTDIFF_CPU_PKU (1u << 6)
#define EPTDIFF_CPU_PKS (1u << 7)
#define EPTDIFF_CPU_CET_SS (1u << 8)
#define EPTDIFF_CPU_LA57 (1u << 9)
#define EPTDIFF_CPU_PCID (1u << 10)

typedef struct eptdiff_question {
  uint32_t size; /* of this structure, set by the harness */
  uint32_t step; /* enum eptdiff_step */

  /* The access. */
  uint8_t access;              /* enum eptdiff_access */
  uint8_t bytes;               /* 1 to 64; 0: more, see `access_bytes` */
  uint8_t implicit_supervisor; /* such as a descriptor-table access at CPL 3 */
  uint8_t wruss;               /* a user-mode access whatever the CPL */
  uint8_t asynchronous;
  /* EPTDIFF_STEP_GUEST_PHYSICAL: what the guest's translation gave. */
  uint8_t gla_valid;
  uint8_t page_user;            /* U/S is 1 in all controlling entries */
  uint8_t page_writable;        /* R/W is 1 in all controlling entries */
  uint8_t page_execute_disable; /* XD is 1 in some controlling entry */
  uint8_t page_pat_index;       /* 4 * PAT + 2 * PCD + PWT of the guest leaf */
  uint8_t reserved0[6];
  uint64_t gpa;
  uint64_t gla;
  uint32_t index;
  uint32_t reserved1;

  /* The processor. */
  uint64_t ept_vpid_cap; /* IA32_VMX_EPT_VPID_CAP, A.10 */
  uint32_t cpu;          /* EPTDIFF_CPU_* */
  uint8_t maxphyaddr;    /* CPUID.80000008H:EAX[7:0]; GPAs are no wider */
  uint8_t reserved2[3];

  /* VM-execution controls, 25.6. */
  uint32_t pin_based;
  uint32_t primary;
  uint32_t secondary;
  uint32_t exception_bitmap;
  uint64_t tertiary;
  uint64_t vm_functions;
  uint64_t eptp;
  uint64_t pml_address;
  uint64_t spptp;
  uint64_t ve_information_address;
  uint64_t eptp_list_address;
  uint64_t hlatp;
  uint16_t pml_index;
  uint16_t eptp_index;
  uint16_t hlat_prefix_size;
  uint16_t vpid;

  /* The guest, in a state that VM entry accepts (27.3.1.1, .4, .6), save to a
   * target with EPTDIFF_MODELS_GUEST_STATE. IA32_EFER.LMA is the VM-entry
   * control "IA-32e mode guest". */
  uint64_t cr0;
  uint64_t cr3;
  uint64_t cr4;
  uint64_t efer;
  uint64_t pat;
  uint64_t rflags;
  uint64_t pdpte[4]; /* the PDPTE registers */
  uint32_t pkru;
  uint32_t pkrs;
  uint8_t cpl;
  uint8_t cs_l;
  uint8_t event_delivery; /* an event is being delivered */
  uint8_t nmi_unblocking; /* IRET, with (virtual) NMIs blocked before it */
  uint8_t transactional;
  uint8_t reserved3[3];

  /* VM-entry and VM-exit controls, tables 25-16 and 25-13. */
  uint32_t entry_controls;
  uint32_t exit_controls;

  uint64_t apic_access_address;
  uint64_t value;            /* of a register, of a field of the VMCS */
  uint64_t descriptor[2];    /* of INVEPT, INVVPID, INVPCID; INVLPG: [1] is the
                                linear address */
  uint32_t function;         /* EPTDIFF_STEP_EPTP_SWITCH: EAX */
  uint32_t vmcs_field;       /* its encoding, appendix B */
  uint16_t access_bytes;     /* 1 to 4096, as `bytes` where that is not 0 */
  uint8_t guest_register;    /* enum eptdiff_register */
  uint8_t invalidation;      /* enum eptdiff_invalidation */
  uint8_t invalidation_type; /* the register operand */
  uint8_t processor;         /* the logical processor, 0 to 3 */
  uint8_t pebs;              /* a write of architectural PEBS; without a GLA */
  uint8_t keyid_bits;        /* IA32_TME_ACTIVATE[39:36] */

  uint64_t secondary_exit_controls; /* table 25-14 */
  /* What VM exits save, as VM entry or the step finds it. With event_delivery,
   * the event in the format of table 25-20 and its error code; bit 31 is clear
   * where it is not said which. */
  uint32_t delivered_event;
  uint32_t delivered_error_code;
  uint32_t pending_debug;     /* bits 16:0 of table 25-4 */
  uint8_t interruptibility;   /* bits 4:0 of table 25-3 */
  uint8_t instruction_length; /* of the instruction under way; 0: not said */
  uint8_t busy_shadow_stack;  /* a VM exit leaves it prematurely busy, 26.4.3 */
  uint8_t reserved4;
} eptdiff_question;

/* Host-physical memory, in 8-byte words at 8-byte aligned addresses below
 * 2^MAXPHYADDR. Pass `context` on. What nobody stored reads as 0. */
typedef struct eptdiff_memory {
  uint32_t size; /* of this structure, set by the harness */
  uint32_t reserved;
  void* context;
  uint64_t (*load)(void* context, uint64_t address);
  void (*store)(void* context, uint64_t address, uint64_t value);
  /* Stores `desired` if the word is `expected`; returns whether it did. Now and
   * then another processor has just set the accessed flag of the entry: load
   * it again. */
  int (*compare_exchange)(void* context, uint64_t address, uint64_t expected,
                          uint64_t desired);
} eptdiff_memory;

/* -------------------------------------------------------------- the answer */

enum eptdiff_event {
  EPTDIFF_COMPLETED = 0, /* the access happened, the instruction retired */
  EPTDIFF_VM_EXIT = 1,
  EPTDIFF_VE = 2, /* #VE, with its information area written */
  EPTDIFF_PAGE_FAULT = 3,
  EPTDIFF_GENERAL_PROTECTION = 4, /* #GP(0) */
  /* eptdiff_target_enter only: VM entry refuses the controls (VM-instruction
   * error 7), or the guest's state (27.8: exit reason 33 with bit 31; of the
   * answer, exit_reason is 33, and qualification is 0, or 2 for the PDPTEs). */
  EPTDIFF_VM_ENTRY_FAILURE = 5,
  EPTDIFF_GUEST_STATE_FAILURE = 6,
  EPTDIFF_INVALID_OPCODE = 8, /* #UD */
  /* INVEPT, INVVPID: VMfailValid with VM-instruction error 28. */
  EPTDIFF_INVALID_OPERAND = 9
};

/* Why VM entry (27.2.1.1) refuses: eptdiff_answer.failed_check. */
enum eptdiff_check {
  EPTDIFF_CHECK_NONE = 0,
  EPTDIFF_CHECK_EPTP_MEMORY_TYPE = 1,
  EPTDIFF_CHECK_EPTP_WALK_LENGTH = 2,
  EPTDIFF_CHECK_EPTP_ACCESSED_DIRTY = 3,
  EPTDIFF_CHECK_EPTP_SHADOW_STACK = 4,
  EPTDIFF_CHECK_EPTP_RESERVED_BITS = 5,
  EPTDIFF_CHECK_NEEDS_EPT = 6,     /* a control that needs "enable EPT" */
  EPTDIFF_CHECK_ADDRESS = 7,       /* a misaligned or too wide address */
  EPTDIFF_CHECK_HLAT = 8,          /* HLATP */
  EPTDIFF_CHECK_VPID = 9,          /* a VPID of 0 */
  EPTDIFF_CHECK_VM_FUNCTIONS = 10, /* reserved VM-function controls */
  EPTDIFF_CHECK_VIRTUAL_NMIS = 11, /* without NMI exiting */
  EPTDIFF_CHECK_NMI_WINDOW = 12,   /* NMI-window exiting, no virtual NMIs */
  EPTDIFF_CHECK_INTEL_PT = 13,     /* its controls of entry and exit */
  EPTDIFF_CHECK_TPR_SHADOW = 14,   /* controls that need it */
  EPTDIFF_CHECK_X2APIC_MODE = 15,  /* beside "virtualize APIC accesses" */
  /* Virtual-interrupt delivery without external-interrupt exiting. */
  EPTDIFF_CHECK_INTERRUPT_DELIVERY = 16,
  EPTDIFF_CHECK_POSTED_INTERRUPTS = 17 /* without what they need */
};

typedef struct eptdiff_translation {
  uint64_t address;   /* host-physical, of the first byte in this page */
  uint8_t page_shift; /* 12, 21 or 30: of the EPT leaf */
  /* Effective, 29.3.7.2, as entries encode it: 0 UC, 1 WC, 4 WT, 5 WP, 6 WB. */
  uint8_t memory_type;
  uint8_t structure_memory_type; /* of the EPT entries, 29.3.7.1 */
  uint8_t reserved[5];
  /* Linear accesses: the types of the accesses to guest paging-structure
   * entries, in their order, 4 bits each from bit 0 on: 8 + type; 0 ends. */
  uint64_t guest_structure_types;
} eptdiff_translation;

/* All 0 when a target receives it, save the registers, which hold their values
 * before the step. Fill in what the event calls for. */
typedef struct eptdiff_answer {
  uint32_t size;  /* of this structure, set by the harness */
  uint32_t event; /* enum eptdiff_event */

  /* EPTDIFF_COMPLETED, of accesses: one translation, or two if the access has
   * bytes in two pages; none for other steps. */
  uint32_t translation_count;
  uint32_t reserved0;
  eptdiff_translation translations[2];

  /* EPTDIFF_VM_EXIT, and EPTDIFF_VE (what the information area received). */
  uint16_t exit_reason; /* appendix C: 48 EPT violation, 49 misconfiguration */
  uint16_t reserved1;
  uint32_t interruption_information; /* exit reason 0 only */
  uint64_t qualification;
  uint64_t gpa;
  uint64_t gla;

  /* EPTDIFF_PAGE_FAULT. */
  uint64_t cr2;
  uint32_t error_code;

  uint32_t failed_check; /* EPTDIFF_VM_ENTRY_FAILURE: enum eptdiff_check */

  /* Registers and VMCS fields, after the step. */
  uint64_t eptp;
  uint64_t pdpte[4]; /* As a VM exit saves them: what SDM 28.3.4 leaves
                        undefined is not compared (bits 11:9; with bit 0 clear,
                        all others; all, unless PAE paging is in use) */
  uint16_t pml_index;
  uint16_t eptp_index;
  uint32_t reserved2;

  /* EPTDIFF_VM_EXIT: what it saves besides (EPTDIFF_FILLS_SAVED_STATE). What is
   * undefined is not compared. */
  uint16_t exit_reason_flags; /* bits 31:16 of the exit reason */
  uint16_t reserved3;
  uint32_t vectoring_information; /* table 25-20 */
  uint32_t vectoring_error_code;
  uint32_t instruction_length;
  uint32_t interruptibility; /* table 25-3 */
  uint32_t reserved4;
  uint64_t rflags;
  uint64_t pending_debug; /* table 25-4 */
} eptdiff_answer;

/* ----------------------------------------------------------- the functions */

/* What eptdiff_target_answer and eptdiff_target_enter return. */
#define EPTDIFF_ANSWERED 0
#define EPTDIFF_NOT_MODELLED 1 /* counted, and no finding */

EPTDIFF_TARGET_EXPORT void eptdiff_target_describe(eptdiff_profile* profile);

EPTDIFF_TARGET_EXPORT int eptdiff_target_answer(
    const eptdiff_question* question, const eptdiff_memory* memory,
    eptdiff_answer* answer);

/* Optional. A case begins: whatever was kept of another one is void. Of
 * `question` the processor, the controls and the guest count. With
 * EPTDIFF_MODELS_VM_ENTRY the event is EPTDIFF_COMPLETED,
 * EPTDIFF_VM_ENTRY_FAILURE or EPTDIFF_GUEST_STATE_FAILURE. */
EPTDIFF_TARGET_EXPORT int eptdiff_target_enter(const eptdiff_question* question,
                                               const eptdiff_memory* memory,
                                               eptdiff_answer* answer);

#ifdef __cplusplus
}
#endif

#endif /* EPTDIFF_TARGET_H_ */
