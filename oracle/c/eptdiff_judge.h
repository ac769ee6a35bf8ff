/* The reference's judgement for C: is this answer to an access permitted by the
 * SDM, and if not, by which rule?
 *
 *   eptdiff_judge_create(&judge);
 *   eptdiff_judge_ask(judge, &question, &memory);         in memory as it was
 *   eptdiff_judge_answer(judge, &answer, stores, 2, NULL, &finding);
 *   if (!finding.permitted) puts(finding.rule);           "CFG-9"
 *
 * Questions and answers are those of oracle/target/eptdiff_target.h, which says
 * what their fields mean: what `eptdiff check` puts to a walker, a fuzzer or a
 * debugger of one's own can put to both. C99, also C++; link -leptdiff_judge
 * (pkg-config eptdiff-judge, CMake's eptdiff::judge). examples/ beside it has
 * it in C, Python and Rust.
 *
 * One step is judged at a time, in the state that the question and the memory
 * are, by what memory has: who keeps translations is judged by `eptdiff check`
 * (EPTDIFF_MODELS_CACHES). Steps that begin to matter only over time, INVEPT
 * and its kin, are judged by whether they are refused.
 *
 * Versions, as of eptdiff_engine.h: EPTDIFF_JUDGE_ABI is in the name of the
 * library's file and in its symbols, and changes when something here, or of
 * what is used of eptdiff_target.h, changes its meaning. Structures grow at
 * their end only, and begin with `size`, which the caller sets to its sizeof.
 *
 * Errors. Nothing is printed, nothing ends the process, no exception comes out.
 * Pointers must be valid; where NULL means something, it says so.
 *
 * Threads: a judge is used by one thread at a time; several know nothing of one
 * another. What it says in words is constant and lives as long as the library.
 */
#ifndef EPTDIFF_ORACLE_C_EPTDIFF_JUDGE_H_
#define EPTDIFF_ORACLE_C_EPTDIFF_JUDGE_H_

#include <stddef.h>
#include <stdint.h>

#include "oracle/target/eptdiff_target.h"

#define EPTDIFF_JUDGE_ABI 1

#if defined(__GNUC__)
#define EPTDIFF_JUDGE_EXPORT __attribute__((visibility("default")))
#else
#define EPTDIFF_JUDGE_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eptdiff_judge eptdiff_judge;

enum eptdiff_judge_status {
  EPTDIFF_JUDGE_DONE = 0,
  /* The SDM says nothing of what then happens: a word of memory is two things
   * at once, one of them written (ALIAS-1), and the like. */
  EPTDIFF_JUDGE_UNDEFINED = 1,
  /* No processor can be asked this: eptdiff_judge_why() says why. */
  EPTDIFF_JUDGE_CALLER_ERROR = 2,
  /* It depends on what nobody here models: eptdiff_judge_why() names it. */
  EPTDIFF_JUDGE_NOT_MODELLED = 3,
  /* A structure too small, a number out of its range. */
  EPTDIFF_JUDGE_BAD_ARGUMENT = 4,
  /* The answer means nothing: an event that cannot follow, a number of
   * translations that the access cannot have ... eptdiff_judge_why() says. */
  EPTDIFF_JUDGE_BAD_ANSWER = 5,
  EPTDIFF_JUDGE_NOTHING_ASKED = 6, /* no question was judged before */
  EPTDIFF_JUDGE_OUT_OF_MEMORY = 7  /* of this process */
};

/* Host-physical memory before the step: a flat image, or a callback if `image`
 * is NULL. What is in neither reads as 0. */
typedef struct eptdiff_judge_memory {
  uint32_t size;
  uint32_t reserved;
  /* `image_bytes` bytes, 8-byte aligned; the first has the host-physical
   * address `first`, a multiple of 8. */
  const void* image;
  uint64_t image_bytes;
  uint64_t first;
  /* The word at an 8-byte aligned address. */
  void* context;
  uint64_t (*load)(void* context, uint64_t address);
} eptdiff_judge_memory;

/* A word of memory that a step changed, and its value after it. */
typedef struct eptdiff_judge_store { /* never grows */
  uint64_t address;                  /* 8-byte aligned */
  uint64_t value;
} eptdiff_judge_store;

