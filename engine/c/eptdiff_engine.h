/* The EPT engine for C, and for whatever calls C: what a processor does with
 * guest-physical and linear addresses under EPT.
 *
 *   eptdiff_engine_machine machine;
 *   eptdiff_engine_machine_init(&machine, sizeof machine);
 *   machine.primary = 0x80000000;        activate secondary controls
 *   machine.secondary = 0x2;             enable EPT
 *   machine.eptp = 0x101e;               WB, 4 levels, the root at 1000H
 *   eptdiff_engine_create(&machine, &memory, 0, &engine);
 *   eptdiff_engine_translate(engine, 0x1234, EPTDIFF_ENGINE_USE_READ, 0,
 * &page);
 *
 * One self-contained C99 header, also C++; link -leptdiff_engine (pkg-config
 * eptdiff-engine, or CMake's eptdiff::engine_c). examples/ beside it has it in
 * C, Python and Rust. What the engine answers, and what it does where the SDM
 * leaves a choice, engine/engine.h says; this is the same engine.
 *
 * Units. Addresses are bytes, host-physical, guest-physical ("gpa") or linear
 * ("gla"); control registers, MSRs, VMCS fields and entries are raw, as
 * software would write them. A flag is 0 or 1; any other value is taken for 1.
 * "SDM" is volume 3C, edition of December 2023.
 *
 * Versions. EPTDIFF_ENGINE_ABI changes when something here changes its meaning;
 * the library's file and the symbols in it have the number, too. Structures
 * grow at their end only. Each that may grow begins with `size`, which the
 * caller sets to its sizeof: the library reads and writes nothing beyond, and
 * leaves alone what it does not know. Fields named reserved are 0.
 *
 * Errors. Functions that return int return EPTDIFF_ENGINE_ANSWERED or why there
 * is no answer, unless they say otherwise; their output is then unspecified.
 * Nothing is printed, nothing ends the process, no exception comes out.
 * Pointers must be valid; where NULL means something, it says so.
 *
 * Threads. An engine is used by one thread at a time. Several engines, one for
 * each virtual processor, may share a memory: flags are set atomically. A
 * function without an engine may be called from anywhere.
 */
#ifndef EPTDIFF_ENGINE_C_EPTDIFF_ENGINE_H_
#define EPTDIFF_ENGINE_C_EPTDIFF_ENGINE_H_

#include <stddef.h>
#include <stdint.h>

#define EPTDIFF_ENGINE_ABI 1

#if defined(__GNUC__)
#define EPTDIFF_ENGINE_EXPORT __attribute__((visibility("default")))
#else
#define EPTDIFF_ENGINE_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eptdiff_engine eptdiff_engine;

enum eptdiff_engine_status {
  EPTDIFF_ENGINE_ANSWERED = 0,
  EPTDIFF_ENGINE_EPT_OFF = 1,      /* "enable EPT" is 0 */
  EPTDIFF_ENGINE_NOT_MODELLED = 2, /* engine/walk/modelled.h */
  /* No processor can be asked this: a gpa beyond CPUID's width, a gla that is
   * not canonical or too wide, a size beyond 1 to 4096 ... */
  EPTDIFF_ENGINE_CALLER_ERROR = 3,
  /* An entry, log or information area lies where there is no memory. Flags that
   * were set before it was met stay. */
  EPTDIFF_ENGINE_NO_MEMORY = 4,
  /* A structure too small, a number out of its range, an image not aligned. */
  EPTDIFF_ENGINE_BAD_ARGUMENT = 5,
  EPTDIFF_ENGINE_OUT_OF_MEMORY = 6 /* of this process */
};

/* ------------------------------------------------------------- the machine */

