/* Bring your own code that *builds* EPT: what eptdiff asks of it, and what it
 * lends to it.
 *
 * The sibling of eptdiff_target.h, which is for code that walks; C99, also C++;
 * copy both into your project. Your code defines
 *
 *   eptdiff_builder_describe   which operations it has
 *   eptdiff_builder_create     an empty table
 *   eptdiff_builder_perform    one operation on it
 *   eptdiff_builder_list       optional: what is mapped
 *   eptdiff_builder_read       optional: a word of its tables
 *   eptdiff_builder_exit       optional: what a processor exited for
 *   eptdiff_builder_view       with `views`: the EPTP of another table
 *   eptdiff_builder_destroy    gives everything back
 *
 * and stands, once, in one of its source files:
 *
 *   EPTDIFF_BUILDER_DEFINE_ABI;
 *
 * Build it as a shared object, and `eptdiff check ./libmine.so` puts operations
 * to it and looks at every store, frame and INVEPT. README.md beside this
 * header is the guide, and examples/engine_builder.cc a builder.
 *
 * What is judged. After each single store to a linked table every page is the
 * old one or the new one; nothing else changes. No entry is an EPT
 * misconfiguration. A table is complete before it is linked. Accessed and dirty
 * flags that a processor sets meanwhile are kept, also those that it sets
 * between a load of an entry and the store to it. INVEPT follows the last
 * change that needs it (29.4.3.4), before any frame is freed that was linked,
 * and names the table's EPTP. Whatever is linked no more is freed, once. What
 * is refused changes nothing, and what need not be refused is done.
 *
 * A builder may fill its tables when processors need them (`on_demand`), and
 * may log which pages the guest writes to (EPTDIFF_LOG_ON): no write may be
 * missed then, whatever the processor does meanwhile, and none told that was
 * not made.
 *
 * A builder may have several tables (`views`), as for VMFUNC or for monitoring.
 * Each logical processor runs in one of them at a time, in the first at first,
 * and changes over to another without an exit; what it has cached of the others
 * it still has when it comes back. Frames may be shared among them as you like:
 * what counts is what each of them maps. An operation is about one of them, and
 * changes no page of another. INVEPT is due for the EPTP of each in which an
 * entry changes that needs it, shared tables included (or all-contexts, once);
 * a frame may be freed when none of them links it any more. What the guest
 * writes to is logged once, for all of them: EPTDIFF_LOG_ON has it.
 *
 * If the guest is stopped while tables change (`guest_stopped` in the profile)
 * only the table before and the table after an operation are judged.
 *
 * Between the operations a guest accesses what is mapped, on several logical
 * processors, each of which forgets nothing before it has to.
 *
 * Versions, structures and threads: as eptdiff_target.h has it. There is one
 * builder at a time.
 */
#ifndef EPTDIFF_BUILDER_H_
#define EPTDIFF_BUILDER_H_

#include "eptdiff_target.h"

#define EPTDIFF_BUILDER_ABI 1