/* More words than this no step changes. */
#define EPTDIFF_JUDGE_MAX_STORES 157

typedef struct eptdiff_judge_finding {
  uint32_t size;
  uint32_t permitted; /* 1 or 0; of the rest, `rule` to `level` say what decided
                         what is permitted */
  const char* rule;   /* "CFG-9", an identifier that never changes */
  const char* section; /* where the SDM has it: "table 29-5" */
  const char* words;   /* the rule in a sentence */
  uint32_t level; /* of the entry concerned: 5 (PML5E) to 1 (PTE); 0: none */
  /* Of an answer that is not permitted: the first field in which it differs
   * from the alternative that it agrees with longest. */
  uint32_t bit;      /* of "qualification", "error-code", "memory" */
  const char* field; /* "event", "exit-reason", "qualification" ... */
  uint64_t expected; /* the field's values; of a bit, 0 or 1 */
  uint64_t given;
  uint64_t word; /* "memory": its address */
} eptdiff_judge_finding;

/* EPTDIFF_JUDGE_ABI of the library, and its version in words: "0.1.0". */
EPTDIFF_JUDGE_EXPORT uint32_t eptdiff_judge_abi(void);
EPTDIFF_JUDGE_EXPORT const char* eptdiff_judge_version(void);

/* A judge takes some hundred KBytes. *judge is NULL if there is none. */
EPTDIFF_JUDGE_EXPORT int eptdiff_judge_create(eptdiff_judge** judge);
/* NULL is none. */
EPTDIFF_JUDGE_EXPORT void eptdiff_judge_destroy(eptdiff_judge* judge);

/* Judges a step: what may become of it. EPTDIFF_STEP_VM_ENTRY asks whether VM
 * entry accepts the question's controls and guest. Both arguments may change as
 * soon as it returns. */
EPTDIFF_JUDGE_EXPORT int eptdiff_judge_ask(eptdiff_judge* judge,
                                           const eptdiff_question* question,
                                           const eptdiff_judge_memory* memory);

/* An answer to what was asked last that says nothing yet: all 0, but registers
 * as they were before the step. Nothing, if nothing was judged. */
EPTDIFF_JUDGE_EXPORT int eptdiff_judge_answer_init(const eptdiff_judge* judge,
                                                   eptdiff_answer* answer,
                                                   size_t size);

/* Whether `answer` to what was asked last is permitted, with these words of
 * memory, in whatever order, and no others changed. `profile` says which fields
 * are compared (fills, *_left_out); NULL: EPTDIFF_FILLS_ALL. */
EPTDIFF_JUDGE_EXPORT int eptdiff_judge_answer(eptdiff_judge* judge,
                                              const eptdiff_answer* answer,
                                              const eptdiff_judge_store* stores,
                                              size_t store_count,
                                              const eptdiff_profile* profile,
                                              eptdiff_judge_finding* finding);

/* How many alternatives the SDM permits as a whole, nearly always one; 0 if
 * nothing was judged. */
EPTDIFF_JUDGE_EXPORT size_t
eptdiff_judge_alternatives(const eptdiff_judge* judge);

/* One of them: an answer that fits it, in which what is undefined is 0 and what
 * need not be stored is not. `stores` has room for EPTDIFF_JUDGE_MAX_STORES;
 * *store_count is how many there are, in ascending order of address. */
EPTDIFF_JUDGE_EXPORT int eptdiff_judge_alternative(
    const eptdiff_judge* judge, size_t which, eptdiff_answer* answer,
    eptdiff_judge_store* stores, size_t* store_count,
    eptdiff_judge_finding* decided);

/* Why the last eptdiff_judge_ask() or eptdiff_judge_answer() did not return
 * EPTDIFF_JUDGE_DONE; "" where its status says it all. */
EPTDIFF_JUDGE_EXPORT const char* eptdiff_judge_why(const eptdiff_judge* judge);

#ifdef __cplusplus
}
#endif

#endif /* EPTDIFF_ORACLE_C_EPTDIFF_JUDGE_H_ */