/* eptdiff_engine_machine.cpu: what CPUID and the capability MSRs enumerate. */
#define EPTDIFF_ENGINE_CPU_1_GBYTE_PAGES (1u << 0) /* guest pages */
#define EPTDIFF_ENGINE_CPU_PSE36 (1u << 1)
#define EPTDIFF_ENGINE_CPU_EPT_VIOLATION_VE (1u << 2)
#define EPTDIFF_ENGINE_CPU_NX (1u << 3)
#define EPTDIFF_ENGINE_CPU_SMEP (1u << 4)
#define EPTDIFF_ENGINE_CPU_SMAP (1u << 5)
#define EPTDIFF_ENGINE_CPU_PKU (1u << 6)
#define EPTDIFF_ENGINE_CPU_PKS (1u << 7)
#define EPTDIFF_ENGINE_CPU_CET_SS (1u << 8)
#define EPTDIFF_ENGINE_CPU_LA57 (1u << 9)
#define EPTDIFF_ENGINE_CPU_PCID (1u << 10)

/* A logical processor, the VMCS's controls and the guest's registers. */
typedef struct eptdiff_engine_machine {
  uint32_t size;
  uint32_t cpu;          /* EPTDIFF_ENGINE_CPU_* */
  uint64_t ept_vpid_cap; /* IA32_VMX_EPT_VPID_CAP, A.10 */
  uint8_t maxphyaddr;    /* CPUID.80000008H:EAX[7:0], 32 to 52; 46 at first */
  uint8_t keyid_bits;    /* IA32_TME_ACTIVATE[39:36], 0 to 15 */
  uint8_t reserved0[6];

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
  uint64_t apic_access_address;
  uint64_t secondary_exit_controls; /* table 25-14 */
  uint32_t entry_controls;          /* table 25-16 */
  uint32_t exit_controls;           /* table 25-13 */
  uint16_t pml_index;
  uint16_t eptp_index;
  uint16_t hlat_prefix_size;
  uint16_t vpid;

  /* The guest. */
  uint64_t cr0;
  uint64_t cr3;
  uint64_t cr4;
  uint64_t efer;
  uint64_t pat; /* 0007040600070406H at first */
  uint64_t rflags;
  uint64_t pdpte[4]; /* the PDPTE registers */
  uint32_t pkru;
  uint32_t pkrs;
  uint8_t cpl; /* 0 to 3 */
  uint8_t cs_l;
  uint8_t event_delivery; /* an event is being delivered */
  uint8_t nmi_unblocking; /* IRET, with (virtual) NMIs blocked before it */
  uint8_t transactional;
  uint8_t busy_shadow_stack; /* 26.4.3 */
  uint8_t reserved1[2];
} eptdiff_engine_machine;

/* Host-physical memory: a flat image, or callbacks if `image` is NULL. It must
 * stay where it is as long as an engine uses it; the structure need not. */
typedef struct eptdiff_engine_memory {
  uint32_t size;
  uint32_t reserved;
  /* `image_bytes` bytes, 8-byte aligned, of which the first has the
   * host-physical address `first`, a multiple of 8. Words that do not lie
   * wholly in it are none. */
  void* image;
  uint64_t image_bytes;
  uint64_t first;
  /* Words at 8-byte aligned addresses; `context` is passed on. Each returns 0
   * if there is no memory at the address, and compare_exchange also if the word
   * is not `expected`; then the engine loads it again. All return: a C++
   * exception must not leave them. If compare_exchange or store is NULL nothing
   * is written, and each access is answered as if it were the first. */
  void* context;
  int (*load)(void* context, uint64_t address, uint64_t* word);
  int (*store)(void* context, uint64_t address, uint64_t word);
  int (*compare_exchange)(void* context, uint64_t address, uint64_t expected,
                          uint64_t desired);
} eptdiff_engine_memory;

/* EPTDIFF_ENGINE_ABI of the library, and its version in words: "0.1.0". */
EPTDIFF_ENGINE_EXPORT uint32_t eptdiff_engine_abi(void);
EPTDIFF_ENGINE_EXPORT const char* eptdiff_engine_version(void);

/* Everything 0 but for what "at first" says above; `size` is the structure's.
 */
