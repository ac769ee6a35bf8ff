/* Xen's walk of a guest's tables, where it emulates an instruction of the guest
 * or copies from and to its memory.
 *
 * Judged: hap_gva_to_gfn_*() of mm/hap/guest_walk.c and all of mm/guest_walk.c
 * (accessed and dirty flags as well), for 32-bit, PAE and 4-level paging.
 *
 * Stubbed: the host's p2m, by which Xen finds the guest's memory: here that is
 * the case's EPT, with a walker of ours (examples/simple_walker.c), for each
 * table and for the page in the end. What that refuses is the answer. The tables
 * are copies; entries that Xen has changed are put back by compare-exchange,
 * from the root on, where EPT lets them be written. PDPTEs are the registers':
 * Xen reads them from memory. RDPKRU.
 *
 * Where another processor changes an entry between Xen's load and its
 * compare-exchange, Xen leaves the entry as it is, and the access goes on: a
 * write may leave the dirty flag clear (SDM 3A 4.8). Here it walks once more
 * then, as if that had come first: what is left to chance hides the rest.
 *
 * Not judged: exit qualifications, memory types and the offset of the
 * guest-physical addresses of exits, which are none of Xen's here; 5-level
 * paging, shadow stacks, supervisor protection keys, LAM, which Xen does not
 * offer; accesses that cross pages, which Xen takes apart before. */
#include "guest_walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Half of it: the walk of EPT. */
#define eptdiff_target_answer simple_answer
#define eptdiff_target_describe simple_describe
#include "oracle/target/examples/simple_walker.c"
#undef eptdiff_target_answer
#undef eptdiff_target_describe

#define CR0_PG 0x80000000u
#define CR4_PAE 0x20u
#define CR4_PKS (1u << 24)
#define CR4_CET (1u << 23)
#define EFER_LMA 0x400u

/* A frame that Xen has mapped. */
struct mapped {
  uint64_t gpa;
  uint64_t hpa;
  uint64_t before[512];
  uint64_t now[512];
};

static const eptdiff_question *question;
static const eptdiff_memory *memory;
static eptdiff_answer exit_by_ept; /* what EPT says, if it refuses */
static struct mapped frames[8];
static int frame_count;
static uint64_t last_gpa; /* of the last page that was asked for */

void seat_fails(const char *what) {
  printf("%s\n", what);
  fflush(stdout);
  abort();
}

static int refused(void) { return exit_by_ept.event == EPTDIFF_VM_EXIT; }

/* The host-physical address; whether EPT permits it. */
static int by_ept(uint64_t gpa, uint8_t access, eptdiff_answer *answer) {
  eptdiff_question part = *question;
  part.step = EPTDIFF_STEP_GUEST_PHYSICAL;
  part.gpa = gpa;
  part.access = access;
  simple_answer(&part, memory, answer);
  if (answer->event == EPTDIFF_VM_EXIT) exit_by_ept = *answer;
  return answer->event == EPTDIFF_COMPLETED;
}

static int loads_pdptes(void) {
  return (question->cr4 & CR4_PAE) != 0 && (question->efer & EFER_LMA) == 0;
}

/* The PDPTEs' own page is not read: the processor has them in registers. */
int guest_walk_page(unsigned long gpa, unsigned long *hpa) {
  eptdiff_answer answer = {0};
  if (refused()) return 0;
  last_gpa = gpa;
  if (frame_count == 0 && loads_pdptes()) {
    *hpa = gpa;
    return 1;
  }
  if (!by_ept(gpa, EPTDIFF_READ, &answer)) return 0;
  *hpa = answer.translations[0].address;
  return 1;
}

void *guest_walk_map(unsigned long hpa) {
  struct mapped *const frame = &frames[frame_count];
  int i;
  if (frame_count == 8) seat_fails("Xen maps more tables than there are levels");
  frame->gpa = last_gpa;
  frame->hpa = hpa;
  memset(frame->before, 0, sizeof(frame->before));
  if (frame_count == 0 && loads_pdptes()) {
    memcpy((char *)frame->before + (question->cr3 & 0xfe0), question->pdpte,
           sizeof(question->pdpte));
  } else {
    for (i = 0; i < 512; ++i) {
      frame->before[i] =
          memory->load(memory->context, hpa + 8 * (uint64_t)i);
    }
  }
  memcpy(frame->now, frame->before, sizeof(frame->now));
  ++frame_count;
  return frame->now;
}