#ifdef __cplusplus
extern "C" {
#endif

/* Which version of this header a builder was compiled with. */
extern EPTDIFF_TARGET_EXPORT const uint32_t eptdiff_builder_abi;
#define EPTDIFF_BUILDER_DEFINE_ABI \
  const uint32_t eptdiff_builder_abi = EPTDIFF_BUILDER_ABI

/* ---------------------------------------------------------- the operations */

/* Regions are `bytes` from `gpa` on. A page of which an operation on a region
 * concerns a part is split. Bits 11, 56:52, 59 and 62, which no processor looks
 * at, are a page's own once it is mapped: REMAP, PROTECT and PROTECT_REGION
 * leave them as they are, whatever `flags` says (yours does otherwise: clear
 * them in `leaf_flags` of the profile). Of accessed and dirty PROTECT and
 * PROTECT_REGION can only set some. */
enum eptdiff_builder_kind {
  EPTDIFF_MAP = 0,     /* a page of `level` at `gpa`, to `hpa`, with `flags` */
  EPTDIFF_UNMAP = 1,   /* the page that begins at `gpa` */
  EPTDIFF_REMAP = 2,   /* the page that begins at `gpa`: to `hpa`, `flags` */
  EPTDIFF_PROTECT = 3, /* the page that begins at `gpa`: `flags` */
  EPTDIFF_SPLIT = 4,   /* it, into 512 pages of the next smaller size */
  /* With the largest pages that the alignment of both addresses, the processor,
   * the flags and `level` allow; refused where anything is mapped already. */
  EPTDIFF_MAP_REGION = 5,
  EPTDIFF_UNMAP_REGION = 6,   /* whatever is mapped there */
  EPTDIFF_PROTECT_REGION = 7, /* whatever is mapped there: `flags` */
  /* Large pages of 512 smaller ones wherever all of these lie in the region, in
   * order, and differ in accessed and dirty at most. */
  EPTDIFF_MERGE_REGION = 8,
  /* Clears `flags`, of accessed and dirty (300H), in each page that lies in the
   * region at least in part. */
  EPTDIFF_CLEAR_FLAGS = 9,
  /* Of a builder that logs which pages the guest writes to, as live migration
   * needs it. Between LOG_ON and LOG_OFF LOG_ASK calls `written` of the host
   * for the pages in the region that the guest has written to since LOG_ON, or
   * since LOG_CLEAR has told of them, which does the same and forgets it. What
   * is written while such an operation runs it may tell, or the next one does.
   * Told are pages of 4 KBytes, or whole pages as the tables have them. A page
   * that has been unmapped or mapped anew since may be told or not. While it is
   * off nothing is told. LOG_ON where it is on, and LOG_OFF where it is off,
   * change nothing. Dirty flags are the builder's own while it logs.
   *
   * With `views` there is one log for the guest: a page is told that it has
   * written to in any of them, by its guest-physical address, and LOG_ON,
   * LOG_OFF and LOG_CLEAR are for all of them: what is forgotten is told again
   * once it is written to in whichever. What has been written to in one view
   * may go from another, and is told. `view` is EPTDIFF_ALL_VIEWS then,
   * whatever `all_views` says, and 0 without `views`. */
  EPTDIFF_LOG_ON = 10,
  EPTDIFF_LOG_OFF = 11,
  EPTDIFF_LOG_ASK = 12,
  EPTDIFF_LOG_CLEAR = 13
};

typedef struct eptdiff_builder_operation {
  uint32_t size;  /* of this structure, set by the harness */
  uint32_t kind;  /* enum eptdiff_builder_kind */
  uint32_t level; /* 1, 2, 3: of a 4-KByte, 2-MByte, 1-GByte page */
  /* Which of the tables it is about: 0 is the first; or, of a region, if the
   * profile has `all_views`, EPTDIFF_ALL_VIEWS: each of them, and what speaks
   * against it in one speaks against it. */
  uint32_t view;
  uint64_t gpa;
  uint64_t hpa;
  uint64_t bytes;
  /* Bits of a leaf as they lie in the entry, save address and bit 7. Accessed
   * and dirty: a processor's are kept beside them. */
  uint64_t flags;
} eptdiff_builder_operation;

#define EPTDIFF_ALL_VIEWS UINT32_C(0xffffffff)

/* What operations come to. Where several reasons speak against an operation,
 * each of them will do. */
enum eptdiff_builder_result {
  EPTDIFF_DONE = 0,
  EPTDIFF_MISALIGNED = 1,   /* an address or a size, or a size of 0 */
  EPTDIFF_OUT_OF_RANGE = 2, /* beyond the page-walk length or MAXPHYADDR */
  EPTDIFF_OVERLAP = 3,      /* something is mapped there already */
  EPTDIFF_NOT_MAPPED = 4,   /* nothing is mapped there */
  EPTDIFF_NO_FRAMES = 5,    /* `allocate` has no frame left */
  /* Processor or controls do not have it: execute-only pages without the
   * capability; pages of 2 MBytes without it; pages of 1 GByte without it, or
   * without that of 2 MBytes, since they could not be split; bits 57, 58, 60 or
   * 61 of `flags` without the controls that give them a meaning, or bit 10
   * without bit 2 if it is ignored; bit 61 in a page that is not of 4 KBytes;
   * SPLIT of one that is. */
  EPTDIFF_UNSUPPORTED = 6,
  EPTDIFF_NO_ACCESS = 7,     /* the entry would not be present */
  EPTDIFF_MISCONFIGURED = 9, /* it would be an EPT misconfiguration */
  EPTDIFF_BAD_CONTROLS = 10, /* create: VM entry would refuse them */
  /* Any operation: the builder has no such thing, and has changed nothing. No
   * mistake, whatever was asked for; the report says in how many cases. */
  EPTDIFF_DECLINED = 11
};

/* ------------------------------------------------------------- the profile */

#define EPTDIFF_OPERATION(kind) (1u << (kind))
#define EPTDIFF_ALL_OPERATIONS ((1u << 10) - 1) /* but for these: */
#define EPTDIFF_LOG_OPERATIONS (15u << 10)
#define EPTDIFF_REFUSAL(result) (1u << (result))
#define EPTDIFF_ALL_REFUSALS                                                   \
  (EPTDIFF_REFUSAL(EPTDIFF_MISALIGNED) |                                       \
   EPTDIFF_REFUSAL(EPTDIFF_OUT_OF_RANGE) | EPTDIFF_REFUSAL(EPTDIFF_OVERLAP) |  \
   EPTDIFF_REFUSAL(EPTDIFF_NOT_MAPPED) | EPTDIFF_REFUSAL(EPTDIFF_NO_FRAMES) |  \
   EPTDIFF_REFUSAL(EPTDIFF_UNSUPPORTED) | EPTDIFF_REFUSAL(EPTDIFF_NO_ACCESS) | \
   EPTDIFF_REFUSAL(EPTDIFF_MISCONFIGURED) |                                    \
   EPTDIFF_REFUSAL(EPTDIFF_BAD_CONTROLS))

/* INVEPT where no change needs it, or more than once in an operation; ... */
#define EPTDIFF_WAIVES_NEEDLESS_INVEPT (1u << 0)
#define EPTDIFF_WAIVES_REPEATED_INVEPT (1u << 1)
/* ... empty tables stay linked; a page is absent for a while as it changes. */
#define EPTDIFF_WAIVES_EMPTY_TABLES (1u << 2)
#define EPTDIFF_WAIVES_BREAK_BEFORE_MAKE (1u << 3)
/* Of an operation for which frames run out what was done until then stays done;
 * or pages that were mapped are gone after it. */
#define EPTDIFF_WAIVES_PARTIAL_SUCCESS (1u << 4)
#define EPTDIFF_WAIVES_LOSS_ON_FAILURE (1u << 5)
/* Any page may go in any operation, as in tables that are filled on demand. */
#define EPTDIFF_WAIVES_LOSSY_TABLES (1u << 6)

/* Of `identity_maps`. */
#define EPTDIFF_IDENTITY_HALF 1
#define EPTDIFF_IDENTITY_ALWAYS 2

typedef struct eptdiff_builder_profile {
  uint32_t size; /* of this structure, set by the harness */
  /* EPTDIFF_OPERATION(kind) of each operation that it has; 0 at first. Others
   * are not asked for. */
  uint32_t operations;
  /* EPTDIFF_REFUSAL(result) of each reason for which it refuses; 0 at first.
   * What would have to be refused for another reason is not asked for, and the
   * report says what that was. Without EPTDIFF_NO_FRAMES `allocate` fails in no
   * case that is judged. */
  uint32_t refusals;
  /* EPTDIFF_WAIVES_*: what it does on purpose, and is no finding; the report
   * says that it was seen. 0 at first. */
  uint32_t waives;
  /* EPTDIFF_MODELS_*, of which those count that change entries or EPTP:
   * 4_LEVELS, 5_LEVELS, ACCESSED_DIRTY, MBEC, SPP, VE, SHADOW_STACK_CONTROL,
   * PAGING_WRITE. 0 at first. */
  uint64_t models;
  /* As in eptdiff_profile; clear bit 17 of capabilities_set, say, if it never
   * makes 1-GByte pages. */
  uint64_t capabilities_set;
  uint64_t capabilities_clear;
  uint8_t min_maxphyaddr;
  uint8_t max_maxphyaddr;
  /* Not 0: an entry that maps nothing holds whatever word it likes that is not
   * present, such as one that leads nowhere, for processors that speculate
   * beyond it; with bit 63 set if it is in `unused` below. */
  uint8_t any_unused_word;
  /* Not 0: it tells `removed` of the host what operations take away. */
  uint8_t shows_removed;
  /* Not 0: while a function of this builder runs no processor uses the table.
   * The guest does not run yet, or all of its processors are stopped and run on
   * only after the function has returned. Nothing is said then of the order of
   * stores and of releasing frames, and no store has to be told to `stored`;
   * what counts is what the table is when the function returns, and that INVEPT
   * has been executed in it, at any time, if some entry changed that needs it.
   */
  uint8_t guest_stopped;
  /* Bit n: it makes pages of memory type n (0 UC, 1 WC, 4 WT, 5 WP, 6 WB); all
   * at first. It is asked for no other. */
  uint8_t memory_types;
  /* Not 0: it casts addresses of frames to pointers, and pointers to addresses,
   * as code does whose memory is mapped one to one. Frames lie there then, from
   * 40000000H on. */
  uint8_t casts_addresses;
  /* Not 0: eptdiff_builder_perform may be entered by several threads at once.
   * Some operations are then run beside one another, and come to what one after
   * the other would, in either order; `pause` of the host is for its locks.
   * With `views` they may be about different ones, and it is the same order in
   * all of them. */
  uint8_t several_threads;
  char name[32]; /* as in eptdiff_profile */
  /* The bits of a leaf that it can be asked for, of `flags` of an operation;
   * all at first. Clear those that its interface has no word for, such as 6
   * (ignore PAT) and the ignored ones. They are 0 then in what is asked, and
   * where processors ignore them, in entries, they are its own affair. */
  uint64_t leaf_flags;
  /* Bits of a leaf that are 1 whatever it is asked for, such as 1 (always
   * readable) or 7 (all rights, always): they are 1 then in what is asked. */
  uint64_t always_flags;
  /* Entries whose bits of `trap_mask` are those of `trap_value` map nothing,
   * whatever else is in them: misconfigurations on purpose, such as a page that
   * can be written and not be read, or words that carry data. A mask of 0:
   * there are none. */
  uint64_t trap_mask;
  uint64_t trap_value;
  /* Of regions that it is asked for; 0: any. */
  uint64_t max_bytes;
  /* Bits of guest-physical addresses that it is asked for; 0: all. */
  uint8_t gpa_width;
  /* Not 0: MAP and MAP_REGION put pages there whatever is mapped already: that
   * is replaced, split and freed as need be, and EPTDIFF_OVERLAP is no reason
   * to refuse. */
  uint8_t map_replaces;
  /* EPTDIFF_IDENTITY_*: guest-physical addresses are mapped to the same
   * host-physical ones half of the time, or always; 0: not on purpose. */
  uint8_t identity_maps;
  /* Not 0: eptdiff_builder_create maps something already. What that is is what
   * its tables say. */
  uint8_t begins_mapped;
  /* Not 0: tables are filled when processors need them. Whatever is mapped may
   * be absent in them, or have fewer rights, at any time: an access that finds
   * it so is an exit, and eptdiff_builder_exit sees to it that it proceeds.
   * Operations then say what may be mapped. It has to have that function, and
   * none of the operations on one page but MAP. */
  uint8_t on_demand;
  /* Frames that it may keep for later, in no table and no log: more than that
   * is a leak. They become other tables after INVEPT, as if they had been
   * released. */
  uint8_t spare_frames;
  /* Frames that it has at most at a time, the root, logs and spare ones among
   * them; 0: as many as `allocate` gives, as is so, too, where these are more
   * than EPTDIFF_BUILDER_FRAMES. EPTDIFF_NO_FRAMES is then right, whatever
   * `allocate` says, where the tables and logs that there are and the tables
   * that the operation makes come to more: one at each place of the region
   * where there is none and no large page can be; or, if it is about the log,
   * at each place where something is mapped and there is none, and a frame for
   * each processor. With `views` a table that is there may have to be copied.
   */
  uint16_t frames;
  /* How many tables it has beside the first: at most 3. It has to have
   * eptdiff_builder_view. Accessed and dirty flags are those of a table's
   * entries, whichever views share it: what sets, clears or keeps them does so
   * for all of these. */
  uint8_t views;
  /* Not 0: operations on regions may be for all views. `removed` is not looked
   * at then. */
  uint8_t all_views;
  /* Frames that it has beside each table, for what it keeps of that, as where
   * tables are allocated in pairs: in no table and no log, and released with
   * it. Of `frames` each table takes as many more. */
  uint8_t companion_frames;
} eptdiff_builder_profile;

/* ---------------------------------------------------------------- the host */

/* Frames that may be allocated at a time, the root among them: `allocate` fails
 * beyond, and before that where 2^MAXPHYADDR is reached, or now and then. */
#define EPTDIFF_BUILDER_FRAMES 96

/* What a builder lives on. Pass `context` on. Frames hold 512 words, are given
 * out with any contents, and lie below 2^MAXPHYADDR; none is at 0. Words lie at
 * 8-byte aligned addresses in frames that are allocated. */
typedef struct eptdiff_host {
  uint32_t size; /* of this structure, set by the harness */
  /* Logical processors, numbered from 0: all of them use the table at all
   * times, and each has caches of its own. 0 in hosts that do not tell. */
  uint32_t processors;
  void* context;
  /* 1 with the frame's address in *frame; 0: there is none. */
  int (*allocate)(void* context, uint64_t* frame);
  /* No processor can walk it any more: INVEPT has been executed. */
  void (*release)(void* context, uint64_t frame);
  uint64_t (*load)(void* context, uint64_t address);
  void (*store)(void* context, uint64_t address, uint64_t value);
  /* Stores `desired` if the word is `expected`; returns whether it did. The way
   * to change a linked leaf in which processors set flags. */
  int (*compare_exchange)(void* context, uint64_t address, uint64_t expected,
                          uint64_t desired);
  /* INVEPT with this EPTP, of whichever type the processor has, on every
   * logical processor that may have used the table; returns when all have done
   * so. */
  void (*invept)(void* context, uint64_t eptp);
  /* For code that uses tables through pointers: where the frame's 512 words
   * are, 4-KByte aligned, null if it is not allocated; and what it has to call
   * after each single store through such a pointer, with what the word was and
   * is. */
  uint64_t* (*pointer)(void* context, uint64_t frame);
  void (*stored)(void* context, uint64_t address, uint64_t before,
                 uint64_t after);
  /* With `shows_removed` in the profile: each page, or part of one, that an
   * operation takes away, in any order, before the operation returns: what
   * EPTDIFF_UNMAP and EPTDIFF_UNMAP_REGION remove, what EPTDIFF_REMAP replaces,
   * and whole pages in which EPTDIFF_CLEAR_FLAGS clears something. With the
   * flags of its entry as they were at last, accessed and dirty above all: a
   * processor sets these, in tables that are linked no more as well, until
   * INVEPT. */
  void (*removed)(void* context, uint64_t gpa, uint64_t hpa, uint64_t bytes,
                  uint64_t flags);
  /* For code that stores through pointers: what it may call just before a store
   * to the word at `address`, or an attempt at one, when it has loaded what it
   * makes that of. A processor may come in then, as it may at `store` and
   * `compare_exchange`, and set flags in the word. Call it where `size` says
   * that it is there. */
  void (*before_store)(void* context, uint64_t address);
  /* INVEPT as it is, for code that shoots down by itself: on one logical
   * processor, with a type (1 single-context, 2 all contexts) and both
   * quadwords of the descriptor. 0; or 1 where it fails, and invalidates
   * nothing: a type that the processor does not have (bits 25 and 26 of
   * IA32_VMX_EPT_VPID_CAP; one of them may be 0), an EPTP that VM entry would
   * refuse. A second quadword that is not 0 may make it fail: here it
   * does. */
  int (*invept_on)(void* context, uint32_t processor, uint64_t type,
                   const uint64_t descriptor[2]);
  /* Asks a processor for it, by an interrupt or by what it looks at before it
   * enters the guest, and returns at once. It has been executed once
   * `await_invept` has returned, for all that were asked, or `leave_guest` for
   * that one, which enters again after that; and not for sure before. */
  void (*ask_invept)(void* context, uint32_t processor, uint64_t type,
                     const uint64_t descriptor[2]);
  void (*await_invept)(void* context);
  void (*leave_guest)(void* context, uint32_t processor);
  /* INVVPID, likewise (types 0 to 3, the VPID in the first quadword of the
   * descriptor and a linear address in the second): it ends what is kept of
   * linear addresses, and no guest-physical mappings (29.4.3.1). It is enough
   * for no change of EPT. Type t fails without bit 40 + t of
   * IA32_VMX_EPT_VPID_CAP, and so does VPID 0000H, save in type 2. */
  int (*invvpid_on)(void* context, uint32_t processor, uint64_t type,
                    const uint64_t descriptor[2]);
  /* Memory that the guest had may be given to somebody else from now on: the
   * entries that mapped it do no more, and INVEPT has been executed since. To
   * be called for what is unmapped, if it is your code that knows when. */
  void (*page_released)(void* context, uint64_t hpa, uint64_t bytes);
  /* With `several_threads` in the profile: to be called in the loop that waits
   * for a lock, or for whatever another thread of the builder will do. Threads
   * run in turns, which change at loads and stores: without this the one that
   * waits waits for ever. */
  void (*pause)(void* context);
  /* In EPTDIFF_LOG_ASK and EPTDIFF_LOG_CLEAR: pages that were written to. */
  void (*written)(void* context, uint64_t gpa, uint64_t bytes);
  /* VMREAD and VMWRITE on a logical processor, by the field's encoding
   * (appendix B), of what page-modification logging takes (29.3.6): the PML
   * index (812H), the PML address (200EH), and of the secondary controls
   * (401EH) bit 17. And VMREAD of EPTP (201AH), which VMFUNC changes. 0; or 1
   * for another field, and for what VM entry would refuse. A log is a frame
   * that is allocated, and is not released while the processor logs to it. The
   * last processor's is full as soon as something is logged in it, for it logs
   * that for each entry that is left. */
  int (*vmread)(void* context, uint32_t processor, uint32_t field,
                uint64_t* value);
  int (*vmwrite)(void* context, uint32_t processor, uint32_t field,
                 uint64_t value);
} eptdiff_host;

/* Whether a host has a function that an older one lacks. */
#define EPTDIFF_HOST_HAS(host, function) \
  ((host)->size >= offsetof(eptdiff_host, function) + sizeof((host)->function))

/* ----------------------------------------------------------- the functions */

EPTDIFF_TARGET_EXPORT void eptdiff_builder_describe(
    eptdiff_builder_profile* profile);

/* An empty table (save with `begins_mapped`): its root is the first frame that
 * is allocated. Of `machine` the processor and the controls count; EPTP there
 * has everything but the address. `unused` is what an entry holds that maps
 * nothing: 0, or bit 63 alone where "EPT-violation #VE" is 1. `host` stays as
 * it is until eptdiff_builder_destroy has returned. In *eptp goes the EPTP for
 * the VMCS: the machine's, with the root's address. EPTDIFF_DONE,
 * EPTDIFF_NO_FRAMES, EPTDIFF_BAD_CONTROLS.
 *
 * It may come while there is a table: that one has been given up. Forget it,
 * with its host, and call nothing of it. So may the end of the process, where
 * the host is gone: no destructor of a static object and no function of
 * atexit() may call it. */
EPTDIFF_TARGET_EXPORT int eptdiff_builder_create(
    const eptdiff_question* machine, uint64_t unused, const eptdiff_host* host,
    uint64_t* eptp);

/* enum eptdiff_builder_result. */
EPTDIFF_TARGET_EXPORT int eptdiff_builder_perform(
    const eptdiff_builder_operation* operation);

/* With `views` in the profile, once eptdiff_builder_create has returned
 * EPTDIFF_DONE: in *eptp the EPTP of the table with this number, 1 to `views`,
 * the machine's with its root's address. It is there, and empty, and stays
 * until eptdiff_builder_destroy. */
EPTDIFF_TARGET_EXPORT void eptdiff_builder_view(uint32_t view, uint64_t* eptp);

/* Optional. Calls `visit` for each page that is mapped, in the first table, in
 * order, with its size in bytes and its entry's flags. */
EPTDIFF_TARGET_EXPORT void eptdiff_builder_list(
    void (*visit)(void* context, uint64_t gpa, uint64_t hpa, uint64_t bytes,
                  uint64_t flags),
    void* context);

/* Optional: for a builder whose tables do not come from `allocate`, and that
 * announces nothing: a static block, a pool, what the caller has given to it.
 * The word at `address`, as processors see it, of a root or of a table that an
 * entry leads to. Of the host it then needs the functions for INVEPT alone.
 * The guest is stopped (`guest_stopped`) in its functions; what its tables are
 * when one returns is looked at, and where it has no table left is for it to
 * know: without `frames` EPTDIFF_NO_FRAMES may come at any time. */
EPTDIFF_TARGET_EXPORT uint64_t eptdiff_builder_read(uint64_t address);

/* A VM exit of a processor that uses the table: an EPT violation (48), an EPT
 * misconfiguration (49), a page-modification log that is full (62). */
typedef struct eptdiff_builder_exit_information {
  uint32_t size; /* of this structure, set by the harness */
  uint32_t processor;
  uint32_t reason;
  uint32_t view;          /* the table in which it runs */
  uint64_t qualification; /* of 48 and 62 */
  uint64_t gpa;           /* guest-physical address, of 48 and 49 */
} eptdiff_builder_exit_information;

enum eptdiff_builder_exit_result {
  EPTDIFF_RETRY = 0, /* the access can be done again, and proceeds */
  /* What was asked for does not allow it: nothing is mapped there, or without
   * the right; which right that is 49 does not tell, and the next exit does. */
  EPTDIFF_NOT_OURS = 1,
  EPTDIFF_EXIT_NO_FRAMES = 2 /* `allocate` has failed */
};

/* Optional: what is done for an exit, which ends when this returns. An access
 * that was asked for proceeds after some exits of this kind, of which each
 * brings it on: EPTDIFF_BUILDER_EXITS at most. */
#define EPTDIFF_BUILDER_EXITS 16
EPTDIFF_TARGET_EXPORT int eptdiff_builder_exit(
    const eptdiff_builder_exit_information* exit);

/* Unmaps everything and frees all frames, the root last or first, after INVEPT
 * if anything was mapped. */
EPTDIFF_TARGET_EXPORT void eptdiff_builder_destroy(void);

#ifdef __cplusplus
}
#endif

#endif /* EPTDIFF_BUILDER_H_ */