EPTDIFF_ENGINE_EXPORT void eptdiff_engine_machine_init(
    eptdiff_engine_machine* machine, size_t size);

/* An engine, which copies `machine` and is not asked whether VM entry would
 * accept it. `cache_pages`: 0, and each access walks; or of how many 4-KByte
 * pages it may keep translations, at some 100 bytes each, rounded up to a power
 * of two and taken at once. *engine is NULL if there is none. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_create(
    const eptdiff_engine_machine* machine, const eptdiff_engine_memory* memory,
    uint64_t cache_pages, eptdiff_engine** engine);
/* NULL is none. */
EPTDIFF_ENGINE_EXPORT void eptdiff_engine_destroy(eptdiff_engine* engine);

/* The machine as accesses, VMFUNC and writes to registers have left it. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_get_machine(
    const eptdiff_engine* engine, eptdiff_engine_machine* machine);
/* Becomes this one, which has been running all the time; ends nothing. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_set_machine(
    eptdiff_engine* engine, const eptdiff_engine_machine* machine);

/* ------------------------------------------------------------- translating */

/* The uses of a guest-physical address that EPT tells apart, 29.3.3.2. */
enum eptdiff_engine_use {
  EPTDIFF_ENGINE_USE_READ = 0,
  EPTDIFF_ENGINE_USE_WRITE = 1,
  EPTDIFF_ENGINE_USE_READ_MODIFY_WRITE = 2,
  EPTDIFF_ENGINE_USE_FETCH = 3,      /* with MBEC: of a supervisor address */
  EPTDIFF_ENGINE_USE_USER_FETCH = 4, /* with MBEC */
  /* Supervisor shadow stacks under EPTP bit 7; all others read and write. */
  EPTDIFF_ENGINE_USE_SHADOW_STACK_READ = 5,
  EPTDIFF_ENGINE_USE_SHADOW_STACK_WRITE = 6,
  /* The processor's own accesses to guest paging-structure entries. */
  EPTDIFF_ENGINE_USE_PAGING_READ = 7,
  EPTDIFF_ENGINE_USE_PAGING_UPDATE = 8
};

/* Memory types, as entries encode them: 0 UC, 1 WC, 4 WT, 5 WP, 6 WB. */
typedef struct eptdiff_engine_translation { /* never grows */
  uint64_t address; /* host-physical, of the first byte in this page */
  /* Linear accesses: the types of the accesses to guest paging-structure
   * entries, in their order, 4 bits each from bit 0 on: 8 + type; 0 ends. */
  uint64_t guest_structure_types;
  uint8_t page_shift;            /* 12, 21 or 30: of the EPT leaf */
  uint8_t memory_type;           /* effective, 29.3.7.2 */
  uint8_t structure_memory_type; /* of the EPT entries, 29.3.7.1 */
  uint8_t reserved[5];
} eptdiff_engine_translation;

/* The fast way: 1, and *page, if one byte at `gpa` may be used so and nothing
 * has to be written for it (no accessed or dirty flag, no log). 0 says nothing:
 * eptdiff_engine_access() says why. `pat_index` is the entry of IA32_PAT, 0 to
 * 7, for the memory type. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_translate(
    eptdiff_engine* engine, uint64_t gpa, uint32_t use, uint32_t pat_index,
    eptdiff_engine_translation* page);

/* The same of `count` addresses: how many succeeded. Of one that did not,
 * page_shift is 0. */
EPTDIFF_ENGINE_EXPORT size_t eptdiff_engine_translate_many(
    eptdiff_engine* engine, const uint64_t* gpa, size_t count, uint32_t use,
    uint32_t pat_index, eptdiff_engine_translation* pages);

/* ---------------------------------------------------------------- accesses */