enum put_back { PUT_BACK, MAY_NOT_BE_WRITTEN, CHANGED_MEANWHILE };

/* Stores what Xen has changed, from the root on. */
static enum put_back put_back(void) {
  eptdiff_answer answer = {0};
  int i;
  int k;
  for (k = 0; k < frame_count; ++k) {
    for (i = 0; i < 512; ++i) {
      if (frames[k].now[i] == frames[k].before[i]) continue;
      if (!by_ept(frames[k].gpa + 8 * (uint64_t)i, EPTDIFF_WRITE, &answer)) {
        return MAY_NOT_BE_WRITTEN;
      }
      if (!memory->compare_exchange(memory->context,
                                    frames[k].hpa + 8 * (uint64_t)i,
                                    frames[k].before[i], frames[k].now[i])) {
        return CHANGED_MEANWHILE;
      }
    }
  }
  return PUT_BACK;
}

static void exit_as_ept_says(eptdiff_answer *answer) {
  answer->event = EPTDIFF_VM_EXIT;
  answer->exit_reason = exit_by_ept.exit_reason;
  answer->gpa = exit_by_ept.gpa;
}

int eptdiff_target_answer(const eptdiff_question *asked,
                          const eptdiff_memory *words, eptdiff_answer *answer) {
  const int user = asked->cpl == 3 && !asked->implicit_supervisor;
  const struct guest_access access = {
      .gla = asked->gla,
      .cr0 = asked->cr0,
      .cr3 = asked->cr3,
      .cr4 = asked->cr4,
      .efer = asked->efer,
      .rflags = asked->rflags,
      .pkru = asked->pkru,
      .maxphyaddr = asked->maxphyaddr,
      .write = asked->access == EPTDIFF_WRITE,
      .fetch = asked->access == EPTDIFF_FETCH,
      .user = user,
      .implicit = asked->implicit_supervisor,
      .has_1_gbyte_pages = (asked->cpu & EPTDIFF_CPU_1_GBYTE_PAGES) != 0,
      .has_pse36 = (asked->cpu & EPTDIFF_CPU_PSE36) != 0,
  };
  struct guest_result result = {0};
  enum put_back stored = PUT_BACK;
  if (asked->step != EPTDIFF_STEP_LINEAR || (asked->cr0 & CR0_PG) == 0 ||
      (asked->cr4 & (CR4_PKS | CR4_CET)) != 0) {
    return EPTDIFF_NOT_MODELLED;
  }
  question = asked;
  memory = words;
  do {
    frame_count = 0;
    memset(&exit_by_ept, 0, sizeof(exit_by_ept));
    guest_walk_access(&access, &result);
    /* A page that Xen found by the tables it only looks for in the p2m. */
    if (result.translated) memset(&exit_by_ept, 0, sizeof(exit_by_ept));
    if (!refused()) stored = put_back();
  } while (!refused() && stored == CHANGED_MEANWHILE);
  if (refused()) {
    exit_as_ept_says(answer);
    return EPTDIFF_ANSWERED;
  }
  if (!result.translated) {
    answer->event = EPTDIFF_PAGE_FAULT;
    answer->error_code = result.error_code;
    answer->cr2 = access.gla;
    return EPTDIFF_ANSWERED;
  }
  if (!by_ept(result.gpa, asked->access, answer)) exit_as_ept_says(answer);
  return EPTDIFF_ANSWERED;
}

void eptdiff_target_describe(eptdiff_profile *profile) {
  profile->models = EPTDIFF_MODELS_4_LEVELS | EPTDIFF_MODELS_LINEAR_32_BIT |
                    EPTDIFF_MODELS_LINEAR_PAE | EPTDIFF_MODELS_LINEAR_4_LEVEL |
                    EPTDIFF_MODELS_SMEP_SMAP | EPTDIFF_MODELS_PROTECTION_KEYS;
  profile->fills = EPTDIFF_FILLS_EVENT | EPTDIFF_FILLS_EXIT_REASON |
                   EPTDIFF_FILLS_GPA | EPTDIFF_FILLS_CR2 |
                   EPTDIFF_FILLS_ERROR_CODE | EPTDIFF_FILLS_ADDRESS |
                   EPTDIFF_FILLS_PAGE_SIZE | EPTDIFF_FILLS_MEMORY;
  profile->offsets_left_out = EPTDIFF_OFFSET_OF_GPA;
  snprintf(profile->name, sizeof(profile->name), "xen_guest_walk");
}