enum eptdiff_engine_access_kind {
  EPTDIFF_ENGINE_READ = 0,
  EPTDIFF_ENGINE_WRITE = 1,
  EPTDIFF_ENGINE_READ_MODIFY_WRITE = 2,
  EPTDIFF_ENGINE_FETCH = 3,
  EPTDIFF_ENGINE_SHADOW_STACK_READ = 4,
  EPTDIFF_ENGINE_SHADOW_STACK_WRITE = 5,
  EPTDIFF_ENGINE_SHADOW_STACK_READ_MODIFY_WRITE = 6 /* of a token */
};

/* One access, without its data: all 0 but `size` is a supervisor's read of one
 * byte, at a gla of 0 that maps to a supervisor page. */
typedef struct eptdiff_engine_access_request {
  uint32_t size;
  uint8_t kind;                /* enum eptdiff_engine_access_kind */
  uint8_t implicit_supervisor; /* such as a descriptor-table access at CPL 3 */
  uint16_t bytes;              /* 1 to 4096; 0 is taken for 1 */
  uint8_t wruss;               /* a user-mode access whatever the CPL */
  uint8_t asynchronous;        /* Intel PT, PEBS and the like */
  uint8_t pebs;                /* architectural PEBS: without a gla */
  /* eptdiff_engine_access() alone: what the guest's translation gave. */
  uint8_t without_gla;     /* trace-address pre-translation, PEBS */
  uint8_t user;            /* U/S is 1 in all controlling entries */
  uint8_t writable;        /* R/W is 1 in all controlling entries */
  uint8_t execute_disable; /* XD is 1 in some controlling entry */
  uint8_t pat_index;       /* 4 * PAT + 2 * PCD + PWT of the guest leaf */
  uint64_t gla;
} eptdiff_engine_access_request;

enum eptdiff_engine_event_kind {
  EPTDIFF_ENGINE_COMPLETED = 0, /* it happened, the instruction retired */
  EPTDIFF_ENGINE_VM_EXIT = 1,
  EPTDIFF_ENGINE_VE = 2, /* #VE, with its information area written */
  EPTDIFF_ENGINE_PAGE_FAULT = 3,
  EPTDIFF_ENGINE_GENERAL_PROTECTION = 4, /* #GP(0) */
  /* eptdiff_engine_enter() alone: VM entry refuses the controls (27.2), or the
   * guest's state (27.8: exit_reason 33, with a qualification). */
  EPTDIFF_ENGINE_VM_ENTRY_FAILURE = 5,
  EPTDIFF_ENGINE_GUEST_STATE_FAILURE = 6,
  EPTDIFF_ENGINE_INVALID_OPCODE = 8, /* #UD */
  EPTDIFF_ENGINE_INVALID_OPERAND = 9 /* VM-instruction error 28 */
};

/* What became of an access or an instruction. What is undefined is 0. */
typedef struct eptdiff_engine_event {
  uint32_t size;
  uint32_t kind; /* enum eptdiff_engine_event_kind */
  /* EPTDIFF_ENGINE_COMPLETED, of accesses: one, or two if it crosses pages. */
  uint32_t translation_count;
  uint32_t failed_check; /* of VM entry: EntryCheck of engine/types.h */
  eptdiff_engine_translation translations[2];
  /* EPTDIFF_ENGINE_VM_EXIT, and EPTDIFF_ENGINE_VE: what its area received. */
  uint32_t exit_reason; /* appendix C: 48 EPT violation, 49 misconfiguration */
  uint32_t interruption_information; /* exit reason 0 alone */
  uint64_t qualification;
  uint64_t gpa;
  uint64_t gla;
  /* EPTDIFF_ENGINE_PAGE_FAULT. */
  uint64_t cr2;
  uint32_t error_code;
  uint32_t reserved;
} eptdiff_engine_event;

/* Carries out an access to `gpa`, to which the guest translated request->gla:
 * sets accessed and dirty flags, logs, writes the #VE information area. If it
 * crosses a 4-KByte boundary it goes on at the next page of both. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_access(
    eptdiff_engine* engine, const eptdiff_engine_access_request* request,
    uint64_t gpa, eptdiff_engine_event* event);

/* The same by linear address, request->gla: through the guest's own tables
 * first, each entry through EPT. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_access_linear(
    eptdiff_engine* engine, const eptdiff_engine_access_request* request,
    eptdiff_engine_event* event);

/* The processor's own access to the guest paging-structure entry at `gpa`, on
 * its way to translate `gla`: it reads it, or (`update`) sets a flag in it, of
 * which nothing is stored here. PCD and PWT of what references the entry are
 * bits 1:0 of `pat_index`. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_access_structure(
    eptdiff_engine* engine, int update, uint64_t gpa, uint64_t gla,
    uint32_t pat_index, eptdiff_engine_event* event);

enum eptdiff_engine_register {
  EPTDIFF_ENGINE_CR0 = 0, /* MOV to CR0, CR3 (bit 63 as with PCIDs), CR4 */
  EPTDIFF_ENGINE_CR3 = 1,
  EPTDIFF_ENGINE_CR4 = 2,
  EPTDIFF_ENGINE_EFER = 3, /* WRMSR */
  EPTDIFF_ENGINE_PAT = 4,
  EPTDIFF_ENGINE_PKRS = 5,
  EPTDIFF_ENGINE_PKRU = 6,   /* WRPKRU, XRSTOR */
  EPTDIFF_ENGINE_RFLAGS = 7, /* POPF, STAC, CLAC */
  EPTDIFF_ENGINE_CPL = 8     /* a far transfer */
};

/* The guest gives a register a value; PDPTE registers are loaded where a MOV to
 * CR loads them. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_write_register(
    eptdiff_engine* engine, uint32_t reg, uint64_t value,
    eptdiff_engine_event* event);

/* VMFUNC with EAX and ECX; 0 is EPTP switching. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_vmfunc(eptdiff_engine* engine,
                                                uint32_t eax, uint32_t ecx,
                                                eptdiff_engine_event* event);

/* ------------------------------------------------------------- looking at it
 */

enum eptdiff_engine_entry_kind {
  EPTDIFF_ENGINE_NOT_PRESENT = 0,
  EPTDIFF_ENGINE_MISCONFIGURED = 1,
  EPTDIFF_ENGINE_TABLE = 2,
  EPTDIFF_ENGINE_LEAF = 3
};

/* An EPT entry. -1 where the machine gives a bit no meaning. */
typedef struct eptdiff_engine_entry {
  uint32_t size;
  uint8_t kind;            /* enum eptdiff_engine_entry_kind, of this level */
  uint8_t level;           /* 5 (PML5E) to 1 (PTE) */
  uint8_t page_shift;      /* of one that maps a page: 12, 21 or 30; else 0 */
  uint8_t read;            /* bit 0 */
  uint8_t write;           /* bit 1 */
  uint8_t execute;         /* bit 2; with MBEC: of supervisor-mode addresses */
  int8_t execute_for_user; /* bit 10, with MBEC */
  int8_t memory_type;      /* bits 5:3 of a leaf */
  int8_t ignore_pat;       /* bit 6 of a leaf */
  int8_t accessed;         /* bit 8, with EPTP bit 6 */
  int8_t dirty;            /* bit 9 of a leaf, with EPTP bit 6 */
  int8_t reserved;
  uint64_t value;
  uint64_t at;      /* host-physical, where the walk read it */
  uint64_t address; /* of the table or the page */
} eptdiff_engine_entry;

/* Takes apart an entry that a walk of this engine would read at `level`. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_decode_entry(
    const eptdiff_engine* engine, uint64_t value, uint32_t level,
    eptdiff_engine_entry* entry);

/* The entries that a walk for `gpa` reads, in memory as it is; nothing is
 * written, nothing that was kept is used. `entries` has room for 5, each with
 * its `size` set; *count is how many there are, the root's first. A gpa wider
 * than EPT translates (WALK-2) has none. EPTDIFF_ENGINE_NO_MEMORY if the next
 * entry lies where there is none: those before it are there. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_walk(eptdiff_engine* engine,
                                              uint64_t gpa,
                                              eptdiff_engine_entry* entries,
                                              size_t* count);

/* What decides, beside the value, which bits of the exit qualification of an
 * EPT violation are defined. */
#define EPTDIFF_ENGINE_ADVANCED_INFORMATION (1u << 0) /* capability bit 22 */
#define EPTDIFF_ENGINE_MBEC (1u << 1)
#define EPTDIFF_ENGINE_SHADOW_STACK_CONTROL (1u << 2) /* EPTP bit 7 */
/* "NMI exiting" is 0 or "virtual NMIs" is 1, and the IDT-vectoring information
 * field is not valid (28.2.3). */
#define EPTDIFF_ENGINE_NMI_UNBLOCKING (1u << 3)

/* Table 28-7. -1 where a bit is undefined. */
typedef struct eptdiff_engine_qualification {
  uint32_t size;
  int8_t read; /* bits 2:0 */
  int8_t write;
  int8_t fetch;
  int8_t readable; /* bits 6:3: what all entries allow */
  int8_t writable;
  int8_t executable;
  int8_t user_executable;
  int8_t gla_valid;         /* bit 7 */
  int8_t to_translation;    /* bit 8; 0: to a guest paging-structure entry */
  int8_t user_mode_address; /* bits 11:9 */
  int8_t read_write_page;
  int8_t execute_disable_page;
  int8_t nmi_unblocking;               /* bit 12 */
  int8_t shadow_stack_access;          /* bit 13 */
  int8_t supervisor_shadow_stack_page; /* bit 14 */
  int8_t verification;                 /* bit 15 */
  int8_t asynchronous;                 /* bit 16 */
  int8_t reserved[3];
} eptdiff_engine_qualification;

/* Takes apart the exit qualification of an EPT violation. `context`: some of
 * the four flags above. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_decode_qualification(
    uint64_t value, uint32_t context, eptdiff_engine_qualification* fields);

/* ------------------------------------------------- translations that are kept
 *
 * With cache_pages, accesses may complete by entries as they were, until what
 * the SDM says has to end them does (29.4): these, writes to registers, EPT
 * violations, page faults and VM transitions without VPIDs. Without, they say
 * what becomes of the instruction and end nothing. */

/* VM entry with this machine: EPTDIFF_ENGINE_COMPLETED, and the engine goes on
 * with it; or one of the two failures, and it stays what it was. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_enter(
    eptdiff_engine* engine, const eptdiff_engine_machine* machine,
    eptdiff_engine_event* event);
/* A VM exit that no access gave. */
EPTDIFF_ENGINE_EXPORT void eptdiff_engine_exit(eptdiff_engine* engine);

/* Software's. `type` is the register operand; of the descriptor `eptp`, or
 * `descriptor` (the VPID, and above it what is reserved) and `gla`. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_invept(eptdiff_engine* engine,
                                                uint64_t type, uint64_t eptp,
                                                eptdiff_engine_event* event);
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_invvpid(eptdiff_engine* engine,
                                                 uint64_t type,
                                                 uint64_t descriptor,
                                                 uint64_t gla,
                                                 eptdiff_engine_event* event);
/* The guest's, at CPL 0. */
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_invlpg(eptdiff_engine* engine,
                                                uint64_t gla,
                                                eptdiff_engine_event* event);
EPTDIFF_ENGINE_EXPORT int eptdiff_engine_invpcid(eptdiff_engine* engine,
                                                 uint64_t type,
                                                 uint64_t descriptor,
                                                 uint64_t gla,
                                                 eptdiff_engine_event* event);
/* Drops everything that is kept: the processor has been reset. */
EPTDIFF_ENGINE_EXPORT void eptdiff_engine_clear_cache(eptdiff_engine* engine);

#ifdef __cplusplus
}
#endif

#endif /* EPTDIFF_ENGINE_C_EPTDIFF_ENGINE_H_ */
